// The chat of `freshet demo`: a conversation is one stream of turns, and each turn's answer is a stream that the relay
// keeps, of chat completion chunks as OpenAI's clients read them.
//
// This tab holds at most one EventSource at a time, of the six that a browser gives all tabs together over HTTP/1.1:
// on the answer that is being written, otherwise on the conversation, to learn of questions that another tab asked.

import { State, cancel, follow, read } from './freshet.mjs';
import { TurnView } from './turn-view.mjs';

const answers = '/v1/stream/relay/';
const conversationStream = (id) => `/v1/stream/demo/conversation/${id}`;

const page = Object.fromEntries(
    ['ask', 'announcer', 'bottom', 'composer', 'connection', 'connection-text', 'conversation-links',
        'conversation-title', 'notice', 'question', 'second-tab', 'speed', 'speed-text', 'stop', 'suggestions', 'turns',
        'welcome'].map((id) => [id, document.getElementById(id)]),
);

let conversation = null;
/** The conversation's position: turns after it have not been seen. */
let position = null;
/** Views by the URL of their answer, which names a turn wherever it was learned from. */
const turns = new Map();
/** Answers still to be followed, in the order of the conversation. */
const waiting = [];
let follower = null;
let running = null;
let atBottom = true;

// Reading

async function open(id) {
    conversation = id;
    showConversation();
    let history;
    try {
        history = await readHistory(id);
    } catch (problem) {
        return lose(problem.status);
    }
    const views = history.map((turn) => add(turn)).filter((view) => view !== null);
    if (views.length > 0) waiting.push(views.pop());
    advance();
    for (const view of views) await readOld(view);
    scrollDown();
}

/** What an event adds to the answer: the first choice's delta, or nothing. */
function wordOf(data) {
    const content = parse(data).choices?.[0]?.delta?.content;
    return typeof content === 'string' ? content : '';
}

/** All turns so far, by the catch-up read of a JSON stream: an array, and the position after it. */
async function readHistory(id) {
    const history = [];
    for (;;) {
        const address = `${conversationStream(id)}${position ? `?offset=${position}` : ''}`;
        const response = await fetch(address, { headers: { Accept: 'application/json' }, cache: 'no-store' });
        if (!response.ok) throw Object.assign(new Error('no history'), { status: response.status });
        const part = await response.json();
        history.push(...part);
        position = response.headers.get('Stream-Next-Offset');
        if (part.length === 0 || response.headers.get('Stream-Up-To-Date') === 'true') return history;
    }
}

/** An answer that ended long ago is one plain GET; should it still be running, it is followed like any other. */
async function readOld(view) {
    view.begin({ live: false });
    try {
        const { ended } = await read(view.stream, {
            onEvent: (data, id) => view.word(wordOf(data), id),
            onGap: () => view.discard(),
            onEnd: (end) => view.end(end),
        });
        if (ended) {
            if (!view.ended) view.end({ reason: 'done' });
            return;
        }
        waiting.push(view);
        if (running === null) advance();
    } catch {
        view.end({ reason: 'lost' });
    }
}

/** Follows the next answer, or the conversation when no answer is left to follow. */
function advance() {
    follower?.close();
    const view = waiting.shift() ?? null;
    running = view;
    showRunning();
    if (view !== null) followAnswer(view);
    else followConversation();
}

function followAnswer(view) {
    view.begin({ asked: view.asked });
    follower = follow(view.stream, {
        onEvent: (data, id) => view.word(wordOf(data), id),
        onGap: () => view.discard(),
        onState: (state, detail, { reconnects }) => {
            showState(state, detail);
            view.reconnected(reconnects);
        },
        onEnd: (end) => finish(view, end),
        onRefused: () => finish(view, { reason: 'lost' }),
    }, { offset: view.lastId });
}

function finish(view, end) {
    view.end(end);
    if (waiting.length === 0) suggest(view.next);
    advance();
    scrollDown();
}

function followConversation() {
    if (conversation === null) {
        follower = null;
        return;
    }
    follower = follow(conversationStream(conversation), {
        onEvent: (data, id) => {
            if (id) position = id;
            const view = add(parse(data));
            if (view === null) return;
            waiting.push(view);
            advance();
        },
        onState: showState,
        onRefused: lose,
    }, { offset: position });
}

/** Shows a turn unless it is shown already, or is not one of ours. */
function add(turn) {
    const known = typeof turn?.stream === 'string' && turn.stream.startsWith(answers) && typeof turn.question === 'string';
    if (!known || turns.has(turn.stream)) return null;
    const view = new TurnView(page.turns, turn, { announce, onDraw: scrollDown });
    turns.set(turn.stream, view);
    document.title = `${turn.question} · Freshet`;
    // A model of the visitor's own writes as fast as it does.
    if (turn.model) page.speed.parentElement.hidden = true;
    scrollDown();
    return view;
}

// Asking

async function ask(question) {
    const asked = performance.now();
    // The button goes when the answer begins. Who used the keyboard goes on in the box, who touched it needs no keyboard.
    if (page.ask.matches(':focus-visible')) page.question.focus();
    page.ask.disabled = true;
    atBottom = true;
    say('');
    try {
        const turn = await submit(question);
        page.question.value = '';
        const view = add(turn);
        if (view === null) return;
        view.asked = asked;
        waiting.push(view);
        if (running === null) advance();
    } catch (problem) {
        say(problem.message, problem.until);
    } finally {
        page.ask.disabled = false;
    }
}

async function submit(question) {
    const body = { question, wordsPerSecond: Number(page.speed.value) };
    if (conversation !== null) {
        const response = await post(`/demo/conversations/${conversation}/questions`, body);
        if (response.status !== 404) return outcome(response);
        // The server was started again and keeps its streams in memory: go on in a new conversation.
    }
    const made = await outcome(await post('/demo/conversations'));
    conversation = made.id;
    position = made.offset ?? null;
    history.replaceState(null, '', `/?c=${conversation}`);
    showConversation();
    return outcome(await post(`/demo/conversations/${conversation}/questions`, body));
}

async function post(address, body = {}) {
    try {
        const headers = { 'Content-Type': 'application/json' };
        return await fetch(address, { method: 'POST', headers, body: JSON.stringify(body) });
    } catch {
        throw Object.assign(
            new Error('The server does not answer. Your question is still in the box: ask again in a moment.'),
            { until: 'live' },
        );
    }
}

/** The body of a success; otherwise the server's own words about what was wrong and what to do. */
async function outcome(response) {
    const body = parse(await response.text());
    if (response.ok) return body;
    throw new Error(body.detail ?? body.title ?? `The server answered ${response.status}.`);
}

async function stop() {
    const view = running;
    if (view === null) return;
    page.stop.disabled = true;
    try {
        const status = await cancel(view.stream);
        if (status >= 400 && status !== 409) say(`The answer could not be stopped: the server answered ${status}.`);
    } catch {
        say('The answer could not be stopped: the server does not answer. Try again in a moment.', 'live');
    }
    page.stop.disabled = false;
}

// Showing

const stateTexts = {
    [State.connecting]: 'Connecting',
    [State.reconnecting]: 'Reconnecting',
    [State.refused]: 'Not available',
};
const reasonTexts = { draining: 'Server restarting', overloaded: 'Server busy', store: 'Store not ready' };

function showState(state, detail) {
    if (state === State.ended) return;
    const text = state === State.live
        ? (running === null ? 'Listening' : 'Live')
        : (reasonTexts[detail] ?? stateTexts[state]);
    page.connection.dataset.state = state;
    if (state === State.live && page.notice.dataset.until === 'live') say('');
    if (page['connection-text'].textContent !== text) page['connection-text'].textContent = text;
}

function showRunning() {
    const writing = running !== null;
    page.connection.classList.toggle('writing', writing);
    // The button that has the focus must not vanish under it.
    const focused = document.activeElement === page.stop;
    page.stop.hidden = !writing;
    page.ask.hidden = writing;
    page.suggestions.hidden = writing;
    showSpeed();
    if (focused && !writing) page.question.focus();
}

function showConversation() {
    page.welcome.hidden = true;
    page['conversation-title'].hidden = false;
    page['conversation-links'].hidden = false;
    page['second-tab'].href = `/?c=${conversation}`;
}

/** The conversation cannot be read. One that is gone is left behind; any other may be there at the next reload. */
function lose(status) {
    showState(State.refused);
    if (status !== 404 && status !== 410) {
        return say(`This conversation cannot be read: the server answered ${status ?? 'nothing'}. Reload the page.`);
    }
    conversation = null;
    history.replaceState(null, '', '/');
    page['conversation-links'].hidden = true;
    page['conversation-title'].hidden = turns.size === 0;
    page.welcome.hidden = turns.size > 0;
    say('This conversation is no longer kept: the demo holds its streams in memory, and the server was started again '
        + 'since. Ask a question to begin a new one.');
}

function suggest(questions) {
    if (questions.length === 0) return;
    page.suggestions.replaceChildren(...questions.map((question) => {
        const item = document.createElement('li');
        const chip = item.appendChild(document.createElement('button'));
        chip.type = 'button';
        chip.className = 'chip';
        chip.textContent = question;
        return item;
    }));
    page.suggestions.scrollLeft = 0;
}

/** `until` is 'live' for what is no longer so once the server answers again. */
function say(text, until = '') {
    page.notice.textContent = text;
    page.notice.dataset.until = until;
    page.notice.hidden = text === '';
    if (text !== '') scrollDown();
}

function announce(text) {
    page.announcer.textContent = text;
}

/** Keeps the newest word in view, unless the reader has scrolled up to read. */
function scrollDown() {
    if (atBottom) window.scrollTo({ top: document.documentElement.scrollHeight });
}

function showSpeed() {
    const words = Number(page.speed.value);
    const text = words === 1 ? '1 word a second' : `${words} words a second`;
    // The answer that is being written keeps the speed that it was asked at.
    page['speed-text'].textContent = running === null ? text : `next answer: ${text}`;
}

/** A box that silently keeps the beginning of what was pasted would send half a question. */
function showCut(event) {
    const { selectionStart, selectionEnd, value, maxLength } = page.question;
    const pasted = event.clipboardData?.getData('text/plain').length ?? 0;
    const length = value.length - (selectionEnd - selectionStart) + pasted;
    if (length <= maxLength) return;
    say(`A question has at most ${maxLength.toLocaleString('en')} characters: the end of what you pasted was left out.`);
}

function parse(text) {
    try {
        return JSON.parse(text) ?? {};
    } catch {
        return {};
    }
}

page.composer.addEventListener('submit', (event) => {
    event.preventDefault();
    const question = page.question.value.trim();
    // Also while an answer is being written or read again: its own is shown when that one has ended.
    if (question !== '' && !page.ask.disabled) ask(question);
});
page.question.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    page.composer.requestSubmit();
});
page.question.addEventListener('paste', showCut);
page.suggestions.addEventListener('click', (event) => {
    const chip = event.target.closest('.chip');
    if (!chip || page.ask.disabled) return;
    page.question.focus({ preventScroll: true });
    ask(chip.textContent);
});
page.stop.addEventListener('click', stop);
page.speed.addEventListener('input', showSpeed);
new IntersectionObserver((entries) => {
    atBottom = entries.at(-1).isIntersecting;
}, { rootMargin: '0px 0px 120px 0px' }).observe(page.bottom);

showSpeed();
const id = new URLSearchParams(location.search).get('c');
if (id !== null && /^[0-9A-Za-z_-]{1,64}$/.test(id)) open(id);
else page.question.focus({ preventScroll: true });
