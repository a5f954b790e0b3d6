import { z } from 'zod';
import * as c from '../config.js';
import type { KnownClient } from './client-choice.js';

/** A PMIP client, with the mobiles it has for certain. */
const knownClient = z.strictObject({
  address: c.unicastAddress,
  identities: z.array(c.identity).default([]),
  realms: z.array(c.name).default([]),
}) satisfies z.ZodType<KnownClient>;

const leaseTimeS = c.integer(60, 0xffff_ffff, 'seconds');

/** Keys of a gateway whose mobiles are registered by PMIP clients. */
export const triggeringKeys = {
  pmipClients: z.array(knownClient).min(1, 'at least one PMIP client'),
  /** How mobiles that no client has for certain are dealt out (draft-singh §4.1-3). */
  choice: c.choice(['identifier', 'available', 'local']).default('identifier'),
  /** Mobiles that use DHCPv6, and have no server, get the address that their LMA assigns them (appendix A). */
  proxyDhcp: z
    .strictObject({
      preferredLifetimeS: leaseTimeS.default(3600),
      validLifetimeS: leaseTimeS.default(7200),
      dnsServers: z.array(c.address).default([]),
    })
    .refine(value => value.preferredLifetimeS <= value.validLifetimeS, {
      path: ['preferredLifetimeS'],
      error: 'no more than validLifetimeS',
    })
    .optional(),
  /** What becomes of the address that a mobile has from an anchor that is its own no more (§4.4): it lasts as long as that has granted, or goes. */
  formerAddress: c.choice(['keep', 'drop']).default('keep'),
  /** Anchors of overlapping domains, whose mobiles may come with an address of theirs. */
  lmas: z.array(z.strictObject({ address: c.unicastAddress, prefix: c.prefix })).default([]),
  /** Every mobile has a prefix of its own (appendix E.3). */
  prefixPerMobile: c.flag.default(false),
  /** Keep what comes from and for stations while they are being registered. */
  park: z.strictObject({ limitOctets: c.integer(1, 0xffff_ffff, 'octets') }).default({ limitOctets: 1_000_000 }),
};
