// How things are said. Nothing here touches the page.

/** What moves, hides or turns around other text: controls, separators, and the marks of bidirectional text. */
const commands = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\p{Cs}]/gu;
/** The same without what ends a line, and a tab. */
const commandsInLines = /(?![\n\t])[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\p{Cs}]/gu;
/** In a name also what nobody sees. */
const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Cn}\p{Co}]/gu;

const escape = (character) => `\\u{${character.codePointAt(0).toString(16).toUpperCase()}}`;

/** A name, with what nobody sees as the escape of its number. */
export const visibleName = (name) => name.replace(unseen, escape);

/** A text of one line. */
export const visible = (text) => text.replace(commands, escape);

/** A text that keeps its lines and tabs. */
export const visibleLines = (text) => text.replace(commandsInLines, escape);

/** The beginning of a text, in UTF-16 units, never half a character. */
export function beginning(text, most) {
    if (text.length <= most) return text;
    const isHalf = /[\ud800-\udbff]/.test(text[most - 1]);
    return text.slice(0, isHalf ? most - 1 : most);
}

/** A text in parts of as many UTF-16 units at most, none of which begins or ends with half a character. */
export function parts(text, most) {
    const found = [];
    for (let rest = text; rest !== '' || found.length === 0;) {
        const part = beginning(rest, most);
        found.push(part);
        rest = rest.slice(part.length);
    }
    return found;
}

const whole = new Intl.NumberFormat('en');
const rounded = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });

export const count = (number) => whole.format(number);

export function size(bytes) {
    if (bytes === null || bytes === undefined) return 'unknown';
    const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
    let unit = 0;
    while (bytes >= 1024 && unit < units.length - 1) {
        bytes /= 1024;
        unit += 1;
    }
    return `${rounded.format(bytes)} ${units[unit]}`;
}

/** Seconds in the two largest units that they have. */
export function duration(seconds) {
    seconds = Math.max(0, Math.floor(seconds));
    const units = [['d', 86_400], ['h', 3_600], ['min', 60], ['s', 1]];
    const first = units.findIndex(([, length]) => seconds >= length);
    if (first < 0) return '0 s';
    const said = [];
    for (const [name, length] of units.slice(first, first + 2)) {
        const number = Math.floor(seconds / length);
        if (number > 0) said.push(`${number} ${name}`);
        seconds -= number * length;
    }
    return said.join(' ');
}

/** A time that is short, from seconds. */
export function latency(seconds) {
    if (seconds === null || seconds === undefined) return 'none yet';
    if (seconds >= 1) return `${rounded.format(seconds)} s`;
    return seconds >= 0.001 ? `${rounded.format(seconds * 1_000)} ms` : `${rounded.format(seconds * 1_000_000)} µs`;
}

export const rate = (perSecond) => (perSecond === null ? '–' : `${rounded.format(perSecond)}/s`);

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~';

/** When an offset was given out, in milliseconds since 1970: its first 48 bits. Null where it is none. */
export function timeOf(offset) {
    if (!/^[0-9A-Z_a-z~]{12}$/.test(offset)) return null;
    let milliseconds = 0;
    for (const letter of offset.slice(0, 8)) milliseconds = milliseconds * 64 + alphabet.indexOf(letter);
    return milliseconds;
}

/** The time of day of an offset, to the millisecond. */
export function timeOfDay(offset) {
    const milliseconds = timeOf(offset);
    if (milliseconds === null) return '';
    const date = new Date(milliseconds);
    const two = (number) => String(number).padStart(2, '0');
    return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

/**
 * Tokens in a second, from an answer's first to its last event, as the relay counted and the offsets say. Null where nothing was measured, or
 * all came at once.
 */
export function tokenRate({ created, tail, relay }) {
    if (!(relay?.tokens > 0) || relay.ttft === undefined) return null;
    const milliseconds = timeOf(tail) - Date.parse(created) - relay.ttft;
    return milliseconds > 0 ? (relay.tokens * 1_000) / milliseconds : null;
}

/** What the relay measured of an answer, as it is said; without what it does not know. */
export const answerFigures = (stream) => ({
    'First token': stream.relay?.ttft === undefined ? '' : latency(stream.relay.ttft / 1_000),
    'Token rate': tokenRate(stream) === null ? '' : rate(tokenRate(stream)),
    Tokens: stream.relay?.tokens === undefined ? '' : count(stream.relay.tokens),
    'Unread tokens': stream.relay?.unread === undefined ? '' : count(stream.relay.unread),
});

/** How a stream stands: open, or how it ended. */
export function state({ end }) {
    if (!end) return 'open';
    return end.detail ? `${end.reason}: ${visible(end.detail)}` : end.reason;
}

/** Seconds after which a node that says what it does once a second is late. */
const late = 3;

/** How a node stands, by what it said last, some seconds ago. */
export const nodeState = ({ state: said, said: ago }) => (ago > late ? `${visible(said)}, silent for ${duration(ago)}` : visible(said));

/** The name of a stream as a path has it. */
export const namePath = (name) => name.split('/').map(encodeURIComponent).join('/');

/** Where the page shows a stream. */
export const streamLink = (name) => `#/stream/${namePath(name)}`;

/** What a fragment of the page's address asks for. Null where it is none of the page's. */
export function place(fragment) {
    const [, path, query = ''] = /^#?([^?]*)\??(.*)$/s.exec(fragment);
    if (path === '' || path === '/' || path === '/streams') return { page: 'streams', query: new URLSearchParams(query) };
    if (path === '/answers') return { page: 'answers', query: new URLSearchParams(query) };
    if (path === '/node') return { page: 'node' };
    if (!path.startsWith('/stream/')) return null;
    try {
        const name = path.slice('/stream/'.length).split('/').map(decodeURIComponent).join('/');
        return name ? { page: 'stream', name } : null;
    } catch {
        return null;
    }
}

/** How often something grows in a second, from what it was told before: null at first, and when it is another. */
export class Rates {
    #last = new Map();

    /** Takes what all of them are now, or were at a moment of their own. Returns each one's rate by its name, or null. */
    next(counts, now) {
        const last = this.#last;
        this.#last = new Map();
        const rates = new Map();
        for (const [name, number, moment = now] of counts) {
            const before = last.get(name);
            const isKnown = before && moment > before.moment && number >= before.number;
            rates.set(name, isKnown ? ((number - before.number) * 1_000) / (moment - before.moment) : null);
            this.#last.set(name, { number, moment });
        }
        return rates;
    }
}
