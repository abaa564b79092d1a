// Requests to the server that the page is from.

import { namePath } from './words.mjs';

const root = new URL('../', import.meta.url);
const patience = 15_000;

/** What went wrong with a request. `status` is 0 where no answer came. */
export class Refusal extends Error {
    constructor(message, { status = 0, code = '', retryAfter = 0 } = {}) {
        super(message);
        Object.assign(this, { status, code, retryAfter });
    }
}

export const streamURL = (name) => new URL(`v1/stream/${namePath(name)}`, root);

async function ask(path, { signal, method = 'GET', headers = {}, body } = {}) {
    const limit = AbortSignal.timeout(patience);
    let response;
    let text;
    try {
        response = await fetch(new URL(path, root), {
            method, headers, body, cache: 'no-store', signal: signal ? AbortSignal.any([signal, limit]) : limit,
        });
        text = await response.text();
    } catch {
        throw new Refusal('The server does not answer.');
    }
    if (response.ok) return text;
    throw refusal(response.status, text, Number(response.headers.get('Retry-After')) || 0);
}

/** What an answer that is no success says. */
export function refusal(status, text, retryAfter = 0) {
    let problem = null;
    try {
        problem = JSON.parse(text);
    } catch {
        // A proxy's page.
    }
    const isProblem = typeof problem?.type === 'string' && typeof problem.detail === 'string';
    const message = isProblem ? problem.detail : `The server answered with status ${status}.`;
    return new Refusal(message, { status, code: isProblem ? problem.type.replace('urn:freshet:', '') : '', retryAfter });
}

async function json(path, signal) {
    const text = await ask(path, { signal });
    try {
        return JSON.parse(text);
    } catch {
        throw new Refusal('What answers is not a server of Freshet.');
    }
}

function query(members) {
    const present = Object.entries(members).filter(([, value]) => value !== '' && value !== null && value !== undefined);
    return new URLSearchParams(present).toString();
}

export const streams = (members, signal) => json(`v1/streams?${query(members)}`, signal);
export const stream = (name, signal) => json(`v1/streams/${namePath(name)}`, signal);
export const readers = (members, signal) => json(`v1/readers?${query(members)}`, signal);
export const node = (signal) => json('v1/node', signal);
export const nodes = (signal) => json('v1/nodes', signal);

const change = (name, method, headers) => ask(`v1/stream/${namePath(name)}`, { method, headers });

export const stop = (name) => change(name, 'POST', { 'Stream-Cancel': 'true' });
export const end = (name, reason) => change(name, 'POST', { 'Stream-Closed': 'true', 'Stream-End-Reason': reason });
export const remove = (name) => change(name, 'DELETE');

/** What the page shows and does, on all streams on which a key or token has the right. */
const rights = { read: true, inspect: true, cancel: true, end: true, delete: true };

/** Gets a session cookie for a key or a token. */
export function signIn(key) {
    // A header takes nothing else, and neither has it.
    if (!/^[\x21-\x7e]+$/.test(key)) throw new Refusal('This is neither a key nor a token: they have no spaces, and only characters of ASCII.');
    return ask('v1/session', { method: 'POST', headers: { Authorization: `Bearer ${key}` }, body: JSON.stringify(rights) });
}
