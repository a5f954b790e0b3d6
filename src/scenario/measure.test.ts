import assert from 'node:assert/strict';
import { test } from 'node:test';
import { millisecond } from '../base/time.js';
import { type FlowSamples, interruption, longestStall, Stretch } from './measure.js';

/** Packets sent every ms from 0; `arrival` says when each arrives, undefined never. */
function flow(sent: number, arrival: (i: number) => number | undefined): FlowSamples {
  const sentAt = Array.from({ length: sent }, (_, i) => i * millisecond);
  return { sent, sentAt, receivedAt: sentAt.map((_, i) => (arrival(i) ?? Number.NaN) * millisecond) };
}

/** One way 10 ms; a mobile that leaves at 50.5 and hears again from 80. */
const handover = flow(200, i => (i + 10 > 50.5 && i + 10 < 80 ? undefined : i + 10));

test('the downlink gap runs from leaving to the first arrival', () => {
  assert.deepEqual(interruption(handover, 'down', { sinceMs: 0, fromMs: 50.5, untilMs: 300 }), {
    gapMs: 29.5,
    lost: 29,
  });
});

test('the uplink gap runs from leaving to the first departure that arrives', () => {
  const up = flow(200, i => (i > 50.5 && i < 80 ? undefined : i + 10));
  assert.deepEqual(interruption(up, 'up', { sinceMs: 0, fromMs: 50.5, untilMs: 300 }), { gapMs: 29.5, lost: 29 });
});

test('a session that breaks has no gap and loses all until the next move', () => {
  const broken = flow(200, i => (i + 10 > 50.5 ? undefined : i + 10));
  assert.deepEqual(interruption(broken, 'down', { sinceMs: 0, fromMs: 50.5, untilMs: 100 }), {
    gapMs: undefined,
    lost: 60,
  });
});

test('a session that is broken already loses at each move what is sent until the next', () => {
  const broken = flow(200, i => (i + 10 > 50.5 ? undefined : i + 10));
  assert.deepEqual(interruption(broken, 'down', { sinceMs: 60, fromMs: 100, untilMs: 300 }), {
    gapMs: undefined,
    lost: 99,
  });
});

test('what a later move loses is not counted for an earlier one', () => {
  const two = flow(300, i => ((i > 50 && i < 70) || (i > 150 && i < 180) ? undefined : i + 10));
  assert.deepEqual(interruption(two, 'down', { sinceMs: 0, fromMs: 60.5, untilMs: 160.5 }), { gapMs: 19.5, lost: 19 });
  assert.deepEqual(interruption(two, 'down', { sinceMs: 0, fromMs: 160.5, untilMs: 500 }), { gapMs: 29.5, lost: 29 });
});

test('packets that were kept and come late are not lost', () => {
  const parked = flow(200, i => (i + 10 > 50.5 && i + 10 < 80 ? 81 + i / 1000 : i + 10));
  assert.deepEqual(interruption(parked, 'down', { sinceMs: 0, fromMs: 50.5, untilMs: 300 }), { gapMs: 29.5, lost: 0 });
});

test('stretch is delay over the shortest path, of what arrived', () => {
  const stretch = new Stretch();
  assert.equal(stretch.ratio, undefined);
  stretch.add(handover, sentAt => (sentAt < 60 * millisecond ? 10 : 5));
  const early = 41;
  const late = 130;
  assert.equal(stretch.ratio, (10 * (early + late)) / (10 * early + 5 * late));
  stretch.add(handover, () => undefined);
  assert.equal(stretch.ratio, (10 * (early + late)) / (10 * early + 5 * late));
});

test('the longest stall is the longest time without progress', () => {
  const progress = [0, 10, 20, 90, 100, 300].map(ms => ms * millisecond);
  assert.equal(longestStall(progress, { fromMs: 15, untilMs: 95 }), 70);
  assert.equal(longestStall(progress, { fromMs: 95, untilMs: 400 }), 200);
  assert.equal(longestStall(progress, { fromMs: 400, untilMs: 500 }), undefined);
});
