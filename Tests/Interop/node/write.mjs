// Writes a stream with one fetch whose body is made while it is sent: node write.mjs URL
// Each line of standard input is sent when it comes; the end of the input ends the stream.
import { createInterface } from 'node:readline';

const [url] = process.argv.slice(2);
const created = await fetch(url, { method: 'PUT', headers: { 'Content-Type': 'text/plain' } });
if (!created.ok) throw new Error(`${created.status} ${await created.text()}`);

async function* words() {
  const encoder = new TextEncoder();
  for await (const line of createInterface({ input: process.stdin })) yield encoder.encode(line);
}

const response = await fetch(url, {
  method: 'POST',
  headers: { 'Content-Type': 'text/plain', 'Stream-Closed': 'true' },
  body: ReadableStream.from(words()),
  duplex: 'half',
});
console.log(JSON.stringify({ status: response.status, offset: response.headers.get('Stream-Next-Offset') }));
