import assert from 'node:assert/strict';
import { test } from 'node:test';
import { disordered, measureMoves, type ProbePacket, quantile } from './probe.js';
import { readPing, readTcp } from './traffic.js';

const move = { mobile: 'mn', from: 'ar1', to: 'ar2', downMs: 100, upMs: 150 };

/** A packet a millisecond from 0 to 300; those of `lost` are not there. */
function stream(direction: 'down' | 'up', lost: readonly [number, number]): ProbePacket[] {
  return Array.from({ length: 300 }, (_, i) => ({ direction, sequence: 1000 + i, timeMs: i })).filter(
    ({ timeMs }) => timeMs < lost[0] || timeMs >= lost[1],
  );
}

test('lab measure: a gap is counted from the link’s coming up, losses from its going down', () => {
  const mobile = [...stream('down', [100, 157]), ...stream('up', [100, 150])];
  const correspondent = [...stream('down', [0, 0]), ...stream('up', [100, 160])];
  const [result] = measureMoves([move], { mobile, correspondent });
  assert.deepEqual([result.downlinkMs, result.uplinkMs, result.lostDown, result.lostUp], [7, 10, 57, 60]);
});

test('lab measure: what never comes back is no gap of zero', () => {
  const [result] = measureMoves([move], { mobile: stream('down', [100, 300]), correspondent: [] });
  assert.deepEqual([result.downlinkMs, result.uplinkMs], [undefined, undefined]);
});

test('lab measure: a packet of the next move does not count for this one', () => {
  const moves = [move, { ...move, downMs: 200, upMs: 250 }];
  const mobile = stream('down', [100, 260]);
  const results = measureMoves(moves, { mobile, correspondent: [] });
  assert.deepEqual(
    results.map(({ downlinkMs, lostDown }) => [downlinkMs, lostDown]),
    [
      [undefined, 0],
      [10, 160],
    ],
  );
});

test('lab measure: a packet is out of order where one that was sent later is before it', () => {
  const packets = [3, 1, 2, 4].map((sequence): ProbePacket => ({ direction: 'down', sequence, timeMs: 0 }));
  assert.deepEqual([disordered(packets, 'down'), disordered(packets, 'up')], [2, 0]);
});

test('lab measure: quantiles are values that occurred', () => {
  assert.equal(quantile([], 0.5), undefined);
  assert.equal(quantile([3, 1, 2], 0.5), 2);
  assert.equal(quantile([3, 1, 2], 0.95), 3);
  assert.equal(quantile([4, 1, 3, 2], 0.5), 2);
});

test('lab measure: iperf3 and ping say how they fared', () => {
  const interval = (bytes: number) => ({ sum: { bytes, seconds: 0.5 } });
  const tcp = {
    intervals: [10, 0, 0, 5, 0, 1].map(interval),
    error: 'interrupt - ended',
  };
  assert.deepEqual(readTcp(JSON.stringify(tcp)), { octets: 16, secondsWithout: 1 });
  assert.throws(() => readTcp(JSON.stringify({ ...tcp, error: 'unable to connect' })), /unable to connect/);
  assert.deepEqual(readPing('x\n20 packets transmitted, 18 received, 10% packet loss'), { sent: 20, received: 18 });
  assert.throws(() => readPing('nothing'), /did not say/);
});
