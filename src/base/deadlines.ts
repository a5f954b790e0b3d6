import { DeadlineSlots } from './deadline-slots.js';
import type { Instant } from './time.js';

/**
 * Named deadlines, earliest first. Setting, moving to a later instant and clearing cost the same however many there are, so
 * an engine keeps one for everything it waits for; no timer object exists. Taking what is due removes it.
 */
export class Deadlines<Key> {
  #slots = new DeadlineSlots();
  #slotOf = new Map<Key, number>();
  #keys: (Key | undefined)[] = [];
  #free: number[] = [];

  get size(): number {
    return this.#slots.size;
  }

  /** The earliest deadline. */
  get next(): Instant | undefined {
    return this.#slots.next;
  }

  get(key: Key): Instant | undefined {
    const slot = this.#slotOf.get(key);
    return slot === undefined ? undefined : this.#slots.get(slot);
  }

  /** Sets or moves. */
  set(key: Key, at: Instant): void {
    this.#slots.set(this.#slotOf.get(key) ?? this.#open(key), at);
  }

  /** Returns whether there was one. */
  clear(key: Key): boolean {
    const slot = this.#slotOf.get(key);
    if (slot === undefined) return false;
    this.#slots.clear(slot);
    this.#close(key, slot);
    return true;
  }

  /** Removes and yields every key whose deadline is at or before `now`, in order of time. */
  *takeDue(now: Instant): Generator<Key> {
    for (let slot = this.#slots.takeNext(now); slot !== undefined; slot = this.#slots.takeNext(now)) {
      const key = this.#keys[slot] as Key;
      this.#close(key, slot);
      yield key;
    }
  }

  #open(key: Key): number {
    const slot = this.#free.pop() ?? this.#keys.length;
    this.#keys[slot] = key;
    this.#slotOf.set(key, slot);
    return slot;
  }

  #close(key: Key, slot: number): void {
    this.#slotOf.delete(key);
    this.#keys[slot] = undefined;
    this.#free.push(slot);
  }
}
