import assert from 'node:assert/strict';
import { test } from 'node:test';
import { handoverColumns } from './handover-columns.js';
import type { HandoverResult, SchemeResult } from './result.js';

function handover(gapMs: number | null, kind: HandoverResult['kind'] = 'intra-anchor'): HandoverResult {
  const rest = { closedFormLost: null, uplink: null, tcpStallMs: null, closedFormMs: 5 };
  return { mobile: 'mn', kind, from: 'a', to: 'b', atMs: 0, gapMs, lost: 10, ...rest };
}

function result(handovers: readonly HandoverResult[]): SchemeResult {
  const totals = { airBytes: 0, wiredBytes: 0, tunnelBytesPerPacket: 0, stretch: 1, outOfOrder: 0, duplicates: 0 };
  return { scheme: 's', title: 'S', handovers, ...totals };
}

test('a few handovers have a column each', () => {
  const columns = handoverColumns([result([handover(1), handover(2)]), result([handover(3), handover(null)])]);
  assert.deepEqual(
    columns.map(({ title, many, of }) => [title, many, of.map(one => one.gapMs)]),
    [
      ['a → b', false, [1, 3]],
      ['a → b', false, [2, null]],
    ],
  );
  assert.deepEqual(handoverColumns([]), []);
});

test('many have a column a kind: medians of times, of which one that never ended is the longest, and the sum of losses', () => {
  const far = handover(50, 'inter-anchor');
  const kept = result([handover(3), handover(null), handover(1), handover(2), far]);
  const broken = result([handover(null), handover(null), handover(null), handover(2), far]);
  const columns = handoverColumns([kept, broken]);
  assert.deepEqual(
    columns.map(({ kind, title, many, of }) => [kind, title, many, of.map(one => [one.gapMs, one.lost])]),
    [
      [
        'intra-anchor',
        '4 handovers',
        true,
        [
          [2, 40],
          [null, 40],
        ],
      ],
      [
        'inter-anchor',
        '1 handover',
        true,
        [
          [50, 10],
          [50, 10],
        ],
      ],
    ],
  );
});
