import { Connections } from './connections.js';
import { EventStreamParser } from './parser.js';
import { Tabs } from './tabs.js';

/** The longest pause between two attempts, in milliseconds. */
const longestPause = 15_000;
/** A connection that lasted so many milliseconds was a good one. */
const good = 5_000;
/** Pauses between two reads of a stream that has no connection of its own, in milliseconds. */
const poll = { visible: 2_000, hidden: 15_000 };
/** Events that wait for who iterates; no more are read until they are taken. */
const mostWaiting = 1_000;

const controls = new Set(['end', 'gap', 'start', 'reconnect']);

/**
 * An `EventSource` that comes back after whatever happened, where it was, until the stream has ended.
 *
 * It has `EventSource`'s interface, so that `new FreshetSource(url)` can stand for `new EventSource(url)`. What it adds is in
 * `freshet.d.ts`.
 */
export class FreshetSource extends EventTarget {
    static CONNECTING = 0;
    static OPEN = 1;
    static CLOSED = 2;

    CONNECTING = 0;
    OPEN = 1;
    CLOSED = 2;
    onopen = null;
    onmessage = null;
    onerror = null;

    #url;
    #method;
    #options;
    #page;
    #silence;
    #readyState = 0;
    #position;
    #token;
    /** Whether a token was made anew and has not been accepted yet. */
    #isRenewed = false;
    #failures = 0;
    #retry = 1_000;
    #isForeign = false;
    #life = null;
    #tabs = null;
    #connections = null;
    #connection = null;
    /** Whether the connection was given up for another. */
    #isYielding = false;
    #heard = 0;
    #wake = null;
    #via = '';
    #iterations = new Set();
    #taken = null;
    #problem = null;

    /** `page` is for tests: what the browser offers. */
    constructor(url, options = {}, page = globalThis) {
        super();
        this.#url = new URL(url, page.location?.href).href;
        this.#options = options;
        this.#page = page;
        this.#method = options.method ?? 'GET';
        this.#position = options.lastEventId ?? '';
        this.#silence = 2 * (options.heartbeat ?? 10_000);
        for (const type of ['open', 'message', 'error']) {
            this.addEventListener(type, (event) => this['on' + type]?.(event));
        }
        page.addEventListener?.('pagehide', this.#park);
        page.addEventListener?.('pageshow', this.#start);
        page.addEventListener?.('online', this.#online);
        page.document?.addEventListener('visibilitychange', this.#look);
        this.#start();
    }

    get url() {
        return this.#url;
    }

    get withCredentials() {
        return this.#options.withCredentials ?? false;
    }

    get readyState() {
        return this.#readyState;
    }

    /** The position that it would come back with. */
    get lastEventId() {
        return this.#position;
    }

    /** How it reads: by a `connection` of its own, by another `tab`, or by `polls`; empty before it does. */
    get via() {
        return this.#via;
    }

    /** Stops reading. The stream goes on. */
    close() {
        if (this.#readyState === 2) return;
        this.#readyState = 2;
        const page = this.#page;
        this.#park();
        page.removeEventListener?.('pagehide', this.#park);
        page.removeEventListener?.('pageshow', this.#start);
        page.removeEventListener?.('online', this.#online);
        page.document?.removeEventListener('visibilitychange', this.#look);
        for (const iteration of this.#iterations) iteration.wake?.();
        this.#taken?.();
    }

    /** Asks the stream to stop, for everybody; its `end` says that it did. Returns the status of the response. */
    async cancel() {
        const headers = await this.#headers({ 'Stream-Cancel': 'true' });
        const { status } = await this.#page.fetch(this.#url, { method: 'POST', headers, credentials: this.#credentials });
        return status;
    }

    /** All events, `end` as the last. Leaving the loop closes the source; an error that is final is thrown. */
    async *[Symbol.asyncIterator]() {
        const iteration = { events: [], wake: null };
        this.#iterations.add(iteration);
        try {
            for (;;) {
                while (iteration.events.length > 0) {
                    for (const event of iteration.events.splice(0)) yield event;
                    this.#taken?.();
                }
                if (this.#problem) throw this.#problem;
                if (this.#readyState === 2) return;
                await new Promise((resolve) => {
                    iteration.wake = resolve;
                });
            }
        } finally {
            this.#iterations.delete(iteration);
            this.close();
        }
    }

    // When it reads

    #start = () => {
        if (this.#life || this.#readyState === 2) return;
        const life = this.#life = new AbortController();
        this.#run(life.signal);
    };

    /** A page that was left may be kept for the way back, and must hold nothing then. */
    #park = () => {
        this.#life?.abort();
        this.#life = null;
    };

    /** Another network, or none for a while: what is open may be dead without anybody having said so. */
    #online = () => {
        this.#failures = 0;
        this.#connection?.abort();
        this.#wake?.();
    };

    /** A page that slept may have lost its connection. */
    #look = () => {
        if (!this.#isVisible) return;
        if (this.#page.Date.now() - this.#heard > this.#silence) this.#online();
        else this.#wake?.();
    };

    get #isVisible() {
        return this.#page.document?.visibilityState !== 'hidden';
    }

    get #credentials() {
        return this.withCredentials ? 'include' : 'same-origin';
    }

    /** What tabs must have in common to read together; null for what cannot be shared. */
    get #sharedName() {
        const { share = true, headers, token } = this.#options;
        const { navigator, BroadcastChannel } = this.#page;
        if (!share || this.#method !== 'GET' || !navigator?.locks || !BroadcastChannel) return null;
        if (/[?&]offset=now\b/.test(this.#url) || (share === true && (headers || token))) return null;
        return ['freshet', share === true ? '' : share, this.#credentials, this.#url].join(' ');
    }

    async #run(signal) {
        const connections = this.#connections = new Connections(new URL(this.#url).origin, this.#page, (isForced) => {
            if (this.#isVisible && !isForced) return;
            this.#isYielding = true;
            this.#connection?.abort();
        });
        const name = this.#sharedName;
        if (name) {
            const source = this;
            this.#tabs = new Tabs(name, this.#page, this.#silence, {
                get position() {
                    return source.#position;
                },
                get isForeign() {
                    return source.#isForeign;
                },
                read: (leadership) => this.#read(leadership),
                catchUp: (following) => this.#persist(following, () => this.#catchUp(following, 'tab')),
                take: (events) => this.#take(events),
                show: ({ isOpen, ...trouble }) => (isOpen ? this.#opened('tab') : this.#failed(trouble)),
            });
            await this.#tabs.run(signal);
            this.#tabs = null;
        }
        if (!signal.aborted) await this.#read(signal);
        connections.close();
    }

    /** Reads until the signal comes. */
    async #read(signal) {
        while (!signal.aborted) await this.#persist(signal, () => this.#turn(signal));
    }

    /** One connection until it ends, or one poll where no connection is free; and the pause after it. */
    async #turn(signal) {
        const isPolled = this.#method === 'GET' && !this.#isForeign;
        const release = isPolled ? await this.#takeConnection(signal) : () => {};
        if (release) {
            try {
                if (!signal.aborted) await this.#follow(signal);
            } catch (problem) {
                if (!this.#isYielding) throw problem;
            } finally {
                release();
            }
            return;
        }
        this.#isYielding = false;
        await this.#catchUp(signal, 'polls');
        if (signal.aborted || this.#isForeign) return;
        if (!this.#isVisible) this.#tabs?.tell({ isHidden: true });
        await this.#sleep(this.#isVisible ? poll.visible : poll.hidden, signal);
    }

    async #takeConnection(signal) {
        if (this.#isYielding) return null;
        const release = await this.#connections.take();
        if (release || !this.#isVisible) return release;
        // What is looked at is read first.
        return this.#connections.takeOver(() => this.#sleep(50, signal));
    }

    /** Does what may fail until it succeeds, with pauses that grow. */
    async #persist(signal, action) {
        for (;;) {
            try {
                return await action();
            } catch (thrown) {
                if (signal.aborted) return;
                // A function of the page may throw anything.
                const problem = Object.isExtensible(thrown) ? thrown : new Error(`${this.#url}: ${thrown}`, { cause: thrown });
                // Whether it was taken in is not known, and a second time may be one too many.
                problem.isFinal ||= !problem.status && this.#method !== 'GET' && !this.#options.repeat;
                this.#failed(problem);
                if (problem.isFinal) return;
                await this.#sleep(problem.pause ?? this.#pause(problem.retryAfter), signal);
                if (signal.aborted) return;
            }
        }
    }

    /** Readers that were cut together do not come back together. */
    #pause(retryAfter = 0) {
        const ceiling = Math.min(longestPause, this.#retry * 2 ** this.#failures);
        this.#failures += 1;
        return retryAfter * 1_000 + ceiling / 4 + this.#page.Math.random() * ceiling * 0.75;
    }

    #sleep(milliseconds, signal) {
        return new Promise((resolve) => {
            const wake = this.#wake = () => {
                this.#page.clearTimeout(timer);
                signal.removeEventListener('abort', wake);
                resolve();
            };
            const timer = this.#page.setTimeout(wake, milliseconds);
            signal.addEventListener('abort', wake);
        });
    }

    // Requests

    async #headers(more) {
        const { headers, token, body } = this.#options;
        const made = new Headers(typeof headers === 'function' ? await headers() : headers);
        if (this.#method === 'GET' && body !== undefined) made.delete('Content-Type');
        if (token) made.set('Authorization', `Bearer ${this.#token ??= await token()}`);
        for (const [name, value] of Object.entries(more)) if (value) made.set(name, value);
        return made;
    }

    /** A response that is a success; everything else is thrown. */
    async #fetch(signal, method = this.#method) {
        const headers = await this.#headers({ Accept: 'text/event-stream', 'Last-Event-ID': this.#position });
        const body = method === 'GET' || method === 'HEAD' ? undefined : this.#options.body;
        const response = await this.#page.fetch(this.#url, {
            method, headers, body, signal, credentials: this.#credentials, cache: 'no-store',
        });
        const { status } = response;
        if (status === 401 && this.#options.token && !this.#isRenewed) {
            this.#isRenewed = true;
            this.#token = undefined;
            return this.#fetch(signal, method);
        }
        if (response.ok && status !== 204) {
            this.#isRenewed = false;
            return response;
        }
        const isPassing = [408, 425, 429].includes(status) || (status >= 500 && status !== 501 && status !== 505);
        const text = method === 'HEAD' ? '' : await response.text().catch(() => '');
        const error = new Error(`${this.#url}: the server answered ${status}`);
        throw Object.assign(error, {
            status, isFinal: !isPassing, problem: parsed(text), retryAfter: Number(response.headers.get('Retry-After')) || 0,
        });
    }

    /** Reads over a connection until it ends, which is thrown, or until an offset. */
    async #follow(signal, until) {
        const page = this.#page;
        const connection = this.#connection = new AbortController();
        const stop = () => connection.abort();
        signal.addEventListener('abort', stop);
        const begun = this.#heard = page.Date.now();
        let isBeating = this.#method === 'GET';
        let timer;
        const look = () => {
            const left = this.#heard + this.#silence * 1.25 - page.Date.now();
            if (left <= 0 && isBeating && !this.#taken) stop();
            else timer = page.setTimeout(look, left > 0 ? left : 1_000);
        };
        look();
        const parser = new EventStreamParser(this.#position);
        let pause;
        try {
            const response = await this.#fetch(connection.signal);
            if (!/^text\/event-stream\b/i.test(response.headers.get('Content-Type'))) {
                throw Object.assign(new Error(`${this.#url}: not an event stream`), { status: response.status, isFinal: true });
            }
            const location = this.#method !== 'GET' && response.headers.get('Location');
            const next = location && new URL(location, this.#url);
            if (next && next.origin === new URL(this.#url).origin) {
                // What this request made is kept at a URL of its own, and is read there.
                this.#url = next.href;
                this.#method = 'GET';
                return;
            }
            if (!until) this.#opened('connection');
            isBeating = false;
            const reader = response.body.getReader();
            const decoder = new TextDecoder();
            for (;;) {
                const { done, value } = await reader.read();
                if (connection.signal.aborted || done) break;
                this.#heard = page.Date.now();
                const events = parser.feed(decoder.decode(value, { stream: true }));
                isBeating ||= parser.hasComments;
                if (parser.retry !== null) this.#retry = parser.retry;
                if (events.some(([type]) => type === 'reconnect')) pause = parser.retry ?? undefined;
                if (events.length > 0) {
                    this.#failures = 0;
                    this.#tabs?.tell({ from: this.#position, events });
                    this.#take(events);
                } else {
                    this.#tabs?.tell({});
                }
                if (until && this.#position >= until) return;
                if ([...this.#iterations].some((iteration) => iteration.events.length > mostWaiting)) await this.#room();
            }
        } finally {
            stop();
            signal.removeEventListener('abort', stop);
            page.clearTimeout(timer);
            if (page.Date.now() - begun > good) this.#failures = 0;
        }
        throw Object.assign(new Error(`${this.#url}: the connection ended`), { status: 0, pause });
    }

    async #room() {
        await new Promise((resolve) => {
            this.#taken = resolve;
        });
        this.#taken = null;
        this.#heard = this.#page.Date.now();
    }

    /** Reads what is kept by now, over a connection that is closed again. */
    async #catchUp(signal, via) {
        let fields;
        try {
            fields = (await this.#fetch(signal, 'HEAD')).headers;
        } catch (problem) {
            // It does not exist yet.
            if (problem.status === 404 && !this.#position) return this.#opened(via);
            throw problem;
        }
        const tail = fields.get('Stream-Next-Offset');
        this.#isForeign = !tail;
        if (!tail || signal.aborted) return;
        this.#opened(via);
        const offset = new URL(this.#url).searchParams.get('offset') ?? '-1';
        const position = this.#position || (offset === '-1' ? fields.get('Stream-Earliest-Offset') : offset);
        if (position !== tail) await this.#follow(signal, tail);
        else if (fields.get('Stream-Closed')) await this.#follow(signal, '~~~~~~~~~~~~~');
    }

    // What it says

    #opened(via) {
        this.#via = via;
        if (this.#readyState !== 0) return;
        this.#readyState = 1;
        this.#tabs?.tell({ isOpen: true });
        this.dispatchEvent(new Event('open'));
    }

    #failed({ status = 0, isFinal = false, problem = null, message = '' }) {
        if (this.#readyState === 2) return;
        this.#tabs?.tell({ isOpen: false, status, isFinal, problem, message });
        this.#readyState = 0;
        if (isFinal) {
            // A read that has nothing more to say is no mistake.
            if (status !== 204) this.#problem = Object.assign(new Error(message), { status, problem });
            this.close();
        }
        this.dispatchEvent(Object.assign(new Event('error'), { status, problem }));
    }

    #take(events) {
        for (const [type, data, lastEventId] of events) {
            if (this.#readyState === 2) return;
            const event = new MessageEvent(type, { data, lastEventId, origin: new URL(this.#url).origin });
            if (controls.has(type)) event.detail = parsed(data) ?? {};
            if (lastEventId) this.#position = lastEventId;
            if (type === 'reconnect' && /^(expired|revoked)$/.test(event.detail.why)) this.#token = undefined;
            for (const iteration of this.#iterations) iteration.events.push(event);
            if (type === 'end' && event.detail.reason) this.close();
            this.dispatchEvent(event);
        }
        for (const iteration of this.#iterations) iteration.wake?.();
    }
}

/** Control events carry JSON; one that does not is treated as empty rather than as a reason to stop reading. */
function parsed(text) {
    try {
        return JSON.parse(text);
    } catch {
        return null;
    }
}
