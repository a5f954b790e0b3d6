import { type Random, randomBytes } from '../../base/random.js';
import { bytesEqual } from '../../base/text.js';
import type { Instant } from '../../base/time.js';
import type { ChunkOf } from '../../wire/sctp/chunks.js';
import type { RoundTrip } from './round-trip.js';
import type { SctpTiming } from './settings.js';

const heartbeatInfo = 1;

/**
 * Heartbeats to a peer that nothing is sent to (RFC 9260 §8.3). One that goes unanswered is followed by the next after a
 * timeout, not after another interval: §8.3 bounds the rate of heartbeats to a peer that lives, and one that is gone
 * should be known soon.
 */
export class Heartbeats {
  readonly #timing: SctpTiming;
  readonly #random: Random;
  readonly #roundTrip: RoundTrip;
  #deadline: Instant | undefined;
  #unanswered: { readonly nonce: Uint8Array; readonly at: Instant } | undefined;

  constructor(timing: SctpTiming, random: Random, roundTrip: RoundTrip) {
    this.#timing = timing;
    this.#random = random;
    this.#roundTrip = roundTrip;
  }

  get deadline(): Instant | undefined {
    return this.#deadline;
  }

  get isUnanswered(): boolean {
    return this.#unanswered !== undefined;
  }

  /** The peer lives: the next is due between a half and one and a half timeouts after the interval. */
  schedule(now: Instant): void {
    const jitter = Math.round(this.#roundTrip.timeout * (0.5 + this.#random.uint32() / 0x1_0000_0000));
    this.#unanswered = undefined;
    this.#deadline = now + this.#timing.heartbeatInterval + jitter;
  }

  send(now: Instant): ChunkOf<'heartbeat'> {
    if (this.#unanswered) this.#roundTrip.backOff();
    const nonce = randomBytes(this.#random, 8);
    this.#unanswered = { nonce, at: now };
    this.#deadline = now + this.#roundTrip.timeout;
    return { kind: 'heartbeat', parameters: [{ type: heartbeatInfo, data: nonce }] };
  }

  /** Whether it answers the one that was sent last. */
  answered({ parameters }: ChunkOf<'heartbeatAck'>, now: Instant): boolean {
    const [info] = parameters;
    if (!this.#unanswered || !info || !bytesEqual(info.data, this.#unanswered.nonce)) return false;
    this.#roundTrip.measured(now - this.#unanswered.at);
    this.schedule(now);
    return true;
  }

  stop(): void {
    this.#deadline = undefined;
  }
}
