// The last events of a stream, as many as a page can hold.

/** Of more the oldest are let go. */
export const most = { events: 500, characters: 4_000_000 };

export class EventWindow {
    events = [];
    /** How many came, and how many of them were let go. */
    seen = 0;
    dropped = 0;
    #characters = 0;
    #limits;

    constructor(limits = most) {
        this.#limits = limits;
    }

    add(event) {
        this.events.push(event);
        this.seen += 1;
        this.#characters += event.data.length;
        // One that is too large alone is shown all the same.
        while (this.events.length > 1 && (this.events.length > this.#limits.events || this.#characters > this.#limits.characters)) {
            this.#characters -= this.events.shift().data.length;
            this.dropped += 1;
        }
    }

    clear() {
        this.events = [];
        this.seen = this.dropped = this.#characters = 0;
    }
}

/** An event as it stands in `text/event-stream`. */
export function raw({ type, id, data }) {
    const lines = type === 'message' ? [] : [`event: ${type}`];
    if (id) lines.push(`id: ${id}`);
    for (const line of data.split('\n')) lines.push(`data: ${line}`);
    return lines.join('\n');
}
