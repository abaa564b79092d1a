// What the page's modules need of a browser, made of plain objects, so that `node --test` runs them.

/** An EventSource whose server is the test. */
export class FakeEventSource {
    static CONNECTING = 0;
    static OPEN = 1;
    static CLOSED = 2;
    static opened = [];

    static reset() {
        FakeEventSource.opened = [];
    }

    static get last() {
        return FakeEventSource.opened.at(-1);
    }

    static get open() {
        return FakeEventSource.opened.filter((source) => source.readyState !== FakeEventSource.CLOSED);
    }

    constructor(url) {
        this.url = url;
        this.readyState = FakeEventSource.CONNECTING;
        this.listeners = {};
        FakeEventSource.opened.push(this);
    }

    addEventListener(type, listener) {
        this.listeners[type] = listener;
    }

    close() {
        this.readyState = FakeEventSource.CLOSED;
    }

    accept() {
        this.readyState = FakeEventSource.OPEN;
        this.onopen?.({});
    }

    send(data, lastEventId, type = 'message') {
        const event = { data, lastEventId };
        if (type === 'message') this.onmessage?.(event);
        else this.listeners[type]?.(event);
    }

    /** The connection broke; the browser tries again by itself. */
    cut() {
        this.readyState = FakeEventSource.CONNECTING;
        this.onerror?.({});
    }

    /** The browser gave up. */
    fail() {
        this.readyState = FakeEventSource.CLOSED;
        this.onerror?.({});
    }
}

/** Timers that fire when the test says so. */
export class FakeTimers {
    constructor() {
        this.pending = new Map();
        this.delays = [];
        this.setTimeout = (action, delay) => {
            const id = {};
            this.delays.push(delay);
            this.pending.set(id, action);
            return id;
        };
        this.clearTimeout = (id) => this.pending.delete(id);
    }

    fire() {
        const actions = [...this.pending.values()];
        this.pending.clear();
        for (const action of actions) action();
    }
}

/** A window and its document, as far as following a stream concerns them. */
export class FakePage {
    constructor() {
        this.listeners = new Map();
        const add = (type, listener) => this.listeners.set(type, listener);
        const remove = (type) => this.listeners.delete(type);
        this.addEventListener = add;
        this.removeEventListener = remove;
        this.document = { visibilityState: 'visible', addEventListener: add, removeEventListener: remove };
    }

    tell(type, event = {}) {
        this.listeners.get(type)?.(event);
    }

    show(visibilityState) {
        this.document.visibilityState = visibilityState;
        this.tell('visibilitychange');
    }
}

/** A document that counts what is done to it. Setting markup is an error. */
export class FakeDocument {
    constructor() {
        this.appended = 0;
        this.longestCopy = 0;
    }

    createElement(name) {
        return new FakeElement(this, name);
    }

    createTextNode(data) {
        return new FakeText(this, data);
    }
}

class FakeText {
    constructor(document, data) {
        this.document = document;
        this.data = data;
        this.appended(data);
    }

    get length() {
        return this.data.length;
    }

    get textContent() {
        return this.data;
    }

    get outline() {
        return this.data;
    }

    appendData(data) {
        this.appended(data);
        this.data += data;
    }

    appended(data) {
        this.document.appended += data.length;
        this.document.longestCopy = Math.max(this.document.longestCopy, (this.data?.length ?? 0) + data.length);
    }
}

class FakeElement {
    constructor(ownerDocument, name) {
        this.ownerDocument = ownerDocument;
        this.name = name;
        this.childNodes = [];
        this.parentNode = null;
    }

    appendChild(child) {
        child.parentNode = this;
        this.childNodes.push(child);
        return child;
    }

    replaceChildren() {
        this.childNodes = [];
    }

    get textContent() {
        return this.childNodes.map((child) => child.textContent).join('');
    }

    set innerHTML(_) {
        throw new Error('markup was set');
    }

    /** Elements in brackets and text as it is, to compare at a glance. */
    get outline() {
        return `<${this.name}>${this.childNodes.map((child) => child.outline).join('')}</${this.name}>`;
    }
}
