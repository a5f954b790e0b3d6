import { type Address, formatAddress, isMulticast } from '../../base/address.js';
import { DecodeError } from '../../base/errors.js';
import type { Instant } from '../../base/time.js';
import { encodePayload, withDecodedPayload } from '../../wire/ipv6/codec.js';
import { effectiveSource, type Packet, protocol } from '../../wire/ipv6/packet.js';
import type { BindingUpdate } from '../../wire/mobility/messages.js';
import { findOption } from '../../wire/mobility/options.js';
import type { AssociationId, Environment, Output, Row, StoredRecord } from '../contract.js';
import { type Association, refused, type Verdict } from './association.js';
import { withOption } from './authenticator.js';
import {
  type EspContent,
  type EspKeys,
  espHeader,
  type InitializationVectors,
  initializationVectors,
  open,
  seal,
} from './esp.js';
import { ReplayWindow } from './replay-window.js';

export interface EspDirection {
  /** 256 to 2^32-1. */
  readonly spi: number;
  readonly keys: EspKeys;
}

export interface EspParameters {
  readonly name: AssociationId;
  /** Undefined: a mobile that is anywhere, under any address. */
  readonly peer: Address | undefined;
  readonly outbound: EspDirection;
  readonly inbound: EspDirection;
}

/** How many sequence numbers one store reserves. */
const block = 0x1_0000;
const lastSequence = 0xffff_ffff;

/**
 * ESP in transport mode (RFC 4303) with manual keys. Such keys outlive the process, so its counters have to: outgoing
 * numbers are reserved in blocks before they are used and go on after the last block, and the highest number accepted
 * is stored with every packet that raises it, so that nothing accepted before a restart is accepted after it.
 */
export class EspAssociation implements Association {
  readonly name: AssociationId;
  readonly #parameters: EspParameters;
  readonly #vectors: InitializationVectors;
  readonly #keys: { readonly sent: string; readonly received: string };
  #sequence = 0;
  #reserved = 0;
  #window = new ReplayWindow();

  constructor(parameters: EspParameters, environment: Environment, storeKey: string) {
    this.name = parameters.name;
    this.#parameters = parameters;
    this.#vectors = initializationVectors(environment.random);
    this.#keys = {
      sent: `${storeKey}/sent/${parameters.outbound.spi}`,
      received: `${storeKey}/received/${parameters.inbound.spi}`,
    };
  }

  get inboundSpi(): number {
    return this.#parameters.inbound.spi;
  }

  get row(): Row {
    const { peer, inbound, outbound } = this.#parameters;
    return {
      peer: peer && formatAddress(peer),
      protection: `esp ${outbound.keys.cipher}`,
      spi: outbound.spi,
      inboundSpi: inbound.spi,
      sent: this.#sequence,
      received: this.#window.highest,
    };
  }

  carries(packet: Packet): boolean {
    return isCarried(packet);
  }

  restore(records: readonly StoredRecord[]): void {
    for (const { key, value } of records) {
      if (typeof value !== 'number') continue;
      if (key === this.#keys.sent) this.#sequence = this.#reserved = value;
      if (key === this.#keys.received) this.#window = new ReplayWindow(value);
    }
  }

  protect(packet: Packet): Output[] {
    if (this.#sequence >= lastSequence) return [this.#failed('ESP sequence numbers are used up: new keys are needed')];
    this.#sequence++;
    const { spi, keys } = this.#parameters.outbound;
    const header = { spi, sequence: this.#sequence };
    const data = seal(keys, header, encodePayload(withCareOf(packet)), this.#vectors);
    const payload = { kind: 'raw', protocol: protocol.esp, data } as const;
    return [...this.#reserve(), { kind: 'send', packet: { ...packet, payload } }];
  }

  #reserve(): Output[] {
    if (this.#sequence <= this.#reserved) return [];
    this.#reserved = Math.min(this.#reserved + block, lastSequence);
    return [{ kind: 'store', key: this.#keys.sent, value: this.#reserved }];
  }

  /** RFC 4303 §3.4: look at the window, verify, and only then move it. */
  accept(packet: Packet, _now: Instant): Verdict {
    const { payload } = packet;
    if (payload.kind !== 'raw' || payload.protocol !== protocol.esp) return refused('unprotected');
    const header = espHeader(payload.data);
    if (header?.spi !== this.#parameters.inbound.spi) return refused('unknownAssociation');
    if (header.sequence === 0 || !this.#window.isNew(header.sequence)) return refused('replayed');
    const content = open(this.#parameters.inbound.keys, payload.data);
    if (!content) return refused('authentication');
    const outputs: Output[] = [];
    if (header.sequence > this.#window.highest)
      outputs.push({ kind: 'store', key: this.#keys.received, value: header.sequence });
    this.#window.note(header.sequence);
    return this.#opened(packet, content, outputs);
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
    return { kind: 'trace', event: { event: 'failed', peer: this.#parameters.peer, reason } };
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
  return { ...packet, payload: { kind: 'mobility', message: withOption(message, option) } };
}

/**
 * Signalling; prefix discovery (RFC 6275 §6.7, §6.8); Router Advertisements to a router (RFC 4140 §7) and the echoes that show
 * whether it lives (§10).
 */
function isCarried({ payload, destination }: Packet): boolean {
  if (payload.kind === 'mobility') return true;
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
