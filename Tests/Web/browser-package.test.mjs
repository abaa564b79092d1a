// The package `clients/browser`: what its manifest has npm send, and what its declarations say of it.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import * as reading from '../../clients/browser/freshet.js';
import * as showing from '../../clients/browser/freshet-text.js';
import { providers } from '../../clients/browser/text/providers.js';
import { FakeDocument } from './fakes.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const sources = join(root, 'clients/browser');
const textOf = (name) => readFileSync(join(sources, name), 'utf8');
const manifest = JSON.parse(textOf('package.json'));

/** The names of a text that a pattern finds, each once. */
const named = (text, pattern) => [...new Set([...text.matchAll(pattern)].map(([, name]) => name))].sort();

/** The body of an exported class or interface. */
const bodyOf = (declared, name) => new RegExp(`^export (?:class|interface) ${name}\\b[^{]*\\{\\n(.*?)^\\}`, 'ms').exec(declared)[1];

const members = (declared, name) => named(bodyOf(declared, name), /^  (?:static |readonly |[gs]et )*(?!constructor\b)(\[[\w.]+\]|\w+)[?(<:]/gm);

/** What somebody who has an object can name of it; `type` is its class where that has names of its own. */
function publicNames(object, type) {
    const own = [object, Object.getPrototypeOf(object)].flatMap((part) => Reflect.ownKeys(part)).filter((name) => name !== 'constructor');
    const all = [...own, ...(type ? Reflect.ownKeys(type).filter((name) => !['length', 'name', 'prototype'].includes(name)) : [])];
    const names = all.filter((name) => typeof name === 'string' || name === Symbol.asyncIterator)
        .map((name) => (typeof name === 'string' ? name : `[${name.description}]`));
    return [...new Set(names)].sort();
}

/** Runs a module in a folder that has the package as npm would lay it there, and nothing else. */
function installed(program) {
    const folder = mkdtempSync(join(tmpdir(), 'freshet-package-'));
    try {
        const place = join(folder, 'node_modules/freshet');
        mkdirSync(place, { recursive: true });
        const packed = execFileSync('tar', ['-c', '-C', sources, 'package.json', ...manifest.files]);
        execFileSync('tar', ['-x', '-C', place], { input: packed });
        const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
            cwd: folder, encoding: 'utf8', timeout: 120_000,
        });
        assert.equal(status, 0, stderr);
        return JSON.parse(stdout);
    } finally {
        rmSync(folder, { recursive: true });
    }
}

test('the manifest has what npm asks of a package that it publishes', () => {
    assert.match(manifest.name, /^[a-z][a-z-]*$/);
    assert.match(manifest.version, /^\d+\.\d+\.\d+(-[\w.]+)?$/);
    assert.equal(manifest.license, 'Apache-2.0');
    assert.equal(manifest.repository.directory, 'clients/browser');
    assert.match(manifest.repository.url, /^git\+https:\/\/.*\.git$/);
    // What it would run, fetch or refuse.
    for (const key of ['private', 'scripts', 'dependencies', 'peerDependencies', 'bundleDependencies']) assert.ok(!(key in manifest), key);
    assert.equal(textOf('LICENSE'), readFileSync(join(root, 'LICENSE'), 'utf8'));
});

test('everything that the folder has is packed, and whatever the manifest names is there', () => {
    assert.deepEqual(readdirSync(sources).sort(), ['package.json', ...manifest.files].sort());
    const { '.': main, './text': text } = manifest.exports;
    assert.deepEqual([manifest.main, manifest.types, manifest.typesVersions['*'].text], [main.default, main.types, [text.types]]);
    for (const path of [...Object.values(main), ...Object.values(text)]) assert.ok(existsSync(join(sources, path)), path);
});

test('what is packed is imported by its names, in a program without a page, and reads', () => {
    const result = installed(`
        import { createServer } from 'node:http';
        import { createRequire } from 'node:module';
        import * as reading from 'freshet';
        import * as showing from 'freshet/text';

        const { version } = createRequire(process.cwd() + '/')('freshet/package.json');
        const inside = await import('freshet/reading/source.js').catch(({ code }) => code);
        const server = createServer((request, response) => {
            response.writeHead(200, { 'Content-Type': 'text/event-stream' });
            response.end('id: 1\\ndata: Hello\\n\\nid: 2\\nevent: end\\ndata: {"reason":"done"}\\n\\n');
        });
        await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
        const events = [];
        for await (const event of new reading.FreshetSource('http://127.0.0.1:' + server.address().port)) {
            events.push([event.type, event.data, event.lastEventId]);
        }
        server.close();
        console.log(JSON.stringify({ names: [Object.keys(reading), Object.keys(showing)], version, inside, events }));
    `);
    assert.deepEqual(result.names, [Object.keys(reading), Object.keys(showing)]);
    assert.deepEqual(result.events, [['message', 'Hello', '1'], ['end', '{"reason":"done"}', '2']]);
    assert.deepEqual([result.version, result.inside], [manifest.version, 'ERR_PACKAGE_PATH_NOT_EXPORTED']);
});

test('the declarations have each name that is exported, and no other', () => {
    for (const [name, module] of [['freshet', reading], ['freshet-text', showing]]) {
        assert.deepEqual(named(textOf(`${name}.d.ts`), /^export (?:function|class|const|let) (\w+)/gm), Object.keys(module).sort(), name);
    }
});

test('the declarations have each member of what is exported, and no other', () => {
    const source = new reading.FreshetSource('http://127.0.0.1/', {}, { ...globalThis, fetch: () => new Promise(() => {}) });
    source.close();
    assert.deepEqual(
        members(textOf('freshet.d.ts'), 'FreshetSource'),
        // What an EventTarget has is declared once more, for the types of its events.
        [...publicNames(source, reading.FreshetSource), 'addEventListener', 'removeEventListener'].sort(),
    );
    const declared = textOf('freshet-text.d.ts');
    assert.deepEqual(members(declared, 'PartialJSON'), publicNames(new showing.PartialJSON()));
    const answer = showing.text(new FakeDocument().createElement('main'), 'ollama', { frame: () => {} });
    assert.deepEqual(members(declared, 'Answer'), publicNames(answer));
    answer.take({ data: { message: { tool_calls: [{ function: { name: 'weather', arguments: { city: 'Bern' } } }] } } });
    // What draws it is for its own module.
    assert.deepEqual(members(declared, 'Tool'), publicNames(answer.tools[0]).filter((name) => name !== 'code' && name !== 'add'));
});

test('the declarations have each option that is read, and no other', () => {
    const inSource = textOf('reading/source.js');
    const taken = [...inSource.matchAll(/const \{([^}]*)\} = this\.#options;/g)].flatMap(([, names]) => names.match(/\w+(?=,|$| =| $)/g));
    assert.deepEqual(
        members(textOf('freshet.d.ts'), 'FreshetSourceOptions'),
        [...new Set([...taken.filter((name) => name !== 'true'), ...named(inSource, /\boptions\.(\w+)/g)])].sort(),
    );
    const read = new Set();
    const options = new Proxy({ frame: () => {} }, {
        get(target, name) {
            read.add(name);
            return target[name];
        },
    });
    const node = new FakeDocument().createElement('main');
    const answer = showing.text(node, 'ollama', options);
    answer.take({ data: { message: { content: 'a\n\nb', tool_calls: [{ function: { name: 'weather', arguments: {} } }] } } });
    answer.finish();
    read.add(/copyCode\(button, options\.(\w+)\)/.exec(textOf('text/answer.js'))[1]);
    assert.deepEqual(members(textOf('freshet-text.d.ts'), 'TextOptions'), [...read].sort());
});

test('the declarations have each provider', () => {
    const [, declared] = /^export type Provider = (.*);$/m.exec(textOf('freshet-text.d.ts'));
    assert.deepEqual(named(declared, /'(\w+)'/g), Object.keys(providers).sort());
});
