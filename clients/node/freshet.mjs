/**
 * Writes streams of a Freshet server: one file, node 20 or later, no dependencies.
 *
 *     import { produce } from './freshet.mjs';
 *
 *     await produce('answer', async (stream) => {
 *         for await (const token of model({ signal: stream.signal })) await stream.append(token);
 *     });
 *
 * It creates the stream, and ends it: `done`, or `failed` if the function throws. Each request carries the protocol's
 * producer headers and is repeated until the server has answered it: a broken connection or a restarting server neither
 * loses nor doubles a token.
 *
 * `append` only hands the token over: what arrives while a request is under way goes out with the next one. While
 * `maxPending` bytes are not acknowledged, its promise waits, so await it.
 *
 * When somebody presses Stop, the next `append` throws `Cancelled`. While there is nothing to append, the producer renews
 * the stream's lease, so that `stream.signal` is aborted within five seconds. If the producer dies, the lease runs out,
 * and readers are told that the stream was abandoned. Copyright 2026 The Freshet authors, Apache License 2.0.
 *
 * @module
 */

import { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';

const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]); // What another attempt may mend, as may 506 to 599.
const BAD_INPUT = new Set([400, 413, 422]);
const BATCH_BYTES = 64 << 10;
const MOST_ITEMS = 50_000; // Of a request: what a server takes by default (`body-events`).
const LONGEST_ANSWER = 1 << 20;
const LONGEST_SILENCE = 5; // With a lease, the producer learns of a Stop within this many seconds.

/**
 * Something went wrong with a stream. If a server's answer says what, `status` is its status, and `code`, `title` and
 * `detail` are those of its problem document: `code` is what follows `urn:freshet:`, as docs/protocol.md lists it.
 */
export class FreshetError extends Error {
    constructor(message, answer) {
        super(message);
        this.name = new.target.name;
        this.status = answer?.status;
        this.code = answer?.code;
        this.title = answer?.document.title;
        this.detail = answer?.document.detail;
    }
}

/** The server refused a request, and would refuse it again. */
export class Refused extends FreshetError {}

/** Another producer with the same `producerId` took over: this one can append no more. */
export class Fenced extends Refused {}

/** The stream has ended, and not by this producer. `end` says how: `{ reason, detail }`. */
export class StreamEnded extends FreshetError {
    constructor(answer) {
        const { reason, detail } = answer.end;
        super(`the stream takes no more: ${reason}${detail ? ` (${detail})` : ''}`, answer);
        this.end = answer.end;
    }
}

/** Somebody pressed Stop. */
export class Cancelled extends StreamEnded {}

/** The server could not be reached, or could not serve, for `patience` seconds. */
export class Unreachable extends FreshetError {}

/**
 * Writes a stream from beginning to end: ends it as `done`, or as `failed` if `body` throws.
 *
 * @param {string} target The stream's URL, or its name on the server in FRESHET_URL (default http://127.0.0.1:4437).
 * @param {(stream: Producer) => Promise<T>} body Appends. What it returns is returned, what it throws is thrown.
 * @param {Options} [options]
 * @returns {Promise<T>}
 * @template T
 */
export async function produce(target, body, options) {
    const stream = await Producer.create(target, options);
    try {
        const result = await body(stream);
        await stream.end();
        return result;
    } finally {
        await stream[Symbol.asyncDispose]();
    }
}

/**
 * Writes one stream.
 *
 * @typedef {object} Options
 * @property {string} [key] The bearer key; default is FRESHET_KEY, if that is set.
 * @property {string} [contentType] The stream's type, which says what `append` takes; default text/plain.
 * @property {number} [ttl] Delete the stream when nobody has read or written it for so many seconds.
 * @property {number|null} [lease] End the stream as abandoned when this producer is silent for so many seconds; default
 *     60, null for never.
 * @property {boolean} [existing] Append to a stream that somebody else created, instead of creating it.
 * @property {string} [producerId] A name for what takes over from each other. Of several producers of one stream with the
 *     same name, the one with the highest epoch writes, and the others throw `Fenced`. By default every producer has a
 *     name of its own, and several can write one stream.
 * @property {number} [epoch] A number that is higher each time; default is the time in milliseconds.
 * @property {number} [patience] Give up when the server has not answered for so many seconds; default 60.
 * @property {number} [timeout] How long to wait for an answer, in seconds; default 30.
 * @property {number} [maxPending] How many bytes may wait for their acknowledgement, bookkeeping included; default 1 MiB.
 * @property {AbortSignal} [signal] Stops at once, as `close` does; what waits is rejected with the signal's reason. To
 *     tell the readers, call `end('failed')` instead.
 * @property {https.AgentOptions} [tls] For https, such as `{ ca }`.
 */
export class Producer {
    /** The stream's URL. */
    url;
    /** The offset of the last event that the server acknowledged. */
    offset;
    /** How the stream ended, as far as this producer was told: `{ reason, detail }`. */
    ended;

    #options;
    #key;
    #kind;
    #http;
    #agent;
    #id;
    #epoch;

    #created = false;
    #closed = false;
    #queue = [];
    #pending = 0; // The cost of what is in the queue or in flight.
    #appends = []; // For which there was no room.
    #waiters = [];
    #askedEnd;
    #error; // What ended everything.
    #refusal; // What was wrong with something appended: the stream is still there to be ended.
    #beatsAsked = 0;
    #beatsMade = 0;
    #sequence = 0;
    #batchItems = MOST_ITEMS;
    #mostItems = MOST_ITEMS;
    #lastAnswer = 0;
    #wake = () => {};
    #aborter = new AbortController();
    #request;

    /** Creates the stream, or goes on with an open one of that name, type, lease and ttl. */
    static async create(target, options) {
        const producer = new Producer(target, options);
        if (!producer.#error) producer.#run();
        await producer.#until(() => producer.#created);
        return producer;
    }

    /** Use `create`. Throws a TypeError for a target, key or number that no server would take. */
    constructor(target, options = {}) {
        options = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
        this.#options = {
            contentType: 'text/plain', lease: 60, patience: 60, timeout: 30, maxPending: 1 << 20, ...options,
        };
        const { contentType, lease, ttl, producerId, signal } = this.#options;
        for (const [name, value] of Object.entries({ ttl, lease })) {
            if (value != null && !(Number.isSafeInteger(value) && value > 0)) {
                throw new TypeError(`${name} is a whole number of seconds from 1, or null`);
            }
        }
        if (!/^[!-~]+\/[!-~][ -~]*$/.test(contentType)) {
            throw new TypeError(`'${contentType}' is not a media type such as text/plain`);
        }
        if (producerId != null && !/^[^\0-\x1f\x7f]{1,256}$/.test(producerId)) {
            throw new TypeError('producerId has 1 to 256 bytes, and no control characters');
        }
        this.url = streamURL(target);
        this.#key = checkedKey(options.key ?? process.env.FRESHET_KEY);
        this.#kind = kindOf(contentType);
        this.#http = this.url.startsWith('https:') ? https : http;
        this.#agent = new this.#http.Agent({ ...options.tls, keepAlive: true, maxSockets: 1 });
        this.#id = producerId ?? randomUUID();
        this.#epoch = options.epoch ?? Date.now();
        if (signal?.aborted) this.#fail(signal.reason);
        else signal?.addEventListener('abort', () => this.#fail(signal.reason), { signal: this.#aborter.signal });
    }

    /** Is aborted when this producer can append no more: pass it to what makes the tokens. */
    get signal() {
        return this.#aborter.signal;
    }

    /** Somebody pressed Stop, as far as this producer was told. Asks nobody: see `heartbeat`. */
    get cancelled() {
        return this.ended?.reason === 'cancelled';
    }

    /**
     * Appends one event. Await it: it waits while `maxPending` bytes are not acknowledged.
     *
     * @param {*} data A string for `text/*` (what waits together becomes one event; an empty string is none) and for
     *     `text/event-stream`; any JSON value for `application/json` and `application/x-ndjson`; a Uint8Array, one request
     *     each, for everything else.
     * @param {string} [event] The event's type, in a stream of `text/event-stream`.
     */
    async append(data, event) {
        const item = this.#encode(data, event);
        this.#check();
        if (this.#askedEnd) throw new FreshetError('this producer is ending its stream');
        if (item.length === 0 || (this.#appends.length === 0 && this.#offer(item))) return;
        await new Promise((resolve, reject) => this.#appends.push({ item, resolve, reject }));
    }

    /** Waits until everything appended so far is acknowledged: stored, and visible to readers. */
    async flush() {
        await this.#until(() => this.#pending === 0 && this.#appends.length === 0);
    }

    /**
     * Asks the server now whether the stream is still open, after what waits, and renews its lease. The producer does so
     * by itself. A stream without a lease is asked with HEAD, for which a key needs the right to read.
     */
    async heartbeat() {
        this.#check();
        const number = ++this.#beatsAsked;
        this.#tell();
        await this.#until(() => this.#beatsMade >= number);
    }

    /**
     * Sends what waits, and ends the stream as `done` or `failed`, with a `detail` for people (up to 1024 bytes). If
     * something appended was refused, the stream ends as failed, whatever was asked, and this throws the refusal. A second
     * call does nothing.
     */
    async end(reason = 'done', detail = undefined) {
        if (reason !== 'done' && reason !== 'failed') {
            throw new TypeError('a producer ends its stream as done or failed; to cancel is for others');
        }
        if (this.#error) throw this.#error;
        if (this.#closed) return;
        this.#askedEnd ??= { reason, detail };
        this.#tell();
        await new Promise((resolve, reject) => {
            const isReady = () => {
                if (this.#error) throw this.#error;
                if (this.#closed && this.#refusal && reason === 'done') throw this.#refusal;
                return this.#closed;
            };
            this.#waiters.push({ isReady, resolve, reject });
        });
    }

    /** Stops without ending the stream: what waits is dropped. Another producer may go on, or the lease runs out. */
    close() {
        this.#closed = true;
        this.#request?.destroy();
        this.#admit();
        this.#tell();
    }

    /** Ends the stream as failed, if it was not ended: for `await using`, and for `finally`. */
    async [Symbol.asyncDispose]() {
        // What went wrong was thrown already, or is about to be by what led here.
        await this.end('failed').catch(() => {});
    }

    #check() {
        const error = this.#error ?? this.#refusal;
        if (error) throw error;
        if (this.#closed) throw new FreshetError('this producer has ended or was closed');
    }

    #offer(item) {
        const cost = costOf(item);
        if (this.#pending > 0 && this.#pending + cost > this.#options.maxPending) return false;
        this.#queue.push(item);
        this.#pending += cost;
        this.#tell();
        return true;
    }

    #until(isReady) {
        return new Promise((resolve, reject) => {
            const check = () => {
                this.#check();
                return isReady();
            };
            this.#waiters.push({ isReady: check, resolve, reject });
            this.#tell();
        });
    }

    /** Something changed: wakes what waits for it. */
    #tell() {
        this.#waiters = this.#waiters.filter(({ isReady, resolve, reject }) => {
            try {
                if (!isReady()) return true;
                resolve();
            } catch (error) {
                reject(error);
            }
            return false;
        });
        this.#wake();
    }

    /** There may be room. In the order of the calls: a short one does not overtake a long one. */
    #admit() {
        while (this.#appends.length > 0) {
            const { item, resolve, reject } = this.#appends[0];
            try {
                this.#check();
                if (!this.#offer(item)) return;
                resolve();
            } catch (error) {
                reject(error);
            }
            this.#appends.shift();
        }
    }

    #encode(data, event) {
        const { contentType } = this.#options;
        if (event !== undefined && this.#kind !== 'events') {
            throw new TypeError(`only an event of text/event-stream has a type, and this stream is ${contentType}`);
        }
        if (this.#kind === 'json' || this.#kind === 'lines') {
            const text = JSON.stringify(data);
            if (text === undefined) throw new TypeError(`a stream of ${contentType} takes JSON values`);
            return Buffer.from(text);
        }
        if (this.#kind === 'binary') {
            // A copy: the caller may fill its buffer again.
            if (data instanceof Uint8Array) return Buffer.from(data);
            throw new TypeError(`a stream of ${contentType} takes a Uint8Array`);
        }
        if (typeof data !== 'string' || !data.isWellFormed()) {
            throw new TypeError(`a stream of ${contentType} takes strings of whole characters`);
        }
        if (this.#kind === 'text') return Buffer.from(data);
        if (/[\r\n\0]/.test(event ?? '')) throw new TypeError("an event's type is one line without NUL");
        const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
        return Buffer.from(`${event ? `event: ${event}\n` : ''}${lines.join('')}\n`);
    }

    // The requests, one after the other.

    async #run() {
        try {
            await this.#make();
            while (await this.#step());
        } catch (error) {
            if (!this.#closed) this.#fail(error);
        } finally {
            this.#agent.destroy();
            this.#aborter.abort(this.#error);
        }
    }

    async #make() {
        const { existing, contentType, ttl } = this.#options;
        if (!existing) {
            const fields = { 'Content-Type': contentType, ...this.#leaseField() };
            if (ttl) fields['Stream-TTL'] = `${ttl}`;
            this.#settle(await this.#send('PUT', fields));
        }
        this.#created = true;
        this.#tell();
    }

    /** Sends the next request there is; false after the last one. */
    async #step() {
        const { lease } = this.#options;
        const silence = lease ? Math.min(lease / 3, LONGEST_SILENCE) * 1000 : Infinity;
        let isDue = false;
        while (!this.#closed && !this.#queue.length && !this.#askedEnd && this.#beatsAsked === this.#beatsMade) {
            const wait = this.#lastAnswer + silence - performance.now();
            isDue = wait <= 0;
            if (isDue) break;
            await this.#pause(wait, true);
        }
        if (this.#closed || this.#error) return false;
        const batch = this.#take();
        const beats = this.#beatsAsked;
        if (batch.length > 0) {
            await this.#append(batch);
        } else if (isDue || beats > this.#beatsMade) {
            this.#settle(await this.#send(lease ? 'POST' : 'HEAD', this.#leaseField()));
            this.#beatsMade = beats;
            this.#tell();
        } else {
            await this.#finish();
            return false;
        }
        return true;
    }

    #take() {
        let [count, size] = [0, 0];
        const most = this.#kind === 'binary' ? 1 : this.#batchItems;
        while (count < Math.min(most, this.#queue.length)) {
            size += this.#queue[count].length;
            if (count > 0 && size > BATCH_BYTES) break;
            count += 1;
        }
        return this.#queue.splice(0, count);
    }

    async #append(batch) {
        const fields = { ...this.#producerFields(), 'Content-Type': this.#options.contentType };
        const answer = await this.#send('POST', fields, this.#body(batch));
        if (BAD_INPUT.has(answer.status) && !answer.end) {
            // An earlier attempt, whose answer never arrived, may have been stored.
            if (answer.wasRepeated && await this.#isStored()) return this.#acknowledged(batch);
            // What is good of it is found by halving.
            if (batch.length > 1) {
                this.#batchItems = Math.floor(batch.length / 2);
                // The server's own bound, which stays.
                if (answer.code === 'too-many-events') this.#mostItems = this.#batchItems;
                this.#queue = batch.concat(this.#queue);
                return;
            }
            this.#refusal = new Refused(answer.problem, answer);
            this.#queue = [];
            this.#pending = 0;
            this.#admit();
            this.#tell();
            return;
        }
        this.#settle(answer, this.#sequence);
        this.#batchItems = Math.min(2 * this.#batchItems, this.#mostItems);
        this.#acknowledged(batch, answer.field('Stream-Next-Offset'));
    }

    #acknowledged(batch, offset = this.offset) {
        this.#sequence += 1;
        this.#pending -= batch.reduce((sum, item) => sum + costOf(item), 0);
        this.offset = offset;
        this.#admit();
        this.#tell();
    }

    /**
     * Whether the append was stored whose repetition was refused: by a server that was started again with another limit,
     * say. Asked with one whose number is too high either way, so that the server says which it expects.
     */
    async #isStored() {
        const fields = { ...this.#producerFields(this.#sequence + 2), 'Content-Type': this.#options.contentType };
        const body = Buffer.from({ lines: '0\n', events: 'data: 0\n\n' }[this.#kind] ?? '0');
        const answer = await this.#send('POST', fields, body);
        const expected = answer.field('Producer-Expected-Seq') ?? '';
        if (!answer.end && /^[0-9]{1,16}$/.test(expected)) return Number(expected) > this.#sequence;
        this.#settle(answer);
        throw new Refused(`${this.url} took an append whose number leaves others out`, answer);
    }

    #body(batch) {
        if (this.#kind === 'json') return Buffer.from(`[${batch.join(',')}]`);
        if (this.#kind === 'lines') return Buffer.from(`${batch.join('\n')}\n`);
        return Buffer.concat(batch);
    }

    async #finish() {
        const { reason, detail } = this.#askedEnd;
        const fields = {
            ...this.#producerFields(), 'Stream-Closed': 'true', 'Stream-End-Reason': this.#refusal ? 'failed' : reason,
        };
        const line = oneLine(detail ?? this.#refusal?.message ?? '');
        if (line) fields['Stream-End-Detail'] = line;
        const answer = await this.#send('POST', fields);
        if (!(answer.status < 300 && answer.end)) {
            this.#settle(answer);
            throw new Fenced('another producer with this producerId and epoch is writing the stream', answer);
        }
        this.ended = answer.end;
        this.#closed = true;
        this.#tell();
    }

    /** Takes an answer as success, or throws what it says instead. */
    #settle(answer, sequence) {
        if (answer.end) throw new (answer.end.reason === 'cancelled' ? Cancelled : StreamEnded)(answer);
        if (answer.code === 'producer-fenced') throw new Fenced(answer.problem, answer);
        if (answer.status < 200 || answer.status > 299) throw new Refused(answer.problem, answer);
        if (!answer.field('Stream-Next-Offset')) {
            const what = `${this.url} answered ${answer.status} without Stream-Next-Offset: it is no Freshet stream`;
            throw new Refused(what, answer);
        }
        if (sequence === undefined || answer.status === 200) return;
        // 204 says that the number was used before, which only this producer's own earlier attempt may have done.
        if (!answer.wasRepeated || answer.field('Producer-Seq') !== `${sequence}`) {
            throw new Fenced('another producer with this producerId and epoch is writing the stream', answer);
        }
    }

    #fail(error) {
        if (this.#error || this.#closed) return;
        this.#error = error;
        this.ended = error?.end;
        this.#queue = [];
        this.#pending = 0;
        this.#request?.destroy();
        this.#admit();
        this.#tell();
        this.#aborter.abort(error);
    }

    #producerFields(sequence = this.#sequence) {
        return { 'Producer-Id': this.#id, 'Producer-Epoch': `${this.#epoch}`, 'Producer-Seq': `${sequence}` };
    }

    #leaseField() {
        const { lease } = this.#options;
        return lease ? { 'Stream-Lease': `${lease}` } : {};
    }

    /** Repeats a request until its answer is final. */
    async #send(method, fields, body) {
        const { patience } = this.#options;
        let since;
        for (let failures = 0; ; failures += 1) {
            let answer;
            let reason;
            let wasIdle = false;
            try {
                answer = await this.#exchange(method, fields, body);
                reason = answer.problem;
            } catch (error) {
                // Without code: an AggregateError of several addresses has an empty message.
                reason = error.message || error.code || `${error}`;
                wasIdle = this.#request.reusedSocket;
                if (/CERT|SELF_SIGNED|VERIFY_LEAF/.test(error.code ?? '')) throw new Unreachable(`${this.url}: ${reason}`);
            }
            if (this.#closed || this.#error) throw this.#error;
            const now = performance.now();
            if (answer && !PASSING.has(answer.status) && answer.status < 506) {
                this.#lastAnswer = now;
                answer.wasRepeated = failures > 0;
                return answer;
            }
            since ??= now;
            if (now - since >= patience * 1000) {
                throw new Unreachable(`${this.url}: gave up after ${patience} s: ${reason}`, answer);
            }
            // Jitter over a range that doubles. That an idle connection was closed is no trouble: ask anew at once.
            const ceiling = Math.min(15_000, 250 * 2 ** Math.min(failures, 10));
            const delay = wasIdle && failures === 0 ? 0 : ceiling * (0.2 + 0.8 * Math.random());
            const until = Math.min(now + Math.max(delay, answer?.retryAfter ?? 0), since + patience * 1000);
            for (let wait; (wait = until - performance.now()) > 0; ) {
                await this.#pause(wait);
                if (this.#closed || this.#error) throw this.#error;
            }
        }
    }

    /** Waits for a change, and no longer than so many milliseconds. */
    #pause(milliseconds, isIdle = false) {
        return new Promise((resolve) => {
            const timer = milliseconds === Infinity ? undefined : setTimeout(resolve, milliseconds);
            // A producer that is only being kept does not keep the process.
            if (isIdle) timer?.unref();
            this.#wake = () => {
                clearTimeout(timer);
                resolve();
            };
        });
    }

    #exchange(method, fields, body) {
        return new Promise((resolve, reject) => {
            const headers = { 'Content-Length': body?.length ?? 0 };
            for (const [name, value] of Object.entries(fields)) headers[name] = Buffer.from(value).toString('latin1');
            if (this.#key) headers.Authorization = `Bearer ${this.#key}`;
            let response;
            const request = this.#http.request(this.url, { method, headers, agent: this.#agent }, (incoming) => {
                response = incoming;
                const chunks = [];
                let size = 0;
                response.on('data', (chunk) => {
                    size += chunk.length;
                    if (size <= LONGEST_ANSWER) chunks.push(chunk);
                    else response.destroy(new Error('the answer is too long'));
                });
                response.on('end', () => resolve(new Answer(response, Buffer.concat(chunks))));
                response.on('error', reject);
            });
            this.#request = request;
            const { timeout } = this.#options;
            const late = () => request.destroy(new Error(`no whole answer within ${timeout} s`));
            const timer = setTimeout(late, timeout * 1000);
            request.on('close', () => {
                clearTimeout(timer);
                reject(new Error('the connection was closed')); // Unless there was an answer.
            });
            // The server may have answered before it had the whole body.
            request.on('error', (error) => response ?? reject(error));
            request.end(body);
        });
    }
}

/** A whole response. */
class Answer {
    constructor(response, body) {
        this.status = response.statusCode;
        this.fields = response.headers;
        try {
            this.document = Object(JSON.parse(body));
        } catch {
            this.document = {};
        }
        const { type, title, detail } = this.document;
        this.code = /^urn:freshet:(.+)$/.exec(type)?.[1];
        // Two sentences, or a title and its explanation.
        const separator = `${title}`.endsWith('.') ? ' ' : ': ';
        const said = [title, detail].filter(Boolean).join(separator) || body.subarray(0, 200).toString();
        const line = said.trim().replace(/\s+/g, ' ');
        this.problem = line ? `${line} (${this.status})` : `the server answered ${this.status}`;
        if (this.field('Stream-Closed')?.toLowerCase() === 'true') {
            this.end = { reason: this.field('Stream-End-Reason') ?? 'done', detail: this.field('Stream-End-Detail') };
        }
    }

    /** A field's value as UTF-8, of which node makes Latin-1. */
    field(name) {
        const value = this.fields[name.toLowerCase()];
        return value && Buffer.from(value, 'latin1').toString();
    }

    /** In milliseconds. A date is not read, since it would need both clocks to agree. */
    get retryAfter() {
        const value = this.field('Retry-After');
        return /^[0-9]{1,5}$/.test(value) ? Number(value) * 1000 : 0;
    }
}

/** What an item takes of `maxPending`. */
function costOf(item) {
    return item.length + 100;
}

/** A header field has no control characters, and a detail has at most 1024 bytes. */
function oneLine(text) {
    const bytes = Buffer.from(text.replace(/[\0-\x1f\x7f]/g, ' '));
    let end = Math.min(bytes.length, 1024);
    // Not within a character.
    while (end < bytes.length && (bytes[end] & 0xc0) === 0x80) end -= 1;
    return bytes.toString('utf8', 0, end).trim();
}

function kindOf(contentType) {
    const base = contentType.split(';')[0].trim().toLowerCase();
    if (base === 'text/event-stream') return 'events';
    if (base === 'application/json') return 'json';
    if (base === 'application/x-ndjson' || base === 'application/ndjson') return 'lines';
    return base.startsWith('text/') ? 'text' : 'binary';
}

function checkedKey(key) {
    const trimmed = (key ?? '').trim();
    // Does not show it: errors are logged.
    if (!/^[!-~]*$/.test(trimmed)) throw new TypeError('a key is printable ASCII without spaces');
    return trimmed;
}

const ADDRESS = new RegExp(
    String.raw`^https?:|(^|/)v1/streams?/|^(localhost|\d{1,3}(\.\d{1,3}){3}|\[[\da-f.]*:[\da-f.]*:[\da-f:.]*\])(:\d+)?($|[/?#])|` +
        String.raw`^[^/?#:.]+(\.[^/?#:.]+)+:\d+($|[/?#])`,
    'i',
);

function streamURL(target) {
    if (!target.includes('://')) {
        const length = Buffer.byteLength(target);
        const isOdd = target.split('/').some((segment) => ['', '.', '..'].includes(segment));
        if (length < 1 || length > 512 || isOdd || /[\0-\x1f\x7f-\x9f]/.test(target) || !target.isWellFormed()) {
            throw new TypeError(
                `${JSON.stringify(target)} cannot name a stream: a name has 1 to 512 bytes, no control characters, ` +
                    "and no segment between slashes that is empty, '.' or '..'",
            );
        }
        // Taken for a name, an address without its scheme would make a stream of that name on another server.
        if (ADDRESS.test(target)) {
            throw new TypeError(
                `${JSON.stringify(target)} looks like an address; a stream's URL begins with http:// or https://`,
            );
        }
        const server = process.env.FRESHET_URL || 'http://127.0.0.1:4437';
        target = `${server.replace(/\/+$/, '')}/v1/stream/${target.split('/').map(encodeURIComponent).join('/')}`;
    }
    const url = URL.canParse(target) ? new URL(target) : undefined;
    if (!/^https?:$/.test(url?.protocol) || url.username || url.password) {
        throw new TypeError("a stream's URL begins with http:// or https:// and a host, and holds no key or password");
    }
    return url.href;
}
