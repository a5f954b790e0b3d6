import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8Bytes } from '../../base/text.js';
import type { Protection } from '../scheme.js';

/**
 * The `peers` or `insecure` keys of a role placed by a scheme, in a configuration file's form. Keys are derived from
 * the two addresses: they make the protocol run in a scenario and keep no secret.
 */
export function placedProtection(
  protection: Protection,
  own: string,
  peers: readonly string[],
): Readonly<Record<string, unknown>> {
  if (protection === 'insecure') return { insecure: true };
  return {
    peers: [...new Set(peers)].map(address => ({ address, security: placedSecurity(protection, own, address) })),
  };
}

/** The same for an anchor whose mobiles are known by their NAIs; a mobile's own end is {@link placedSecurity}. */
export function placedMobiles(
  protection: Protection,
  own: string,
  identities: readonly string[],
): Readonly<Record<string, unknown>> {
  if (protection === 'insecure') return { insecure: true };
  return { peers: identities.map(identity => ({ identity, security: placedSecurity(protection, own, identity) })) };
}

/** The `security` section of one peer, each end named by its address or NAI. */
export function placedSecurity(protection: 'rfc4285' | 'esp', own: string, peer: string) {
  return protection === 'rfc4285' ? sharedAssociation(own, peer) : espAssociations(own, peer);
}

/** A handover key of RFC 5568, between a mobile and a router or MAP. */
export function placedHandoverKey(mobile: string, anchor: string) {
  return { spi: spi('handover', mobile, anchor), key: derived('handover', mobile, anchor, 16) };
}

/** What all gateways of a domain share, for contexts that they send each other (RFC 4067 §2.5.1). */
export function placedDomainKey(): string {
  return derived('domain', '', '', 16);
}

function sharedAssociation(own: string, peer: string) {
  const [first, second] = [own, peer].sort();
  return { kind: 'rfc4285', spi: spi('rfc4285', first, second), key: derived('rfc4285', first, second, 16) };
}

/** The `tunnel` section within it, for what goes by a home agent to third parties (RFC 6275 §5.2.5). */
export function placedTunnel(own: string, peer: string) {
  return directions('tunnel', own, peer);
}

function espAssociations(own: string, peer: string) {
  return { kind: 'esp', cipher: 'aes-128-gcm', ...directions('esp', own, peer) };
}

function directions(use: string, own: string, peer: string) {
  const direction = (from: string, to: string) => ({
    spi: spi(use, from, to),
    key: derived(use, from, to, 16),
    salt: derived(`${use} salt`, from, to, 4),
  });
  return { outbound: direction(own, peer), inbound: direction(peer, own) };
}

function spi(use: string, from: string, to: string): number {
  return 256 + Number.parseInt(derived(`${use} spi`, from, to, 3), 16);
}

function derived(use: string, from: string, to: string, octets: number): string {
  return bytesToHex(sha256(utf8Bytes(`scenario ${use} ${from} ${to}`)).subarray(0, octets));
}
