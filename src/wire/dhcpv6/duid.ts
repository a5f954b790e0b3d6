import { type Address, addressBytes } from '../../base/address.js';
import { type LinkAddress, linkAddressBytes } from '../../base/link-address.js';

/** DUID-LL (RFC 8415 §11.4) of an Ethernet address. */
export function duidFromLinkAddress(address: LinkAddress): Uint8Array {
  return Uint8Array.of(0, 3, 0, 1, ...linkAddressBytes(address));
}

/** DUID-EN (RFC 8415 §11.3) under `enterprise`, with an address for the identifier. */
export function duidFromAddress(enterprise: number, address: Address): Uint8Array {
  const number = [24, 16, 8, 0].map(shift => (enterprise >>> shift) & 0xff);
  return Uint8Array.of(0, 2, ...number, ...addressBytes(address));
}
