// One connection for all tabs that read the same: the tab that holds a lock reads and tells the others, each of which takes an
// event only if it follows exactly on the last one it has, and otherwise reads for itself what it lacks.

export class Tabs {
    #name;
    #reader;
    #page;
    #silence;
    #channel = null;
    #leading = false;
    /** Ends the wait for the lock: to lead, to take it from a leader that is silent, or because it is no longer wanted. */
    #waiting = null;
    #heard = 0;
    /** What was told while the past is still being read. */
    #held = null;

    /**
     * `reader` reads with `read(signal)` to the end, and with `catchUp(signal)` what is kept by now; it takes events with
     * `take(events)` and news of the connection with `show(news)`.
     */
    constructor(name, page, silence, reader) {
        this.#name = name;
        this.#page = page;
        this.#silence = silence;
        this.#reader = reader;
    }

    /** Reads until the signal comes, or until it turns out that this cannot be shared. */
    async run(signal) {
        const channel = this.#channel = new this.#page.BroadcastChannel(this.#name);
        channel.onmessage = ({ data }) => this.#hear(data);
        signal.addEventListener('abort', () => this.#waiting?.abort());
        let options = { ifAvailable: true };
        while (!signal.aborted && !this.#reader.isForeign) {
            const isLed = await this.#lead(options, signal);
            if (isLed || signal.aborted || this.#reader.isForeign) break;
            options = options.signal ? { steal: true } : { signal: this.#follow() };
        }
        channel.close();
        this.#channel = null;
    }

    /** Tells the other tabs, if this is the one that reads. */
    tell(news) {
        if (this.#leading) this.#channel?.postMessage(news);
    }

    async #lead(options, signal) {
        const leadership = new AbortController();
        const stop = () => leadership.abort();
        signal.addEventListener('abort', stop);
        let timer;
        try {
            return await this.#page.navigator.locks.request(this.#name, options, async (lock) => {
                if (!lock || signal.aborted || this.#reader.isForeign) return false;
                this.#waiting?.abort();
                this.#leading = true;
                const beat = () => {
                    this.tell({});
                    timer = this.#page.setTimeout(beat, this.#silence / 2);
                };
                beat();
                await this.#reader.read(leadership.signal);
                return true;
            });
        } catch {
            // The lock was taken away, or is no longer waited for.
            return false;
        } finally {
            stop();
            this.#page.clearTimeout(timer);
            signal.removeEventListener('abort', stop);
            this.#leading = false;
        }
    }

    /** Listens, and ends the signal it returns when nothing is heard. */
    #follow() {
        const waiting = this.#waiting = new AbortController();
        // Followers that were left together do not come forward together.
        const silence = this.#silence * (1 + this.#page.Math.random() / 4);
        const look = () => {
            const left = this.#heard + silence - this.#page.Date.now();
            if (left <= 0) waiting.abort();
            if (!waiting.signal.aborted) this.#page.setTimeout(look, left);
        };
        this.#heard = this.#page.Date.now();
        look();
        this.#catchUp(waiting.signal);
        return waiting.signal;
    }

    #hear({ from, events, isHidden, ...news }) {
        if (this.#leading || !this.#waiting || this.#waiting.signal.aborted) return;
        this.#heard = this.#page.Date.now();
        if (events && this.#held) this.#held.push([from, events]);
        else if (events) this.#join(from, events);
        if ('isOpen' in news) this.#reader.show(news);
        // Who is looked at gets a connection, and tells the leader, who is not.
        if (isHidden && this.#page.document?.visibilityState === 'visible') this.#waiting?.abort();
    }

    #join(from, events) {
        const { signal } = this.#waiting;
        for (const event of events) {
            const { position } = this.#reader;
            if (from === position) this.#reader.take([event]);
            else if (!event[2] || event[2] > position) return void this.#catchUp(signal);
            from = event[2] || from;
        }
    }

    async #catchUp(signal) {
        if (this.#held) return;
        const held = this.#held = [];
        await this.#reader.catchUp(signal);
        if (this.#held === held) this.#held = null;
        // What was told meanwhile may begin before what was read, or after it.
        for (const told of held) if (!signal.aborted) this.#join(...told);
        if (this.#reader.isForeign) this.#waiting.abort();
    }
}
