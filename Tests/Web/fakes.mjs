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
        /** Nodes made, put somewhere, changed or removed. */
        this.touched = 0;
    }

    createElement(name) {
        this.touched += 1;
        return new FakeElement(this, name);
    }

    createTextNode(data) {
        this.touched += 1;
        return new FakeText(this, data);
    }
}

class FakeNode {
    parentNode = null;

    constructor(document) {
        this.ownerDocument = document;
    }

    remove() {
        this.ownerDocument.touched += 1;
        if (this.parentNode === null) return;
        const siblings = this.parentNode.childNodes;
        siblings.splice(siblings.lastIndexOf(this), 1);
        this.parentNode = null;
    }
}

class FakeText extends FakeNode {
    nodeType = 3;

    constructor(document, data) {
        super(document);
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
        this.ownerDocument.touched += 1;
        this.appended(data);
        this.data += data;
    }

    appended(data) {
        const document = this.ownerDocument;
        document.appended += data.length;
        document.longestCopy = Math.max(document.longestCopy, (this.data?.length ?? 0) + data.length);
    }
}

class FakeElement extends FakeNode {
    nodeType = 1;
    childNodes = [];

    constructor(document, name) {
        super(document);
        this.name = name;
    }

    get lastChild() {
        return this.childNodes.at(-1) ?? null;
    }

    appendChild(child) {
        this.ownerDocument.touched += 1;
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

    /** All elements in it of a name. */
    all(name) {
        const inside = this.childNodes.flatMap((child) => child.all?.(name) ?? []);
        return this.name === name ? [this, ...inside] : inside;
    }

    /** Elements in brackets, with what makes a difference, and text as it is, to compare at a glance. */
    get outline() {
        const told = ['href', 'start', 'className', 'colSpan'].filter((name) => this[name]).map((name) => ` ${name}=${this[name]}`);
        return `<${this.name}${told.join('')}>${this.childNodes.map((child) => child.outline).join('')}</${this.name}>`;
    }
}
