import { accessProfiles, dhcpServers, localNetworkPrefix, proxyRegistrationForm } from '../placement.js';
import type { NetworkDescription, Placement, Scheme } from '../scheme.js';
import { placedProtection } from '../security/placement.js';

/** Localized Mobility Management using Proxy Mobile IPv6 (gundavelli): one domain that spans all access routers. */
export const lmm: Scheme = {
  name: 'lmm',
  title: 'Localized mobility management with proxy agents (LMAP, MPA)',
  document: 'draft-gundavelli-netlmm-mip6-proxy-00',
  place: network => [
    ...anchors(network),
    ...gateways(network),
    ...dhcpServers(network, network.anchors.map(localNetworkPrefix)),
  ],
  closedForm: proxyRegistrationForm,
};

function anchors(network: NetworkDescription): Placement[] {
  const gateways = network.accessRouters.map(router => router.address);
  return network.anchors.map(anchor => ({
    node: anchor.node,
    role: 'lmap',
    config: {
      address: anchor.address,
      prefixes: [localNetworkPrefix(anchor)],
      ...placedProtection(network.protection, anchor.address, gateways),
    },
  }));
}

function gateways(network: NetworkDescription): Placement[] {
  const anchorAddresses = network.anchors.map(anchor => anchor.address);
  const aaa = accessProfiles(network, (_, anchor) => ({ prefix: localNetworkPrefix(anchor) }));
  return network.accessRouters.map(router => ({
    node: router.node,
    role: 'mpa',
    config: {
      address: router.address,
      accessLinks: router.links.map(name => ({ name })),
      anchor: network.anchors.find(anchor => anchor.node === router.nearestAnchor)?.address,
      aaa,
      ...placedProtection(network.protection, router.address, anchorAddresses),
    },
  }));
}
