import { addressFromGroups, group } from '../../base/address.js';
import { formatPrefix, parsePrefix } from '../../base/prefix.js';
import { accessProfiles, anchorOf, dhcpServers, type Mobile, proxyRegistrationForm, usesDhcp } from '../placement.js';
import type { NetworkDescription, Placement, Scheme } from '../scheme.js';
import { placedProtection } from '../security/placement.js';

/** Proxy Mobile IPv6 (RFC 5213): one domain that spans all access routers; the anchor assigns a prefix a mobile. */
export const pmip6: Scheme = {
  name: 'pmip6',
  title: 'Proxy Mobile IPv6 (LMA, MAG)',
  document: 'RFC 5213',
  place: network => [
    ...anchors(network),
    ...gateways(network),
    ...dhcpServers(
      network,
      network.mobiles.filter(usesDhcp).map(mobile => prefixOfMobile(network, mobile)),
    ),
  ],
  manualPrefix: (network, name) => prefixOfMobile(network, network.mobiles.find(({ node }) => node === name)!),
  closedForm: proxyRegistrationForm,
};

/** RFC 5213 §9.1 TimestampValidityWindow, "adjusted to suit the deployment": by what the way takes. */
const defaultTimestampWindowMs = 300;

function anchors(network: NetworkDescription): Placement[] {
  const gateways = network.accessRouters.map(router => router.address);
  return network.anchors.map(anchor => ({
    node: anchor.node,
    role: 'lma',
    config: {
      address: anchor.address,
      prefixes: [anchor.prefix],
      timestampWindowMs: defaultTimestampWindowMs + network.longestAccessMs,
      ...placedProtection(network.protection, anchor.address, gateways),
    },
  }));
}

function gateways(network: NetworkDescription): Placement[] {
  const anchorAddresses = network.anchors.map(anchor => anchor.address);
  const aaa = accessProfiles(network, mobile =>
    mobile.addressing === 'slaac' ? {} : { prefix: prefixOfMobile(network, mobile) },
  );
  return network.accessRouters.map(router => ({
    node: router.node,
    role: 'mag',
    config: {
      address: router.address,
      accessLinks: router.links.map(name => ({ name })),
      anchor: network.anchors.find(anchor => anchor.node === router.nearestAnchor)?.address,
      aaa,
      ...placedProtection(network.protection, router.address, anchorAddresses),
    },
  }));
}

/** Who gives out addresses by DHCPv6 or by hand has to know prefixes beforehand: by the mobile's number, the last of the block first. */
function prefixOfMobile(network: NetworkDescription, mobile: Mobile): string {
  const block = parsePrefix(anchorOf(network, mobile).prefix);
  const groups = Array.from({ length: 8 }, (_, i) => group(block.address, i));
  groups[3] |= (0xffff >> Math.max(0, block.length - 48)) - network.mobiles.indexOf(mobile);
  return formatPrefix({ address: addressFromGroups(groups), length: 64 });
}
