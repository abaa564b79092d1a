// Where the server is: at the root of its host, or under a path that a proxy takes away.

const here = new URL('.', import.meta.url);

/** A path of the server, as a page reaches it. */
export const at = (path) => (here.protocol === 'file:' ? path : here.pathname.slice(0, -1) + path);
