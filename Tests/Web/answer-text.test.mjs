import assert from 'node:assert/strict';
import { test } from 'node:test';

import { AnswerText } from '../../clients/browser/text/answer-text.js';
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

/** A block of code, as it is outlined. */
function fenced(language, code) {
    return `<div className=fenced><div className=fenced-head><span className=language>${language}</span>`
        + `<button className=copy>Copy</button></div><div className=code-parts><pre><code>${code}</code></pre></div></div>`;
}

const sample = 'One `code` line\nand its rest.\n\n- first\n- second\n  goes on\n\nThen:\n\n```\nif (a) {\n\n    b - c\n}\n```\n\nEnd.';
const sampleOutline = '<p>One <code>code</code> line and its rest.</p><ul><li>first</li><li>second goes on</li></ul>'
    + `<p>Then:</p>${fenced('Code', 'if (a) {\n\n    b - c\n}')}<p>End.</p>`;

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
    assert.equal(shown(['-'], { finish: false }).outline, '');
    assert.equal(shown(['-']).outline, '<ul><li></li></ul>');
    assert.equal(shown(['-x']).outline, '<p>-x</p>');
    assert.equal(shown(['a\n', '``', 'b`']).outline, '<p>a ``b`</p>');
    assert.equal(shown(['```\n``']).outline, fenced('Code', '``'));
});

test('an unfinished code block ends with the answer; what else is unfinished is shown as meant until its block ends', () => {
    assert.equal(shown(['```js\nlet a\n']).outline, fenced('js', 'let a'));
    const unfinished = { 'see `a': 'see <code>a</code>', 'a **b c': 'a <strong>b c</strong>', 'a [b](https://e.o': 'a <span>b</span>' };
    for (const [text, outline] of Object.entries(unfinished)) {
        assert.equal(shown([text], { finish: false }).outline, `<p>${outline}</p>`);
        assert.equal(shown([`${text}\n\nb`]).container.textContent, `${text}b`, 'it was text after all');
    }
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

const page = '## Head\n\nSome **bold** and `code` with a [link](https://e.org) word word.\n\n- one *two*\n  - three\n\n1. x\n\n'
    + '| a | b |\n|---|---|\n| 1 | **2** |\n| 3 | 4 |\n\n```js\nlet a = 1;\nb();\n```\n\n> quote\n\n';

/** How many nodes each token touches, drawn one by one. */
function touches(count, token, opening = '') {
    const { text, document, container } = begin();
    const touched = [];
    text.write(opening);
    for (let index = 0; index < count; index += 1) {
        const before = document.touched;
        text.write(token(index));
        text.draw();
        touched.push(document.touched - before);
    }
    return { touched, document, container };
}

const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

test('a token costs the same at the 20,000th as at the 100th: only what it may change is drawn anew', () => {
    const tokens = page.match(/\s*\S+/g);
    const answers = {
        page: touches(20_100, (index) => tokens[index % tokens.length]),
        paragraph: touches(20_100, () => ' word'),
        paragraphs: touches(20_100, () => ' word.\n\n'),
        letters: touches(20_100, () => 'x'),
        items: touches(20_100, () => 'a\n- ', '- '),
        rows: touches(20_100, () => '| 1 | 2 |\n', '| a | b |\n|---|---|\n'),
        code: touches(20_100, () => 'x = 1\n', '```\n'),
        open: touches(20_100, () => ' word', '**'),
    };
    for (const [name, { touched, document }] of Object.entries(answers)) {
        const [early, late] = [mean(touched.slice(50, 150)), mean(touched.slice(20_000))];
        assert.ok(late <= 1.1 * early + 1, `${name}: ${early} nodes a token, then ${late}`);
        assert.ok(document.longestCopy <= 2_100, `${name}: one append copied ${document.longestCopy} characters`);
    }
});

test('what would be drawn anew is bounded even where every token opens something', () => {
    for (const token of ['*a ', '[a ', '`a``', '~~a']) {
        const { touched } = touches(1_500, () => token);
        assert.ok(Math.max(...touched) < 1_500, `${token}: ${Math.max(...touched)}`);
        assert.ok(mean(touched.slice(1_000)) <= 1.2 * mean(touched.slice(500, 1_000)) + 1, token);
    }
});

test('the control: drawing the whole answer anew at each token costs more with each', () => {
    const tokens = page.match(/\s*\S+/g);
    const cost = (count) => {
        const { text, document } = begin();
        text.write(Array.from({ length: count }, (_, index) => tokens[index % tokens.length]).join(''));
        text.draw();
        return document.touched;
    };
    assert.ok(cost(20_000) > 100 * cost(100));
});

test('a block without end is continued in another, so that laying it out stays cheap', () => {
    const endless = { word: ' word', character: '水', code: '\nlet a = 1', span: 'x', bold: 'b ' };
    for (const [kind, piece] of Object.entries(endless)) {
        const opening = { code: '```\n', span: '`', bold: '**' }[kind] ?? '';
        const { container } = shown([opening, ...Array.from({ length: 12_000 }, () => piece)]);
        const parts = kind === 'code' ? container.all('pre') : blocksOf(container);
        assert.ok(parts.length > 1, kind);
        for (const part of parts) assert.ok(part.textContent.length < 8_400, kind);
        const letters = (text) => text.replaceAll(/\s/g, '').length;
        const around = kind === 'code' ? letters('CodeCopy') : letters(opening);
        assert.equal(letters(container.textContent), 12_000 * letters(piece) + around, kind);
        // However much comes at once.
        const whole = shown([opening + piece.repeat(12_000)]).container;
        for (const part of kind === 'code' ? whole.all('pre') : blocksOf(whole)) assert.ok(part.textContent.length < 8_400, kind);
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
