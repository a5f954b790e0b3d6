import { type Address, parseAddress } from '../../base/address.js';
import { type Prefix, withInterfaceId } from '../../base/prefix.js';

/** Anycast identifier 126 behind an interface identifier in EUI-64 format, and behind any other (RFC 2526 §2). */
const euiIdentifier = parseAddress('::fdff:ffff:ffff:fffe');
const otherIdentifier = parseAddress('ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe');

/** Where the home agents of a prefix are asked for (RFC 6275 §8.2, RFC 2526 §3). */
export function homeAgentsAnycast(prefix: Prefix): Address {
  return withInterfaceId(prefix, prefix.length === 64 ? euiIdentifier : otherIdentifier);
}
