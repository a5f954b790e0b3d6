import { type Duration, type Instant, millisecond, second } from '../../base/time.js';

/** RFC 5568 §9. */
export const proxyLifetime: Duration = 1.5 * second;
/** RTSOLPR_RETRIES, FBU_RETRIES and HI_RETRIES. */
export const retries = 3;
/** Where the round-trip time is not known (RFC 5568 §6.1.1, §6.2.1.1). */
export const firstTimeout: Duration = 100 * millisecond;

/** A message that is sent again while it is not answered: each wait is twice the one before, and there are few (RFC 5568 §6.1.1). */
export class Attempts {
  #left = 0;
  #wait: Duration = firstTimeout;
  #at: Instant | undefined;

  /** When the next one is due, or the last has been in vain. */
  get deadline(): Instant | undefined {
    return this.#at;
  }

  get pending(): boolean {
    return this.#at !== undefined;
  }

  /** The first has been sent. */
  start(now: Instant, first: Duration = firstTimeout): void {
    this.#left = retries;
    this.#wait = first;
    this.#at = now + first;
  }

  stop(): void {
    this.#at = undefined;
  }

  /** `again`: send once more; `vain`: nobody answers; undefined: nothing is due. */
  due(now: Instant): 'again' | 'vain' | undefined {
    if (this.#at === undefined || this.#at > now) return undefined;
    if (this.#left === 0) {
      this.#at = undefined;
      return 'vain';
    }
    this.#left--;
    this.#wait *= 2;
    this.#at = now + this.#wait;
    return 'again';
  }
}
