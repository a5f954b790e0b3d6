import { anchorOf, localNetworkPrefix } from '../protocol/placement.js';
import type { Handover, NetworkDescription, Scheme } from '../protocol/scheme.js';
import { schemeNamed } from '../protocol/schemes.js';
import { describeNetwork } from './describe.js';
import type { Scenario } from './model.js';
import type { Topology } from './topology.js';

/** The scheme for all of a scenario: a domain's nodes have that domain's, which knows of no other nodes, the rest the given one. */
export function acrossDomains(scenario: Scenario, ofRest: Scheme, topology: Topology): Scheme {
  if (scenario.domains.length === 0) return ofRest;
  const inDomains = new Set(scenario.domains.flatMap(({ nodes }) => nodes));
  const parts = [
    { scheme: ofRest, network: networkOf(scenario, topology, name => !inDomains.has(name)) },
    ...scenario.domains.map(({ scheme, nodes }) => ({
      scheme: schemeNamed(scheme)!,
      network: networkOf(scenario, topology, name => nodes.includes(name)),
    })),
  ];
  const partOf = (mobile: string) => parts.find(({ network }) => network.mobiles.some(({ node }) => node === mobile))!;
  return {
    ...ofRest,
    place: () => parts.flatMap(({ scheme, network }) => scheme.place(network)),
    manualPrefix(_network: NetworkDescription, mobile: string) {
      const { scheme, network } = partOf(mobile);
      const found = network.mobiles.find(({ node }) => node === mobile)!;
      return scheme.manualPrefix?.(network, mobile) ?? localNetworkPrefix(anchorOf(network, found));
    },
    closedForm(handover: Handover) {
      const { scheme, network } = partOf(handover.mobile);
      return scheme.closedForm({ ...handover, network });
    },
  };
}

function networkOf(scenario: Scenario, topology: Topology, includes: (name: string) => boolean): NetworkDescription {
  return describeNetwork({ ...scenario, nodes: scenario.nodes.filter(({ name }) => includes(name)) }, topology);
}
