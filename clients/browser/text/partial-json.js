// A JSON value as far as it has arrived. Nothing that it shows is ever taken back: a number is shown once what follows it is
// there, a literal when it is whole, a key with its value, and of a string whole characters only (docs/partial-json.md).

const literals = new Map([['true', true], ['false', false], ['null', null]]);
const number = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const run = /[^"\\\u0000-\u001f]+/y;
const mostLevels = 256;

export class PartialJSON {
    /** The best value so far, whose parts grow in place; undefined before there is one. Objects have no prototype. */
    value;
    isComplete = false;
    /** What is open, outermost first: each with its value, and the key or index that a value goes to. */
    #open = [];
    /** What may come: `value`, `first` (or the end of what is empty), `key`, `:`, `,` (or the end), or nothing. */
    #expected = 'value';
    /** `text` in a string, `key` in a key, `scalar` in a number or literal. */
    #inside = '';
    #token = '';
    /** An escape that is not complete, and the half of a character that waits for the other. */
    #escape = '';
    #half = '';
    #lines = '';

    /** Takes more of the text, and returns it laid out in lines; throws a `SyntaxError`, after which `value` is what was right before. */
    parse(text) {
        this.#lines = '';
        for (let at = 0; at < text.length;) {
            const character = text[at];
            if (this.#inside === 'text' || this.#inside === 'key') {
                const taken = this.#string(text, at, character);
                this.#lines += taken;
                at += taken.length;
                continue;
            }
            at += 1;
            if (this.#inside && /[-+.\w]/.test(character)) this.#scalar(character);
            else this.#structure(character);
        }
        if (this.#inside === 'text') this.#place(this.#token);
        return this.#lines;
    }

    /** The whole value, or a `SyntaxError` if it is not there. */
    finish() {
        if (this.#inside === 'scalar') this.#endScalar();
        this.#check(this.isComplete, 'end');
        return this.value;
    }

    #check(isRight, what) {
        if (!isRight) throw new SyntaxError('JSON: unexpected ' + what);
    }

    #newline() {
        this.#lines += '\n' + '  '.repeat(this.#open.length);
    }

    #structure(character) {
        if (this.#inside) this.#endScalar();
        if (' \t\n\r'.includes(character)) return;
        const expected = this.#expected;
        const last = this.#open.at(-1);
        const isArray = Array.isArray(last?.value);
        if (last && character === (isArray ? ']' : '}') && (expected === 'first' || expected === ',')) {
            this.#open.pop();
            if (expected === ',') this.#newline();
            this.#lines += character;
            return this.#ended();
        }
        if (expected === 'first') this.#newline();
        this.#lines += character;
        if (expected === ',' || expected === ':') {
            this.#check(character === expected, character);
            if (expected === ':') this.#lines += ' ';
            else this.#newline();
            if (expected === ',' && isArray) last.key += 1;
            this.#expected = expected === ',' && !isArray ? 'key' : 'value';
        } else if (character === '"' && expected) {
            this.#inside = expected === 'value' || isArray ? 'text' : 'key';
        } else {
            this.#check(expected === 'value' || (expected && isArray), character);
            if (character === '{' || character === '[') {
                // One with a prototype would take `__proto__` for that.
                const value = character === '{' ? Object.create(null) : [];
                this.#place(value);
                this.#check(this.#open.push({ value, key: 0 }) <= mostLevels, character);
                this.#expected = 'first';
            } else {
                this.#inside = 'scalar';
                this.#scalar(character, true);
            }
        }
    }

    #ended() {
        this.#inside = this.#token = '';
        this.isComplete = this.#open.length === 0;
        this.#expected = this.isComplete ? '' : ',';
    }

    #place(value) {
        const { value: parent = this, key = 'value' } = this.#open.at(-1) ?? {};
        parent[key] = value;
    }

    #scalar(character, isFirst = false) {
        if (!isFirst) this.#lines += character;
        this.#token += character;
        if (literals.has(this.#token)) return this.#endScalar();
        this.#check(/^[-\d]/.test(this.#token) || [...literals.keys()].some((name) => name.startsWith(this.#token)), character);
    }

    #endScalar() {
        const token = this.#token;
        this.#check(literals.has(token) || number.test(token), token);
        this.#place(literals.has(token) ? literals.get(token) : Number(token));
        this.#ended();
    }

    /** Returns what it took of the text. */
    #string(text, at, character) {
        if (this.#escape || character === '\\') {
            const escape = this.#escape += character;
            if (/^\\(u[\da-f]{0,3})?$/i.test(escape)) return character;
            this.#check(/^\\(u[\da-f]{4}|["\\/bfnrt])$/i.test(escape), character);
            this.#add(JSON.parse(`"${escape}"`));
            this.#escape = '';
            return character;
        }
        if (character === '"') {
            this.#check(!this.#half, character);
            this.#endString();
            return character;
        }
        run.lastIndex = at;
        const [found] = run.exec(text) ?? [];
        this.#check(found, character);
        this.#add(found);
        return found;
    }

    /** Adds to a string, whole characters only. */
    #add(text) {
        const whole = this.#half + text;
        this.#half = /[\ud800-\udbff]$/.test(whole) ? whole.at(-1) : '';
        const added = whole.slice(0, whole.length - this.#half.length);
        this.#check(!/\p{Cs}/u.test(added), text);
        this.#token += added;
    }

    #endString() {
        if (this.#inside === 'text') {
            this.#place(this.#token);
            return this.#ended();
        }
        const last = this.#open.at(-1);
        this.#check(!(this.#token in last.value), this.#token);
        last.key = this.#token;
        this.#inside = this.#token = '';
        this.#expected = ':';
    }
}
