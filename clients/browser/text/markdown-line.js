// What a line of Markdown is: decided by its first characters and by what is open, often before the line is whole.

/** A line that is still undecided after so many characters is text. */
const longestStart = 400;
/** Quotes and lists within each other; deeper ones are text. */
const deepest = 10;

/**
 * Decides what a line is, or returns null while more of it may decide otherwise; `isWhole` when its end has come.
 *
 * `containers` are the open quotes and list items, outermost first. `leaf` is the open block in the innermost, or null:
 * its `kind`, for a table's first line its number of `columns`, for code its `fence` and `indent`.
 *
 * The decision: `kept`, how many containers go on; `opened`, those that begin; `kind`; and `rest`, what the block gets.
 */
export function readLine(line, isWhole, containers, leaf) {
    if (line.length <= longestStart) return decide(line, isWhole, containers, leaf);
    // Decided by the same characters however the line is cut; those after them are only its text.
    const decision = decide(line.slice(0, longestStart), false, containers, leaf)
        ?? { kept: containers.length, opened: [], kind: leaf?.kind === 'code' ? 'code' : 'text', rest: line.slice(0, longestStart) };
    return { ...decision, rest: decision.rest + line.slice(longestStart) };
}

function decide(line, isWhole, containers, leaf) {
    let rest = line;
    let kept = 0;
    for (const container of containers) {
        const taken = container.kind === 'quote' ? takeQuote(rest, isWhole) : takeItem(rest, isWhole, container, leaf);
        if (taken === undefined) return null;
        if (taken === null) break;
        rest = taken;
        kept += 1;
    }
    const isInside = kept === containers.length;
    if (leaf?.kind === 'code' && isInside) return readCode(rest, isWhole, leaf, kept);
    return begin(rest, isWhole, containers, kept, leaf);
}

/** The line after a quote's mark; null when it has none, undefined when that is not known yet. */
function takeQuote(rest, isWhole) {
    const mark = /^ {0,3}> ?/.exec(rest)?.[0];
    if (!isWhole && (mark?.endsWith('>') ? mark.length === rest.length : /^ {0,3}$/.test(rest))) return undefined;
    return mark ? rest.slice(mark.length) : null;
}

/** The line without an item's indentation. Models indent what is inside by two, whatever the marker's width. */
function takeItem(rest, isWhole, item, leaf) {
    if (/^[ \t]*$/.test(rest)) return isWhole ? '' : undefined;
    const indent = width(rest);
    // Code ends with its fence, not with a line that is not indented as the rest.
    if (indent < item.least && leaf?.kind !== 'code') return null;
    return dedent(rest, item.content);
}

function readCode(rest, isWhole, { fence, indent }, kept) {
    const run = /^[ \t]*(`+|~+)[ \t]*$/.exec(rest)?.[1] ?? '';
    const mayClose = run[0] === fence[0] || /^[ \t]*$/.test(rest);
    if (isWhole ? run[0] === fence[0] && run.length >= fence.length : mayClose) {
        return isWhole ? { kept, opened: [], kind: 'close', rest: '' } : null;
    }
    return { kept, opened: [], kind: 'code', rest: dedent(rest, indent) };
}

function begin(start, isWhole, containers, kept, leaf) {
    let rest = start;
    const opened = [];
    const isSibling = kept < containers.length && containers[kept].kind === 'item';
    const made = (kind, more = {}) => ({ kept, opened, kind, rest, ...more });
    for (;;) {
        const isFirst = opened.length === 0;
        const isParagraph = isFirst && leaf?.kind === 'text';
        if (/^[ \t]*$/.test(rest)) return isWhole ? made('blank') : null;
        if (isParagraph && leaf.columns > 0 && kept === containers.length && /^[ \t]*[|:-][ \t|:-]*$/.test(rest)) {
            if (!isWhole) return null;
            const alignments = delimiterRow(rest);
            if (alignments?.length === leaf.columns) return made('table', { alignments, rest: '' });
        }
        if (/^ {0,3}([-*_])(?:[ \t]*\1)*[ \t]*$/.test(rest)) {
            if (!isWhole) return null;
            if (/([-*_])(?:[ \t]*\1){2}/.test(rest)) return made('rule', { rest: '' });
        }
        const nested = containers.length + opened.length < deepest ? takeContainer(rest, isWhole) : null;
        if (nested === undefined) return null;
        if (nested?.item && isParagraph && !isSibling && (nested.item.number > 1 || nested.rest.trim() === '')) {
            return continued();
        }
        if (nested) {
            opened.push(nested.item ?? { kind: 'quote' });
            rest = nested.rest;
            continue;
        }
        const heading = /^ {0,3}(#{1,6})([ \t]+|$)/.exec(rest);
        if (heading) {
            if (!isWhole && heading[0].length === rest.length) return null;
            rest = rest.slice(heading[0].length);
            return made('heading', { level: heading[1].length });
        }
        const fence = /^([ \t]*)(`{3,}|~{3,})([^`]*)$/.exec(rest);
        if (fence) {
            if (!isWhole) return null;
            return made('fence', { fence: fence[2], indent: width(fence[1]), language: fence[3].trim(), rest: '' });
        }
        if (!isWhole && /^[ \t]*(?:`{1,2}|~{1,2})$/.test(rest)) return null;
        if (isFirst && leaf?.kind === 'table' && kept === containers.length) return made('row');
        return continued();
    }

    function continued() {
        // A paragraph goes on, even where its line leaves out the marks of what it stands in.
        const isLazy = opened.length === 0 && leaf?.kind === 'text';
        return { ...made('text'), kept: isLazy ? containers.length : kept, rest: rest.replace(/^[ \t]+/, '') };
    }
}

/** A quote or an item that begins here; null when none does, undefined when that is not known yet. */
function takeContainer(rest, isWhole) {
    const quote = takeQuote(rest, isWhole);
    if (quote !== null) return quote === undefined ? undefined : { rest: quote };
    const mark = /^([ \t]*)([-*+]|\d{1,9}[.)])([ \t]+|$)/.exec(rest);
    if (!mark) return !isWhole && /^[ \t]*\d{1,9}$/.test(rest) ? undefined : null;
    if (!isWhole && mark[0].length === rest.length) return undefined;
    const [whole, before, marker, blank] = mark;
    const space = width(blank) > 4 ? 1 : Math.max(1, width(blank));
    const content = width(before) + marker.length + space;
    const number = /\d/.test(marker) ? Number.parseInt(marker, 10) : null;
    const item = { kind: 'item', sign: marker.at(-1), number, content, least: Math.min(content, width(before) + 2) };
    return { item, rest: blank === '' ? '' : rest.slice(whole.length) };
}

/** What stands between the bars of a line, without those at its ends. */
function cells(line) {
    return line.trim().replace(/^\||\|$/g, '').split('|');
}

/** The alignment of each column, from the line below a table's head; null when it is not such a line. */
export function delimiterRow(line) {
    const marks = cells(line).map((cell) => /^(:?)-+(:?)$/.exec(cell.trim()));
    if (!line.includes('|') || marks.includes(null)) return null;
    return marks.map(([, before, after]) => (after ? (before ? 'center' : 'end') : 'start'));
}

/** The columns of a line of a table, zero for a line without a bar. */
export function columns(line) {
    return line.includes('|') ? cells(line.replace(/\\./g, '')).length : 0;
}

/** Blanks at the beginning, a tab counted as four. */
function width(text) {
    return [.../^[ \t]*/.exec(text)[0]].reduce((sum, blank) => sum + (blank === '\t' ? 4 : 1), 0);
}

function dedent(text, most) {
    let left = most;
    let at = 0;
    for (; left > 0 && /[ \t]/.test(text[at]); at += 1) left -= width(text[at]);
    return ' '.repeat(Math.max(0, -left)) + text.slice(at);
}
