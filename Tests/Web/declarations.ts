// What programs in TypeScript may do with the package `clients/browser`, and what they may not. Only its types are looked at:
// Tests/Interop/test_declarations.py gives this file to the compiler.

import { FreshetSource, reserve, type FreshetSourceEventMap, type FreshetSourceOptions } from 'freshet';
import { PartialJSON, text, type Answer, type Provider, type TextOptions, type Tool } from 'freshet/text';

const options: FreshetSourceOptions = {
    withCredentials: true, headers: async () => ({ 'X-Tab': '1' }), token: () => 'token', method: 'POST', body: '{}', repeat: true,
    lastEventId: '0', heartbeat: 5_000, share: 'tabs',
};
const source = new FreshetSource(new URL('https://app.example/v1/stream/answer'), options);

// Whoever takes an `EventSource` takes this.
const plain: EventSource = source;
const target: EventTarget = source;

source.onopen = null;
source.onmessage = ({ data, lastEventId }) => data + lastEventId;
source.onerror = function (event) {
    if (event.status === 410 || event.problem?.title === 'Gone') this.close();
};
source.addEventListener('end', ({ detail }) => detail.reason.length);
source.addEventListener('gap', ({ detail }) => detail.requested + detail.resumed);
source.addEventListener('token', ({ data }) => data.length, { once: true });
source.addEventListener('token', { handleEvent: (event: Event) => event.type });
const listener = (event: MessageEvent) => event.data;
source.addEventListener('token', listener);
source.removeEventListener('token', listener);

export async function read(): Promise<FreshetSourceEventMap['end']['detail']['reason']> {
    for await (const { type, data, detail } of source) console.log(type, data, detail);
    const release: () => void = await reserve(2, 'https://app.example');
    release();
    const status: number = await source.cancel();
    const state: 0 | 1 | 2 = source.readyState;
    return `${status} ${state} ${source.via}`;
}

const shown: TextOptions = {
    onTool: (tool: Tool) => console.log(tool.name, tool.isComplete && tool.value),
    onBlock: (block) => console.log(block.length),
    onDraw() {},
    announce: (said) => console.log(said.length),
    frame: requestAnimationFrame,
};
const provider: Provider = 'anthropic';
const answer: Answer = text(document.body, provider, shown).from(source).from(plain);
answer.take({ data: { parsed: true } });
target.addEventListener('message', (event) => answer.take(event as MessageEvent));
const lines: string = new PartialJSON().parse('[1');
console.log(lines.length);

// @ts-expect-error: it has no URL.
new FreshetSource();
// @ts-expect-error: there is no such option.
new FreshetSource('/v1/stream/answer', { retry: 5 });
// @ts-expect-error: there is no such provider.
text(document.body, 'nobody');
// @ts-expect-error: what has arrived is read, not set.
answer.text = '';
