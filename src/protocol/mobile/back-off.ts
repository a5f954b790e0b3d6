import { type Duration, type Instant, second } from '../../base/time.js';

/** RFC 6275 §12. */
export const initialTimeout: Duration = second;
/** InitialBindackTimeoutFirstReg of RFC 6275 §13: the home agent has to look for duplicates first. */
export const firstRegistrationTimeout: Duration = 1.5 * second;
export const maximumTimeout: Duration = 32 * second;
/** MAX_UPDATE_RATE of RFC 6275 §12, messages of one type to one peer within a second. */
const maximumUpdateRate = 3;

/** RFC 6275 §11.8: each wait for an answer is twice as long as the one before, up to 32 s. */
export class BackOff {
  #wait: Duration = initialTimeout;
  #at: Instant | undefined;
  /** What is waited for is leave to send, not an answer. */
  #held = false;
  #sent = 0;

  /** When to send again; undefined: nothing is waited for. */
  get deadline(): Instant | undefined {
    return this.#at;
  }

  /** Transmissions since {@link start}, the first included. */
  get sent(): number {
    return this.#sent;
  }

  start(first: Duration, now: Instant): void {
    this.#wait = first;
    this.#at = now + first;
    this.#held = false;
    this.#sent = 1;
  }

  again(now: Instant): void {
    if (!this.#held) {
      this.#wait = Math.min(2 * this.#wait, maximumTimeout);
      this.#sent++;
    }
    this.#held = false;
    this.#at = now + this.#wait;
  }

  /** It was too early to send: at `at`, and then the same wait as now. */
  hold(at: Instant): void {
    this.#held = true;
    this.#at = at;
  }

  /** Not before `at`, and from there on slowly. */
  postpone(at: Instant): void {
    this.#wait = maximumTimeout;
    this.#held = false;
    this.#at = at;
  }

  stop(): void {
    this.#at = undefined;
  }

  isDue(now: Instant): boolean {
    return this.#at !== undefined && this.#at <= now;
  }
}

/** RFC 6275 §11.5.3, §11.8: no more than MAX_UPDATE_RATE messages of a type to a peer within a second. */
export class Pace {
  readonly #sentAt: Instant[] = [];

  /** When the next may go: `now`, or later. */
  permitsAt(now: Instant): Instant {
    const [oldest] = this.#sentAt;
    return this.#sentAt.length < maximumUpdateRate ? now : Math.max(now, oldest + second);
  }

  sent(now: Instant): void {
    this.#sentAt.push(now);
    if (this.#sentAt.length > maximumUpdateRate) this.#sentAt.shift();
  }
}
