import type { Duration, Instant } from '../../base/time.js';

/** A map that forgets: an entry lives at least `age` after it was set and goes soon after twice that, without a timer. */
export class Recent<V> {
  readonly #age: Duration;
  #young = new Map<string, V>();
  #old = new Map<string, V>();
  #since: Instant = 0;

  constructor(age: Duration) {
    this.#age = age;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(key: string, now: Instant): V | undefined {
    this.#turn(now);
    return this.#young.get(key) ?? this.#old.get(key);
  }

  set(key: string, value: V, now: Instant): void {
    this.#turn(now);
    this.#old.delete(key);
    this.#young.set(key, value);
  }

  /** Removes and returns. */
  take(key: string, now: Instant): V | undefined {
    const value = this.get(key, now);
    this.#young.delete(key);
    this.#old.delete(key);
    return value;
  }

  *entries(now: Instant): Generator<[string, V]> {
    this.#turn(now);
    yield* this.#young;
    yield* this.#old;
  }

  #turn(now: Instant): void {
    const passed = now - this.#since;
    if (passed < this.#age) return;
    this.#old = passed < 2 * this.#age ? this.#young : new Map();
    this.#young = new Map();
    this.#since = now;
  }
}
