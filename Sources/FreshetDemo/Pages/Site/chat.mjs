// The chat of `freshet demo`: a conversation is one stream of turns, and each turn's answer is a stream that the relay
// keeps, of chat completion chunks as OpenAI's clients read them.
//
// It reads the answer that is being written, otherwise the conversation, to learn of questions that another tab asked.

import { isTurn, parse } from './chat-events.mjs';
import { ConnectionView, patiently } from './connection-view.mjs';
import { Conversation } from './conversation.mjs';
import { State, cancel, follow } from './follow.mjs';
import { TurnView } from './turn-view.mjs';

const page = Object.fromEntries(
    ['ask', 'announcer', 'bottom', 'composer', 'connection', 'connection-text', 'conversation-links',
        'conversation-title', 'notice', 'question', 'second-tab', 'speed', 'speed-text', 'stop', 'suggestions', 'turns',
        'welcome'].map((id) => [id, document.getElementById(id)]),
);

const conversation = new Conversation();
const connection = new ConnectionView(page.connection, page['connection-text']);
/** Views by the URL of their answer, which names a turn wherever it was learned from. */
const turns = new Map();
/** Answers still to be followed, in the order of the conversation. */
const waiting = [];
/** Questions on their way, the newest last: what takes each of them back. */
const asking = [];
let asked = Promise.resolve();
let isStopping = false;
let follower = null;
let running = null;
let atBottom = true;

// Reading

async function open(id) {
    conversation.id = id;
    showConversation();
    connection.show(State.connecting);
    let history;
    try {
        history = await conversation.history();
    } catch (problem) {
        return lose(problem.status);
    }
    const views = history.map((turn) => add(turn)).filter((view) => view !== null);
    if (views.length > 0) waiting.push(views.pop());
    advance();
    for (const view of views) await readOld(view);
    scrollDown();
}

/** An answer of before, beside the newest. */
function readOld(view) {
    view.begin({ live: false });
    return new Promise((resolve) => {
        const end = (outcome) => {
            view.end(outcome);
            resolve();
        };
        follow(view.stream, {
            onEvent: (data, id) => view.take(data, id),
            onGap: () => view.discard(),
            onEnd: end,
            onRefused: () => end({ reason: 'lost' }),
        });
    });
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
        onEvent: (data, id) => view.take(data, id),
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
    if (conversation.id === null) {
        follower = null;
        return;
    }
    follower = follow(conversation.stream, {
        onEvent: (data, id) => {
            if (id) conversation.position = id;
            const view = add(parse(data));
            if (view === null) return;
            waiting.push(view);
            advance();
        },
        onState: showState,
        onRefused: lose,
    }, { offset: conversation.position });
}

/** Shows a turn unless it is shown already, or is not one of ours. */
function add(turn) {
    if (!isTurn(turn) || turns.has(turn.stream)) return null;
    const view = new TurnView(page.turns, turn, { announce, onDraw: scrollDown, onAgain: ask });
    turns.set(turn.stream, view);
    document.title = `${turn.question} · Freshet`;
    // A model of the visitor's own writes as fast as it does.
    if (turn.model) page.speed.parentElement.hidden = true;
    scrollDown();
    return view;
}

// Asking

/** Asks, after the questions that are on their way already. */
function ask(question) {
    const begun = performance.now();
    const taken = new AbortController();
    // The button goes when the answer begins. Who used the keyboard goes on in the box, who touched it needs no keyboard.
    if (page.ask.matches(':focus-visible')) page.question.focus();
    atBottom = true;
    say('');
    asking.push(taken);
    asked = asked.then(() => send(question, begun, taken.signal)).then(() => asking.splice(asking.indexOf(taken), 1));
}

async function send(question, begun, signal) {
    try {
        signal.throwIfAborted();
        const body = { question, wordsPerSecond: Number(page.speed.value) };
        const request = conversation.ask(body, { signal, onNew: showNew });
        const turn = await patiently(request, () => say('Waiting for a connection: other tabs hold all that this browser '
            + 'opens to one server. Your question is sent when one is free; Esc takes it back.', 'sent'));
        if (page.notice.dataset.until === 'sent') say('');
        const view = add(turn);
        if (view === null) return;
        view.asked = begun;
        waiting.push(view);
        if (running === null) advance();
    } catch (problem) {
        if (page.question.value === '') page.question.value = question;
        say(problem.name === 'AbortError' ? '' : problem.message, problem.until);
    }
}

function showNew() {
    history.replaceState(null, '', `./?c=${conversation.id}`);
    showConversation();
}

async function stop() {
    const view = running;
    if (view === null || isStopping) return;
    isStopping = true;
    try {
        const status = await patiently(cancel(view.stream), () => say('Waiting for a connection: the answer is stopped '
            + 'when one of those that this browser opens to one server is free.', 'sent'));
        if (page.notice.dataset.until === 'sent') say('');
        if (status >= 400 && status !== 409) say(`The answer could not be stopped: the server answered ${status}.`);
    } catch {
        say('The answer could not be stopped: the server does not answer. Try again in a moment.', 'live');
    }
    isStopping = false;
}

// Showing

function showState(state, detail) {
    connection.show(state, { detail, isWriting: running !== null });
    if (state === State.live && page.notice.dataset.until === 'live') say('');
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
    page['second-tab'].href = `./?c=${conversation.id}`;
}

/** The conversation cannot be read. One that is gone is left behind; any other may be there at the next reload. */
function lose(status) {
    showState(State.refused);
    if (status !== 404 && status !== 410) {
        return say(`This conversation cannot be read: the server answered ${status ?? 'nothing'}. Reload the page.`);
    }
    conversation.id = null;
    history.replaceState(null, '', './');
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

page.composer.addEventListener('submit', (event) => {
    event.preventDefault();
    const question = page.question.value.trim();
    // Also while an answer is being written or read again: its own is shown when that one has ended.
    if (question === '') return;
    page.question.value = '';
    ask(question);
});
page.question.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    page.composer.requestSubmit();
});
page.question.addEventListener('paste', showCut);
page.suggestions.addEventListener('click', (event) => {
    const chip = event.target.closest('.chip');
    if (!chip) return;
    page.question.focus({ preventScroll: true });
    ask(chip.textContent);
});
page.stop.addEventListener('click', stop);
document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || event.isComposing || event.defaultPrevented) return;
    if (asking.length > 0) asking.at(-1).abort();
    else stop();
});
page.speed.addEventListener('input', showSpeed);
new IntersectionObserver((entries) => {
    atBottom = entries.at(-1).isIntersecting;
}, { rootMargin: '0px 0px 120px 0px' }).observe(page.bottom);

showSpeed();
const id = new URLSearchParams(location.search).get('c');
if (id !== null && /^[0-9A-Za-z_-]{1,64}$/.test(id)) open(id);
else page.question.focus({ preventScroll: true });
