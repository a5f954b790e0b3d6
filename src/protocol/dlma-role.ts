import { z } from 'zod';
import { milliseconds, seconds } from '../base/time.js';
import { withLocalProfiles } from './aaa/local-profiles.js';
import { withRadius } from './aaa/radius.js';
import { anchorKeys, peerSettings } from './anchor/config.js';
import * as c from './config.js';
import type { Engine, Environment } from './contract.js';
import { Allocation } from './dlma/allocation.js';
import type { Anchored } from './dlma/anchored.js';
import { Anchoring } from './dlma/anchoring.js';
import { dlmaKeys, dlmaSection } from './dlma/config.js';
import { DistributedLma } from './dlma/dlma.js';
import { type Domain, domainOf } from './dlma/domain.js';
import type { LmaFunction } from './dlma/function.js';
import { LocationManagement } from './dlma/location.js';
import { PostOffice } from './dlma/post.js';
import type { PrivacySettings } from './dlma/privacy.js';
import { Routing } from './dlma/routing.js';
import { createSharedLma } from './pmip6/lma.js';
import { lmaKeys, lmaSettings } from './pmip6/lma-role.js';
import type { Role } from './scheme.js';
import { protectedSection } from './security/config.js';
import { secured } from './security/secured.js';

const { prefixes: _, ...sharedKeys } = anchorKeys;

/** Mobile sessions that wait for location management at once. */
const maximumWaiting = 16_384;

const section = protectedSection(dlmaSection(z.strictObject({ ...sharedKeys, ...lmaKeys, ...dlmaKeys }))).superRefine(
  ({ permissions, peers, insecure }, context) => {
    for (const [i, { peer }] of permissions.entries())
      if (!insecure && !peers.some(known => known.address === peer))
        context.addIssue({ code: 'custom', path: ['permissions', i, 'peer'], message: 'the address of one of peers' });
  },
);
export type DistributedLmaConfig = z.infer<typeof section>;

/** The functions of an LMA that the domain has at this node: routing and anchoring at every LMA, the others where they are wanted. */
export const distributedLma: Role<DistributedLmaConfig> = {
  name: 'dlma',
  title: 'Local mobility anchor of a distributed-LMA domain (draft-chan-netext-distributed-lma)',
  announces: true,
  parse: input => c.parsed(section, input),
  create(config: DistributedLmaConfig, environment: Environment) {
    const { address, aaa, radius } = config;
    const engine = secured(createDistributedLma(config, environment), config, environment);
    if (radius) return withRadius(engine, radius, address, environment);
    return aaa ? withLocalProfiles(engine, aaa, address) : engine;
  },
};

function createDistributedLma(config: DistributedLmaConfig, environment: Environment): Engine {
  const { address, insecure, updatesPerSecond, updateBurst } = config;
  const domain = domainOf(config.domain);
  const functions: LmaFunction[] = [];
  const post = new PostOffice(
    {
      ...{ address, insecure },
      peers: peerSettings(config),
      anchors: domain.anchors,
      updateRate: { perSecond: updatesPerSecond, burst: updateBurst },
    },
    environment,
    functions,
  );
  const ground = { config, domain, post, environment };
  functions.push(...registering(ground));
  if (domain.routers.includes(address)) functions.push(...routingAndAnchoring(ground));
  return new DistributedLma(post, functions);
}

/** What the functions of one node have in common. */
interface Ground {
  readonly config: DistributedLmaConfig;
  readonly domain: Domain;
  readonly post: PostOffice;
  readonly environment: Environment;
}

/** For the networks that have these here (§2.3). */
function registering({ config, domain, post, environment }: Ground): LmaFunction[] {
  const { address, homeLength, records, told, previousS, maximumLifetimeS, maximumBindings } = config;
  const common = { address, homeLength, domain };
  const kept = { records, told, previousS, maximumLifetimeS, maximumRecords: maximumBindings };
  const asksAaa = (config.aaa ?? config.radius) !== undefined;
  return [
    new LocationManagement({ ...common, ...kept }, environment, post, post.counters),
    new Allocation({ ...common, asksAaa, maximumHomes: maximumBindings }, environment, post, post.counters),
  ];
}

/** Anchoring hears first where mobiles are: its rules go before those of routing come. */
function routingAndAnchoring(ground: Ground): LmaFunction[] {
  const { config, domain, post, environment } = ground;
  const { address, homeLength, records } = config;
  const anchored: Anchored = { find: home => anchoring.find(home) };
  const privacy = privacyOf(config);
  const routes = routing(ground, anchored, privacy);
  const settings = { address, records, maximumWaiting, domain, tellsAnchors: privacy.tellsAnchors };
  const lma = { ...lmaSettings({ ...config, prefixes: [] }, homeLength), foreignHomes: true };
  const anchoring = new Anchoring(settings, environment, post, routes, sessions =>
    createSharedLma(lma, environment, sessions),
  );
  return [anchoring, routes];
}

/** Whose gateways location management keeps, LMAs know. */
function privacyOf({ bypass, records }: DistributedLmaConfig): PrivacySettings {
  return { tellsAnchors: bypass.destination || records === 'gateway', tellsGateways: bypass.originating };
}

function routing({ config, domain, post, environment }: Ground, anchored: Anchored, privacy: PrivacySettings) {
  const { address, homeLength, cache, previousS, query } = config;
  const settings = {
    ...{ address, homeLength, query, domain, privacy },
    idle: seconds(cache.idleS),
    maximumEntries: cache.maximumEntries,
    previous: milliseconds(1000 * previousS),
  };
  return new Routing(settings, post, anchored, environment);
}
