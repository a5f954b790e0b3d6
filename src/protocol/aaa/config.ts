import { z } from 'zod';
import { formatAddress } from '../../base/address.js';
import { formatLinkAddress } from '../../base/link-address.js';
import { prefixContains } from '../../base/prefix.js';
import * as c from '../config.js';

/** What the domain knows of a station: the fields of {@link import('../contract.js').Profile} as text. */
export const profileKeys = {
  identity: c.identity,
  /** Its link-layer address: what the local form has for a credential. Without it any station may give the identity. */
  linkAddress: c.linkAddress.optional(),
  anchor: c.unicastAddress.optional(),
  anchorLinkAddress: c.linkAddress.optional(),
  prefix: c.prefix.optional(),
  address: c.unicastAddress.optional(),
  ipv4Address: c.ipv4Address.optional(),
  gateway: c.address.optional(),
  dhcpServer: c.unicastAddress.optional(),
  addressing: z
    .array(c.choice(['slaac', 'dhcpv6', 'manual']))
    .min(1, 'at least one of slaac, dhcpv6, manual')
    .default(['slaac']),
  proxyRegistration: c.flag.optional(),
};
const profile = z.strictObject(profileKeys);
export type LocalProfile = z.infer<typeof profile>;

/** gundavelli §3.1: the anchor nearest to gateways of a prefix, for profiles that name none. */
export const nearestAnchor = z.strictObject({
  gateway: c.prefixOrAddress,
  anchor: c.unicastAddress,
  anchorLinkAddress: c.linkAddress.optional(),
});
export type NearestAnchor = z.infer<typeof nearestAnchor>;

/** The `aaa` section of a gateway: its local form. A scheme gives all gateways the same. */
export const localProfiles = c.shared(
  z
    .strictObject({
      /** What asking a server would take. */
      delayMs: c.durationMs.default(0),
      profiles: z.array(profile).default([]),
      nearestAnchor: z.array(nearestAnchor).default([]),
    })
    .superRefine(({ profiles }, context) => checkProfiles(profiles, 'profiles', context)),
);
export type LocalProfiles = z.infer<typeof localProfiles>;

/** What tells stations apart is each one's own, and addresses lie in the prefixes beside them. */
export function checkProfiles(profiles: readonly LocalProfile[], key: string, context: z.RefinementCtx): void {
  const problem = (index: number, field: string, message: string) =>
    context.addIssue({ code: 'custom', path: [key, index, field], message });
  const identities = new Set<string>();
  const linkAddresses = new Set<string>();
  const addresses = new Set<string>();
  for (const [i, { identity, linkAddress, prefix, address }] of profiles.entries()) {
    if (prefix && address && !prefixContains(prefix, address))
      problem(i, 'address', 'an address within the prefix beside it');
    if (identities.has(identity)) problem(i, 'identity', `one profile for '${identity}'`);
    if (linkAddress && linkAddresses.has(linkAddress))
      problem(i, 'linkAddress', `one profile for ${formatLinkAddress(linkAddress)}`);
    if (address && addresses.has(address)) problem(i, 'address', `one profile for ${formatAddress(address)}`);
    identities.add(identity);
    if (linkAddress) linkAddresses.add(linkAddress);
    if (address) addresses.add(address);
  }
}

/** A RADIUS server, and what is shared with it. */
const radiusServer = z.strictObject({ address: c.unicastAddress, secret: c.sharedSecret });

/** The `radius` section of a node that asks: servers in the order they are asked. */
export const radiusSection = z.strictObject({
  servers: z.array(radiusServer).min(1, 'at least one server'),
});
export type RadiusSection = z.infer<typeof radiusSection>;

/** The `keys` section of a PMIP client or an anchor: where the keys of associations come from (draft-singh Appendix C). */
export const keysSection = radiusSection.extend({
  /** At an anchor: where PMIP clients are. SPIs of others are asked about nowhere. */
  clients: z.array(c.prefixOrAddress).optional(),
  /** At an anchor with an association a client: whether the server says which clients may register a mobile. */
  authorisedClients: c.flag.default(true),
});
export type KeysSection = z.infer<typeof keysSection>;
