import assert from 'node:assert/strict';
import { test } from 'node:test';
import { second } from '../base/time.js';
import { hostEnvironment, monotonicNow } from './clock.js';

test('clock: instants are integers that do not go back', () => {
  const instants = Array.from({ length: 100 }, monotonicNow);
  for (let i = 1; i < instants.length; i++) assert.ok(Number.isInteger(instants[i]) && instants[i] >= instants[i - 1]);
});

test('clock: wall time at another instant differs by what lies between them, across whole seconds', () => {
  const { clock } = hostEnvironment();
  const now = monotonicNow();
  const at = (instant: number) => {
    const { seconds, nanoseconds } = clock(instant);
    assert.ok(nanoseconds >= 0 && nanoseconds < second);
    return seconds + nanoseconds / second;
  };
  assert.ok(Math.abs(at(now) - Date.now() / 1000) < 5);
  for (const apart of [-3, -0.4, 0.7, 12]) assert.ok(Math.abs(at(now + apart * second) - at(now) - apart) < 1);
});

test('clock: random numbers are 32-bit integers and differ past the first buffer', () => {
  const { random } = hostEnvironment();
  const numbers = Array.from({ length: 1000 }, () => random.uint32());
  for (const number of numbers) assert.ok(Number.isInteger(number) && number >= 0 && number <= 0xffffffff);
  assert.ok(new Set(numbers).size > 990);
});
