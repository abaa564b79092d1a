// The connections that streams may hold. Over HTTP/1.1 a browser opens six to an origin, for all its tabs together: streams
// take four at most, so that pages and their requests always find one.

const most = 4;
/** Milliseconds after which a connection whose tab says nothing more is free; hidden tabs run timers once a minute. */
const lease = 90_000;

/** Whether any number of requests share one connection to an origin, as over HTTP/2, as far as the page can know. */
function isMultiplexed(origin, page) {
    const loads = ['navigation', 'resource'].flatMap((type) => page.performance?.getEntriesByType?.(type) ?? []);
    return loads.some(({ name, nextHopProtocol }) => /^h[23]/.test(nextHopProtocol) && name.startsWith(origin + '/'));
}

/** The connections to one origin, of which each tab knows what the others hold. */
export class Connections {
    #name;
    #origin;
    #page;
    #channel;
    /** Which of them is held here, or null. */
    #held = null;

    /** `onWanted(isForced)` is called when somebody wants the one that is held here: a page that is looked at, or one that reserves. */
    constructor(origin, page, onWanted) {
        this.#origin = origin;
        this.#page = page;
        this.#name = 'freshet ' + origin;
        this.#channel = page.BroadcastChannel && new page.BroadcastChannel(this.#name);
        if (this.#channel) {
            this.#channel.onmessage = ({ data: [from, to, isForced] }) => {
                if (this.#held !== null && from <= this.#held && this.#held < to) onWanted(isForced);
            };
        }
    }

    /** A function that gives a connection back, or null when all are taken. */
    async take() {
        if (isMultiplexed(this.#origin, this.#page)) return () => {};
        for (let number = 0; number < most; number += 1) {
            const name = `${this.#name} ${number}`;
            const release = await (this.#page.navigator?.locks ? this.#lock(name, { ifAvailable: true }) : this.#lease(name));
            if (!release) continue;
            this.#held = number;
            return () => {
                this.#held = null;
                release();
            };
        }
        return null;
    }

    /** Takes `count` from whoever holds them; those that are not given up within a second are not waited for. */
    async reserve(count) {
        if (isMultiplexed(this.#origin, this.#page) || !this.#page.navigator?.locks) return () => {};
        this.#channel?.postMessage([0, count, true]);
        const releases = await Promise.all(Array.from({ length: Math.min(count, most) }, (_, number) => (
            this.#lock(`${this.#name} ${number}`, { signal: this.#page.AbortSignal.timeout(1000) }))));
        return () => releases.forEach((release) => release?.());
    }

    /** A connection that a hidden tab holds, or one that became free meanwhile; `pause` waits a moment. */
    async takeOver(pause) {
        for (let number = 0; number < most; number += 1) {
            this.#channel?.postMessage([number, number + 1, false]);
            await pause();
            const release = await this.take();
            if (release) return release;
        }
        return null;
    }

    close() {
        this.#channel?.close();
    }

    #lock(name, options) {
        return new Promise((resolve) => {
            this.#page.navigator.locks.request(name, options, (lock) => lock && new Promise(resolve))
                .then(() => resolve(null), () => resolve(null));
        });
    }

    /** Without a secure context there are no locks, but what all tabs of an origin can read. */
    async #lease(name) {
        const { localStorage, Date, Math, setTimeout, clearTimeout } = this.#page;
        try {
            const mine = String(Math.random());
            const [owner, until] = (localStorage.getItem(name) ?? '').split(' ');
            if (owner && Number(until) > Date.now()) return null;
            const write = () => localStorage.setItem(name, `${mine} ${Date.now() + lease}`);
            const isMine = () => localStorage.getItem(name)?.startsWith(mine + ' ');
            write();
            // Of those that write at the same time, the last has it.
            await new Promise((resolve) => setTimeout.call(this.#page, resolve, 20 + 30 * Math.random()));
            if (!isMine()) return null;
            let timer;
            const renew = () => {
                write();
                timer = setTimeout.call(this.#page, renew, lease / 3);
            };
            renew();
            return () => {
                clearTimeout.call(this.#page, timer);
                if (isMine()) localStorage.removeItem(name);
            };
        } catch {
            // A worker or a sandbox, which has no such place: it counts for itself.
            return () => {};
        }
    }
}

/**
 * Takes connections to an origin from the streams that this browser reads, for requests of the page's own, until the
 * function that it returns is called.
 */
export async function reserve(count, origin = globalThis.location.origin, page = globalThis) {
    const connections = new Connections(origin, page);
    const release = await connections.reserve(count);
    return () => {
        release();
        connections.close();
    };
}
