import type { Instant } from '../base/time.js';

/** Who an event is for. One object serves any number of events: no closure is made for a packet. */
export interface EventTarget<Payload = unknown> {
  onEvent(payload: Payload): void;
}

/**
 * What is to happen, earliest first; at one instant in the order of scheduling. A four-ary heap over typed arrays: the
 * keys of four children share a cache line.
 */
export class EventQueue {
  #capacity = 1024;
  #times = new Float64Array(this.#capacity);
  #orders = new Float64Array(this.#capacity);
  #targets: EventTarget[] = [];
  #payloads: unknown[] = [];
  #slots = new Int32Array(this.#capacity);
  #free: number[] = [];
  #size = 0;
  #scheduled = 0;

  get size(): number {
    return this.#size;
  }

  /** Events ever scheduled. */
  get scheduled(): number {
    return this.#scheduled;
  }

  /** Infinity when nothing waits. */
  get nextAt(): Instant {
    return this.#size > 0 ? this.#times[0] : Number.POSITIVE_INFINITY;
  }

  push(at: Instant, target: EventTarget<never>, payload: unknown): void {
    if (this.#size === this.#capacity) this.#grow();
    const slot = this.#free.pop() ?? this.#size;
    this.#targets[slot] = target as EventTarget;
    this.#payloads[slot] = payload;
    this.#up(this.#size++, at, this.#scheduled++, slot);
  }

  /** Takes the earliest event away and lets it happen. */
  runNext(): void {
    const slot = this.#slots[0];
    const target = this.#targets[slot];
    const payload = this.#payloads[slot];
    this.#payloads[slot] = undefined;
    this.#free.push(slot);
    const last = --this.#size;
    if (last > 0) this.#down(this.#times[last], this.#orders[last], this.#slots[last]);
    target.onEvent(payload);
  }

  #up(from: number, at: Instant, order: number, slot: number): void {
    const times = this.#times;
    const orders = this.#orders;
    const slots = this.#slots;
    let i = from;
    while (i > 0) {
      const parent = (i - 1) >> 2;
      // A new event is the youngest, so it passes only what is strictly later.
      if (times[parent] <= at) break;
      times[i] = times[parent];
      orders[i] = orders[parent];
      slots[i] = slots[parent];
      i = parent;
    }
    times[i] = at;
    orders[i] = order;
    slots[i] = slot;
  }

  #down(at: Instant, order: number, slot: number): void {
    const times = this.#times;
    const orders = this.#orders;
    const slots = this.#slots;
    const size = this.#size;
    let i = 0;
    for (;;) {
      const first = 4 * i + 1;
      if (first >= size) break;
      const end = first + 4 < size ? first + 4 : size;
      let least = first;
      for (let child = first + 1; child < end; child++) {
        const earlier = times[child] - times[least];
        if (earlier < 0 || (earlier === 0 && orders[child] < orders[least])) least = child;
      }
      if (times[least] > at || (times[least] === at && orders[least] > order)) break;
      times[i] = times[least];
      orders[i] = orders[least];
      slots[i] = slots[least];
      i = least;
    }
    times[i] = at;
    orders[i] = order;
    slots[i] = slot;
  }

  #grow(): void {
    this.#capacity *= 2;
    this.#times = grown(this.#times, new Float64Array(this.#capacity));
    this.#orders = grown(this.#orders, new Float64Array(this.#capacity));
    this.#slots = grown(this.#slots, new Int32Array(this.#capacity));
  }
}

function grown<A extends Float64Array | Int32Array>(from: A, into: A): A {
  into.set(from);
  return into;
}
