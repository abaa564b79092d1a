// The article's own code, what goes wrong with it, and Freshet's answer: each is done, not told.

import { reserve } from './v1/freshet.js';

import { at } from './base.mjs';
import { follow, inWords } from './follow.mjs';

const numbers = Array.from({ length: 30 }, (_, index) => index + 1);

/** The numbers from 1 to 30 that are not in a text. */
export function missing(text) {
    const there = new Set((text.match(/\d+/g) ?? []).map(Number));
    const last = Math.max(...there, 0);
    return numbers.filter((number) => number < last && !there.has(number));
}

/**
 * What an answer that was shown amounts to, by case: `{ over, good, text }`. `over` when there is nothing more to wait
 * for; `chat` is the text that the reader sees, `opened` how often the connection was opened.
 */
export const verdicts = {
    hello: ({ chat }) => ({
        over: chat.includes('World'),
        good: true,
        text: chat.includes('World') ? 'Both words came, the second a second after the first.' : '',
    }),
    markup: ({ chat }) => {
        if (chat.includes('ran as a script: 42')) {
            return { over: true, good: false, text: 'The script in the answer ran, and changed the page.' };
        }
        const over = chat.includes('<img');
        return { over, good: true, text: over ? 'The markup is shown as the text it is. No script ran.' : '' };
    },
    newline: ({ chat }) => {
        const over = chat.includes('And that is all.');
        const whole = chat.includes('1. a brook\n2. a wall');
        if (!over) return { over, good: true, text: '' };
        return { over, good: whole, text: whole ? 'All three lines are there.' : 'Two of three lines are gone.' };
    },
    space: ({ chat }) => {
        const over = chat.includes('you?');
        const whole = chat === 'Hello World, how are you?';
        if (!over) return { over, good: true, text: '' };
        return { over, good: whole, text: whole ? 'Every space is there.' : 'The spaces between the words are gone.' };
    },
    again: ({ chat, opened, ended, status }) => {
        if (ended) {
            const over = status !== undefined;
            return { over, good: true, text: over ? `Made once, ended, and closed. Who comes back is answered ${status}.` : '' };
        }
        const over = opened > 1 && chat.split('Hello').length > 2;
        return { over, good: false, text: over ? 'The browser came back, and the answer was made and shown again.' : '' };
    },
    lost: ({ chat, opened }) => {
        const over = / 30$/.test(chat);
        const gone = missing(chat);
        if (!over) return { over, good: true, text: '' };
        if (gone.length > 0) return { over, good: false, text: `Never arrived: ${gone.join(', ')}.` };
        return { over, good: true, text: `All 30 arrived, over ${opened} connections.` };
    },
};

// Showing it

class Screen {
    constructor(card, side) {
        this.node = card.querySelector(`[data-screen="${side}"]`);
        this.verdict = card.querySelector(`[data-verdict="${side}"]`);
        this.button = card.querySelector(`[data-show="${side}"]`);
    }

    clear() {
        this.node.replaceChildren();
        this.node.hidden = false;
        this.say('', 'none');
    }

    say(text, state) {
        if (this.verdict.textContent !== text) this.verdict.textContent = text;
        this.verdict.dataset.state = state;
    }

    judge({ over, good, text }) {
        if (text !== '') this.say(text, good ? 'good' : 'bad');
        return over;
    }
}

/** Milliseconds without a word from the frame after which none is expected: the server is away. */
const silence = 10_000;

/** The article's client in its frame, until it has shown what there is to see. */
function runArticle(name, screen) {
    return new Promise((resolve, reject) => {
        const frame = document.createElement('iframe');
        frame.title = "The article's client";
        frame.setAttribute('sandbox', 'allow-scripts');
        let timer = null;
        const wait = () => {
            clearTimeout(timer);
            timer = setTimeout(() => {
                removeEventListener('message', listen);
                frame.remove();
                reject(new Error('the server does not answer.'));
            }, silence);
        };
        const listen = ({ source, data }) => {
            if (source !== frame.contentWindow) return;
            wait();
            if (!screen.judge(verdicts[name](data))) return;
            clearTimeout(timer);
            removeEventListener('message', listen);
            // It has shown what there is, and would hold one of the browser's six connections for ever.
            frame.contentWindow.postMessage('close', '*');
            resolve();
        };
        addEventListener('message', listen);
        wait();
        // The plain address for the plain case: nothing about the client is changed then.
        frame.src = at('/article/client')
            + (name === 'hello' ? '' : `?case=${name}&run=${crypto.randomUUID().replaceAll('-', '')}`);
        screen.node.replaceChildren(frame);
    });
}

/** The same words from a stream, read with a plain EventSource into a text node. */
async function runFreshet(name, screen) {
    const { stream } = await begin(name);
    const text = screen.node.appendChild(document.createElement('p')).appendChild(document.createTextNode(''));
    const seen = { chat: '', opened: 0 };
    await new Promise((resolve, reject) => {
        // As the other side: after the eighth word, 234 bytes.
        const source = new EventSource(at(name === 'lost' ? `/demo/proxy/live,cut-240b${stream}` : stream));
        const look = () => screen.judge(verdicts[name](seen));
        source.onopen = () => {
            seen.opened += 1;
        };
        source.onmessage = ({ data }) => {
            seen.chat += data;
            text.appendData(data);
            look();
        };
        source.addEventListener('end', async ({ lastEventId }) => {
            source.close();
            seen.ended = true;
            if (name === 'again') {
                const headers = { Accept: 'text/event-stream', 'Last-Event-ID': lastEventId };
                try {
                    seen.status = (await fetch(at(stream), { headers, cache: 'no-store' })).status;
                } catch (problem) {
                    return reject(problem);
                }
            }
            look();
            resolve();
        });
        source.onerror = () => {
            if (source.readyState !== EventSource.CLOSED) return;
            screen.say('The stream could not be read.', 'bad');
            resolve();
        };
    });
}

async function begin(name) {
    const response = await fetch(at('/demo/article'), {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ case: name }),
    });
    if (!response.ok) throw new Error((await response.json()).detail);
    return response.json();
}

// The sixth connection needs no frame: it is this page's own connections that run out.

const patience = 2_000;

async function runSix(screen) {
    const list = screen.node.appendChild(document.createElement('p'));
    const sources = Array.from({ length: 6 }, () => new EventSource(at('/api/chat-stream?case=held')));
    await Promise.all(sources.map((source) => new Promise((resolve) => {
        source.onmessage = resolve;
        // Where another tab holds some of the six already, not all of ours are answered either.
        setTimeout(resolve, patience);
    })));
    list.textContent = 'Six streams are open. One more request: ';
    const started = performance.now();
    const answered = ask();
    const waited = await Promise.race([answered, new Promise((resolve) => setTimeout(resolve, patience, null))]);
    const failed = waited === null;
    list.textContent += failed ? 'no answer after 2 s. ' : `answered after ${Math.round(waited)} ms. `;
    for (const source of sources) source.close();
    await answered;
    const after = Math.round(performance.now() - started);
    list.textContent += `The streams are closed: answered, ${after.toLocaleString('en')} ms after it was sent.`;
    screen.say(failed ? 'The request waited until a stream was closed.' : 'This browser has more connections: HTTP/2, perhaps.',
        failed ? 'bad' : 'good');
}

async function runShared(screen) {
    const { stream } = await begin('lost');
    const readers = Array.from({ length: 6 }, () => ({ text: '', line: screen.node.appendChild(document.createElement('p')) }));
    const ended = readers.map((reader) => new Promise((resolve, reject) => {
        follow(at(stream), {
            onEvent: (event) => {
                reader.text += event;
                reader.line.textContent = `Reader:${reader.text}`;
            },
            onEnd: resolve,
            onRefused: (status) => reject(new Error(`the server answered ${status}.`)),
        });
    }));
    // Together: a reader that is refused meanwhile is heard at once.
    const [waited] = await Promise.all([ask(), ...ended]);
    const whole = readers.every(({ text }) => missing(text).length === 0 && text.endsWith(' 30'));
    screen.say(whole && waited < patience
        ? `Six readers on one connection; one more request was answered after ${Math.round(waited)} ms.`
        : 'Not every reader got everything.', whole && waited < patience ? 'good' : 'bad');
}

/** How many milliseconds one more request takes. */
async function ask() {
    const started = performance.now();
    await (await fetch(at('/health'), { cache: 'no-store' })).text();
    return performance.now() - started;
}

const ways = {
    failure: (name, screen) => (name === 'held' ? runSix(screen) : runArticle(name, screen)),
    remedy: (name, screen) => (name === 'held' ? runShared(screen) : runFreshet(name, screen)),
};

for (const card of globalThis.document?.querySelectorAll('[data-case]') ?? []) {
    for (const side of ['failure', 'remedy']) {
        const screen = new Screen(card, side);
        screen.button?.addEventListener('click', async () => {
            if (screen.button.ariaDisabled === 'true') return;
            // Not `disabled`, which would take the focus away.
            screen.button.ariaDisabled = 'true';
            card.dataset[side] = 'running';
            screen.clear();
            // The sixth connection is shown with those that there are.
            const release = card.dataset.case === 'held' ? () => {} : await reserve(1);
            try {
                await ways[side](card.dataset.case, screen);
            } catch (problem) {
                screen.say(`This could not be shown: ${inWords(problem)}`, 'bad');
            }
            release();
            card.dataset[side] = 'over';
            screen.button.ariaDisabled = null;
        });
    }
}

// A frame that goes on would keep one of the six connections.
globalThis.addEventListener?.('pagehide', () => {
    for (const frame of document.querySelectorAll('iframe')) frame.remove();
});
