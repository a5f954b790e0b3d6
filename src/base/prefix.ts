import { type Address, addressFromGroups, formatAddress, group, tryParseAddress } from './address.js';

/** An IPv6 prefix. The bits of `address` past `length` are zero when it comes from this module. */
export interface Prefix {
  readonly address: Address;
  /** 0 to 128. */
  readonly length: number;
}

/** The prefix of `length` bits that `address` lies in. Throws RangeError for a length outside 0..128. */
export function prefixOf(address: Address, length: number): Prefix {
  return { address: maskAddress(address, length), length };
}

export function hostPrefix(address: Address): Prefix {
  return { address, length: 128 };
}

export function maskAddress(address: Address, length: number): Address {
  if (!Number.isInteger(length) || length < 0 || length > 128) throw new RangeError(`prefix length ${length}`);
  if (length === 128) return address;
  const groups: number[] = [];
  for (let i = 0; i < 8; i++) {
    const bits = Math.min(16, Math.max(0, length - 16 * i));
    groups.push(group(address, i) & (0xffff0000 >> bits) & 0xffff);
  }
  return addressFromGroups(groups);
}

export function prefixContains(prefix: Prefix, address: Address): boolean {
  const whole = prefix.length >> 4;
  for (let i = 0; i < whole; i++) if (address.charCodeAt(i) !== prefix.address.charCodeAt(i)) return false;
  const rest = prefix.length & 15;
  return rest === 0 || (address.charCodeAt(whole) ^ prefix.address.charCodeAt(whole)) >> (16 - rest) === 0;
}

/** Whether every address of `inner` lies in `outer`. */
export function prefixCovers(outer: Prefix, inner: Prefix): boolean {
  return inner.length >= outer.length && prefixContains(outer, inner.address);
}

export function prefixEquals(a: Prefix, b: Prefix): boolean {
  return a.length === b.length && a.address === b.address;
}

/** A primitive that is equal for equal prefixes: a Map key. */
export function prefixKey(prefix: Prefix): string {
  return prefix.address + String.fromCharCode(prefix.length);
}

/** `2001:db8::/32`. Throws RangeError naming the text; bits past the length must be zero. */
export function parsePrefix(text: string): Prefix {
  const match = /^(.*)\/(\d{1,3})$/.exec(text);
  const address = match ? tryParseAddress(match[1]) : undefined;
  const length = match ? Number(match[2]) : 129;
  if (address === undefined || length > 128) throw new RangeError(`not an IPv6 prefix: '${text}'`);
  if (maskAddress(address, length) !== address) throw new RangeError(`bits set past the prefix length: '${text}'`);
  return { address, length };
}

export function formatPrefix(prefix: Prefix): string {
  return `${formatAddress(prefix.address)}/${prefix.length}`;
}

/** The prefix's network bits with the interface identifier of `interfaceId` (its low bits). */
export function withInterfaceId(prefix: Prefix, interfaceId: Address): Address {
  const groups: number[] = [];
  for (let i = 0; i < 8; i++) {
    const bits = Math.min(16, Math.max(0, prefix.length - 16 * i));
    const mask = (0xffff0000 >> bits) & 0xffff;
    groups.push((group(prefix.address, i) & mask) | (group(interfaceId, i) & ~mask & 0xffff));
  }
  return addressFromGroups(groups);
}
