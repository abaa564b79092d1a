// The requests of the chat: a conversation's turns so far, and a question more.

import { at } from './base.mjs';
import { parse } from './chat-events.mjs';

const streamOf = (id) => at(`/v1/stream/demo/conversation/${id}`);

export class Conversation {
    id = null;
    /** Turns after it have not been seen. */
    position = null;

    get stream() {
        return streamOf(this.id);
    }

    /** All turns so far, by the catch-up read of a JSON stream: an array, and the position after it. */
    async history() {
        const turns = [];
        for (;;) {
            const address = `${this.stream}${this.position ? `?offset=${this.position}` : ''}`;
            const response = await fetch(address, { headers: { Accept: 'application/json' }, cache: 'no-store' });
            if (!response.ok) throw Object.assign(new Error('no history'), { status: response.status });
            const part = await response.json();
            turns.push(...part);
            this.position = response.headers.get('Stream-Next-Offset');
            if (part.length === 0 || response.headers.get('Stream-Up-To-Date') === 'true') return turns;
        }
    }

    /** Asks in this conversation, or in a new one where there is none; `onNew` when that has been made. */
    async ask(body, { signal, onNew }) {
        if (this.id !== null) {
            const response = await post(`/demo/conversations/${this.id}/questions`, body, signal);
            if (response.status !== 404) return outcome(response);
            // The server was started again and keeps its streams in memory: go on in a new conversation.
        }
        const made = await outcome(await post('/demo/conversations', {}, signal));
        this.id = made.id;
        this.position = made.offset ?? null;
        onNew();
        return outcome(await post(`/demo/conversations/${this.id}/questions`, body, signal));
    }
}

async function post(address, body, signal) {
    try {
        const headers = { 'Content-Type': 'application/json' };
        return await fetch(at(address), { method: 'POST', headers, body: JSON.stringify(body), signal });
    } catch (problem) {
        if (problem.name === 'AbortError') throw problem;
        throw Object.assign(
            new Error('The server does not answer. Your question is still in the box: ask again in a moment.'),
            { until: 'live' },
        );
    }
}

/** The body of a success; otherwise the server's own words about what was wrong and what to do. */
async function outcome(response) {
    const body = parse(await response.text());
    if (response.ok) return body;
    throw new Error(body.detail ?? body.title ?? `The server answered ${response.status}.`);
}
