import assert from 'node:assert/strict';
import { test } from 'node:test';

import { FreshetSource } from '../../clients/browser/freshet.js';
import { EventStreamParser } from '../../clients/browser/reading/parser.js';
import { FakeBrowser, FakeStream, settled } from './fake-tabs.mjs';

const url = '/v1/stream/answer';
const types = ['open', 'message', 'token', 'error', 'end', 'gap', 'start', 'reconnect'];

/** A source whose every event is noted. */
function read(browser, { options = {}, path = url, ...tab } = {}) {
    const page = browser.tab(tab);
    const source = new FreshetSource(path, options, page);
    const events = [];
    for (const type of types) source.addEventListener(type, (event) => events.push(event));
    return {
        source, page, events,
        of: (type) => events.filter((event) => event.type === type),
        get text() {
            return events.filter(({ type }) => type === 'message').map(({ data }) => data).join('');
        },
    };
}

/** One reader alone, whose requests the test answers. */
async function alone(options = {}, tab = {}) {
    const browser = new FakeBrowser();
    const reader = read(browser, { options: { share: false, ...options }, ...tab });
    await settled();
    return { browser, ...reader, get text() { return reader.text; } };
}

test('the parser gives the same events however the bytes are cut', () => {
    const body = '\uFEFFdata: a\n\nevent: token\rid: 1\rdata: b\rdata:  c\r\rretry: 70\r\n: note\r\ndata\r\n\r\nid: 2\0\ndata:d\n\nid:3\n\nevent:x\n\n'
        + 'data: é😀\nignored: 1\n\ndata: unfinished';
    const bytes = new TextEncoder().encode(body);
    const expected = [['message', 'a', ''], ['token', 'b\n c', '1'], ['message', '', '1'], ['message', 'd', '1'], ['message', 'é😀', '3']];
    for (let size = 1; size <= bytes.length; size += 1) {
        const parser = new EventStreamParser('');
        const decoder = new TextDecoder();
        const events = [];
        for (let at = 0; at < bytes.length; at += size) {
            events.push(...parser.feed(decoder.decode(bytes.subarray(at, at + size), { stream: true })));
        }
        assert.deepEqual(events, expected, `pieces of ${size}`);
        assert.equal(parser.retry, 70);
        assert.ok(parser.hasComments);
        assert.equal(parser.lastEventId, '3');
    }
});

test('a long line that comes in many pieces costs what it is long', () => {
    const parser = new EventStreamParser('');
    parser.feed('data: ');
    for (let count = 0; count < 200_000; count += 1) parser.feed('0123456789');
    const [[, data]] = parser.feed('\n\n');
    assert.equal(data.length, 2_000_000);
});

test('it has the interface of EventSource', async () => {
    const { browser, source } = await alone();
    assert.deepEqual([source.url, source.readyState, source.withCredentials], ['http://app.test/v1/stream/answer', 0, false]);
    assert.deepEqual([FreshetSource.CONNECTING, FreshetSource.OPEN, FreshetSource.CLOSED], [0, 1, 2]);
    assert.deepEqual([source.CONNECTING, source.OPEN, source.CLOSED], [0, 1, 2]);
    const seen = [];
    source.onopen = ({ type }) => seen.push(type);
    source.onmessage = ({ data, lastEventId, origin }) => seen.push([data, lastEventId, origin]);
    source.onerror = ({ status }) => seen.push(status);
    source.addEventListener('token', ({ data }) => seen.push(`token ${data}`));
    browser.last.accept().tell(['1', 'a'], ['2', 'b', 'token']);
    await settled();
    assert.equal(source.readyState, 1);
    assert.equal(source.lastEventId, '2');
    browser.last.finish();
    await settled();
    assert.equal(source.readyState, 0);
    assert.deepEqual(seen, ['open', ['a', '1', 'http://app.test'], 'token b', 0]);
    source.close();
    await browser.clock.pass(60_000);
    assert.equal(browser.requests.length, 1);
    assert.equal(source.readyState, 2);
});

test('control events have what they say as detail, and the end closes', async () => {
    const { browser, source, of } = await alone();
    browser.last.accept().tell(['1', '{"offset":"1"}', 'start'], ['2', '{"requested":"0","resumed":"2"}', 'gap'],
        ['3', 'x'], ['4', '{"reason":"failed","detail":"no"}', 'end'], ['5', 'never']);
    await settled();
    assert.deepEqual(of('start')[0].detail, { offset: '1' });
    assert.deepEqual(of('gap')[0].detail, { requested: '0', resumed: '2' });
    assert.deepEqual(of('end')[0].detail, { reason: 'failed', detail: 'no' });
    assert.equal(of('message').length, 1);
    assert.equal(of('error').length, 0);
    assert.equal(source.readyState, 2);
    assert.deepEqual(browser.open, []);
    assert.deepEqual(browser.locks.names, []);
});

test('an event of somebody else that is called end ends nothing', async () => {
    const { browser, source } = await alone();
    browser.last.accept().tell(['1', 'of the chapter', 'end'], ['2', 'x']);
    await settled();
    assert.equal(source.readyState, 1);
    source.close();
});

test('it comes back where it was, with pauses that grow', async () => {
    const reader = await alone({}, { random: 1 });
    const { browser, source, of } = reader;
    browser.last.accept().tell(['7', 'a']);
    await settled();
    browser.last.fail();
    await settled();
    assert.equal(of('error')[0].status, 0);
    const times = [];
    browser.answer = (request) => {
        times.push(browser.clock.time);
        request.refuse(503);
    };
    const begun = browser.clock.time;
    await browser.clock.pass(60_000);
    const pauses = times.map((time, index) => time - (times[index - 1] ?? begun));
    assert.deepEqual(pauses, [1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
    assert.ok(of('error').slice(1).every(({ status }) => status === 503));
    browser.answer = null;
    await browser.clock.pass(15_000);
    assert.equal(browser.last.position, '7');
    browser.last.accept().tell(['8', 'b']);
    await settled();
    assert.equal(reader.text, 'ab');
    source.close();
});

test('the server says how long to wait', async () => {
    const { browser, source } = await alone({}, { random: 0 });
    browser.last.refuse(429, { 'Retry-After': '7' });
    await browser.clock.pass(7_000);
    assert.equal(browser.requests.length, 1);
    await browser.clock.pass(1_000);
    assert.equal(browser.requests.length, 2);
    browser.last.accept().send('event: reconnect\nretry: 4321\ndata: {"why":"draining"}\n\n').finish();
    await browser.clock.pass(4_320);
    assert.equal(browser.requests.length, 2);
    await browser.clock.pass(2);
    assert.equal(browser.requests.length, 3);
    source.close();
});

for (const status of [204, 400, 403, 404, 410]) {
    test(`${status} is final, and says why`, async () => {
        const { browser, source, of } = await alone();
        browser.last.refuse(status, {}, status === 204 ? null : '{"type":"urn:freshet:x","title":"X"}');
        await browser.clock.pass(60_000);
        assert.equal(browser.requests.length, 1);
        assert.equal(source.readyState, 2);
        assert.equal(of('error')[0].status, status);
        assert.equal(of('error')[0].problem?.title, status === 204 ? undefined : 'X');
    });
}

test('what is no event stream is not read as one', async () => {
    const { browser, source, of } = await alone();
    browser.last.accept({ 'Content-Type': 'text/html' });
    await browser.clock.pass(60_000);
    assert.deepEqual([browser.requests.length, source.readyState, of('error').length], [1, 2, 1]);
});

test('a connection that is silent is made anew, if the server sends heartbeats', async () => {
    const { browser, source } = await alone();
    browser.last.accept();
    for (let count = 0; count < 6; count += 1) {
        await browser.clock.pass(10_000);
        browser.last.send(':\n');
    }
    await settled();
    assert.equal(browser.requests.length, 1);
    await browser.clock.pass(27_000);
    assert.equal(browser.requests.length, 2);
    assert.equal(browser.open.length, 1);
    source.close();
});

test('a response that does not come is given up, and silence without heartbeats is none', async () => {
    const { browser, source } = await alone();
    await browser.clock.pass(27_000);
    assert.equal(browser.requests.length, 2);
    browser.last.accept({}, 'data: from a server without comments\n\n');
    await browser.clock.pass(600_000);
    assert.equal(browser.requests.length, 2);
    source.close();
});

test('a page that slept asks again at once, and so does one that is online again', async () => {
    const { browser, source, page } = await alone();
    browser.last.accept().tell(['1', 'a']);
    await settled();
    page.show('hidden');
    page.isFrozen = true;
    await browser.clock.pass(3_600_000);
    page.isFrozen = false;
    page.show('visible');
    await browser.clock.pass(300);
    assert.equal(browser.requests.length, 2);
    assert.equal(browser.last.position, '1');
    browser.last.accept();
    await settled();
    page.tell('online');
    await browser.clock.pass(300);
    assert.equal(browser.requests.length, 3);
    assert.equal(browser.open.length, 1);
    source.close();
});

test('a page that is left holds nothing, and goes on when it is shown again', async () => {
    const { browser, source, page } = await alone();
    browser.last.accept().tell(['1', 'a']);
    await settled();
    page.tell('pagehide');
    await settled();
    assert.deepEqual(browser.open, []);
    assert.deepEqual(browser.locks.names, []);
    page.tell('pageshow', { persisted: true });
    await settled();
    assert.equal(browser.last.position, '1');
    assert.equal(browser.open.length, 1);
    source.close();
});

test('a token is made again after 401 and when it has expired or was revoked, and a second 401 is final', async () => {
    let count = 0;
    const { browser, source, of } = await alone({ token: async () => `token-${count += 1}`, headers: { 'X-A': 'b' } });
    const shown = () => browser.last.headers.authorization;
    assert.deepEqual([shown(), browser.last.headers['x-a']], ['Bearer token-1', 'b']);
    browser.last.refuse(401);
    await settled();
    assert.equal(shown(), 'Bearer token-2');
    assert.equal(of('error').length, 0);
    browser.last.accept().tell(['1', 'a']);
    browser.last.send('event: reconnect\nretry: 10\ndata: {"why":"expired"}\n\n').finish();
    await browser.clock.pass(11);
    assert.equal(shown(), 'Bearer token-3');
    browser.last.accept().send('event: reconnect\nretry: 10\ndata: {"why":"revoked"}\n\n').finish();
    await browser.clock.pass(11);
    assert.equal(shown(), 'Bearer token-4');
    browser.last.accept().fail();
    await browser.clock.pass(10_000);
    assert.equal(shown(), 'Bearer token-4');
    browser.last.refuse(401);
    await settled();
    assert.equal(shown(), 'Bearer token-5');
    browser.last.refuse(401);
    await browser.clock.pass(60_000);
    assert.equal(source.readyState, 2);
    assert.equal(of('error').at(-1).status, 401);
    assert.equal(count, 5);
});

test('a token that cannot be made, whatever is thrown then, is asked for again', async () => {
    const thrown = [undefined, 'no', Object.freeze(new Error('never'))];
    const { browser, source, of } = await alone({
        token: async () => {
            if (thrown.length > 0) throw thrown.shift();
            return 'token';
        },
    });
    await browser.clock.pass(14_000);
    assert.equal(browser.last.headers.authorization, 'Bearer token');
    browser.last.accept().tell(['1', 'a']);
    await settled();
    assert.equal(source.readyState, 1);
    assert.equal(of('error').length, 3);
    source.close();
});

test('a POST is not sent twice unless that is asked for', async () => {
    for (const repeat of [false, true]) {
        const { browser, source } = await alone({ method: 'POST', body: '{}', repeat, headers: { 'Content-Type': 'application/json' } });
        assert.deepEqual([browser.last.method, browser.last.body], ['POST', '{}']);
        browser.last.accept().tell(['1', 'a']);
        await settled();
        browser.last.fail();
        await browser.clock.pass(60_000);
        assert.equal(source.readyState === 2, !repeat);
        assert.equal(browser.requests.length > 1, repeat);
        assert.ok(browser.requests.every(({ method }) => method === 'POST'));
        source.close();
    }
});

test('what a POST made is read at the URL that it is kept at', async () => {
    const reader = await alone({ method: 'POST', body: '{}' });
    const { browser, source } = reader;
    browser.last.accept({ Location: '/v1/stream/relay/1' });
    await settled();
    assert.deepEqual([browser.open.length, browser.last.method, browser.last.url], [1, 'GET', 'http://app.test/v1/stream/relay/1']);
    browser.last.accept().tell(['1', 'a']);
    await settled();
    const cancelled = source.cancel();
    await settled();
    assert.deepEqual([browser.last.method, browser.last.url, browser.last.headers['stream-cancel']],
        ['POST', 'http://app.test/v1/stream/relay/1', 'true']);
    browser.last.refuse(204);
    assert.equal(await cancelled, 204);
    assert.equal(reader.text, 'a');
    source.close();
});

test('it can be iterated, to the end or until the loop is left', async () => {
    const { browser, source } = await alone();
    const seen = [];
    const reading = (async () => {
        for await (const { type, data } of source) seen.push([type, data]);
    })();
    await settled();
    browser.last.accept().tell(['1', 'a'], ['2', '{"reason":"done"}', 'end']);
    await reading;
    assert.deepEqual(seen, [['message', 'a'], ['end', '{"reason":"done"}']]);

    const other = await alone();
    const left = (async () => {
        for await (const { data } of other.source) return data;
    })();
    other.browser.last.accept().tell(['1', 'a'], ['2', 'b']);
    assert.equal(await left, 'a');
    assert.equal(other.source.readyState, 2);
    assert.deepEqual(other.browser.open, []);
});

test('an error that is final is thrown to who iterates', async () => {
    const { browser, source } = await alone();
    const reading = (async () => {
        for await (const _ of source) assert.fail();
    })();
    await settled();
    browser.last.refuse(403, {}, '{"title":"No"}');
    await assert.rejects(reading, ({ status, problem }) => status === 403 && problem.title === 'No');
});

test('a loop that is slow holds the reading up, and not the memory', async () => {
    const { browser, source } = await alone();
    const iterator = source[Symbol.asyncIterator]();
    const first = iterator.next();
    const request = browser.last.accept();
    const send = (from) => request.tell(...Array.from({ length: 600 }, (_, index) => [from + index, 'x']));
    send(10_000);
    await first;
    for (let round = 1; round < 20; round += 1) {
        send(10_000 + 600 * round);
        await settled();
    }
    assert.ok(Number(source.lastEventId) < 12_500, source.lastEventId);
    // And is no silence of the server's.
    await browser.clock.pass(120_000);
    assert.equal(browser.requests.length, 1);
    let last;
    for (let count = 1; count < 12_000; count += 1) last = (await iterator.next()).value;
    assert.equal(last.lastEventId, '21999');
    await iterator.return();
});

// Tabs

/** Tabs that read one stream. */
async function together(count, stream = new FakeStream(), browser = new FakeBrowser()) {
    browser.answer = stream.answer;
    const tabs = [];
    for (let number = 0; number < count; number += 1) {
        tabs.push(read(browser));
        await settled();
    }
    return { browser, stream, tabs };
}

const closeAll = (tabs) => tabs.forEach(({ source }) => source.close());

test('tabs that read the same share one connection', async () => {
    const { browser, stream, tabs } = await together(8);
    for (const word of ['a', 'b', 'c']) stream.append(word);
    await settled();
    assert.deepEqual(tabs.map(({ text }) => text), Array(8).fill('abc'));
    assert.equal(browser.open.length, 1);
    assert.deepEqual(tabs.map(({ source }) => source.via), ['connection', ...Array(7).fill('tab')]);
    stream.append('{"reason":"done"}', 'end');
    await settled();
    assert.ok(tabs.every(({ source, of }) => source.readyState === 2 && of('end')[0].detail.reason === 'done'));
    assert.equal(browser.open.length, 0);
    assert.deepEqual(browser.locks.names, []);
});

test('a late tab reads its own past and then joins', async () => {
    const { browser, stream, tabs } = await together(1);
    for (const word of ['a', 'b', 'c']) stream.append(word);
    await settled();
    tabs.push(read(browser));
    stream.append('d');
    await settled();
    stream.append('e');
    await settled();
    assert.deepEqual(tabs.map(({ text }) => text), ['abcde', 'abcde']);
    assert.equal(browser.open.length, 1);
    closeAll(tabs);
});

test('a tab that missed something reads it, and nothing twice', async () => {
    const { browser, stream, tabs } = await together(3);
    stream.append('a');
    await settled();
    tabs[1].page.isFrozen = true;
    stream.append('b');
    await settled();
    tabs[1].page.isFrozen = false;
    stream.append('c');
    stream.append('d');
    await settled();
    assert.deepEqual(tabs.map(({ text }) => text), ['abcd', 'abcd', 'abcd']);
    assert.equal(browser.open.length, 1);
    closeAll(tabs);
});

test('when the tab that reads is closed another one does', async () => {
    const { browser, stream, tabs } = await together(3);
    stream.append('a');
    await settled();
    tabs[0].source.close();
    await settled();
    stream.append('b');
    await settled();
    assert.deepEqual(tabs.map(({ text }) => text), ['a', 'ab', 'ab']);
    assert.equal(browser.open.length, 1);
    assert.equal(tabs[1].source.via, 'connection');
    closeAll(tabs);
});

test('the lock is taken from a tab that is silent for two heartbeats, and given up when it wakes', async () => {
    const { browser, stream, tabs } = await together(3);
    stream.append('a');
    await settled();
    tabs[0].page.isFrozen = true;
    stream.readers[0].tell = () => {};
    stream.readers[0].isOpen = false;
    stream.append('b');
    await browser.clock.pass(26_000);
    assert.deepEqual(tabs.slice(1).map(({ text }) => text), ['ab', 'ab']);
    tabs[0].page.isFrozen = false;
    await browser.clock.pass(1_000);
    stream.append('c');
    await browser.clock.pass(1_000);
    assert.deepEqual(tabs.map(({ text }) => text), ['abc', 'abc', 'abc']);
    assert.equal(browser.open.length, 1);
    closeAll(tabs);
});

test('a leader that is well is not taken for silent', async () => {
    const { browser, stream, tabs } = await together(3);
    for (let count = 0; count < 20; count += 1) {
        await browser.clock.pass(10_000);
        stream.readers[0].send(':\n');
    }
    assert.equal(tabs[0].source.via, 'connection');
    assert.equal(stream.readers.length, 1);
    closeAll(tabs);
});

test('errors are told to all tabs, and a refusal is final for all', async () => {
    const { browser, tabs } = await together(3);
    browser.answer = (request) => request.refuse(503);
    browser.open[0].fail();
    await settled();
    assert.deepEqual(tabs.map(({ source, of }) => [source.readyState, of('error').length]), Array(3).fill([0, 1]));
    browser.answer = (request) => request.refuse(403);
    await browser.clock.pass(60_000);
    assert.deepEqual(tabs.map(({ source, of }) => [source.readyState, of('error').at(-1).status]), Array(3).fill([2, 403]));
});

test('credentials, methods and positions that differ are not shared', async () => {
    const browser = new FakeBrowser();
    browser.answer = new FakeStream().answer;
    const tabs = [{}, { withCredentials: true }, { token: () => 'a' }, { headers: { A: 'b' } }]
        .map((options) => read(browser, { options, protocol: 'h2' }));
    tabs.push(read(browser, { path: `${url}?offset=now`, protocol: 'h2' }));
    await settled();
    assert.equal(browser.open.length, 5);
    tabs.push(read(browser, { options: { token: () => 'a', share: 'me' }, protocol: 'h2' }));
    tabs.push(read(browser, { options: { token: () => 'a', share: 'me' }, protocol: 'h2' }));
    await settled();
    assert.equal(browser.open.length, 6);
    closeAll(tabs);
});

test('a server of another kind is read by each tab for itself', async () => {
    const browser = new FakeBrowser();
    browser.answer = (request) => (request.method === 'HEAD' ? request.refuse(405) : request.accept().tell(['1', 'a']));
    const tabs = [read(browser), read(browser)];
    await settled();
    browser.answer = (request) => (request.method === 'HEAD' ? request.refuse(200) : request.accept().tell(['1', 'a']));
    tabs.push(read(browser));
    await settled();
    assert.equal(tabs[2].text, 'a');
    closeAll(tabs);
});

// Connections

/** Tabs that each read a stream of their own. */
async function apart(count, tab = {}) {
    const browser = new FakeBrowser();
    const streams = Array.from({ length: count }, () => new FakeStream());
    browser.answer = (request) => streams[Number(new URL(request.url).pathname.split('/').at(-1))].answer(request);
    const tabs = [];
    for (let number = 0; number < count; number += 1) {
        tabs.push(read(browser, { path: `/v1/stream/${number}`, ...tab }));
        await browser.clock.pass(60);
    }
    await browser.clock.pass(400);
    return { browser, streams, tabs };
}

for (const isSecure of [true, false]) {
    test(`eight streams hold four connections ${isSecure ? '' : 'without locks too'}, and all are read`, async () => {
        const { browser, streams, tabs } = await apart(8, { isSecure });
        assert.equal(browser.open.length, 4);
        assert.deepEqual(tabs.map(({ source }) => source.via), [...Array(4).fill('connection'), ...Array(4).fill('polls')]);
        streams.forEach((stream, number) => stream.append(`word ${number}`));
        await browser.clock.pass(2_500);
        assert.deepEqual(tabs.map(({ text }) => text), tabs.map((_, number) => `word ${number}`));
        assert.equal(browser.open.length, 4);
        // One that becomes free is taken.
        tabs[0].source.close();
        await browser.clock.pass(2_500);
        assert.equal(browser.open.length, 4);
        assert.equal(tabs.filter(({ source }) => source.via === 'connection' && source.readyState === 1).length, 4);
        streams.forEach((stream) => stream.append('{"reason":"done"}', 'end'));
        await browser.clock.pass(2_500);
        assert.ok(tabs.slice(1).every(({ source, of }) => source.readyState === 2 && of('end').length === 1));
        assert.equal(browser.stored.size, 0);
    });
}

test('over HTTP/2 all are live', async () => {
    const { browser, tabs } = await apart(8, { protocol: 'h2' });
    assert.equal(browser.open.length, 8);
    closeAll(tabs);
});

test('a stream without news costs one small request a poll: every 2 s, in a hidden tab every 15 s', async () => {
    const { browser, streams, tabs } = await apart(5);
    tabs.slice(0, 4).forEach(({ page }) => page.show('visible'));
    const before = streams[4].heads;
    await browser.clock.pass(20_000);
    assert.ok(streams[4].heads - before >= 9 && streams[4].heads - before <= 10, `${streams[4].heads - before}`);
    tabs[4].page.show('hidden');
    await browser.clock.pass(3_000);
    const hidden = streams[4].heads;
    await browser.clock.pass(60_000);
    assert.equal(streams[4].heads - hidden, 4);
    assert.equal(browser.requests.filter(({ method, url: asked }) => method === 'GET' && asked.endsWith('/4')).length, 0);
    closeAll(tabs);
});

test('who is looked at gets a connection from who is not', async () => {
    const { browser, tabs } = await apart(5);
    tabs[2].page.show('hidden');
    await browser.clock.pass(5_000);
    assert.deepEqual(tabs.map(({ source }) => source.via), ['connection', 'connection', 'polls', 'connection', 'connection']);
    assert.equal(browser.open.length, 4);
    closeAll(tabs);
});
