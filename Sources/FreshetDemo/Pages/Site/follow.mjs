// Follows a stream until its end, and says what happens in the words of the pages.

import { FreshetSource } from './v1/freshet.js';

/** What a follower is doing, as given to `onState`. */
export const State = Object.freeze({
    connecting: 'connecting',
    live: 'live',
    reconnecting: 'reconnecting',
    ended: 'ended',
    refused: 'refused',
});

/**
 * Handlers, each optional: `onEvent(data, id)`; `onEnd({reason, detail})`, the last call; `onGap()`, discard what you hold, everything
 * kept follows; `onState(state, detail, follower)`; `onRefused(status)`, the last call when the stream cannot be read.
 *
 * Options: `offset`, to read what is strictly later; `Source` is for tests.
 */
export function follow(url, handlers = {}, { offset = null, Source = FreshetSource } = {}) {
    const { onEvent, onEnd, onGap, onState, onRefused } = handlers;
    const source = new Source(url, { lastEventId: offset ?? '' });
    const follower = { reconnects: 0, close: () => source.close(), cancel: () => source.cancel() };
    const tell = (state, detail) => onState?.(state, detail, follower);
    let why;
    const end = (detail) => {
        tell(State.ended);
        onEnd?.(detail);
    };
    source.onopen = () => {
        why = undefined;
        tell(State.live);
    };
    source.onmessage = ({ data, lastEventId }) => onEvent?.(data, lastEventId);
    source.addEventListener('gap', () => onGap?.());
    source.addEventListener('end', ({ detail }) => end(detail));
    source.addEventListener('reconnect', ({ detail }) => {
        why = detail.why;
    });
    source.onerror = ({ status }) => {
        // It had ended where the reading began.
        if (status === 204) return end({ reason: 'done' });
        if (source.readyState !== 2) {
            follower.reconnects += 1;
            return tell(State.reconnecting, why);
        }
        tell(State.refused, status);
        onRefused?.(status);
    };
    tell(State.connecting);
    return follower;
}

/** Asks a stream to stop. Leaving the page, by contrast, stops nothing. Returns the response's status. */
export async function cancel(url) {
    return (await fetch(url, { method: 'POST', headers: { 'Stream-Cancel': 'true' } })).status;
}

/** What went wrong, in a sentence. A fetch that found no server fails with a TypeError, in words that are each browser's own. */
export function inWords(problem) {
    return problem instanceof TypeError ? 'the server does not answer.' : problem.message;
}
