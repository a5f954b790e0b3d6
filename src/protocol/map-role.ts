import { z } from 'zod';
import { prefixCovers, prefixOf } from '../base/prefix.js';
import { AccessRouter } from './access-router/access-router.js';
import {
  advertisingKeys,
  advertisingProblems,
  associatedPeers,
  defaultMap,
  peerAddress,
} from './access-router/config.js';
import { anchorSection, anchorSettings, mobileAnchorKeys } from './anchor/config.js';
import type { AnchorEngine } from './anchor/engine.js';
import * as c from './config.js';
import type { Engine, Environment } from './contract.js';
import { fastMapSection, knownAccessPoints } from './fast/config.js';
import { provesItself } from './fast/exemption.js';
import { withFastHandover } from './fast/map.js';
import { createMap } from './hmip6/map.js';
import type { Role } from './scheme.js';
import { peer } from './security/config.js';
import { secured } from './security/secured.js';
import { together } from './together.js';

const { proxyRegistration: _, ...mapKeys } = mobileAnchorKeys;

/** The Router Advertisements of the node, with the MAP's own option in them (RFC 4140 §7.1.1, §7.1.2). */
const advertise = z.strictObject({
  ...advertisingKeys,
  /** Routers it shares keys with, by their address on the link where they tell of MAPs. */
  peers: z.array(peer.extend({ address: peerAddress })).default([]),
});

const section = anchorSection(
  z.strictObject({
    ...mapKeys,
    /** The link that regional care-of addresses are on, for Duplicate Address Detection; without one they are on none. */
    homeLink: c.name.optional(),
    /** Where mobiles register from: LCoAs. */
    localPrefixes: z.union([z.literal('any'), z.array(c.prefix)]).default('any'),
    /** Where those that have left the domain are forwarded to. */
    neighbourPrefixes: z.union([z.literal(['any', 'none']), z.array(c.prefix)]).default('none'),
    bindingsPerMobile: c.integer(1, 1000).default(4),
    advertise: advertise.optional(),
    /** RFC 4140 Figure A.2; without it there are no fast handovers by this MAP. */
    fastHandover: fastMapSection.optional(),
  }),
).superRefine(({ advertise, insecure, prefixes, address }, context) => {
  if (!advertise) return;
  for (const { path, expected } of advertisingProblems({ ...advertise, insecure }))
    context.addIssue({ code: 'custom', path: ['advertise', ...path], message: expected });
  // RFC 4140 §5: mobiles form their RCoA from the /64 that the MAP's address is in.
  if (!prefixes.some(prefix => prefixCovers(prefix, prefixOf(address, 64))))
    context.addIssue({ code: 'custom', path: ['address'], message: 'an address whose /64 is among prefixes' });
});
export type MapConfig = z.infer<typeof section>;

export const mobilityAnchorPoint: Role<MapConfig> = {
  name: 'map',
  title: 'Mobility Anchor Point (RFC 4140)',
  parse: input => c.parsed(section, input),
  create(config: MapConfig, environment: Environment) {
    const { homeLink, localPrefixes, neighbourPrefixes, bindingsPerMobile, peers, insecure } = config;
    const own = { homeLink, localPrefixes, neighbourPrefixes, bindingsPerMobile };
    const map = createMap({ ...anchorSettings(config, 128, undefined), ...own }, environment);
    const engines = [withFastHandovers(map, config, environment), ...advertisers(config, map, environment)];
    const protection = { insecure, peers: [...peers, ...(config.advertise?.peers ?? [])] };
    return secured(together(engines), protection, environment, provesItself);
  },
};

function withFastHandovers(map: Engine, { fastHandover, address }: MapConfig, environment: Environment): Engine {
  if (!fastHandover) return map;
  const neighbours = knownAccessPoints(fastHandover.neighbours);
  return withFastHandover(map, { ...fastHandover, address, neighbours }, environment);
}

/** The MAP tells of itself, less eagerly the fuller it is, and of those it hears of. */
function advertisers(
  { advertise, address, insecure, peers }: MapConfig,
  map: AnchorEngine,
  environment: Environment,
): Engine[] {
  if (!advertise) return [];
  const own = advertise.maps.some(configured => configured.address === address) ? [] : [defaultMap(address)];
  const settings = {
    ...advertise,
    address,
    insecure,
    maps: [...own, ...advertise.maps],
    associated: associatedPeers([...peers, ...advertise.peers]),
    load: () => map.load,
  };
  return [new AccessRouter(settings, environment)];
}
