// The blocks of an answer that text is put into while it arrives: prose, headings, code, tables.
//
// Each has a `kind`, takes text with `feed` and the end of a line with `endLine`, shows with `draw` what it was fed, and
// returns with `close` what a screen reader should say. One that `isLong` is continued in another with what `split` returns.

import { InlineText, appendCode } from './answer-inline.js';
import { columns } from './markdown-line.js';

/** Adding to a block lays the whole block out again, so one that is longer than this is continued in a new one. */
const longestBlock = 4096;
/** What stands beside each other is laid out together, so as many at most do. */
export const largestGroup = 64;
/** The first line of a paragraph may be the head of a table, if it is no longer than this. */
const longestHead = 2_000;

function make(parent, name, className) {
    const made = parent.ownerDocument.createElement(name);
    if (className) made.className = className;
    return parent.appendChild(made);
}

export class Prose {
    #text;
    #first = '';
    #lines = 1;
    #length = 0;

    /** `kind` is `text` or `heading`; `element` is what the text stands in, `own` whether it was made for it. */
    constructor(kind, element, own = true) {
        this.kind = kind;
        this.element = element;
        this.own = own;
        this.#text = new InlineText(element);
    }

    /** How many columns the head of a table has that this could be. */
    get columns() {
        return this.#lines === 1 && this.own && this.#first.length < longestHead ? columns(this.#first) : 0;
    }

    /** The line that it consists of. */
    get line() {
        return this.#first;
    }

    get isLong() {
        if (this.#length <= longestBlock) return false;
        this.draw();
        return this.#text.settledLength > longestBlock;
    }

    /** What is not settled yet, which it does not show any longer. */
    split() {
        return this.#text.withdraw();
    }

    feed(text) {
        this.#length += text.length;
        if (this.#lines === 1 && this.#first.length < longestHead) this.#first += text;
        this.#text.feed(text);
    }

    /** What goes into it at the beginning of another line. */
    nextLine(text) {
        this.#lines += 1;
        return `\n${text}`;
    }

    endLine() {}

    draw() {
        this.#text.draw();
    }

    close() {
        this.#text.finish();
        return this.#text.said;
    }
}

export class Code {
    kind = 'code';
    isLong = false;
    #isBegun = false;
    #frame;
    #parts;
    #code;
    #length = 0;
    #waiting = '';
    #newline = '';
    #said = '';

    constructor(frame, { fence, indent, language }) {
        this.fence = fence;
        this.indent = indent;
        this.#frame = frame;
        frame.className = 'fenced';
        frame.dir = 'ltr';
        const text = (content) => frame.ownerDocument.createTextNode(content);
        const head = make(this.#frame, 'div', 'fenced-head');
        const label = make(head, 'span', 'language');
        label.appendChild(text(language.slice(0, 40) || 'Code'));
        const button = make(head, 'button', 'copy');
        button.type = 'button';
        button.ariaLabel = 'Copy code';
        button.appendChild(text('Copy'));
        this.#parts = make(this.#frame, 'div', 'code-parts');
        this.#begin();
    }

    #begin() {
        if (this.#parts.childNodes.length === largestGroup) this.#parts = make(this.#frame, 'div', 'code-parts');
        const part = make(this.#parts, 'pre');
        part.tabIndex = 0;
        this.#code = make(part, 'code');
        this.#length = 0;
    }

    /** A line end is drawn with the line that follows it, so that a block never ends in an empty line. */
    feed(text) {
        if (text === '') return;
        this.#waiting += this.#newline + text;
        this.#newline = '';
    }

    endLine() {
        // The line of the fence is none of the code.
        if (!this.#isBegun) {
            this.#isBegun = true;
            return;
        }
        this.#newline += '\n';
        if (this.#length + this.#waiting.length <= longestBlock) return;
        this.draw();
        this.#newline = this.#newline.slice(1);
        this.#begin();
    }

    draw() {
        if (this.#waiting === '') return;
        appendCode(this.#code, this.#waiting);
        this.#length += this.#waiting.length;
        if (this.#said.length < longestBlock) this.#said += this.#waiting;
        this.#waiting = '';
    }

    close() {
        this.draw();
        return this.#said;
    }
}

export class Table {
    kind = 'table';
    #parent;
    #head;
    #alignments;
    #body;
    #row = null;
    isLong = false;

    constructor(parent, head, alignments) {
        this.#parent = parent;
        this.#head = head;
        this.#alignments = alignments;
        this.#begin();
    }

    #begin() {
        const frame = make(this.#parent, 'div', 'table');
        frame.tabIndex = 0;
        frame.role = 'group';
        frame.dir = 'auto';
        frame.ariaLabel = 'Table';
        const table = make(frame, 'table');
        const head = this.#make(make(table, 'thead'), 'th');
        head.feed(this.#head);
        head.close();
        this.#body = make(table, 'tbody');
    }

    /** The row that text goes into begins with the first of it. */
    feed(text) {
        if (this.#row === null) {
            if (this.#body.childNodes.length === largestGroup) this.#begin();
            this.#row = this.#make(this.#body, 'td');
        }
        this.#row.feed(text);
    }

    endLine() {
        const said = this.#row?.close() ?? '';
        this.#row = null;
        return said;
    }

    draw() {
        this.#row?.draw();
    }

    close() {
        return this.endLine();
    }

    #make(parent, name) {
        return new Row(make(parent, 'tr'), name, this.#alignments);
    }
}

/** A row of a table: each bar ends a cell, but one that is escaped. */
class Row {
    #element;
    #name;
    #alignments;
    #cells = [];
    #said = [];
    #escaped = false;
    #isEmpty = true;
    /** A bar after which the line ends ends the row; anything else after it begins the next cell. */
    #barred = false;

    constructor(element, name, alignments) {
        this.#element = element;
        this.#name = name;
        this.#alignments = alignments;
    }

    feed(text) {
        let run = '';
        const flush = () => {
            if (run !== '') this.#cell().feed(run);
            run = '';
        };
        for (const character of text) {
            if (this.#escaped) {
                run += character === '|' ? '|' : `\\${character}`;
                this.#escaped = false;
                continue;
            }
            const isBlank = character === ' ' || character === '\t';
            if (isBlank && run === '' && (this.#barred || this.#isEmpty)) continue;
            if (this.#barred || (character === '|' && this.#cells.length === 0 && run === '')) {
                this.#next();
                const isFirst = !this.#barred;
                this.#barred = false;
                if (isFirst) continue;
            }
            if (character === '|') {
                flush();
                this.#barred = true;
            } else if (character === '\\') {
                this.#escaped = true;
            } else {
                run += character;
            }
        }
        flush();
    }

    /** The cell that gets text. */
    #cell() {
        if (this.#cells.length === 0) this.#next();
        this.#isEmpty = false;
        return this.#cells.at(-1);
    }

    /** What stands in more cells than the head has is shown in the last, rather than not at all. */
    #next() {
        if (this.#cells.length === this.#alignments.length) {
            this.#cells.at(-1).feed(' | ');
            return null;
        }
        this.#finishCell();
        this.#isEmpty = true;
        const cell = make(this.#element, this.#name);
        if (this.#name === 'th') cell.scope = 'col';
        const alignment = this.#alignments[this.#cells.length];
        if (alignment !== 'start') cell.className = `align-${alignment}`;
        this.#cells.push(new InlineText(cell, { cell: true }));
        return cell;
    }

    #finishCell() {
        const last = this.#cells.at(-1);
        if (!last) return;
        last.finish();
        this.#said.push(last.said);
    }

    draw() {
        this.#cells.at(-1)?.draw();
    }

    close() {
        if (this.#escaped) this.#cell().feed('\\');
        this.#escaped = false;
        // One for all that are missing: a short row of a wide table costs no more than it says.
        const missing = this.#alignments.length - this.#cells.length;
        if (missing > 0) this.#next().colSpan = missing;
        this.#finishCell();
        return this.#said.join(', ');
    }
}
