import { type Address, addressBytes } from '../../base/address.js';
import { type LinkAddress, linkAddressBytes, linkAddressFromBytes } from '../../base/link-address.js';

/** DUID-LL (RFC 8415 §11.4) of an Ethernet address. */
export function duidFromLinkAddress(address: LinkAddress): Uint8Array {
  return Uint8Array.of(0, 3, 0, 1, ...linkAddressBytes(address));
}

/** DUID-EN (RFC 8415 §11.3) under `enterprise`, with an address for the identifier. */
export function duidFromAddress(enterprise: number, address: Address): Uint8Array {
  const number = [24, 16, 8, 0].map(shift => (enterprise >>> shift) & 0xff);
  return Uint8Array.of(0, 2, ...number, ...addressBytes(address));
}

/** The Ethernet address in a DUID-LL or DUID-LLT (RFC 8415 §11.2, §11.4). */
export function linkAddressOfDuid(duid: Uint8Array): LinkAddress | undefined {
  if (duid[0] !== 0 || duid[2] !== 0 || duid[3] !== 1) return undefined;
  if (duid[1] === 3 && duid.length === 10) return linkAddressFromBytes(duid, 4);
  if (duid[1] === 1 && duid.length === 14) return linkAddressFromBytes(duid, 8);
  return undefined;
}
