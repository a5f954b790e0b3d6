import { type LinkAddress, linkAddressFromBytes } from '../base/link-address.js';
import { Reader, Writer } from './codec/buffer.js';
import { type DecodeOptions, decodePacket, encodePacket } from './ipv6/codec.js';
import type { Packet } from './ipv6/packet.js';

/** An IPv6 packet on an Ethernet (RFC 2464). */
export interface Frame {
  readonly source: LinkAddress;
  readonly destination: LinkAddress;
  readonly packet: Packet;
}

/** Octets before the packet. */
export const ethernetOctets = 14;
export const etherTypeIpv6 = 0x86dd;

/** The frame's octets, neither padded nor with a check sequence. */
export function encodeFrame(frame: Frame): Uint8Array {
  if (frame.source.length !== 6 || frame.destination.length !== 6)
    throw new RangeError('Ethernet addresses have 6 octets');
  const packet = encodePacket(frame.packet);
  const writer = new Writer(ethernetOctets + packet.length);
  writer.linkAddress(frame.destination);
  writer.linkAddress(frame.source);
  writer.u16(etherTypeIpv6);
  writer.append(packet);
  return writer.finish();
}

/** Throws DecodeError; 'value' where the frame holds something other than IPv6. */
export function decodeFrame(bytes: Uint8Array, options: DecodeOptions = {}): Frame {
  const reader = new Reader(bytes);
  reader.take(12);
  const etherType = reader.u16();
  if (etherType !== etherTypeIpv6)
    throw reader.error('value', `EtherType 0x${etherType.toString(16)}`, 12).within('etherType');
  return {
    source: linkAddressFromBytes(bytes, 6, 6),
    destination: linkAddressFromBytes(bytes, 0, 6),
    packet: decodePacket(bytes, options, ethernetOctets),
  };
}
