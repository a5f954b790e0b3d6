import type { Instant } from './time.js';

/**
 * Named deadlines, earliest first: an indexed binary heap. Setting, moving and clearing cost O(log n), so an engine keeps
 * one for everything it waits for; no timer object exists. Taking what is due removes it.
 */
export class Deadlines<Key> {
  #keys: Key[] = [];
  #times: Instant[] = [];
  #index = new Map<Key, number>();

  get size(): number {
    return this.#keys.length;
  }

  /** The earliest deadline. */
  get next(): Instant | undefined {
    return this.#times[0];
  }

  get(key: Key): Instant | undefined {
    const at = this.#index.get(key);
    return at === undefined ? undefined : this.#times[at];
  }

  /** Sets or moves. */
  set(key: Key, at: Instant): void {
    const i = this.#index.get(key);
    if (i === undefined) {
      this.#keys.push(key);
      this.#times.push(at);
      this.#index.set(key, this.#keys.length - 1);
      this.#up(this.#keys.length - 1);
      return;
    }
    const before = this.#times[i];
    this.#times[i] = at;
    if (at < before) this.#up(i);
    else this.#down(i);
  }

  /** Returns whether there was one. */
  clear(key: Key): boolean {
    const i = this.#index.get(key);
    if (i === undefined) return false;
    this.#remove(i);
    return true;
  }

  /** Removes and yields every key whose deadline is at or before `now`, in order of time. */
  *takeDue(now: Instant): Generator<Key> {
    while (this.#times.length > 0 && this.#times[0] <= now) {
      const key = this.#keys[0];
      this.#remove(0);
      yield key;
    }
  }

  #remove(i: number): void {
    const last = this.#keys.length - 1;
    this.#index.delete(this.#keys[i]);
    const key = this.#keys.pop() as Key;
    const time = this.#times.pop() as Instant;
    if (i === last) return;
    this.#keys[i] = key;
    this.#times[i] = time;
    this.#index.set(key, i);
    this.#up(i);
    this.#down(this.#index.get(key) as number);
  }

  #up(i: number): void {
    const key = this.#keys[i];
    const time = this.#times[i];
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (this.#times[parent] <= time) break;
      this.#move(parent, i);
      i = parent;
    }
    this.#place(key, time, i);
  }

  #down(i: number): void {
    const key = this.#keys[i];
    const time = this.#times[i];
    const n = this.#keys.length;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= n) break;
      if (child + 1 < n && this.#times[child + 1] < this.#times[child]) child++;
      if (this.#times[child] >= time) break;
      this.#move(child, i);
      i = child;
    }
    this.#place(key, time, i);
  }

  #move(from: number, to: number): void {
    this.#place(this.#keys[from], this.#times[from], to);
  }

  #place(key: Key, time: Instant, i: number): void {
    this.#keys[i] = key;
    this.#times[i] = time;
    this.#index.set(key, i);
  }
}
