import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const served = (name) => new URL(`../../Sources/FreshetServer/Browser/Modules/${name}.js`, import.meta.url);
const source = (name) => new URL(`../../clients/browser/${name}`, import.meta.url);
const manifest = JSON.parse(readFileSync(source('package.json'), 'utf8'));

test('what is served is small', () => {
    for (const [name, most] of [['freshet', 6 * 1024], ['freshet-text', 9 * 1024]]) {
        const { length } = gzipSync(readFileSync(served(name)), { level: 9 });
        assert.ok(length <= most, `${name}: ${length} bytes`);
    }
});

test('what is served is made of the sources', () => {
    const script = fileURLToPath(new URL('../../scripts/lib/browser-modules.mjs', import.meta.url));
    const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
});

test('what is served offers what the sources do, and works', async () => {
    for (const name of ['freshet', 'freshet-text']) {
        assert.deepEqual(Object.keys(await import(served(name))).sort(), Object.keys(await import(source(`${name}.js`))).sort());
    }
    const { PartialJSON } = await import(served('freshet-text'));
    const parser = new PartialJSON();
    parser.parse('{"a":["b\\u00e9');
    assert.equal(JSON.stringify(parser.value), '{"a":["bé"]}');
});

test('the version is the program\'s', () => {
    const swift = readFileSync(new URL('../../Sources/FreshetServer/Service/FreshetVersion.swift', import.meta.url), 'utf8');
    assert.equal(/number = "([^"]*)"/.exec(swift)[1], manifest.version);
});
