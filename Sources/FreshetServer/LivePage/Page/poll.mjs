// Asks again and again: not while nobody looks, less often where the server takes long, and ever more rarely while it fails.

const longestPause = 30_000;
/** What is asked for takes the server a twentieth of the time at most. */
const share = 20;

export class Poll {
    #ask;
    #every;
    #page;
    #take;
    #fail;
    #timer = null;
    #asking = null;
    #failures = 0;
    #isRunning = false;
    #look = () => (this.#isVisible ? this.now() : this.#rest());

    /**
     * `ask(signal)` is called at once and then `every` so many milliseconds; `take(answer)` gets what it resolves with, and
     * `fail(error)` what it was rejected with.
     */
    constructor({ ask, every, take, fail, page = globalThis }) {
        this.#ask = ask;
        this.#every = every;
        this.#take = take;
        this.#fail = fail;
        this.#page = page;
    }

    start() {
        if (this.#isRunning) return;
        this.#isRunning = true;
        this.#page.document.addEventListener('visibilitychange', this.#look);
        this.#page.addEventListener('online', this.#look);
        this.#look();
    }

    stop() {
        this.#isRunning = false;
        this.#page.document.removeEventListener('visibilitychange', this.#look);
        this.#page.removeEventListener('online', this.#look);
        this.#rest();
    }

    /** Asks now; what is being asked is forgotten. */
    now() {
        if (!this.#isRunning) return;
        this.#rest();
        this.#failures = 0;
        return this.#once();
    }

    get #isVisible() {
        return this.#page.document.visibilityState === 'visible';
    }

    #rest() {
        this.#page.clearTimeout(this.#timer);
        this.#asking?.abort();
        this.#asking = null;
    }

    async #once() {
        const asking = this.#asking = new AbortController();
        const begun = this.#page.performance.now();
        let pause;
        try {
            const answer = await this.#ask(asking.signal);
            if (asking.signal.aborted) return;
            this.#failures = 0;
            pause = Math.max(this.#every, (this.#page.performance.now() - begun) * share);
            this.#take(answer);
        } catch (error) {
            if (asking.signal.aborted) return;
            const ceiling = Math.min(longestPause, this.#every * 2 ** this.#failures);
            this.#failures += 1;
            // Pages that lost their server together do not come back together.
            pause = (error.retryAfter ?? 0) * 1_000 + ceiling / 2 + (this.#page.Math.random() * ceiling) / 2;
            this.#fail(error);
        }
        if (asking.signal.aborted) return;
        this.#asking = null;
        if (this.#isRunning && this.#isVisible) this.#timer = this.#page.setTimeout(() => this.#once(), Math.min(pause, longestPause));
    }
}
