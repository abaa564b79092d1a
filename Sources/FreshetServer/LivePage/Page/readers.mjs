// Who reads a stream; asked for only while it is looked at.

import { element, say } from './element.mjs';
import { Poll } from './poll.mjs';
import * as server from './server.mjs';
import { Pages, Table } from './table.mjs';
import { count, duration, timeOfDay, visible } from './words.mjs';

const every = 2_000;
const perPage = 100;

export class ReadersView {
    root;
    #page;
    #title = element('span');
    #problem = element('p', { hidden: true });
    #table = new Table([
        { title: 'Address', text: ({ address }) => visible(address ?? 'unknown') },
        { title: 'Form', text: ({ form }) => form },
        { title: 'State', text: ({ state, stalled }) => (stalled === null ? state : `${state} for ${duration(stalled)}`) },
        { title: 'Position', text: ({ position }) => (position === null ? 'none yet' : `${timeOfDay(position)} ${position}`) },
        { title: 'Lag', kind: 'number', text: ({ lag }) => (lag === null ? 'unknown' : duration(lag)) },
        { title: 'Events', kind: 'number', text: ({ events }) => count(events) },
        { title: 'Connected', kind: 'number', text: ({ connected }) => duration(connected) },
    ]);
    #pages = new Pages('readers', () => this.#poll.now());
    #poll;

    constructor(page, name) {
        this.#page = page;
        this.#poll = new Poll({
            every,
            ask: (signal) => server.readers({ stream: name, limit: perPage, cursor: this.#pages.cursor }, signal),
            take: (answer) => this.#show(answer),
            fail: (error) => this.#failed(error),
        });
        const listen = { toggle: ({ currentTarget }) => (currentTarget.open ? this.#poll.start() : this.#poll.stop()) };
        this.root = element(
            'details',
            { class: 'readers', on: listen },
            element('summary', {}, this.#title),
            this.#problem,
            this.#pages.root,
            element('div', { class: 'wide' }, this.#table.root),
        );
        this.#pages.reset();
        this.#table.caption('Readers of the stream');
        this.count(0);
    }

    count(readers) {
        say(this.#title, `Readers (${count(readers)})`);
    }

    stop() {
        this.#poll.stop();
    }

    again() {
        this.#poll.now();
    }

    #show({ readers, next }) {
        this.#problem.hidden = true;
        // Two may be alike in all that is told of them.
        this.#table.show(new Map(readers.map((reader, index) => [index, reader])));
        this.#pages.read(next);
    }

    #failed(error) {
        if (error.status === 0) return this.#page.failed(error);
        this.#problem.hidden = false;
        say(this.#problem, error.message);
        this.#table.show(new Map());
    }
}
