// Reads a stream as NDJSON with fetch and prints each line's object as it arrives: node read.mjs URL [LAST_EVENT_ID]
const [url, last] = process.argv.slice(2);
const headers = { Accept: 'application/x-ndjson', ...(last && { 'Last-Event-ID': last }) };
const response = await fetch(url, { headers });
if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
// A stream that has ended has nothing more, and no body. The connection that is kept would keep node for seconds.
if (response.status === 204) process.exit();
let pending = '';
// A stream that has ended has nothing more: 204, without a body.
for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
  const lines = (pending + text).split('\n');
  pending = lines.pop();
  for (const line of lines) {
    if (line === '') continue;
    const { id, event = 'message', data } = JSON.parse(line);
    console.log(JSON.stringify({ id, event, data }));
  }
}
