import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { filesBelow, functionsOf, readSource, root, type Source } from './sources.js';

const sources = [...filesBelow('src', '.ts'), ...filesBelow('test', '.ts'), ...filesBelow('bench', '.ts')].map(
  readSource,
);
const production = sources.filter(source => source.path.startsWith('src/') && !source.path.endsWith('.test.ts'));

/** An import points down this list, never up. */
const layers = ['base', 'wire', 'protocol', 'sim', 'scenario', 'linux', 'daemon', 'lab', 'cli'];
const pureLayers = ['base', 'wire', 'protocol', 'sim', 'scenario'];

function layerOf(path: string): string {
  return path.split('/')[1];
}

function report(offences: string[]): void {
  assert.equal(offences.length, 0, `\n${offences.join('\n')}`);
}

function occurrences(source: Source, pattern: RegExp): string[] {
  const found: string[] = [];
  source.code.split('\n').forEach((line, i) => {
    if (pattern.test(line)) found.push(`${source.path}:${i + 1}: ${line.trim()}`);
  });
  return found;
}

test('imports point down the layers', () => {
  const offences: string[] = [];
  for (const source of production) {
    const from = layers.indexOf(layerOf(source.path));
    if (from < 0) continue;
    for (const [, target] of source.text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)) {
      const path = join(dirname(source.path), target);
      const to = layers.indexOf(layerOf(path));
      if (to > from) offences.push(`${source.path} imports ${path}`);
      if (layerOf(source.path) === 'linux' && ['sim', 'scenario'].includes(layerOf(path)))
        offences.push(`${source.path} imports ${path}`);
    }
  }
  report(offences);
});

test('a protocol engine imports another scheme only through the shared cores', () => {
  const shared = ['anchor', 'gateway', 'mobile', 'access-router', 'security', 'aaa', 'dhcpv6', 'ndisc', 'sctp'];
  const offences: string[] = [];
  for (const source of production.filter(s => /^src\/protocol\/[^/]+\//.test(s.path))) {
    const own = source.path.split('/')[2];
    for (const [, target] of source.text.matchAll(/from '(\.[^']+)'/g)) {
      const parts = join(dirname(source.path), target).split('/');
      if (parts[1] !== 'protocol' || parts.length < 4 || parts[2] === own || shared.includes(parts[2])) continue;
      offences.push(`${source.path} imports ${target}`);
    }
  }
  report(offences);
});

test('pure layers use no ambient clock, randomness, timer or host', () => {
  const banned =
    /\b(Date\.now|new Date\(\)|Math\.random|performance\.|setTimeout|setInterval|setImmediate|queueMicrotask|process\.|console\.|require\(|globalThis)/;
  report(production.filter(s => pureLayers.includes(layerOf(s.path))).flatMap(s => occurrences(s, banned)));
  report(
    production
      .filter(s => pureLayers.includes(layerOf(s.path)))
      .filter(s => /from 'node:/.test(s.text))
      .map(s => s.path),
  );
});

test('no any outside the codec kernel, no enums', () => {
  report(
    production
      .filter(s => !s.path.startsWith('src/wire/codec/'))
      .flatMap(s => occurrences(s, /[:<(,|]\s*any\b|\bas any\b/)),
  );
  report(production.flatMap(s => occurrences(s, /^\s*(export\s+)?(declare\s+)?(const\s+)?enum\s/)));
});

test('BigInt and DataView stay where they are needed', () => {
  report(
    production
      .filter(s => ['wire', 'protocol', 'sim'].includes(layerOf(s.path)) && !s.path.startsWith('src/wire/pcapng/'))
      .flatMap(s => occurrences(s, /\bBigInt\b|\b\d+n\b/)),
  );
  const mayUseDataView = /^src\/(wire\/codec|wire\/pcapng|sim\/traffic|linux|lab)\//;
  report(production.filter(s => !mayUseDataView.test(s.path)).flatMap(s => occurrences(s, /\bDataView\b/)));
});

interface Ratchet {
  readonly files: Readonly<Record<string, number>>;
  readonly functions: Readonly<Record<string, number>>;
}

test('files stay under 400 lines and functions under 60, or under what the ratchet recorded', () => {
  const ratchet = JSON.parse(readFileSync(join(root, 'test/tidy/ratchet.json'), 'utf8')) as Ratchet;
  const offences: string[] = [];
  for (const source of production) {
    const lines = source.text.split('\n').length;
    const limit = ratchet.files[source.path] ?? 400;
    if (lines > limit) offences.push(`${source.path}: ${lines} lines, at most ${limit}`);
    for (const f of functionsOf(source)) {
      const key = `${source.path}:${f.name}`;
      const most = ratchet.functions[key] ?? 60;
      if (f.lines > most) offences.push(`${key} (line ${f.line}): ${f.lines} lines, at most ${most}`);
    }
  }
  report(offences);
});

test('the ratchet names nothing that is gone or within the limits', () => {
  const ratchet = JSON.parse(readFileSync(join(root, 'test/tidy/ratchet.json'), 'utf8')) as Ratchet;
  const offences: string[] = [];
  for (const [path, limit] of Object.entries(ratchet.files)) {
    const source = production.find(s => s.path === path);
    if (!source || source.text.split('\n').length <= 400) offences.push(`${path} needs no entry`);
    else if (source.text.split('\n').length < limit)
      offences.push(`${path}: lower the entry to ${source.text.split('\n').length}`);
  }
  for (const key of Object.keys(ratchet.functions)) {
    const [path, name] = key.split(':');
    const source = production.find(s => s.path === path);
    const longest = source
      ? Math.max(
          0,
          ...functionsOf(source)
            .filter(f => f.name === name)
            .map(f => f.lines),
        )
      : 0;
    if (longest <= 60) offences.push(`${key} needs no entry`);
  }
  report(offences);
});

interface ConformanceRow {
  readonly id: string;
  readonly status: string;
  readonly evidence: string;
}

function conformance(): ConformanceRow[] {
  const lines = readFileSync(join(root, 'docs/conformance.tsv'), 'utf8').trimEnd().split('\n').slice(1);
  return lines.map(line => {
    const columns = line.split('\t');
    return { id: columns[0], status: columns[5], evidence: columns[6] ?? '' };
  });
}

test('every row of docs/conformance.tsv says done with a test that exists, or a reason', () => {
  const offences: string[] = [];
  for (const row of conformance()) {
    if (!['done', 'not yet', 'not applicable'].includes(row.status)) offences.push(`${row.id}: status '${row.status}'`);
    else if (row.status === 'done') offences.push(...missingTests(row));
    else if (row.evidence.trim() === '') offences.push(`${row.id}: ${row.status} without a reason`);
  }
  report(offences);
});

/** Evidence of a done row: `file: test name` pairs, separated by ` ; `. */
function missingTests(row: ConformanceRow): string[] {
  if (row.evidence === '') return [`${row.id}: done without a test`];
  return row.evidence.split(' ; ').flatMap(pair => {
    const [path, name] = [pair.slice(0, pair.indexOf(': ')), pair.slice(pair.indexOf(': ') + 2)];
    const source = sources.find(s => s.path === path);
    if (!source) return [`${row.id}: no file ${path}`];
    return testNames(source).includes(name) ? [] : [`${row.id}: no test '${name}' in ${path}`];
  });
}

test('every attack in docs/security.md names tests that exist', () => {
  const text = readFileSync(join(root, 'docs/security.md'), 'utf8');
  const offences: string[] = [];
  for (const line of text.split('\n').filter(row => row.includes('.test.ts`')))
    for (const evidence of line.replace(/^\|[^|]*\| | \|$/g, '').split('<br>')) {
      const [, path, name] = /^`([^`]+)`: (.+)$/.exec(evidence) ?? [];
      const source = sources.find(s => s.path === path);
      if (!source || !testNames(source).includes(name)) offences.push(evidence);
    }
  report(offences);
  assert.ok(text.includes('.test.ts`'));
});

export function testNames(source: Source): string[] {
  const names: string[] = [];
  for (const [, , single, double, template] of source.text.matchAll(
    /\b(test|it|describe|labTest)\(\s*(?:'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)"|`((?:\\.|[^`\\])*)`)/g,
  ))
    names.push((single ?? double ?? template).replace(/\\(.)/g, '$1'));
  return names;
}

test('relative links in the documents lead somewhere', () => {
  const offences: string[] = [];
  for (const path of ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...filesBelow('docs', '.md')]) {
    const text = readFileSync(join(root, path), 'utf8');
    for (const [, target] of text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g))
      if (!/^[a-z]+:/.test(target) && !existsSync(join(root, dirname(path), target)))
        offences.push(`${path}: ${target}`);
  }
  report(offences);
});

test('package-lock.json names no registry host', () => {
  assert.doesNotMatch(readFileSync(join(root, 'package-lock.json'), 'utf8'), /"resolved":\s*"https?:/);
});
