// A table that is written again and again: what stays keeps its row, and with it the focus.

import { element, say } from './element.mjs';

export class Table {
    root;
    #columns;
    #body;
    #caption;
    #rows = new Map();

    /** A column is a title and a text of a row, or an element that is made once for a row. The first says whose row it is. */
    constructor(columns) {
        this.#columns = columns;
        this.#caption = element('caption');
        this.#body = element('tbody', { role: 'rowgroup' });
        const titles = columns.map(({ title, kind }) => element('th', { scope: 'col', role: 'columnheader', class: kind }, title));
        this.root = element(
            'table',
            // Said again: as cards on a phone they would not be these.
            { role: 'table' },
            this.#caption,
            element('thead', { role: 'rowgroup' }, element('tr', { role: 'row' }, ...titles)),
            this.#body,
        );
    }

    caption(text) {
        say(this.#caption, text);
    }

    /** Shows these, each known by its key. */
    show(rows) {
        const focused = document.activeElement;
        const before = this.#rows;
        this.#rows = new Map();
        let place = this.#body.firstChild;
        for (const [key, values] of rows) {
            const row = before.get(key) ?? this.#row(values);
            before.delete(key);
            this.#rows.set(key, row);
            this.#columns.forEach(({ text }, index) => {
                if (text) say(row.children[index].firstChild, text(values));
            });
            if (row === place) place = place.nextSibling;
            else this.#body.insertBefore(row, place);
        }
        for (const row of before.values()) row.remove();
        // What is moved loses it.
        if (focused !== document.activeElement && this.#body.contains(focused)) focused.focus({ preventScroll: true });
    }

    #row(values) {
        const cells = this.#columns.map(({ title, kind, make }, index) => {
            const content = make ? make(values) : element('bdi');
            if (index === 0) return element('th', { scope: 'row', role: 'rowheader', class: kind }, content);
            return element('td', { role: 'cell', class: kind, 'data-label': title }, content);
        });
        return element('tr', { role: 'row' }, ...cells);
    }
}

/** Two buttons that lead through pages of a list, each of which begins where a cursor says. */
export class Pages {
    root;
    cursor = '';
    #before = [];
    #next = null;
    #buttons;

    constructor(what, turned) {
        const button = (label, action) => element('button', { type: 'button', 'aria-disabled': 'true', on: { click: () => action() && turned() } }, label);
        this.#buttons = [button(`Previous ${what}`, () => this.#back()), button(`Next ${what}`, () => this.#forth())];
        this.root = element('div', { class: 'row pages' }, ...this.#buttons);
    }

    /** Which page of the list it is, from 0. */
    get number() {
        return this.#before.length;
    }

    /** The page was read, and says where the next begins. */
    read(next) {
        this.#next = next;
        this.#show();
    }

    reset() {
        this.cursor = '';
        this.#before = [];
        this.#next = null;
        this.#show();
    }

    #back() {
        if (this.#before.length === 0) return false;
        this.cursor = this.#before.pop();
        return true;
    }

    #forth() {
        if (this.#next === null) return false;
        this.#before.push(this.cursor);
        this.cursor = this.#next;
        this.#next = null;
        return true;
    }

    #show() {
        this.#buttons[0].setAttribute('aria-disabled', String(this.#before.length === 0));
        this.#buttons[1].setAttribute('aria-disabled', String(this.#next === null));
        this.root.hidden = this.#before.length === 0 && this.#next === null;
    }
}
