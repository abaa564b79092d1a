// What the race measured, as data and in words.

/** The figures of a race as they are saved. Times are whole milliseconds, null where something did not come to pass. */
export function figures(settings, lanes, records, { browser = '', at = new Date() } = {}) {
    return {
        measured: at.toISOString(),
        browser,
        settings,
        lanes: lanes.filter(({ name }) => records.has(name)).map(({ name, title }) => {
            const record = records.get(name);
            return {
                lane: name,
                title,
                outcome: record.state,
                firstByte: whole(record.firstByte),
                firstWord: whole(record.firstWord),
                end: whole(record.end),
                charactersShown: record.shown,
                bytesHeld: record.held,
                reconnects: record.reconnects,
                timesMade: record.made,
                peakMemory: record.memory,
                timeline: thin(record.points).map(([time, shown]) => [Math.round(time), shown]),
            };
        }),
    };
}

function whole(milliseconds) {
    return milliseconds === null ? null : Math.round(milliseconds);
}

/** At most 200 points, the first and the last among them. */
function thin(points) {
    if (points.length <= 200) return points;
    const step = (points.length - 1) / 199;
    return Array.from({ length: 200 }, (_, index) => points[Math.round(index * step)]);
}

export function milliseconds(value) {
    if (value === null) return '–';
    return value < 10_000 ? `${Math.round(value).toLocaleString('en')} ms` : `${(value / 1000).toFixed(1)} s`;
}

export function bytes(value) {
    if (value < 1_000) return `${value} B`;
    if (value < 1_000_000) return `${(value / 1_000).toFixed(value < 10_000 ? 1 : 0)} kB`;
    return `${(value / 1_000_000).toFixed(1)} MB`;
}

export function memory(value) {
    if (value === 'together') return 'not told apart';
    return value === null ? 'not told' : bytes(value);
}

const endings = { waiting: 'Waiting', receiving: 'Receiving', reconnecting: 'Reconnecting', done: 'Whole', lost: 'Lost' };

export function outcome(record, total) {
    if (record.state !== 'lost') return endings[record.state];
    return `Lost at ${Math.floor((100 * record.shown) / total)} %`;
}

/** What a race has shown, in a few sentences. */
export function verdict(records, { holding, cut }, total) {
    const json = records.get('json');
    const streams = ['chunked', 'ndjson', 'sse'].map((name) => records.get(name)).filter(Boolean);
    const words = streams.map(({ firstWord }) => firstWord).filter((time) => time !== null);
    const sentences = [];
    if (words.length > 0) {
        const [first, last] = [Math.min(...words), Math.max(...words)];
        const standard = json?.firstWord ?? null;
        const range = first === last ? milliseconds(first) : `${milliseconds(first)} to ${milliseconds(last)}`;
        sentences.push(`The streams showed their first word after ${range}`
            + (standard === null ? '.' : `, standard HTTP after ${milliseconds(standard)}.`));
        if (holding !== '' && standard !== null && first > standard / 2) {
            sentences.push('The proxy has made all of them wait: the streaming effect is gone.');
        }
    }
    if (cut) {
        const sse = records.get('sse');
        if (sse?.state === 'done' && sse.reconnects > 0) {
            sentences.push('SSE came back by itself with the last id it had seen, and lost nothing.');
        }
        const lost = [...records.values()].filter(({ state }) => state === 'lost');
        if (lost.length > 0) {
            const names = { json: 'standard HTTP', chunked: 'chunked HTTP', ndjson: 'NDJSON', sse: 'SSE' };
            const told = lost.map((record) => `${names[record.name]} (at ${Math.floor((100 * record.shown) / total)} %)`);
            sentences.push(`Lost with the connection: ${told.join(', ')}.`);
        }
        const again = [...records.values()].filter(({ made }) => made > 1);
        if (again.length > 0) {
            sentences.push('The browser asked again for standard HTTP, on its own: the answer was made, and paid, twice.');
        }
    }
    return sentences.join(' ');
}
