import assert from 'node:assert/strict';
import { test } from 'node:test';
import { below, seededRandom } from '../base/random.js';
import { EventQueue } from './event-queue.js';

test('events happen by time, and at one instant in the order of scheduling', () => {
  const queue = new EventQueue();
  const random = seededRandom(7);
  const expected: { at: number; order: number }[] = [];
  const happened: { at: number; order: number }[] = [];
  const target = { onEvent: (event: { at: number; order: number }) => happened.push(event) };
  for (let order = 0; order < 5000; order++) {
    const event = { at: below(random, 40), order };
    expected.push(event);
    queue.push(event.at, target, event);
  }
  while (queue.size > 0) queue.runNext();
  expected.sort((a, b) => a.at - b.at || a.order - b.order);
  assert.deepEqual(happened, expected);
});

test('events that schedule events keep the order, and places are used again', () => {
  const queue = new EventQueue();
  const random = seededRandom(8);
  const happened: number[] = [];
  let left = 3000;
  const target = {
    onEvent(at: number) {
      happened.push(at);
      for (let i = 0; i < 2 && left > 0; i++, left--) {
        const next = at + below(random, 100);
        queue.push(next, target, next);
      }
    },
  };
  queue.push(0, target, 0);
  while (queue.size > 0) {
    assert.equal(queue.nextAt >= (happened.at(-1) ?? 0), true);
    queue.runNext();
  }
  assert.equal(happened.length, 3001);
  assert.deepEqual(
    happened,
    [...happened].sort((a, b) => a - b),
  );
  assert.equal(queue.nextAt, Number.POSITIVE_INFINITY);
});
