import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureOf } from './explain.js';
import { generate } from './generate.js';
import { runSchedule } from './run.js';

const seeds = Array.from({ length: 150 }, (_, i) => i + 1);

test('gundavelli §6.4 [G00-6.4-05]: through random moves and faults, entries are where the mobile is and packets find it', () => {
  for (const seed of seeds) assert.equal(failureOf(seed, 'lmm'), undefined);
});

test('RFC 5213 §5, §6: through random moves and faults, entries are where the mobile is and packets find it', () => {
  for (const seed of seeds) assert.equal(failureOf(seed, 'pmip6'), undefined);
});

test('S02-4.2-04: netlmm: through random moves and faults, in whatever order Triggers come, bindings are where the mobile is and packets find it', () => {
  for (const seed of seeds.slice(0, 40)) assert.equal(failureOf(seed, 'netlmm'), undefined);
});

test('S02-4.2-1-02: netlmm-ct: through random moves, foreseen or not, and faults, bindings are where the mobile is and nothing of a transfer is left', () => {
  for (const seed of seeds.slice(0, 20)) assert.equal(failureOf(seed, 'netlmm-ct'), undefined);
});

test('draft-chan §4.4, §6.4: through random moves, of both ends at once, and faults, no packet goes round, what LMAs know of a mobile is right in the end, and packets find it', () => {
  for (const seed of seeds.slice(0, 25)) assert.equal(failureOf(seed, 'dlma'), undefined);
});

test('draft-chan §5.1.2, §5.1.3, §5.4: the same where gateways tunnel to each other, and the previous one sends on', () => {
  for (const seed of seeds.slice(0, 20)) assert.equal(failureOf(seed, 'dlma-bypass'), undefined);
});

test('a schedule runs the same way every time', () => {
  const traceOf = (seed: number) => {
    const trace: string[] = [];
    runSchedule(generate(seed, 'lmm'), {
      onTrace: ({ at, node, event }) => trace.push(`${at} ${node} ${event.event}`),
    });
    return trace;
  };
  assert.deepEqual(traceOf(7), traceOf(7));
});
