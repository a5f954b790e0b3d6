import {
  type AnchorNode,
  accessProfiles,
  anchorOf,
  anchorPlacements,
  dhcpServers,
  gatewayPlacements,
  type Mobile,
  prefixOfMobile,
  timestampWindowMs,
  usesDhcp,
} from '../placement.js';
import type { NetworkDescription, Placement } from '../scheme.js';
import { placedProtection } from '../security/placement.js';

/** Whether LMAs let tunnels end and begin at them, or have those meet that can (draft-chan §5.1.1, §5.4). */
export type Tunnelling = 'atAnchors' | 'bypassed';

/** An LMA on every anchor, H-LMA of its own block and V-LMA for the others; a MAG on every access router, below the nearest. */
export function placements(network: NetworkDescription, tunnelling: Tunnelling): Placement[] {
  return [
    ...anchors(network, tunnelling),
    ...gateways(network, tunnelling),
    ...dhcpServers(
      network,
      network.mobiles.filter(usesDhcp).map(mobile => homePrefixOf(network, mobile)),
    ),
  ];
}

/**
 * The LMA of the network where a mobile is registered: the one that the realm of its NAI names, as `anchor2` in `mn@anchor2`, or
 * else the nearest to where it first attaches.
 */
export function homeAnchorOf(network: NetworkDescription, mobile: Mobile): AnchorNode {
  return namedAnchor(network, mobile) ?? anchorOf(network, mobile);
}

function namedAnchor({ anchors }: NetworkDescription, { identity }: Mobile): AnchorNode | undefined {
  const realm = identity.slice(identity.lastIndexOf('@') + 1);
  return anchors.find(({ node }) => node === realm);
}

/** Of a mobile whose prefix has to be known beforehand. */
export function homePrefixOf(network: NetworkDescription, mobile: Mobile): string {
  return prefixOfMobile(network, mobile, homeAnchorOf(network, mobile));
}

function anchors(network: NetworkDescription, tunnelling: Tunnelling): Placement[] {
  const { anchors, accessRouters, parameters, protection } = network;
  const isOn = (name: string) => (parameters[name] ?? 0) !== 0;
  const domain = anchors.map(({ node, prefix, address }) => ({
    name: node,
    prefixes: [prefix],
    lma: address,
    realms: [node],
  }));
  const nodes = [...anchors, ...accessRouters].map(({ address }) => address);
  const bypassed = tunnelling === 'bypassed';
  return anchorPlacements(network, 'dlma', ({ address }) => {
    const others = anchors.map(anchor => anchor.address).filter(other => other !== address);
    return {
      domain,
      timestampWindowMs: timestampWindowMs(network),
      query: isOn('dlmaQuery'),
      records: keepsGateways(network) ? 'gateway' : 'anchor',
      told: isOn('dlmaPush') ? others : [],
      bypass: { destination: bypassed, originating: bypassed },
    };
  }).map(placed => withPeers(placed, protection, nodes));
}

function gateways(network: NetworkDescription, tunnelling: Tunnelling): Placement[] {
  const { anchors, accessRouters, protection } = network;
  const profiles = accessProfiles(network, mobile => profileOf(network, mobile), 'nearestAnchor');
  const placed = gatewayPlacements(network, 'mag', profiles).map(
    (gateway): Placement => ({ ...gateway, config: { ...gateway.config, distributed: true } }),
  );
  if (tunnelling === 'atAnchors' && !keepsGateways(network)) return placed;
  const nodes = [...anchors, ...accessRouters].map(({ address }) => address);
  return placed.map(gateway => {
    const bypass = {
      domain: anchors.map(({ prefix }) => prefix),
      anchors: anchors.map(({ address }) => address),
      gateways: accessRouters.map(({ address }) => address).filter(address => address !== gateway.config.address),
    };
    return withPeers({ ...gateway, config: { ...gateway.config, bypass } }, protection, nodes);
  });
}

/**
 * Where its NAI does not say which network a mobile is registered with, its prefix does (§4.3). What somebody typed in for a
 * default gateway stays what it is, wherever the mobile is anchored.
 */
function profileOf(network: NetworkDescription, mobile: Mobile) {
  const { addressing } = mobile;
  if (addressing === 'slaac' && namedAnchor(network, mobile)) return {};
  const prefix = homePrefixOf(network, mobile);
  return addressing === 'manual' ? { prefix, gateway: anchorOf(network, mobile).address } : { prefix };
}

/** Whether location management knows gateways, and so LMAs that are not the mobile's tunnel to them (§5.1.1). */
function keepsGateways({ parameters }: NetworkDescription): boolean {
  return (parameters.dlmaGatewayRecords ?? 0) !== 0;
}

/** LMAs signal with each other, and gateways with those who tunnel to them. */
function withPeers(
  placed: Placement,
  protection: NetworkDescription['protection'],
  nodes: readonly string[],
): Placement {
  const own = String(placed.config.address);
  const others = nodes.filter(address => address !== own);
  return { ...placed, config: { ...placed.config, ...placedProtection(protection, own, others) } };
}
