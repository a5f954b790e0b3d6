import { hmac } from '@noble/hashes/hmac.js';
import { sha1 } from '@noble/hashes/legacy.js';
import type { Address } from '../../base/address.js';
import { invariant } from '../../base/errors.js';
import { bytesEqual } from '../../base/text.js';
import { Writer } from '../../wire/codec/buffer.js';
import { encodePacket } from '../../wire/ipv6/codec.js';
import { cameTo, effectiveDestination, effectiveSource, type Packet, protocol } from '../../wire/ipv6/packet.js';
import { writeMobilityHeader } from '../../wire/mobility/header.js';
import { locationOperation, type MobilityMessage, minimumMessageOctets } from '../../wire/mobility/messages.js';
import { findOption, type MobilityOption, type MobilityOptionOf } from '../../wire/mobility/options.js';
import { nestedIn } from './nested.js';

/** A Mobility Header message that can carry options. */
export type OptionedMessage = Extract<MobilityMessage, { options: readonly MobilityOption[] }>;
type AuthenticationOption = MobilityOptionOf<'mobilityMessageAuthentication'>;

const authenticationType = 9;
/** RFC 4285 §5: between the two ends of the association, not for an AAA server (2). */
const mnHa = 1;
const authenticatorOctets = 12;
const zeroChecksum = new Uint8Array(2);

/** Computes and checks the MN-HA authentication data of RFC 4285 §5.1 under one key. */
export class Authenticator {
  readonly #spi: number;
  readonly #keyed: ReturnType<typeof hmac.create>;
  readonly #writer = new Writer(512);

  constructor(spi: number, key: Uint8Array) {
    this.#spi = spi;
    this.#keyed = hmac.create(sha1, key);
  }

  /** `message` with the option at its end, where it has to be when it is the only one (§5.1). */
  sign<M extends OptionedMessage>(packet: Packet, message: M): M {
    const empty = withOption(message, this.#option(new Uint8Array(authenticatorOctets)));
    return withOption(message, this.#option(this.#first96(packet, empty, this.#encoded(packet, empty))));
  }

  /** Whether the option at the end of `message` was computed under this key; `received` are the octets it came in. */
  verify(packet: Packet, message: OptionedMessage, received: Uint8Array | undefined): boolean {
    const option = authenticationOption(message);
    return (
      option !== undefined &&
      option.authenticator.length === authenticatorOctets &&
      bytesEqual(option.authenticator, this.#first96(packet, message, received ?? this.#encoded(packet, message)))
    );
  }

  #option(authenticator: Uint8Array): AuthenticationOption {
    return { kind: 'mobilityMessageAuthentication', subtype: mnHa, spi: this.#spi, authenticator };
  }

  #encoded(packet: Packet, message: OptionedMessage): Uint8Array {
    this.#writer.reset();
    writeMobilityHeader(this.#writer, message, undefined, nestedIn(packet) ? protocol.ipv6 : protocol.none);
    return this.#writer.view();
  }

  /**
   * First(96, HMAC_SHA1(key, care-of address | home address | MH Data)), the checksum zero. A packet behind the header
   * (draft-dommety §2.2.2) counts as MH Data: nobody can put another one there.
   */
  #first96(packet: Packet, message: OptionedMessage, header: Uint8Array): Uint8Array {
    const { careOf, home } = mobilityEnds(packet, message);
    const addresses = new Writer(32);
    addresses.address(careOf);
    addresses.address(home);
    const mac = this.#keyed.clone().update(addresses.view());
    mac
      .update(header.subarray(0, 4))
      .update(zeroChecksum)
      .update(header.subarray(6, endOfSpi(header)));
    const nested = nestedIn(packet);
    if (nested) mac.update(encodePacket(nested));
    return mac.digest().slice(0, authenticatorOctets);
  }
}

/** The MN-HA option that authenticates `message`: its last option. */
export function authenticationOption(message: OptionedMessage): AuthenticationOption | undefined {
  const last = message.options.at(-1);
  return last?.kind === 'mobilityMessageAuthentication' && last.subtype === mnHa ? last : undefined;
}

export function withOption<M extends OptionedMessage>(message: M, option: MobilityOption): M {
  return { ...message, options: [...message.options, option] };
}

/**
 * The addresses that stand for the mobile's care-of and home address in the authentication data. The care-of address is
 * the registering end's: a Binding Update's Alternate Care-of Address or its IPv6 source, and the IPv6 destination of
 * what the anchor says. The home address is that of the Home Address option or the type 2 routing header. A proxy
 * has neither, and the mobile's own address is often what the exchange is to find out: there the anchor's address takes
 * its place, so that both ends are covered and a message sent back to its sender never verifies. An agent that shares its
 * care-of address has used up the routing header, which shows it (draft-dommety §3.1).
 */
export function mobilityEnds(packet: Packet, message: OptionedMessage): { careOf: Address; home: Address } {
  if (isFromRegisteringEnd(message)) {
    const alternate = findOption(message.options, 'alternateCareOfAddress')?.careOfAddress;
    const home = effectiveSource(packet);
    return { careOf: alternate ?? packet.source, home: home === packet.source ? packet.destination : home };
  }
  const careOf = cameTo(packet);
  const home = effectiveDestination(packet);
  return { careOf, home: home === careOf ? packet.source : home };
}

function isFromRegisteringEnd(message: OptionedMessage): boolean {
  switch (message.kind) {
    case 'bindingUpdate':
    case 'bindingRevocationAcknowledgement':
    case 'homeTestInit':
    case 'careOfTestInit':
    case 'fastBindingUpdate':
    case 'fastNeighbourAdvertisement':
    case 'handoverInitiate':
      return true;
    case 'bindingAcknowledgement':
    case 'bindingRevocationIndication':
    case 'bindingRefreshRequest':
    case 'bindingError':
    case 'homeTest':
    case 'careOfTest':
    case 'fastBindingAcknowledgement':
    case 'handoverAcknowledge':
      return false;
    case 'locationQuery':
      return message.operation === locationOperation.query;
  }
}

/** Where the SPI field of the authentication option ends, in a header whose options have been decoded. */
function endOfSpi(header: Uint8Array): number {
  const fixed = minimumMessageOctets(header[2], header[6]);
  invariant(fixed !== undefined, 'a message with options has a layout');
  let end: number | undefined;
  for (let at = 6 + fixed; at < header.length; at += header[at] === 0 ? 1 : 2 + header[at + 1])
    if (header[at] === authenticationType && header[at + 2] === mnHa) end = at + 7;
  invariant(end !== undefined, 'the message carries the option');
  return end;
}
