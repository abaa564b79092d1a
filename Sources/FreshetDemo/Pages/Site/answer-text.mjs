// Shows an answer while it is being written.
//
// Text is only ever put into text nodes, so nothing that a producer sends can become markup. A word costs the same
// however long the answer is: what arrived since the last frame is appended to the end of one short text node. Four
// forms are understood, line by line: paragraphs, `- ` lists, fenced code and `code` inside a line.

/** Appending copies a text node's whole data, so a node that reached this many characters gets a successor. */
const longestNode = 1024;
/**
 * Adding to a block lays the whole block out again, so one that is longer than this is continued in a new one: code at
 * the next line, a paragraph at the next space, and a text that has none (Chinese has none) at twice the length.
 */
const longestBlock = 4096;
/** Blocks that stand beside each other are laid out together, so they are put into groups of this many. */
const largestGroup = 64;

const fence = '```';
const bullet = '- ';

export class AnswerText {
    #container;
    #document;
    #frame;
    #onBlock;
    #onDraw;
    #pending = [];
    #scheduled = false;

    // Where the machine stands: at the start of a line, inside one, or skipping the rest of a fence line.
    #at = 'start';
    #head = '';
    #group = null;
    #kind = null;
    #block = null;
    #blockLength = 0;
    #parent = null;
    #code = null;
    #node = null;
    #run = '';
    #newline = '';

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
    }

    /** Adds text; it is drawn with everything else that arrives before the next frame. */
    write(text) {
        this.#pending.push(text);
        if (this.#scheduled) return;
        this.#scheduled = true;
        this.#frame(() => this.draw());
    }

    /** Draws what is pending now. */
    draw() {
        this.#scheduled = false;
        if (this.#pending.length === 0) return;
        const text = this.#pending.join('');
        this.#pending = [];
        for (const character of text) this.#step(character);
        this.#flush();
        this.#onDraw?.();
    }

    /** The answer is complete: nothing is held back any longer. */
    finish() {
        this.draw();
        if (this.#at === 'start' && this.#head !== '') this.#beginLine();
        this.#closeBlock();
    }

    /** Forgets everything shown, to be written anew. */
    clear() {
        this.#pending = [];
        this.#at = 'start';
        this.#head = '';
        this.#run = '';
        this.#newline = '';
        this.#group = null;
        this.#kind = null;
        this.#block = null;
        this.#parent = null;
        this.#code = null;
        this.#node = null;
        this.#container.replaceChildren();
    }

    #step(character) {
        switch (this.#at) {
            case 'start': return this.#atStart(character);
            case 'skip':
                if (character === '\n') this.#at = 'start';
                return;
            default: return this.#inLine(character);
        }
    }

    /** The first characters of a line decide what it is; they are held only as long as they may still be a marker. */
    #atStart(character) {
        if (character === '\n') {
            if (this.#kind === 'pre') {
                this.#text(this.#head);
                this.#newline += '\n';
            } else if (this.#head === '') {
                this.#closeBlock();
            } else {
                this.#beginLine();
            }
            this.#head = '';
            this.#at = 'start';
            return;
        }
        this.#head += character;
        if (this.#head === fence) {
            if (this.#kind === 'pre') this.#closeBlock(); else this.#openBlock('pre');
            this.#head = '';
            this.#at = 'skip';
        } else if (this.#head === bullet && this.#kind !== 'pre') {
            this.#openBlock('li');
            this.#head = '';
            this.#at = 'line';
        } else if (!fence.startsWith(this.#head) && !(bullet.startsWith(this.#head) && this.#kind !== 'pre')) {
            this.#beginLine();
        }
    }

    #beginLine() {
        const head = this.#head;
        this.#head = '';
        this.#at = 'line';
        if (this.#kind === null) this.#openBlock('p');
        else if (this.#kind !== 'pre') this.#text(' ');
        for (const character of head) this.#inLine(character);
    }

    #inLine(character) {
        if (character === '\n') {
            if (this.#kind === 'pre') this.#endCodeLine();
            this.#at = 'start';
        } else if (this.#kind === 'pre') {
            this.#text(character);
        } else if (character === '`') {
            this.#toggleCode();
        } else if (this.#blockLength > longestBlock && (character === ' ' || this.#blockLength > 2 * longestBlock)) {
            this.#openBlock('p');
            if (character !== ' ') this.#text(character);
        } else {
            this.#text(character);
        }
    }

    #endCodeLine() {
        if (this.#blockLength > longestBlock) this.#openBlock('pre'); else this.#newline += '\n';
    }

    /** In code a line end is drawn with the line that follows it, so that a block never ends in an empty line. */
    #text(text) {
        if (text === '') return;
        this.#run += this.#newline + text;
        this.#newline = '';
        this.#blockLength += text.length;
    }

    #toggleCode() {
        this.#flush();
        if (this.#code === null) {
            this.#code = this.#parent.appendChild(this.#document.createElement('code'));
        } else {
            this.#code = null;
        }
        this.#node = null;
    }

    #openBlock(kind) {
        const list = kind === 'li' && this.#kind === 'li' ? this.#block.parentNode : null;
        this.#closeBlock();
        this.#kind = kind;
        this.#blockLength = 0;
        if (kind === 'li') {
            const parent = list !== null && list.childNodes.length < largestGroup ? list : this.#add('ul');
            this.#block = parent.appendChild(this.#document.createElement('li'));
        } else {
            this.#block = this.#add(kind);
        }
        this.#parent = kind === 'pre' ? this.#block.appendChild(this.#document.createElement('code')) : this.#block;
    }

    #add(kind) {
        if (this.#group === null || this.#group.childNodes.length === largestGroup) {
            this.#group = this.#container.appendChild(this.#document.createElement('div'));
        }
        return this.#group.appendChild(this.#document.createElement(kind));
    }

    #closeBlock() {
        if (this.#kind === null) return;
        this.#flush();
        this.#newline = '';
        const block = this.#block;
        this.#kind = null;
        this.#block = null;
        this.#parent = null;
        this.#code = null;
        this.#node = null;
        this.#onBlock?.(block.textContent);
    }

    #flush() {
        if (this.#run === '') return;
        if (this.#node === null || this.#node.length > longestNode) {
            this.#node = (this.#code ?? this.#parent).appendChild(this.#document.createTextNode(this.#run));
        } else {
            this.#node.appendData(this.#run);
        }
        this.#run = '';
    }
}
