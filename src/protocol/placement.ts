import { addressFromGroups, group } from '../base/address.js';
import { formatPrefix, parsePrefix } from '../base/prefix.js';
import {
  type ClosedForm,
  type Handover,
  type NetworkDescription,
  type Placement,
  UnsuitableNetwork,
} from './scheme.js';
import { placedProtection } from './security/placement.js';

/** Help for schemes whose access routers register mobiles with an anchor: what several of them say in `place` and `closedForm`. */

export type AnchorNode = NetworkDescription['anchors'][number];
export type Mobile = NetworkDescription['mobiles'][number];

/** The anchor nearest to where the mobile first attaches; it keeps it in all of the domain (gundavelli §3.1). */
export function anchorOf(network: NetworkDescription, mobile: Mobile): AnchorNode {
  const first =
    network.accessRouters.find(router => router.node === mobile.firstAccessRouter) ?? network.accessRouters[0];
  const anchor = network.anchors.find(({ node }) => node === first?.nearestAnchor) ?? network.anchors[0];
  if (!anchor) throw new UnsuitableNetwork('a node with role anchor');
  return anchor;
}

/** The first /64 of the anchor's block, or the block where it is no larger. */
export function localNetworkPrefix(anchor: AnchorNode): string {
  const block = parsePrefix(anchor.prefix);
  return formatPrefix({ address: block.address, length: Math.max(64, block.length) });
}

/** Who gives out addresses by DHCPv6 or by hand has to know prefixes beforehand: by the mobile's number, the last of the block first. */
export function prefixOfMobile(
  network: NetworkDescription,
  mobile: Mobile,
  { prefix }: AnchorNode = anchorOf(network, mobile),
): string {
  const block = parsePrefix(prefix);
  const last = 0xffff >> Math.max(0, block.length - 48);
  const number = network.mobiles.indexOf(mobile);
  if (number > last) throw new UnsuitableNetwork(`a shorter prefix than ${prefix}: it has ${last + 1} of 64 bits`);
  const groups = Array.from({ length: 8 }, (_, i) => group(block.address, i));
  groups[3] |= last - number;
  return formatPrefix({ address: addressFromGroups(groups), length: 64 });
}

type Config = Readonly<Record<string, unknown>>;

/** `role` on every anchor, known to all access routers; `special` is what it is configured with beside that. */
export function anchorPlacements(
  network: NetworkDescription,
  role: string,
  special: (anchor: AnchorNode) => Config,
): Placement[] {
  const gateways = network.accessRouters.map(router => router.address);
  return network.anchors.map(anchor => {
    const protection = placedProtection(network.protection, anchor.address, gateways);
    return { node: anchor.node, role, config: { address: anchor.address, ...special(anchor), ...protection } };
  });
}

/** `role` on every access router, known to all anchors, with the nearest as its own. */
export function gatewayPlacements(network: NetworkDescription, role: string, aaa: Config): Placement[] {
  const anchors = network.anchors.map(anchor => anchor.address);
  return network.accessRouters.map(({ node, address, links, nearestAnchor }) => ({
    node,
    role,
    config: {
      address,
      accessLinks: links.map(name => ({ name })),
      anchor: network.anchors.find(anchor => anchor.node === nearestAnchor)?.address,
      aaa,
      ...placedProtection(network.protection, address, anchors),
    },
  }));
}

/** What the domain's AAA says of each mobile, as a gateway's `aaa` section; `at` an anchor of its own, or the gateway's nearest. */
export function accessProfiles(
  network: NetworkDescription,
  extra: (mobile: Mobile, anchor: AnchorNode) => Config,
  at: 'ownAnchor' | 'nearestAnchor' = 'ownAnchor',
): Config {
  return Object.freeze({
    delayMs: network.parameters[authenticationMs] ?? 0,
    profiles: network.mobiles.map(mobile => {
      const anchor = anchorOf(network, mobile);
      return {
        identity: mobile.identity,
        linkAddress: mobile.linkAddress,
        ...(at === 'ownAnchor' && { anchor: anchor.address }),
        ...(usesDhcp(mobile) && { dhcpServer: dhcpServerOf(network) }),
        addressing: [mobile.addressing],
        ...extra(mobile, anchor),
      };
    }),
  });
}

/** The network's DHCPv6 servers, where a mobile needs one, with a pool for each prefix that mobiles are at. */
export function dhcpServers(network: NetworkDescription, prefixes: readonly string[]): Placement[] {
  if (!network.mobiles.some(usesDhcp)) return [];
  const pools = [...new Set(prefixes)].map(prefix => ({ prefix }));
  return network.dhcpServers.map(({ node, address }) => ({ node, role: 'dhcpv6-server', config: { address, pools } }));
}

export function usesDhcp(mobile: Mobile): boolean {
  return mobile.addressing === 'dhcpv6';
}

/** RFC 5213 §9.1 TimestampValidityWindow, "adjusted to suit the deployment": by what the way takes. */
export function timestampWindowMs({ longestAccessMs }: NetworkDescription): number {
  return 300 + longestAccessMs;
}

/** The parameter of a scenario that says how long access authentication takes. */
export const authenticationMs = 'authenticationMs';

function dhcpServerOf(network: NetworkDescription): string {
  const [server] = network.dhcpServers;
  if (!server) throw new UnsuitableNetwork('a node with role dhcp-server, for mobiles that use DHCPv6');
  return server.address;
}

/**
 * The handover of a gateway that registers a mobile with its anchor. Downlink: link layer, access authentication, update
 * there, first packet back and over the air. The old gateway's share of the path delays what is already under way there, so
 * that as much less or more is lost. Uplink: a packet that reaches the gateway when the registration is through may have left
 * the mobile a radio delay before.
 */
export function proxyRegistrationForm(handover: Handover): ClosedForm | undefined {
  const { network, from, to } = handover;
  const mobile = network.mobiles.find(({ node }) => node === handover.mobile);
  if (!mobile) return undefined;
  const anchor = anchorOf(network, { ...mobile, firstAccessRouter: handover.visited[0] }).node;
  const authentication = network.parameters[authenticationMs] ?? 0;
  const toNew = handover.delayMs(to, anchor);
  const fromNew = handover.delayMs(anchor, to);
  const fromOld = handover.delayMs(anchor, from);
  const registered = handover.l2GapMs + authentication + toNew + fromNew;
  return {
    downlinkGapMs: registered + handover.radioMs(to),
    downlinkLostMs: handover.l2GapMs + authentication + toNew + fromOld + handover.radioMs(from),
    uplinkGapMs: Math.max(handover.l2GapMs, registered - handover.radioMs(to)),
  };
}
