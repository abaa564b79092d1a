// All nodes of the store, where there are several.

import { element, say } from './element.mjs';
import { Poll } from './poll.mjs';
import * as server from './server.mjs';
import { Table } from './table.mjs';
import { Rates, count, duration, nodeState, rate, size, visible, visibleName } from './words.mjs';

/** Each of them says what it does once a second. */
const every = 2_000;

export class NodesView {
    root;
    poll;
    #page;
    #problem = element('p', { hidden: true });
    #whose = element('bdi');
    #appends = new Rates();
    #deliveries = new Rates();
    #shown = null;
    #table = new Table([
        { title: 'Name', text: ({ name, session }) => visibleName(name || session) },
        { title: 'State', text: (node) => `${nodeState(node)}${node.isShown ? ', shown here' : ''}` },
        { title: 'Running for', kind: 'number', text: ({ started, now }) => duration((now - Date.parse(started)) / 1_000) },
        { title: 'Connections', kind: 'number', text: ({ connections }) => count(connections) },
        { title: 'Readers', kind: 'number', text: ({ readers }) => count(readers) },
        { title: 'Producers', kind: 'number', text: ({ producers }) => count(producers) },
        { title: 'Appends', kind: 'number', text: ({ appendRate }) => rate(appendRate) },
        { title: 'Deliveries', kind: 'number', text: ({ deliveryRate }) => rate(deliveryRate) },
        { title: 'Memory', kind: 'number', text: ({ memory }) => size(memory) },
        { title: 'Version', text: ({ version }) => visible(version) },
    ]);

    constructor(page) {
        this.#page = page;
        const whose = element('p', { class: 'soft' }, 'The numbers and graphs below are those of ', this.#whose, ', the node that answered.');
        this.root = element('section', { hidden: true, 'aria-label': 'Nodes' }, this.#problem, element('div', { class: 'wide' }, this.#table.root), whose);
        this.poll = new Poll({ every, ask: server.nodes, take: (answer) => this.#show(answer), fail: (error) => this.#failed(error) });
    }

    /** The numbers and graphs of this node are shown: a balancer may bring each answer from another one. */
    shows({ session, name }) {
        this.#shown = session;
        say(this.#whose, visibleName(name));
    }

    #show({ nodes }) {
        this.#page.worked();
        this.#problem.hidden = true;
        // A server whose store is its own has nobody to list.
        this.root.hidden = nodes.length < 2;
        const now = Date.now();
        const rates = (of, name) => of.next(nodes.map((node) => [node.session, node[name], now - node.said * 1_000]), now);
        const [appends, deliveries] = [rates(this.#appends, 'appends'), rates(this.#deliveries, 'deliveries')];
        this.#table.show(new Map(nodes.map((node) => [node.session, {
            ...node,
            now,
            isShown: node.session === this.#shown,
            appendRate: appends.get(node.session),
            deliveryRate: deliveries.get(node.session),
        }])));
        this.#table.caption(`${count(nodes.length)} nodes share the store`);
    }

    /** The store may be away, and the node still has its own numbers to show. */
    #failed(error) {
        if (error.status === 0 || error.status === 401 || error.status === 403) return this.#page.failed(error);
        this.#problem.hidden = false;
        say(this.#problem, error.message);
    }
}
