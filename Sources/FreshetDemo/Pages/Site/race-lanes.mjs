// The lanes of the race: each reads the same answer in its own way, and notes when it had something to show.

/** What one lane was measured at; times are milliseconds since its start. */
export class LaneRecord {
    /** `now()` is in milliseconds. */
    constructor(name, { now = () => performance.now() } = {}) {
        this.name = name;
        this.state = 'waiting';
        this.firstByte = null;
        this.firstWord = null;
        this.end = null;
        /** Characters shown. */
        this.shown = 0;
        /** The most bytes of the answer that the reader had to keep before it could show them. */
        this.held = 0;
        this.reconnects = 0;
        /** When the connection broke. */
        this.breaks = [];
        /** `[milliseconds, characters shown]`, one for each time that something was shown. */
        this.points = [];
        this.tail = '';
        this.memory = null;
        this.made = null;
        this.#now = now;
        this.#start = now();
    }

    #now;
    #start;

    get elapsed() {
        return this.#now() - this.#start;
    }

    get isOver() {
        return this.end !== null;
    }

    head() {
        this.firstByte ??= this.elapsed;
        if (this.state === 'waiting') this.state = 'receiving';
    }

    hold(bytes) {
        this.held = Math.max(this.held, bytes);
    }

    show(text) {
        if (text === '') return;
        const at = this.elapsed;
        this.firstWord ??= at;
        this.state = 'receiving';
        this.shown += text.length;
        this.points.push([at, this.shown]);
        this.tail = (this.tail + text.slice(-240)).slice(-240);
    }

    broke() {
        this.breaks.push(this.elapsed);
        this.state = 'reconnecting';
    }

    finish(state) {
        if (this.isOver) return;
        this.end = this.elapsed;
        this.state = state;
    }
}

/** Standard HTTP: nothing can be shown before `JSON.parse` has seen the last brace. */
export async function readJSON(url, record, { fetch = globalThis.fetch } = {}) {
    let length = 0;
    await readBody(url, record, fetch, (parts, part, isLast) => {
        parts.push(part);
        length += part.length;
        record.hold(length);
        return isLast ? JSON.parse(parts.join('')).answer : '';
    });
}

/** Chunked HTTP: what arrives is text, and is shown as it is. */
export async function readChunked(url, record, { fetch = globalThis.fetch } = {}) {
    await readBody(url, record, fetch, (_, part) => {
        record.hold(part.length);
        return part;
    });
}

/** NDJSON: a line is shown when its end has come. */
export async function readNDJSON(url, record, { fetch = globalThis.fetch } = {}) {
    await readBody(url, record, fetch, (rest, part) => {
        record.hold((rest[0]?.length ?? 0) + part.length);
        const lines = ((rest[0] ?? '') + part).split('\n');
        rest[0] = lines.pop();
        return lines.map((line) => JSON.parse(line).text).join('');
    });
}

/**
 * Reads a body with one decoder, for a character may be split between two chunks. `take(kept, text, isLast)` returns what
 * can be shown now, and may keep something in the array it is given.
 */
async function readBody(url, record, fetch, take) {
    try {
        const response = await fetch(url, { cache: 'no-store' });
        record.head();
        if (!response.ok) return record.finish('lost');
        const reader = response.body.getReader();
        const decoder = new TextDecoder();
        const kept = [];
        for (;;) {
            const { done, value } = await reader.read();
            record.show(take(kept, decoder.decode(value, { stream: !done }), done));
            if (done) break;
        }
        record.finish('done');
    } catch {
        // The connection is gone, and with it the answer: there is nothing to come back to.
        record.broke();
        record.finish('lost');
    }
}

/** SSE: the browser's own EventSource on a stream, which comes back by itself and says what it saw last. */
export function readSSE(url, record, { EventSource = globalThis.EventSource } = {}) {
    return new Promise((resolve) => {
        const source = new EventSource(url);
        const over = (state) => {
            source.close();
            record.finish(state);
            resolve();
        };
        source.onopen = () => {
            if (record.breaks.length > record.reconnects) record.reconnects = record.breaks.length;
            record.head();
        };
        source.onmessage = ({ data }) => {
            record.hold(data.length);
            record.show(data);
        };
        source.addEventListener('end', () => over('done'));
        source.addEventListener('gap', () => over('lost'));
        source.onerror = () => {
            record.broke();
            if (source.readyState === EventSource.CLOSED) over('lost');
        };
    });
}

export const lanes = [
    { name: 'json', title: 'Standard HTTP', about: 'One JSON body', read: readJSON },
    { name: 'chunked', title: 'Chunked HTTP', about: 'Text as it is made', read: readChunked },
    { name: 'ndjson', title: 'NDJSON', about: 'One object a line', read: readNDJSON },
    { name: 'sse', title: 'SSE', about: 'A stream, plain EventSource', read: readSSE },
];

/** Where a lane reads, under the visitor's switches: beside the proxy, or through it. */
export function address(lane, race, { holding = '', remedy = '', cut = false, seconds = 5 } = {}) {
    const path = lane === 'sse' ? race.stream : `/demo/races/${race.id}/${lane}`;
    if (holding === '' && !cut) return path;
    const words = [holding === '' || remedy === 'setting' ? 'live' : holding];
    if (holding !== '' && remedy === 'header') words.push('obeys');
    // A stream is written from when the race begins, not from when it is asked for: its time may be over by then.
    if (cut) words.push(`cut-${lane === 'json' ? seconds * 600 : `${Math.round(race.bytes * 0.6)}b`}`);
    return `/demo/proxy/${words.join(',')}${path}`;
}
