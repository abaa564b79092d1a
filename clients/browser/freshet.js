// Reads streams in a browser: `new FreshetSource(url)` where `new EventSource(url)` stood. What it offers is in `freshet.d.ts`.

export { reserve } from './reading/connections.js';
export { FreshetSource } from './reading/source.js';
