import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const module = new URL('./heap.js', import.meta.url).href;

/** Asks for a large heap, and says how often it began, and with what: an object a line. */
const program = `
import { getHeapStatistics } from 'node:v8';
import { rerunWithLargeHeap } from '${module}';
if (!rerunWithLargeHeap()) {
  console.log(JSON.stringify({ limitMB: getHeapStatistics().heap_size_limit / 2 ** 20, last: process.argv[2] }));
  if (process.argv[2] === 'killed') process.kill(process.pid, 'SIGKILL');
  process.exitCode = 3;
}
`;

function run(flags: readonly string[], argument: string) {
  const directory = mkdtempSync(join(tmpdir(), 'anchorage-heap-'));
  try {
    const script = join(directory, 'program.mjs');
    writeFileSync(script, program);
    const env = { ...process.env, NODE_OPTIONS: '' };
    const { stdout, stderr, status } = spawnSync(process.execPath, [...flags, script, argument], {
      encoding: 'utf8',
      env,
    });
    return {
      said: stdout
        .trim()
        .split('\n')
        .map(line => JSON.parse(line)),
      stderr,
      status,
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('a large run has most of the memory as its heap, once, and ends as it would', () => {
  const { said, status } = run([], 'word');
  assert.equal(said.length, 1);
  assert.equal(said[0].last, 'word');
  assert.ok(said[0].limitMB > 0.5 * (Math.min(totalmem(), process.constrainedMemory() || totalmem()) / 2 ** 20));
  assert.equal(status, 3);
});

test('a limit that somebody set stays', () => {
  const { said, status } = run(['--max-old-space-size=300'], 'word');
  assert.equal(said.length, 1);
  assert.ok(said[0].limitMB < 1000);
  assert.equal(status, 3);
});

test('a large run that is ended says how', () => {
  const { stderr, status } = run([], 'killed');
  assert.match(stderr, /ended by SIGKILL, with a heap of \d+ MB/);
  assert.equal(status, 1);
});
