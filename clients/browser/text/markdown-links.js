// Which addresses in other people's text may become links.

/** What no address needs, and what could make one look like another: blanks, controls, and marks that turn text around. */
const strange = /[\s\p{Cc}\p{Cf}<>"\\]/u;

/** The address to link to, or null: only absolute ones, to the web or to a mailbox. */
export function linkTarget(address) {
    if (!/^(?:https?:\/\/|mailto:)/i.test(address) || strange.test(address)) return null;
    try {
        const url = new URL(address);
        return ['http:', 'https:', 'mailto:'].includes(url.protocol) ? url.href : null;
    } catch {
        return null;
    }
}

/** One with other letters than ASCII's is a link only where it is marked as one: a sentence in Chinese goes on after it without a space. */
const bare = /https?:\/\/[!#-)+-;=?-Z^_a-z{}~]+/iy;

/**
 * The address that stands in a text by itself at a position: `address` without the sentence's punctuation after it, or '',
 * and `end`, where what could belong to it ends.
 */
export function bareAddress(text, at) {
    bare.lastIndex = at;
    const run = bare.exec(text)?.[0] ?? '';
    let address = run;
    for (;;) {
        const last = address.at(-1) ?? '';
        if (last === ')' && count(address, '(') >= count(address, ')')) break;
        if (last === '' || !'.,;:!?\')}_~'.includes(last)) break;
        address = address.slice(0, -1);
    }
    return { address: linkTarget(address) === null ? '' : address, end: at + run.length };
}

function count(text, character) {
    return text.split(character).length - 1;
}
