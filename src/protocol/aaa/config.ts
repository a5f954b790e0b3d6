import { z } from 'zod';
import { formatAddress } from '../../base/address.js';
import { formatLinkAddress } from '../../base/link-address.js';
import { prefixContains } from '../../base/prefix.js';
import * as c from '../config.js';

/** What the domain knows of a station: the fields of {@link import('../contract.js').Profile} as text. */
const profile = z
  .strictObject({
    identity: c.identity,
    /** Its link-layer address: what the local form has for a credential. Without it any station may give the identity. */
    linkAddress: c.linkAddress.optional(),
    anchor: c.unicastAddress.optional(),
    anchorLinkAddress: c.linkAddress.optional(),
    prefix: c.prefix.optional(),
    address: c.unicastAddress.optional(),
    gateway: c.address.optional(),
    dhcpServer: c.unicastAddress.optional(),
    addressing: z
      .array(c.choice(['slaac', 'dhcpv6', 'manual']))
      .min(1, 'at least one of slaac, dhcpv6, manual')
      .default(['slaac']),
    proxyRegistration: c.flag.optional(),
  })
  .superRefine(({ prefix, address }, context) => {
    if (prefix && address && !prefixContains(prefix, address))
      context.addIssue({ code: 'custom', path: ['address'], message: 'an address within the prefix beside it' });
  });
export type LocalProfile = z.infer<typeof profile>;

/** gundavelli §3.1: the anchor nearest to gateways of a prefix, for profiles that name none. */
const nearestAnchor = z.strictObject({
  gateway: c.prefixOrAddress,
  anchor: c.unicastAddress,
  anchorLinkAddress: c.linkAddress.optional(),
});
export type NearestAnchor = z.infer<typeof nearestAnchor>;

/** The `aaa` section of a gateway: its local form. */
export const localProfiles = z
  .strictObject({
    /** What asking a server would take. */
    delayMs: c.durationMs.default(0),
    profiles: z.array(profile).default([]),
    nearestAnchor: z.array(nearestAnchor).default([]),
  })
  .superRefine(({ profiles }, context) => {
    const problem = (index: number, key: string, message: string) =>
      context.addIssue({ code: 'custom', path: ['profiles', index, key], message });
    const identities = new Set<string>();
    const linkAddresses = new Set<string>();
    const addresses = new Set<string>();
    for (const [i, { identity, linkAddress, address }] of profiles.entries()) {
      if (identities.has(identity)) problem(i, 'identity', `one profile for '${identity}'`);
      if (linkAddress && linkAddresses.has(linkAddress))
        problem(i, 'linkAddress', `one profile for ${formatLinkAddress(linkAddress)}`);
      if (address && addresses.has(address)) problem(i, 'address', `one profile for ${formatAddress(address)}`);
      identities.add(identity);
      if (linkAddress) linkAddresses.add(linkAddress);
      if (address) addresses.add(address);
    }
  });
export type LocalProfiles = z.infer<typeof localProfiles>;
