import { addressFromGroups, group } from '../../base/address.js';
import { formatPrefix, parsePrefix } from '../../base/prefix.js';
import {
  accessProfiles,
  anchorOf,
  anchorPlacements,
  dhcpServers,
  gatewayPlacements,
  type Mobile,
  proxyRegistrationForm,
  usesDhcp,
} from '../placement.js';
import { type NetworkDescription, type Scheme, UnsuitableNetwork } from '../scheme.js';

/** Proxy Mobile IPv6 (RFC 5213): one domain that spans all access routers; the anchor assigns a prefix a mobile. */
export const pmip6: Scheme = {
  name: 'pmip6',
  title: 'Proxy Mobile IPv6 (LMA, MAG)',
  document: 'RFC 5213',
  place: network => [
    ...anchorPlacements(network, 'lma', ({ prefix }) => ({
      prefixes: [prefix],
      timestampWindowMs: defaultTimestampWindowMs + network.longestAccessMs,
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

/** RFC 5213 §9.1 TimestampValidityWindow, "adjusted to suit the deployment": by what the way takes. */
const defaultTimestampWindowMs = 300;

/** Who gives out addresses by DHCPv6 or by hand has to know prefixes beforehand: by the mobile's number, the last of the block first. */
function prefixOfMobile(network: NetworkDescription, mobile: Mobile): string {
  const { prefix } = anchorOf(network, mobile);
  const block = parsePrefix(prefix);
  const last = 0xffff >> Math.max(0, block.length - 48);
  const number = network.mobiles.indexOf(mobile);
  if (number > last) throw new UnsuitableNetwork(`a shorter prefix than ${prefix}: it has ${last + 1} of 64 bits`);
  const groups = Array.from({ length: 8 }, (_, i) => group(block.address, i));
  groups[3] |= last - number;
  return formatPrefix({ address: addressFromGroups(groups), length: 64 });
}
