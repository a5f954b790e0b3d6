import { formatAddress } from '../../base/address.js';
import { autoconfiguredAddress, parseLinkAddress } from '../../base/link-address.js';
import { parsePrefix } from '../../base/prefix.js';
import type { Mobile } from '../placement.js';
import { type Handover, type NetworkDescription, type Placement, UnsuitableNetwork } from '../scheme.js';
import { placedProtection, placedSecurity } from '../security/placement.js';

/** What the schemes with a home agent have in common in `place` and `closedForm`. */

/** The first home agent, with all mobiles at home there; none where there is none. */
export function homeAgentPlacements(network: NetworkDescription): Placement[] {
  return network.homeAgents.slice(0, 1).map(({ node, address, prefix }) => {
    const mobiles = network.mobiles.map(mobile => homeAddressOf(prefix, mobile));
    const config = { address, prefixes: [prefix], ...placedProtection(network.protection, address, mobiles) };
    return { node, role: 'ha', config };
  });
}

/** Role `mn`; `anchors` are peers that know the mobile by its NAI, `more` further keys of its section. */
export function mobilePlacement(
  network: NetworkDescription,
  mobile: Mobile,
  more: Readonly<Record<string, unknown>>,
  anchors: readonly string[] = [],
): Placement {
  const [homeAgent] = network.homeAgents;
  if (!homeAgent) throw new UnsuitableNetwork('a node with role home-agent');
  const address = homeAddressOf(homeAgent.prefix, mobile);
  const config = {
    address,
    homeAgent: homeAgent.address,
    // Others of its kind may be whom it talks to.
    ...(network.mobiles.length > 1 && { correspondent: {} }),
    ...protectionOf(network, mobile, address, anchors),
    ...more,
  };
  return { node: mobile.node, role: 'mn', config };
}

function protectionOf(network: NetworkDescription, mobile: Mobile, address: string, anchors: readonly string[]) {
  const { protection, homeAgents } = network;
  if (protection === 'insecure') return { insecure: true };
  const { peers } = placedProtection(protection, address, [homeAgents[0].address]);
  const others = anchors.map(anchor => ({
    address: anchor,
    security: placedSecurity(protection, mobile.identity, anchor),
  }));
  return { peers: [...(peers as readonly unknown[]), ...others] };
}

export function homeAddressOf(prefix: string, { linkAddress }: Mobile): string {
  return formatAddress(autoconfiguredAddress(parsePrefix(prefix), parseLinkAddress(linkAddress)));
}

export function correspondentPlacements({ homeAgents, correspondents }: NetworkDescription): Placement[] {
  return homeAgents.length === 0 ? [] : correspondents.map(({ node }) => ({ node, role: 'cn', config: {} }));
}

/** I of `closedForm`s: link layer, movement detection, Duplicate Address Detection. */
export function readyMs(handover: Handover): number {
  return handover.l2GapMs + handover.movementDetectionMs + handover.duplicateAddressDetectionMs;
}
