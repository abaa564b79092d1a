import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';

import { layout } from '../../Sources/FreshetDemo/Pages/Site/race-chart.mjs';
import { bytes, figures, memory, milliseconds, outcome, verdict } from '../../Sources/FreshetDemo/Pages/Site/race-figures.mjs';
import { LaneRecord, address, lanes, readChunked, readJSON, readNDJSON, readSSE } from '../../Sources/FreshetDemo/Pages/Site/race-lanes.mjs';
import { FakeEventSource } from './fakes.mjs';

/** A clock that the test moves, and a record on it. */
function recordOf(name) {
    const clock = { time: 100 };
    return { clock, record: new LaneRecord(name, { now: () => clock.time }) };
}

/** A fetch whose body is these pieces, 10 ms apart; an error among them tears it. */
function fetching(clock, pieces, status = 200) {
    const encoder = new TextEncoder();
    return async () => {
        clock.time += 10;
        const left = [...pieces];
        return {
            ok: status === 200,
            body: {
                getReader: () => ({
                    async read() {
                        clock.time += 10;
                        const piece = left.shift();
                        if (piece instanceof Error) throw piece;
                        if (piece === undefined) return { done: true };
                        return { done: false, value: typeof piece === 'string' ? encoder.encode(piece) : piece };
                    },
                }),
            },
        };
    };
}

describe('a lane of the race', () => {
    test('standard HTTP shows nothing before its last brace, and holds everything until then', async () => {
        const { clock, record } = recordOf('json');
        await readJSON('/', record, { fetch: fetching(clock, ['{"answer":"Hel', 'lo"', '}']) });
        assert.deepEqual([record.state, record.firstByte, record.firstWord, record.end], ['done', 10, 50, 50]);
        assert.deepEqual(record.points, [[50, 5]]);
        assert.equal(record.held, '{"answer":"Hello"}'.length);
    });

    test('chunked text is shown as it comes, characters whole', async () => {
        const { clock, record } = recordOf('chunked');
        const [first, second] = [new Uint8Array([0x61, 0xc3]), new Uint8Array([0xa9])];
        await readChunked('/', record, { fetch: fetching(clock, [first, second, ' word']) });
        assert.deepEqual(record.points, [[20, 1], [30, 2], [40, 7]]);
        assert.equal(record.tail, 'aé word');
        assert.equal(record.held, 5);
    });

    test('a line of NDJSON is shown when its end has come', async () => {
        const { clock, record } = recordOf('ndjson');
        await readNDJSON('/', record, { fetch: fetching(clock, ['{"text":"a"}\n{"te', 'xt":"bc"}', '\n']) });
        assert.deepEqual(record.points, [[20, 1], [40, 3]]);
        assert.equal(record.state, 'done');
        assert.equal(record.held, '{"text":"a"}\n{"te'.length);
    });

    test('a connection that breaks loses a lane that has nothing to come back to', async () => {
        for (const read of [readJSON, readChunked, readNDJSON]) {
            const { clock, record } = recordOf('lane');
            await read('/', record, { fetch: fetching(clock, ['{"text":"a"}\n', new TypeError('torn')]) });
            assert.equal(record.state, 'lost');
            assert.deepEqual(record.breaks, [30]);
        }
        const { clock, record } = recordOf('json');
        await readJSON('/', record, { fetch: fetching(clock, [], 502) });
        assert.equal(record.state, 'lost');
    });

    describe('SSE', () => {
        beforeEach(() => FakeEventSource.reset());

        test('shows each event, and is whole at the event that says so', async () => {
            const { clock, record } = recordOf('sse');
            const over = readSSE('/s', record, { EventSource: FakeEventSource });
            const source = FakeEventSource.last;
            clock.time += 5;
            source.accept();
            clock.time += 5;
            source.send(' word');
            source.send('{"reason":"done"}', '', 'end');
            await over;
            assert.deepEqual([record.state, record.firstByte, record.firstWord, record.reconnects], ['done', 5, 10, 0]);
            assert.equal(source.readyState, FakeEventSource.CLOSED);
        });

        test('that is cut comes back, and says how often', async () => {
            const { record } = recordOf('sse');
            const over = readSSE('/s', record, { EventSource: FakeEventSource });
            const source = FakeEventSource.last;
            source.accept();
            source.send('a');
            source.cut();
            assert.equal(record.state, 'reconnecting');
            source.accept();
            source.send('b');
            source.send('{}', '', 'end');
            await over;
            assert.deepEqual([record.state, record.reconnects, record.tail], ['done', 1, 'ab']);
        });

        test('that the browser gives up is lost', async () => {
            const { record } = recordOf('sse');
            const over = readSSE('/s', record, { EventSource: FakeEventSource });
            FakeEventSource.last.fail();
            await over;
            assert.equal(record.state, 'lost');
        });
    });
});

test('where a lane reads follows from the switches', () => {
    const race = { id: 'ab', stream: '/v1/stream/demo/race/ab', bytes: 2_000_000 };
    const at = (lane, switches) => address(lane, race, { seconds: 5, ...switches });
    assert.equal(at('json', {}), '/demo/races/ab/json');
    assert.equal(at('sse', {}), '/v1/stream/demo/race/ab');
    assert.equal(at('sse', { holding: 'whole' }), '/demo/proxy/whole/v1/stream/demo/race/ab');
    assert.equal(at('ndjson', { holding: '1s', remedy: 'header' }), '/demo/proxy/1s,obeys/demo/races/ab/ndjson');
    assert.equal(at('ndjson', { holding: '16k', remedy: 'setting' }), '/demo/proxy/live/demo/races/ab/ndjson');
    assert.equal(at('json', { cut: true }), '/demo/proxy/live,cut-3000/demo/races/ab/json');
    assert.equal(at('chunked', { cut: true }), '/demo/proxy/live,cut-1200000b/demo/races/ab/chunked');
    assert.equal(at('sse', { holding: '16k', remedy: 'header', cut: true }), '/demo/proxy/16k,obeys,cut-1200000b/v1/stream/demo/race/ab');
});

/** Records of a race as it usually ends. */
function ended({ cut = false, holding = '', time = holding === '' ? 50 : 5_000 } = {}) {
    const records = new Map();
    for (const { name } of lanes) {
        const { clock, record } = recordOf(name);
        record.head();
        clock.time += name === 'json' ? 5_000 : time;
        record.show('x'.repeat(cut && name !== 'sse' && name !== 'json' ? 40 : 100));
        if (cut && name === 'sse') {
            record.broke();
            record.reconnects = 1;
        }
        record.finish(cut && (name === 'chunked' || name === 'ndjson') ? 'lost' : 'done');
        record.made = cut && name === 'json' ? 2 : 1;
        records.set(name, record);
    }
    return records;
}

describe('what a race has shown', () => {
    test('in words', () => {
        const plain = verdict(ended(), { holding: '', cut: false }, 100);
        assert.equal(plain, 'The streams showed their first word after 50 ms, standard HTTP after 5,000 ms.');
        assert.match(verdict(ended({ holding: 'whole' }), { holding: 'whole', cut: false }, 100), /the streaming effect is gone/);
        const behind = (settings, time) => verdict(ended({ time }), { cut: false, ...settings }, 100);
        assert.match(behind({ holding: '16k' }, 2_000), /no word through before it had 16 KB/);
        assert.match(behind({ holding: '1s' }, 1_000), /in lumps, once a second/);
        assert.match(behind({ holding: '1s', remedy: 'header' }, 50), /X-Accel-Buffering: no has brought the effect back/);
        assert.match(behind({ holding: 'whole', remedy: 'setting' }, 50), /proxy_buffering off has brought the effect back/);
        assert.doesNotMatch(behind({ holding: '16k' }, 50), /proxy/, 'nothing is said that was not measured');
        assert.doesNotMatch(behind({ holding: 'whole', remedy: 'header' }, 2_000), /brought/);
        const cut = verdict(ended({ cut: true }), { holding: '', cut: true }, 100);
        assert.match(cut, /SSE came back by itself/);
        assert.match(cut, /Lost with the connection: chunked HTTP \(at 40 %\), NDJSON \(at 40 %\)\./);
        assert.match(cut, /again for standard HTTP, on its own: the answer was made, and paid, twice/);
        const both = ended({ cut: true });
        both.get('chunked').made = 2;
        assert.match(verdict(both, { holding: 'whole', cut: true }, 100), /again for standard HTTP and for chunked HTTP, on/);
        assert.equal(verdict(new Map(), { holding: '', cut: true }, 100), '');
        const away = verdict(ended({ cut: true }), { holding: '', cut: false }, 100);
        assert.match(away, /Lost with the connection: chunked/, 'also where the server went away by itself');
    });

    test('as data, with no more points than are needed', () => {
        const { clock, record } = recordOf('chunked');
        for (let index = 0; index < 1_000; index += 1) {
            clock.time += 1;
            record.show('ab');
        }
        record.finish('done');
        const data = figures({ cut: false }, lanes, new Map([['chunked', record]]), { at: new Date(0), browser: 'b' });
        assert.equal(data.measured, '1970-01-01T00:00:00.000Z');
        assert.equal(data.lanes.length, 1);
        const [lane] = data.lanes;
        assert.deepEqual([lane.lane, lane.outcome, lane.firstWord, lane.end, lane.charactersShown], ['chunked', 'done', 1, 1_000, 2_000]);
        assert.equal(lane.timeline.length, 200);
        assert.deepEqual([lane.timeline[0], lane.timeline.at(-1)], [[1, 2], [1_000, 2_000]]);
        assert.equal(lane.firstByte, null);
    });

    test('in units that are read easily', () => {
        assert.deepEqual([null, 4.6, 5012.4, 12_345].map(milliseconds), ['–', '5 ms', '5,012 ms', '12.3 s']);
        assert.deepEqual([0, 999, 1_500, 42_000, 2_000_000].map(bytes), ['0 B', '999 B', '1.5 kB', '42 kB', '2.0 MB']);
        assert.deepEqual([null, 'together', 3_000_000].map(memory), ['not told', 'not told apart', '3.0 MB']);
        const { record } = recordOf('json');
        assert.equal(outcome(record, 100), 'Waiting');
        record.show('x'.repeat(32));
        record.finish('lost');
        assert.equal(outcome(record, 100), 'Lost at 32 %');
    });

    test('on a chart, within its bounds, in steps', () => {
        for (const width of [320, 1_000]) {
            const shape = layout(lanes, ended({ cut: true }), { width, seconds: 5, total: 100 });
            assert.equal(shape.rows.length, 4);
            for (const row of shape.rows) {
                for (const [x, y] of row.line) assert.ok(x >= 0 && x <= width && y >= 0 && y <= shape.axis, `${x} ${y}`);
                assert.ok(row.line.every(([x], index) => index === 0 || x >= row.line[index - 1][0]));
            }
            const [json, , , sse] = shape.rows;
            assert.ok(json.marks.find(({ kind }) => kind === 'word').x > sse.marks.find(({ kind }) => kind === 'word').x);
            assert.equal(sse.breaks.length, 1);
        }
        const empty = layout(lanes, new Map(), { width: 600, seconds: 2, total: 100 });
        assert.ok(empty.rows.every(({ line }) => line.length === 0) && empty.ticks.length > 2);
    });
});
