import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ms, pair, routed, sentOn } from '../../../test/support/network.js';
import { second } from '../../base/time.js';
import { Received } from './received.js';
import { RoundTrip } from './round-trip.js';

test('RFC 9293 §3.5, §3.6: a transfer opens, delivers every octet and closes both ways', () => {
  const { simulation, a, b } = routed({ rateBps: 10e6 });
  const record = simulation.tcp({ from: a, to: b, start: 0, octets: 100_000 });
  simulation.run(10 * second);
  assert.equal(record.state, 'done');
  assert.equal(record.acknowledgedOctets, 100_000);
  assert.equal(record.retransmissions, 0);
  assert.equal(record.acknowledged.at(-1), 100_000);
  assert.ok((record.finishedAt ?? Number.NaN) < 1 * second);
});

test('RFC 9293 §3.10.7.1: nobody listening is told with a reset', () => {
  const { simulation, a, b } = routed();
  const record = simulation.tcp({ from: a, to: b, start: 0, octets: 1000, port: 80 });
  b.crash(0);
  b.restart(0);
  simulation.schedule(1, () => {});
  simulation.run(100 * ms);
  assert.equal(record.state, 'closed');
});

test('RFC 6298 §5.4: a transfer stalls through an outage of 500 ms and goes on by itself', () => {
  const { simulation, a, b, right } = routed({ rateBps: 10e6 });
  right.partition(1000 * ms, 1500 * ms);
  const record = simulation.tcp({ from: a, to: b, start: 0, stop: 4 * second });
  simulation.run(6 * second);
  const gaps = record.acknowledgedAt.map((at, i) => at - (record.acknowledgedAt[i - 1] ?? at));
  const stall = Math.max(...gaps);
  assert.ok(stall >= 500 * ms && stall < 1500 * ms, `${stall / ms} ms`);
  assert.ok(record.timeouts >= 1);
  assert.equal(record.state, 'done');
  const before = record.acknowledged.filter((_, i) => record.acknowledgedAt[i] < 1000 * ms).at(-1) ?? 0;
  assert.ok(record.acknowledgedOctets > 2 * before);
});

test('RFC 5681 §3.2: one lost segment is sent again after three duplicates, without a timeout', () => {
  const { simulation, a, b, link } = pair({ rateBps: 10e6 });
  const record = simulation.tcp({ from: a, to: b, start: 0, octets: 200_000 });
  // A window of about a millisecond takes away one or two segments among many in flight.
  link.partition(60 * ms, 61.1 * ms);
  simulation.run(20 * second);
  assert.equal(record.acknowledgedOctets, 200_000);
  assert.ok(record.fastRetransmits >= 1);
  assert.equal(record.timeouts, 0);
  assert.ok(record.retransmissions >= 1 && record.retransmissions < 5, `${record.retransmissions}`);
});

test('a transfer over a lossy, reordering, duplicating link still delivers every octet', () => {
  const { simulation, a, b } = pair({ loss: 0.03, duplicate: 0.02, reorder: { probability: 0.02, delay: 3 * ms } });
  const record = simulation.tcp({ from: a, to: b, start: 0, octets: 300_000 });
  simulation.run(300 * second);
  assert.equal(record.acknowledgedOctets, 300_000);
  assert.equal(record.state, 'done');
});

test('RFC 5681 §3.1: the window starts at ten segments and doubles in a round trip', () => {
  const { simulation, a, b, link } = pair({ delay: 50 * ms });
  const frames = sentOn(link);
  simulation.tcp({ from: a, to: b, start: 0, octets: 1_000_000 });
  simulation.run(300 * ms);
  const segments = frames.filter(({ packet }) => packet.payload.kind === 'tcp' && packet.payload.data.length > 0);
  assert.equal(segments.filter(({ at }) => at === 100 * ms).length, 10);
  assert.equal(segments.filter(({ at }) => at === 200 * ms).length, 20);
});

test('RFC 6298 §2: the timeout follows the round trip and its variation, and doubles when it fires', () => {
  const estimate = new RoundTrip();
  assert.equal(estimate.timeout, 1 * second);
  estimate.measured(300 * ms);
  assert.equal(estimate.timeout, 900 * ms);
  estimate.measured(300 * ms);
  assert.equal(estimate.timeout, 750 * ms);
  estimate.backOff();
  assert.equal(estimate.timeout, 1500 * ms);
  for (let i = 0; i < 10; i++) estimate.backOff();
  assert.equal(estimate.timeout, 60 * second);
});

test('ranges that arrive in any order, twice or overlapping make one stream', () => {
  const received = new Received();
  received.begin();
  received.take(11, 10, true);
  received.take(5, 3, false);
  assert.deepEqual([received.next, received.finished], [1, false]);
  received.take(1, 5, false);
  assert.equal(received.next, 8);
  received.take(6, 6, false);
  assert.deepEqual([received.next, received.finished, received.octets], [22, true, 20]);
});
