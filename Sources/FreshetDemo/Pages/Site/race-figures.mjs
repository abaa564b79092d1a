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

const names = { json: 'standard HTTP', chunked: 'chunked HTTP', ndjson: 'NDJSON', sse: 'SSE' };
const remedies = { header: 'the header X-Accel-Buffering: no', setting: 'its setting proxy_buffering off' };
/** Milliseconds after which a first word was held back for the second that the proxy waits. */
const aboutASecond = 900;

/** What the proxy has done to the streams, by when the first of them and standard HTTP had something to show. */
function effect(holding, remedy, first, standard) {
    if (first > standard / 2) {
        return 'The proxy has made all of them wait: the streaming effect is gone.'
            + (remedy === '' ? ' Bring it back with the header or the setting.' : '');
    }
    if (remedy !== '') {
        return first < standard / 4 ? `The proxy is still there: ${remedies[remedy]} has brought the effect back.` : '';
    }
    if (holding === '16k' && first > standard / 5) {
        return 'The proxy let no word through before it had 16 KB. Bring them back with the header or the setting.';
    }
    if (holding === '1s' && first > aboutASecond) {
        return 'The proxy let them through in lumps, once a second. Bring the words back with the header or the setting.';
    }
    return '';
}

/** What a race has shown, in a few sentences. */
export function verdict(records, { holding, remedy = '', cut }, total) {
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
        if (holding !== '' && standard !== null) sentences.push(effect(holding, remedy, first, standard));
    }
    if (cut) {
        const sse = records.get('sse');
        if (sse?.state === 'done' && sse.reconnects > 0) {
            sentences.push('SSE came back by itself with the last id it had seen, and lost nothing.');
        }
    }
    const lost = [...records.values()].filter(({ state }) => state === 'lost');
    if (lost.length > 0) {
        const told = lost.map((record) => `${names[record.name]} (at ${Math.floor((100 * record.shown) / total)} %)`);
        sentences.push(`Lost with the connection: ${told.join(', ')}.`);
    }
    if (cut) {
        const again = [...records.values()].filter(({ made }) => made > 1);
        if (again.length > 0) {
            const told = again.map(({ name }) => names[name]).join(' and for ');
            sentences.push(`The browser asked again for ${told}, on its own: the answer was made, and paid, twice.`);
        }
    }
    return sentences.filter((sentence) => sentence !== '').join(' ');
}
