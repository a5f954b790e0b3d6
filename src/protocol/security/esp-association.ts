import { type Address, formatAddress, isMulticast } from '../../base/address.js';
import { DecodeError } from '../../base/errors.js';
import type { Instant } from '../../base/time.js';
import { encodePayload, withDecodedPayload } from '../../wire/ipv6/codec.js';
import { effectiveSource, isSctp, type Packet, protocol } from '../../wire/ipv6/packet.js';
import type { BindingUpdate } from '../../wire/mobility/messages.js';
import { findOption } from '../../wire/mobility/options.js';
import type { AssociationId, Environment, Output, Row, StoredRecord } from '../contract.js';
import { type Association, refused, type Verdict } from './association.js';
import { withOption } from './authenticator.js';
import type { EspContent } from './esp.js';
import { EspChannel, type EspDirection } from './esp-channel.js';
import { nestedIn } from './nested.js';

export interface EspParameters {
  readonly name: AssociationId;
  /** Undefined: a mobile that is anywhere, under any address. */
  readonly peer: Address | undefined;
  readonly outbound: EspDirection;
  readonly inbound: EspDirection;
}

/** ESP in transport mode. */
export class EspAssociation implements Association {
  readonly name: AssociationId;
  readonly #peer: Address | undefined;
  readonly #channel: EspChannel;

  constructor({ name, peer, outbound, inbound }: EspParameters, environment: Environment, storeKey: string) {
    this.name = name;
    this.#peer = peer;
    this.#channel = new EspChannel(outbound, inbound, environment, storeKey);
  }

  get inboundSpi(): number {
    return this.#channel.inboundSpi;
  }

  get row(): Row {
    return { peer: this.#peer && formatAddress(this.#peer), ...this.#channel.row };
  }

  carries(packet: Packet): boolean {
    return isCarried(packet);
  }

  restore(records: readonly StoredRecord[]): void {
    this.#channel.restore(records);
  }

  /** What is to be stored when it is taken away. */
  forget(): Output[] {
    return this.#channel.forget();
  }

  protect(packet: Packet): Output[] {
    const { payload: _, ...envelope } = packet;
    const sealed = this.#channel.seal(envelope, encodePayload(withCareOf(packet)));
    return sealed ?? [this.#failed('ESP sequence numbers are used up: new keys are needed')];
  }

  accept(packet: Packet, _now: Instant): Verdict {
    const opened = this.#channel.open(packet);
    return typeof opened === 'string' ? refused(opened) : this.#opened(packet, opened.content, opened.outputs);
  }

  #opened(packet: Packet, content: EspContent, outputs: Output[]): Verdict {
    if (content.protocol === protocol.none) return { kind: 'consumed', outputs };
    try {
      const inner = withDecodedPayload(packet, content.protocol, content.data);
      if (!isCareOfCovered(inner)) return refused('unprotected', outputs);
      if (isCarried(inner)) return { kind: 'accepted', packet: inner, outputs };
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
    }
    return refused('malformed', outputs);
  }

  #failed(reason: string): Output {
    return { kind: 'trace', event: { event: 'failed', ...(this.#peer && { peer: this.#peer }), reason } };
  }
}

/** The Binding Update of a mobile about itself: the source of its packet would be its care-of address. */
function ownUpdate(packet: Packet): BindingUpdate | undefined {
  const message = packet.payload.kind === 'mobility' ? packet.payload.message : undefined;
  if (message?.kind !== 'bindingUpdate' || message.lifetimeS === 0) return undefined;
  return effectiveSource(packet) === packet.source ? undefined : message;
}

/** RFC 6275 §11.7.1: ESP does not cover the source, so the care-of address has to stand in the Binding Update. */
function isCareOfCovered(packet: Packet): boolean {
  const message = ownUpdate(packet);
  return message === undefined || findOption(message.options, 'alternateCareOfAddress') !== undefined;
}

/** The packet with the option where an engine left it out: RFC 4140 §6.1 does, for the mobile's address is the source. */
function withCareOf(packet: Packet): Packet {
  const message = ownUpdate(packet);
  if (!message || isCareOfCovered(packet)) return packet;
  const option = { kind: 'alternateCareOfAddress', careOfAddress: packet.source } as const;
  const nested = nestedIn(packet);
  return { ...packet, payload: { kind: 'mobility', message: withOption(message, option), ...(nested && { nested }) } };
}

/**
 * Signalling, over SCTP, too (draft-singh §4.9.4); prefix discovery (RFC 6275 §6.7, §6.8); Router Advertisements to a router (RFC 4140 §7) and the echoes that show
 * whether it lives (§10).
 */
function isCarried({ payload, destination }: Packet): boolean {
  if (payload.kind === 'mobility' || isSctp(payload)) return true;
  if (payload.kind !== 'icmpv6' || isMulticast(destination)) return false;
  switch (payload.message.kind) {
    case 'mobilePrefixSolicitation':
    case 'mobilePrefixAdvertisement':
    case 'routerAdvertisement':
    case 'echoRequest':
    case 'echoReply':
      return true;
    default:
      return false;
  }
}
