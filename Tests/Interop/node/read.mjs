// Reads a stream as NDJSON with fetch and prints each line's object as it arrives: node read.mjs URL
const response = await fetch(process.argv[2], { headers: { Accept: 'application/x-ndjson' } });
if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
let pending = '';
for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
  const lines = (pending + text).split('\n');
  pending = lines.pop();
  for (const line of lines) {
    if (line === '') continue;
    const { event = 'message', data } = JSON.parse(line);
    console.log(JSON.stringify({ event, data }));
  }
}
