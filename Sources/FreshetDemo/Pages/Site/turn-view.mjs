// One question and its answer on the page.

import { text } from './v1/freshet-text.js';

import { at } from './base.mjs';
import { Pace } from './pace.mjs';

const states = { waiting: 'Waiting', writing: 'Writing' };
const endings = {
    done: 'Done',
    cancelled: 'Stopped',
    failed: 'Failed',
    abandoned: 'Abandoned: its producer went away',
    deleted: 'Deleted',
    expired: 'Expired',
    lost: 'No longer kept',
};

/** More than this, in characters, at once is no news to follow by ear. */
const longestSaid = 2_000;

export class TurnView {
    #answer;
    #source;
    #text;
    #facts;
    #announce;
    #said = [];
    #onAgain;
    #asked = null;
    #isLive = false;
    #firstWord = null;
    #reason = 'waiting';

    /**
     * `announce(text)` speaks to a screen reader, a paragraph at a time, while the answer is being written;
     * `onDraw()` follows each drawing; `onAgain(question)` is asked for below an answer that is not whole.
     */
    constructor(list, turn, { announce, onDraw, onAgain } = {}) {
        this.stream = at(turn.stream);
        this.question = turn.question;
        this.next = turn.next ?? [];
        this.reconnects = 0;
        this.events = 0;
        this.lastId = null;
        this.#announce = announce;
        this.#onAgain = onAgain;

        const item = element('li', 'turn');
        const question = item.appendChild(element('h2', 'question', turn.question));
        this.#answer = item.appendChild(element('div', 'answer'));
        this.#source = this.#answer.appendChild(element('p', 'source'));
        const prose = this.#answer.appendChild(element('div', 'prose'));
        this.#facts = new Facts(this.#answer.appendChild(element('p', 'facts')));
        const pace = new Pace();
        this.#text = text(prose, 'openai', {
            frame: (draw) => pace.run(draw),
            announce: (said) => this.#announce?.(said),
            onBlock: (said) => this.#said.push(said),
            onDraw: () => {
                this.#say();
                this.#showFacts();
                onDraw?.();
            },
        });
        this.#showSource(turn);
        list.append(item);
        this.heading = question;
        this.#become('waiting');
    }

    /**
     * The answer is about to be read; `asked` is when the visitor asked, in milliseconds of `performance.now()`, null where
     * that was in another tab or before a reload: how long the first word took is not known then.
     */
    begin({ asked = null, live = true } = {}) {
        this.#asked = asked;
        this.#isLive = live;
        if (this.#reason === 'waiting' && live) this.#become('writing');
    }

    /** Takes an event of the answer. */
    take(data, id) {
        this.events += 1;
        if (id) this.lastId = id;
        const before = this.#text.text;
        this.#text.take({ data });
        // What stands around the words says nothing, but it counts.
        if (this.#text.text !== before) this.#firstWord ??= performance.now();
    }

    /** What was shown is not exactly what the stream holds: everything kept follows. */
    discard() {
        this.events = 0;
        this.#text.clear();
    }

    end({ reason = 'lost', detail } = {}) {
        this.#text.finish();
        this.#become(reason, detail);
        const ending = endings[reason] ?? reason;
        this.#said.push(`Answer ended: ${ending}.`);
        if (this.#isLive) this.#announce?.(this.#said.splice(0).slice(-2).join(' '));
        if (reason !== 'done') this.#offerAgain();
    }

    /** Says what was completed in this frame; what was written before the page was there is not read out in one go. */
    #say() {
        const text = this.#said.splice(0).join(' ');
        if (text !== '' && text.length < longestSaid && this.#reason === 'writing') this.#announce?.(text);
    }

    #offerAgain() {
        if (!this.#onAgain || this.#answer.querySelector('.again')) return;
        const button = this.#answer.appendChild(element('button', 'button quiet again', 'Ask again'));
        button.type = 'button';
        button.addEventListener('click', () => this.#onAgain(this.question));
    }

    get ended() {
        return this.#reason in endings;
    }

    reconnected(times) {
        this.reconnects = times;
        this.#showFacts();
    }

    #become(reason, detail) {
        this.#reason = reason;
        this.#answer.classList.toggle('writing', reason === 'writing');
        this.#facts.end(reason, states[reason] ?? endings[reason] ?? reason, detail);
        this.#showFacts();
    }

    #showFacts() {
        this.#facts.show('events', count(this.events, 'event'));
        const wait = this.#asked === null || this.#firstWord === null ? null : this.#firstWord - this.#asked;
        this.#facts.show('first', wait === null ? '' : `first word after ${Math.max(0, Math.round(wait))} ms`);
        this.#facts.show('reconnects', this.reconnects === 0 ? '' : count(this.reconnects, 'reconnect'));
        this.#facts.show('id', this.lastId ? `last id ${this.lastId}` : '');
    }

    #showSource({ model, title, source }) {
        this.#source.hidden = !title;
        if (!title) return;
        this.#source.append(model ? 'Answered by ' : 'Built-in answerer, from ');
        this.#source.append(element('b', '', title));
        if (source) this.#source.append(` (${source})`);
    }
}

/** The line of facts below an answer: each is one text node, changed only when it differs. */
class Facts {
    #line;
    #badge = null;
    #shown = new Map();

    constructor(line) {
        this.#line = line;
    }

    end(reason, text, detail) {
        if (this.#badge === null) {
            this.#badge = element('span', 'end', '');
            this.#line.prepend(this.#badge);
        }
        this.#badge.dataset.reason = reason;
        this.#badge.textContent = detail ? `${text}: ${detail}` : text;
    }

    show(name, text) {
        let part = this.#shown.get(name);
        if (part === undefined) {
            if (text === '') return;
            part = this.#line.appendChild(element('span', name, text));
            this.#shown.set(name, part);
        }
        if (part.firstChild.data !== text) part.firstChild.data = text;
        part.hidden = text === '';
    }
}

function count(number, noun) {
    return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`;
}

function element(name, className, text) {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.append(document.createTextNode(text));
    return made;
}
