import { Deadlines } from '../../base/deadlines.js';
import { type Prefix, prefixKey } from '../../base/prefix.js';
import { SetsByKey } from '../../base/sets-by-key.js';
import type { Instant } from '../../base/time.js';
import type { Locator } from './messages.js';

/**
 * What an LMA knows of a home for those who tunnel packets to it: as the home's H-LMA (`home`), as its previous D-LMA for a while
 * (`previous`), or for a while that it has gone, and nobody knows where (`gone`).
 */
export interface Forwarding {
  readonly home: Prefix;
  readonly kind: 'home' | 'previous' | 'gone';
  /** Of a previous D-LMA: whose home it is. */
  readonly identity?: string;
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
  /** Keys of the homes that have gone from here to somewhere, by whose they are. */
  readonly #previous = new SetsByKey<string, string>();

  get deadline(): Instant | undefined {
    return this.#endsAt.next;
  }

  find(home: Prefix): Forwarding | undefined {
    return this.#byHome.get(prefixKey(home));
  }

  /** Homes of that mobile which have gone from here to somewhere. */
  previousOf(identity: string): readonly Forwarding[] {
    return [...this.#previous.of(identity)].flatMap(key => this.#byHome.get(key) ?? []);
  }

  /** Returns what it takes the place of. */
  set(forwarding: Forwarding): Forwarding | undefined {
    const { home, identity, endsAt } = forwarding;
    const before = this.delete(home);
    const key = prefixKey(home);
    this.#byHome.set(key, forwarding);
    this.#endsAt.set(key, endsAt);
    if (identity !== undefined) this.#previous.add(identity, key);
    return before;
  }

  delete(home: Prefix): Forwarding | undefined {
    const key = prefixKey(home);
    this.#endsAt.clear(key);
    return this.#taken(key);
  }

  *takeDue(now: Instant): Generator<Forwarding> {
    for (const key of this.#endsAt.takeDue(now)) {
      const forwarding = this.#taken(key);
      if (forwarding) yield forwarding;
    }
  }

  [Symbol.iterator](): Iterator<Forwarding> {
    return this.#byHome.values();
  }

  #taken(key: string): Forwarding | undefined {
    const forwarding = this.#byHome.get(key);
    this.#byHome.delete(key);
    if (forwarding?.identity !== undefined) this.#previous.delete(forwarding.identity, key);
    return forwarding;
  }
}
