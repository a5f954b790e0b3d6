import type { Instant } from '../../base/time.js';

/**
 * Instants by sequence number; NaN where nothing happened. Numbers in plain arrays: flows are many, and each typed array has
 * memory outside the heap that the collector keeps account of.
 */
export class Series {
  readonly #values: number[] = [];

  set(index: number, at: Instant): void {
    this.#fill(index);
    this.#values[index] = at;
  }

  /** Whether something happened at that index. */
  has(index: number): boolean {
    return index < this.#values.length && !Number.isNaN(this.#values[index]);
  }

  /** The first `count`, of which there are no more; not copied. */
  view(count: number): readonly number[] {
    this.#fill(count);
    return this.#values;
  }

  #fill(until: number): void {
    while (this.#values.length < until) this.#values.push(Number.NaN);
  }
}
