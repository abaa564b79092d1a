// When to draw: before the next paint, but never so often that a page does little else.

/** Of its time, a page spends one part in so many on drawing, however much there is to lay out. */
const share = 4;

/**
 * Runs functions before the next paint. One that took long, with the layout that it caused, is not followed by another
 * at once: in a flood of events they are then drawn a few thousand at a time, not a frame's worth.
 */
export class Pace {
    #frame;
    #now;
    #setTimeout;
    #free = 0;

    /** The options are for tests. */
    constructor({
        frame = (draw) => requestAnimationFrame(draw), now = () => performance.now(),
        setTimeout = globalThis.setTimeout.bind(globalThis),
    } = {}) {
        this.#frame = frame;
        this.#now = now;
        this.#setTimeout = setTimeout;
    }

    run(draw) {
        const wait = this.#free - this.#now();
        if (wait > 0) this.#setTimeout(() => this.#frame(() => this.#measure(draw)), wait);
        else this.#frame(() => this.#measure(draw));
    }

    #measure(draw) {
        const begun = this.#now();
        draw();
        const ended = this.#now();
        this.#free = ended + (share - 1) * (ended - begun);
    }
}
