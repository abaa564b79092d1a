// The node: its numbers now, and graphs of its last hour; above them all nodes, where there are several.

import { Facts, element } from './element.mjs';
import { Graph } from './graph.mjs';
import { NodesView } from './nodes.mjs';
import { Poll } from './poll.mjs';
import * as server from './server.mjs';
import { count, duration, latency, rate, size, visible } from './words.mjs';

/** As often as there is a new number. */
const every = 10_000;
const hour = 3_600;

export class NodeView {
    title = 'Node';
    root;
    poll;
    #page;
    #nodes;
    #facts = new Facts();
    #graphs = {
        appends: new Graph('Appends', rate),
        deliveries: new Graph('Deliveries', rate),
        readers: new Graph('Readers', count),
        memory: new Graph('Memory', size),
        syncP99: new Graph('Sync, p99', latency),
    };

    constructor(page) {
        this.#page = page;
        const graphs = element('div', { class: 'graphs' }, ...Object.values(this.#graphs).map(({ root }) => root));
        this.#nodes = new NodesView(page);
        this.root = element('div', {}, this.#nodes.root, this.#facts.root, element('h2', {}, 'The last hour'), graphs);
        this.poll = new Poll({ every, ask: server.node, take: (answer) => this.#show(answer), fail: (error) => page.failed(error) });
    }

    start() {
        this.poll.start();
        this.#nodes.poll.start();
    }

    stop() {
        this.poll.stop();
        this.#nodes.poll.stop();
    }

    /** Somebody else asks now. */
    again() {
        this.#nodes.poll.now();
    }

    #show(node) {
        this.#page.worked();
        this.#nodes.shows(node);
        const readers = Object.entries(node.readers).filter(([, number]) => number > 0);
        const times = ({ p50, p99 }) => (p50 === null ? '' : `p50 ${latency(p50)}, p99 ${latency(p99)}`);
        this.#facts.show({
            Version: visible(node.version),
            'Running for': duration((Date.parse(node.now) - Date.parse(node.started)) / 1_000),
            Streams: count(node.streams),
            Stored: size(node.bytes),
            Connections: count(node.connections),
            Readers: readers.length === 0 ? '0' : readers.map(([form, number]) => `${count(number)} ${form}`).join(', '),
            Memory: size(node.memory),
            Appends: `${count(node.appends)}, ${count(node.events)} events`,
            Deliveries: count(node.deliveries),
            'An append takes': times(node.appendSeconds),
            'A sync takes': times(node.syncSeconds),
            'A delivery takes': times(node.deliverySeconds),
        });
        const { step } = node.hour;
        const length = hour / step;
        for (const [name, graph] of Object.entries(this.#graphs)) {
            const values = node.hour[name];
            const isPerStep = name === 'appends' || name === 'deliveries';
            graph.show(isPerStep ? values.map((value) => value / step) : values, length);
        }
    }
}
