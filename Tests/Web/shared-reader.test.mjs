import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { ConnectionView, patience } from '../../Sources/FreshetDemo/Pages/Site/connection-view.mjs';
import { LineSource } from '../../Sources/FreshetDemo/Pages/Site/line-source.mjs';
import { Pace } from '../../Sources/FreshetDemo/Pages/Site/pace.mjs';
import { followShared } from '../../Sources/FreshetDemo/Pages/Site/shared-follow.mjs';
import { SharedReader } from '../../Sources/FreshetDemo/Pages/Site/shared-reader.mjs';
import { FakePage } from './fakes.mjs';

/** A clock that the test moves on. */
class FakeClock {
    #now = 0;
    #timers = new Map();
    performance = { now: () => this.#now };

    setTimeout = (action, delay) => {
        const timer = {};
        this.#timers.set(timer, { action, at: this.#now + delay });
        return timer;
    };

    clearTimeout = (timer) => this.#timers.delete(timer);

    pass(milliseconds) {
        const until = this.#now + milliseconds;
        for (;;) {
            const [timer, next] = [...this.#timers].sort(([, a], [, b]) => a.at - b.at)[0] ?? [];
            if (!timer || next.at > until) break;
            this.#timers.delete(timer);
            this.#now = next.at;
            next.action();
        }
        this.#now = until;
    }
}

describe('a shared reader', () => {
    function shared() {
        const followed = [];
        const clock = new FakeClock();
        const reader = new SharedReader((url, handlers, options) => {
            const follower = { url, handlers, options, isClosed: false, close: () => (follower.isClosed = true) };
            followed.push(follower);
            return follower;
        }, { clock });
        const port = () => {
            const messages = [];
            return { messages, postMessage: (message) => messages.push(message) };
        };
        return { reader, followed, port, clock };
    }

    test('reads a stream once for all tabs, and tells who comes late what was there', () => {
        const { reader, followed, port } = shared();
        const [first, second] = [port(), port()];
        reader.join('/s', first);
        followed[0].handlers.onEvent('a', '1');
        reader.join('/s', second);
        followed[0].handlers.onEvent('b', '2');
        followed[0].handlers.onEnd({ reason: 'done' });
        assert.equal(followed.length, 1);
        const expected = [{ event: 'a', id: '1' }, { event: 'b', id: '2' }, { end: { reason: 'done' } }];
        assert.deepEqual(first.messages, expected);
        assert.deepEqual(second.messages, expected);
    });

    test('lets go of a stream when the last tab has left', () => {
        const { reader, followed, port } = shared();
        const [first, second, stranger] = [port(), port(), port()];
        reader.join('/s', first);
        reader.join('/s', second);
        reader.leave('/s', first);
        reader.leave('/s', stranger);
        assert.equal(followed[0].isClosed, false);
        reader.leave('/s', second);
        assert.equal(followed[0].isClosed, true);
        reader.join('/s', first);
        assert.equal(followed.length, 2);
    });

    test('after a gap only what is kept is told, and a refusal is an end', () => {
        const { reader, followed, port } = shared();
        const [first, late] = [port(), port()];
        reader.join('/s', first);
        followed[0].handlers.onEvent('a', '1');
        followed[0].handlers.onGap({});
        followed[0].handlers.onEvent('c', '3');
        reader.join('/s', late);
        assert.deepEqual(late.messages, [{ gap: true }, { event: 'c', id: '3' }]);
        followed[0].handlers.onRefused(404);
        assert.deepEqual(late.messages.at(-1), { end: { reason: 'refused', status: 404 } });
    });

    test('an offset is read from, and who comes with a later one is told what follows that', () => {
        const { reader, followed, port } = shared();
        const [first, second, third] = [port(), port(), port()];
        reader.join('/s', first, { offset: '5' });
        assert.equal(followed[0].options.offset, '5');
        for (const id of ['6', '7']) followed[0].handlers.onEvent(`e${id}`, id);
        reader.join('/s', second, { offset: '6' });
        assert.deepEqual(second.messages, [{ event: 'e7', id: '7' }]);
        assert.equal(followed.length, 1);
        // What is before what was read is read anew.
        reader.join('/s', third);
        assert.equal(followed.length, 2);
        assert.equal(followed[1].options.offset, null);
    });

    test('says at once what its connection is doing', () => {
        const { reader, followed, port } = shared();
        const [first, late] = [port(), port()];
        reader.join('/s', first);
        followed[0].handlers.onState('live', undefined, { reconnects: 2 });
        reader.join('/s', late);
        assert.deepEqual(late.messages, [{ state: 'live', detail: undefined, reconnects: 2 }]);
    });

    test('seven streams take four connections, and each has its turn; the others say that they wait', () => {
        const { reader, followed, port, clock } = shared();
        const ports = Array.from({ length: 7 }, port);
        ports.forEach((each, index) => reader.join(`/${index}`, each));
        const open = () => followed.filter(({ isClosed }) => !isClosed).map(({ url }) => url);
        assert.deepEqual(open(), ['/0', '/1', '/2', '/3']);
        for (const waiting of ports.slice(4)) assert.equal(waiting.messages.at(-1).state, 'waiting');
        followed[0].handlers.onEvent('a', '9');
        clock.pass(2_000);
        assert.deepEqual(open().sort(), ['/0', '/4', '/5', '/6']);
        assert.equal(ports[1].messages.at(-1).state, 'waiting');
        const again = followed.findLast(({ url }) => url === '/0');
        assert.equal(again.options.offset, '9', 'it goes on where it was');
        const waited = followed.length;
        again.handlers.onEnd({ reason: 'done' });
        assert.equal(followed.length, waited + 1, 'one that has ended makes room');
    });

    test('an answer is read before a conversation, and what is looked at before what is not', () => {
        const { reader, followed, port, clock } = shared();
        const ports = Array.from({ length: 4 }, port);
        ports.forEach((each, index) => reader.join(`/${index}`, each));
        const open = () => followed.filter(({ isClosed }) => !isClosed).map(({ url }) => url);
        const answer = port();
        reader.join('/answer', answer, { urgent: true });
        assert.deepEqual(open(), ['/1', '/2', '/3', '/answer']);
        clock.pass(60_000);
        assert.ok(open().includes('/answer'), 'it makes room for nothing that matters less');
        for (const each of ports) reader.show(each, false);
        const seen = port();
        reader.join('/seen', seen);
        assert.ok(open().includes('/seen'));
        clock.pass(60_000);
        assert.deepEqual(open().filter((url) => ['/seen', '/answer'].includes(url)).length, 2);
    });

    test('makes room for a page that makes requests of its own, and goes on afterwards', () => {
        const { reader, followed, port } = shared();
        const ports = Array.from({ length: 4 }, port);
        ports.forEach((each, index) => reader.join(`/${index}`, each, { urgent: index === 3 }));
        const open = () => followed.filter(({ isClosed }) => !isClosed).map(({ url }) => url);
        const race = port();
        reader.reserve(race, 4);
        assert.deepEqual(open(), ['/3'], 'what is read now is read on');
        assert.equal(ports[0].messages.at(-1).state, 'waiting');
        reader.reserve(race, 0);
        assert.deepEqual(open().sort(), ['/0', '/1', '/2', '/3']);
    });
});

describe('following by way of the shared reader', () => {
    function followed(options = {}) {
        const workers = [];
        class SharedWorker {
            constructor(url) {
                this.url = url;
                this.said = [];
                this.port = { postMessage: (message) => this.said.push(message) };
                workers.push(this);
            }
        }
        const page = new FakePage();
        const told = [];
        const tell = (name) => (...values) => told.push([name, ...values.slice(0, name === 'state' ? 1 : 2)]);
        const follower = followShared('/s', {
            onEvent: tell('event'), onEnd: tell('end'), onGap: tell('gap'), onState: tell('state'), onRefused: tell('refused'),
        }, { SharedWorker, page, offset: '4', urgent: true, ...options });
        const say = (...batch) => workers.at(-1).port.onmessage?.({ data: { batch } });
        return { follower, workers, page, told, say };
    }

    test('passes on what it is told, until the end', () => {
        const { follower, workers, told, say } = followed();
        assert.deepEqual(told, [['state', 'connecting']], 'it is not live before it is told so');
        assert.deepEqual(workers[0].said, [{ follow: '/s', offset: '4', urgent: true, visible: true }]);
        say({ state: 'live', reconnects: 1 }, { event: 'a', id: '5' }, { gap: true }, { end: { reason: 'done' } }, { event: 'never', id: '6' });
        assert.deepEqual(told.slice(1), [['state', 'live'], ['event', 'a', '5'], ['gap', {}], ['state', 'ended'], ['end', { reason: 'done' }]]);
        assert.deepEqual([follower.lastId, follower.reconnects], ['5', 1]);
        assert.deepEqual(workers[0].said.at(-1), { leave: '/s' });
    });

    test('a refusal is told as one', () => {
        const { told, say } = followed();
        say({ end: { reason: 'refused', status: 404 } });
        assert.deepEqual(told.slice(1), [['state', 'refused'], ['refused', 404]]);
    });

    test('leaves with the page, and comes back with it after its last event', () => {
        const { workers, page, say } = followed();
        say({ event: 'a', id: '7' });
        page.tell('pagehide');
        assert.deepEqual(workers[0].said.at(-1), { leave: '/s' });
        page.tell('pageshow', { persisted: true });
        assert.equal(workers[1].said[0].offset, '7');
    });

    test('says when it is looked at, and when it has slept', () => {
        let time = 0;
        const { workers, page } = followed({ now: () => time });
        page.show('hidden');
        time = 20_000;
        page.show('visible');
        assert.deepEqual(workers[0].said.slice(1), [{ visible: false, refresh: false }, { visible: true, refresh: true }]);
    });
});

describe('a source of lines', () => {
    const opened = async (pieces, status = 200) => {
        const told = [];
        const body = new ReadableStream({
            start(controller) {
                for (const piece of pieces) controller.enqueue(piece);
                controller.close();
            },
        });
        const urls = [];
        const source = new LineSource('/s?offset=4', {
            fetch: async (url) => {
                urls.push(url);
                return new Response(status === 204 ? null : body, { status });
            },
        });
        source.onopen = () => told.push(['open']);
        source.onmessage = ({ data, lastEventId }) => told.push([data, lastEventId]);
        source.addEventListener('end', ({ data }) => told.push(['end', data]));
        await new Promise((resolve) => {
            source.onerror = resolve;
            setTimeout(resolve, 200);
        });
        return { source, told, urls };
    };
    const bytes = new TextEncoder().encode('\n{"id":"1","data":"hé\\n"}\n\n{"id":"2","event":"other","data":"x"}\n{"id":"3","data":{"a":1}}\n{"id":"4","event":"end","data":{"reason":"done"}}\n');

    test('tells what an EventSource would, wherever the body is cut', async () => {
        for (const size of [1, 7, bytes.length]) {
            const pieces = [];
            for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.slice(at, at + size));
            const { told, urls, source } = await opened(pieces);
            assert.deepEqual(told, [['open'], ['hé\n', '1'], ['{"a":1}', '3'], ['end', '{"reason":"done"}']]);
            assert.deepEqual(urls, ['/s?offset=4&as=ndjson']);
            assert.equal(source.readyState, LineSource.CLOSED);
        }
    });

    test('is closed by any other status, and ended where nothing is left', async () => {
        assert.deepEqual((await opened([], 503)).told, []);
        assert.deepEqual((await opened([], 204)).told, [['end', '{"reason":"done"}']]);
    });
});

describe('what the page says of its connection', () => {
    test('is "Listening" only when it is open, and that it waits when it is not open soon', () => {
        const clock = new FakeClock();
        const [element, text] = [{ dataset: {} }, { textContent: '' }];
        const view = new ConnectionView(element, text, clock);
        const said = () => `${element.dataset.state}: ${text.textContent}`;
        view.show('connecting');
        assert.equal(said(), 'connecting: Connecting');
        clock.pass(patience - 1);
        view.show('connecting');
        assert.equal(said(), 'connecting: Connecting');
        clock.pass(1);
        assert.equal(said(), 'waiting: Waiting for a connection');
        view.show('live');
        assert.equal(said(), 'live: Listening');
        view.show('waiting');
        assert.equal(said(), 'waiting: Waiting for a connection');
        view.show('live', { isWriting: true });
        assert.equal(said(), 'live: Live');
        view.show('reconnecting', { detail: 'draining' });
        assert.equal(said(), 'reconnecting: Server restarting');
    });
});

test('drawing takes a quarter of the time at most, and waits for the next frame otherwise', () => {
    let now = 0;
    const frames = [];
    const delays = [];
    const pace = new Pace({ frame: (draw) => frames.push(draw), now: () => now, setTimeout: (action, delay) => (delays.push(delay), action()) });
    const draw = () => {
        now += 100;
    };
    pace.run(draw);
    frames.shift()();
    pace.run(draw);
    assert.deepEqual(delays, [300]);
    now += 1_000;
    frames.shift()();
    now += 300;
    pace.run(draw);
    assert.deepEqual(delays, [300]);
});
