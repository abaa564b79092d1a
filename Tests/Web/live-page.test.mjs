import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { describe, test } from 'node:test';

import { height, line, width } from '../../Sources/FreshetServer/LivePage/Page/graph.mjs';
import { Poll } from '../../Sources/FreshetServer/LivePage/Page/poll.mjs';
import { refusal } from '../../Sources/FreshetServer/LivePage/Page/server.mjs';
import { EventWindow, raw } from '../../Sources/FreshetServer/LivePage/Page/window.mjs';
import * as words from '../../Sources/FreshetServer/LivePage/Page/words.mjs';
import { FakeClock, settled } from './fake-tabs.mjs';

const folder = new URL('../../Sources/FreshetServer/LivePage/', import.meta.url);

test('every file of the page is served, makes no markup of a text, and has no script or style of its own in it', () => {
    const route = readFileSync(new URL('LivePage.swift', folder), 'utf8');
    for (const name of readdirSync(new URL('Page', folder))) {
        assert.ok(route.includes(`PackageResources.${name.replace('.', '_')}`), name);
        const text = readFileSync(new URL(`Page/${name}`, folder), 'utf8');
        assert.doesNotMatch(text, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|javascript:/, name);
        if (name.endsWith('.html')) assert.doesNotMatch(text, /<script(?![^>]*src=)|<style|\sstyle=|\son\w+=/);
    }
});

describe('what strangers wrote', () => {
    test('shows what moves, hides or turns around other text', () => {
        assert.equal(words.visibleName('evil\u202etxt.exe'), 'evil\\u{202E}txt.exe');
        assert.equal(words.visibleName('a\u200bb\u00adc\ufeff\u{e0041}'), 'a\\u{200B}b\\u{AD}c\\u{FEFF}\\u{E0041}');
        assert.equal(words.visible('\u001b[31m\r\n\ud800'), '\\u{1B}[31m\\u{D}\\u{A}\\u{D800}');
        assert.equal(words.visibleLines('a\n\tb\r\u2067'), 'a\n\tb\\u{D}\\u{2067}');
        for (const text of ['日本語', 'نص', 'é', '👩\u200d💻', '<b>&amp;']) assert.equal(words.visible(text), text);
    });

    test('is cut between characters', () => {
        assert.equal(words.beginning('abc', 3), 'abc');
        assert.equal(words.beginning('ab👩', 3), 'ab');
        assert.deepEqual(words.parts('', 4), ['']);
        const text = '👩a'.repeat(1_000);
        const found = words.parts(text, 100);
        assert.equal(found.join(''), text);
        assert.ok(found.every((part) => part.length <= 100 && part.isWellFormed()));
    });

    test('is a path that leads to the stream, and back', () => {
        for (const name of ['a', 'a/b c', '?x=1#y', '100%', '\u202e', '日本/語', '__proto__', '<img src=x>']) {
            const link = words.streamLink(name);
            assert.match(link, /^#\/stream\/[\w./%!~*'()-]+$/);
            assert.deepEqual(words.place(link), { page: 'stream', name });
        }
        assert.equal(words.place('#/stream/%E0%A4%A'), null);
        assert.equal(words.place('#/elsewhere'), null);
        assert.equal(words.place('#/streams?search=a%20b&sort=-bytes').query.get('search'), 'a b');
        assert.equal(words.place('').page, 'streams');
        assert.deepEqual([words.place('#/answers').page, words.place('#/answers?state=open').query.get('state')], ['answers', 'open']);
    });
});

test('numbers are said as people read them', () => {
    assert.deepEqual([0, 59, 60, 3_725, 90_061, -1].map(words.duration), ['0 s', '59 s', '1 min', '1 h 2 min', '1 d 1 h', '0 s']);
    assert.deepEqual([0, 1023, 1024, 1_500_000, null].map(words.size), ['0 bytes', '1,020 bytes', '1 KiB', '1.43 MiB', 'unknown']);
    assert.deepEqual([0.00025, 0.0042, 1.5, null].map(words.latency), ['250 µs', '4.2 ms', '1.5 s', 'none yet']);
    assert.equal(words.state({ end: null }), 'open');
    assert.equal(words.state({ end: { reason: 'failed', detail: 'no\u202e' } }), 'failed: no\\u{202E}');
    assert.equal(new Date(words.timeOf('0Q8dUkGC0000')).toISOString(), '2026-11-29T18:04:36.236Z');
    assert.equal(words.timeOf('-1'), null);
});

test('an answer is said with what the relay measured, and without what it did not', () => {
    // Its last event came 2,236 ms after it began.
    const answer = { created: '2026-11-29T18:04:34.000Z', tail: '0Q8dUkGC0000', relay: { tokens: 1_117, ttft: 2.25, unread: 5 } };
    assert.deepEqual(words.answerFigures(answer), { 'First token': '2.25 ms', 'Token rate': '500/s', Tokens: '1,117', 'Unread tokens': '5' });
    for (const relay of [undefined, {}, { tokens: 0, events: 0, unread: 0 }]) {
        assert.equal(words.tokenRate({ ...answer, relay }), null);
        assert.equal(words.answerFigures({ ...answer, relay })['First token'], '');
    }
    assert.equal(words.answerFigures({ ...answer, relay: { tokens: 0, unread: 0 } }).Tokens, '0');
    // All of it at once.
    assert.equal(words.tokenRate({ ...answer, relay: { tokens: 3, ttft: 2_236 } }), null);
});

test('a rate is of what is known, and of one and the same', () => {
    const rates = new words.Rates();
    assert.equal(rates.next([['a', 10]], 0).get('a'), null);
    assert.equal(rates.next([['a', 30], ['b', 5]], 2_000).get('a'), 10);
    const again = rates.next([['a', 3], ['b', 5]], 3_000);
    assert.deepEqual([again.get('a'), again.get('b')], [null, 0]);
    // Of what was counted at a moment of its own: nothing is known of one that has not counted again.
    const told = new words.Rates();
    told.next([['a', 10, 500], ['b', 10, 900]], 1_000);
    const later = told.next([['a', 30, 2_500], ['b', 10, 900]], 3_000);
    assert.deepEqual([later.get('a'), later.get('b')], [10, null]);
});

test('a node that should have said something by now is silent', () => {
    assert.equal(words.nodeState({ state: 'ready', said: 1.2 }), 'ready');
    assert.equal(words.nodeState({ state: 'draining', said: 4.9 }), 'draining, silent for 4 s');
    assert.equal(words.nodeState({ state: '\u202ey', said: 0 }), '\\u{202E}y');
});

test('a page holds as many events as it can, and one that is too large', () => {
    const window = new EventWindow({ events: 3, characters: 10 });
    for (const data of ['a', 'b', 'c', 'd']) window.add({ data });
    assert.deepEqual([window.events.map(({ data }) => data).join(''), window.seen, window.dropped], ['bcd', 4, 1]);
    window.add({ data: 'x'.repeat(100) });
    assert.deepEqual([window.events.length, window.seen, window.dropped], [1, 5, 4]);
    assert.equal(raw({ type: 'message', id: '1', data: 'a\n\nb' }), 'id: 1\ndata: a\ndata: \ndata: b');
    assert.equal(raw({ type: 'token', id: '', data: 'x' }), 'event: token\ndata: x');
});

test('a line has the last number at the right, the highest at the top, and gaps', () => {
    assert.equal(line([], 3), '');
    assert.equal(line([0, 5, 10], 3), `M0.0 ${height}.0L${width / 2}.0 ${height / 2}.0L${width}.0 0.0`);
    assert.equal(line([1], 3), `M${width}.0 0.0L${width}.0 0.0`);
    assert.equal(line([1, null, 1], 3).match(/M/g).length, 2);
    assert.equal(line([0, 0], 2), `M0.0 ${height}.0L${width}.0 ${height}.0`);
});

test('what a server refuses is said in its words, and a proxy\'s page is not', () => {
    const own = refusal(403, JSON.stringify({ type: 'urn:freshet:missing-right', detail: 'It lacks `inspect`.' }));
    assert.deepEqual([own.message, own.code, own.status], ['It lacks `inspect`.', 'missing-right', 403]);
    for (const text of ['<html>', 'null', '{"type":1}', '']) assert.equal(refusal(502, text).message, 'The server answered with status 502.');
});

describe('a poll', () => {
    function polled({ took = 0 } = {}) {
        const clock = new FakeClock();
        const document = Object.assign(new EventTarget(), { visibilityState: 'visible' });
        const page = Object.assign(new EventTarget(), {
            document, setTimeout: clock.setTimeout, clearTimeout: clock.clearTimeout, performance: { now: () => clock.time }, Math: { random: () => 1 },
        });
        const seen = { asked: [], took: [], failed: 0, isFailing: false };
        const poll = new Poll({
            page,
            every: 1_000,
            ask: async () => {
                seen.asked.push(clock.time - 1_000_000);
                clock.time += took;
                if (seen.isFailing) throw new Error('no');
                return seen.asked.length;
            },
            take: (answer) => seen.took.push(answer),
            fail: () => {
                seen.failed += 1;
            },
        });
        const show = (state) => {
            document.visibilityState = state;
            document.dispatchEvent(new Event('visibilitychange'));
        };
        return { clock, poll, seen, show };
    }

    test('asks at once and again, and no more once it is stopped', async () => {
        const { clock, poll, seen } = polled();
        poll.start();
        await clock.pass(2_500);
        assert.deepEqual(seen.asked, [0, 1_000, 2_000]);
        poll.stop();
        await clock.pass(5_000);
        assert.equal(seen.asked.length, 3);
    });

    test('asks less often what takes the server long', async () => {
        const { clock, poll, seen } = polled({ took: 200 });
        poll.start();
        await clock.pass(4_300);
        assert.deepEqual(seen.asked, [0, 4_200]);
    });

    test('comes back ever more rarely, and at once when it is told to', async () => {
        const { clock, poll, seen } = polled();
        seen.isFailing = true;
        poll.start();
        await clock.pass(7_500);
        assert.deepEqual(seen.asked, [0, 1_000, 3_000, 7_000]);
        await clock.pass(200_000);
        const gaps = seen.asked.slice(-3).map((time, index, all) => time - all[index - 1]).slice(1);
        assert.deepEqual(gaps, [30_000, 30_000]);
        seen.isFailing = false;
        const { length } = seen.asked;
        poll.now();
        await settled();
        await clock.pass(1_000);
        assert.equal(seen.asked.length, length + 2);
    });

    test('asks nothing while nobody looks, and at once when somebody does', async () => {
        const { clock, poll, seen, show } = polled();
        poll.start();
        await clock.pass(100);
        show('hidden');
        await clock.pass(60_000);
        assert.equal(seen.asked.length, 1);
        show('visible');
        await clock.pass(1_500);
        assert.equal(seen.asked.length, 3);
    });

    test('forgets what was asked for before', async () => {
        const { poll, seen } = polled();
        poll.start();
        poll.now();
        await settled();
        assert.deepEqual([seen.asked.length, seen.took], [2, [2]]);
        poll.stop();
    });
});
