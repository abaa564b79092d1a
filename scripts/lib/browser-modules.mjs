// Makes what servers serve of the browser modules: one file each, without comments and blanks.
//
//   node scripts/lib/browser-modules.mjs            writes Sources/FreshetServer/Browser/Modules
//   node scripts/lib/browser-modules.mjs --check    fails if what is there is not made of these sources
//
// Needs `esbuild` and `terser` (Debian has both) to write; to check, only node.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const sources = join(root, 'clients/browser');
const made = join(root, 'Sources/FreshetServer/Browser/Modules');
const { version } = JSON.parse(readFileSync(join(sources, 'package.json'), 'utf8'));

const imported = /^import (?:\{[^}]*\} from )?'(\.[^']+)';\n/gm;

/** The files of a module, each after those that it imports. */
function files(path, found = []) {
    if (found.includes(path)) return found;
    const text = readFileSync(path, 'utf8');
    for (const [, name] of text.matchAll(/^(?:import|export)[^;]*?from '(\.[^']+)';$/gm)) files(resolve(dirname(path), name), found);
    found.push(path);
    return found;
}

/** One module of all files, which must not give two things one name. */
function joined(entry) {
    const paths = files(entry);
    const names = new Set();
    const parts = paths.map((path) => {
        const text = readFileSync(path, 'utf8');
        if (path === entry) {
            return text.replace(/^export (\{[^}]*\}) from '[^']*';$/gm, 'export $1;');
        }
        const inside = text.replace(imported, '').replace(/^export (?=(async )?(function|class|const)\b)/gm, '');
        for (const [, name] of inside.matchAll(/^(?:async )?(?:function|class|const|let) (\w+)/gm)) {
            if (names.has(name)) throw new Error(`${path}: there are two of ${name}`);
            names.add(name);
        }
        return inside;
    });
    const digest = createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 16);
    return { text: parts.join('\n'), digest };
}

function run(program, options, input) {
    // The modules of Debian's terser are where another node than Debian's does not look.
    const env = { NODE_PATH: '/usr/share/nodejs', ...process.env };
    const { error, status, stdout, stderr } = spawnSync(program, options, { input, encoding: 'utf8', env });
    if (error || status !== 0) throw new Error(`${program}: ${error ?? stderr}`);
    return stdout;
}

let isCurrent = true;
for (const name of ['freshet', 'freshet-text']) {
    const { text, digest } = joined(join(sources, `${name}.js`));
    const target = join(made, `${name}.js`);
    const head = `/*! ${name} ${version} Apache-2.0 ${digest} */\n`;
    if (process.argv.includes('--check')) {
        const there = readFileSync(target, 'utf8');
        if (!there.startsWith(head)) {
            isCurrent = false;
            console.error(`${target} is not what the sources make: run node scripts/lib/browser-modules.mjs`);
        }
        continue;
    }
    const short = run('esbuild', ['--minify', '--format=esm', '--target=esnext'], text);
    const shorter = run('terser', ['--module', '--ecma', '2022', '--compress', 'passes=2,unsafe_arrows=true,sequences=false', '--mangle'], short);
    writeFileSync(target, head + shorter);
}
process.exit(isCurrent ? 0 : 1);
