import type { NetworkDescription } from '../protocol/scheme.js';
import { byMobile } from './handovers.js';
import { isMobile, nodesWithRole, type Scenario } from './model.js';
import { type Topology, topologyOf } from './topology.js';

/** The scenario in the terms schemes place their roles by. Access links bear their scenario names on their routers. */
export function describeNetwork(scenario: Scenario, topology: Topology = topologyOf(scenario)): NetworkDescription {
  const anchors = nodesWithRole(scenario, 'anchor');
  const named = ({
    name,
    address,
    ipv4Address,
  }: {
    name: string;
    address: string;
    ipv4Address?: string | undefined;
  }) => ({
    node: name,
    address,
    ...(ipv4Address !== undefined && { ipv4Address }),
  });
  const withPrefix = (node: Parameters<typeof named>[0] & { prefix: string }) => ({
    ...named(node),
    prefix: node.prefix,
  });
  const accessRouters = nodesWithRole(scenario, 'access');
  const movesOf = byMobile(scenario.movement);
  let longestAccessMs = 0;
  for (const router of accessRouters)
    for (const anchor of anchors)
      longestAccessMs = Math.max(longestAccessMs, topology.delayMs(router.name, anchor.name));
  return {
    anchors: anchors.map(withPrefix),
    accessRouters: accessRouters.map(node => ({
      ...withPrefix(node),
      links: radiosOf(scenario, node.name).map(({ name }) => name),
      accessPoints: radiosOf(scenario, node.name).map(link => accessPoint(scenario.links.indexOf(link))),
      nearestAnchor: nearest(node.name, anchors, topology),
      advertisements: {
        minMs: node.advertisementMinMs,
        maxMs: node.advertisementMaxMs,
        ...(node.advertisementAnswerMs !== undefined && { answerMs: node.advertisementAnswerMs }),
      },
    })),
    homeAgents: nodesWithRole(scenario, 'home-agent').map(withPrefix),
    mobiles: scenario.nodes.filter(isMobile).map(({ name, identity, linkAddress, addressing }) => ({
      node: name,
      identity,
      linkAddress,
      addressing,
      firstAccessRouter: movesOf.get(name)?.find(move => move.router !== undefined)?.router,
    })),
    correspondents: nodesWithRole(scenario, 'correspondent').map(named),
    dhcpServers: nodesWithRole(scenario, 'dhcp-server').map(named),
    pmipClients: nodesWithRole(scenario, 'pmip-client').map(named),
    longestAccessMs,
    protection: scenario.protection,
    parameters: scenario.parameters,
  };
}

function radiosOf(scenario: Scenario, router: string) {
  return scenario.links.filter(link => link.kind === 'access' && link.router === router);
}

/** Of the access point on that link of the scenario: 02:0a:50:…, apart from what mobiles and wires have. */
function accessPoint(index: number): string {
  const octets = [2, 0x0a, 0x50, 0, index >>> 8, index & 0xff];
  return octets.map(octet => octet.toString(16).padStart(2, '0')).join(':');
}

/** The anchor fewest milliseconds away, the first of several; empty where there is none. */
function nearest(from: string, anchors: readonly { readonly name: string }[], topology: Topology): string {
  let best = '';
  for (const { name } of anchors)
    if (best === '' || topology.delayMs(from, name) < topology.delayMs(from, best)) best = name;
  return best;
}
