// An EventSource whose server speaks NDJSON: the same events, at a fifth of the cost to the browser when there are many,
// because it gets them a piece of the body at a time and not one by one.
//
// It has of EventSource's interface what `follow` uses. It does not come back by itself: `follow` does.

import { address } from './freshet.mjs';

export class LineSource {
    static CONNECTING = 0;
    static OPEN = 1;
    static CLOSED = 2;

    readyState = LineSource.CONNECTING;
    onopen = null;
    onmessage = null;
    onerror = null;
    #listeners = new Map();
    #request = new AbortController();

    constructor(url, { fetch = globalThis.fetch.bind(globalThis) } = {}) {
        this.#read(fetch, address(url, { as: 'ndjson' }));
    }

    addEventListener(type, listener) {
        this.#listeners.set(type, listener);
    }

    close() {
        this.readyState = LineSource.CLOSED;
        this.#request.abort();
    }

    async #read(fetch, url) {
        try {
            const response = await fetch(url, { cache: 'no-store', signal: this.#request.signal });
            if (response.status === 204) return this.#take({ event: 'end', data: { reason: 'done' } });
            if (response.ok) await this.#lines(response.body.getReader());
        } catch {
            // The connection could not be made, or broke, or was closed here.
        }
        if (this.readyState === LineSource.CLOSED) return;
        this.readyState = LineSource.CLOSED;
        this.onerror?.({});
    }

    async #lines(reader) {
        this.readyState = LineSource.OPEN;
        this.onopen?.({});
        // One decoder for the whole body: a character may be split between two pieces.
        const decoder = new TextDecoder();
        let rest = [];
        while (this.readyState === LineSource.OPEN) {
            const { done, value } = await reader.read();
            if (done) return;
            const lines = decoder.decode(value, { stream: true }).split('\n');
            // A long line comes in many pieces: it is joined once, when its end is there.
            rest.push(lines[0]);
            for (let index = 1; index < lines.length; index += 1) {
                const line = rest.join('');
                rest = [lines[index]];
                if (line !== '' && this.readyState === LineSource.OPEN) this.#take(JSON.parse(line));
            }
        }
    }

    #take({ event = 'message', data, id = '' }) {
        const told = { data: typeof data === 'string' ? data : JSON.stringify(data), lastEventId: id };
        if (event === 'message') this.onmessage?.(told);
        else this.#listeners.get(event)?.(told);
    }
}
