// What the page says of its connection: never that it listens before the stream is open.

import { State } from './follow.mjs';

/** A connection that is not there after so many milliseconds waits for one of the browser's six. */
export const patience = 1_500;

/** What it says then. */
const waiting = 'waiting';

const waitingText = 'Waiting for a connection';
const texts = {
    [State.connecting]: 'Connecting',
    [State.reconnecting]: 'Reconnecting',
    [State.refused]: 'Not available',
    [waiting]: waitingText,
};
const reasons = { draining: 'Server restarting', overloaded: 'Server busy', store: 'Store not ready', expired: 'Session expired', revoked: 'Access ended' };

export class ConnectionView {
    #element;
    #text;
    #clock;
    #state = null;
    #timer = null;

    constructor(element, text, clock = globalThis) {
        this.#element = element;
        this.#text = text;
        this.#clock = clock;
    }

    /** `isWriting` when what is read is an answer that is being written. */
    show(state, { detail, isWriting = false } = {}) {
        if (state === State.ended) return;
        // Asking again for what it waits for already is no news.
        const isStillWaiting = state === State.connecting && this.#state === State.connecting;
        this.#state = state;
        if (isStillWaiting) return;
        this.#clock.clearTimeout(this.#timer);
        this.#say(state, state === State.live ? (isWriting ? 'Live' : 'Listening') : (reasons[detail] ?? texts[state]));
        if (state !== State.connecting) return;
        this.#timer = this.#clock.setTimeout(() => {
            if (this.#state === State.connecting) this.#say(waiting, waitingText);
        }, patience);
    }

    #say(state, text) {
        this.#element.dataset.state = state;
        if (this.#text.textContent !== text) this.#text.textContent = text;
    }
}

/** Waits for a request; `onWaiting` when it takes as long as one does that is not sent yet. */
export async function patiently(request, onWaiting) {
    const timer = setTimeout(onWaiting, patience);
    try {
        return await request;
    } finally {
        clearTimeout(timer);
    }
}
