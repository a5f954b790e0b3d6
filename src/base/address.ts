/**
 * IPv6 addresses as eight UTF-16 code units in a string: a primitive, immutable, 32 octets on the heap, equal with
 * `===`, ordered with `<`, and a Map key whose hash the engine caches. It is not text: read it with
 * {@link parseAddress} and print it with {@link formatAddress}. An IPv4 address is its IPv4-mapped form.
 */
export type Address = string & { readonly __address: unique symbol };

const fromUnits = String.fromCharCode as (...units: number[]) => Address & string;

/** The unspecified address, `::` (RFC 4291 §2.5.2). */
export const unspecified: Address = fromUnits(0, 0, 0, 0, 0, 0, 0, 0);
export const allNodes: Address = fromUnits(0xff02, 0, 0, 0, 0, 0, 0, 1);
export const allRouters: Address = fromUnits(0xff02, 0, 0, 0, 0, 0, 0, 2);
/** All_DHCP_Relay_Agents_and_Servers (RFC 8415 §7.1). */
export const allDhcpRelayAgentsAndServers: Address = fromUnits(0xff02, 0, 0, 0, 0, 0, 1, 2);

/** Eight 16-bit groups, most significant first. */
export function addressFromGroups(groups: readonly number[]): Address {
  if (groups.length !== 8) throw new RangeError(`an IPv6 address has 8 groups, not ${groups.length}`);
  return fromUnits(...groups);
}

export function group(address: Address, index: number): number {
  return address.charCodeAt(index);
}

/** Sixteen octets from `offset`. */
export function addressFromBytes(b: Uint8Array, offset = 0): Address {
  if (offset + 16 > b.length) throw new RangeError('an IPv6 address needs 16 octets');
  return fromUnits(
    (b[offset] << 8) | b[offset + 1],
    (b[offset + 2] << 8) | b[offset + 3],
    (b[offset + 4] << 8) | b[offset + 5],
    (b[offset + 6] << 8) | b[offset + 7],
    (b[offset + 8] << 8) | b[offset + 9],
    (b[offset + 10] << 8) | b[offset + 11],
    (b[offset + 12] << 8) | b[offset + 13],
    (b[offset + 14] << 8) | b[offset + 15],
  );
}

export function writeAddress(address: Address, into: Uint8Array, offset: number): void {
  for (let i = 0; i < 8; i++) {
    const unit = address.charCodeAt(i);
    into[offset++] = unit >> 8;
    into[offset++] = unit & 0xff;
  }
}

export function addressBytes(address: Address): Uint8Array {
  const bytes = new Uint8Array(16);
  writeAddress(address, bytes, 0);
  return bytes;
}

/** Text of RFC 4291 §2.2, all three forms. Throws RangeError naming the text. */
export function parseAddress(text: string): Address {
  const address = tryParseAddress(text);
  if (address === undefined) throw new RangeError(`not an IPv6 address: '${text}'`);
  return address;
}

export function tryParseAddress(text: string): Address | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0], halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1], true) : [];
  if (!head || !tail) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  return fromUnits(...head, ...new Array<number>(missing).fill(0), ...tail);
}

function parseGroups(text: string, last: boolean): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (let i = 0; i < parts.length; i++) {
    if (last && i === parts.length - 1 && parts[i].includes('.')) {
      const quad = parseDottedQuad(parts[i]);
      if (!quad) return undefined;
      groups.push(...quad);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(parts[i])) groups.push(Number.parseInt(parts[i], 16));
    else return undefined;
  }
  return groups;
}

function parseDottedQuad(text: string): [number, number] | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (!match) return undefined;
  const [a, b, c, d] = match.slice(1).map(Number);
  return Math.max(a, b, c, d) > 255 ? undefined : [(a << 8) | b, (c << 8) | d];
}

/** The canonical text of RFC 5952. Every record of a binding needs it, so it makes nothing but the text. */
export function formatAddress(address: Address): string {
  if (isIpv4Mapped(address)) return `::ffff:${formatIpv4(address)}`;
  const run = longestZeroRun(address);
  let text = '';
  for (let i = 0; i < 8; i++) {
    if (i === run.start) {
      text += '::';
      i += run.length - 1;
    } else text += i === 0 || i === run.start + run.length ? groupText(address, i) : `:${groupText(address, i)}`;
  }
  return text;
}

const hex = Array.from({ length: 256 }, (_, octet) => octet.toString(16));
const paddedHex = hex.map(text => text.padStart(2, '0'));

function groupText(address: Address, index: number): string {
  const unit = address.charCodeAt(index);
  return unit > 0xff ? hex[unit >> 8] + paddedHex[unit & 0xff] : hex[unit];
}

/** The first of the longest runs of two or more zero groups; one that starts nowhere if there is none. */
function longestZeroRun(address: Address): { start: number; length: number } {
  let start = -1;
  let length = 1;
  for (let i = 0; i < 8; i++) {
    let n = 0;
    while (i + n < 8 && address.charCodeAt(i + n) === 0) n++;
    if (n > length) {
      start = i;
      length = n;
    }
    i += n;
  }
  return { start, length: start < 0 ? 0 : length };
}

/** The dotted quad in the last 32 bits. */
export function formatIpv4(address: Address): string {
  const high = address.charCodeAt(6);
  const low = address.charCodeAt(7);
  return `${high >> 8}.${high & 0xff}.${low >> 8}.${low & 0xff}`;
}

export function isUnspecified(address: Address): boolean {
  return address === unspecified;
}

export function isMulticast(address: Address): boolean {
  return address.charCodeAt(0) >> 8 === 0xff;
}

export function isLinkLocal(address: Address): boolean {
  return (address.charCodeAt(0) & 0xffc0) === 0xfe80;
}

/** Multicast of interface or link scope (RFC 4291 §2.7). */
export function isLinkScopeMulticast(address: Address): boolean {
  const first = address.charCodeAt(0);
  return first >> 8 === 0xff && (first & 0xf) <= 2;
}

export function isLoopback(address: Address): boolean {
  return address === loopback;
}
const loopback = fromUnits(0, 0, 0, 0, 0, 0, 0, 1);

export function isIpv4Mapped(address: Address): boolean {
  for (let i = 0; i < 5; i++) if (address.charCodeAt(i) !== 0) return false;
  return address.charCodeAt(5) === 0xffff;
}

/** A unicast address that may be used beyond its link. */
export function isRoutableUnicast(address: Address): boolean {
  return !isMulticast(address) && !isUnspecified(address) && !isLoopback(address) && !isLinkLocal(address);
}

/** RFC 4291 §2.7.1. */
export function solicitedNodeMulticast(address: Address): Address {
  return fromUnits(0xff02, 0, 0, 0, 0, 1, 0xff00 | (address.charCodeAt(6) & 0xff), address.charCodeAt(7));
}
