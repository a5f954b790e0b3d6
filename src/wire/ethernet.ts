import { type LinkAddress, linkAddressFromBytes } from '../base/link-address.js';
import { Reader, Writer } from './codec/buffer.js';
import { isIpv4 } from './ipv4/header.js';
import { type DecodeOptions, decodeIpv4Packet, decodePacket, writePacket } from './ipv6/codec.js';
import type { Packet } from './ipv6/packet.js';

/** An IPv6 packet on an Ethernet (RFC 2464), or an IPv4 one (RFC 894). */
export interface Frame {
  readonly source: LinkAddress;
  readonly destination: LinkAddress;
  readonly packet: Packet;
}

/** Octets before the packet. */
export const ethernetOctets = 14;
export const etherTypeIpv6 = 0x86dd;
export const etherTypeIpv4 = 0x0800;

/** The frame's octets, neither padded nor with a check sequence. */
export function encodeFrame(frame: Frame): Uint8Array {
  const writer = new Writer(2048);
  writeFrame(writer, frame);
  return writer.finish();
}

/** Appends the frame: {@link encodeFrame} for those who keep a writer and its octets. */
export function writeFrame(writer: Writer, frame: Frame): void {
  if (frame.source.length !== 6 || frame.destination.length !== 6)
    throw new RangeError('Ethernet addresses have 6 octets');
  writer.linkAddress(frame.destination);
  writer.linkAddress(frame.source);
  writer.u16(isIpv4(frame.packet) ? etherTypeIpv4 : etherTypeIpv6);
  writePacket(writer, frame.packet);
}

/** Throws DecodeError; 'value' where the frame holds something else. */
export function decodeFrame(bytes: Uint8Array, options: DecodeOptions = {}): Frame {
  const reader = new Reader(bytes);
  reader.take(12);
  const etherType = reader.u16();
  if (etherType !== etherTypeIpv6 && etherType !== etherTypeIpv4)
    throw reader.error('value', `EtherType 0x${etherType.toString(16)}`, 12).within('etherType');
  const decode = etherType === etherTypeIpv4 ? decodeIpv4Packet : decodePacket;
  const packet = decode(bytes, options, ethernetOctets);
  return { source: linkAddressFromBytes(bytes, 6, 6), destination: linkAddressFromBytes(bytes, 0, 6), packet };
}
