// A SharedWorker that reads each stream once, however many tabs show it: a browser has six connections to a host over
// HTTP/1.1, for all its tabs together.
//
// A page says `{ follow: url }` and gets `{ event, id }` for each event, those it was not there for first, then
// `{ end }`. It says `{ leave: url }` when it is done: a worker is not told that a page has gone.

import { follow } from './freshet.mjs';

export class SharedReader {
    #streams = new Map();
    #follow;

    constructor(followStream = follow) {
        this.#follow = followStream;
    }

    join(url, port) {
        let stream = this.#streams.get(url);
        if (!stream) {
            stream = { ports: new Set(), told: [], follower: null };
            this.#streams.set(url, stream);
            const tell = (message) => {
                stream.told.push(message);
                for (const each of stream.ports) each.postMessage(message);
            };
            stream.follower = this.#follow(url, {
                onEvent: (event, id) => tell({ event, id }),
                onGap: () => {
                    // What was told is no longer what is kept.
                    stream.told = [];
                    tell({ gap: true });
                },
                onEnd: (end) => tell({ end }),
                onRefused: (status) => tell({ end: { reason: 'refused', status } }),
            });
        }
        for (const message of stream.told) port.postMessage(message);
        stream.ports.add(port);
    }

    leave(url, port) {
        const stream = this.#streams.get(url);
        if (!stream?.ports.delete(port) || stream.ports.size > 0) return;
        stream.follower.close();
        this.#streams.delete(url);
    }
}

const reader = new SharedReader();

globalThis.onconnect = ({ ports: [port] }) => {
    port.onmessage = ({ data }) => {
        if (data.follow) reader.join(data.follow, port);
        if (data.leave) reader.leave(data.leave, port);
    };
};
