import type { Instant } from '../../base/time.js';

/** Instants by sequence number; NaN where nothing happened. Grows by doubling. */
export class Series {
  #values: Float64Array<ArrayBuffer>;
  length = 0;

  /** `expected`: no more than that are likely. */
  constructor(expected = Number.POSITIVE_INFINITY) {
    this.#values = new Float64Array(Math.max(1, Math.min(expected, 256))).fill(Number.NaN);
  }

  set(index: number, at: Instant): void {
    if (index >= this.#values.length) {
      const grown = new Float64Array(Math.max(2 * this.#values.length, index + 1)).fill(Number.NaN);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[index] = at;
    if (index >= this.length) this.length = index + 1;
  }

  /** Whether something happened at that index. */
  has(index: number): boolean {
    return index < this.length && !Number.isNaN(this.#values[index]);
  }

  /** The first `count`, not copied. */
  view(count: number): Float64Array {
    if (count > this.#values.length) this.set(count - 1, Number.NaN);
    return this.#values.subarray(0, count);
  }
}
