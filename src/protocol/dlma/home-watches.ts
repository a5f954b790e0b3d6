import { Deadlines } from '../../base/deadlines.js';
import { type Prefix, prefixKey } from '../../base/prefix.js';
import { type Duration, type Instant, second } from '../../base/time.js';
import type { Turn } from './function.js';

/** How soon an O-LMA is told again that has not heard. */
const againAfter = second;

/**
 * Homes of mobiles that have just moved. Whoever tunnels to this LMA for one of them is to hear of it at once, even though it was
 * reported for that home not long ago, when all was well; so they are watched one by one until the watch of the whole block has
 * forgotten what it reported.
 */
export class HomeWatches {
  readonly #until: Duration;
  readonly #homes = new Map<string, Prefix>();
  readonly #deadlines = new Deadlines<string>();

  constructor(until: Duration) {
    this.#until = until;
  }

  get deadline(): Instant | undefined {
    return this.#deadlines.next;
  }

  /** All who send are reported anew. */
  begin(home: Prefix, { now, outputs }: Turn): void {
    const key = prefixKey(home);
    this.#homes.set(key, home);
    this.#deadlines.set(key, now + this.#until);
    outputs.push({ kind: 'watch', to: home, each: 'destination', againAfter });
  }

  tick({ now, outputs }: Turn): void {
    for (const key of this.#deadlines.takeDue(now)) {
      const home = this.#homes.get(key);
      this.#homes.delete(key);
      if (home) outputs.push({ kind: 'unwatch', to: home });
    }
  }
}
