import { type Duration, type Instant, second } from '../../base/time.js';

/** RFC 6275 §12. */
export const initialTimeout: Duration = second;
/** InitialBindackTimeoutFirstReg of RFC 6275 §13: the home agent has to look for duplicates first. */
export const firstRegistrationTimeout: Duration = 1.5 * second;
export const maximumTimeout: Duration = 32 * second;

/** RFC 6275 §11.8: each wait for an answer is twice as long as the one before, up to 32 s. */
export class BackOff {
  #wait: Duration = initialTimeout;
  #at: Instant | undefined;

  /** When to send again; undefined: nothing is waited for. */
  get deadline(): Instant | undefined {
    return this.#at;
  }

  start(first: Duration, now: Instant): void {
    this.#wait = first;
    this.#at = now + first;
  }

  again(now: Instant): void {
    this.#wait = Math.min(2 * this.#wait, maximumTimeout);
    this.#at = now + this.#wait;
  }

  /** Not before `at`, and from there on slowly. */
  postpone(at: Instant): void {
    this.#wait = maximumTimeout;
    this.#at = at;
  }

  stop(): void {
    this.#at = undefined;
  }

  isDue(now: Instant): boolean {
    return this.#at !== undefined && this.#at <= now;
  }
}
