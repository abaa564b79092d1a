import { AnswerText } from './answer-text.js';
import { copyCode } from './copy-code.js';
import { PartialJSON } from './partial-json.js';
import { eventTypes, providers } from './providers.js';

/** A call of a tool, as far as it has arrived. */
class Tool {
    #json = new PartialJSON();

    constructor(id, name, code) {
        this.id = id;
        this.name = name;
        this.text = '';
        /** What is wrong with its JSON, if anything. */
        this.error = null;
        this.code = code;
        code.endLine();
    }

    /** The arguments, as far as they have arrived. Call nothing with them before they are complete. */
    get value() {
        return this.#json.value;
    }

    get isComplete() {
        return this.#json.isComplete && !this.error;
    }

    add(json) {
        this.text += json;
        let lines = json;
        try {
            if (!this.error) lines = this.#json.parse(json);
        } catch (error) {
            this.error = error;
        }
        lines.split('\n').forEach((line, index) => {
            if (index > 0) this.code.endLine();
            this.code.feed(line);
        });
    }
}

/** An answer that is shown while it is written: what `text` returns. */
export class Answer {
    /** All its text so far. */
    text = '';
    tools = [];
    /** What the provider said went wrong, if it did. */
    error = null;
    #shown;
    #read;
    #types;
    #calls = new Map();
    #options;

    constructor(node, provider, options) {
        this.#options = options;
        if (!(provider in providers)) throw new TypeError(`unknown provider ${provider}`);
        this.#read = providers[provider];
        this.#types = ['message', 'error', 'gap', 'end', ...eventTypes[provider] ?? []];
        this.#shown = new AnswerText(node, options);
        node.addEventListener?.('click', ({ target }) => {
            const button = target.closest('.copy');
            if (button) copyCode(button, options.announce);
        });
    }

    /** Shows all that a source reads, from now on: a `FreshetSource` or an `EventSource`. */
    from(source) {
        for (const type of this.#types) source.addEventListener(type, this.take);
        return this;
    }

    /** Takes one event: `{ type, data }`. */
    take = ({ type = 'message', data }) => {
        if (type === 'gap') return this.clear();
        if (type === 'end' || data === '[DONE]') return this.finish();
        if (!this.#read) return this.write(data ?? '');
        let event;
        try {
            event = Object(typeof data === 'string' ? JSON.parse(data) : data);
        } catch {
            return;
        }
        this.#read(event, this.#to);
    };

    /** Adds text. */
    write(text) {
        if (text === '') return;
        this.text += text;
        this.#shown.write(text);
    }

    /** Draws now what waits for the next frame. */
    draw() {
        this.#shown.draw();
    }

    /** The answer is complete: nothing is held back any longer. */
    finish() {
        this.#shown.finish();
    }

    /** Forgets everything, to be written anew. */
    clear() {
        this.text = '';
        this.tools = [];
        this.error = null;
        this.#calls.clear();
        this.#shown.clear();
    }

    #to = {
        text: (text) => this.write(text),
        part: () => {
            if (this.text !== '') this.write('\n\n');
        },
        tool: (key, { id, name, json }) => {
            let tool = key === null ? undefined : this.#calls.get(key);
            // Some providers count from 0 for every call, and tell them apart by their ids.
            if (!tool || (id && tool.id && tool.id !== id)) {
                const code = this.#shown.aside(name ?? '');
                tool = new Tool(id, name, code);
                if (key !== null) this.#calls.set(key, tool);
                this.tools.push(tool);
            }
            if (json) {
                tool.add(json);
                this.#shown.touch(tool.code);
            }
            this.#options.onTool?.(tool);
        },
        fail: (error) => {
            if (error) this.error = typeof error === 'string' ? error : error.message ?? error.type;
        },
        done: () => this.finish(),
    };
}

/**
 * Shows an answer of a language model in an element while it arrives. `provider` says whose events it consists of: `openai`,
 * `responses`, `anthropic`, `gemini`, `ollama`, or `text` for a stream whose events are its text.
 */
export function text(node, provider = 'text', options = {}) {
    return new Answer(node, provider, options);
}
