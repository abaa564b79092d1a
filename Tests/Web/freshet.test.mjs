import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { State, StreamRefused, address, cancel, follow, read } from
    '../../Sources/FreshetDemo/Pages/Site/freshet.mjs';
import { FakeEventSource, FakePage, FakeTimers } from './fakes.mjs';

const url = '/v1/stream/demo/answer/1';

/** A follower whose every call is noted; `status` is what a HEAD of the stream would answer. */
function watch({ status = 200, random = () => 0.5, offset = null } = {}) {
    const timers = new FakeTimers();
    const page = new FakePage();
    const calls = [];
    const clock = { time: 0 };
    const note = (name) => (...details) => calls.push([name, ...details]);
    const reply = { status };
    const follower = follow(url, {
        onEvent: note('event'),
        onEnd: note('end'),
        onGap: note('gap'),
        onRefused: note('refused'),
        onState: (state, detail) => calls.push(detail === undefined ? ['state', state] : ['state', state, detail]),
    }, {
        EventSource: FakeEventSource,
        fetch: async (_, { method }) => {
            assert.equal(method, 'HEAD');
            if (reply.status === 0) throw new TypeError('network');
            return { status: reply.status };
        },
        setTimeout: timers.setTimeout,
        clearTimeout: timers.clearTimeout,
        now: () => clock.time,
        random,
        page,
        offset,
    });
    const of = (name) => calls.filter(([call]) => call === name).map(([, ...details]) => details);
    return { follower, timers, page, calls, of, clock, reply };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

beforeEach(() => FakeEventSource.reset());

test('an offset becomes part of the address', () => {
    assert.equal(address(url), url);
    assert.equal(address(url, { offset: '0a~Z' }), `${url}?offset=0a~Z`);
    assert.equal(address(`${url}?x=1`, { offset: 'a&b', as: 'ndjson' }), `${url}?x=1&as=ndjson&offset=a%26b`);
});

test('events are passed on in order, and the end closes the source and is the last word', () => {
    const { of, follower } = watch();
    const source = FakeEventSource.last;
    assert.equal(source.url, url);
    source.accept();
    source.send('Hello,', 'a1');
    source.send(' World', 'a2');
    source.send('{"reason":"done"}', 'a3', 'end');
    source.send('late', 'a4');
    assert.deepEqual(of('event'), [['Hello,', 'a1'], [' World', 'a2']]);
    assert.deepEqual(of('end'), [[{ reason: 'done' }]]);
    assert.deepEqual(of('state').flat(), [State.connecting, State.live, State.ended]);
    assert.equal(source.readyState, FakeEventSource.CLOSED);
    assert.equal(follower.lastId, 'a3');
    assert.equal(follower.events, 2);
});

test('a cut is left to the browser, which sends the last id itself', () => {
    const { of, follower } = watch();
    FakeEventSource.last.accept();
    FakeEventSource.last.send('one', 'a1');
    FakeEventSource.last.cut();
    assert.equal(FakeEventSource.opened.length, 1);
    assert.equal(follower.reconnects, 1);
    FakeEventSource.last.accept();
    FakeEventSource.last.send('two', 'a2');
    assert.deepEqual(of('event').map(([data]) => data), ['one', 'two']);
});

test('when the browser gives up, a new source continues after the last id', async () => {
    const { timers, of } = watch({ status: 503 });
    FakeEventSource.last.accept();
    FakeEventSource.last.send('one', 'a1');
    FakeEventSource.last.fail();
    await settled();
    assert.equal(FakeEventSource.opened.length, 1);
    timers.fire();
    assert.equal(FakeEventSource.opened.length, 2);
    assert.equal(FakeEventSource.last.url, `${url}?offset=a1`);
    FakeEventSource.last.accept();
    FakeEventSource.last.send('two', 'a2');
    assert.deepEqual(of('event').map(([data]) => data), ['one', 'two']);
    assert.equal(FakeEventSource.open.length, 1);
});

test('pauses grow with each failure, up to a bound, and begin anew after an event', async () => {
    const { timers } = watch({ status: 0, random: () => 1 });
    const failOnce = async () => {
        FakeEventSource.last.fail();
        await settled();
        timers.fire();
    };
    for (let attempt = 0; attempt < 8; attempt += 1) await failOnce();
    assert.deepEqual(timers.delays, [750, 1250, 2250, 4250, 8250, 15250, 15250, 15250]);
    FakeEventSource.last.accept();
    await failOnce();
    assert.equal(timers.delays.at(-1), 15250, 'an accepted connection alone proves nothing');
    FakeEventSource.last.send('one', 'a1');
    await failOnce();
    assert.equal(timers.delays.at(-1), 750);
});

test('pauses are spread at random', async () => {
    const { timers } = watch({ status: 503, random: () => 0 });
    FakeEventSource.last.fail();
    await settled();
    assert.deepEqual(timers.delays, [250]);
});

test('a stream that is gone is not asked for again', async () => {
    const { timers, of } = watch({ status: 404 });
    FakeEventSource.last.fail();
    await settled();
    timers.fire();
    assert.equal(FakeEventSource.opened.length, 1);
    assert.deepEqual(of('refused'), [[404]]);
});

test('a gap is told before what follows it, and moves the position', async () => {
    const { timers, calls } = watch({ status: 502 });
    FakeEventSource.last.accept();
    FakeEventSource.last.send('{"requested":"a1","resumed":"b0"}', 'b0', 'gap');
    FakeEventSource.last.send('anew', 'b1');
    const told = calls.filter(([name]) => name !== 'state');
    assert.deepEqual(told, [['gap', { requested: 'a1', resumed: 'b0' }], ['event', 'anew', 'b1']]);
    FakeEventSource.last.fail();
    await settled();
    timers.fire();
    assert.equal(FakeEventSource.last.url, `${url}?offset=b1`);
});

test('a start event gives a position to come back with before the first event', async () => {
    const { timers } = watch();
    FakeEventSource.last.send('{"offset":"c0"}', 'c0', 'start');
    FakeEventSource.last.fail();
    await settled();
    timers.fire();
    assert.equal(FakeEventSource.last.url, `${url}?offset=c0`);
});

test('a request to reconnect is shown with its reason and keeps the position', () => {
    const { of, follower } = watch();
    FakeEventSource.last.accept();
    FakeEventSource.last.send('one', 'a1');
    FakeEventSource.last.send('{"why":"draining"}', 'a1', 'reconnect');
    assert.deepEqual(of('state').at(-1), [State.reconnecting, 'draining']);
    assert.equal(follower.lastId, 'a1');
    assert.equal(of('end').length, 0);
});

test('closing stops everything, also a pause that is running and an answer that is on its way', async () => {
    const { follower, timers, page, calls } = watch({ status: 503 });
    FakeEventSource.last.fail();
    follower.close();
    await settled();
    timers.fire();
    page.tell('online');
    follower.refresh();
    assert.equal(FakeEventSource.opened.length, 1);
    assert.equal(page.listeners.size, 0);
    assert.equal(calls.filter(([name]) => name === 'refused').length, 0);
});

test('a page that wakes after a long sleep, is restored, or comes online asks again from its last id', () => {
    const { page, clock } = watch();
    FakeEventSource.last.accept();
    FakeEventSource.last.send('one', 'a1');
    page.show('hidden');
    clock.time = 5_000;
    page.show('visible');
    assert.equal(FakeEventSource.opened.length, 1, 'a short sleep cuts nothing');
    page.show('hidden');
    clock.time = 60_000;
    page.show('visible');
    assert.equal(FakeEventSource.opened.length, 2);
    page.tell('pageshow', { persisted: false });
    assert.equal(FakeEventSource.opened.length, 2);
    page.tell('pageshow', { persisted: true });
    page.tell('online');
    assert.equal(FakeEventSource.opened.length, 4);
    assert.equal(FakeEventSource.last.url, `${url}?offset=a1`);
    assert.equal(FakeEventSource.open.length, 1, 'one connection at a time');
});

test('a page that is left gives its connection back, and takes it up again when it is restored', () => {
    const { page } = watch();
    FakeEventSource.last.accept();
    FakeEventSource.last.send('one', 'a1');
    page.tell('pagehide', { persisted: true });
    assert.equal(FakeEventSource.open.length, 0);
    page.tell('pageshow', { persisted: true });
    assert.equal(FakeEventSource.open.length, 1);
    assert.equal(FakeEventSource.last.url, `${url}?offset=a1`);
});

test('a source that was replaced is not listened to', () => {
    const { follower, of } = watch();
    const first = FakeEventSource.last;
    follower.refresh();
    first.send('from the dead', 'x9');
    first.fail();
    assert.equal(of('event').length, 0);
    assert.equal(follower.lastId, null);
    assert.equal(FakeEventSource.opened.length, 2);
});

test('an end whose data is no JSON is an end all the same', () => {
    const { of } = watch();
    FakeEventSource.last.send('oops', 'a1', 'end');
    assert.deepEqual(of('end'), [[{}]]);
});

/** A response whose body arrives in the given pieces; a piece that is an error tears it. */
function bodyOf(pieces, status = 200) {
    const waiting = [...pieces];
    const next = async () => {
        if (waiting.length === 0) return { done: true };
        const piece = waiting.shift();
        if (piece instanceof Error) throw piece;
        return { done: false, value: piece };
    };
    return { status, ok: status >= 200 && status < 300, body: { getReader: () => ({ read: next }) } };
}

const lines = '{"id":"a1","data":"Grüße"}\n\n{"id":"a2","data":" 🌊\\n"}\n'
    + '{"id":"a3","event":"end","data":{"reason":"cancelled","detail":"enough"}}\n';

test('NDJSON is read whatever the pieces it arrives in', async () => {
    const bytes = new TextEncoder().encode(lines);
    for (let size = 1; size <= bytes.length; size += 1) {
        const pieces = [];
        for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
        const told = [];
        const outcome = await read(url, {
            onEvent: (data, id) => told.push([data, id]),
            onEnd: (end) => told.push(end),
        }, { fetch: async () => bodyOf(pieces) });
        assert.deepEqual(told, [['Grüße', 'a1'], [' 🌊\n', 'a2'], { reason: 'cancelled', detail: 'enough' }]);
        assert.deepEqual(outcome, { ended: true, lastId: 'a3' });
    }
});

test('a body that breaks off is not taken for a whole answer', async () => {
    const torn = new TextEncoder().encode(lines.slice(0, 30));
    for (const pieces of [[torn], [torn, new Error('reset')]]) {
        const told = [];
        const outcome = await read(url, { onEvent: (data) => told.push(data) }, { fetch: async () => bodyOf(pieces) });
        assert.deepEqual(outcome, { ended: false, lastId: 'a1' });
        assert.deepEqual(told, ['Grüße']);
    }
});

test('reading from the end is reading nothing more, and a refusal is an error with its status', async () => {
    const asked = [];
    const nothing = await read(url, {}, {
        offset: 'a3',
        fetch: async (address) => {
            asked.push(address);
            return bodyOf([], 204);
        },
    });
    assert.deepEqual(nothing, { ended: true, lastId: 'a3' });
    assert.deepEqual(asked, [`${url}?as=ndjson&offset=a3`]);
    await assert.rejects(read(url, {}, { fetch: async () => bodyOf([], 404) }), new StreamRefused(404));
});

test('cancelling is a POST with one header and no body', async () => {
    const asked = [];
    const status = await cancel(url, {
        fetch: async (...request) => {
            asked.push(request);
            return { status: 204 };
        },
    });
    assert.equal(status, 204);
    assert.deepEqual(asked, [[url, { method: 'POST', headers: { 'Stream-Cancel': 'true' } }]]);
});
