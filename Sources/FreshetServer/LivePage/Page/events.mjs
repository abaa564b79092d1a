// The events of a stream while they arrive.

import { FreshetSource } from '../v1/freshet.js';
import { byID, element, isEnabled, say, setEnabled } from './element.mjs';
import { refusal, streamURL } from './server.mjs';
import { EventWindow, raw } from './window.mjs';
import { beginning, count, parts, timeOfDay, visible, visibleLines } from './words.mjs';

/** What is longer is cut, with a button that shows all of it, a part at a time. */
const cut = 2_000;
const part = 20_000;

const ends = {
    connecting: 'Connecting', live: 'Live', lost: 'The connection was lost: coming back', paused: 'Paused', hidden: 'Paused while nobody looks',
};

export class EventsView {
    parts;
    #name;
    #from;
    #window = new EventWindow();
    #source = null;
    #position = '';
    #isPaused = false;
    #isOver = false;
    #isDrawing = false;
    #state = element('p', { class: 'state' });
    #counted = element('p', { class: 'soft' });
    #gap = element('p', { hidden: true }, 'Some events are no longer there: what follows does not continue what was before.');
    #list = element('ol');
    #log;
    #raw;
    #pause;
    #look = () => this.#follow();

    constructor(name, from) {
        this.#name = name;
        this.#from = from;
        this.#raw = element('input', { type: 'checkbox', id: 'raw', on: { change: () => this.#redraw() } });
        this.#pause = element('button', { type: 'button', 'aria-pressed': 'false', on: { click: () => this.#togglePause() } }, 'Pause');
        const again = (label, from) => element('button', { type: 'button', on: { click: () => this.#restart(from) } }, label);
        // Whoever listens asks for it: each event said aloud would be the last thing heard of the page.
        this.#log = element('div', { class: 'log', role: 'log', 'aria-live': 'off', 'aria-label': 'Events', tabindex: '0' }, this.#list);
        this.parts = [
            element('h2', { id: 'events-title' }, 'Events'),
            element(
                'div',
                { class: 'row' },
                this.#pause, again('From the start', '-1'), again('From now on', 'now'),
                element('label', { class: 'check', for: 'raw' }, this.#raw, ' Raw'),
            ),
            this.#state, this.#gap, this.#log, this.#counted,
        ];
    }

    start() {
        document.addEventListener('visibilitychange', this.#look);
        this.#follow();
    }

    stop() {
        document.removeEventListener('visibilitychange', this.#look);
        this.#leave();
    }

    /** Somebody else asks now. */
    again() {
        this.#leave();
        this.#follow();
    }

    #leave() {
        this.#source?.close();
        this.#source = null;
    }

    #togglePause() {
        this.#isPaused = !this.#isPaused;
        this.#pause.setAttribute('aria-pressed', String(this.#isPaused));
        this.#follow();
    }

    #restart(from) {
        this.#leave();
        this.#from = from;
        this.#position = '';
        this.#isOver = false;
        this.#gap.hidden = true;
        this.#window.clear();
        this.#redraw();
        this.#follow();
    }

    /** Reads, or does not, as it should now. */
    #follow() {
        if (this.#isOver) return;
        const isHidden = document.visibilityState !== 'visible';
        if (this.#isPaused || isHidden) {
            this.#leave();
            return this.#show(this.#isPaused ? 'paused' : 'hidden');
        }
        if (this.#source) return;
        this.#show('connecting');
        this.#drawSoon();
        this.#read();
    }

    async #read() {
        const url = streamURL(this.#name);
        url.searchParams.set('offset', this.#from);
        const source = this.#source = new FreshetSource(url, { lastEventId: this.#position });
        const isCurrent = () => this.#source === source;
        source.addEventListener('open', () => isCurrent() && this.#show('live'));
        source.addEventListener('error', () => isCurrent() && source.readyState === 0 && this.#show('lost'));
        try {
            for await (const event of source) {
                if (!isCurrent()) return;
                this.#take(event);
            }
            // It was at its end before.
            if (isCurrent() && !this.#isOver) this.#end('It has ended');
        } catch (error) {
            if (!isCurrent()) return;
            const { message } = refusal(error.status ?? 0, JSON.stringify(error.problem ?? null));
            this.#end(error.status ? message : error.message);
        }
    }

    #take({ type, data, lastEventId, detail }) {
        this.#position = lastEventId || this.#position;
        if (type === 'reconnect' || type === 'start') return;
        if (type === 'end') return this.#end(`Ended: ${detail.reason}${detail.detail ? `, ${visible(detail.detail)}` : ''}`);
        if (type === 'gap') {
            this.#gap.hidden = false;
            this.#window.clear();
            return this.#redraw();
        }
        this.#window.add({ type, data, id: lastEventId, item: null });
        this.#drawSoon();
    }

    #end(text) {
        this.#isOver = true;
        this.#leave();
        this.#state.dataset.state = 'ended';
        say(this.#state, text);
        this.#drawSoon();
    }

    #show(state) {
        this.#state.dataset.state = state;
        say(this.#state, ends[state]);
    }

    #redraw() {
        for (const event of this.#window.events) event.item = null;
        this.#list.replaceChildren();
        this.#drawSoon();
    }

    #drawSoon() {
        if (this.#isDrawing) return;
        this.#isDrawing = true;
        requestAnimationFrame(() => {
            this.#isDrawing = false;
            this.#draw();
        });
    }

    /** Only what is new is made, and what is no longer held is taken away. */
    #draw() {
        const log = this.#log;
        const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
        const { events, seen, dropped } = this.#window;
        const isNew = events.filter(({ item }) => !item);
        for (const event of isNew) event.item = this.#item(event);
        const kept = new Set(events.map(({ item }) => item));
        while (this.#list.firstChild && !kept.has(this.#list.firstChild)) this.#list.firstChild.remove();
        this.#list.append(...isNew.map(({ item }) => item));
        if (isAtEnd) log.scrollTop = log.scrollHeight;
        const shown = dropped === 0 ? '' : `, of which the last ${count(events.length)} are shown`;
        say(this.#counted, `${count(seen)} events, read ${this.#from === 'now' ? 'since it was opened' : 'from the start'}${shown}`);
    }

    #item({ type, id, data }) {
        const text = this.#raw.checked ? raw({ type, id, data: beginning(data, cut) }) : beginning(data, cut);
        const isCut = data.length > cut;
        const item = element('li');
        if (!this.#raw.checked) {
            const head = element('p', { class: 'head' }, element('time', {}, timeOfDay(id)), element('code', {}, id));
            if (type !== 'message') head.append(element('b', {}, element('bdi', {}, visible(type))));
            item.append(head);
        }
        item.append(element('pre', {}, element('bdi', {}, visibleLines(text) + (isCut ? ' …' : ''))));
        if (isCut) {
            item.append(element('button', { type: 'button', on: { click: () => readAll(`Event ${id}`, data) } }, `Show all ${count(data.length)} characters`));
        }
        return item;
    }
}

/** A long text, a part at a time: a browser needs seconds for a line of a million characters. */
function readAll(title, text) {
    const dialog = byID('reader');
    const [previous, next, close] = [byID('reader-previous'), byID('reader-next'), byID('reader-close')];
    const all = parts(text, part);
    let index = 0;
    const show = () => {
        say(byID('reader-text'), visibleLines(all[index]));
        say(byID('reader-part'), `Part ${count(index + 1)} of ${count(all.length)}`);
        setEnabled(previous, index > 0);
        setEnabled(next, index < all.length - 1);
        byID('reader-text').scrollTop = 0;
    };
    const listening = new AbortController();
    const { signal } = listening;
    const turn = (button, by) => () => {
        if (!isEnabled(button)) return;
        index += by;
        show();
    };
    previous.addEventListener('click', turn(previous, -1), { signal });
    next.addEventListener('click', turn(next, 1), { signal });
    close.addEventListener('click', () => dialog.close(), { signal });
    dialog.addEventListener('close', () => {
        listening.abort();
        say(byID('reader-text'), '');
    }, { signal });
    say(byID('reader-title'), title);
    show();
    dialog.showModal();
}
