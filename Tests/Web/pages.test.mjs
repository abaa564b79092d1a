import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { ConnectionView, patience } from '../../Sources/FreshetDemo/Pages/Site/connection-view.mjs';
import { State, follow, inWords } from '../../Sources/FreshetDemo/Pages/Site/follow.mjs';
import { Pace } from '../../Sources/FreshetDemo/Pages/Site/pace.mjs';
import { FakeClock } from './fake-tabs.mjs';

/** A source whose events are the test's. */
class FakeSource extends EventTarget {
    readyState = 0;

    constructor(url, { lastEventId }) {
        super();
        Object.assign(this, { url, lastEventId });
    }

    tell(type, more = {}) {
        const event = Object.assign(new Event(type), more);
        this.dispatchEvent(event);
        this[`on${type}`]?.(event);
    }

    close() {
        this.readyState = 2;
    }
}

/** A follower whose every call is noted. */
function followed(options = {}) {
    const calls = [];
    const note = (name) => (...details) => calls.push([name, ...details]);
    let source;
    const follower = follow('/s', {
        onEvent: note('event'), onEnd: note('end'), onGap: note('gap'), onRefused: note('refused'),
        onState: (state, detail) => calls.push(detail === undefined ? state : [state, detail]),
    }, { ...options, Source: class extends FakeSource {
        constructor(...told) {
            super(...told);
            source = this;
        }
    } });
    return { follower, source, calls };
}

test('a page is told what happens, and the end is the last word', () => {
    const { follower, source, calls } = followed({ offset: '4' });
    assert.deepEqual([source.url, source.lastEventId], ['/s', '4']);
    source.tell('open');
    source.tell('message', { data: 'a', lastEventId: '5' });
    source.tell('reconnect', { detail: { why: 'draining' } });
    source.tell('error', { status: 0 });
    source.tell('open');
    source.tell('gap', { detail: {} });
    source.tell('error', { status: 0 });
    source.tell('end', { detail: { reason: 'done' } });
    assert.deepEqual(calls, [State.connecting, State.live, ['event', 'a', '5'], [State.reconnecting, 'draining'], State.live, ['gap'],
        State.reconnecting, State.ended, ['end', { reason: 'done' }]]);
    assert.equal(follower.reconnects, 2);
});

test('a refusal is final, and a stream that had ended has ended', () => {
    for (const [status, last] of [[404, ['refused', 404]], [204, ['end', { reason: 'done' }]]]) {
        const { source, calls } = followed();
        source.close();
        source.tell('error', { status });
        assert.deepEqual(calls.at(-1), last);
    }
    assert.equal(inWords(new TypeError('Failed to fetch')), 'the server does not answer.');
    assert.equal(inWords(new Error('x')), 'x');
});

describe('what the page says of its connection', () => {
    test('is "Listening" only when it is open, and that it waits when it is not open soon', async () => {
        const clock = new FakeClock();
        const [element, text] = [{ dataset: {} }, { textContent: '' }];
        const view = new ConnectionView(element, text, clock);
        const said = () => `${element.dataset.state}: ${text.textContent}`;
        view.show('connecting');
        assert.equal(said(), 'connecting: Connecting');
        await clock.pass(patience - 1);
        view.show('connecting');
        assert.equal(said(), 'connecting: Connecting');
        await clock.pass(1);
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
