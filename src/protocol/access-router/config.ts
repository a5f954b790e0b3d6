import { z } from 'zod';
import { type Address, formatAddress, isLinkLocal, isRoutableUnicast, tryParseAddress } from '../../base/address.js';
import { prefixContains } from '../../base/prefix.js';
import * as c from '../config.js';
import type { ConfigProblem } from '../scheme.js';
import type { Peer } from '../security/config.js';
import { agentProblems, announcedAgents } from './agents-config.js';

/** What a router says of itself on its links and of the MAPs and local mobility agents it knows, as configuration files and schemes write it. */

const lifetimeS = c.integer(0, 0xffff_ffff, 'seconds');

const linkLocalAddress = z.string({ error: c.expecting('a link-local IPv6 address') }).transform((text, context) => {
  const value = tryParseAddress(text);
  if (value !== undefined && isLinkLocal(value)) return value;
  context.addIssue({ code: 'custom', message: `a link-local IPv6 address such as fe80::1, not '${text}'` });
  return z.NEVER;
});

/** A node by its own address, or a router by its address on the link that both are on. */
export const peerAddress = z.string({ error: c.expecting('a unicast IPv6 address') }).transform((text, context) => {
  const value = tryParseAddress(text);
  if (value !== undefined && (isLinkLocal(value) || isRoutableUnicast(value))) return value;
  context.addIssue({ code: 'custom', message: `a unicast IPv6 address such as 2001:db8::1 or fe80::1, not '${text}'` });
  return z.NEVER;
});

/** RFC 4861 §6.2.1, with RFC 6275 §7.2's R. */
const advertisedPrefix = z
  .strictObject({
    prefix: c.prefix,
    onLink: c.flag.default(true),
    autonomous: c.flag.default(true),
    /** The router's own global address, shown with R in place of the prefix. */
    routerAddress: c.unicastAddress.optional(),
    validLifetimeS: lifetimeS.default(2_592_000),
    preferredLifetimeS: lifetimeS.default(604_800),
  })
  .superRefine(({ prefix, routerAddress, validLifetimeS, preferredLifetimeS }, context) => {
    if (preferredLifetimeS > validLifetimeS) problem(context, ['preferredLifetimeS'], 'no more than validLifetimeS');
    if (routerAddress !== undefined && !prefixContains(prefix, routerAddress))
      problem(context, ['routerAddress'], 'an address of the prefix');
  });

/** RFC 4861 §6.2.1: 4 to 1800 s and three quarters of it; RFC 6275 §7.5: for mobiles down to 0.07 s and 0.03 s. */
const intervalMs = z
  .strictObject({
    min: c.number(30, 1_350_000, 'milliseconds').default(200_000),
    max: c.number(70, 1_800_000, 'milliseconds').default(600_000),
  })
  .superRefine(({ min, max }, context) => {
    if (min > max) problem(context, ['min'], 'no more than max');
  });

const solicited = z.strictObject({
  /** Answer the one who asks; otherwise all nodes hear the answer (RFC 4861 §6.2.6). */
  unicast: c.flag.default(false),
  /** MAX_RA_DELAY_TIME. 0: at once, for mobiles that wait for it. */
  maximumDelayMs: c.number(0, 500, 'milliseconds').default(500),
});

const link = z.strictObject({
  name: c.name,
  prefixes: z.array(advertisedPrefix).default([]),
  /** Default: three times the longest interval, as RFC 4861 §6.2.1 has it; 0: no default router. */
  routerLifetimeS: c.integer(0, 9000, 'seconds').optional(),
  managed: c.flag.default(false),
  other: c.flag.default(false),
  currentHopLimit: c.integer(0, 255).default(64),
  reachableTimeMs: c.integer(0, 3_600_000, 'milliseconds').default(0),
  retransTimerMs: c.integer(0, 0xffff_ffff, 'milliseconds').default(0),
  mtu: c.integer(1280, 65_535, 'octets').optional(),
  /** RFC 8106. */
  dns: z
    .strictObject({ servers: z.array(c.unicastAddress).min(1, 'a server'), lifetimeS: lifetimeS.optional() })
    .optional(),
  intervalMs: intervalMs.prefault({}),
  /** MIN_DELAY_BETWEEN_RAS (RFC 4861 §10); RFC 6275 §7.5 lets routers for mobiles go below. Default: 3 s, or the shortest interval. */
  minimumSpacingMs: c.number(0, 3000, 'milliseconds').optional(),
  /** RFC 6275 §7.3. */
  advertiseInterval: c.flag.default(false),
  /** H, and RFC 6275 §7.4's option where it says more than the router lifetime does. */
  homeAgent: z
    .strictObject({
      preference: c.integer(0, 0xffff).default(0),
      lifetimeS: c.integer(1, 0xffff, 'seconds').optional(),
    })
    .optional(),
  solicited: solicited.prefault({}),
  /** Whether a station is told at once when the link layer says that it came. */
  onAttachment: c.flag.default(false),
  /** Whether MAP options are in the advertisements of this link (RFC 4140 §7.1.2). */
  sendMaps: c.flag.default(true),
  /** Whether MAP options of other routers on this link are taken and passed on (RFC 4140 §7.1.1). */
  discoverMaps: c.flag.default(false),
  /** Where they are, advertisements of this link are for these routers only, by their link-local addresses. */
  routers: z.array(linkLocalAddress).default([]),
  /** Take MAP options, and those of local mobility agents, from anybody on this link. */
  insecure: c.flag.default(false),
  /** How long a MAP option counts that is not heard again. Default: three times the longest interval. */
  mapHoldMs: c.number(100, 86_400_000, 'milliseconds').optional(),
  /** Whether local mobility agents are in the advertisements of this link (draft-dommety §2.2.1). */
  sendAgents: c.flag.default(true),
  /** Whether those that other routers on this link tell of are taken and passed on (draft-dommety §2.1, option 4). */
  discoverAgents: c.flag.default(false),
  /** How long an agent counts that is not heard anew. Default: three times its router's interval, or else its router lifetime, where it tells them. */
  agentHoldMs: c.number(100, 86_400_000, 'milliseconds').optional(),
});

const distance = c.integer(1, 15);
const preference = c.integer(0, 15);

/** RFC 4140 §5, §7.1.2. */
const map = z
  .strictObject({
    address: c.unicastAddress,
    distance: distance.default(1),
    preference: preference.default(10),
    /** R: mobiles form their regional care-of address from the option's prefix. */
    rcoaRequired: c.flag.default(true),
    /** Of the prefix that the MAP's address is in. */
    validLifetimeS: lifetimeS.default(2_592_000),
    preferredLifetimeS: lifetimeS.default(604_800),
    /** Links whose advertisements have it. Default: all with sendMaps. */
    links: z.array(c.name).optional(),
  })
  .superRefine(({ validLifetimeS, preferredLifetimeS }, context) => {
    if (preferredLifetimeS > validLifetimeS) problem(context, ['preferredLifetimeS'], 'no more than validLifetimeS');
  });

/** RFC 4140 §10. */
const failureDetection = z.strictObject({
  enabled: c.flag.default(true),
  /** Between echo requests to a MAP that answers, or has failed. */
  intervalMs: c.durationMs.min(1).default(10_000),
  /** How long an answer may take, and how soon the next request follows where one is missing. */
  retryIntervalMs: c.durationMs.min(1).default(5000),
  retries: c.integer(0, 100).default(3),
});

/** Keys of every role that advertises: spread them into its section, and report its {@link advertisingProblems}. */
export const advertisingKeys = {
  links: z.array(link).min(1, 'a link to advertise on'),
  maps: z.array(map).default([]),
  /** Local mobility agents: the node itself where it is one, and others by hand. */
  agents: z.array(announcedAgents).default([]),
  failureDetection: failureDetection.prefault({}),
};

const advertising = z.object(advertisingKeys);
export type AdvertisingConfig = z.infer<typeof advertising>;
export type AdvertisedLink = z.infer<typeof link>;
export type ConfiguredMap = z.infer<typeof map>;

export interface Trusting {
  readonly peers: readonly { readonly address?: string | undefined }[];
  readonly insecure: boolean;
  /** The node's own address as a local mobility agent, where it is one. */
  readonly agent?: Address;
}

/** A MAP of which nothing but its address is said. */
export function defaultMap(address: Address): ConfiguredMap {
  return map.parse({ address: formatAddress(address) });
}

/** Peers whose echo replies have to come under their association: ESP carries them. */
export function associatedPeers(peers: readonly Peer[]): ReadonlySet<Address> {
  return new Set(peers.flatMap(({ address, security }) => (security?.kind === 'esp' && address ? [address] : [])));
}

/** What is wrong with the parts of a section, seen together. */
export function advertisingProblems(section: AdvertisingConfig & Trusting): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const names = new Set<string>();
  for (const [i, link] of section.links.entries()) {
    const report = (key: string, expected: string) => problems.push({ path: ['links', i, key], expected });
    if (names.has(link.name)) report('name', `one entry for ${link.name}`);
    names.add(link.name);
    const { routerLifetimeS = 0, intervalMs } = link;
    if (routerLifetimeS > 0 && routerLifetimeS * 1000 < intervalMs.max)
      report('routerLifetimeS', '0, or no less than the longest interval');
    checkDiscovery(link, section, report);
  }
  const addresses = new Set<string>();
  for (const [i, { address, links = [] }] of section.maps.entries()) {
    if (addresses.has(address)) problems.push({ path: ['maps', i, 'address'], expected: 'one entry for each MAP' });
    addresses.add(address);
    for (const [j, name] of links.entries())
      if (!names.has(name))
        problems.push({ path: ['maps', i, 'links', j], expected: `the name of one of the links, not '${name}'` });
  }
  for (const [i, announced] of section.agents.entries())
    for (const { path, expected } of agentProblems(announced, names, section.agent))
      problems.push({ path: ['agents', i, ...path], expected });
  return problems;
}

/** RFC 4140 §7: what routers tell each other is authenticated, unless the operator says otherwise. */
function checkDiscovery(
  link: AdvertisedLink,
  { peers, insecure }: Trusting,
  report: (key: string, expected: string) => void,
): void {
  if (insecure || link.insecure) return;
  if ((link.discoverMaps || link.discoverAgents) && link.routers.length === 0)
    report('routers', 'the routers that are heard, or insecure: true to hear anybody');
  if (link.routers.some(router => !peers.some(({ address }) => address === router)))
    report('routers', 'addresses that are among peers with their keys, or insecure: true for this link');
}

function problem(context: z.RefinementCtx, path: (string | number)[], message: string): void {
  context.addIssue({ code: 'custom', path, message });
}
