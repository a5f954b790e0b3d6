import type { Address } from '../../base/address.js';
import { Deadlines } from '../../base/deadlines.js';
import type { Instant } from '../../base/time.js';

/** What a neighbour can make a router remember: subjects, as many as fit into one advertisement, and those who tell of one. */
const maximumSubjects = 32;
const maximumTellers = 16;

/** What others tell of nodes that they know, by the node and by who tells, each until it is told again. */
export class Tales<T> {
  readonly #told = new Map<Address, Map<string, T>>();
  readonly #timers = new Deadlines<string>();

  get deadline(): Instant | undefined {
    return this.#timers.next;
  }

  /** By who tells, in the order in which they began. */
  of(subject: Address): ReadonlyMap<string, T> {
    return this.#told.get(subject) ?? new Map();
  }

  subjects(): Iterable<Address> {
    return this.#told.keys();
  }

  hasRoom(subject: Address, teller: string): boolean {
    const of = this.#told.get(subject);
    if (of === undefined) return this.#told.size < maximumSubjects;
    return of.has(teller) || of.size < maximumTellers;
  }

  set(subject: Address, teller: string, tale: T, until: Instant): void {
    const of = this.#told.get(subject) ?? new Map<string, T>();
    of.set(teller, tale);
    this.#told.set(subject, of);
    this.#timers.set(subject + teller, until);
  }

  delete(subject: Address, teller: string): void {
    const of = this.#told.get(subject);
    if (!of?.delete(teller)) return;
    if (of.size === 0) this.#told.delete(subject);
    this.#timers.clear(subject + teller);
  }

  /** What has not been told again in time; it is there until it is deleted or set anew. */
  *takeDue(now: Instant): Generator<readonly [subject: Address, teller: string]> {
    for (const key of this.#timers.takeDue(now))
      yield [key.slice(0, addressLength) as Address, key.slice(addressLength)];
  }
}

/** Code units of an {@link Address}. */
const addressLength = 8;
