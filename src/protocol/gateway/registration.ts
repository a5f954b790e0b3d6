import type { Address } from '../../base/address.js';
import type { Deadlines } from '../../base/deadlines.js';
import { type Duration, type Instant, second } from '../../base/time.js';
import type { Environment, Output } from '../contract.js';
import type { GatewayConfig } from './config.js';
import type { Answer, Dialect } from './dialect.js';
import type { Exchange, Granted } from './exchange.js';
import { type TimerKey, timerKey } from './timers.js';
import type { Purpose, Visitor } from './visitor.js';

/** RFC 6275 §12 INITIAL_BINDACK_TIMEOUT; RFC 5213 §6.9.4 uses it for first registrations too. */
const initialTimeout: Duration = 1 * second;
/** RFC 6275 §12 MAX_BINDACK_TIMEOUT. */
const maximumTimeout: Duration = 32 * second;

/** Sends requests for visitors until they are answered (RFC 6275 §11.8, RFC 5213 §6.9.4). */
export class Registrar {
  #highestSequence = 0;

  constructor(
    readonly config: GatewayConfig,
    readonly dialect: Dialect,
    readonly exchange: Exchange,
    readonly environment: Environment,
    readonly timers: Deadlines<TimerKey>,
  ) {}

  /** Begins a request in place of the one outstanding. */
  begin(visitor: Visitor, purpose: Purpose, now: Instant): Output {
    const sequence = this.#nextSequence(visitor, now);
    visitor.request = {
      purpose,
      firstSequence: sequence,
      sentAt: now,
      transmissions: 0,
      insisted: false,
      refusal: undefined,
    };
    return this.#transmit(visitor, sequence, now);
  }

  /** Sends it again, with the next Sequence Number and twice the patience; undefined: it has been sent often enough. */
  retransmit(visitor: Visitor, now: Instant): Output | undefined {
    const { request } = visitor;
    if (!request) return undefined;
    const { deregistrationTransmissions } = this.dialect;
    if (request.purpose === 'deregister' && request.transmissions >= deregistrationTransmissions) return undefined;
    return this.#transmit(visitor, this.#nextSequence(visitor, now), now);
  }

  cancel(visitor: Visitor): void {
    if (visitor.request) this.exchange.ended(visitor);
    visitor.request = undefined;
    this.timers.clear(timerKey('retransmit', visitor));
  }

  /** What an answer to the outstanding request comes to. */
  settle(visitor: Visitor, read: Answer, granted: Granted | undefined): Answer {
    const { purpose, insisted } = visitor.request!;
    if (read.kind === 'ignored') {
      // A deregistration is over when its time is, answered or not.
      if (purpose !== 'deregister') this.timers.clear(timerKey('retransmit', visitor));
      return read;
    }
    if (read.kind === 'accepted' && granted) this.#grant(visitor, granted);
    // A request is repeated at once only once: an anchor that keeps refusing must not make a loop of it.
    const answer: Answer =
      read.kind === 'refused' && read.retry === 'now' && insisted ? { ...read, retry: 'later' } : read;
    if (answer.kind === 'refused' && answer.retry === 'unlessAccepted') visitor.request!.refusal = answer.reason;
    else this.cancel(visitor);
    return answer;
  }

  /** Asks again at once. */
  insist(visitor: Visitor, purpose: Purpose, now: Instant): Output {
    const output = this.begin(visitor, purpose, now);
    if (visitor.request) visitor.request.insisted = true;
    return output;
  }

  /** RFC 6275 §11.7.3: the lifetime counts from the sending of the update. */
  #grant(visitor: Visitor, granted: Granted): void {
    const { request } = visitor;
    if (request && request.purpose !== 'deregister') this.extend(visitor, granted, request.sentAt);
  }

  extend(visitor: Visitor, { lifetimeS, refreshAdviceS }: Granted, since: Instant): void {
    visitor.lifetimeS = lifetimeS;
    visitor.expiresAt = since + lifetimeS * second;
    const refreshS = Math.min(lifetimeS * this.config.refreshFraction, refreshAdviceS || lifetimeS);
    this.timers.set(timerKey('expire', visitor), visitor.expiresAt);
    if (!visitor.former) this.timers.set(timerKey('refresh', visitor), since + Math.round(refreshS * second));
  }

  #transmit(visitor: Visitor, sequence: number, now: Instant): Output {
    const request = visitor.request!;
    visitor.sequence = sequence;
    request.sentAt = now;
    const timeout = Math.min(initialTimeout * 2 ** request.transmissions, maximumTimeout);
    request.transmissions++;
    this.timers.set(timerKey('retransmit', visitor), now + timeout);
    const lifetimeS = request.purpose === 'deregister' ? 0 : this.config.lifetimeS;
    return this.exchange.request(visitor, request.purpose, { sequence, lifetimeS, now });
  }

  /**
   * One more than the visitor's last. A new visitor starts above all others, since the anchor may remember what was sent
   * for the mobile when it was here before, and above the wall clock's seconds, since the gateway may have forgotten.
   */
  #nextSequence(visitor: Visitor, now: Instant): number {
    const last = visitor.sequence ?? Math.max(this.#highestSequence, this.environment.clock(now).seconds);
    this.#highestSequence = Math.max(this.#highestSequence, last + 1);
    return last + 1;
  }
}

export function refusedTrace(visitor: Visitor, peer: Address, status: number, reason: string): Output {
  const { identity } = visitor;
  return { kind: 'trace', event: { event: 'refused', peer, status, reason, ...(identity && { identity }) } };
}
