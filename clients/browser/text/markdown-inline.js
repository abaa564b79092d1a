// What stands inside a line of Markdown: emphasis, code, links, line breaks. Text in, a tree out; nothing is drawn here.
//
// A node is `{ type, text }` for `text` and `code`, `{ type, nodes }` for `strong`, `em`, `del` and `pending` (the label of
// a link whose address is still arriving), `{ type: 'link', href, nodes }`, or `{ type: 'break' }`. Markup of other
// kinds, HTML first of all, is text.

import { bareAddress, linkTarget } from './markdown-links.js';

const plain = /[^\\`*_~[\]!<hH\n]+/y;
const destination = /\(\s*(?:<([^<>\n]*)>|([^\s()]*(?:\([^\s()]*\)[^\s()]*)*))(?:\s+(?:"[^"]*"|'[^']*'))?\s*\)/y;
const angled = /<((?:https?:\/\/|mailto:)[^\s<>]*)>/iy;
const lineBreak = /<br ?\/?>/iy;
const punctuation = /[\p{P}\p{S}]/u;
const escapable = /[!-/:-@[-`{-~]/;
/** A text without a space, as Chinese is written, may be cut after its own letters. */
const ideograph = /[\u2E80-\uD7FF\uF900-\uFAFF]/;

/**
 * Parses a piece of a block. `before` is the character before it. With `open` more text follows: what is begun and not
 * closed is shown as if it were closed here, and `settled` is the length of the part that no further text can change.
 */
export function parseInline(text, { before = '', open = false, cell = false } = {}) {
    return new Scan(text, before, open, cell).parse();
}

class Scan {
    #items = [];
    #candidates = [];
    #closed = [];
    /** From here on the text may still mean something else. */
    #floor;

    constructor(text, before, open, cell) {
        this.text = text;
        this.before = before;
        this.open = open;
        this.cell = cell;
        this.at = 0;
        this.#floor = text.length;
    }

    parse() {
        while (this.at < this.text.length) this.#step(this.text[this.at]);
        const items = this.#items.map((item) => {
            if (item.type !== 'bracket') return item;
            if (item.isActive) this.#holdFrom(item.start);
            return textNode(item.source);
        });
        const nodes = merge(this.#nest(items, this.open));
        return { nodes, settled: this.open ? this.#settled() : this.text.length };
    }

    #step(character) {
        const { text, at } = this;
        plain.lastIndex = at;
        const run = plain.exec(text);
        if (run) return this.#plain(run[0]);
        switch (character) {
            case '\\': return this.#escape();
            case '`': return this.#code();
            case '*': case '_': case '~': return this.#delimiter(character);
            case '[': return this.#bracket('[');
            case '!':
                if (text[at + 1] === '[') return this.#bracket('![');
                return this.#plain('!');
            case ']': return this.#closeBracket();
            case '<': return this.#angle();
            case '\n': return this.#newline();
            default: return this.#address(character);
        }
    }

    #plain(run) {
        const start = this.at;
        this.#add(textNode(run), run.length);
        if (!this.open) return;
        for (let index = 0; index < run.length; index += 1) {
            const next = this.text[start + index + 1];
            if (next === undefined) break;
            if ((run[index] === ' ' && /\S/.test(next)) || (ideograph.test(run[index]) && /[\p{L}\p{N}]/u.test(next))) {
                this.#candidates.push(start + index + 1);
            }
        }
    }

    #escape() {
        const next = this.text[this.at + 1] ?? '';
        if (next === '\n') return this.#add({ type: 'break' }, 2);
        if (escapable.test(next)) return this.#add(textNode(next), 2);
        if (next === '') this.#holdFrom(this.at);
        this.#add(textNode('\\'), 1);
    }

    #code() {
        const { text, at } = this;
        const fence = /`+/y;
        fence.lastIndex = at;
        const mark = fence.exec(text)[0];
        for (let end = text.indexOf(mark, at + mark.length); end !== -1;) {
            let after = end;
            while (text[after] === '`') after += 1;
            if (after - end === mark.length) {
                // The run may still grow, and be none of this length.
                if (after === text.length) this.#holdFrom(at);
                return this.#add({ type: 'code', text: codeText(text.slice(at + mark.length, end)) }, after - at);
            }
            end = text.indexOf(mark, after);
        }
        if (!this.open) return this.#add(textNode(mark), mark.length);
        this.#holdFrom(at);
        const rest = text.slice(at + mark.length).replace(/`+$/, '');
        this.#add({ type: 'code', text: codeText(rest) }, text.length - at);
    }

    #delimiter(character) {
        const { text, at } = this;
        let end = at;
        while (text[end] === character) end += 1;
        const count = end - at;
        const earlier = at === 0 ? this.before : characterBefore(text, at);
        const later = end === text.length ? '' : String.fromCodePoint(text.codePointAt(end));
        if (later === '' && this.open) this.#holdFrom(at);
        const left = runs(later, earlier);
        const right = runs(earlier, later);
        const isWord = character === '_';
        const item = {
            type: 'delimiter', character, count, size: count, start: at, end,
            canOpen: left && (!isWord || !right || punctuation.test(earlier)),
            canClose: right && (!isWord || !left || punctuation.test(later)),
        };
        if (character === '~' && count !== 2) item.canOpen = item.canClose = false;
        // At the end of what has arrived it would be seen for a moment, before it is known what it is.
        if (later === '' && this.open && !item.canClose) return this.#add(textNode(''), count);
        this.#add(item, count);
    }

    #bracket(source) {
        this.#add({ type: 'bracket', source, start: this.at, isActive: true }, source.length);
    }

    #closeBracket() {
        const { text, at } = this;
        const index = this.#items.findLastIndex(({ type }) => type === 'bracket');
        const bracket = this.#items[index];
        if (!bracket?.isActive) {
            if (bracket) this.#items[index] = textNode(bracket.source);
            return this.#add(textNode(']'), 1);
        }
        destination.lastIndex = at + 1;
        const found = destination.exec(text);
        const href = found && linkTarget(found[1] ?? found[2]);
        if (href) return this.#closeLink(index, href, at + 1 + found[0].length);
        const rest = text.slice(at + 1);
        if (this.open && !found && /^(?:\(\s*\S*(?:\s+(?:"[^"]*"?|'[^']*'?)?\s*)?)?$/.test(rest)) {
            this.#holdFrom(bracket.start);
            const nodes = merge(this.#nest(this.#items.splice(index).slice(1).map(settleBracket), false));
            return this.#add({ type: 'pending', nodes }, text.length - at);
        }
        this.#items[index] = textNode(bracket.source);
        this.#add(textNode(']'), 1);
    }

    #closeLink(index, href, end) {
        const [bracket, ...inside] = this.#items.splice(index);
        const nodes = merge(withoutLinks(this.#nest(inside.map(settleBracket), false)));
        this.#closed.push([bracket.start, end]);
        for (const item of this.#items) if (item.type === 'bracket') item.isActive = false;
        this.#add({ type: 'link', href, nodes: nodes.length > 0 ? nodes : [textNode(href)] }, end - this.at);
    }

    #angle() {
        const { text, at } = this;
        angled.lastIndex = lineBreak.lastIndex = at;
        const mark = this.cell ? lineBreak.exec(text)?.[0] : null;
        if (mark) return this.#add({ type: 'break' }, mark.length);
        const found = angled.exec(text);
        const href = found && linkTarget(found[1]);
        if (href) return this.#link(href, found[1], found[0].length);
        if (!/[\s>]/.test(text.slice(at))) this.#holdFrom(at);
        this.#add(textNode('<'), 1);
    }

    #newline() {
        const last = this.#items.at(-1);
        const isHard = last?.type === 'text' && last.text.endsWith('  ');
        if (last?.type === 'text') last.text = last.text.trimEnd();
        this.#add(isHard ? { type: 'break' } : textNode(' '), 1);
        while (this.text[this.at] === ' ') this.at += 1;
        if (this.at < this.text.length) this.#candidates.push(this.at);
    }

    #address(character) {
        const { text, at } = this;
        const earlier = at === 0 ? this.before : text[at - 1];
        if (/[a-z0-9]/i.test(earlier)) return this.#plain(character);
        const { address, end } = bareAddress(text, at);
        if (end === text.length) this.#holdFrom(at);
        if (address === '') return this.#plain(character);
        this.#link(linkTarget(address), address, address.length);
    }

    #link(href, label, length) {
        this.#add({ type: 'link', href, nodes: [textNode(label)] }, length);
    }

    #add(item, length) {
        this.#items.push(item);
        this.at += length;
    }

    #holdFrom(position) {
        this.#floor = Math.min(this.#floor, position);
    }

    /** Pairs the delimiters, as CommonMark does; with `open` those without a partner reach to the end. */
    #nest(items, open) {
        const out = [];
        for (const item of items) {
            if (item.type !== 'delimiter') {
                out.push(item);
                continue;
            }
            const left = item.canClose ? this.#close(out, { ...item }) : item.count;
            if (left > 0) out.push({ ...item, count: left });
        }
        for (let index = out.length - 1; index >= 0; index -= 1) {
            const item = out[index];
            if (item.type !== 'delimiter') continue;
            if (!item.canOpen) out[index] = settle(item);
            else if (!open) out[index] = settle(item);
            else {
                this.#holdFrom(item.start);
                const inside = out.splice(index).slice(1);
                if (inside.length > 0) out.push(wrap(item.character, item.count, inside));
            }
        }
        return out;
    }

    #close(out, closer) {
        let left = closer.count;
        while (left > 0) {
            const index = out.findLastIndex((item) => opens(item, closer));
            if (index === -1) return left;
            const opener = out[index];
            const used = Math.min(2, opener.count, left);
            const inside = out.splice(index + 1).map(settle);
            opener.count -= used;
            left -= used;
            if (opener.count === 0) out.pop();
            out.push(wrap(closer.character, used, inside));
            this.#closed.push([opener.start, closer.end]);
        }
        return 0;
    }

    #settled() {
        const isInside = (position) => this.#closed.some(([from, to]) => position > from && position < to);
        return this.#candidates.findLast((position) => position <= this.#floor && !isInside(position)) ?? 0;
    }
}

/** Whether a run of delimiters stands at the side of what it could embrace. */
function runs(inner, outer) {
    if (inner === '' || /\s/u.test(inner)) return false;
    return !punctuation.test(inner) || outer === '' || /\s/u.test(outer) || punctuation.test(outer);
}

function opens(item, closer) {
    if (item.type !== 'delimiter' || item.character !== closer.character || !item.canOpen) return false;
    const sum = item.size + closer.size;
    const isOdd = (item.canClose || closer.canOpen) && sum % 3 === 0 && !(item.size % 3 === 0 && closer.size % 3 === 0);
    return !isOdd;
}

function wrap(character, count, nodes) {
    if (character === '~') return { type: 'del', nodes };
    if (count >= 3) return { type: 'strong', nodes: [{ type: 'em', nodes }] };
    return { type: count === 2 ? 'strong' : 'em', nodes };
}

/** What is no markup after all is the text that it was written with. */
function settle(item) {
    if (item.type === 'delimiter') return textNode(item.character.repeat(item.count));
    return item.type === 'bracket' ? textNode(item.source) : item;
}

function settleBracket(item) {
    return item.type === 'bracket' ? settle(item) : item;
}

function textNode(text) {
    return { type: 'text', text };
}

function merge(items) {
    const merged = [];
    for (const item of items) {
        const last = merged.at(-1);
        if (item.nodes) merged.push({ ...item, nodes: merge(item.nodes) });
        else if (item.type === 'text' && last?.type === 'text') merged[merged.length - 1] = textNode(last.text + item.text);
        else if (item.type !== 'text' || item.text !== '') merged.push(item);
    }
    return merged;
}

/** No link stands in a link. */
function withoutLinks(nodes) {
    return nodes.flatMap((node) => {
        if (!node.nodes) return [node];
        return node.type === 'link' ? withoutLinks(node.nodes) : [{ ...node, nodes: withoutLinks(node.nodes) }];
    });
}

function codeText(text) {
    const line = text.replaceAll('\n', ' ');
    return /^ .* $/.test(line) && line.trim() !== '' ? line.slice(1, -1) : line;
}

function characterBefore(text, at) {
    return [...text.slice(Math.max(0, at - 2), at)].at(-1);
}
