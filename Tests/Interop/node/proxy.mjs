// http-proxy alone, behind compression, or behind compression with a flush before or after each write: what
// webpack-dev-server, Create React App and Vite put in front of a server, and what those do who flush when data comes.
//
//   NODE_PATH=/usr/share/nodejs node proxy.mjs plain|compression|flush-before|flush-after PORT UPSTREAM
//
// NODE_PATH is where Debian's packages node-http-proxy and node-compression are.

import http from 'node:http';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const [mode, port, target] = process.argv.slice(2);
const proxy = require('http-proxy').createProxyServer({ target, changeOrigin: false });
proxy.on('error', (error, request, response) => response.destroy());
const compress = mode === 'plain' ? (request, response, next) => next() : require('compression')();

const server = http.createServer((request, response) => {
    compress(request, response, () => {
        if (mode.startsWith('flush')) {
            const write = response.write;
            response.write = (...pieces) => {
                if (mode === 'flush-before') response.flush();
                const more = write.apply(response, pieces);
                if (mode === 'flush-after') response.flush();
                return more;
            };
        }
        proxy.web(request, response);
    });
});
server.requestTimeout = 0;
server.listen(Number(port), '127.0.0.1');
