import type { Duration } from '../../base/time.js';
import type { SctpTiming } from './settings.js';

/** The retransmission timeout (RFC 9260 §6.3.1, §6.3.3). */
export class RoundTrip {
  readonly #timing: SctpTiming;
  #smoothed: Duration | undefined;
  #variation: Duration = 0;
  #timeout: Duration;

  constructor(timing: SctpTiming) {
    this.#timing = timing;
    this.#timeout = timing.rtoInitial;
  }

  get timeout(): Duration {
    return this.#timeout;
  }

  get smoothed(): Duration | undefined {
    return this.#smoothed;
  }

  measured(sample: Duration): void {
    if (this.#smoothed === undefined) {
      this.#smoothed = sample;
      this.#variation = sample / 2;
    } else {
      this.#variation = 0.75 * this.#variation + 0.25 * Math.abs(this.#smoothed - sample);
      this.#smoothed = 0.875 * this.#smoothed + 0.125 * sample;
    }
    this.#set(this.#smoothed + 4 * this.#variation);
  }

  backOff(): void {
    this.#set(2 * this.#timeout);
  }

  #set(timeout: Duration): void {
    const { rtoMin, rtoMax } = this.#timing;
    this.#timeout = Math.round(Math.min(Math.max(timeout, rtoMin), rtoMax));
  }
}
