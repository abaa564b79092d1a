// A browser with tabs whose server, clock and locks are the test's.

import { setMaxListeners } from 'node:events';

import { FakePage } from './fakes.mjs';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Until nothing more follows from what happened. */
export async function settled() {
    for (let count = 0; count < 12; count += 1) await turn();
}

/** Timers that fire as time passes, which it does when the test says so. */
export class FakeClock {
    time = 1_000_000;
    #timers = new Map();
    #count = 0;

    setTimeout = (action, delay = 0) => {
        this.#count += 1;
        this.#timers.set(this.#count, { action, due: this.time + delay });
        return this.#count;
    };

    clearTimeout = (id) => this.#timers.delete(id);

    async pass(milliseconds) {
        await settled();
        const until = this.time + milliseconds;
        for (;;) {
            const next = [...this.#timers].filter(([, { due }]) => due <= until).sort((a, b) => a[1].due - b[1].due)[0];
            if (!next) break;
            const [id, { action, due }] = next;
            this.#timers.delete(id);
            this.time = Math.max(this.time, due);
            action();
            await settled();
        }
        this.time = until;
    }
}

/** A request that the test answers. */
class FakeRequest {
    isOpen = true;
    #controller;
    #resolve;
    #reject;

    constructor(url, { method = 'GET', headers, body, signal } = {}, resolve, reject) {
        Object.assign(this, { url, method, body, headers: Object.fromEntries(new Headers(headers)) });
        this.#resolve = resolve;
        this.#reject = reject;
        if (signal) setMaxListeners(0, signal);
        signal?.addEventListener('abort', () => {
            this.isOpen = false;
            this.fail(new DOMException('aborted', 'AbortError'));
        });
    }

    get position() {
        return this.headers['last-event-id'];
    }

    accept(headers = {}, greeting = ': ok\n\n') {
        const body = new ReadableStream({
            start: (controller) => {
                this.#controller = controller;
            },
        });
        this.#resolve(new Response(body, { headers: { 'Content-Type': 'text/event-stream', ...headers } }));
        return this.send(greeting);
    }

    refuse(status, headers = {}, body = null) {
        this.isOpen = false;
        this.#resolve(new Response(body, { status, headers }));
    }

    send(text) {
        this.#controller.enqueue(new TextEncoder().encode(text));
        return this;
    }

    /** Events of `[id, data, type]`. */
    tell(...events) {
        return this.send(events.map(([id, data, type]) => (
            `${type ? `event: ${type}\n` : ''}id: ${id}\ndata: ${data}\n\n`)).join(''));
    }

    finish() {
        this.isOpen = false;
        this.#controller.close();
    }

    fail(problem = new TypeError('network')) {
        this.isOpen = false;
        this.#reject(problem);
        try {
            this.#controller?.error(problem);
        } catch {
            // It was complete already.
        }
    }
}

class FakeLocks {
    #held = new Map();
    #waiting = [];

    request = (name, options, action) => new Promise((resolve, reject) => {
        const request = { name, action, resolve, reject };
        const refuse = (index) => {
            if (index >= 0) this.#waiting.splice(index, 1);
            reject(new DOMException('aborted', 'AbortError'));
        };
        if (options.signal?.aborted) return refuse(-1);
        if (options.steal) {
            this.#held.get(name)?.reject(new DOMException('stolen', 'AbortError'));
            this.#held.delete(name);
            this.#waiting.unshift(request);
        } else if (options.ifAvailable && (this.#held.has(name) || this.#waiting.some((each) => each.name === name))) {
            return resolve(action(null));
        } else {
            this.#waiting.push(request);
            options.signal?.addEventListener('abort', () => {
                const index = this.#waiting.indexOf(request);
                if (index >= 0) refuse(index);
            });
        }
        this.#grant();
    });

    get names() {
        return [...this.#held.keys()];
    }

    #grant() {
        for (const request of [...this.#waiting]) {
            const { name, action, resolve } = request;
            if (this.#held.has(name)) continue;
            this.#waiting.splice(this.#waiting.indexOf(request), 1);
            this.#held.set(name, request);
            Promise.resolve(action({ name })).then(resolve, request.reject).finally(() => {
                if (this.#held.get(name) !== request) return;
                this.#held.delete(name);
                this.#grant();
            });
        }
    }
}

/** A browser: what its tabs have together. */
export class FakeBrowser {
    clock = new FakeClock();
    requests = [];
    locks = new FakeLocks();
    stored = new Map();
    #channels = [];
    /** Answers requests, where the test does not. */
    answer = null;

    get open() {
        return this.requests.filter(({ isOpen }) => isOpen);
    }

    get last() {
        return this.requests.at(-1);
    }

    tab({ isSecure = true, protocol = 'http/1.1', random = 0 } = {}) {
        const browser = this;
        const page = new FakePage();
        const fetch = (url, init) => new Promise((resolve, reject) => {
            const request = new FakeRequest(url, init, resolve, reject);
            this.requests.push(request);
            this.answer?.(request);
        });
        class BroadcastChannel {
            onmessage = null;

            constructor(name) {
                this.name = name;
                this.page = page;
                browser.#channels.push(this);
            }

            postMessage(data) {
                const sent = structuredClone(data);
                for (const channel of browser.#channels) {
                    if (channel === this || channel.name !== this.name) continue;
                    setImmediate(() => {
                        if (!channel.isClosed && !channel.page.isFrozen) channel.onmessage?.({ data: sent });
                    });
                }
            }

            close() {
                this.isClosed = true;
                browser.#channels = browser.#channels.filter((channel) => channel !== this);
            }
        }
        return Object.assign(page, {
            fetch, BroadcastChannel, AbortSignal,
            setTimeout: (action, delay) => this.clock.setTimeout(() => page.isFrozen || action(), delay),
            clearTimeout: this.clock.clearTimeout,
            Date: { now: () => this.clock.time },
            Math: { random: () => random },
            location: { href: 'http://app.test/page', origin: 'http://app.test' },
            navigator: isSecure ? { locks: this.locks } : {},
            performance: {
                getEntriesByType: (type) => (type === 'navigation'
                    ? [{ name: 'http://app.test/page', nextHopProtocol: protocol }] : []),
            },
            localStorage: {
                getItem: (name) => this.stored.get(name) ?? null,
                setItem: (name, value) => this.stored.set(name, value),
                removeItem: (name) => this.stored.delete(name),
            },
        });
    }
}

/** A stream as a Freshet server keeps it, answering the requests of a fake browser. */
export class FakeStream {
    events = [];
    readers = [];
    isEnded = false;
    heads = 0;

    static #count = 0;

    /** Appends an event, or ends the stream. */
    append(data, type) {
        FakeStream.#count += 1;
        const event = [`0Q${String(FakeStream.#count).padStart(10, '0')}`, data, type];
        this.events.push(event);
        this.isEnded ||= type === 'end';
        for (const reader of this.readers.filter(({ isOpen }) => isOpen)) {
            reader.tell(event);
            if (this.isEnded) reader.finish();
        }
        return event[0];
    }

    get tail() {
        return this.events.findLast(([, , type]) => type !== 'end')?.[0] ?? '0Q0000000000';
    }

    answer = (request) => {
        if (request.method === 'HEAD') {
            this.heads += 1;
            return request.refuse(200, {
                'Stream-Next-Offset': this.tail, 'Stream-Earliest-Offset': '0Q0000000000',
                ...(this.isEnded ? { 'Stream-Closed': 'true' } : {}),
            });
        }
        const after = this.events.filter(([id]) => id > (request.position ?? ''));
        request.accept();
        if (after.length > 0) request.tell(...after);
        if (this.isEnded) request.finish();
        else this.readers.push(request);
    };
}
