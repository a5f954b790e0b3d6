import { z } from 'zod';
import { withLocalProfiles } from './aaa/local-profiles.js';
import { withRadius } from './aaa/radius.js';
import { AccessRouter } from './access-router/access-router.js';
import type { AnnouncedAgents } from './access-router/agents-config.js';
import { advertisingKeys, advertisingProblems, associatedPeers, peerAddress } from './access-router/config.js';
import * as c from './config.js';
import type { Engine, Environment } from './contract.js';
import { createLocalMobilityAgent } from './lma6/agent/agent.js';
import { agentKeys, agentSection } from './lma6/agent/config.js';
import { passesThrough } from './lma6/agent/exemption.js';
import { overIpv4 } from './over-ipv4.js';
import type { Role } from './scheme.js';
import { peer } from './security/config.js';
import { secured } from './security/secured.js';
import { together } from './together.js';

/** The Router Advertisements of the node, with the agent's own option in them (draft-dommety §2.2.1). */
const advertise = z.strictObject({
  ...advertisingKeys,
  /** Routers it shares keys with, by their address on the link where they tell of agents. */
  peers: z.array(peer.extend({ address: peerAddress })).default([]),
});

const section = agentSection(z.strictObject({ ...agentKeys, advertise: advertise.optional() })).superRefine(
  ({ advertise, insecure, address, links, maximumLifetimeS }, context) => {
    if (!advertise) return;
    const problem = (path: readonly (string | number)[], message: string) =>
      context.addIssue({ code: 'custom', path: ['advertise', ...path], message });
    for (const { path, expected } of advertisingProblems({ ...advertise, insecure, agent: address }))
      problem(path, expected);
    for (const [i, agent] of advertise.agents.entries()) {
      if (agent.chain[0].address !== address) continue;
      if (agent.lifetimeS > maximumLifetimeS) problem(['agents', i, 'lifetimeS'], 'no more than maximumLifetimeS');
      const shown = agent.links ?? advertise.links.map(({ name }) => name);
      if (agent.linkConnected && shown.some(name => !links.includes(name)))
        problem(['agents', i, 'links'], 'links that are among the links of the agent, or linkConnected: false');
    }
  },
);
export type LocalMobilityAgentConfig = z.infer<typeof section>;

export const localMobilityAgent: Role<LocalMobilityAgentConfig> = {
  name: 'lma6',
  title: 'Local mobility agent (draft-dommety-mobileip-lma-ipv6)',
  routesAccessLinks: true,
  parse: input => c.parsed(section, input),
  create(config: LocalMobilityAgentConfig, environment: Environment) {
    const { peers, insecure, address, aaa, radius } = config;
    const agent = createLocalMobilityAgent(config, environment);
    const engine = together([agent, ...advertisers(config, environment)]);
    const protection = { insecure, peers: [...peers, ...(config.advertise?.peers ?? [])] };
    const guarded = secured(engine, protection, environment, passesThrough);
    const reached = overIpv4(guarded, config);
    if (radius) return withRadius(reached, radius, address, environment);
    return aaa ? withLocalProfiles(reached, aaa, address) : reached;
  },
};

/** The agent tells of itself where the section does not say how. */
function advertisers(config: LocalMobilityAgentConfig, environment: Environment): Engine[] {
  const { advertise, address, insecure, peers } = config;
  if (!advertise) return [];
  const isTold = advertise.agents.some(({ chain }) => chain.some(agent => agent.address === address));
  const agents = isTold ? advertise.agents : [...ownAnnouncements(config), ...advertise.agents];
  const associated = associatedPeers([...peers, ...advertise.peers]);
  const settings = { ...advertise, agents, insecure, address, associated };
  return [new AccessRouter(settings, environment)];
}

/** As link-connected on its own links, and on the others as one that mobiles need an address of their own for. */
function ownAnnouncements(config: LocalMobilityAgentConfig): AnnouncedAgents[] {
  const { address, ipv4Address, links, maximumLifetimeS: lifetimeS, advertise } = config;
  const shown = advertise?.links.map(({ name }) => name) ?? [];
  const chain: AnnouncedAgents['chain'] = [{ address, ipv4Address }];
  return [true, false].flatMap(linkConnected => {
    const on = shown.filter(name => links.includes(name) === linkConnected);
    return on.length > 0 ? [{ chain, linkConnected, lifetimeS, upperHeard: false, links: on }] : [];
  });
}
