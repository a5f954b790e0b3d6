import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeadlineSlots } from './deadline-slots.js';
import { Deadlines } from './deadlines.js';
import { below, seededRandom } from './random.js';

/** What the queue must do, in the plainest way. */
class NaiveDeadlines {
  readonly times = new Map<number, number>();
  get next(): number | undefined {
    return this.times.size === 0 ? undefined : Math.min(...this.times.values());
  }
  takeDue(now: number): number[] {
    const due = [...this.times].filter(([, at]) => at <= now).sort((a, b) => a[1] - b[1]);
    for (const [key] of due) this.times.delete(key);
    return due.map(([, at]) => at);
  }
}

function compareWithModel(seed: number): void {
  const random = seededRandom(seed);
  const model = new NaiveDeadlines();
  const queue = new Deadlines<string>();
  let now = 0;
  for (let step = 0; step < 2000; step++) {
    const key = below(random, 60);
    const action = below(random, 10);
    if (action < 6) {
      const at = now + below(random, 1000);
      model.times.set(key, at);
      queue.set(`k${key}`, at);
    } else if (action < 8) assert.equal(queue.clear(`k${key}`), model.times.delete(key));
    else {
      now += below(random, 120);
      const times: number[] = [];
      const expected = new Map(model.times);
      for (const taken of queue.takeDue(now)) times.push(expected.get(Number(taken.slice(1))) as number);
      assert.deepEqual(times, model.takeDue(now), `seed ${seed}, step ${step}`);
      assert.ok(queue.next === undefined || queue.next > now);
    }
    assert.equal(queue.next, model.next, `seed ${seed}, step ${step}`);
    assert.equal(queue.get(`k${key}`), model.times.get(key));
    assert.equal(queue.size, model.times.size);
  }
}

test('deadlines agree with a naive model whatever is set, moved, cleared and taken', () => {
  for (let seed = 1; seed <= 20; seed++) compareWithModel(seed);
});

test('a deadline moved earlier comes first, one moved later comes at its new time', () => {
  const queue = new Deadlines<string>();
  queue.set('a', 10);
  queue.set('b', 20);
  queue.set('b', 5);
  queue.set('a', 30);
  assert.equal(queue.next, 5);
  assert.deepEqual([...queue.takeDue(29)], ['b']);
  assert.equal(queue.next, 30);
});

test('what is set again while due ones are taken waits for its new time', () => {
  const queue = new Deadlines<string>();
  queue.set('a', 1);
  queue.set('b', 2);
  const taken: string[] = [];
  for (const key of queue.takeDue(2)) {
    taken.push(key);
    if (key === 'a') queue.set('a', 9);
  }
  assert.deepEqual(taken, ['a', 'b']);
  assert.equal(queue.next, 9);
});

test('slots grow, and a cleared slot can be used again at once', () => {
  const slots = new DeadlineSlots();
  for (let slot = 0; slot < 1000; slot++) slots.set(slot, 1000 - slot);
  assert.equal(slots.clear(999), true);
  assert.equal(slots.clear(999), false);
  slots.set(999, 2000);
  assert.equal(slots.size, 1000);
  assert.deepEqual([...slots.takeDue(3)], [998, 997]);
  assert.equal(slots.get(999), 2000);
  assert.equal(slots.get(5000), undefined);
});
