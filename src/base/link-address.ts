import { type Address, addressFromGroups } from './address.js';
import { type Prefix, withInterfaceId } from './prefix.js';

/** A link-layer address, one octet a character (any length; 6 for Ethernet and Wi-Fi). Not text: see {@link formatLinkAddress}. */
export type LinkAddress = string & { readonly __linkAddress: unique symbol };

export function linkAddressFromBytes(bytes: Uint8Array, offset = 0, length = bytes.length - offset): LinkAddress {
  let text = '';
  for (let i = 0; i < length; i++) text += String.fromCharCode(bytes[offset + i]);
  return text as LinkAddress;
}

export function writeLinkAddress(address: LinkAddress, into: Uint8Array, offset: number): void {
  for (let i = 0; i < address.length; i++) into[offset + i] = address.charCodeAt(i);
}

export function linkAddressBytes(address: LinkAddress): Uint8Array {
  const bytes = new Uint8Array(address.length);
  writeLinkAddress(address, bytes, 0);
  return bytes;
}

/** `02:00:00:00:00:01`. Throws RangeError naming the text. */
export function parseLinkAddress(text: string): LinkAddress {
  if (!/^[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2})*$/.test(text)) throw new RangeError(`not a link-layer address: '${text}'`);
  return linkAddressFromBytes(Uint8Array.from(text.split(/[:-]/), octet => Number.parseInt(octet, 16)));
}

export function formatLinkAddress(address: LinkAddress): string {
  let text = '';
  for (let i = 0; i < address.length; i++) text += (i === 0 ? '' : ':') + hexOctets[address.charCodeAt(i)];
  return text;
}

const hexOctets = Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, '0'));

/** 33:33 and the last four octets (RFC 2464 §7). */
export function multicastLinkAddress(group: Address): LinkAddress {
  const high = group.charCodeAt(6);
  const low = group.charCodeAt(7);
  return String.fromCharCode(0x33, 0x33, high >> 8, high & 0xff, low >> 8, low & 0xff) as LinkAddress;
}

export function isGroupLinkAddress(address: LinkAddress): boolean {
  return (address.charCodeAt(0) & 1) === 1;
}

/** The modified EUI-64 interface identifier in the low 64 bits (RFC 4291 appendix A). Takes 6 or 8 octets. */
export function interfaceIdFromLinkAddress(link: LinkAddress): Address {
  const b = linkAddressBytes(link);
  if (b.length !== 6 && b.length !== 8) throw new RangeError(`no interface identifier from ${b.length} octets`);
  const e = b.length === 8 ? [...b] : [b[0], b[1], b[2], 0xff, 0xfe, b[3], b[4], b[5]];
  const id = [0, 2, 4, 6].map(i => ((i === 0 ? e[0] ^ 2 : e[i]) << 8) | e[i + 1]);
  return addressFromGroups([0, 0, 0, 0, ...id]);
}

/** The address that stateless autoconfiguration forms (RFC 4862 §5.5.3). */
export function autoconfiguredAddress(prefix: Prefix, link: LinkAddress): Address {
  return withInterfaceId(prefix, interfaceIdFromLinkAddress(link));
}

const linkLocalPrefix: Prefix = { address: addressFromGroups([0xfe80, 0, 0, 0, 0, 0, 0, 0]), length: 64 };
export function linkLocalAddress(link: LinkAddress): Address {
  return autoconfiguredAddress(linkLocalPrefix, link);
}
