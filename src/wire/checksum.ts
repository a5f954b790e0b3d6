import type { Address } from '../base/address.js';

/** The addresses a pseudo-header counts (RFC 8200 §8.1): where the packet is from and where it ends up. */
export interface Endpoints {
  readonly source: Address;
  readonly destination: Address;
}

/** The Internet checksum of `bytes` from `start` to `end` under the pseudo-header of RFC 8200 §8.1. Zero over octets that hold a good one. */
export function checksum(
  bytes: Uint8Array,
  start: number,
  end: number,
  endpoints: Endpoints,
  protocol: number,
): number {
  const length = end - start;
  let sum = addressSum(endpoints.source) + addressSum(endpoints.destination) + protocol;
  sum += (length >>> 16) + (length & 0xffff);
  const even = start + (length & ~1);
  for (let i = start; i < even; i += 2) sum += (bytes[i] << 8) | bytes[i + 1];
  if (even < end) sum += bytes[even] << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}

function addressSum(address: Address): number {
  let sum = 0;
  for (let i = 0; i < 8; i++) sum += address.charCodeAt(i);
  return sum;
}
