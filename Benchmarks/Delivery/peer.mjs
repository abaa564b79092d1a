// The peer in JavaScript: Node's own HTTP server, one `res.write` for each subscriber and event.
import http from 'node:http';

const subscribers = new Set();
http
  .createServer((request, response) => {
    if (request.method === 'POST') {
      const pieces = [];
      request.on('data', (piece) => pieces.push(piece));
      request.on('end', () => {
        const block = `data: ${Buffer.concat(pieces)}\n\n`;
        for (const subscriber of subscribers) subscriber.write(block);
        response.writeHead(204).end();
      });
      return;
    }
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
    response.write(': ok\n\n');
    subscribers.add(response);
    response.on('close', () => subscribers.delete(response));
  })
  .listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 4096 });
