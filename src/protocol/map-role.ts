import { z } from 'zod';
import { anchorSection, anchorSettings, mobileAnchorKeys } from '../anchor/config.js';
import * as c from '../config.js';
import type { Environment } from '../contract.js';
import type { Role } from '../scheme.js';
import { secured } from '../security/secured.js';
import { createMap } from './map.js';

const { proxyRegistration: _, ...mapKeys } = mobileAnchorKeys;

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
  }),
);
export type MapConfig = z.infer<typeof section>;

export const mobilityAnchorPoint: Role<MapConfig> = {
  name: 'map',
  title: 'Mobility Anchor Point (RFC 4140)',
  parse: input => c.parsed(section, input),
  create(config: MapConfig, environment: Environment) {
    const { homeLink, localPrefixes, neighbourPrefixes, bindingsPerMobile } = config;
    const own = { homeLink, localPrefixes, neighbourPrefixes, bindingsPerMobile };
    return secured(createMap({ ...anchorSettings(config, 128, undefined), ...own }, environment), config, environment);
  },
};
