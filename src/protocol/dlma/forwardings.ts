import { Deadlines } from '../../base/deadlines.js';
import { type Prefix, prefixKey } from '../../base/prefix.js';
import type { Instant } from '../../base/time.js';
import type { Locator } from './messages.js';

/**
 * What an LMA knows of a home for those who tunnel packets to it: as the home's H-LMA (`home`), as its previous D-LMA for a while
 * (`previous`), or for a while that it has gone, and nobody knows where (`gone`).
 */
export interface Forwarding {
  readonly home: Prefix;
  readonly kind: 'home' | 'previous' | 'gone';
  /** Undefined: nowhere. */
  readonly to: Locator | undefined;
  readonly timestampMs: number;
  /** Until when this LMA forwards to there. */
  readonly endsAt: Instant;
  /** Until when those who are told so may. */
  readonly validUntil: Instant;
}

/** By home; each ends. */
export class Forwardings {
  readonly #byHome = new Map<string, Forwarding>();
  readonly #endsAt = new Deadlines<string>();

  get size(): number {
    return this.#byHome.size;
  }

  get deadline(): Instant | undefined {
    return this.#endsAt.next;
  }

  find(home: Prefix): Forwarding | undefined {
    return this.#byHome.get(prefixKey(home));
  }

  /** Returns what it takes the place of. */
  set(forwarding: Forwarding): Forwarding | undefined {
    const key = prefixKey(forwarding.home);
    const before = this.#byHome.get(key);
    this.#byHome.set(key, forwarding);
    this.#endsAt.set(key, forwarding.endsAt);
    return before;
  }

  delete(home: Prefix): Forwarding | undefined {
    const key = prefixKey(home);
    const forwarding = this.#byHome.get(key);
    this.#byHome.delete(key);
    this.#endsAt.clear(key);
    return forwarding;
  }

  *takeDue(now: Instant): Generator<Forwarding> {
    for (const key of this.#endsAt.takeDue(now)) {
      const forwarding = this.#byHome.get(key);
      this.#byHome.delete(key);
      if (forwarding) yield forwarding;
    }
  }

  [Symbol.iterator](): Iterator<Forwarding> {
    return this.#byHome.values();
  }
}
