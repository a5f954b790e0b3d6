import type { Address } from '../../base/address.js';
import { type Duration, type Instant, seconds } from '../../base/time.js';
import type { NeighbourOptionOf } from '../../wire/icmpv6/neighbour-options.js';
import type { LinkId } from '../contract.js';
import { Tales } from './tales.js';

export type MapOption = NeighbourOptionOf<'map'>;

/** RFC 4140 §5: what the field holds. An option that would go beyond has gone round in circles. */
export const greatestDistance = 15;
const infiniteLifetimeS = 0xffff_ffff;
/** A MAP as one router on one link tells of it. */
export interface Heard {
  readonly map: Address;
  readonly link: LinkId;
  readonly router: Address;
  readonly distance: number;
  readonly preference: number;
  readonly rcoaRequired: boolean;
  /** At or before now: the MAP has failed. Infinity: valid for ever. */
  readonly validUntil: Instant;
}

/** What becomes of an option that is heard. */
export type Hearing = 'unchanged' | 'changed' | 'full';

/**
 * MAPs that other routers tell of (RFC 4140 §7.1.1). Of several tales of a MAP the one with the smallest distance counts, of
 * equal ones the first. One that is not told again vanishes: the MAP is then told of with lifetime zero for as long, unless
 * another router still has a way to it.
 */
export class MapTable {
  readonly #tales = new Tales<Heard>();
  readonly #hold: (link: LinkId) => Duration;

  /** `hold`: how long an option heard there counts. */
  constructor(hold: (link: LinkId) => Duration) {
    this.#hold = hold;
  }

  get deadline(): Instant | undefined {
    return this.#tales.deadline;
  }

  hear(option: MapOption, link: LinkId, router: Address, now: Instant): Hearing {
    const { address: map, place, flags } = option;
    const key = link + router;
    // That a MAP has failed is news only of one that was told of alive: else it would go round a ring of routers.
    if (option.validLifetimeS === 0 && !this.#tales.of(map).has(key)) return 'unchanged';
    if (!this.#tales.hasRoom(map, key)) return 'full';
    const before = this.best(map);
    const validUntil = expiry(option.validLifetimeS, now);
    this.#tales.set(map, key, { map, link, router, ...place, ...flags, validUntil }, now + this.#hold(link));
    return saysTheSame(before, this.best(map), now) ? 'unchanged' : 'changed';
  }

  best(map: Address): Heard | undefined {
    return best(this.#tales.of(map));
  }

  /** The one that counts of each MAP. */
  *all(): Generator<Heard> {
    for (const map of this.#tales.subjects()) {
      const one = this.best(map);
      if (one) yield one;
    }
  }

  /** Forgets what has not been told again in time; the MAPs of which something else is to be told now. */
  age(now: Instant): Address[] {
    const changed: Address[] = [];
    for (const [map, key] of this.#tales.takeDue(now)) if (this.#vanish(map, key, now)) changed.push(map);
    return changed;
  }

  #vanish(map: Address, key: string, now: Instant): boolean {
    const of = this.#tales.of(map);
    const gone = of.get(key);
    if (!gone) return false;
    const before = best(of);
    this.#tales.delete(map, key);
    if (gone.validUntil <= now) {
      for (const [other, { validUntil }] of [...of]) if (validUntil <= now) this.#tales.delete(map, other);
    } else if (of.size === 0)
      // The last to know tells those behind it that the way has ended, and only then forgets.
      this.#tales.set(map, key, { ...gone, validUntil: now }, now + this.#hold(gone.link));
    return !saysTheSame(before, this.best(map), now);
  }
}

function best(of: ReadonlyMap<string, Heard>): Heard | undefined {
  let found: Heard | undefined;
  for (const one of of.values()) if (found === undefined || one.distance < found.distance) found = one;
  return found;
}

/** Whether nobody has to hear of the change before the next advertisement is due. */
function saysTheSame(before: Heard | undefined, after: Heard | undefined, now: Instant): boolean {
  if (before === undefined || after === undefined) return before === after;
  return (
    before.link === after.link &&
    before.distance === after.distance &&
    before.preference === after.preference &&
    before.rcoaRequired === after.rcoaRequired &&
    before.validUntil > now === after.validUntil > now
  );
}

function expiry(lifetimeS: number, now: Instant): Instant {
  return lifetimeS === infiniteLifetimeS ? Number.POSITIVE_INFINITY : now + seconds(lifetimeS);
}

/** What is left of it, in whole seconds; never more than was granted. */
export function remainingS(validUntil: Instant, now: Instant): number {
  if (validUntil === Number.POSITIVE_INFINITY) return infiniteLifetimeS;
  return Math.max(0, Math.floor((validUntil - now) / seconds(1)));
}
