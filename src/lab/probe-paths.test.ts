import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAddress, parseAddress } from '../base/address.js';
import type { ProbePacket } from './probe.js';
import { downlinkPaths } from './probe-paths.js';

const down = (sequence: number, timeMs: number, ends?: string): ProbePacket => {
  const [from, to] = (ends ?? '').split(' ').map(end => (end === '' ? undefined : parseAddress(end)));
  return { direction: 'down', sequence, timeMs, ...(from && to && { tunnel: { from, to } }) };
};

test('lab measure: the first packet after a move and the last before the next show the tunnels they came through, in order', () => {
  const moves = [100, 200].map(downMs => ({ mobile: 'mn', from: 'ar1', to: 'ar2', downMs, upMs: downMs + 10 }));
  const mobile = [
    down(1, 105),
    down(2, 120),
    down(3, 150),
    down(4, 190),
    { ...down(5, 195), direction: 'up' as const },
  ];
  const wires = [
    down(1, 104, '::9 ::9'),
    down(2, 116),
    down(2, 119, '::1 ::2'),
    down(2, 117, '::3 ::1'),
    down(2, 118, '::3 ::1'),
    down(3, 149, '::8 ::8'),
    { ...down(4, 188, '::7 ::7'), direction: 'up' as const },
    down(4, 189, '::3 ::2'),
  ];
  assert.deepEqual(downlinkPaths(moves, { mobile, wires }, formatAddress), [
    { first: ['::3 > ::1', '::1 > ::2'], last: ['::3 > ::2'] },
    undefined,
  ]);
});
