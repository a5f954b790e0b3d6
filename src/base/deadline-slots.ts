import { invariant } from './errors.js';
import type { Instant } from './time.js';

const absent = -1;
const never = Number.POSITIVE_INFINITY;

/**
 * Deadlines of small integers, earliest first: a heap whose entries move late. Setting a deadline to a later instant, which
 * is what every refresh of a lifetime does, and clearing one write a single number; the heap learns of it when the entry
 * reaches its top. So the cost of a refresh does not grow with the number of deadlines.
 */
export class DeadlineSlots {
  /** By slot: the true deadline; `never` where there is none. */
  #deadlines = new Float64Array(64).fill(never);
  /** By slot: where it stands in the heap, or `absent`. */
  #positions = new Int32Array(64).fill(absent);
  /** The heap: slots, and the instants they stand under, each at or before the slot's true deadline. */
  #slots = new Int32Array(64);
  #times = new Float64Array(64);
  #heaped = 0;
  #size = 0;

  /** How many slots have a deadline. */
  get size(): number {
    return this.#size;
  }

  /** The earliest deadline. */
  get next(): Instant | undefined {
    this.#settle();
    return this.#heaped === 0 ? undefined : this.#times[0];
  }

  get(slot: number): Instant | undefined {
    const at = this.#deadlines[slot];
    return at === undefined || at === never ? undefined : at;
  }

  /** Sets or moves. `slot` is a non-negative integer; memory grows with the largest one. */
  set(slot: number, at: Instant): void {
    if (slot >= this.#deadlines.length) this.#grow(slot);
    invariant(at < never, 'a deadline is finite');
    const before = this.#deadlines[slot];
    this.#deadlines[slot] = at;
    if (before <= at && before !== never) return;
    if (before === never) this.#size++;
    const position = this.#positions[slot];
    if (position === absent) this.#up(this.#heaped++, slot, at);
    else if (at < this.#times[position]) this.#up(position, slot, at);
  }

  /** Returns whether there was one. */
  clear(slot: number): boolean {
    if (slot >= this.#deadlines.length || this.#deadlines[slot] === never) return false;
    this.#deadlines[slot] = never;
    this.#size--;
    return true;
  }

  /** Removes and returns the slot with the earliest deadline if that is at or before `now`. */
  takeNext(now: Instant): number | undefined {
    this.#settle();
    if (this.#heaped === 0 || this.#times[0] > now) return undefined;
    const slot = this.#slots[0];
    this.clear(slot);
    this.#dropTop();
    return slot;
  }

  /** Removes and yields every slot whose deadline is at or before `now`, in order of time. */
  *takeDue(now: Instant): Generator<number> {
    for (let slot = this.takeNext(now); slot !== undefined; slot = this.takeNext(now)) yield slot;
  }

  /** Makes the top of the heap true: what moved later sinks, what was cleared leaves. */
  #settle(): void {
    while (this.#heaped > 0) {
      const slot = this.#slots[0];
      const at = this.#deadlines[slot];
      if (at === this.#times[0]) return;
      if (at === never) this.#dropTop();
      else this.#down(0, slot, at);
    }
  }

  #dropTop(): void {
    this.#positions[this.#slots[0]] = absent;
    const last = --this.#heaped;
    if (last > 0) this.#down(0, this.#slots[last], this.#times[last]);
  }

  #up(position: number, slot: number, at: Instant): void {
    while (position > 0) {
      const parent = (position - 1) >> 2;
      if (this.#times[parent] <= at) break;
      this.#place(position, this.#slots[parent], this.#times[parent]);
      position = parent;
    }
    this.#place(position, slot, at);
  }

  #down(position: number, slot: number, at: Instant): void {
    for (;;) {
      const child = this.#earliestChild(position);
      if (child === absent || this.#times[child] >= at) break;
      this.#place(position, this.#slots[child], this.#times[child]);
      position = child;
    }
    this.#place(position, slot, at);
  }

  /** Four children a node: half the levels, and the four lie in one cache line. */
  #earliestChild(position: number): number {
    const first = 4 * position + 1;
    if (first >= this.#heaped) return absent;
    const end = Math.min(first + 4, this.#heaped);
    let earliest = first;
    for (let child = first + 1; child < end; child++) if (this.#times[child] < this.#times[earliest]) earliest = child;
    return earliest;
  }

  #place(position: number, slot: number, at: Instant): void {
    this.#slots[position] = slot;
    this.#times[position] = at;
    this.#positions[slot] = position;
  }

  #grow(slot: number): void {
    const capacity = Math.max(slot + 1, 2 * this.#deadlines.length);
    const used = this.#deadlines.length;
    this.#deadlines = enlarged(this.#deadlines, new Float64Array(capacity)).fill(never, used);
    this.#positions = enlarged(this.#positions, new Int32Array(capacity)).fill(absent, used);
    this.#slots = enlarged(this.#slots, new Int32Array(capacity));
    this.#times = enlarged(this.#times, new Float64Array(capacity));
  }
}

function enlarged<A extends Float64Array | Int32Array>(from: A, into: A): A {
  into.set(from);
  return into;
}
