// Lets node find what pages import from the server: `v1/freshet.js` and `v1/freshet-text.js`, wherever the page is.

import { register } from 'node:module';

const sources = new URL('../../clients/browser/', import.meta.url);

register(`data:text/javascript,${encodeURIComponent(`
export function resolve(specifier, context, next) {
    const [, name] = /^\\.{1,2}\\/v1\\/(.*)$/.exec(specifier) ?? [];
    return name ? next(new URL(name, ${JSON.stringify(sources.href)}).href, context) : next(specifier, context);
}
`)}`, import.meta.url);
