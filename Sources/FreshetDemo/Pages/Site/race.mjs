// The race: the visitor's switches, four lanes side by side, and what they were measured at.

import { reserve } from './v1/freshet.js';

import { at } from './base.mjs';
import { inWords } from './follow.mjs';
import { draw, layout } from './race-chart.mjs';
import { bytes, figures, memory, milliseconds, outcome, verdict } from './race-figures.mjs';
import { LaneRecord, address, lanes } from './race-lanes.mjs';

const size = 2_000_000;
const page = Object.fromEntries(
    ['chart', 'controls', 'cut', 'lanes', 'remedies', 'remedy-note', 'save-figures', 'save-picture', 'seconds', 'single',
        'start', 'trap-start', 'verdict'].map((id) => [id, document.getElementById(id)]),
);
const calm = matchMedia('(prefers-reduced-motion: reduce)');
const remedies = {
    '': 'Most proxies heed no header: lighttpd, a TLS-inspecting firewall, a compressing CDN. All lanes wait.',
    header: 'nginx heeds the header. The text, NDJSON and every stream of Freshet send it: they pass as they are made.',
    setting: 'nginx: proxy_buffering off. lighttpd: server.stream-response-body = 1. Varnish: do_gzip off. HAProxy: option http-no-delay.',
};

let records = new Map();
let settings = readSettings();
let isRunning = false;
let isDrawing = false;

const cards = new Map(lanes.map((lane) => [lane.name, new LaneCard(lane)]));

page.controls.addEventListener('change', showSettings);
page.controls.addEventListener('submit', (event) => {
    event.preventDefault();
    if (page.start.ariaDisabled !== 'true') run();
});
page['save-figures'].addEventListener('click', () => {
    const data = figures(settings, lanes, records, { browser: navigator.userAgent });
    save(new Blob([`${JSON.stringify(data, null, 1)}\n`], { type: 'application/json' }), 'freshet-race.json');
});
page['save-picture'].addEventListener('click', async () => save(await picture(), 'freshet-race.png'));
addEventListener('resize', drawSoon);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawSoon);
showSettings();
drawNow();

function readSettings() {
    const form = new FormData(page.controls);
    return {
        holding: form.get('holding') ?? '',
        remedy: form.get('holding') ? (form.get('remedy') ?? '') : '',
        cut: form.has('cut'),
        single: form.has('single'),
        seconds: Number(form.get('seconds')),
    };
}

function showSettings() {
    const { holding, remedy } = readSettings();
    page.remedies.disabled = holding === '';
    page['remedy-note'].textContent = holding === '' ? '' : remedies[remedy];
}

// One race

async function run() {
    settings = readSettings();
    isRunning = true;
    records = new Map();
    // Together they would need seven connections, and a browser has six. Not `disabled`, which would take the focus away.
    page.start.ariaDisabled = page['trap-start'].ariaDisabled = 'true';
    page['save-figures'].disabled = page['save-picture'].disabled = true;
    page.verdict.textContent = '';
    page.lanes.dataset.state = 'running';
    for (const card of cards.values()) card.clear();
    // On a phone the switches fill the window.
    page.chart.scrollIntoView({ block: 'nearest' });
    watch();
    // The chats in other tabs make room, so that no lane waits for a connection.
    const release = await reserve(lanes.length);
    try {
        if (settings.single) {
            for (const lane of lanes) await drive([lane], await begin());
        } else {
            await drive(lanes, await begin());
        }
        page.verdict.textContent = verdict(records, settings, size);
    } catch (problem) {
        page.verdict.textContent = `The race could not be begun: ${inWords(problem)}`;
    }
    release();
    isRunning = false;
    page.start.ariaDisabled = page['trap-start'].ariaDisabled = null;
    page.start.textContent = 'Start again';
    page['save-figures'].disabled = page['save-picture'].disabled = records.size === 0;
    page.lanes.dataset.state = 'over';
    drawSoon();
}

async function begin() {
    const response = await fetch(at('/demo/races'), {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ seconds: settings.seconds, bytes: size }),
    });
    if (!response.ok) throw new Error((await response.json()).detail);
    return response.json();
}

/** Runs some lanes at the same time, to their end. */
async function drive(some, race) {
    const heap = heapPeak();
    await Promise.all(some.map((lane) => {
        const record = new LaneRecord(lane.name);
        records.set(lane.name, record);
        return lane.read(at(address(lane.name, race, settings)), record);
    }));
    const peak = heap.stop();
    const report = await fetch(at(`/demo/races/${race.id}`), { cache: 'no-store' });
    const { made } = report.ok ? await report.json() : { made: {} };
    for (const { name } of some) {
        const record = records.get(name);
        record.made = made[name] ?? null;
        record.memory = peak !== null && some.length > 1 ? 'together' : peak;
    }
    drawSoon();
}

/**
 * How far the page's JavaScript heap rises from now on; null where the browser does not tell.
 *
 * `performance.measureUserAgentSpecificMemory()` would be the standard's way, but it answers after the next garbage
 * collection, some 15 s later in Chromium: it cannot see a peak.
 */
function heapPeak() {
    const used = () => performance.memory?.usedJSHeapSize;
    if (used() === undefined) return { stop: () => null };
    // Above the lowest, not above the first: what an earlier lane left behind is collected in the midst of this one.
    let [least, most] = [Infinity, 0];
    const look = () => {
        least = Math.min(least, used());
        most = Math.max(most, used());
    };
    const timer = setInterval(look, 20);
    return {
        stop() {
            clearInterval(timer);
            look();
            return most - least;
        },
    };
}

// Showing it

function LaneCard({ name, title, about }) {
    const item = page.lanes.appendChild(element('li', 'panel lane'));
    item.dataset.lane = name;
    item.append(element('h3', '', title), element('p', 'note', about));
    const badge = item.appendChild(element('span', 'end', 'Not started'));
    const tail = item.appendChild(element('p', 'tail'));
    tail.setAttribute('aria-hidden', 'true');
    const list = item.appendChild(element('dl', 'figures'));
    const cells = {};
    for (const [figure, label] of [['firstByte', 'First byte'], ['firstWord', 'First word'], ['end', 'End'],
        ['held', 'Held at most'], ['memory', 'Peak memory'], ['made', 'Times made'], ['reconnects', 'Reconnects']]) {
        const row = list.appendChild(element('div', ''));
        row.append(element('dt', '', label));
        cells[figure] = row.appendChild(element('dd', '', '–'));
        cells[figure].dataset.figure = figure;
    }

    function set(figure, value, text) {
        if (cells[figure].textContent !== text) cells[figure].textContent = text;
        cells[figure].dataset.value = value ?? '';
    }

    this.show = (record) => {
        badge.textContent = outcome(record, size);
        badge.dataset.reason = { done: 'done', lost: 'failed', reconnecting: 'cancelled' }[record.state] ?? 'writing';
        item.dataset.outcome = record.state;
        item.dataset.shown = record.shown;
        tail.textContent = record.tail;
        for (const figure of ['firstByte', 'firstWord', 'end']) {
            set(figure, record[figure], milliseconds(record[figure]));
        }
        set('held', record.held, bytes(record.held));
        set('memory', record.memory, record.isOver ? memory(record.memory) : '–');
        set('made', record.made, record.made === null ? '–' : String(record.made));
        set('reconnects', record.reconnects, String(record.reconnects));
    };
    this.clear = () => {
        this.show(new LaneRecord(name));
        badge.textContent = 'Not started';
        badge.dataset.reason = 'idle';
    };
    this.clear();
}

/** Draws while the race runs: time passes though nothing arrives, and that is what there is to see. */
function watch() {
    if (!isRunning) return;
    drawNow();
    if (calm.matches) setTimeout(watch, 500);
    else requestAnimationFrame(watch);
}

function drawSoon() {
    if (isDrawing) return;
    isDrawing = true;
    requestAnimationFrame(drawNow);
}

function drawNow() {
    isDrawing = false;
    for (const [name, record] of records) cards.get(name).show(record);
    const width = page.chart.parentElement.clientWidth - 2 * parseFloat(getComputedStyle(page.chart.parentElement).paddingLeft);
    const scale = devicePixelRatio;
    const shape = layout(lanes, records, { width, seconds: settings.seconds, total: size });
    page.chart.width = Math.round(width * scale);
    page.chart.height = Math.round(shape.height * scale);
    page.chart.style.height = `${shape.height}px`;
    const context = page.chart.getContext('2d');
    context.setTransform(scale, 0, 0, scale, 0, 0);
    draw(context, shape, colors(), fontFamily());
}

function colors() {
    const style = getComputedStyle(document.documentElement);
    const color = (name) => style.getPropertyValue(`--${name}`).trim();
    return {
        ink: color('ink'), soft: color('soft'), line: color('line'), edge: color('edge'), accent: color('accent'),
        wash: color('accent-wash'), bad: color('bad'), badWash: color('bad-wash'), paper: color('raised'),
    };
}

function fontFamily() {
    return getComputedStyle(document.body).fontFamily;
}

// Saving

/** The timeline and the figures below it, drawn anew at one size, whatever the window's. */
function picture() {
    const canvas = document.createElement('canvas');
    const [width, margin, scale] = [960, 32, 2];
    const shape = layout(lanes, records, { width: width - 2 * margin, seconds: settings.seconds, total: size });
    const tableTop = margin + 40 + shape.height + 24;
    const height = tableTop + 28 * (lanes.length + 1) + margin;
    canvas.width = width * scale;
    canvas.height = height * scale;
    const context = canvas.getContext('2d');
    const palette = colors();
    context.scale(scale, scale);
    context.fillStyle = palette.paper;
    context.fillRect(0, 0, width, height);
    context.fillStyle = palette.ink;
    context.font = `600 18px ${fontFamily()}`;
    context.fillText(`Freshet: one answer, four ways (${describe()})`, margin, margin + 12);
    context.save();
    context.translate(margin, margin + 40);
    draw(context, shape, palette, fontFamily());
    context.restore();
    const columns = [0, 190, 310, 430, 550, 670, 790];
    const rows = [['', 'first byte', 'first word', 'end', 'held at most', 'peak memory', 'outcome']];
    for (const { name, title } of lanes) {
        const record = records.get(name);
        if (!record) continue;
        rows.push([title, milliseconds(record.firstByte), milliseconds(record.firstWord), milliseconds(record.end),
            bytes(record.held), memory(record.memory), outcome(record, size)]);
    }
    context.textAlign = 'left';
    rows.forEach((cells, row) => cells.forEach((cell, column) => {
        context.font = `${row === 0 || column === 0 ? '600 ' : ''}13px ${fontFamily()}`;
        context.fillStyle = row === 0 ? palette.soft : palette.ink;
        context.fillText(cell, margin + columns[column], tableTop + 28 * row + 16);
    }));
    return new Promise((resolve) => canvas.toBlob(resolve, 'image/png'));
}

function describe() {
    const { holding, remedy, cut, seconds } = settings;
    const parts = [`${seconds} s, 2 MB`];
    if (holding !== '') parts.push(`proxy holds ${{ whole: 'all', '16k': '16 KB', '1s': '1 s' }[holding]}`);
    if (remedy !== '') parts.push(remedy === 'header' ? 'X-Accel-Buffering: no' : 'proxy_buffering off');
    if (cut) parts.push('connection cut');
    return parts.join(', ');
}

function save(blob, name) {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function element(name, className, text) {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.append(document.createTextNode(text));
    return made;
}
