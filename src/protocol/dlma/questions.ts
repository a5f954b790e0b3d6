import { Deadlines } from '../../base/deadlines.js';
import { type Prefix, prefixKey } from '../../base/prefix.js';
import { type Instant, second } from '../../base/time.js';
import type { Via } from '../contract.js';

/** How long packets wait for an answer, and for how many homes at once: whoever sends to many gets no more of this LMA. */
const wait = second;
const maximumQuestions = 1024;

/** Homes whose location is being asked for before the first packet goes on (draft-chan §6.2). */
export class Questions {
  static readonly waiting: Via = { kind: 'park', limitOctets: 65_536 };
  readonly #homes = new Map<string, Prefix>();
  readonly #deadlines = new Deadlines<string>();

  get deadline(): Instant | undefined {
    return this.#deadlines.next;
  }

  /** False: it is being asked for, or too many are. */
  begin(home: Prefix, now: Instant): boolean {
    const key = prefixKey(home);
    if (this.#homes.has(key) || this.#homes.size >= maximumQuestions) return false;
    this.#homes.set(key, home);
    this.#deadlines.set(key, now + wait);
    return true;
  }

  /** Whether it was being asked for. */
  delete(home: Prefix): boolean {
    const key = prefixKey(home);
    this.#deadlines.clear(key);
    return this.#homes.delete(key);
  }

  *takeDue(now: Instant): Generator<Prefix> {
    for (const key of this.#deadlines.takeDue(now)) {
      const home = this.#homes.get(key);
      this.#homes.delete(key);
      if (home) yield home;
    }
  }
}
