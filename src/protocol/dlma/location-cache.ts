import type { Address } from '../../base/address.js';
import { Deadlines } from '../../base/deadlines.js';
import { type Prefix, prefixKey } from '../../base/prefix.js';
import { type Duration, earliest, type Instant } from '../../base/time.js';
import type { Locator } from './messages.js';

/** Where an O-LMA tunnels what is for a home, since it has been told so (draft-chan §4.4). */
export interface CachedLocation {
  readonly home: Prefix;
  readonly to: Locator;
  readonly timestampMs: number;
  /** Who told it. */
  readonly teller: Address;
  /** Until when who told it answers for it. */
  readonly endsAt: Instant;
  /** Kept without packets, too: it is told whenever it changes (§6.3). */
  readonly pushed: boolean;
}

export type Forgotten = 'idle' | 'expired' | 'evicted';

/** Locations of homes, each for as long as packets come and whoever told it answers for it; of too many, those longest without packets go. */
export class LocationCache {
  readonly #idle: Duration;
  readonly #maximum: number;
  /** Longest without packets first. */
  readonly #locations = new Map<string, CachedLocation>();
  readonly #idleAt = new Deadlines<string>();
  readonly #endsAt = new Deadlines<string>();

  constructor(idle: Duration, maximum: number) {
    this.#idle = idle;
    this.#maximum = maximum;
  }

  get deadline(): Instant | undefined {
    return earliest(this.#idleAt.next, this.#endsAt.next);
  }

  find(home: Prefix): CachedLocation | undefined {
    return this.#locations.get(prefixKey(home));
  }

  /** Returns the one that has to go for it. */
  set(location: CachedLocation, now: Instant): CachedLocation | undefined {
    const key = prefixKey(location.home);
    const oldest = this.#locations.size < this.#maximum || this.#locations.has(key) ? undefined : this.#oldest;
    if (oldest) this.delete(oldest.home);
    this.#locations.delete(key);
    this.#locations.set(key, location);
    this.#endsAt.set(key, location.endsAt);
    if (location.pushed) this.#idleAt.clear(key);
    else this.#idleAt.set(key, now + this.#idle);
    return oldest;
  }

  /** A packet came for it. */
  used(home: Prefix, now: Instant): CachedLocation | undefined {
    const key = prefixKey(home);
    const location = this.#locations.get(key);
    if (!location) return undefined;
    this.#locations.delete(key);
    this.#locations.set(key, location);
    if (!location.pushed) this.#idleAt.set(key, now + this.#idle);
    return location;
  }

  delete(home: Prefix): CachedLocation | undefined {
    const key = prefixKey(home);
    const location = this.#locations.get(key);
    this.#locations.delete(key);
    this.#idleAt.clear(key);
    this.#endsAt.clear(key);
    return location;
  }

  /** Those that are over, taken away. */
  *takeDue(now: Instant): Generator<{ location: CachedLocation; why: Forgotten }> {
    for (const key of this.#idleAt.takeDue(now)) yield* this.#taken(key, 'idle');
    for (const key of this.#endsAt.takeDue(now)) yield* this.#taken(key, 'expired');
  }

  /** When it is forgotten if no packet comes any more. */
  endOf(home: Prefix): Instant | undefined {
    const key = prefixKey(home);
    return earliest(this.#idleAt.get(key), this.#endsAt.get(key));
  }

  [Symbol.iterator](): Iterator<CachedLocation> {
    return this.#locations.values();
  }

  get #oldest(): CachedLocation | undefined {
    for (const location of this.#locations.values()) return location;
    return undefined;
  }

  *#taken(key: string, why: Forgotten): Generator<{ location: CachedLocation; why: Forgotten }> {
    const location = this.#locations.get(key);
    if (location && this.delete(location.home)) yield { location, why };
  }
}
