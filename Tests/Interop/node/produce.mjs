// Does with the producer of clients/node what each line of standard input says, and prints what came of it.
//
//   {"id":1,"stream":0,"call":"create","arguments":["answer",{"lease":2}]}  ->  {"id":1,"result":null}
import { createInterface } from 'node:readline';

import { Producer, produce } from '../../../clients/node/freshet.mjs';

const streams = new Map();

const calls = {
    async create(number, target, options) {
        streams.set(number, await Producer.create(target, options));
    },
    async append_each(number, items) {
        for (const item of items) await streams.get(number).append(...item);
    },
    append_bytes: (number, bytes) => streams.get(number).append(Uint8Array.from(bytes)),
    flush: (number) => streams.get(number).flush(),
    heartbeat: (number) => streams.get(number).heartbeat(),
    end: (number, reason, detail) => streams.get(number).end(reason, detail),
    close: (number) => streams.get(number)?.close(),
    state(number) {
        const { ended, cancelled, offset, signal } = streams.get(number);
        return { ended, cancelled, offset, stopped: signal.aborted };
    },
    leave(number, target, words, message, options) {
        return produce(target, async (stream) => {
            for (const word of words) await stream.append(word);
            if (message) throw new Error(message);
        }, options);
    },
    async abort(number, target, options) {
        const controller = new AbortController();
        const created = Producer.create(target, { ...options, signal: controller.signal });
        controller.abort(new Error('not wanted any more'));
        await created;
    },
};

for await (const line of createInterface({ input: process.stdin })) {
    const { id, stream, call, arguments: values } = JSON.parse(line);
    const say = (said) => console.log(JSON.stringify({ id, ...said }));
    // One that waits does not hold up the next.
    (async () => calls[call](stream, ...values))().then(
        (result) => say({ result: result ?? null }),
        ({ name, message, status, code, title, detail, end }) =>
            say({ error: { name, message, status, code, title, detail, end } }),
    );
}
