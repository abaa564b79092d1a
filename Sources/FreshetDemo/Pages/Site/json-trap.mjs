// The article's JSON trap: one document three times, as it arrives.

import { reserve } from './v1/freshet.js';

import { at } from './base.mjs';

/** Tries to read a text as JSON, as a page would that has nothing else. */
export function attempt(text) {
    try {
        return { value: JSON.parse(text), error: null };
    } catch (error) {
        return { value: null, error: error.message };
    }
}

/** Hands on what arrives at an address, as text; `onPart(text)`. */
export async function arrive(url, onPart, { fetch = globalThis.fetch } = {}) {
    const response = await fetch(url, { cache: 'no-store' });
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    for (;;) {
        const { done, value } = await reader.read();
        const text = decoder.decode(value, { stream: !done });
        if (text !== '') onPart(text);
        if (done) return;
    }
}

/** Cuts what arrives into lines; returns a function for `arrive`. */
export function lines(onLine) {
    let rest = '';
    return (text) => {
        const parts = (rest + text).split('\n');
        rest = parts.pop();
        for (const line of parts) if (line !== '') onLine(line);
    };
}

class Box {
    constructor(id) {
        const section = document.getElementById(id);
        this.text = section.querySelector('.raw');
        this.badge = section.querySelector('.end');
        this.count = section.querySelector('.tries-count');
    }

    show(reason, text, count) {
        this.badge.dataset.reason = reason;
        this.badge.textContent = text;
        this.count.textContent = count;
    }
}

async function trap() {
    const box = new Box('trap-json');
    let text = '';
    let failures = 0;
    box.text.textContent = '';
    await arrive(at('/demo/trap/json'), (part) => {
        text += part;
        box.text.textContent = text;
        box.text.scrollTop = box.text.scrollHeight;
        const { error } = attempt(text);
        if (error === null) {
            box.show('done', 'Parsed, at the end', `after ${failures} errors`);
        } else {
            failures += 1;
            box.show('failed', 'SyntaxError', `${failures} times: ${error}`);
        }
    });
}

async function ndjson() {
    const box = new Box('trap-ndjson');
    let count = 0;
    box.text.textContent = '';
    await arrive(at('/demo/trap/ndjson'), lines((line) => {
        JSON.parse(line);
        count += 1;
        box.text.textContent += `${line}\n`;
        box.text.scrollTop = box.text.scrollHeight;
        box.show('writing', 'Each line is whole', `${count} lines, no error`);
    }));
    box.show('done', 'Complete', `${count} lines, no error`);
}

async function partial() {
    const box = new Box('trap-partial');
    let count = 0;
    await arrive(at('/demo/trap/partial'), lines((line) => {
        const { complete, value } = JSON.parse(line);
        count += 1;
        box.text.textContent = JSON.stringify(value, null, 1);
        box.text.scrollTop = box.text.scrollHeight;
        box.show(complete ? 'done' : 'writing', complete ? 'Complete' : 'Best value so far', `${count} values, no error`);
    }));
}

const start = globalThis.document?.getElementById('trap-start');
start?.addEventListener('click', async () => {
    if (start.ariaDisabled === 'true') return;
    // With the race they would need seven connections, and a browser has six.
    const race = document.getElementById('start');
    start.ariaDisabled = race.ariaDisabled = 'true';
    const release = await reserve(3);
    const results = await Promise.allSettled([trap(), ndjson(), partial()]);
    release();
    const ids = ['trap-json', 'trap-ndjson', 'trap-partial'];
    results.forEach(({ status, reason }, index) => {
        if (status === 'rejected') new Box(ids[index]).show('failed', 'Not read', reason.message);
    });
    start.ariaDisabled = race.ariaDisabled = null;
});
