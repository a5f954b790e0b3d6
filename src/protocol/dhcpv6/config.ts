import { z } from 'zod';
import { type Address, addressFromGroups, formatAddress, group } from '../../base/address.js';
import { formatPrefix, type Prefix, prefixContains, prefixEquals, withInterfaceId } from '../../base/prefix.js';
import * as c from '../config.js';

const leaseTimeS = c.integer(60, 0xffff_ffff, 'seconds');

/** Addresses for one link: that whose relay agent gives a link-address within `prefix` (RFC 8415 §13.1). */
const pool = z
  .strictObject({
    prefix: c.prefix,
    /** The first and last address given out; a 65,536th part of a /64 unless said otherwise. */
    first: c.unicastAddress.optional(),
    last: c.unicastAddress.optional(),
    /** The server's own link, where clients without a relay agent use the pool. */
    link: c.name.optional(),
    preferredLifetimeS: leaseTimeS.default(3600),
    validLifetimeS: leaseTimeS.default(7200),
    dnsServers: z.array(c.address).default([]),
  })
  .transform(({ first, last, ...rest }) => {
    const range = defaultRange(rest.prefix);
    return { ...rest, first: first ?? range.first, last: last ?? range.last };
  })
  .superRefine((value, context) => {
    const problem = (key: string, message: string) => context.addIssue({ code: 'custom', path: [key], message });
    for (const key of ['first', 'last'] as const)
      if (!prefixContains(value.prefix, value[key])) problem(key, `an address in ${formatPrefix(value.prefix)}`);
    if (value.first > value.last || high96(value.first) !== high96(value.last))
      problem('last', 'an address after `first` that differs from it in the last 32 bits only');
    if (value.preferredLifetimeS > value.validLifetimeS) problem('preferredLifetimeS', 'no more than validLifetimeS');
  });
export type Pool = z.infer<typeof pool>;

/** One address for one station, known by any of the three. */
const reservation = z
  .strictObject({
    address: c.unicastAddress,
    /** What a relay agent gives as Subscriber-ID: an NAI. */
    identity: c.identity.optional(),
    linkAddress: c.linkAddress.optional(),
    duid: c.octets(3, 130, 'a DUID').optional(),
  })
  .refine(value => value.identity ?? value.linkAddress ?? value.duid, 'identity, linkAddress or duid of the station');
export type Reservation = z.infer<typeof reservation>;

export const serverConfig = z
  .strictObject({
    /** Own address: what answers come from. */
    address: c.unicastAddress,
    duid: c.octets(3, 130, 'a DUID').optional(),
    /** 255 makes clients take the first offer at once (RFC 8415 §18.2.1). */
    preference: c.integer(0, 255).default(0),
    /** A Solicit may be answered with a lease at once (RFC 8415 §21.14). */
    rapidCommit: c.flag.default(true),
    /** How long an address that somebody was found to use is not given out. */
    declinedS: c.integer(1, 31_536_000, 'seconds').default(86_400),
    pools: z.array(pool).min(1, 'at least one pool'),
    reservations: z.array(reservation).default([]),
  })
  .superRefine(({ pools, reservations }, context) => {
    for (const [i, { prefix }] of pools.entries())
      if (pools.findIndex(other => prefixEquals(other.prefix, prefix)) < i)
        context.addIssue({
          code: 'custom',
          path: ['pools', i, 'prefix'],
          message: `one pool for ${formatPrefix(prefix)}`,
        });
    for (const [i, { address }] of reservations.entries()) {
      const problem = (message: string) =>
        context.addIssue({ code: 'custom', path: ['reservations', i, 'address'], message });
      if (reservations.findIndex(other => other.address === address) < i)
        problem(`one reservation of ${formatAddress(address)}`);
      if (!pools.some(({ prefix }) => prefixContains(prefix, address))) problem('an address in the prefix of a pool');
    }
  });
export type ServerConfig = z.infer<typeof serverConfig>;

/** …::1:0 to …::1:ffff. */
function defaultRange(prefix: Prefix): { first: Address; last: Address } {
  const from = (low: number) => withInterfaceId(prefix, addressFromGroups([0, 0, 0, 0, 0, 0, 1, low]));
  return { first: from(0), last: from(0xffff) };
}

function high96(address: Address): string {
  return address.slice(0, 6);
}

/** The number in an address's last 32 bits. */
export function low32(address: Address): number {
  return group(address, 6) * 0x1_0000 + group(address, 7);
}
