import { z } from 'zod';
import { type Address, formatAddress } from '../../base/address.js';
import { prefixContains, prefixCovers } from '../../base/prefix.js';
import { localProfiles, radiusSection } from '../aaa/config.js';
import * as c from '../config.js';
import { type SignallingProtection, signalling } from '../security/config.js';
import type { DomainEntry } from './domain.js';

const entry = z
  .strictObject({
    name: c.name.optional(),
    prefixes: z.array(c.prefix).default([]),
    /** The LMA of that network: it does what none of the following does in its stead (draft-chan §2.3). */
    lma: c.unicastAddress,
    allocation: c.unicastAddress.optional(),
    location: c.unicastAddress.optional(),
    routing: c.unicastAddress.optional(),
    /** Mobiles with such an NAI are registered there, where they have no home yet. */
    realms: z.array(c.name.transform(realm => realm.toLowerCase())).default([]),
  })
  .transform(
    ({ allocation, location, routing, ...given }): DomainEntry => ({
      ...given,
      allocation: allocation ?? given.lma,
      location: location ?? given.lma,
      routing: routing ?? given.lma,
    }),
  );

/** What is left out of a `section` is as in an empty one. */
const cache = z.strictObject({
  /** How long a cached location is kept without a packet for it (§4.4). */
  idleS: c.number(1, 86_400, 'seconds').default(60),
  maximumEntries: c.integer(1, 8_000_000).default(65_536),
});
const bypass = z.strictObject({
  /** Whether O-LMAs may be told the care-of addresses of mobiles anchored here (§5.1.1). */
  destination: c.flag.default(false),
  /** Whether a gateway may be told them, where both ends are mobiles of the domain (§5.4). */
  originating: c.flag.default(false),
});

/** Keys of an LMA of a distributed-LMA domain beside those of the LMA that its mobiles' gateways see. */
export const dlmaKeys = {
  ...signalling,
  /** Every network of the domain, this one's among them. */
  domain: z.array(entry).min(1, 'at least one network'),
  /** Bits of a home: 64 for a prefix a mobile, 128 for an address. */
  homeLength: c.integer(1, 128, 'bits').default(64),
  cache: cache.prefault({}),
  /** How long a previous D-LMA forwards what still comes for a mobile (§4.3). */
  previousS: c.number(0.1, 600, 'seconds').default(10),
  /** The first packet to a home waits until its location is asked for; otherwise it goes by the H-LMA (§6.2). */
  query: c.flag.default(false),
  bypass: bypass.prefault({}),
  /** What location management here keeps of a mobile: its D-LMA, or its gateway too, and sends first packets there (§5.1.1). */
  records: c.choice(['anchor', 'gateway']).default('anchor'),
  /** LMAs that location management here tells of every change: the way that does not scale (§6.3). */
  told: z.array(c.unicastAddress).default([]),
  /** Who may register here, and with which home: without it, whoever comes, and any. */
  aaa: localProfiles.optional(),
  /** In place of `aaa`: servers that know them. */
  radius: radiusSection.optional(),
};
const dlmaObject = z.strictObject(dlmaKeys);
export type DlmaConfig = z.infer<typeof dlmaObject>;

/** `section` with the rules that tie its keys together. */
export function dlmaSection<S extends z.ZodType<DlmaConfig & SignallingProtection>>(section: S): S {
  return section.superRefine((config, context) => {
    const problem = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message });
    checkPrefixes(config, problem);
    checkPlaces(config, problem);
    const { aaa, radius, domain, address } = config;
    if (aaa && radius) problem(['radius'], 'nothing, beside `aaa`');
    if ((aaa || radius) && !domain.some(({ allocation }) => allocation === address))
      problem([aaa ? 'aaa' : 'radius'], 'nothing, where homes of no network are allocated');
  });
}

type Problem = (path: (string | number)[], message: string) => void;

function checkPrefixes({ domain, homeLength }: DlmaConfig, problem: Problem): void {
  const before: { address: Address; length: number }[] = [];
  const realms = new Set<string>();
  for (const [i, { prefixes, realms: own }] of domain.entries()) {
    for (const [j, prefix] of prefixes.entries()) {
      const path = ['domain', i, 'prefixes', j];
      if (before.some(other => prefixCovers(other, prefix) || prefixCovers(prefix, other)))
        problem(path, 'a prefix that overlaps no other');
      if (prefix.length > homeLength) problem(path, `a prefix of at most ${homeLength} bits`);
      before.push(prefix);
    }
    if (own.length > 0 && prefixes.length === 0)
      problem(['domain', i, 'realms'], 'nothing, where there are no prefixes');
    for (const [j, realm] of own.entries()) {
      if (realms.has(realm)) problem(['domain', i, 'realms', j], `one network for '${realm}'`);
      realms.add(realm);
    }
  }
  if (before.length === 0) problem(['domain'], 'at least one network with prefixes');
}

function checkPlaces({ address, domain, peers, insecure, told }: DlmaConfig, problem: Problem): void {
  const blocks = domain.flatMap(({ prefixes }) => prefixes);
  let isHere = false;
  for (const [i, network] of domain.entries())
    for (const key of ['lma', 'allocation', 'location', 'routing'] as const) {
      const place = network[key];
      isHere ||= place === address;
      // Said of the LMA already.
      if (key !== 'lma' && place === network.lma) continue;
      // What is sent to such an address would be intercepted.
      if (blocks.some(block => prefixContains(block, place)))
        problem(['domain', i, key], 'an address outside all prefixes of the domain');
      else if (!insecure && place !== address && !peers.some(peer => peer.address === place))
        problem(['domain', i, key], 'the own address, or that of one of peers');
    }
  if (!isHere) problem(['domain'], `a network with a function at ${formatAddress(address)}`);
  for (const [i, one] of told.entries())
    if (!domain.some(({ lma, routing }) => lma === one || routing === one))
      problem(['told', i], 'the address of an LMA of the domain');
}
