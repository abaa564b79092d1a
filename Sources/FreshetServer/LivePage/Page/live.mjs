// The page: which part of it is shown, what is wrong, and who asks.

import { byID, element, say } from './element.mjs';
import { NodeView } from './node.mjs';
import * as server from './server.mjs';
import { StreamView } from './stream.mjs';
import { StreamsView, answers, streams } from './streams.mjs';
import { place } from './words.mjs';

const views = {
    streams: (page, { query }) => new StreamsView(page, query, streams),
    answers: (page, { query }) => new StreamsView(page, query, answers),
    stream: (page, found) => new StreamView(page, found),
    node: (page) => new NodeView(page),
};

class Page {
    #view = null;
    #main = byID('main');

    /** Shows what the address asks for. */
    show(isFirst = false) {
        const found = place(location.hash) ?? { page: 'streams', query: new URLSearchParams() };
        this.#view?.stop();
        this.tell('');
        const view = this.#view = views[found.page](this, found);
        const title = element('h1', { tabindex: '-1' }, element('bdi', {}, view.title));
        document.title = `${view.title} – Freshet, live`;
        for (const link of document.querySelectorAll('nav a')) {
            if (link.hash === `#/${found.page === 'stream' ? 'streams' : found.page}`) link.setAttribute('aria-current', 'page');
            else link.removeAttribute('aria-current');
        }
        this.#main.replaceChildren(title, view.root);
        view.start();
        if (!isFirst) title.focus();
    }

    /** What was asked for came. */
    worked() {
        delete document.body.dataset.trouble;
        say(byID('trouble'), '');
        byID('other-key').hidden = true;
        if (!byID('sign-in').hidden) this.#hideSignIn();
    }

    /** What was asked for did not come: it is asked for again, and what was there before stays. */
    failed(error) {
        const isUnknown = error.status === 401;
        document.body.dataset.trouble = error.status === 0 ? 'lost' : 'refused';
        if (isUnknown) {
            say(byID('trouble'), '');
            return this.#showSignIn();
        }
        const isPassing = error.status === 0 || error.status >= 500 || error.status === 429;
        say(byID('trouble'), `${error.message}${isPassing ? ' This page tries again by itself.' : ''}`);
        byID('other-key').hidden = error.code !== 'missing-right' || !byID('sign-in').hidden;
    }

    tell(text) {
        say(byID('notice'), text);
    }

    #showSignIn() {
        if (!byID('sign-in').hidden) return;
        byID('sign-in').hidden = false;
        byID('other-key').hidden = true;
        byID('key').focus();
    }

    #hideSignIn() {
        const hadFocus = byID('sign-in').contains(document.activeElement);
        byID('sign-in').hidden = true;
        say(byID('sign-in-problem'), '');
        if (hadFocus) this.#main.focus();
    }

    async signIn(event) {
        event.preventDefault();
        const field = byID('key');
        say(byID('sign-in-problem'), '');
        field.removeAttribute('aria-invalid');
        try {
            await server.signIn(field.value.trim());
            field.value = '';
            this.#hideSignIn();
            this.#view.poll.now();
            this.#view.again?.();
        } catch (error) {
            say(byID('sign-in-problem'), error.message);
            field.setAttribute('aria-invalid', 'true');
            field.focus();
        }
    }

    listen() {
        addEventListener('hashchange', () => this.show());
        byID('sign-in').addEventListener('submit', (event) => this.signIn(event));
        byID('other-key').addEventListener('click', () => this.#showSignIn());
        // A link within the page is not an address of it.
        byID('skip').addEventListener('click', (event) => {
            event.preventDefault();
            this.#main.focus();
        });
    }
}

const page = new Page();
page.listen();
page.show(true);
