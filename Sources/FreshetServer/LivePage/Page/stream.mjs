// One stream: how it stands, what may be done with it, its events and its readers.

import * as actions from './actions.mjs';
import { Facts, element, isEnabled, setEnabled } from './element.mjs';
import { EventsView } from './events.mjs';
import { Poll } from './poll.mjs';
import { ReadersView } from './readers.mjs';
import * as server from './server.mjs';
import { Rates, answerFigures, count, duration, rate, size, state, streamLink, visible, visibleName } from './words.mjs';

const every = 2_000;
/** What is larger is read from now on, unless it is asked for from the start. */
const small = 256 * 1024;

export class StreamView {
    title;
    root;
    poll;
    #page;
    #name;
    #facts = new Facts();
    #source = element('p', { hidden: true });
    #missing = element('p', { hidden: true }, 'There is no such stream, or no longer.');
    #buttons;
    #events = null;
    #eventsPlace = element('section', { 'aria-labelledby': 'events-title' });
    #readers;
    #rates = new Rates();

    constructor(page, { name }) {
        this.#page = page;
        this.#name = name;
        this.title = visibleName(name);
        const button = (label, action) => element('button', { type: 'button', on: { click: ({ currentTarget }) => isEnabled(currentTarget) && this.#do(action) } }, label);
        this.#buttons = [button('Stop…', actions.stop), button('End…', actions.end), button('Delete…', actions.remove)];
        this.#readers = new ReadersView(page, name);
        const commands = element('div', { class: 'row', role: 'group', 'aria-label': 'What may be done with it' }, ...this.#buttons);
        this.root = element('div', {}, this.#missing, commands, this.#facts.root, this.#source, this.#eventsPlace, this.#readers.root);
        this.poll = new Poll({
            every,
            ask: (signal) => server.stream(name, signal),
            take: (stream) => this.#show(stream),
            fail: (error) => this.#failed(error),
        });
    }

    start() {
        this.poll.start();
    }

    stop() {
        this.poll.stop();
        this.#readers.stop();
        this.#events?.stop();
    }

    /** Somebody else asks now. */
    again() {
        this.#readers.again();
        this.#events?.again();
    }

    #show(stream) {
        this.#page.worked();
        this.#missing.hidden = true;
        const now = Date.now();
        const perSecond = this.#rates.next([[stream.created, stream.events]], now).get(stream.created);
        const ago = (text) => `${duration((now - Date.parse(text)) / 1_000)} ago, ${text.slice(0, 19).replace('T', ' ')} UTC`;
        this.#facts.show({
            State: state(stream),
            Producers: count(stream.producers),
            Readers: count(stream.readers),
            Rate: rate(perSecond),
            Events: count(stream.events),
            Size: size(stream.bytes),
            Created: ago(stream.created),
            'Last change': ago(stream.updated),
            Lease: stream.lease === null ? '' : `${duration(stream.lease)}${stream.leaseRemaining === null ? ', does not run' : `, ${duration(stream.leaseRemaining)} left`}`,
            'Expires in': stream.expiresIn === null ? '' : duration(stream.expiresIn),
            'Content type': visible(stream.contentType),
            ...answerFigures(stream),
        });
        this.#source.hidden = stream.forkedFrom === null;
        if (stream.forkedFrom !== null && !this.#source.firstChild) {
            this.#source.append('Forked from ', element('a', { href: streamLink(stream.forkedFrom) }, element('bdi', {}, visibleName(stream.forkedFrom))));
        }
        const [stop, end, remove] = this.#buttons;
        setEnabled(stop, stream.end === null);
        setEnabled(end, stream.end === null);
        setEnabled(remove, true);
        this.#readers.count(stream.readers);
        if (!this.#events) {
            this.#events = new EventsView(this.#name, stream.bytes <= small ? '-1' : 'now');
            this.#eventsPlace.append(...this.#events.parts);
            this.#events.start();
        }
    }

    #failed(error) {
        if (error.status !== 404) return this.#page.failed(error);
        this.#page.worked();
        this.#missing.hidden = false;
        for (const button of this.#buttons) setEnabled(button, false);
    }

    async #do(action) {
        const said = await action(this.#name);
        if (!said) return;
        this.#page.tell(said);
        this.poll.now();
    }
}
