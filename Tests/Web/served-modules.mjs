// Lets node find what pages import from the server: `./v1/freshet.js` and `./v1/freshet-text.js`.

import { register } from 'node:module';

const sources = new URL('../../clients/browser/', import.meta.url);

register(`data:text/javascript,${encodeURIComponent(`
export function resolve(specifier, context, next) {
    return specifier.startsWith('./v1/') ? next(new URL(specifier.slice(5), ${JSON.stringify(sources.href)}).href, context) : next(specifier, context);
}
`)}`, import.meta.url);
