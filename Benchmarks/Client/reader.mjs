// Reads one stream to its end with fetch, as pages about streaming show it, and prints how many events it saw and how many
// bytes of data they had.
//
//     node reader.mjs URL

const response = await fetch(process.argv[2], { headers: { Accept: 'text/event-stream' } });
const decoder = new TextDecoder();
let rest = '';
let events = 0;
let bytes = 0;

reading: for await (const piece of response.body) {
    rest += decoder.decode(piece, { stream: true });
    const blocks = rest.split('\n\n');
    rest = blocks.pop();
    for (const block of blocks) {
        const lines = block.split('\n');
        if (lines.includes('event: end')) break reading;
        const data = lines.filter((line) => line.startsWith('data: ')).map((line) => line.slice(6));
        if (data.length === 0) continue;
        events += 1;
        bytes += Buffer.byteLength(data.join('\n'));
    }
}
console.log(`${events} ${bytes}`);
process.exit(0);
