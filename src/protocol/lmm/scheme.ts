import {
  accessProfiles,
  anchorPlacements,
  dhcpServers,
  gatewayPlacements,
  localNetworkPrefix,
  proxyRegistrationForm,
} from '../placement.js';
import type { Scheme } from '../scheme.js';

/** Localized Mobility Management using Proxy Mobile IPv6 (gundavelli): one domain that spans all access routers. */
export const lmm: Scheme = {
  name: 'lmm',
  title: 'Localized mobility management with proxy agents (LMAP, MPA)',
  document: 'draft-gundavelli-netlmm-mip6-proxy-00',
  place: network => [
    ...anchorPlacements(network, 'lmap', anchor => ({ prefixes: [localNetworkPrefix(anchor)] })),
    ...gatewayPlacements(
      network,
      'mpa',
      accessProfiles(network, (_, anchor) => ({ prefix: localNetworkPrefix(anchor) })),
    ),
    ...dhcpServers(network, network.anchors.map(localNetworkPrefix)),
  ],
  closedForm: proxyRegistrationForm,
};
