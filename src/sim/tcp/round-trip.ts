import { type Duration, millisecond, second } from '../../base/time.js';

/** RFC 6298 §2.4 asks for 1 s; what stacks do, and what lets a stall be seen, is 200 ms. */
const leastTimeout: Duration = 200 * millisecond;
const firstTimeout: Duration = second;
const mostTimeout: Duration = 60 * second;

/** The retransmission timeout of RFC 6298. */
export class RoundTrip {
  timeout: Duration = firstTimeout;
  #smoothed: Duration | undefined;
  #variation: Duration = 0;

  /** RFC 6298 §2.2, §2.3. Never of a segment sent twice (§3). */
  measured(sample: Duration): void {
    if (this.#smoothed === undefined) {
      this.#smoothed = sample;
      this.#variation = sample / 2;
    } else {
      this.#variation = 0.75 * this.#variation + 0.25 * Math.abs(this.#smoothed - sample);
      this.#smoothed = 0.875 * this.#smoothed + 0.125 * sample;
    }
    const timeout = Math.round(this.#smoothed + Math.max(millisecond, 4 * this.#variation));
    this.timeout = Math.min(mostTimeout, Math.max(leastTimeout, timeout));
  }

  /** RFC 6298 §5.5. */
  backOff(): void {
    this.timeout = Math.min(mostTimeout, 2 * this.timeout);
  }
}
