import type { Protection } from '../protocol/scheme.js';
import { isMobile, type Scenario, type ScenarioNode } from '../scenario/model.js';

/** What a run of the lab may change in a scenario. */
export interface LabAdjustments {
  readonly addressing?: 'slaac' | 'dhcpv6';
  readonly protection?: Protection;
}

/**
 * The scenario as the lab runs it: links of namespaces have no delay, so nothing that stands for a delay is kept. Stations
 * that ask for addresses get a server beside the first router where the scenario has none.
 */
export function adjust(scenario: Scenario, { addressing, protection }: LabAdjustments): Scenario {
  const nodes = scenario.nodes.map(node =>
    isMobile(node) ? { ...node, addressing: addressing ?? node.addressing } : node,
  );
  const asked = nodes.some(node => isMobile(node) && node.addressing === 'dhcpv6');
  const server = asked && !nodes.some(({ role }) => role === 'dhcp-server') ? [dhcpServer] : [];
  return {
    ...scenario,
    protection: protection ?? scenario.protection,
    parameters: { ...scenario.parameters, authenticationMs: 0 },
    nodes: [...nodes, ...server],
    links: [...scenario.links, ...server.map(({ name }) => serverLink(name, nodes))],
  };
}

const dhcpServer: ScenarioNode = { name: 'dhcp', role: 'dhcp-server', address: 'fd00::d' };

function serverLink(server: string, nodes: readonly ScenarioNode[]): Scenario['links'][number] {
  const router = nodes.find(({ role }) => role === 'router') ?? nodes.find(({ role }) => role === 'anchor')!;
  return {
    kind: 'wire',
    name: `${router.name}-${server}`,
    ends: [router.name, server],
    delayMs: 0,
    rateMbps: undefined,
    queueOctets: undefined,
    loss: 0,
    duplication: 0,
    reordering: 0,
    reorderDelayMs: 0,
    mtu: 1500,
  };
}
