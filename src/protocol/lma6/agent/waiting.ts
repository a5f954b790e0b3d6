import type { Address } from '../../../base/address.js';
import { Deadlines } from '../../../base/deadlines.js';
import { SetsByKey } from '../../../base/sets-by-key.js';
import type { Duration, Instant } from '../../../base/time.js';

export interface WaitingLimits {
  /** In all, and of one visitor. */
  readonly most: number;
  readonly mostEach: number;
  readonly patience: Duration;
}

/** What an agent waits for on behalf of its visitors: so much in all, so much for each, and no longer than so. */
export class Waiting<Entry extends { readonly home: Address }> {
  readonly #limits: WaitingLimits;
  readonly #entries = new Map<string, Entry>();
  readonly #byHome = new SetsByKey<Address, string>();
  readonly #due = new Deadlines<string>();

  constructor(limits: WaitingLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#entries.size;
  }

  get deadline(): Instant | undefined {
    return this.#due.next;
  }

  *[Symbol.iterator](): Iterator<{ readonly entry: Entry; readonly until: Instant }> {
    for (const [key, entry] of this.#entries) yield { entry, until: this.#due.get(key) as Instant };
  }

  /** Whether that may be waited for; what is waited for already may be again. */
  hasRoom(key: string, home: Address): boolean {
    if (this.#entries.has(key)) return true;
    return this.size < this.#limits.most && this.#byHome.of(home).size < this.#limits.mostEach;
  }

  /** In place of what was waited for under that key. */
  add(key: string, entry: Entry, now: Instant): void {
    this.take(key);
    this.#entries.set(key, entry);
    this.#due.set(key, now + this.#limits.patience);
    this.#byHome.add(entry.home, key);
  }

  get(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  take(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    this.#entries.delete(key);
    this.#due.clear(key);
    this.#byHome.delete(entry.home, key);
    return entry;
  }

  forget(home: Address): void {
    for (const key of this.#byHome.of(home)) this.take(key);
  }

  *takeDue(now: Instant): Generator<Entry> {
    for (const key of this.#due.takeDue(now)) {
      const entry = this.take(key);
      if (entry) yield entry;
    }
  }
}
