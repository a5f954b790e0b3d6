import { z } from 'zod';
import { AccessRouter } from './access-router/access-router.js';
import { advertisingKeys, advertisingProblems, associatedPeers, peerAddress } from './access-router/config.js';
import * as c from './config.js';
import type { Engine, Environment } from './contract.js';
import { FastAccessRouter } from './fast/access-router.js';
import { fastRouterSection, knownAccessPoints } from './fast/config.js';
import { provesItself } from './fast/exemption.js';
import type { Role } from './scheme.js';
import { peer } from './security/config.js';
import { secured } from './security/secured.js';
import { together } from './together.js';

const section = z
  .strictObject({
    /** The source of echo requests, and of signalling to other nodes. */
    address: c.unicastAddress,
    /** Nodes it shares keys with: MAPs and routers, the latter by their address on the link where they tell of MAPs. */
    peers: z.array(peer.extend({ address: peerAddress })).default([]),
    /** All that it could protect goes unprotected. */
    insecure: c.flag.default(false),
    ...advertisingKeys,
    /** RFC 5568; without it there are no fast handovers. */
    fastHandover: fastRouterSection.optional(),
  })
  .superRefine((section, context) => {
    for (const { path, expected } of advertisingProblems(section))
      context.addIssue({ code: 'custom', path: [...path], message: expected });
  });
export type AccessRouterConfig = z.infer<typeof section>;

/** What an access router does, each an engine of its own. */
function parts(config: AccessRouterConfig, environment: Environment): Engine[] {
  const { address, fastHandover } = config;
  const router = new AccessRouter({ ...config, associated: associatedPeers(config.peers) }, environment);
  if (!fastHandover) return [router];
  const settings = { ...fastHandover, address, neighbours: knownAccessPoints(fastHandover.neighbours) };
  return [router, new FastAccessRouter(settings, environment)];
}

export const accessRouter: Role<AccessRouterConfig> = {
  name: 'ar',
  title: 'Access router (RFC 4140, RFC 5568)',
  routesAccessLinks: true,
  parse: input => c.parsed(section, input),
  create(config: AccessRouterConfig, environment: Environment) {
    return secured(together(parts(config, environment)), config, environment, provesItself);
  },
};
