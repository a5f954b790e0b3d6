import { DecodeError } from '../../base/errors.js';
import { type Instant, second } from '../../base/time.js';
import { featureProfileType } from '../../wire/cxtp/context.js';
import { type CxtpMessage, type CxtpMessageOf, decodeCxtp, encodeCxtp } from '../../wire/cxtp/messages.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import type { Turn } from '../gateway/lifecycle.js';
import type { Visitor } from '../gateway/visitor.js';
import { authorizationToken, mobileKey } from './authorization.js';
import { type Ground, isNeighbour } from './ground.js';

export type ActivateRequest = CxtpMessageOf<'contextTransferActivateRequest'>;

/** ICMPv6's Experimental Mobility type, and CXTP below it (RFC 4065 §7, RFC 4067 §3.2). */
const experimentalMobility = 150;
const cxtpSubtype = 1;
const headerOctets = 4;
/** RFC 4067 §4 CT_REQUEST_RATE. */
const requestsPerSecond = 10;
/** RFC 4067 §3.2: a mobile does not use a sequence number again within seven seconds; what it repeats ends after fifteen. */
const rememberedS = 15;
/** Of an acknowledgement: there was no context, or the token was wrong. */
const unavailable = 1;
const unauthorized = 2;

/** What is done about a mobile's request. */
export interface Handovers {
  /** To the gateway it will go to, with what is known here; false: there is nothing to tell. */
  predict(visitor: Visitor, request: ActivateRequest, turn: Turn): boolean;
  /** From the gateway it was at. True: the context is here already. */
  fetch(visitor: Visitor, request: ActivateRequest, turn: Turn): boolean;
}

interface Known {
  readonly sequence: number;
  readonly at: Instant;
}

/** Requests of mobiles (RFC 4067 §2.5.1, §2.5.2). */
export class Activation {
  readonly #ground: Ground;
  readonly #handovers: Handovers;
  /** The last few of a visitor. */
  readonly #recent = new Map<number, Known[]>();
  /** Whose answer waits for the context, and for whom. */
  readonly #unanswered = new Map<Visitor, { readonly request: ActivateRequest; readonly packet: Packet }>();

  constructor(ground: Ground, handovers: Handovers) {
    this.#ground = ground;
    this.#handovers = handovers;
  }

  received(packet: Packet, visitor: Visitor, turn: Turn): void {
    const { counters } = this.#ground;
    const request = activateRequestIn(packet);
    if (!request) {
      counters.contextMessagesUnexpected++;
      return;
    }
    counters.activationRequestsReceived++;
    const problem = this.#repetition(visitor, request, turn.now);
    if (problem !== undefined) {
      counters[problem]++;
      return;
    }
    if (!this.isAuthorized(visitor, request)) {
      counters.contextTokensRefused++;
      return this.#acknowledge(visitor, request, packet, unauthorized, turn);
    }
    const { routerAddress } = request;
    if (!isNeighbour(this.#ground.settings, routerAddress))
      return this.#acknowledge(visitor, request, packet, unavailable, turn);
    if (visitor.addresses.includes(request.previousAddress) && visitor.state === 'registered') {
      const told = this.#handovers.predict(visitor, request, turn);
      return this.#acknowledge(visitor, request, packet, told ? undefined : unavailable, turn);
    }
    if (this.#handovers.fetch(visitor, request, turn))
      return this.#acknowledge(visitor, request, packet, undefined, turn);
    this.#unanswered.set(visitor, { request, packet });
  }

  /** RFC 4067 §6.3: before any context moves. A mobile whose identity is not known yet is authorized where its context is. */
  isAuthorized(visitor: Visitor, { previousAddress, sequence, token, blocks }: ActivateRequest): boolean {
    const identity = visitor.identity ?? visitor.claimedIdentity;
    if (identity === undefined) return true;
    const { key } = this.#ground.settings;
    return authorizationToken(mobileKey(key, identity), previousAddress, sequence, blocks) === token;
  }

  /** The context has come, or will not. */
  settled(visitor: Visitor, available: boolean, turn: Turn): void {
    const waiting = this.#unanswered.get(visitor);
    if (!waiting) return;
    this.#unanswered.delete(visitor);
    this.#acknowledge(visitor, waiting.request, waiting.packet, available ? undefined : unavailable, turn);
  }

  removed(visitor: Visitor): void {
    this.#recent.delete(visitor.id);
    this.#unanswered.delete(visitor);
  }

  /** RFC 4067 §3.2: the same again is ignored; §6.3, §4: and too many in a second. */
  #repetition(visitor: Visitor, { sequence }: ActivateRequest, now: Instant) {
    const recent = (this.#recent.get(visitor.id) ?? []).filter(({ at }) => now - at < rememberedS * second);
    this.#recent.set(visitor.id, recent);
    if (recent.some(known => known.sequence === sequence)) return 'activationRequestsRepeated';
    if (recent.filter(({ at }) => now - at < second).length >= requestsPerSecond) return 'activationRequestsLimited';
    recent.push({ sequence, at: now });
    return undefined;
  }

  /** RFC 4067 §2.5.2, where it was asked for. */
  #acknowledge(
    { link, station: neighbour }: Visitor,
    { acknowledge, previousAddress }: ActivateRequest,
    { source, destination }: Packet,
    status: number | undefined,
    turn: Turn,
  ): void {
    if (!acknowledge) return;
    const statuses = status === undefined ? [] : [{ featureProfileType: featureProfileType.pmipContext, status }];
    const message: CxtpMessage = { kind: 'contextTransferActivateAcknowledge', previousAddress, statuses };
    const packet = activationPacket(destination, source, message);
    turn.outputs.push({ kind: 'send', packet, link, neighbour });
  }
}

/** RFC 4067 §3.2: CXTP between a mobile and a gateway. */
export function activationPacket(source: Packet['source'], destination: Packet['source'], body: CxtpMessage): Packet {
  const data = Uint8Array.of(cxtpSubtype, 0, 0, 0, ...encodeCxtp(body));
  const message = { kind: 'unknown', type: experimentalMobility, code: 0, data } as const;
  return { source, destination, hopLimit: 255, payload: { kind: 'icmpv6', message } };
}

/** Whether that is CXTP of a mobile or for one. */
export function isActivation({ payload }: Packet): boolean {
  if (payload.kind !== 'icmpv6' || payload.message.kind !== 'unknown') return false;
  return payload.message.type === experimentalMobility && payload.message.data[0] === cxtpSubtype;
}

/** What a packet that {@link isActivation} says; undefined: nothing that can be read. */
export function activationIn({ payload, hopLimit }: Packet): CxtpMessage | undefined {
  if (payload.kind !== 'icmpv6' || payload.message.kind !== 'unknown' || hopLimit !== 255) return undefined;
  try {
    return decodeCxtp(payload.message.data.subarray(headerOctets));
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

function activateRequestIn(packet: Packet): ActivateRequest | undefined {
  const message = activationIn(packet);
  return message?.kind === 'contextTransferActivateRequest' ? message : undefined;
}
