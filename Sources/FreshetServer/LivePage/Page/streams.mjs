// The lists: of all streams, and of the relay's answers.

import { element } from './element.mjs';
import { Poll } from './poll.mjs';
import * as server from './server.mjs';
import { Pages, Table } from './table.mjs';
import { Rates, answerFigures, count, duration, rate, size, state, streamLink, visibleName } from './words.mjs';

const every = 2_000;
const perPage = 100;

const states = [['', 'All'], ['open', 'Open'], ['ended', 'Ended']];
const orders = [
    ['-updated', 'Last change'], ['-created', 'Newest'], ['created', 'Oldest'], ['-readers', 'Most readers'],
    ['-events', 'Most events'], ['-bytes', 'Largest'], ['name', 'Name'], ['-name', 'Name, backwards'],
];

const number = (title, text) => ({ title, kind: 'number', text });
const figure = (title) => number(title, ({ figures }) => figures[title] || '–');
const columns = {
    name: { title: 'Name', make: ({ name }) => element('a', { href: streamLink(name) }, element('bdi', {}, visibleName(name))) },
    state: { title: 'State', text: state },
    producers: number('Producers', ({ producers }) => count(producers)),
    readers: number('Readers', ({ readers }) => count(readers)),
    events: number('Events', ({ events }) => count(events)),
    rate: number('Rate', ({ rate: perSecond }) => rate(perSecond)),
    size: number('Size', ({ bytes }) => size(bytes)),
    age: number('Age', ({ created, now }) => duration((now - Date.parse(created)) / 1_000)),
    lease: number('Lease', ({ leaseRemaining }) => (leaseRemaining === null ? 'none' : duration(leaseRemaining))),
};

/** What a list is of: where it is, what it asks for beside what the fields say, and what it shows. */
export const streams = {
    title: 'Streams',
    path: 'streams',
    none: 'No stream is like this.',
    asks: {},
    columns: Object.values(columns),
};

/** Their names say nothing, so that no field asks how one begins. */
export const answers = {
    title: 'Answers',
    path: 'answers',
    none: 'No answer of the relay is like this.',
    asks: { prefix: 'relay/', figures: 'relay' },
    columns: [
        columns.name, columns.state, columns.readers, figure('First token'), figure('Token rate'), figure('Tokens'), figure('Unread tokens'), columns.size, columns.age,
    ],
};

export class StreamsView {
    title;
    root;
    poll;
    #list;
    #page;
    #table;
    #pages;
    #empty;
    #fields;
    #rates = new Rates();
    #later = null;

    constructor(page, query, list) {
        this.title = list.title;
        this.#list = list;
        this.#page = page;
        this.#table = new Table(list.columns);
        this.#pages = new Pages(list.path, () => this.#turn());
        this.#empty = element('p', { hidden: true }, list.none);
        this.#fields = {
            search: this.#input('search', 'Name contains', query),
            ...(list.asks.prefix ? {} : { prefix: this.#input('text', 'Name begins with', query, 'prefix') }),
            state: this.#select('state', 'State', states, query),
            sort: this.#select('sort', 'Order', orders, query),
        };
        const form = element('form', { role: 'search', class: 'filters', on: { submit: (event) => (event.preventDefault(), this.#changed()) } });
        for (const { label, field } of Object.values(this.#fields)) form.append(element('div', {}, label, field));
        this.root = element('div', {}, form, this.#pages.root, element('div', { class: 'wide' }, this.#table.root), this.#empty);
        this.#pages.reset();
        this.poll = new Poll({
            every,
            ask: (signal) => server.streams({ ...list.asks, ...this.#query, limit: perPage, cursor: this.#pages.cursor }, signal),
            take: (answer) => this.#show(answer),
            fail: (error) => page.failed(error),
        });
    }

    start() {
        this.poll.start();
    }

    stop() {
        clearTimeout(this.#later);
        this.poll.stop();
    }

    get #query() {
        return Object.fromEntries(Object.entries(this.#fields).map(([name, { field }]) => [name, field.value]));
    }

    #input(type, label, query, name = type) {
        const field = element('input', {
            type, id: name, maxlength: 512, autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false', dir: 'auto',
            on: { input: () => this.#changeSoon() },
        });
        field.value = query.get(name) ?? '';
        return { label: element('label', { for: name }, label), field };
    }

    #select(name, label, choices, query) {
        const options = choices.map(([value, text]) => element('option', { value }, text));
        const field = element('select', { id: name, on: { change: () => this.#changed() } }, ...options);
        const wanted = query.get(name);
        if (choices.some(([value]) => value === wanted)) field.value = wanted;
        return { label: element('label', { for: name }, label), field };
    }

    #changeSoon() {
        clearTimeout(this.#later);
        this.#later = setTimeout(() => this.#changed(), 250);
    }

    #changed() {
        clearTimeout(this.#later);
        const query = new URLSearchParams(Object.entries(this.#query).filter(([name, value]) => value && (name !== 'sort' || value !== orders[0][0])));
        history.replaceState(null, '', `#/${this.#list.path}${query.size > 0 ? `?${query}` : ''}`);
        this.#pages.reset();
        this.poll.now();
    }

    #turn() {
        this.poll.now();
        this.#table.root.scrollIntoView({ block: 'nearest' });
    }

    #show({ streams, next }) {
        this.#page.worked();
        const now = Date.now();
        const rates = this.#rates.next(streams.map(({ name, events }) => [name, events]), now);
        this.#table.show(new Map(streams.map((stream) => [
            stream.name, { ...stream, now, rate: rates.get(stream.name), figures: answerFigures(stream) },
        ])));
        this.#pages.read(next);
        const first = this.#pages.number * perPage + 1;
        this.#table.caption(streams.length === 0 ? this.title : `${this.title} ${count(first)} to ${count(first + streams.length - 1)}${next === null ? '' : ', and more'}`);
        this.#empty.hidden = streams.length > 0;
    }
}
