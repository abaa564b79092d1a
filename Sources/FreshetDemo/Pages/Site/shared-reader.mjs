// A SharedWorker that reads each stream once, however many tabs show it, and few streams at the same time: a browser has
// six connections to a host over HTTP/1.1, for all its tabs together.
//
// A page says `{ follow: url, offset, urgent, visible }` and gets `{ event, id }` for each event after the offset, those it
// was not there for first, `{ state, detail, reconnects }`, `{ gap: true }`, and then `{ end }`, many together in `{ batch }`.
// It says `{ visible }` when that changes, `{ refresh: true }` when it has slept, and `{ leave: url }` when it is done. With
// `{ reserve: count }` it takes connections for requests of its own, until it says zero; it may begin when it gets `{ reserved }`.

import { State, follow } from './freshet.mjs';
import { LineSource } from './line-source.mjs';

/** Connections of the six that are used for streams: the others are for pages and their requests. */
const mostConnections = 4;
/** Milliseconds after which a stream makes room for one that is as important and waits. */
const turn = 2_000;
/** Milliseconds that events are gathered for before a page is told: each message costs it more than the event does. */
const gathering = 15;

export class SharedReader {
    #streams = [];
    #visible = new Map();
    #reserved = new Map();
    #follow;
    #most;
    #clock;
    #timer = null;

    /** The options are for tests: `most` connections, and a clock. */
    constructor(followStream = follow, { most = mostConnections, clock = globalThis } = {}) {
        this.#follow = followStream;
        this.#most = most;
        this.#clock = clock;
    }

    join(url, port, { offset = null, urgent = false } = {}) {
        let stream = this.#streams.find((each) => each.url === url && each.has(offset));
        if (!stream) {
            stream = new SharedStream(url, offset);
            this.#streams.push(stream);
        }
        stream.join(port, offset, urgent);
        this.#schedule();
        if (stream.state === null && stream.isWaiting) stream.showState('waiting');
    }

    leave(url, port) {
        const stream = this.#streams.find((each) => each.url === url && each.ports.has(port));
        if (!stream) return;
        stream.ports.delete(port);
        this.#visible.delete(port);
        if (stream.ports.size === 0) {
            stream.park();
            this.#streams = this.#streams.filter((each) => each !== stream);
        }
        this.#schedule();
    }

    /** What is looked at is read first. */
    show(port, isVisible) {
        this.#visible.set(port, isVisible);
        this.#schedule();
    }

    /** A machine that slept may have lost its connections without being told. */
    refresh(url, port) {
        this.#streams.find((each) => each.url === url && each.ports.has(port))?.follower?.refresh();
    }

    /** Leaves connections to a page that makes requests of its own. */
    reserve(port, count) {
        if (count > 0) this.#reserved.set(port, count);
        else this.#reserved.delete(port);
        this.#schedule();
    }

    /** Gives the connections to the streams that need them most, and takes turns among equals. */
    #schedule() {
        this.#clock.clearTimeout(this.#timer);
        const now = this.#clock.performance.now();
        const weight = (stream) => Math.max(...[...stream.ports].map(([port, urgent]) => (
            (this.#visible.get(port) === false ? 0 : 2) + (urgent ? 1 : 0))));
        const waiting = this.#streams.filter((stream) => stream.isWaiting)
            .sort((a, b) => weight(b) - weight(a) || a.since - b.since);
        const holding = () => this.#streams.filter(({ follower }) => follower !== null)
            .sort((a, b) => weight(a) - weight(b) || a.since - b.since);
        const park = (stream) => {
            stream.park();
            stream.since = now;
            stream.showState('waiting');
        };
        const room = Math.max(1, this.#most - [...this.#reserved.values()].reduce((sum, count) => sum + count, 0));
        for (const stream of holding().slice(0, -room)) park(stream);
        let rest = Infinity;
        for (const stream of waiting) {
            const holders = holding();
            if (holders.length >= room) {
                const [last] = holders;
                const isLess = weight(last) < weight(stream);
                const held = now - last.since;
                if (!isLess && weight(last) === weight(stream)) rest = Math.min(rest, Math.max(0, turn - held));
                if (!isLess && (weight(last) > weight(stream) || held < turn)) continue;
                park(last);
                rest = Math.min(rest, turn);
            }
            stream.since = now;
            stream.open(this.#follow, () => this.#schedule());
        }
        if (rest < Infinity) this.#timer = this.#clock.setTimeout(() => this.#schedule(), rest);
    }
}

/** A stream, what was told of it, and whom. */
class SharedStream {
    /** The pages that are told, and whether they need it at once. */
    ports = new Map();
    follower = null;
    state = null;
    /** When it got its connection, or lost it. */
    since = 0;
    #offset;
    #told = [];
    #last;
    #isOver = false;
    #reconnects = 0;

    constructor(url, offset) {
        this.url = url;
        this.#offset = offset;
        this.#last = offset;
    }

    get isWaiting() {
        return this.follower === null && !this.#isOver;
    }

    /** Whether everything after an offset was told. */
    has(offset) {
        return offset === this.#offset || this.#told.some(({ id }) => id === offset);
    }

    join(port, offset, urgent) {
        const from = offset === this.#offset ? 0 : this.#told.findIndex(({ id }) => id === offset) + 1;
        for (const message of this.#told.slice(from)) port.postMessage(message);
        if (this.state !== null) port.postMessage(this.state);
        this.ports.set(port, urgent);
    }

    open(followStream, onOver) {
        const over = (end) => {
            this.#isOver = true;
            this.follower = null;
            this.#tell({ end });
            onOver();
        };
        this.follower = followStream(this.url, {
            onEvent: (event, id) => {
                if (id) this.#last = id;
                this.#tell({ event, id });
            },
            onGap: () => {
                // What was told is no longer what is kept.
                this.#told = [];
                this.#tell({ gap: true });
            },
            onState: (state, detail, { reconnects }) => {
                if (state !== State.ended) this.showState(state, detail, this.#reconnects + reconnects);
            },
            onEnd: over,
            onRefused: (status) => over({ reason: 'refused', status }),
        }, { offset: this.#last });
    }

    /** Gives its connection up, to go on later where it was. */
    park() {
        if (this.follower === null) return;
        this.follower.close();
        this.#last = this.follower.lastId ?? this.#last;
        this.#reconnects += this.follower.reconnects ?? 0;
        this.follower = null;
    }

    showState(state, detail, reconnects = this.#reconnects) {
        this.state = { state, detail, reconnects };
        for (const port of this.ports.keys()) port.postMessage(this.state);
    }

    #tell(message) {
        this.#told.push(message);
        for (const port of this.ports.keys()) port.postMessage(message);
    }
}

/** A port that says together what is said within a moment. */
class GatheringPort {
    #port;
    #messages = [];

    constructor(port) {
        this.#port = port;
    }

    postMessage(message) {
        this.#messages.push(message);
        if (this.#messages.length > 1) return;
        setTimeout(() => this.#port.postMessage({ batch: this.#messages.splice(0) }), gathering);
    }
}

const reader = new SharedReader((url, handlers, options) => follow(url, handlers, { ...options, EventSource: LineSource }));

globalThis.onconnect = ({ ports: [port] }) => {
    const told = new GatheringPort(port);
    const followed = new Set();
    port.onmessage = ({ data }) => {
        if (data.visible !== undefined) reader.show(told, data.visible);
        if (data.follow) {
            followed.add(data.follow);
            reader.join(data.follow, told, data);
        }
        if (data.reserve !== undefined) {
            reader.reserve(told, data.reserve);
            told.postMessage({ reserved: data.reserve });
        }
        if (data.refresh) for (const url of followed) reader.refresh(url, told);
        if (data.leave) {
            followed.delete(data.leave);
            reader.leave(data.leave, told);
        }
        if (followed.size === 0 && (data.leave || data.reserve === 0)) port.close();
    };
    // A page that crashed says nothing, but the browser does.
    port.addEventListener('close', () => {
        reader.reserve(told, 0);
        for (const url of followed) reader.leave(url, told);
    });
};
