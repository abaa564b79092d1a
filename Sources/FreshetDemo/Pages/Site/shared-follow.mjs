// Follows a stream by way of the SharedWorker that all tabs have together, or directly where a browser has none.

import { at } from './base.mjs';
import { State, follow } from './freshet.mjs';

/** All connections are taken, by this page's other tabs: its turn will come. */
export const waiting = 'waiting';

/** A page that slept longer than this, in milliseconds, may have lost its connection without being told. */
const longestNap = 15_000;

/**
 * Follows a stream until its end; handlers as for `follow`, and what it returns. `onState` may also say `waiting`.
 *
 * Options: `offset`, to read what is strictly later; `urgent`, for what is read now rather than listened to; the others are for tests.
 */
export function followShared(url, handlers = {}, options = {}) {
    const { offset = null, urgent = false, SharedWorker = globalThis.SharedWorker, page = globalThis, now = Date.now } = options;
    const direct = () => follow(url, handlers, { offset: follower.lastId });
    const follower = { lastId: offset, events: 0, reconnects: 0, close };
    let worker = null;
    let other = null;
    let hiddenSince = null;
    if (typeof SharedWorker !== 'function') return direct();

    function join() {
        handlers.onState?.(State.connecting, undefined, follower);
        worker = sharedReader(SharedWorker);
        // Its script could not be run, or not be had.
        worker.onerror = () => {
            if (worker === null) return;
            close();
            other = direct();
        };
        worker.port.onmessage = ({ data }) => {
            for (const message of data.batch) {
                if (worker !== null) take(message);
            }
        };
        worker.port.postMessage({ follow: url, offset: follower.lastId, urgent, visible: isVisible() });
    }

    function take({ event, id, gap, state, detail, reconnects, end }) {
        if (event !== undefined) {
            if (id) follower.lastId = id;
            follower.events += 1;
            handlers.onEvent?.(event, id);
        } else if (gap) {
            handlers.onGap?.({});
        } else if (state !== undefined) {
            follower.reconnects = reconnects;
            handlers.onState?.(state, detail, follower);
        } else if (end.reason === 'refused') {
            close();
            handlers.onState?.(State.refused, end.status, follower);
            handlers.onRefused?.(end.status);
        } else {
            close();
            handlers.onState?.(State.ended, undefined, follower);
            handlers.onEnd?.(end);
        }
    }

    function isVisible() {
        return page.document?.visibilityState !== 'hidden';
    }

    function leave() {
        if (worker === null) return;
        // The worker closes the port: if the page did, what it just said might get lost.
        worker.port.postMessage({ leave: url });
        worker.port.onmessage = null;
        worker = null;
    }

    function close() {
        other?.close();
        leave();
        page.removeEventListener?.('pagehide', leave);
        page.removeEventListener?.('pageshow', restored);
        page.document?.removeEventListener('visibilitychange', visibility);
    }

    function restored({ persisted }) {
        if (persisted && worker === null) join();
    }

    function visibility() {
        const slept = isVisible() && hiddenSince !== null ? now() - hiddenSince : 0;
        hiddenSince = isVisible() ? null : now();
        worker?.port.postMessage({ visible: isVisible(), refresh: slept > longestNap });
    }

    page.addEventListener?.('pagehide', leave);
    page.addEventListener?.('pageshow', restored);
    page.document?.addEventListener('visibilitychange', visibility);
    join();
    return follower;
}

/**
 * Takes connections from the shared reader, for requests of the page's own, until the function that it returns is called.
 */
export async function reserve(count, { SharedWorker = globalThis.SharedWorker } = {}) {
    if (typeof SharedWorker !== 'function') return () => {};
    const worker = sharedReader(SharedWorker);
    await new Promise((resolve) => {
        worker.port.onmessage = resolve;
        worker.onerror = resolve;
        worker.port.postMessage({ reserve: count });
    });
    return () => worker.port.postMessage({ reserve: 0 });
}

function sharedReader(SharedWorker) {
    return new SharedWorker(at('/shared-reader.mjs'), { type: 'module', name: 'freshet' });
}
