import { z } from 'zod';
import type { Address } from '../base/address.js';
import { prefixOf } from '../base/prefix.js';
import type { BindingUpdate, MobilityMessage } from '../wire/mobility/messages.js';
import * as c from './config.js';
import type { Environment } from './contract.js';
import { fastMobileSection } from './fast/config.js';
import { provesItself } from './fast/exemption.js';
import { FastMobile } from './fast/mobile.js';
import { HierarchicalReach } from './hmip6/hierarchical-reach.js';
import { AgentReach } from './lma6/mobile/agent-reach.js';
import { Correspondent } from './mip6/correspondent.js';
import { correspondentSection } from './mip6/correspondent-role.js';
import { withCorrespondent } from './mip6/mutual.js';
import { MobileNode } from './mobile/mobile-node.js';
import { OnLinkReach, type Reach } from './mobile/reach.js';
import type { Role } from './scheme.js';
import { protectedSection, signalling } from './security/config.js';
import { secured } from './security/secured.js';

/** RFC 4140, where `hierarchy` is on. */
const hierarchySection = z.strictObject({
  /** For `speed`: as many moves a minute, and the farthest MAP is chosen, else the nearest. */
  fastMovesPerMinute: c.integer(1, 1000).default(3),
  mapDetection: c.choice(['eager', 'lazy']).default('lazy'),
  /** To be registered with at a time. */
  maximumMaps: c.integer(1, 15).default(1),
  /** Correspondents for whom another MAP is chosen. */
  correspondentMaps: z
    .array(z.strictObject({ to: c.prefix, order: c.choice(['distance', 'nearest', 'preference']) }))
    .default([]),
  /** How long the previous MAP is to forward; 0: it is not asked to. */
  previousMapS: c.integer(0, 3600, 'seconds').default(60),
  /** Whether correspondents on the mobile's link are told its address there. */
  localCorrespondents: c.flag.default(true),
  /** Destinations to which the regional care-of address is the source (RFC 4140 §6.5). */
  regionalFor: z.array(c.prefix).default([]),
  /** Local Binding Updates without an answer after which another MAP, or none, is used. */
  attempts: c.integer(1, 100).default(3),
  lifetimeS: c.lifetimeS.default(3600),
});

/** Draft-dommety. */
const agentsSection = z.strictObject({
  /**
   * `onePhase`: one transmission for agents and home agent (§2.2); `twoPhase`: first the agents; `relayed`: the highest agent
   * registers the mobile with its home agent (appendix, 2); `off`: plain Mobile IPv6 wherever agents are.
   */
  mode: c.choice(['off', 'onePhase', 'twoPhase', 'relayed']).default('off'),
  /** Where none is advertised: the lowest first (§2.1, option 4). */
  agents: z.array(z.strictObject({ address: c.unicastAddress, ipv4Address: c.ipv4Address.optional() })).default([]),
  /**
   * `agent`: the mobile needs no address of its own where an agent is on the link; `coLocated`: it registers one with the lowest
   * agent even there; `direct`: and tells its home agent of that, with no agent in between (§3.1).
   */
  careOf: c.choice(['agent', 'coLocated', 'direct']).default('agent'),
  /** Whether an IPv4 tunnel is asked for where an agent says that one may end there (§2.2.2). */
  ipv4: c.flag.default(false),
  /** Where IPv4 tunnels to its home agent end. */
  homeAgentIpv4: c.ipv4Address.optional(),
  /** Whether the first agent of a zone stays above those that come (§4.2). */
  anchoring: c.flag.default(true),
  /** By which agents that ask who it is know it. */
  identity: c.identity.optional(),
  /** Binding Updates without an answer after which an agent counts as failed. */
  attempts: c.integer(1, 100).default(3),
  /** Updates nested for the home agent that stay without an answer before it is told in two phases. */
  nestedAttempts: c.integer(1, 100).default(2),
  /** To ask agents for, where they advertise no less. */
  lifetimeS: c.lifetimeS.default(3600),
});

const section = protectedSection(
  z.strictObject({
    ...signalling,
    /** Its home address. */
    address: c.unicastAddress,
    /** Without one it is asked for. */
    homeAgent: c.unicastAddress.optional(),
    /** Whether home agents are asked for where the one above does not serve, too (RFC 6275 §11.4.1). */
    homeAgentDiscovery: c.flag.default(false),
    homeAgentAttempts: c.integer(1, 100).default(5),
    /** Whether the home agent is asked how long the home prefix is good (RFC 6275 §11.4.2). */
    homePrefixDiscovery: c.flag.default(false),
    /** Of the home address's prefix. */
    homePrefixLength: c.integer(1, 128).default(64),
    /** Links it moves on, the most wanted first. */
    links: z.array(c.name).min(1, 'at least one link').default(['wlan0']),
    lifetimeS: c.lifetimeS.default(3600),
    movementDetection: c.choice(['eager', 'lazy']).default('eager'),
    linkTriggers: c.flag.default(true),
    missedAdvertisements: c.integer(1, 100).default(3),
    /** Whether correspondents are told where it is, so that packets go straight. */
    routeOptimisation: c.flag.default(true),
    maximumCorrespondents: c.integer(1, 10_000).default(256),
    /** What it is to other mobiles; without it they are spoken to by their home agents (RFC 6275 §9). */
    correspondent: correspondentSection.optional(),
    parkOctets: c.integer(0, 1_000_000_000, 'octets').default(1_048_576),
    /** Whether and how Mobility Anchor Points are chosen (RFC 4140 §7.2, §9.1). */
    hierarchy: c.choice(['off', 'distance', 'nearest', 'preference', 'speed']).default('off'),
    hierarchySettings: hierarchySection.prefault({}),
    /** RFC 5568; without it there are no fast handovers. */
    fastHandover: fastMobileSection.optional(),
    localMobilityAgents: agentsSection.prefault({}),
  }),
).superRefine(({ localMobilityAgents: { mode }, ...others }, context) => {
  const problem = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message });
  if (mode === 'off') return;
  if (others.hierarchy !== 'off') problem(['hierarchy'], 'off, beside localMobilityAgents');
  if (others.fastHandover) problem(['fastHandover'], 'nothing, beside localMobilityAgents');
  for (const [i, { security }] of others.peers.entries())
    if (security?.kind === 'esp' && security.tunnel?.end === 'careOfAddress')
      problem(
        ['peers', i, 'security', 'tunnel', 'end'],
        'homeAddress, beside localMobilityAgents: care-of addresses are shared',
      );
  if (others.homeAgent === undefined) problem(['homeAgent'], 'an address: nobody is asked for one through an agent');
});
export type MobileNodeConfig = z.infer<typeof section>;

export const mobileNode: Role<MobileNodeConfig> = {
  name: 'mn',
  title: 'Mobile node (RFC 6275, RFC 4140, RFC 5568)',
  parse: input => c.parsed(section, input),
  create(config: MobileNodeConfig, environment: Environment) {
    const { address, homePrefixLength, movementDetection: detection, ...others } = config;
    const home = { homeAddress: address, homePrefix: prefixOf(address, homePrefixLength) };
    const reach = reachOf(config, environment);
    const parts = { reach, anticipation: anticipationOf(config, reach, environment) };
    const borrows = reach instanceof AgentReach && config.localMobilityAgents.careOf === 'agent';
    const settings = { ...others, ...home, detection, borrows, trusts: trusting(config) };
    const engine = new MobileNode(settings, environment, parts);
    const { correspondent } = config;
    const node = correspondent ? withCorrespondent(engine, new Correspondent(correspondent, environment)) : engine;
    return secured(node, config, environment, needsNoAssociation);
  },
};

function reachOf(config: MobileNodeConfig, environment: Environment): Reach {
  const { hierarchy: selection, hierarchySettings, parkOctets } = config;
  const agents = agentReachOf(config, environment);
  if (agents) return agents;
  if (selection === 'off') return new OnLinkReach();
  const settings = { ...hierarchySettings, selection, parkOctets, trusts: trusting(config) };
  return new HierarchicalReach(settings, environment.random);
}

/** Draft-dommety's, where agents may be used and the mobile does not pass them by (§3.1). */
function agentReachOf(config: MobileNodeConfig, { random }: Environment): Reach | undefined {
  const { localMobilityAgents, address: homeAddress, homeAgent, parkOctets } = config;
  const { mode, careOf, homeAgentIpv4: ipv4Address, ...others } = localMobilityAgents;
  if (mode === 'off' || careOf === 'direct' || homeAgent === undefined) return undefined;
  const ends = { homeAddress, homeAgent: { address: homeAgent, ipv4Address } };
  return new AgentReach({ ...others, ...ends, mode, careOf, parkOctets, trusts: trusting(config) }, random);
}

/** Anchors that signalling can be protected with, or all where that is not wanted. */
function trusting({ insecure, peers }: MobileNodeConfig): (anchor: Address) => boolean {
  return anchor => insecure || peers.some(({ address }) => address === anchor);
}

function anticipationOf({ fastHandover }: MobileNodeConfig, reach: Reach, { random }: Environment) {
  if (!fastHandover) return undefined;
  const regional = () => (reach instanceof HierarchicalReach ? reach.regional : undefined);
  return new FastMobile({ ...fastHandover, regional }, random);
}

/**
 * Return routability goes between strangers (RFC 6275 §5.2), and so do the updates and acknowledgements it authorizes; an
 * acknowledgement by the home agent, or by a local mobility agent, that comes so is refused by the engine.
 */
function needsNoAssociation(message: MobilityMessage): boolean {
  if (provesItself(message)) return true;
  switch (message.kind) {
    case 'homeTestInit':
    case 'careOfTestInit':
    case 'homeTest':
    case 'careOfTest':
    case 'bindingError':
    case 'bindingRefreshRequest':
      return true;
    case 'bindingUpdate':
      return !message.flags.homeRegistration && !message.flags.map && !isForAgent(message);
    case 'bindingAcknowledgement':
      return !message.options.some(option => option.kind === 'mobilityMessageAuthentication');
    default:
      return false;
  }
}

/** What a local mobility agent is told names whom it sends packets to (draft-dommety §3.1). */
function isForAgent({ options }: BindingUpdate): boolean {
  return options.some(option => option.kind === 'vendorSpecific' && option.content.kind === 'upstreamAgent');
}
