// Draws the text of one block while it arrives: what is settled is drawn once, what may still change is drawn anew.

import { parseInline } from './markdown-inline.js';

/** Appending copies a text node's whole data, so a node that reached this many characters gets a successor. */
export const longestNode = 1024;
/** What is begun and not closed within so many characters is text: no more than these are ever drawn anew. */
const longestTail = 1024;
/** As much is parsed at once. */
const parsedAtOnce = 512;

/** Marks that turn the direction of text around; in code they can make it read as what it is not. */
const turning = /([\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069])/;

export class InlineText {
    /** What was drawn for good, for who listens. */
    said = '';
    /** How many characters that is. */
    settledLength = 0;
    #parent;
    #document;
    #options;
    #before = '';
    #waiting = '';
    #tail = '';
    #drawn = [];

    constructor(parent, { cell = false } = {}) {
        this.#parent = parent;
        this.#document = parent.ownerDocument;
        this.#options = { cell };
    }

    feed(text) {
        this.#waiting += text;
    }

    /** Draws what was fed, in place of what could still change when it was drawn the last time. */
    draw() {
        if (this.#waiting === '') return;
        this.#undraw();
        this.#take();
        if (this.#tail !== '') this.#drawn = this.#append(this.#parent, this.#parse(this.#tail, true).nodes);
    }

    /** The block is complete: what is open is no markup. */
    finish() {
        this.#undraw();
        // All of it is parsed at once here, as far as that is not too much.
        if (this.#tail.length + this.#waiting.length > longestTail) this.#take();
        this.#settle((this.#tail + this.#waiting).trimEnd());
        this.#waiting = '';
        this.#tail = '';
    }

    /** Takes back what is not settled. */
    withdraw() {
        this.#undraw();
        const rest = this.#tail + this.#waiting;
        this.#tail = '';
        this.#waiting = '';
        return rest;
    }

    #take() {
        const waiting = this.#waiting;
        this.#waiting = '';
        for (let at = 0; at < waiting.length; at += parsedAtOnce) {
            this.#tail += waiting.slice(at, at + parsedAtOnce);
            const { settled } = this.#parse(this.#tail, true);
            this.#settleFirst(settled);
            while (this.#tail.length > longestTail) this.#settleFirst(cut(this.#tail));
        }
    }

    #settleFirst(length) {
        if (length === 0) return;
        this.#settle(this.#tail.slice(0, length));
        this.#tail = this.#tail.slice(length);
    }

    #settle(text) {
        if (text === '') return;
        const { nodes } = this.#parse(text, false);
        this.#before = [...text.slice(-2)].at(-1);
        this.settledLength += text.length;
        this.said += plainText(nodes);
        const last = this.#parent.lastChild;
        const isContinued = nodes[0]?.type === 'text' && last?.nodeType === 3 && last.length < longestNode;
        if (isContinued) last.appendData(nodes.shift().text);
        this.#append(this.#parent, nodes);
    }

    #parse(text, open) {
        return parseInline(text, { ...this.#options, before: this.#before, open });
    }

    #undraw() {
        for (const node of this.#drawn) node.remove();
        this.#drawn = [];
    }

    #append(parent, nodes) {
        return nodes.map((node) => parent.appendChild(this.#node(node)));
    }

    #node({ type, text, href, nodes }) {
        if (type === 'text') return this.#document.createTextNode(text);
        if (type === 'code') return appendCode(this.#document.createElement('code'), text);
        const names = { link: 'a', break: 'br', pending: 'span' };
        const made = this.#document.createElement(names[type] ?? type);
        if (type === 'link') {
            made.href = href;
            made.target = '_blank';
            made.rel = 'noopener noreferrer nofollow';
            made.title = href;
        }
        if (nodes) this.#append(made, nodes);
        return made;
    }
}

/** Adds code to an element; each mark that turns text around is shown by name, and turns nothing. */
export function appendCode(element, text) {
    const document = element.ownerDocument;
    text.split(turning).forEach((part, index) => {
        if (part === '') return;
        if (index % 2 === 0) {
            const last = element.lastChild;
            if (last?.nodeType === 3 && last.length < longestNode) last.appendData(part);
            else element.appendChild(document.createTextNode(part));
            return;
        }
        const mark = element.appendChild(document.createElement('span'));
        mark.className = 'turning';
        mark.title = `U+${part.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
        mark.appendChild(document.createTextNode(part));
    });
    return element;
}

/** Where a tail that is too long is cut: after a blank, or else between two characters. */
function cut(text) {
    const blank = text.lastIndexOf(' ', longestTail - 1) + 1;
    if (blank > 0) return blank;
    return /^[\udc00-\udfff]/.test(text.slice(longestTail)) ? longestTail - 1 : longestTail;
}

function plainText(nodes) {
    return nodes.map((node) => node.text ?? (node.nodes ? plainText(node.nodes) : ' ')).join('');
}
