import { hmac } from '@noble/hashes/hmac.js';
import { sha1 } from '@noble/hashes/legacy.js';
import type { Address } from '../../base/address.js';
import { utf8Bytes } from '../../base/text.js';
import type { ContextBlock } from '../../wire/cxtp/context.js';
import { authorizedOctets } from '../../wire/cxtp/messages.js';

/** RFC 4067 §2.5.1: First(32, HMAC_SHA1(key, previous IP address | Sequence Number | context data blocks)). */
export function authorizationToken(
  key: Uint8Array,
  previousAddress: Address,
  sequence: number,
  blocks: readonly ContextBlock[],
): number {
  const digest = hmac(sha1, key, authorizedOctets(previousAddress, sequence, blocks));
  return ((digest[0] << 24) | (digest[1] << 16) | (digest[2] << 8) | digest[3]) >>> 0;
}

/**
 * What a mobile and the gateways of its domain share (RFC 4067 §6.3). Every gateway makes it from the domain's key, so that none
 * has to travel with a predictive transfer, and a mobile that gives its own away gives away no other's.
 */
export function mobileKey(domainKey: Uint8Array, identity: string): Uint8Array {
  return hmac(sha1, domainKey, utf8Bytes(identity));
}
