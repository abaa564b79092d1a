// Shows answers of language models while they arrive. What it offers is in `freshet-text.d.ts`.

export { text } from './text/answer.js';
export { PartialJSON } from './text/partial-json.js';
