import type { Address } from '../../base/address.js';
import type { Deadlines } from '../../base/deadlines.js';
import { type Duration, type Instant, second } from '../../base/time.js';
import { defaultHopLimit, type Packet } from '../../wire/ipv6/packet.js';
import type { BindingAcknowledgement, MobilityMessage } from '../../wire/mobility/messages.js';
import { findOption } from '../../wire/mobility/options.js';
import type { Environment, Output } from '../contract.js';
import type { GatewayConfig } from './config.js';
import type { Answer, Dialect } from './dialect.js';
import { type TimerKey, timerKey } from './timers.js';
import type { Purpose, Visitor, VisitorList } from './visitor.js';

/** RFC 6275 §12 INITIAL_BINDACK_TIMEOUT; RFC 5213 §6.9.4 uses it for first registrations too. */
const initialTimeout: Duration = 1 * second;
/** RFC 6275 §12 MAX_BINDACK_TIMEOUT. */
const maximumTimeout: Duration = 32 * second;

/** An answer and whom it is about. */
export interface Acknowledged {
  readonly visitor: Visitor;
  readonly purpose: Purpose;
  readonly answer: Answer;
}

/** Sends Binding Updates for visitors until they are answered (RFC 6275 §11.8, RFC 5213 §6.9.4). */
export class Registrar {
  #highestSequence = 0;

  constructor(
    readonly config: GatewayConfig,
    readonly dialect: Dialect,
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
    visitor.request = undefined;
    this.timers.clear(timerKey('retransmit', visitor));
  }

  /** Matches an answer with its request; undefined where nothing like it was asked (RFC 5213 §6.9.1.2 (5)). */
  receive(message: BindingAcknowledgement, source: Address, visitors: VisitorList): Acknowledged | undefined {
    const visitor = matching(message, source, visitors);
    if (!visitor?.request) return undefined;
    const { purpose, insisted } = visitor.request;
    const read = this.dialect.read(visitor, message);
    if (read.kind === 'ignored') {
      // A deregistration is over when its time is, answered or not.
      if (purpose !== 'deregister') this.timers.clear(timerKey('retransmit', visitor));
      return { visitor, purpose, answer: read };
    }
    if (read.kind === 'accepted') this.#grant(visitor, message);
    if (message.status === outOfWindow) visitor.sequence = message.sequence;
    // A request is repeated at once only once: an anchor that keeps refusing must not make a loop of it.
    const answer: Answer =
      read.kind === 'refused' && read.retry === 'now' && insisted ? { ...read, retry: 'later' } : read;
    if (answer.kind === 'refused' && answer.retry === 'unlessAccepted') visitor.request.refusal = answer.reason;
    else this.cancel(visitor);
    return { visitor, purpose, answer };
  }

  /** Asks again at once. */
  insist(visitor: Visitor, purpose: Purpose, now: Instant): Output {
    const output = this.begin(visitor, purpose, now);
    if (visitor.request) visitor.request.insisted = true;
    return output;
  }

  /** RFC 6275 §11.7.3: the lifetime counts from the sending of the update. */
  #grant(visitor: Visitor, message: BindingAcknowledgement): void {
    const { request } = visitor;
    if (!request || request.purpose === 'deregister') return;
    visitor.lifetimeS = message.lifetimeS;
    visitor.expiresAt = request.sentAt + message.lifetimeS * second;
    const advised = findOption(message.options, 'bindingRefreshAdvice')?.refreshIntervalS ?? message.lifetimeS;
    const refreshS = Math.min(message.lifetimeS * this.config.refreshFraction, advised || message.lifetimeS);
    this.timers.set(timerKey('expire', visitor), visitor.expiresAt);
    this.timers.set(timerKey('refresh', visitor), request.sentAt + Math.round(refreshS * second));
  }

  #transmit(visitor: Visitor, sequence: number, now: Instant): Output {
    const request = visitor.request!;
    visitor.sequence = sequence;
    request.sentAt = now;
    const timeout = Math.min(initialTimeout * 2 ** request.transmissions, maximumTimeout);
    request.transmissions++;
    this.timers.set(timerKey('retransmit', visitor), now + timeout);
    const { flags, options } = this.dialect.compose(visitor, request.purpose, now);
    const lifetimeS = request.purpose === 'deregister' ? 0 : this.config.lifetimeS;
    const { careOfAddress } = this.config;
    return mobilityPacket(this.config.address, visitor.anchor!, {
      kind: 'bindingUpdate',
      sequence: sequence & 0xffff,
      flags,
      lifetimeS,
      options: careOfAddress ? [...options, { kind: 'alternateCareOfAddress', careOfAddress }] : [...options],
    });
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

/** RFC 6275 §6.1.8. */
const outOfWindow = 135;

/**
 * An answer to a request has its Sequence Number. One with status 135 has what the anchor accepted last (RFC 6275 §9.5.1):
 * where that is no newer than the request, a copy of an older update was refused, and the request itself was or will be
 * accepted.
 */
function matching(message: BindingAcknowledgement, source: Address, visitors: VisitorList): Visitor | undefined {
  const identity = findOption(message.options, 'mobileNodeIdentifier')?.identifier;
  const candidates = identity === undefined ? visitors : visitors.byIdentity(identity);
  for (const visitor of candidates) {
    if (!visitor.request || visitor.anchor !== source) continue;
    const { firstSequence, transmissions } = visitor.request;
    const ahead = (message.sequence - firstSequence) & 0xffff;
    if (message.status === outOfWindow) {
      if (identity !== undefined && ahead >= transmissions && ahead < 0x8000) return visitor;
    } else if (ahead < transmissions) return visitor;
  }
  return undefined;
}

/** Signalling between agents. */
export function mobilityPacket(source: Address, destination: Address, message: MobilityMessage): Output {
  const packet: Packet = { source, destination, hopLimit: defaultHopLimit, payload: { kind: 'mobility', message } };
  return { kind: 'send', packet };
}

export function refusedTrace(visitor: Visitor, peer: Address, status: number, reason: string): Output {
  const { identity } = visitor;
  return { kind: 'trace', event: { event: 'refused', peer, status, reason, ...(identity && { identity }) } };
}
