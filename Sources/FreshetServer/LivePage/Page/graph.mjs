// Lines of the last hour.

import { element, say } from './element.mjs';

const namespace = 'http://www.w3.org/2000/svg';
export const width = 360;
export const height = 60;

/** What a line of these numbers is, as `d` of a path: the last at the right, the highest at the top. One that is null is a gap. */
export function line(values, length) {
    const highest = Math.max(...values.filter((value) => value !== null), 0);
    const step = width / Math.max(1, length - 1);
    const first = length - values.length;
    let isDown = false;
    let path = '';
    values.forEach((value, index) => {
        if (value === null) {
            isDown = false;
            return;
        }
        const x = ((first + index) * step).toFixed(1);
        const y = (height - (highest > 0 ? value / highest : 0) * height).toFixed(1);
        // A number alone is a point, which a line of no length with round ends shows.
        const isAlone = !isDown && (values[index + 1] ?? null) === null;
        path += isDown ? `L${x} ${y}` : `M${x} ${y}`;
        if (isAlone) path += `L${x} ${y}`;
        isDown = true;
    });
    return path;
}

/** The last number there is, and the highest. */
export function extent(values) {
    const known = values.filter((value) => value !== null);
    return known.length === 0 ? null : { last: values.at(-1), highest: Math.max(...known) };
}

export class Graph {
    root;
    #path;
    #picture;
    #figures = element('span', { class: 'soft' });
    #title;
    #words;

    /** `words` says a number. */
    constructor(title, words) {
        this.#title = title;
        this.#words = words;
        this.#picture = document.createElementNS(namespace, 'svg');
        for (const [name, value] of Object.entries({ viewBox: `0 -2 ${width} ${height + 4}`, preserveAspectRatio: 'none', role: 'img' })) {
            this.#picture.setAttribute(name, value);
        }
        this.#path = document.createElementNS(namespace, 'path');
        this.#picture.append(this.#path);
        this.root = element('figure', {}, element('figcaption', {}, element('b', {}, title), ' ', this.#figures), this.#picture);
    }

    show(values, length) {
        const found = extent(values);
        const words = (value) => (value === null || value === undefined ? 'none' : this.#words(value));
        const text = found ? `now ${words(found.last)}, highest ${words(found.highest)}` : 'nothing yet';
        say(this.#figures, text);
        this.#picture.setAttribute('aria-label', `${this.#title} in the last hour: ${text}`);
        this.#path.setAttribute('d', line(values, length));
    }
}
