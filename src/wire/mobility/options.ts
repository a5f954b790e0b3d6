import * as f from '../codec/fields.js';
import { type OptionOf, option, optionList, tlvFraming, type UnknownOption } from '../codec/options.js';
import { vendorSpecific } from './vendor.js';

/** RFC 6275 §6.2.4; seconds, in units of 4. */
const bindingRefreshAdvice = option(2, 'bindingRefreshAdvice', { refreshIntervalS: f.scaled(f.u16, 4) }, '2n');
/** RFC 6275 §6.2.5. */
const alternateCareOfAddress = option(3, 'alternateCareOfAddress', { careOfAddress: f.address }, '8n+6');
/** RFC 6275 §6.2.6. */
const nonceIndices = option(4, 'nonceIndices', { homeNonceIndex: f.u16, careOfNonceIndex: f.u16 }, '2n');
/** RFC 6275 §6.2.7. */
const bindingAuthorizationData = option(5, 'bindingAuthorizationData', { authenticator: f.rest }, '8n+2');
/** RFC 3963 §4.3. */
const mobileNetworkPrefix = option(
  6,
  'mobileNetworkPrefix',
  { reserved: f.reserved(1), length: f.prefixLength, address: f.address },
  '8n+4',
);
/** RFC 5568 §6.4.4; `code` 2: of the mobile node. */
const linkLayerAddress = option(7, 'linkLayerAddress', { code: f.u8, address: f.restLinkAddress });
/** RFC 4283 §3; `subtype` 1 is an NAI. */
const mobileNodeIdentifier = option(8, 'mobileNodeIdentifier', { subtype: f.u8, identifier: f.restText });
/** RFC 4285 §5; `subtype` 1 is MN-HA, 2 is MN-AAA. */
const mobilityMessageAuthentication = option(
  9,
  'mobilityMessageAuthentication',
  { subtype: f.u8, spi: f.u32, authenticator: f.rest },
  '4n+1',
);
/** RFC 4285 §6: an NTP timestamp. */
const replayProtection = option(10, 'replayProtection', { ntpSeconds: f.u32, ntpFraction: f.u32 }, '8n+2');
/** RFC 5568 §6.4.5, last of all options; `spi` 0 is a handover key of SEND (RFC 5269). */
const fastBindingAuthorizationData = option(
  21,
  'fastBindingAuthorizationData',
  { spi: f.u32, authenticator: f.rest },
  '4n+2',
);
/** RFC 5213 §8.3. */
const homeNetworkPrefix = option(
  22,
  'homeNetworkPrefix',
  { reserved: f.reserved(1), length: f.prefixLength, address: f.address },
  '8n+4',
);
/** RFC 5213 §8.4: 1 new interface, 2 between interfaces, 3 between gateways, 4 unknown, 5 re-registration. */
const handoffIndicator = option(23, 'handoffIndicator', { reserved: f.reserved(1), indicator: f.u8 });
/** RFC 5213 §8.5. */
const accessTechnologyType = option(24, 'accessTechnologyType', { reserved: f.reserved(1), type: f.u8 });
/** RFC 5213 §8.6, which wants it aligned "appropriately": as its 16-bit field is. */
const mobileNodeLinkLayerIdentifier = option(
  25,
  'mobileNodeLinkLayerIdentifier',
  { reserved: f.reserved(2), identifier: f.restLinkAddress },
  '2n',
);
/** RFC 5213 §8.7. */
const linkLocalAddress = option(26, 'linkLocalAddress', { address: f.address }, '8n+6');
/** RFC 5213 §8.8: seconds since 1970 and 1/65536 seconds. */
const timestamp = option(27, 'timestamp', { seconds: f.u48, fraction: f.u16 }, '8n+2');
/** RFC 5555 §3.1.1; `requested` is 1 where a prefix is wanted. */
const ipv4HomeAddress = option(
  29,
  'ipv4HomeAddress',
  { prefix: f.bits(f.u16, { length: 6, requested: 1, reserved: 9 }), address: f.ipv4Address },
  '4n',
);
/** RFC 5555 §3.2.1; `status` from 128 on is a refusal. */
const ipv4AddressAcknowledgement = option(
  30,
  'ipv4AddressAcknowledgement',
  { status: f.u8, prefix: f.bits(f.u8, { length: 6, reserved: 2 }), address: f.ipv4Address },
  '4n',
);
/** RFC 5555 §3.1.2. */
const ipv4CareOfAddress = option(32, 'ipv4CareOfAddress', { reserved: f.reserved(2), address: f.ipv4Address }, '4n');
/** RFC 5568 §6.4.2; `code` is one of {@link addressCode}. Its type stands in §11: the figure prints Neighbour Discovery's. */
const ipAddressPrefix = option(
  34,
  'ipAddressPrefix',
  { code: f.u8, prefixLength: f.prefixLength, address: f.address },
  '8n+4',
);

/** RFC 5949 §6.2.2; `code` 1: of IPv6, the one form there is here. */
const localMobilityAnchorAddress = option(
  41,
  'localMobilityAnchorAddress',
  { code: f.u8, reserved: f.reserved(1), address: f.address },
  '8n+4',
);
/** RFC 6705 §11.2. */
const gatewayAddress = option(
  51,
  'gatewayAddress',
  { reserved: f.reserved(1), length: f.prefixLength, address: f.address },
  '8n+4',
);

/** The options of the Mobility Header (RFC 6275 §6.2 and the documents that add to it). */
export const mobilityOptions = optionList(tlvFraming, [
  bindingRefreshAdvice,
  alternateCareOfAddress,
  nonceIndices,
  bindingAuthorizationData,
  mobileNetworkPrefix,
  linkLayerAddress,
  mobileNodeIdentifier,
  mobilityMessageAuthentication,
  replayProtection,
  vendorSpecific,
  fastBindingAuthorizationData,
  homeNetworkPrefix,
  handoffIndicator,
  accessTechnologyType,
  mobileNodeLinkLayerIdentifier,
  linkLocalAddress,
  timestamp,
  ipv4HomeAddress,
  ipv4AddressAcknowledgement,
  ipv4CareOfAddress,
  localMobilityAnchorAddress,
  ipAddressPrefix,
  gatewayAddress,
]);

export type MobilityOption = f.ValueOf<typeof mobilityOptions>[number];
export type MobilityOptionKind = MobilityOption['kind'];
export type MobilityOptionOf<K extends MobilityOptionKind> = Extract<MobilityOption, { kind: K }>;
export type { OptionOf, UnknownOption };

/** The first option of that kind. */
export function findOption<K extends MobilityOptionKind>(
  options: readonly MobilityOption[],
  kind: K,
): MobilityOptionOf<K> | undefined {
  for (const candidate of options) if (candidate.kind === kind) return candidate as MobilityOptionOf<K>;
  return undefined;
}
