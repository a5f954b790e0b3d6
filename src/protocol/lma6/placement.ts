import { type AccessRouterNode, accessRouterPlacement } from '../access-router/placement.js';
import { homeAddressOf, mobilePlacement } from '../mobile/placement.js';
import { authenticationMs, type Mobile } from '../placement.js';
import { type NetworkDescription, type Placement, UnsuitableNetwork } from '../scheme.js';
import { placedProtection, placedSecurity } from '../security/placement.js';

/** The options of draft-dommety §2.1: no agent, link-connected ones, those below an upper one, one that is not link-connected. */
export type Option = 1 | 2 | 3 | 4;

/** A mobile at an access router: nodes with its agents, the lowest first. */
export interface Visit {
  readonly router: string;
  readonly chain: readonly string[];
}

export interface OptionSettings {
  /** Whether the home agent is told with the agents or after them (§2.2). */
  readonly phases: 1 | 2;
  /** Whether agents of option 2 are anchors of zones (§4.2). */
  readonly zones: boolean;
  readonly routeOptimisation: boolean;
  /** Whether agents register in the mobile's stead, with its own association: another the home agent refuses (appendix, 2). */
  readonly relayed: boolean;
  /** Whether home agent and correspondents know of agents (§3.2.1, §3.4). */
  readonly plainPeers: boolean;
  /** Whether agents ask the domain's AAA who a mobile is (§1.1 C). */
  readonly localAuthentication: boolean;
}

/** A scenario's parameters, each 0 or absent where the usual is wanted. */
export function optionSettings({ parameters }: NetworkDescription): OptionSettings {
  const isOn = (name: string) => (parameters[name] ?? 0) !== 0;
  return {
    phases: isOn('lmaTwoPhases') ? 2 : 1,
    zones: isOn('lmaZones'),
    routeOptimisation: isOn('lmaRouteOptimisation'),
    relayed: isOn('lmaRelayed'),
    plainPeers: isOn('lmaPlainPeers'),
    localAuthentication: isOn('lmaAuthentication'),
  };
}

/** Whether a mobile needs an address of its own on the link. */
export function hasOwnAddress(option: Option): boolean {
  return option === 1 || option === 4;
}

/** Nodes with the agents that an access router tells of, the lowest first. */
export function agentsAbove(network: NetworkDescription, router: string, option: Option): readonly string[] {
  switch (option) {
    case 1:
      return [];
    case 2:
      return [router];
    case 3:
      return [router, upperOf(network, router)];
    case 4:
      return [upperOf(network, router)];
  }
}

function upperOf(network: NetworkDescription, router: string): string {
  const anchor = zoneOf(network, router);
  if (anchor === '') throw new UnsuitableNetwork('a node with role anchor');
  return anchor;
}

/** The routers with one nearest anchor are a zone, called like it. */
export function zoneOf({ accessRouters }: NetworkDescription, router: string): string {
  return accessRouters.find(({ node }) => node === router)?.nearestAnchor ?? '';
}

type Config = Readonly<Record<string, unknown>>;
type HomeAgentNode = NetworkDescription['homeAgents'][number];

/** All mobiles are at home with the first home agent; without one there is no mobility. */
export function placements(network: NetworkDescription, option: Option): Placement[] {
  const [homeAgent] = network.homeAgents;
  if (!homeAgent) return [];
  const settings = optionSettings(network);
  const agents = agentsOf(network, option);
  const known = settings.plainPeers ? {} : { localMobilityAgents: {} };
  const upper = agents.filter(({ links }) => links.length === 0);
  return [
    homeAgentPlacement(network, homeAgent, settings),
    ...upper.map(agent => agentPlacement(network, agent, settings.localAuthentication && option === 4)),
    ...network.accessRouters.map(router => routerPlacement(network, router, option, agents)),
    ...network.mobiles.map(mobile => agentMobile(network, mobile, agents, settings)),
    ...network.correspondents.map(({ node }) => ({ node, role: 'cn', config: known })),
  ];
}

/** A node with an agent, and the access links that it is connected to. */
interface AgentNode {
  readonly node: string;
  readonly address: string;
  readonly ipv4Address?: string;
  readonly links: readonly string[];
}

function agentsOf(network: NetworkDescription, option: Option): AgentNode[] {
  const { accessRouters, anchors } = network;
  const wanted = new Set(accessRouters.flatMap(({ node }) => agentsAbove(network, node, option)));
  return [...accessRouters, ...anchors.map(anchor => ({ ...anchor, links: [] }))].filter(({ node }) =>
    wanted.has(node),
  );
}

function homesOf({ mobiles, homeAgents }: NetworkDescription): string[] {
  return mobiles.map(mobile => homeAddressOf(homeAgents[0].prefix, mobile));
}

function homeAgentPlacement(
  network: NetworkDescription,
  { node, address, ipv4Address, prefix }: HomeAgentNode,
  { plainPeers }: OptionSettings,
): Placement {
  const config = {
    address,
    prefixes: [prefix],
    ...placedProtection(network.protection, address, homesOf(network)),
    ...(!plainPeers && { localMobilityAgents: ipv4Address === undefined ? {} : { ipv4Address } }),
  };
  return { node, role: 'ha', config };
}

function agentMobile(
  network: NetworkDescription,
  mobile: Mobile,
  agents: readonly AgentNode[],
  { phases, relayed, routeOptimisation, plainPeers, localAuthentication }: OptionSettings,
): Placement {
  const [homeAgent] = network.homeAgents;
  const { ipv4Address: homeAgentIpv4 } = homeAgent;
  const partners = [homeAgent.address, ...agents.map(({ address }) => address)];
  return mobilePlacement(network, mobile, {
    ...placedProtection(network.protection, homeAddressOf(homeAgent.prefix, mobile), partners),
    ...(network.mobiles.length > 1 && { correspondent: plainPeers ? {} : { localMobilityAgents: {} } }),
    routeOptimisation,
    localMobilityAgents: {
      mode: relayed ? 'relayed' : phases === 2 ? 'twoPhase' : 'onePhase',
      ...(localAuthentication && { identity: mobile.identity }),
      ...(homeAgentIpv4 !== undefined && { ipv4: true, homeAgentIpv4 }),
    },
  });
}

/** An access router that tells of the agents above it, and is the lowest of them where the option says so. */
function routerPlacement(
  network: NetworkDescription,
  router: AccessRouterNode,
  option: Option,
  agents: readonly AgentNode[],
): Placement {
  const { zones, localAuthentication } = optionSettings(network);
  const chain = agentsAbove(network, router.node, option).flatMap(
    node => agents.find(agent => agent.node === node) ?? [],
  );
  const [lowest] = chain;
  if (!lowest) return accessRouterPlacement(router, [], { insecure: true });
  const linkConnected = lowest.node === router.node;
  const announced = {
    chain: chain.map(({ address, ipv4Address }) => ({ address, ...(ipv4Address !== undefined && { ipv4Address }) })),
    linkConnected,
    ...(zones && option === 2 && { zone: zoneNumber(network, router.node) }),
  };
  const placed = accessRouterPlacement(router, [], { insecure: true, agents: [announced] });
  if (!linkConnected) return placed;
  const { links } = placed.config;
  return agentPlacement(network, lowest, localAuthentication, { links, agents: [announced] });
}

function agentPlacement(
  network: NetworkDescription,
  { node, address, ipv4Address, links }: AgentNode,
  authenticates: boolean,
  advertise?: Config,
): Placement {
  const config = {
    address,
    ...(ipv4Address !== undefined && { ipv4Address }),
    ...(links.length > 0 && { links }),
    ...(advertise && { advertise }),
    ...agentProtection(network, address),
    ...(authenticates && { aaa: profilesOf(network) }),
  };
  return { node, role: 'lma6', config };
}

/** With mobiles, and with the home agent what its mobile has with it. */
function agentProtection(network: NetworkDescription, address: string): Config {
  const { protection, homeAgents } = network;
  const homes = homesOf(network);
  const { peers, ...rest } = placedProtection(protection, address, homes);
  if (protection === 'insecure' || !optionSettings(network).relayed)
    return { ...rest, ...(peers !== undefined && { peers }) };
  if (homes.length > 1) throw new UnsuitableNetwork('a single mobile, where agents register it under its association');
  const [homeAgent] = homeAgents;
  const security = placedSecurity(protection, homes[0], homeAgent.address);
  return { peers: [...(peers as readonly unknown[]), { address: homeAgent.address, security }] };
}

function profilesOf({ parameters, mobiles }: NetworkDescription): Config {
  return { delayMs: parameters[authenticationMs] ?? 0, profiles: mobiles.map(({ identity }) => ({ identity })) };
}

function zoneNumber(network: NetworkDescription, router: string): number {
  return network.anchors.findIndex(({ node }) => node === zoneOf(network, router)) + 1;
}
