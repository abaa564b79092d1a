// Server-sent events out of text that arrives in pieces (WHATWG HTML, section 9.2.6).

export class EventStreamParser {
    /** The id of the last event, which lasts until another one comes. */
    lastEventId;
    /** What the server said last about reconnecting, in milliseconds. */
    retry = null;
    /** Whether a comment was seen: the server sends heartbeats. */
    hasComments = false;
    #events = [];
    #rest = [];
    #afterCarriageReturn = false;
    #id;
    #type = '';
    #data = [];

    constructor(lastEventId) {
        this.lastEventId = this.#id = lastEventId;
    }

    /** The events that a piece of the body completes, each `[type, data, id]`. */
    feed(text) {
        if (text === '') return [];
        if (this.#afterCarriageReturn && text[0] === '\n') text = text.slice(1);
        this.#afterCarriageReturn = text.endsWith('\r');
        const lines = text.split(/\r\n|\n|\r/);
        // A long line comes in many pieces: it is joined once, when its end is there.
        this.#rest.push(lines[0]);
        for (let index = 1; index < lines.length; index += 1) {
            this.#line(this.#rest.join(''));
            this.#rest = [lines[index]];
        }
        return this.#events.splice(0);
    }

    #line(line) {
        if (line === '') return this.#dispatch();
        const colon = line.indexOf(':');
        if (colon === 0) this.hasComments = true;
        if (colon === 0) return;
        const field = colon < 0 ? line : line.slice(0, colon);
        const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
        if (field === 'data') this.#data.push(value);
        else if (field === 'event') this.#type = value;
        else if (field === 'id' && !value.includes('\0')) this.#id = value;
        else if (field === 'retry' && /^\d+$/.test(value)) this.retry = Number(value);
    }

    #dispatch() {
        this.lastEventId = this.#id;
        if (this.#data.length > 0) this.#events.push([this.#type || 'message', this.#data.join('\n'), this.#id]);
        this.#type = '';
        this.#data = [];
    }
}
