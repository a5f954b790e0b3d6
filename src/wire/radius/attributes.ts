import { type Address, addressFromGroups, formatIpv4, group } from '../../base/address.js';
import { formatPrefix, type Prefix, prefixOf } from '../../base/prefix.js';
import type { Reader, Writer } from '../codec/buffer.js';
import * as f from '../codec/fields.js';
import { type OptionFraming, type OptionOf, option, optionList, type UnknownOption } from '../codec/options.js';
import { enterpriseNumber } from '../mobility/vendor.js';

/** Type and length in an octet each, the length counting both (RFC 2865 §5). */
export const radiusFraming: OptionFraming = {
  readHeader(reader) {
    const type = reader.u8();
    const length = reader.u8();
    if (length < 2 || length - 2 > reader.remaining)
      throw reader.error('length', `attribute of ${length} octets, ${reader.remaining + 2} left`, reader.offset - 1);
    reader.end = reader.offset + length - 2;
    return type;
  },
  open(writer, type) {
    writer.u8(type);
    return writer.reserve(1);
  },
  close(writer, opened) {
    const length = writer.offset - opened + 1;
    if (length > 255) throw new RangeError(`attribute of ${length} octets`);
    writer.setU8(opened, length);
  },
};

/** RFC 3162 §2.3: a reserved octet, the prefix length, and of the prefix as many octets as there are bits for. */
const ipv6Prefix: f.Codec<Prefix> = {
  octets: 2,
  encode(writer: Writer, { address, length }: Prefix) {
    writer.reserve(1);
    writer.u8(length);
    for (let i = 0; i < Math.ceil(length / 8); i++) writer.u8((group(address, i >> 1) >> (i % 2 === 0 ? 8 : 0)) & 0xff);
  },
  decode(reader: Reader): Prefix {
    reader.take(1);
    const length = f.prefixLength.decode(reader);
    if (reader.remaining > 16 || reader.remaining < Math.ceil(length / 8))
      throw reader.error('length', `${reader.remaining} octets of a prefix of ${length} bits`);
    const octets = new Uint8Array(16);
    octets.set(reader.slice(reader.remaining));
    const groups = Array.from({ length: 8 }, (_, i) => (octets[2 * i] << 8) | octets[2 * i + 1]);
    return prefixOf(addressFromGroups(groups), length);
  },
  plain: formatPrefix,
};

/** Four octets; IPv4-mapped in between. */
const ipv4Address: f.Codec<Address> = {
  octets: 4,
  encode(writer: Writer, value: Address) {
    writer.u16(group(value, 6));
    writer.u16(group(value, 7));
  },
  decode: reader => addressFromGroups([0, 0, 0, 0, 0, 0xffff, reader.u16(), reader.u16()]),
  plain: formatIpv4,
};

/** RFC 5447 §4.2.5, RFC 6572 §4.1: 64 bits. */
const features = {
  high: f.flags(f.u32, {
    proxyMobileIpv6: 0x0000_0100,
    ipv4HomeAddress: 0x0000_0200,
    localRouting: 0x0000_0400,
    ipv4Transport: 0x0000_8000,
    ipv4HomeAddressOnly: 0x0001_0000,
  }),
  low: f.flags(f.u32, { integrated: 1, localHomeAgent: 2 }),
};

/** RFC 2548 §2.4: keys of the asker's two directions, hidden by what asker and server share. */
const microsoft = optionList(radiusFraming, [
  option(16, 'sendKey', { salt: f.u16, sealed: f.rest }),
  option(17, 'receiveKey', { salt: f.u16, sealed: f.rest }),
]);
export type MicrosoftAttribute = f.ValueOf<typeof microsoft>[number];

/** Our own, where no document has one. */
const own = optionList(radiusFraming, [
  /** gundavelli §6.2: what the anchor is shown as on access links. */
  option(1, 'anchorLinkAddress', { address: f.restLinkAddress }),
  option(2, 'gateway', { address: f.address }),
  option(3, 'addressing', { modes: f.flags8({ slaac: 1, dhcpv6: 2, manual: 4 }) }),
  option(4, 'proxyRegistration', { allowed: f.u8 }),
  /** draft-singh Appendix C: what is asked for, by {@link import('./messages.js').keyRequests}. */
  option(5, 'keyRequest', { request: f.u8 }),
  /** SPIs and cipher of the association, as the asker uses it. */
  option(6, 'outboundSpi', { spi: f.u32 }),
  option(7, 'inboundSpi', { spi: f.u32 }),
  option(8, 'cipher', { cipher: f.u8 }),
  option(9, 'pmipClient', { address: f.address }),
]);
export type OwnAttribute = f.ValueOf<typeof own>[number];

const microsoftEnterprise = 311;

/** What stands in a Vendor-Specific attribute (RFC 2865 §5.26). */
export type VendorAttributes =
  | { readonly kind: 'microsoft'; readonly attributes: readonly MicrosoftAttribute[] }
  | { readonly kind: 'own'; readonly attributes: readonly OwnAttribute[] }
  | { readonly kind: 'other'; readonly enterprise: number; readonly data: Uint8Array };

const vendors = {
  microsoft: { enterprise: microsoftEnterprise, list: microsoft },
  own: { enterprise: enterpriseNumber, list: own },
} as const;

const vendorContent: f.Codec<VendorAttributes> = {
  octets: 4,
  encode(writer: Writer, value: VendorAttributes) {
    if (value.kind === 'other') {
      writer.u32(value.enterprise);
      return writer.append(value.data);
    }
    writer.u32(vendors[value.kind].enterprise);
    if (value.kind === 'microsoft') microsoft.encode(writer, value.attributes);
    else own.encode(writer, value.attributes);
  },
  decode(reader: Reader): VendorAttributes {
    const enterprise = reader.u32();
    if (enterprise === microsoftEnterprise) return { kind: 'microsoft', attributes: microsoft.decode(reader) };
    if (enterprise === enterpriseNumber) return { kind: 'own', attributes: own.decode(reader) };
    return { kind: 'other', enterprise, data: reader.slice(reader.remaining) };
  },
  plain(value: VendorAttributes): f.Plain {
    if (value.kind === 'other') return { ...value, data: f.plainValue(f.rest, value.data) };
    const attributes =
      value.kind === 'microsoft' ? f.plainValue(microsoft, value.attributes) : f.plainValue(own, value.attributes);
    return { kind: value.kind, attributes };
  },
};

const layouts = [
  option(1, 'userName', { name: f.restText }),
  option(6, 'serviceType', { service: f.u32 }),
  option(18, 'replyMessage', { text: f.restText }),
  option(26, 'vendorSpecific', { content: vendorContent }),
  option(30, 'calledStationId', { station: f.restText }),
  option(31, 'callingStationId', { station: f.restText }),
  option(32, 'nasIdentifier', { name: f.restText }),
  option(61, 'nasPortType', { type: f.u32 }),
  /** RFC 2869 §5.14. */
  option(80, 'messageAuthenticator', { authenticator: f.bytes(16) }),
  option(87, 'nasPortId', { port: f.restText }),
  /** RFC 3162, RFC 4818, RFC 6911. */
  option(95, 'nasIpv6Address', { address: f.address }),
  option(97, 'framedIpv6Prefix', { prefix: ipv6Prefix }),
  option(123, 'delegatedIpv6Prefix', { prefix: ipv6Prefix }),
  option(168, 'framedIpv6Address', { address: f.address }),
  option(124, 'mip6FeatureVector', features),
  option(125, 'mip6HomeLinkPrefix', { prefix: ipv6Prefix }),
  /** RFC 6572 §4. */
  option(145, 'mobileNodeIdentifier', { identifier: f.restText }),
  option(146, 'serviceSelection', { service: f.restText }),
  option(147, 'homeLma', { address: f.address }),
  option(148, 'visitedLma', { address: f.address }),
  option(149, 'homeLmaIpv4', { address: ipv4Address }),
  option(150, 'visitedLmaIpv4', { address: ipv4Address }),
  option(151, 'homeNetworkPrefix', { prefix: ipv6Prefix }),
  option(152, 'visitedNetworkPrefix', { prefix: ipv6Prefix }),
  option(153, 'homeInterfaceId', { interfaceId: f.bytes(8) }),
  option(154, 'visitedInterfaceId', { interfaceId: f.bytes(8) }),
  option(155, 'homeIpv4Address', { reserved: f.reserved(1), length: f.u8, address: ipv4Address }),
  option(156, 'visitedIpv4Address', { reserved: f.reserved(1), length: f.u8, address: ipv4Address }),
  option(157, 'homeDhcp4Server', { address: ipv4Address }),
  option(158, 'visitedDhcp4Server', { address: ipv4Address }),
  option(159, 'homeDhcp6Server', { address: f.address }),
  option(160, 'visitedDhcp6Server', { address: f.address }),
  option(161, 'homeIpv4Gateway', { address: ipv4Address }),
  option(162, 'visitedIpv4Gateway', { address: ipv4Address }),
] as const;

export const radiusAttributes = optionList(radiusFraming, layouts);
export type RadiusAttribute = OptionOf<(typeof layouts)[number]> | UnknownOption;
export type RadiusAttributeOf<K extends RadiusAttribute['kind']> = Extract<RadiusAttribute, { kind: K }>;

/** The first attribute of a kind. */
export function findAttribute<K extends RadiusAttribute['kind']>(
  attributes: readonly RadiusAttribute[],
  kind: K,
): RadiusAttributeOf<K> | undefined {
  for (const candidate of attributes) if (candidate.kind === kind) return candidate as RadiusAttributeOf<K>;
  return undefined;
}

/** Our own attributes in a message, whichever Vendor-Specific attributes they stand in. */
export function ownAttributes(attributes: readonly RadiusAttribute[]): OwnAttribute[] {
  return attributes.flatMap(attribute =>
    attribute.kind === 'vendorSpecific' && attribute.content.kind === 'own' ? attribute.content.attributes : [],
  );
}

/** The same of RFC 2548. */
export function microsoftAttributes(attributes: readonly RadiusAttribute[]): MicrosoftAttribute[] {
  return attributes.flatMap(attribute =>
    attribute.kind === 'vendorSpecific' && attribute.content.kind === 'microsoft' ? attribute.content.attributes : [],
  );
}

/** Each in a Vendor-Specific attribute of its own, as RFC 2548 §2 has it and every server reads it. */
export function vendorSpecific(content: Exclude<VendorAttributes, { kind: 'other' }>): RadiusAttribute[] {
  if (content.kind === 'microsoft')
    return content.attributes.map(attribute => ({
      kind: 'vendorSpecific',
      content: { kind: 'microsoft', attributes: [attribute] },
    }));
  return content.attributes.map(attribute => ({
    kind: 'vendorSpecific',
    content: { kind: 'own', attributes: [attribute] },
  }));
}
