import assert from 'node:assert/strict';
import { test } from 'node:test';

import { AnswerText } from '../../Sources/FreshetDemo/Pages/Site/answer-text.mjs';
import { FakeDocument } from './fakes.mjs';

function shown(pieces, { finish = true } = {}) {
    const { text, container, frames, blocks, document } = begin();
    for (const piece of pieces) {
        text.write(piece);
        frames.splice(0).forEach((draw) => draw());
    }
    if (finish) text.finish();
    return { outline: blocksOf(container).map((block) => block.outline).join(''), blocks, container, document, text };
}

/** The blocks of an answer, out of the groups that they stand in. */
function blocksOf(container) {
    return container.childNodes.flatMap((group) => group.childNodes);
}

function begin() {
    const document = new FakeDocument();
    const container = document.createElement('div');
    const frames = [];
    const blocks = [];
    let draws = 0;
    const text = new AnswerText(container, {
        frame: (draw) => frames.push(draw),
        onBlock: (block) => blocks.push(block),
        onDraw: () => { draws += 1; },
    });
    return { text, container, frames, blocks, document, draws: () => draws };
}

const sample = 'One `code` line\nand its rest.\n\n- first\n- second\n  goes on\n\nThen:\n\n```\nif (a) {\n\n    b - c\n}\n```\n\nEnd.';
const sampleOutline = '<p>One <code>code</code> line and its rest.</p><ul><li>first</li><li>second   goes on</li></ul>'
    + '<p>Then:</p><pre><code>if (a) {\n\n    b - c\n}</code></pre><p>End.</p>';

test('paragraphs, lists, code blocks and code in a line are shown, however the text is cut', () => {
    for (let size = 1; size <= sample.length; size += 1) {
        const pieces = [];
        for (let at = 0; at < sample.length; at += size) pieces.push(sample.slice(at, at + size));
        assert.equal(shown(pieces).outline, sampleOutline);
    }
});

test('what looks like markup is text', () => {
    const attack = '<img src=x onerror=alert(1)><script>alert(2)</script> & `<b>`';
    const { outline, container } = shown([attack]);
    assert.equal(container.textContent, attack.replaceAll('`', ''));
    assert.equal(outline, '<p><img src=x onerror=alert(1)><script>alert(2)</script> & <code><b></code></p>');
    const blocks = blocksOf(container);
    assert.deepEqual(blocks.map((block) => block.name), ['p']);
    assert.deepEqual(blocks[0].childNodes.map((child) => child.name), [undefined, 'code']);
});

test('leading spaces and empty tokens survive', () => {
    assert.equal(shown(['Hello', '', ' World', '  twice']).outline, '<p>Hello World  twice</p>');
});

test('a word is shown in the next frame, and a frame draws everything that arrived at once', () => {
    const { text, container, frames, draws } = begin();
    for (const word of ['A', ' b', ' c']) text.write(word);
    assert.equal(frames.length, 1);
    assert.equal(container.textContent, '');
    frames.splice(0).forEach((draw) => draw());
    assert.equal(container.textContent, 'A b c');
    assert.equal(draws(), 1);
    text.write(' d');
    assert.equal(frames.length, 1);
    text.finish();
    assert.equal(container.textContent, 'A b c d');
    frames.splice(0).forEach((draw) => draw());
    assert.equal(draws(), 2, 'a frame with nothing to draw draws nothing');
});

test('the beginning of a line is held only while it may be a marker, and shown at the end', () => {
    assert.equal(shown(['``'], { finish: false }).outline, '');
    assert.equal(shown(['-']).outline, '<p>-</p>');
    assert.equal(shown(['-x']).outline, '<p>-x</p>');
    assert.equal(shown(['a\n', '``', 'b`']).outline, '<p>a <code></code>b<code></code></p>');
    assert.equal(shown(['```\n``']).outline, '<pre><code>``</code></pre>');
});

test('an unfinished code block or code span ends with the answer', () => {
    assert.equal(shown(['```js\nlet a\n']).outline, '<pre><code>let a</code></pre>');
    assert.equal(shown(['see `a\n\nb']).outline, '<p>see <code>a</code></p><p>b</p>');
});

test('each block is told when it is complete, for who listens instead of looking', () => {
    assert.deepEqual(shown(['One.\n\nTwo', ' words.\n\n- x\n- y']).blocks, ['One.', 'Two words.', 'x', 'y']);
});

test('after a gap everything is forgotten and shown anew', () => {
    const { text, container } = shown(['- old\n\n`half'], { finish: false });
    text.write('never drawn');
    text.clear();
    text.write('New');
    text.finish();
    assert.deepEqual(blocksOf(container).map((block) => block.outline), ['<p>New</p>']);
});

test('a token costs the same however long the answer is', () => {
    const cost = (count, word) => {
        const { document, container } = shown(Array.from({ length: count }, () => word));
        assert.equal(container.textContent.replaceAll(/\s/g, '').length, count * word.trim().length);
        return document;
    };
    for (const word of [' word', 'x', ' word.\n\n']) {
        const short = cost(1_000, word);
        const long = cost(50_000, word);
        assert.ok(long.appended <= 51 * short.appended, 'every character is appended once');
        assert.ok(long.longestCopy < 1_200, `one append copied ${long.longestCopy} characters`);
    }
});

test('a block without end is continued in another, so that laying it out stays cheap', () => {
    const endless = { word: ' word', character: '水', code: '\nlet a = 1', span: 'x' };
    for (const [kind, piece] of Object.entries(endless)) {
        const opening = { code: '```\n', span: '`' }[kind] ?? '';
        const { container } = shown([opening, ...Array.from({ length: 40_000 }, () => piece)]);
        assert.ok(blocksOf(container).length > 4, kind);
        for (const block of blocksOf(container)) assert.ok(block.textContent.length < 8_400, kind);
        const letters = (text) => text.replaceAll(/\s/g, '').length;
        assert.equal(letters(container.textContent), 40_000 * letters(piece), kind);
    }
});

test('no element ever holds many blocks, so that laying out their parent stays cheap', () => {
    for (const piece of ['word\n\n', '- item\n']) {
        const { container } = shown(Array.from({ length: 1_000 }, () => piece));
        const widest = (parent) => Math.max(parent.childNodes.length, ...parent.childNodes
            .filter((child) => child.childNodes).map(widest));
        assert.ok(widest(container) <= 64, piece);
        assert.equal(container.textContent.replaceAll(/\s/g, '').length, 4_000);
    }
});
