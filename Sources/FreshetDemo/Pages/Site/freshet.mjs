// Reading a Freshet stream in a browser.
//
// `follow` uses the browser's own EventSource, unmodified, and adds only what EventSource leaves to the page: it
// closes at `end`, it starts again when the browser gives up for good (any status but 200 is final for EventSource),
// and it looks again when the page wakes up (a phone cuts a sleeping page's connection without an error event).

/** What a follower is doing, as given to `onState`. */
export const State = Object.freeze({
    connecting: 'connecting',
    live: 'live',
    reconnecting: 'reconnecting',
    ended: 'ended',
    refused: 'refused',
});

const firstDelay = 500;
const longestDelay = 15_000;
/** A page that slept longer than this asks again: its connection may be dead without anybody having said so. */
const longestNap = 15_000;
/** Statuses that another attempt will not change. */
const finalStatuses = new Set([401, 403, 404, 405, 406, 410]);

/** The address of a stream, read from strictly after `offset`; an EventSource that is new sends no Last-Event-ID. */
export function address(url, { offset = null, as = null } = {}) {
    const query = [];
    if (as) query.push(`as=${as}`);
    if (offset) query.push(`offset=${encodeURIComponent(offset)}`);
    if (query.length === 0) return url;
    return `${url}${url.includes('?') ? '&' : '?'}${query.join('&')}`;
}

/**
 * Follows a stream until its end: replay, then live, over as many connections as it takes.
 *
 * Handlers, each optional: `onEvent(data, id)`; `onEnd({reason, detail})`, the last call; `onGap({requested, resumed})`,
 * discard what you hold, everything kept follows; `onState(state, detail, follower)`; `onRefused(status)`, the last call when the
 * server says that this stream cannot be read.
 *
 * Options: `offset`, to read what is strictly later; the others are for tests.
 */
export function follow(url, handlers = {}, options = {}) {
    const { onEvent, onEnd, onGap, onState, onRefused } = handlers;
    const {
        offset = null,
        EventSource = globalThis.EventSource,
        fetch = globalThis.fetch.bind(globalThis),
        setTimeout = globalThis.setTimeout.bind(globalThis),
        clearTimeout = globalThis.clearTimeout.bind(globalThis),
        now = Date.now,
        random = Math.random,
        page = globalThis,
    } = options;

    let source = null;
    let timer = null;
    let failures = 0;
    let over = false;
    let hiddenSince = null;
    const follower = { lastId: offset, events: 0, reconnects: 0, close, refresh };

    function connect() {
        timer = null;
        tell(State.connecting);
        const opened = new EventSource(address(url, { offset: follower.lastId }));
        source = opened;
        // A handler of a source that was replaced must not speak for the new one.
        const current = (handle) => (event) => {
            if (source === opened && !over) handle(event);
        };
        opened.onopen = current(() => tell(State.live));
        opened.onmessage = current((event) => {
            passed(event);
            follower.events += 1;
            onEvent?.(event.data, event.lastEventId);
        });
        opened.addEventListener('end', current((event) => {
            passed(event);
            stop();
            tell(State.ended);
            onEnd?.(parse(event.data));
        }));
        opened.addEventListener('gap', current((event) => {
            passed(event);
            onGap?.(parse(event.data));
        }));
        opened.addEventListener('start', current(passed));
        opened.addEventListener('reconnect', current((event) => {
            tell(State.reconnecting, parse(event.data).why);
        }));
        opened.onerror = current(() => {
            follower.reconnects += 1;
            if (opened.readyState === EventSource.CLOSED) {
                source = null;
                askWhy();
            } else {
                tell(State.reconnecting);
            }
        });
    }

    function tell(state, detail) {
        onState?.(state, detail, follower);
    }

    /** An event arrived: this is the position to come back with, and the connection works. */
    function passed(event) {
        failures = 0;
        if (event.lastEventId) follower.lastId = event.lastEventId;
    }

    /** EventSource tells neither status nor reason when it gives up, so a HEAD asks whether trying again can help. */
    async function askWhy() {
        tell(State.reconnecting);
        let status = 0;
        try {
            status = (await fetch(url, { method: 'HEAD', cache: 'no-store' })).status;
        } catch {
            // No answer at all: the server or the network is away, which passes.
        }
        if (over || source || timer !== null) return;
        if (finalStatuses.has(status)) {
            stop();
            tell(State.refused, status);
            onRefused?.(status);
            return;
        }
        // Full jitter: readers that were cut together do not come back together.
        const ceiling = Math.min(longestDelay, firstDelay * 2 ** failures);
        failures += 1;
        timer = setTimeout(connect, Math.round(firstDelay / 2 + random() * ceiling));
    }

    /** Drops the connection, if any, and reads on from the last position over a new one. */
    function refresh() {
        if (over) return;
        disconnect();
        follower.reconnects += 1;
        connect();
    }

    function close() {
        if (!over) stop();
    }

    function stop() {
        over = true;
        disconnect();
        page.removeEventListener?.('online', refresh);
        page.removeEventListener?.('pagehide', disconnect);
        page.removeEventListener?.('pageshow', restored);
        page.document?.removeEventListener('visibilitychange', visibility);
    }

    function disconnect() {
        clearTimeout(timer);
        timer = null;
        source?.close();
        source = null;
    }

    function restored(event) {
        if (event.persisted) refresh();
    }

    function visibility() {
        if (page.document.visibilityState === 'hidden') {
            hiddenSince = now();
        } else if (hiddenSince !== null) {
            const slept = now() - hiddenSince;
            hiddenSince = null;
            if (slept > longestNap) refresh();
        }
    }

    page.addEventListener?.('online', refresh);
    // A page that was left may be kept for the way back, and its connection, one of six, with it.
    page.addEventListener?.('pagehide', disconnect);
    page.addEventListener?.('pageshow', restored);
    page.document?.addEventListener('visibilitychange', visibility);
    connect();
    return follower;
}

/**
 * Reads a stream with one plain GET as NDJSON: everything kept, and on to the end if the stream still runs.
 *
 * Returns `{ ended, lastId }`; `ended` is false when the connection broke before the stream said how it ended, for then
 * the answer may be truncated and `follow(url, handlers, { offset: lastId })` reads the rest. Throws `StreamRefused`
 * for any status that is not a success.
 */
export async function read(url, handlers = {}, options = {}) {
    const { onEvent, onEnd, onGap } = handlers;
    const { offset = null, fetch = globalThis.fetch.bind(globalThis) } = options;
    const outcome = { ended: false, lastId: offset };
    const response = await fetch(address(url, { offset, as: 'ndjson' }), { cache: 'no-store' });
    if (response.status === 204) return { ...outcome, ended: true };
    if (!response.ok) throw new StreamRefused(response.status);

    function take(line) {
        if (line === '' || outcome.ended) return;
        const item = JSON.parse(line);
        if (item.id) outcome.lastId = item.id;
        switch (item.event ?? 'message') {
            case 'message': return onEvent?.(item.data, item.id);
            case 'gap': return onGap?.(item.data);
            case 'end':
                outcome.ended = true;
                return onEnd?.(item.data);
        }
    }

    const reader = response.body.getReader();
    // One decoder for the whole body: a character may be split between two chunks.
    const decoder = new TextDecoder();
    let rest = [];
    try {
        for (;;) {
            const { done, value } = await reader.read();
            if (done) break;
            const lines = decoder.decode(value, { stream: true }).split('\n');
            // A long line arrives in many chunks: it is joined once, when its end is there.
            rest.push(lines[0]);
            for (let index = 1; index < lines.length; index += 1) {
                take(rest.join(''));
                rest = [lines[index]];
            }
        }
    } catch {
        // A torn connection: what was read is good, and the caller is told that there may be more.
    }
    return outcome;
}

/** Asks a stream to stop. Leaving the page, by contrast, stops nothing. Returns the response's status. */
export async function cancel(url, { fetch = globalThis.fetch.bind(globalThis) } = {}) {
    const response = await fetch(url, { method: 'POST', headers: { 'Stream-Cancel': 'true' } });
    return response.status;
}

/** What went wrong, in a sentence. A fetch that found no server fails with a TypeError, in words that are each browser's own. */
export function inWords(problem) {
    return problem instanceof TypeError ? 'the server does not answer.' : problem.message;
}

/** A stream could not be read; `status` is the HTTP status. */
export class StreamRefused extends Error {
    constructor(status) {
        super(`the server answered ${status}`);
        this.name = 'StreamRefused';
        this.status = status;
    }
}

/** Control events carry JSON; one that does not is treated as empty rather than as a reason to stop reading. */
function parse(data) {
    try {
        return JSON.parse(data) ?? {};
    } catch {
        return {};
    }
}
