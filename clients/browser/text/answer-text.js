// Shows an answer in Markdown while it is being written.
//
// Text is only ever put into text nodes, so nothing that a producer sends can become markup. A word costs the same
// however long the answer is: only the block that is still open is touched, and of that only what the word may change.
// `markdown-line.js` decides what a line is, `answer-blocks.js` shows it; here is where it stands.

import { Code, Prose, Table, largestGroup } from './answer-blocks.js';
import { readLine } from './markdown-line.js';

/** As much goes into a block before it is asked whether it has become too long. */
const fedAtOnce = 1024;

export class AnswerText {
    #container;
    #document;
    #frame;
    #onBlock;
    #onDraw;
    #pending = [];
    #scheduled = false;

    /** The beginning of a line, while it is not decided what the line is; null in a line that is decided. */
    #line = '';
    /** The open quotes and list items, outermost first, and the answer itself before them. */
    #places;
    /** The block that text goes into. */
    #leaf = null;
    /** Blocks beside the text that are to be drawn. */
    #asides = new Set();
    /** The levels of the headings above, each deeper than the one before. */
    #levels = [];

    /**
     * `container` receives the blocks. `onBlock(text)` is called when a block is complete, for a screen reader.
     * `onDraw()` follows each drawing. `frame` runs a function before the next paint.
     */
    constructor(container, { frame = (draw) => requestAnimationFrame(draw), onBlock, onDraw } = {}) {
        this.#container = container;
        this.#document = container.ownerDocument;
        this.#frame = frame;
        this.#onBlock = onBlock;
        this.#onDraw = onDraw;
        this.#places = [new Place({ kind: 'answer' }, container)];
    }

    /** Adds text; it is drawn with everything else that arrives before the next frame. */
    write(text) {
        this.#pending.push(text);
        this.touch();
    }

    /** Something is to be drawn before the next frame: text, or a block beside it. */
    touch(aside) {
        if (aside) this.#asides.add(aside);
        if (this.#scheduled) return;
        this.#scheduled = true;
        this.#frame(() => this.draw());
    }

    /** A block of code beside the text, fed by who asked for it. */
    aside(language) {
        this.draw();
        if (this.#line) this.#endLine('');
        this.#close();
        this.#line = '';
        this.#places.length = 1;
        return new Code(this.#place.add('div'), { fence: '', indent: 0, language });
    }

    /** Draws what is pending now. */
    draw() {
        this.#scheduled = false;
        if (this.#pending.length === 0 && this.#asides.size === 0) return;
        for (const aside of this.#asides) aside.draw();
        this.#asides.clear();
        this.#take();
        this.#onDraw?.();
    }

    #take() {
        const lines = this.#pending.join('').replaceAll('\r', '').split('\n');
        this.#pending = [];
        lines.forEach((line, index) => {
            if (index < lines.length - 1) this.#endLine(line);
            else this.#addToLine(line);
        });
        this.#leaf?.draw();
    }

    /** The answer is complete: nothing is held back any longer. */
    finish() {
        this.draw();
        if (this.#line) this.#endLine('');
        this.#close();
    }

    /** Forgets everything shown, to be written anew. */
    clear() {
        this.#pending = [];
        this.#line = '';
        this.#asides.clear();
        this.#leaf = null;
        this.#levels = [];
        this.#places = [new Place({ kind: 'answer' }, this.#container)];
        this.#container.replaceChildren();
    }

    #addToLine(text) {
        if (text === '') return;
        if (this.#line === null) return this.#feed(text);
        this.#line += text;
        const decision = this.#read(false);
        if (decision === null) return;
        this.#line = null;
        this.#begin(decision);
    }

    #endLine(text) {
        if (this.#line === null) {
            this.#feed(text);
        } else {
            this.#line += text;
            this.#begin(this.#read(true));
        }
        this.#line = '';
        const said = this.#leaf?.endLine();
        if (said) this.#onBlock?.(said);
        if (this.#leaf?.kind === 'heading') this.#close();
    }

    #read(isWhole) {
        return readLine(this.#line, isWhole, this.#places.slice(1).map(({ container }) => container), this.#leaf);
    }

    #begin({ kept, opened, kind, rest, level, alignments, ...more }) {
        const leaf = this.#leaf;
        if (kind === 'table') {
            // What was taken for the first line of a paragraph was the table's head.
            leaf.element.remove();
            this.#leaf = new Table(this.#place.add('div'), leaf.line, alignments);
            return;
        }
        const isInside = opened.length === 0 && kept === this.#places.length - 1;
        if (isInside && leaf !== null && leaf.kind === { text: 'text', code: 'code', row: 'table' }[kind]) {
            return this.#feed(leaf.kind === 'text' ? leaf.nextLine(rest) : rest);
        }
        this.#close();
        // What stands after a blank line still belongs to the list that it is indented as.
        this.#places.length = kept + 1;
        for (const container of opened) this.#places.push(this.#place.open(container));
        switch (kind) {
            case 'text': this.#leaf = this.#prose('text', 'p'); break;
            case 'heading': this.#leaf = this.#prose('heading', this.#heading(level)); break;
            case 'fence': this.#leaf = new Code(this.#place.add('div'), more); return;
            case 'rule': this.#place.add('hr'); return;
            default: return;
        }
        this.#feed(rest);
    }

    get #place() {
        return this.#places.at(-1);
    }

    /** The first paragraph of a list item is the item itself. */
    #prose(kind, name) {
        if (name === 'p' && this.#place.isEmptyItem) return new Prose(kind, this.#place.element, false);
        return new Prose(kind, this.#place.add(name));
    }

    /** Below the question, a heading of the second level; however deep a model begins, no level is left out. */
    #heading(level) {
        while (this.#levels.length > 0 && this.#levels.at(-1) >= level) this.#levels.pop();
        this.#levels.push(level);
        return `h${Math.min(6, 2 + this.#levels.length)}`;
    }

    #feed(text) {
        for (let at = 0; at < text.length && this.#leaf !== null; at += fedAtOnce) {
            this.#leaf.feed(text.slice(at, at + fedAtOnce));
            if (!this.#leaf.isLong) continue;
            const rest = this.#leaf.split();
            this.#close();
            this.#leaf = new Prose('text', this.#place.add('p'));
            this.#leaf.feed(rest);
        }
    }

    #close() {
        const said = this.#leaf?.close();
        this.#leaf = null;
        if (said) this.#onBlock?.(said);
    }
}

/** What blocks stand in: the answer, a quote, an item of a list. */
class Place {
    #group = null;
    #list = null;

    constructor(container, element) {
        this.container = container;
        this.element = element;
    }

    get isEmptyItem() {
        return this.container.kind === 'item' && this.element.childNodes.length === 0;
    }

    /** Adds an element; those beside each other are laid out together, so they are put into groups. */
    add(name) {
        this.#list = null;
        return this.#append(name);
    }

    open(container) {
        if (container.kind === 'quote') return new Place(container, turned(this.add('blockquote')));
        const { sign, number } = container;
        if (this.#list?.sign !== sign) this.#list = this.#begin(sign, number);
        else if (this.#list.element.childNodes.length === largestGroup) this.#list = this.#begin(sign, this.#list.next);
        if (number !== null) this.#list.next += 1;
        return new Place(container, append(this.#list.element, 'li'));
    }

    #begin(sign, number) {
        const element = turned(this.#append(number === null ? 'ul' : 'ol'));
        if (number !== null && number !== 1) element.start = number;
        return { sign, element, next: number };
    }

    #append(name) {
        if (this.#group === null || this.#group.childNodes.length >= largestGroup) {
            // An item's or a quote's few blocks need no group.
            const needsGroup = this.container.kind === 'answer' || this.element.childNodes.length >= largestGroup;
            this.#group = needsGroup ? append(this.element, 'div') : this.element;
        }
        return append(this.#group, name);
    }
}

/** Marks and numbers stand where the words begin. */
function turned(element) {
    element.dir = 'auto';
    return element;
}

function append(parent, name) {
    return parent.appendChild(parent.ownerDocument.createElement(name));
}
