// What a real model writes, and what a hostile one could: shown as meant, or as the text that it is, however it is cut.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { AnswerText } from '../../clients/browser/text/answer-text.js';
import { linkTarget } from '../../clients/browser/text/markdown-links.js';
import { FakeDocument } from './fakes.mjs';

function show(pieces) {
    const container = new FakeDocument().createElement('div');
    const text = new AnswerText(container, { frame: () => {} });
    for (const piece of pieces) {
        text.write(piece);
        text.draw();
    }
    text.finish();
    return container;
}

/** The blocks of a text; the same wherever it is cut into pieces of one size, and into two. */
function outline(text) {
    const of = (pieces) => show(pieces).childNodes.flatMap((group) => group.childNodes).map((block) => block.outline).join('');
    const whole = of([text]);
    for (let size = 1; size < text.length; size += 1) {
        const pieces = [];
        for (let at = 0; at < text.length; at += size) pieces.push(text.slice(at, at + size));
        assert.equal(of(pieces), whole, `in pieces of ${size}`);
        assert.equal(of([text.slice(0, size), text.slice(size)]), whole, `cut at ${size}`);
    }
    return whole;
}

const inline = (text) => outline(text).replace(/^<p>(.*)<\/p>$/s, '$1');

describe('inside a line', () => {
    const cases = {
        '**bold** and *it* and ***both*** and ~~gone~~': '<strong>bold</strong> and <em>it</em> and <em><strong>both</strong></em> and <del>gone</del>',
        '**bold *and it* too**': '<strong>bold <em>and it</em> too</strong>',
        '2 * 3 * 4, a_b_c, 5**2, ** x **, ~5': '2 * 3 * 4, a_b_c, 5**2, ** x **, ~5',
        '__a__ _b_ in_the_middle': '<strong>a</strong> <em>b</em> in_the_middle',
        '`a **b**` and ``a`b`` and `` ` ``': '<code>a **b**</code> and <code>a`b</code> and <code>`</code>',
        '\\*not\\* \\`this\\` \\a': '*not* `this` \\a',
        'a  \nb\\\nc\nd': 'a<br></br>b<br></br>c d',
        '[a **b**](https://e.org/a_(b)?q=1 "t")': '<a href=https://e.org/a_(b)?q=1>a <strong>b</strong></a>',
        '[a](<https://e.org/x>) [m](mailto:a@b.c) ![i](https://e.org/i.png)': '<a href=https://e.org/x>a</a> <a href=mailto:a@b.c>m</a> <a href=https://e.org/i.png>i</a>',
        'See https://e.org/a_b, (https://e.org/(x)). <https://e.org/>!': 'See <a href=https://e.org/a_b>https://e.org/a_b</a>, (<a href=https://e.org/(x)>https://e.org/(x)</a>). <a href=https://e.org/>https://e.org/</a>!',
        '**[a](https://e.org)** [b [c](https://e.org) d](https://f.org)': '<strong><a href=https://e.org/>a</a></strong> [b <a href=https://e.org/>c</a> d](<a href=https://f.org/>https://f.org</a>)',
        '请看https://e.org/。水**粗**。': '请看<a href=https://e.org/>https://e.org/</a>。水<strong>粗</strong>。',
        '[a] [b][c] [d](e f) [g](h': '[a] [b][c] [d](e f) [g](h',
        '😀 **😀** 👩‍👩‍👧': '😀 <strong>😀</strong> 👩‍👩‍👧',
    };
    for (const [text, expected] of Object.entries(cases)) test(JSON.stringify(text), () => assert.equal(inline(text), expected));
});

describe('blocks', () => {
    const cases = {
        '# A\n### B\ntext\n## C\n': '<h3>A</h3><h4>B</h4><p>text</p><h4>C</h4>',
        '#no\n####### no': '<p>#no ####### no</p>',
        '- a\n  - b\n    1. c\n  - d\n- e\n\n  f\n': '<ul><li>a<ul><li>b<ol><li>c</li></ol></li><li>d</li></ul></li><li>e<p>f</p></li></ul>',
        '1. a\n  - lenient\n2. b\n   lazy\n': '<ol><li>a<ul><li>lenient</li></ul></li><li>b lazy</li></ol>',
        '7. a\n8. b\n\n* x\n+ y\n': '<ol start=7><li>a</li><li>b</li></ol><ul><li>x</li></ul><ul><li>y</li></ul>',
        'In\n1986. was\n- x': '<p>In 1986. was</p><ul><li>x</li></ul>',
        '> a **b**\nlazy\n> - c\n>\n> d\n\ne': '<blockquote><p>a <strong>b</strong> lazy</p><ul><li>c</li></ul><p>d</p></blockquote><p>e</p>',
        '---\na\n***\n- - -\n': '<hr></hr><p>a</p><hr></hr><hr></hr>',
    };
    for (const [text, expected] of Object.entries(cases)) test(JSON.stringify(text), () => assert.equal(outline(text), expected));

    test('a table has a head, alignments, and every cell that was written', () => {
        const text = '| a | b \\| c | d |\n|---|:-:|--:|\n| 1 | **2** | x<br>y |\n| `3` |\n|| e || extra |\n\nafter';
        const head = '<thead><tr><th>a</th><th className=align-center>b | c</th><th className=align-end>d</th></tr></thead>';
        const short = '<tr><td><code>3</code></td><td className=align-center colSpan=2></td></tr>';
        const row = (...cells) => `<tr><td>${cells[0]}</td><td className=align-center>${cells[1]}</td><td className=align-end>${cells[2]}</td></tr>`;
        const body = row(1, '<strong>2</strong>', 'x<br></br>y') + short + row('', 'e', ' | extra');
        assert.equal(outline(text), `<div><div className=table><table>${head}<tbody>${body}</tbody></table></div></div><p>after</p>`);
        assert.equal(outline('a | b\nno table'), '<p>a | b no table</p>');
    });

    test('a short row of a wide table costs no more nodes than it says', () => {
        const container = show([`${'|h'.repeat(130)}|\n${'|-'.repeat(130)}|\n${'a\n'.repeat(200)}`]);
        const cells = container.all('td');
        assert.deepEqual([cells.length, cells[0].textContent, cells[1].colSpan], [400, 'a', 129]);
        assert.ok(container.ownerDocument.touched < 5000, `${container.ownerDocument.touched} nodes`);
    });

    test('code is what stands between its fences, in a list and outside of one', () => {
        const code = (text) => show([text]).all('code').map((each) => each.textContent);
        for (const text of ['````md\n```\n**a**\n```\n````\n', '~~~\n```\n**a**\n```\n~~~\n']) {
            outline(text);
            assert.deepEqual(code(text), ['```\n**a**\n```']);
        }
        const list = '1. first\n   ```swift\n   let a = 1\n\n     b\n   ```\n2. ```\nnot indented\n```\n3. third';
        outline(list);
        assert.deepEqual(code(list), ['let a = 1\n\n  b', 'not indented']);
        assert.equal(show([list]).all('li').length, 3);
    });
});

describe('what is hostile', () => {
    test('markup is text, wherever it stands', () => {
        const attack = '<img src=x onerror=alert(1)><script>alert(2)</script>';
        for (const frame of ['$', '**$**', '# $', '- $', '> $', '`$`', '```$\n$\n```', '| $ |\n|---|\n| $ |', '[$](https://e.org)']) {
            const container = show([frame.replaceAll('$', attack)]);
            assert.ok(container.textContent.includes('<script>alert(2)</script>'), frame);
            assert.deepEqual([...container.all('img'), ...container.all('script')], [], frame);
        }
    });

    test('only addresses of the web and of mailboxes are linked', () => {
        const bad = [
            'javascript:alert(1)', 'JaVaScRiPt:alert(1)', 'java\nscript:alert(1)', 'java\tscript:x', ' javascript:x', '\u0001javascript:x', 'data:text/html,x',
            'vbscript:x', 'file:///etc/passwd', 'blob:https://e.org/x', '/relative', '//e.org', '#x', 'x.html', 'https:e.org', 'https://', 'http:// e.org',
            'https://e.org/\u202egnp.exe', 'https://e.org\\@f.org', 'https://e.org/"onclick="x', 'feed:https://e.org', '&#106;avascript:x',
        ];
        for (const address of bad) {
            assert.equal(linkTarget(address), null, address);
            for (const text of [`[x](${address})`, `![x](${address})`, `<${address}>`, `[x](<${address}>)`]) {
                for (const link of show([text]).all('a')) assert.match(link.href, /^https?:\/\/e\.org\/?$|^https:\/\/e\.org\/x$/, text);
            }
        }
        assert.equal(linkTarget('HTTPS://E.org/ü'), 'https://e.org/%C3%BC');
    });

    test('a link tells where it leads, and its page cannot reach back', () => {
        const [link] = show(['[https://bank.example](https://evil.example/x)']).all('a');
        assert.deepEqual([link.title, link.target], ['https://evil.example/x', '_blank']);
        for (const word of ['noopener', 'noreferrer']) assert.ok(link.rel.split(' ').includes(word));
        assert.equal(link.textContent, 'https://bank.example');
    });

    test('marks that turn text around are named in code, and lists run as their words do', () => {
        const container = show(['```\nuser\u202e \u2066// x\u2069\n```\n\n`a\u202eb`\n\n- \u05d0']);
        assert.deepEqual(container.all('span').filter(({ className }) => className === 'turning').map(({ title }) => title), ['U+202E', 'U+2066', 'U+2069', 'U+202E']);
        assert.equal(container.all('code')[0].textContent, 'user\u202e \u2066// x\u2069', 'what is copied is what was written');
        assert.equal(container.all('ul')[0].dir, 'auto');
        assert.equal(container.all('div').find(({ className }) => className === 'fenced').dir, 'ltr');
    });

    test('depth is bounded, and nothing is lost by it', () => {
        const depth = (node) => 1 + Math.max(0, ...node.childNodes?.map(depth) ?? []);
        for (const text of [`${'> '.repeat(500)}end`, `${'- '.repeat(500)}end`, `${'['.repeat(5_000)}end`, `${'*a **b '.repeat(2_000)}end`]) {
            const container = show([text]);
            assert.ok(depth(container) < 400, text.slice(0, 9));
            assert.ok(container.textContent.endsWith('end'), text.slice(0, 9));
        }
    });

    test('chance finds no text that is shown differently when it is cut differently', () => {
        const parts = ['a', 'b c', ' ', '  ', '\n', '\n', '\n\n', '**', '*', '_', '__', '~~', '`', '``', '```', '```js\n', '[', '](https://e.org)', '](',
            '(', ')', '![', '<', '>', '> ', '- ', '* ', '1. ', '2) ', '# ', '| ', '|', '|---|---|\n', '| a | b |\n', '---', '\\', 'https://x.org/a', '<br>',
            '水', '😀', '\t', '    ', '"t"', '!', '~~~\n', '\u202e', '\r\n'];
        let seed = 13;
        const random = (count) => {
            seed = (seed * 1_664_525 + 1_013_904_223) % 4_294_967_296;
            return Math.floor((seed / 4_294_967_296) * count);
        };
        for (let round = 0; round < 500; round += 1) {
            const text = Array.from({ length: 1 + random(14) }, () => parts[random(parts.length)]).join('');
            const whole = show([text]).outline;
            for (const size of [1, 2, 3]) {
                const pieces = text.match(new RegExp(`.{1,${size}}`, 'gsu')) ?? [];
                assert.equal(show(pieces).outline, whole, JSON.stringify(text));
            }
        }
    });
});
