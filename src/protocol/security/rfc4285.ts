import { type Address, formatAddress } from '../../base/address.js';
import { type Instant, seconds } from '../../base/time.js';
import { defaultHopLimit, effectiveSource, type Packet } from '../../wire/ipv6/packet.js';
import {
  type BindingAcknowledgement,
  type BindingUpdate,
  bindingAcknowledgementFlags,
} from '../../wire/mobility/messages.js';
import { findOption } from '../../wire/mobility/options.js';
import type { AssociationId, Environment, Output, Row } from '../contract.js';
import { type Association, type RefusalCause, refused, type Verdict } from './association.js';
import { Authenticator, authenticationOption, type OptionedMessage, withOption } from './authenticator.js';
import { isNestedAcknowledgement, nestedIn } from './nested.js';
import { type NtpTime, ntpAfter, ntpDifferenceS, ntpKey, ntpNext, ntpShifted, ntpTime } from './ntp.js';
import { Recent } from './recent.js';

/** RFC 4285 §8. */
export const identificationMismatch = 144;
export const identificationRequired = 145;
export const authenticationFailed = 146;

export interface MessageAuthenticationParameters {
  readonly name: AssociationId;
  /** Undefined: a mobile that is anywhere, under any address. */
  readonly peer: Address | undefined;
  /** 256 to 2^32-1. */
  readonly spi: number;
  /** 16 octets. */
  readonly key: Uint8Array;
  /** How far apart the two clocks may be (§6). */
  readonly windowS: number;
}

/** For how long an answer may take: as long as the longest retransmission timeout (RFC 6275 §12), with room. */
const answerTime = seconds(64);

/** What clocks of peers may differ by without being set: whole seconds are all that a refusal tells. */
const inStepS = 1;

/** What waits for its answer: the packet as the engine sent it, for sending it again with a better timestamp. */
interface Asked {
  readonly packet: Packet;
  readonly time: NtpTime;
  readonly again: boolean;
  /** It went behind another packet: only the engine can send it again. */
  readonly isNested: boolean;
}

/**
 * The mobility message authentication and replay protection options of RFC 4285 between two nodes. Timestamps have to
 * rise for each mobile apart, as §6 says, so that reordered messages about different mobiles do not refuse each other;
 * what is forgotten is older than the window and refused for its age. An answer carries its request's timestamp.
 */
export class MessageAuthentication implements Association {
  readonly name: AssociationId;
  readonly #parameters: MessageAuthenticationParameters;
  readonly #environment: Environment;
  readonly #authenticator: Authenticator;
  /** The newest timestamp accepted, by mobile. */
  readonly #accepted: Recent<NtpTime>;
  /** Requests accepted and not answered yet. */
  readonly #toAnswer = new Recent<NtpTime>(answerTime);
  readonly #asked = new Recent<Asked>(answerTime);
  /** The newest timestamp accepted of all. */
  #newest: NtpTime | undefined;
  #lastSent: NtpTime | undefined;
  /** Seconds the peer's clock is ahead of ours, learnt from its refusals. */
  #peerAheadS = 0;
  /** Our clock when we came back: older messages may have been accepted before, and we no longer know. */
  #restarted: NtpTime | undefined;

  constructor(parameters: MessageAuthenticationParameters, environment: Environment) {
    this.name = parameters.name;
    this.#parameters = parameters;
    this.#environment = environment;
    this.#authenticator = new Authenticator(parameters.spi, parameters.key);
    this.#accepted = new Recent(seconds(2 * parameters.windowS));
  }

  get inboundSpi(): number {
    return this.#parameters.spi;
  }

  /** Not the wrappers of nested acknowledgements: an answer needs a request. */
  carries(packet: Packet): boolean {
    return packet.payload.kind === 'mobility' && !isNestedAcknowledgement(packet);
  }

  get row(): Row {
    const { peer } = this.#parameters;
    return {
      peer: peer && formatAddress(peer),
      protection: 'rfc4285',
      spi: this.#parameters.spi,
      peerAheadS: this.#peerAheadS,
    };
  }

  restore(_records: unknown, now: Instant): void {
    this.#restarted = this.#clock(now);
  }

  protect(packet: Packet, answering: Packet | undefined, now: Instant, isNested = false): Output[] {
    const message = optionedMessage(packet);
    if (!message) return [this.#failed(`no room for authentication in a '${messageKind(packet)}' message`)];
    const requestKind = requestOf(message.kind);
    if (requestKind === undefined) return [this.#ask(packet, message, { again: false, isNested }, now)];
    const time = this.#requestTime(requestKind, message, answering, now);
    if (!time) return [this.#failed(`${message.kind} answers no request`)];
    return [send(this.#signed(packet, message, time))];
  }

  accept(packet: Packet, now: Instant): Verdict {
    const message = optionedMessage(packet);
    const option = message && authenticationOption(message);
    if (!message || !option) return refused('unprotected');
    if (option.spi !== this.#parameters.spi) return refused('unknownAssociation');
    const received = packet.payload.kind === 'mobility' ? packet.payload.octets : undefined;
    if (!this.#authenticator.verify(packet, message, received))
      return this.#refuse('authentication', packet, message, authenticationFailed, now);
    return requestOf(message.kind) === undefined
      ? this.#acceptRequest(packet, message, now)
      : this.#acceptAnswer(packet, message, now);
  }

  #acceptRequest(packet: Packet, message: OptionedMessage, now: Instant): Verdict {
    const time = findOption(message.options, 'replayProtection');
    if (!time) return this.#refuse('unidentified', packet, message, identificationRequired, now);
    const mobile = identityOf(message);
    if (!this.#isFresh(time, mobile, now))
      return this.#refuse('replayed', packet, message, identificationMismatch, now);
    this.#accepted.set(mobile, time, now);
    if (!this.#newest || ntpAfter(time, this.#newest)) this.#newest = time;
    if (isAnswered(message.kind)) this.#toAnswer.set(exchangeKey(message), time, now);
    return { kind: 'accepted', packet, outputs: [] };
  }

  #isFresh(time: NtpTime, mobile: string, now: Instant): boolean {
    if (this.#peerAheadS !== 0 && this.#isInStep(time, now)) this.#follow(0);
    const peerClock = ntpShifted(this.#clock(now), this.#peerAheadS);
    if (!this.#isWithin(time, peerClock)) return false;
    if (this.#restarted && !ntpAfter(time, ntpShifted(this.#restarted, this.#peerAheadS))) return false;
    const last = this.#accepted.get(mobile, now);
    return last === undefined || ntpAfter(time, last);
  }

  /**
   * Both ends ask, and each may have set its clock by the other's, or one was set right meanwhile: the peer goes by this node's own
   * clock then. Nothing that was accepted ever is as new.
   */
  #isInStep(time: NtpTime, now: Instant): boolean {
    return (!this.#newest || ntpAfter(time, this.#newest)) && this.#isWithin(time, this.#clock(now));
  }

  #isWithin(time: NtpTime, clock: NtpTime): boolean {
    return Math.abs(ntpDifferenceS(time, clock)) <= this.#parameters.windowS;
  }

  #follow(peerAheadS: number): void {
    this.#peerAheadS = peerAheadS;
    this.#lastSent = undefined;
  }

  /** An answer is good once: what it answers is taken off the list. */
  #acceptAnswer(packet: Packet, message: OptionedMessage, now: Instant): Verdict {
    const time = findOption(message.options, 'replayProtection');
    if (!time) return refused('unidentified');
    if (message.kind === 'bindingAcknowledgement' && message.status === identificationMismatch)
      return this.#askAgain(packet, message, time, now);
    if (this.#asked.take(ntpKey(time), now)) return { kind: 'accepted', packet, outputs: [] };
    return refused('unasked');
  }

  /**
   * RFC 4285 §6: the peer put its own seconds into the timestamp; set ours by them and send the request again, once. Where
   * they are ours already, what was refused is a copy of a message that had been accepted: its own answer counts. What was nested
   * the engine sends again.
   */
  #askAgain(packet: Packet, answer: BindingAcknowledgement, time: NtpTime, now: Instant): Verdict {
    const asked = this.#takeRefused(answer, time, now);
    if (!asked) return refused('unasked');
    this.#follow((time.ntpSeconds - this.#clock(now).ntpSeconds) | 0);
    const request = optionedMessage(asked.packet);
    if (asked.isNested) return { kind: 'consumed', outputs: [] };
    if (!request || asked.again) return { kind: 'accepted', packet, outputs: [] };
    return { kind: 'consumed', outputs: [this.#ask(asked.packet, request, { again: true, isNested: false }, now)] };
  }

  #takeRefused(answer: BindingAcknowledgement, time: NtpTime, now: Instant): Asked | undefined {
    for (const [key, asked] of this.#asked.entries(now)) {
      const request = optionedMessage(asked.packet);
      if (asked.time.ntpFraction !== time.ntpFraction || request?.kind !== 'bindingUpdate') continue;
      if (request.sequence !== answer.sequence) continue;
      return Math.abs(ntpDifferenceS(time, asked.time)) > inStepS ? this.#asked.take(key, now) : undefined;
    }
    return undefined;
  }

  #ask(packet: Packet, message: OptionedMessage, how: Pick<Asked, 'again' | 'isNested'>, now: Instant): Output {
    const time = this.#nextTime(now);
    if (isAnswered(message.kind)) this.#asked.set(ntpKey(time), { packet, time, ...how }, now);
    return send(this.#signed(packet, message, time));
  }

  #signed(packet: Packet, message: OptionedMessage, time: NtpTime): Packet {
    const { ntpSeconds, ntpFraction } = time;
    const identified = withOption(message, { kind: 'replayProtection', ntpSeconds, ntpFraction });
    const nested = nestedIn(packet);
    const signed = this.#authenticator.sign(packet, identified);
    return { ...packet, payload: { kind: 'mobility', message: signed, ...(nested && { nested }) } };
  }

  /** Later than every timestamp before; bits finer than the clock's nanoseconds are random, as §6 asks. */
  #nextTime(now: Instant): NtpTime {
    const clock = ntpShifted(this.#clock(now), this.#peerAheadS);
    const fine = this.#environment.random.uint32() & 3;
    let time: NtpTime = { ntpSeconds: clock.ntpSeconds, ntpFraction: ((clock.ntpFraction & ~3) | fine) >>> 0 };
    if (this.#lastSent && !ntpAfter(time, this.#lastSent)) time = ntpNext(this.#lastSent);
    this.#lastSent = time;
    return time;
  }

  #requestTime(
    kind: OptionedMessage['kind'],
    answer: OptionedMessage,
    answering: Packet | undefined,
    now: Instant,
  ): NtpTime | undefined {
    const request = answering && optionedMessage(answering);
    if (request?.kind !== kind) return this.#toAnswer.take(exchangeKey(answer), now);
    this.#toAnswer.take(exchangeKey(request), now);
    return findOption(request.options, 'replayProtection');
  }

  /** Only a Binding Update is answered with the cause (§5.1.1, §6); nothing else has a status for it. */
  #refuse(cause: RefusalCause, packet: Packet, message: OptionedMessage, status: number, now: Instant): Verdict {
    if (message.kind !== 'bindingUpdate') return refused(cause);
    const { source: peer } = packet;
    const identity = findOption(message.options, 'mobileNodeIdentifier')?.identifier;
    return refused(cause, [
      send(this.#refusal(packet, message, status, now)),
      { kind: 'trace', event: { event: 'refused', peer, identity, status, reason: cause } },
    ]);
  }

  /** Authenticated even where the request was not (§5.1.1). */
  #refusal(packet: Packet, request: BindingUpdate, status: number, now: Instant): Packet {
    const identifier = findOption(request.options, 'mobileNodeIdentifier');
    const answer: BindingAcknowledgement = {
      kind: 'bindingAcknowledgement',
      status,
      flags: bindingAcknowledgementFlags({ proxy: request.flags.proxy }),
      sequence: request.sequence,
      lifetimeS: 0,
      options: identifier ? [identifier] : [],
    };
    const asked = findOption(request.options, 'replayProtection');
    const { ntpSeconds, ntpFraction } = this.#clock(now);
    const time = {
      ntpSeconds: asked && status !== identificationMismatch ? asked.ntpSeconds : ntpSeconds,
      ntpFraction: asked?.ntpFraction ?? ntpFraction,
    };
    const reply: Packet = { ...answerEnvelope(packet), payload: { kind: 'mobility', message: answer } };
    return this.#signed(reply, answer, time);
  }

  #failed(reason: string): Output {
    return { kind: 'trace', event: { event: 'failed', peer: this.#parameters.peer, reason } };
  }

  #clock(now: Instant): NtpTime {
    return ntpTime(this.#environment.clock(now));
  }
}

function send(packet: Packet): Output {
  return { kind: 'send', packet };
}

/** Back to where it came from; to a mobile through its type 2 routing header (RFC 6275 §9.5.4). */
function answerEnvelope(packet: Packet): Omit<Packet, 'payload'> {
  const { source, destination } = packet;
  const envelope = { source: destination, destination: source, hopLimit: defaultHopLimit };
  const homeAddress = effectiveSource(packet);
  if (homeAddress === source) return envelope;
  return { ...envelope, headers: [{ kind: 'routingType2', segmentsLeft: 1, homeAddress }] };
}

function optionedMessage(packet: Packet): OptionedMessage | undefined {
  const message = packet.payload.kind === 'mobility' ? packet.payload.message : undefined;
  return message && message.kind !== 'unknown' ? message : undefined;
}

function messageKind(packet: Packet): string {
  return packet.payload.kind === 'mobility' ? packet.payload.message.kind : packet.payload.kind;
}

/** What a message of that kind answers. */
function requestOf(kind: OptionedMessage['kind']): OptionedMessage['kind'] | undefined {
  if (kind === 'bindingAcknowledgement') return 'bindingUpdate';
  if (kind === 'bindingRevocationAcknowledgement') return 'bindingRevocationIndication';
  return undefined;
}

function isAnswered(kind: OptionedMessage['kind']): boolean {
  return kind === 'bindingUpdate' || kind === 'bindingRevocationIndication';
}

function identityOf(message: OptionedMessage): string {
  return findOption(message.options, 'mobileNodeIdentifier')?.identifier ?? '';
}

/** The same for a request and its answer. */
function exchangeKey(message: OptionedMessage): string {
  const request = requestOf(message.kind) ?? message.kind;
  return `${request} ${'sequence' in message ? message.sequence : ''} ${identityOf(message)}`;
}
