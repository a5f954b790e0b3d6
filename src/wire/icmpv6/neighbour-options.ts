import * as f from '../codec/fields.js';
import { neighbourDiscoveryFraming, option, optionList } from '../codec/options.js';

/** RFC 4861 §4.6.1. */
const sourceLinkLayerAddress = option(1, 'sourceLinkLayerAddress', { address: f.restLinkAddress });
const targetLinkLayerAddress = option(2, 'targetLinkLayerAddress', { address: f.restLinkAddress });
/** RFC 4861 §4.6.2, with R (RFC 6275 §7.2). Lifetimes in seconds, 0xffffffff for ever. */
const prefixInformation = option(3, 'prefixInformation', {
  length: f.prefixLength,
  flags: f.flags8({ onLink: 0x80, autonomous: 0x40, routerAddress: 0x20 }),
  validLifetimeS: f.u32,
  preferredLifetimeS: f.u32,
  reserved: f.reserved(4),
  prefix: f.address,
});
/** RFC 4861 §4.6.3; the packet is padded to eight octets. */
const redirectedHeader = option(4, 'redirectedHeader', { reserved: f.reserved(6), packet: f.rest });
/** RFC 4861 §4.6.4. */
const mtu = option(5, 'mtu', { reserved: f.reserved(2), mtu: f.u32 });
/** RFC 6275 §7.3. */
const advertisementInterval = option(7, 'advertisementInterval', { reserved: f.reserved(2), intervalMs: f.u32 });
/** RFC 6275 §7.4. */
const homeAgentInformation = option(8, 'homeAgentInformation', {
  reserved: f.reserved(2),
  preference: f.u16,
  lifetimeS: f.u16,
});
/** RFC 3971 §5.3.2, sent back in answers. */
const nonce = option(14, 'nonce', { nonce: f.rest });
/** RFC 5568 §6.4.1; `code` is one of addressCode. */
const ipAddressPrefix = option(17, 'ipAddressPrefix', {
  code: f.u8,
  prefixLength: f.prefixLength,
  reserved: f.reserved(4),
  address: f.address,
});
/** RFC 5568 §6.4.3; `code` is one of linkLayerAddressCode. The option has no length of the address: it is Ethernet's. */
const linkLayerAddress = option(19, 'linkLayerAddress', { code: f.u8, address: f.paddedLinkAddress });
/** RFC 5568 §6.4.6, with one care-of address where `status` 2 supplies it. */
const neighbourAdvertisementAcknowledgment = option(20, 'neighbourAdvertisementAcknowledgment', {
  code: f.reserved(1),
  status: f.u8,
  reserved: f.reserved(4),
  careOfAddresses: f.repeated(f.address),
});
/** RFC 4140 §4.2. */
const mapOption = option(23, 'map', {
  place: f.bits(f.u8, { distance: 4, preference: 4 }),
  flags: f.flags8({ rcoaRequired: 0x80 }),
  validLifetimeS: f.u32,
  address: f.address,
});
/** RFC 8106 §5.1. */
const recursiveDnsServer = option(25, 'recursiveDnsServer', {
  reserved: f.reserved(2),
  lifetimeS: f.u32,
  servers: f.repeated(f.address),
});
/**
 * draft-dommety §2.2.1, as an option for experiments (RFC 4727); lengths are Neighbour Discovery's, in eight octets. Flags:
 * C, the first address needs a care-of address of the mobile's own behind it; L, an IPv4 tunnel may end there.
 */
const localMobilityAgents = option(253, 'localMobilityAgents', {
  sequence: f.u16,
  lifetimeS: f.u16,
  flags: f.flags16({ ownCareOfAddressNeeded: 0x8000, ipv4Tunnel: 0x4000 }),
  addresses: f.repeated(f.address),
});
/** draft-dommety §4.2: the agent serves as anchor in all of a zone, whose number is the operator's. */
const anchoring = option(254, 'anchoring', { reserved: f.reserved(2), zone: f.u32 });

/** The options of Neighbour Discovery messages. */
export const neighbourOptions = optionList(neighbourDiscoveryFraming, [
  sourceLinkLayerAddress,
  targetLinkLayerAddress,
  prefixInformation,
  redirectedHeader,
  mtu,
  advertisementInterval,
  homeAgentInformation,
  nonce,
  ipAddressPrefix,
  linkLayerAddress,
  neighbourAdvertisementAcknowledgment,
  mapOption,
  recursiveDnsServer,
  localMobilityAgents,
  anchoring,
]);

export type NeighbourOption = f.ValueOf<typeof neighbourOptions>[number];
export type NeighbourOptionOf<K extends NeighbourOption['kind']> = Extract<NeighbourOption, { kind: K }>;

/** The first option of that kind. */
export function findNeighbourOption<K extends NeighbourOption['kind']>(
  options: readonly NeighbourOption[],
  kind: K,
): NeighbourOptionOf<K> | undefined {
  for (const candidate of options) if (candidate.kind === kind) return candidate as NeighbourOptionOf<K>;
  return undefined;
}
