import {
  accessProfiles,
  anchorPlacements,
  dhcpServers,
  gatewayPlacements,
  prefixOfMobile,
  proxyRegistrationForm,
  timestampWindowMs,
  usesDhcp,
} from '../placement.js';
import type { Scheme } from '../scheme.js';

/** Proxy Mobile IPv6 (RFC 5213): one domain that spans all access routers; the anchor assigns a prefix a mobile. */
export const pmip6: Scheme = {
  name: 'pmip6',
  title: 'Proxy Mobile IPv6 (LMA, MAG)',
  document: 'RFC 5213',
  place: network => [
    ...anchorPlacements(network, 'lma', ({ prefix }) => ({
      prefixes: [prefix],
      timestampWindowMs: timestampWindowMs(network),
    })),
    ...gatewayPlacements(
      network,
      'mag',
      accessProfiles(network, mobile =>
        mobile.addressing === 'slaac' ? {} : { prefix: prefixOfMobile(network, mobile) },
      ),
    ),
    ...dhcpServers(
      network,
      network.mobiles.filter(usesDhcp).map(mobile => prefixOfMobile(network, mobile)),
    ),
  ],
  manualPrefix: (network, name) => prefixOfMobile(network, network.mobiles.find(({ node }) => node === name)!),
  closedForm: proxyRegistrationForm,
};
