import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readCapture } from '../wire/pcapng/reader.js';

const main = fileURLToPath(new URL('./main.js', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'anchorage-'));
after(() => rmSync(directory, { recursive: true }));

function anchorage(...args: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });
  return { code: status, out: stdout, err: stderr };
}

/** Fewer packets: what is tested is the command. */
const quick = ['--set', 'intervalMs=10'];

test('compare prints a row a scheme within 100 columns and writes a report', () => {
  const out = join(directory, 'compare');
  const { code, out: text, err } = anchorage('compare', ...quick, '--out', out);
  assert.equal(err, '');
  assert.equal(code, 0);
  const lines = text.split('\n');
  for (const scheme of ['none', 'pmip6', 'lmm'])
    assert.ok(
      lines.some(line => line.startsWith(`${scheme} `)),
      scheme,
    );
  for (const line of lines) assert.ok([...line].length <= 100, line);
  assert.match(text, new RegExp(`report: ${out}/report.html`));
  assert.ok(existsSync(join(out, 'report.html')));
});

test('compare --json prints what the issue of results promises', () => {
  const args = ['compare', 'comparison', '--scheme', 'lmm,none', '--json', ...quick, '--out', join(directory, 'json')];
  const { code, out } = anchorage(...args);
  assert.equal(code, 0);
  const results = JSON.parse(out) as Record<string, unknown>[];
  assert.deepEqual(
    results.map(result => result.scheme),
    ['lmm', 'none'],
  );
  const [lmm, none] = results;
  for (const key of ['airBytes', 'wiredBytes', 'tunnelBytesPerPacket', 'stretch'])
    assert.equal(typeof lmm[key], 'number', key);
  const [handover] = lmm.handovers as Record<string, unknown>[];
  assert.equal(handover.kind, 'intra-anchor');
  assert.equal(handover.atMs, 4000.5);
  assert.equal(handover.closedFormMs, 82);
  assert.equal(typeof handover.gapMs, 'number');
  assert.equal(typeof handover.lost, 'number');
  assert.equal((none.handovers as Record<string, unknown>[])[0].gapMs, null);
});

test('run writes a trace, a capture and a report, the same for the same seed', () => {
  const files = ['trace.jsonl', 'capture.pcapng', 'report.html'];
  const outs = ['first', 'second'].map(name => join(directory, name));
  for (const out of outs) {
    const { code, err } = anchorage('run', 'comparison', '--scheme', 'pmip6', '--seed', '7', ...quick, '--out', out);
    assert.equal(err, '');
    assert.equal(code, 0);
  }
  for (const file of files.slice(0, 2))
    assert.ok(readFileSync(join(outs[0], file)).equals(readFileSync(join(outs[1], file))), file);
  const lines = readFileSync(join(outs[0], 'trace.jsonl'), 'utf8').trimEnd().split('\n');
  assert.ok(lines.every(line => typeof (JSON.parse(line) as { at: unknown }).at === 'number'));
  assert.ok([...readCapture(readFileSync(join(outs[0], 'capture.pcapng')))].length > 100);
  assert.ok(existsSync(join(outs[0], 'report.html')));
});

/** What is left of a continent. */
const village = ['anchors=4', 'accessRouters=12', 'mobiles=40', 'durationMs=30000', 'arrivalMs=5000', 'callMs=5000'];
const small = village.flatMap(setting => ['--set', setting]);

test('run --totals writes no files and says what the machine gave', () => {
  const out = join(directory, 'totals');
  const {
    code,
    out: text,
    err,
  } = anchorage('run', 'continent', '--scheme', 'dlma', '--totals', ...small, '--out', out);
  assert.equal(err, '');
  assert.equal(code, 0);
  assert.match(text, /^anchors, access routers, mobiles +4, 12, 40$/m);
  assert.match(text, /^wall clock +\d+\.\d s$/m);
  assert.match(text, /^memory +\d+ MB at most$/m);
  assert.ok(!existsSync(out));
});

test('run keeps totals alone of more than a thousand mobiles', () => {
  const many = ['--set', 'mobiles=1001', '--set', 'moves=0', '--set', 'calls=0'];
  const { out } = anchorage('run', 'continent', '--scheme', 'none', ...small, ...many, '--json');
  const { mobiles, cost } = JSON.parse(out) as { mobiles: number; cost: Record<string, number> };
  assert.equal(mobiles, 1001);
  for (const key of ['wallS', 'processorS', 'memoryMB']) assert.ok(cost[key] > 0, key);
});

test('signalling counts messages of domains of several sizes and draws them', () => {
  const out = join(directory, 'signalling');
  const sizes = ['--mobiles', '10,20', '--anchors', '2,4'];
  const {
    code,
    out: text,
    err,
  } = anchorage('signalling', ...sizes, ...village.slice(1).flatMap(s => ['--set', s]), '--out', out);
  assert.equal(err, '');
  assert.equal(code, 0);
  assert.equal(text.match(/^ +(10|20) /gm)?.length, 3);
  assert.match(
    readFileSync(join(out, 'signalling.html'), 'utf8'),
    /anchorage signalling continent --mobiles 10,20 --anchors 2,4 /,
  );
});

test('another seed gives another run', () => {
  const traces = ['1', '2'].map(seed => {
    const out = join(directory, `seed-${seed}`);
    anchorage('run', 'comparison', '--scheme', 'none', '--seed', seed, ...quick, '--out', out);
    return readFileSync(join(out, 'trace.jsonl'), 'utf8');
  });
  assert.notEqual(traces[0], traces[1]);
});

test('a bad scenario is told plainly, every problem with file and line, and exits with 2', () => {
  const file = join(directory, 'bad.yaml');
  writeFileSync(file, 'durationMs: -1\nnodes:\n  a: { role: rooter }\nlinks: []\n');
  const { code, out, err } = anchorage('compare', file);
  assert.equal(code, 2);
  assert.equal(out, '');
  assert.deepEqual(err.trimEnd().split('\n'), [
    `${file}:1: durationMs: a number above 0, not -1`,
    `${file}:3: nodes.a.role: one of router, correspondent, dhcp-server, pmip-client, anchor, home-agent, access, mobile`,
  ]);
});

test('usage errors exit with 2 and say what there is', () => {
  const cases: [string[], RegExp][] = [
    [['compare', 'nowhere.yaml'], /^nowhere\.yaml: a scenario file/],
    [['compare', '--set', 'radioMs'], /wants name=number/],
    [['compare', '--set', 'radio=1'], /--set: radio: a parameter of .*comparison\.yaml; known: radioMs/],
    [['compare', '--scheme', 'lmm,mipv9'], /no scheme 'mipv9'; known: .*lmm/],
    [['run', 'comparison'], /required option '--scheme/],
    [['run', 'comparison', '--scheme', 'lmm', '--seed', '-1'], /whole number/],
    [['compare', '--out', main], /--out .*main\.js: a directory that can be written: ENOTDIR/],
    [['run', 'comparison', '--scheme', 'lmm', '--out', '/proc/none'], /--out \/proc\/none: a directory/],
    [['decode', directory], /: a pcapng or pcap file: EISDIR/],
    [['signalling', '--mobiles', '10,many'], /wants whole numbers above 0/],
    [['signalling', 'comparison'], /--set: mobiles: a parameter of .*comparison\.yaml/],
    [['fly'], /unknown command 'fly'/],
  ];
  for (const [args, expected] of cases) {
    const { code, err } = anchorage(...args);
    assert.equal(code, 2, args.join(' '));
    assert.match(err, expected);
    assert.doesNotMatch(err, / at .*\.js/);
  }
});

test('help and version exit with 0', () => {
  assert.match(anchorage('--help').out, /compare \[options\] \[scenario\]/);
  assert.equal(anchorage('--help').code, 0);
  assert.match(anchorage('--version').out, /^\d+\.\d+\.\d+\n$/);
  assert.match(anchorage('compare', '--help').out, /--set <name=value>/);
});

test('schemes lists them, as a table or as data', () => {
  assert.match(anchorage('schemes').out, /^pmip6 +Proxy Mobile IPv6/m);
  const rows = JSON.parse(anchorage('schemes', '--json').out) as { name: string }[];
  assert.ok(rows.some(({ name }) => name === 'lmm'));
});

test('a reader that goes away ends the program quietly', async () => {
  const child = spawn(process.execPath, [main, 'decode', join(directory, 'first', 'capture.pcapng')]);
  let err = '';
  child.stderr.on('data', data => {
    err += data;
  });
  child.stdout.once('data', () => child.stdout.destroy());
  const [code] = await once(child, 'close');
  assert.equal(err, '');
  assert.equal(code, 0);
});
