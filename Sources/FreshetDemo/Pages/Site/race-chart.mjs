// The timeline of the race: one row a lane, the share of the answer that is shown against time.

/** Where everything stands on a chart of this size, without drawing it. */
export function layout(lanes, records, { width, seconds, total }) {
    const isNarrow = width < 520;
    const rowHeight = isNarrow ? 72 : 60;
    const height = isNarrow ? 38 : 40;
    const left = isNarrow ? 8 : 132;
    const right = 12;
    const latest = Math.max(...[...records.values()].map((record) => record.end ?? record.elapsed), 0);
    const span = Math.max(seconds * 1100, latest * 1.02);
    const x = (time) => left + (time / span) * (width - left - right);
    const rows = lanes.map(({ name, title }, index) => {
        const record = records.get(name);
        const base = (index + 1) * rowHeight - 10;
        const y = (shown) => base - Math.min(1, shown / total) * height;
        const row = { name, title, base, height, line: [], arrivals: [], marks: [], breaks: [], until: left };
        if (!record) return row;
        const until = record.end ?? record.elapsed;
        row.until = x(until);
        row.line.push([x(0), base]);
        let before = 0;
        for (const [time, shown] of record.points) {
            // What is shown at once is a step, not a slope.
            row.line.push([x(time), y(before)], [x(time), y(shown)]);
            before = shown;
        }
        row.line.push([x(until), y(before)]);
        if (record.firstByte !== null) row.marks.push({ kind: 'byte', x: x(record.firstByte), y: base });
        if (record.firstWord !== null) row.marks.push({ kind: 'word', x: x(record.firstWord), y: base });
        row.arrivals = record.points.map(([time]) => x(time));
        row.breaks = record.breaks.map(x);
        row.state = record.state;
        return row;
    });
    const axis = lanes.length * rowHeight;
    const step = span > 16_000 ? 4_000 : span > 8_000 ? 2_000 : span > 3_000 ? 1_000 : 500;
    const ticks = [];
    for (let time = 0; time <= span; time += step) ticks.push({ x: x(time), label: `${time / 1000} s` });
    return { width, height: axis + 48, left, right: width - right, axis, rows, ticks, isNarrow };
}

/** Draws what `layout` says. `colors`: ink, soft, line, accent, wash, bad, paper; `font`: a font family. */
export function draw(context, { width, height, left, right, axis, rows, ticks, isNarrow }, colors, font) {
    context.fillStyle = colors.paper;
    context.fillRect(0, 0, width, height);
    context.lineJoin = 'round';
    context.font = `12px ${font}`;
    context.textBaseline = 'alphabetic';
    for (const tick of ticks) {
        context.strokeStyle = colors.line;
        context.lineWidth = 1;
        stroke(context, [[tick.x, 8], [tick.x, axis]]);
        context.fillStyle = colors.soft;
        context.textAlign = tick.x < left + 12 ? 'left' : 'center';
        if (tick.x < right - 8) context.fillText(tick.label, tick.x, axis + 14);
    }
    for (const row of rows) {
        context.textAlign = 'left';
        context.fillStyle = colors.ink;
        context.font = `600 13px ${font}`;
        context.fillText(row.title, isNarrow ? left : 0, isNarrow ? row.base - row.height - 6 : row.base - 12);
        context.strokeStyle = colors.edge;
        context.lineWidth = 1;
        stroke(context, [[left, row.base], [right, row.base]]);
        if (row.line.length === 0) continue;
        const tone = row.state === 'lost' ? colors.bad : colors.accent;
        context.fillStyle = row.state === 'lost' ? colors.badWash : colors.wash;
        context.beginPath();
        row.line.forEach(([x, y], index) => (index === 0 ? context.moveTo(x, y) : context.lineTo(x, y)));
        context.lineTo(row.until, row.base);
        context.fill();
        context.strokeStyle = tone;
        context.lineWidth = 2;
        stroke(context, row.line);
        // A word more is too little to see on a line that rises to 2 MB: each arrival has a tick of its own.
        context.lineWidth = 1;
        for (const x of row.arrivals) stroke(context, [[x, row.base + 2], [x, row.base + 7]]);
        context.lineWidth = 2;
        for (const mark of row.marks) {
            context.beginPath();
            context.arc(mark.x, mark.y, mark.kind === 'word' ? 5 : 4, 0, 2 * Math.PI);
            context.fillStyle = mark.kind === 'word' ? tone : colors.paper;
            context.fill();
            context.strokeStyle = tone;
            context.stroke();
        }
        for (const x of row.breaks) {
            context.strokeStyle = colors.bad;
            stroke(context, [[x - 5, row.base - 5], [x + 5, row.base + 5]]);
            stroke(context, [[x - 5, row.base + 5], [x + 5, row.base - 5]]);
        }
    }
    legend(context, left, axis + 40, colors, font);
}

function legend(context, left, y, colors, font) {
    context.font = `12px ${font}`;
    context.textAlign = 'left';
    let x = left;
    for (const [kind, text] of [['byte', 'first byte'], ['word', 'first word'], ['break', 'connection cut']]) {
        context.strokeStyle = kind === 'break' ? colors.bad : colors.accent;
        context.lineWidth = 2;
        if (kind === 'break') {
            stroke(context, [[x + 1, y - 8], [x + 9, y]]);
            stroke(context, [[x + 1, y], [x + 9, y - 8]]);
        } else {
            context.beginPath();
            context.arc(x + 5, y - 4, 4, 0, 2 * Math.PI);
            context.fillStyle = kind === 'word' ? colors.accent : colors.paper;
            context.fill();
            context.stroke();
        }
        context.fillStyle = colors.soft;
        context.fillText(text, x + 15, y);
        x += 30 + context.measureText(text).width;
    }
}

function stroke(context, points) {
    context.beginPath();
    points.forEach(([x, y], index) => (index === 0 ? context.moveTo(x, y) : context.lineTo(x, y)));
    context.stroke();
}
