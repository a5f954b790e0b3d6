import { type Address, addressFromBytes, parseAddress } from '../../src/base/address.js';
import { linkAddressFromBytes } from '../../src/base/link-address.js';
import { below, type Random, randomBytes } from '../../src/base/random.js';
import type { Icmpv6Message } from '../../src/wire/icmpv6/messages.js';
import type { NeighbourOption } from '../../src/wire/icmpv6/neighbour-options.js';
import type { DestinationOption, ExtensionHeader } from '../../src/wire/ipv6/extension-headers.js';
import type { Packet, Payload } from '../../src/wire/ipv6/packet.js';
import type { MobilityMessage } from '../../src/wire/mobility/messages.js';
import type { MobilityOption } from '../../src/wire/mobility/options.js';

/** One maker for each kind: a layout that is added without one does not compile. */
export type Makers<T extends { kind: string }> = {
  readonly [K in T['kind']]: (random: Random) => Extract<T, { kind: K }>;
};

export const bit = (random: Random) => below(random, 2) === 1;
export const u8 = (random: Random) => below(random, 0x100);
export const u16 = (random: Random) => below(random, 0x10000);
export const u32 = (random: Random) => random.uint32();
const fourSeconds = (random: Random) => 4 * u16(random);
export const octets = (random: Random, limit: number) => randomBytes(random, below(random, limit));
export const address = (random: Random): Address => addressFromBytes(randomBytes(random, 16));
export const ipv4Address = (random: Random): Address => parseAddress(`::ffff:${randomBytes(random, 4).join('.')}`);
export const linkAddress = (random: Random) => linkAddressFromBytes(randomBytes(random, 6));
export const prefix = (random: Random) => ({ length: below(random, 129), address: address(random) });
export const few = <T>(random: Random, make: () => T, limit = 5): T[] =>
  Array.from({ length: below(random, limit) }, make);
export const identifier = (random: Random) =>
  ['mn1@example.org', '', 'a', 'münchen@example.org', '\u{1f4f1}@example.org', '\ufeffmn', '\udc80\udcffmn'][
    below(random, 7)
  ];

export const mobilityOptionMakers: Makers<MobilityOption> = {
  bindingRefreshAdvice: r => ({ kind: 'bindingRefreshAdvice', refreshIntervalS: fourSeconds(r) }),
  alternateCareOfAddress: r => ({ kind: 'alternateCareOfAddress', careOfAddress: address(r) }),
  nonceIndices: r => ({ kind: 'nonceIndices', homeNonceIndex: u16(r), careOfNonceIndex: u16(r) }),
  bindingAuthorizationData: r => ({ kind: 'bindingAuthorizationData', authenticator: randomBytes(r, 12) }),
  mobileNetworkPrefix: r => ({ kind: 'mobileNetworkPrefix', ...prefix(r) }),
  linkLayerAddress: r => ({ kind: 'linkLayerAddress', code: 2, address: linkAddress(r) }),
  mobileNodeIdentifier: r => ({ kind: 'mobileNodeIdentifier', subtype: 1, identifier: identifier(r) }),
  mobilityMessageAuthentication: r => ({
    kind: 'mobilityMessageAuthentication',
    subtype: 1 + below(r, 2),
    spi: u32(r),
    authenticator: randomBytes(r, 12),
  }),
  replayProtection: r => ({ kind: 'replayProtection', ntpSeconds: u32(r), ntpFraction: u32(r) }),
  vendorSpecific: r => ({
    kind: 'vendorSpecific',
    content: [
      { kind: 'bindingCacheConfirmation' } as const,
      { kind: 'assignedHomeAddress', prefixLength: below(r, 129), address: address(r) } as const,
      { kind: 'tunnelRequest', flags: { ipv4: bit(r) } } as const,
      { kind: 'tunnelPreference', family: u8(r) } as const,
      { kind: 'simultaneousBindings', lifetimeMs: u16(r) } as const,
      {
        kind: 'upstreamAgent',
        flags: { relay: bit(r) },
        addresses: [address(r), ...few(r, () => ipv4Address(r), 2)],
      } as const,
      { kind: 'distributedRole', role: u8(r) } as const,
      { kind: 'anchoring', zone: u32(r) } as const,
      { kind: 'other', enterprise: 1 + below(r, 1000), subtype: u8(r), data: octets(r, 40) } as const,
    ][below(r, 9)],
  }),
  fastBindingAuthorizationData: r => ({
    kind: 'fastBindingAuthorizationData',
    spi: u32(r),
    authenticator: randomBytes(r, 12),
  }),
  homeNetworkPrefix: r => ({ kind: 'homeNetworkPrefix', ...prefix(r) }),
  handoffIndicator: r => ({ kind: 'handoffIndicator', indicator: u8(r) }),
  accessTechnologyType: r => ({ kind: 'accessTechnologyType', type: u8(r) }),
  mobileNodeLinkLayerIdentifier: r => ({ kind: 'mobileNodeLinkLayerIdentifier', identifier: linkAddress(r) }),
  linkLocalAddress: r => ({ kind: 'linkLocalAddress', address: address(r) }),
  timestamp: r => ({ kind: 'timestamp', seconds: u16(r) * 0x1_0000_0000 + u32(r), fraction: u16(r) }),
  ipv4HomeAddress: r => ({
    kind: 'ipv4HomeAddress',
    prefix: { length: below(r, 33), requested: below(r, 2) },
    address: ipv4Address(r),
  }),
  ipv4AddressAcknowledgement: r => ({
    kind: 'ipv4AddressAcknowledgement',
    status: u8(r),
    prefix: { length: below(r, 33) },
    address: ipv4Address(r),
  }),
  ipv4CareOfAddress: r => ({ kind: 'ipv4CareOfAddress', address: ipv4Address(r) }),
  localMobilityAnchorAddress: r => ({ kind: 'localMobilityAnchorAddress', code: 1, address: address(r) }),
  gatewayAddress: r => ({ kind: 'gatewayAddress', length: 128, address: address(r) }),
  ipAddressPrefix: r => ({
    kind: 'ipAddressPrefix',
    code: 1 + below(r, 4),
    prefixLength: below(r, 129),
    address: address(r),
  }),
  unknown: r => ({ kind: 'unknown', type: 200 + below(r, 50), data: octets(r, 40) }),
};

const mobilityOptions = (r: Random): MobilityOption[] => few(r, () => anyOf(r, mobilityOptionMakers), 8);
const revocationFlags = (r: Random) => ({ proxy: bit(r), ipv4HomeAddressOnly: bit(r), global: bit(r) });

export const mobilityMessageMakers: Makers<MobilityMessage> = {
  bindingRefreshRequest: r => ({ kind: 'bindingRefreshRequest', options: mobilityOptions(r) }),
  homeTestInit: r => ({ kind: 'homeTestInit', cookie: randomBytes(r, 8), options: mobilityOptions(r) }),
  careOfTestInit: r => ({ kind: 'careOfTestInit', cookie: randomBytes(r, 8), options: mobilityOptions(r) }),
  homeTest: r => ({ kind: 'homeTest', ...test(r), options: mobilityOptions(r) }),
  careOfTest: r => ({ kind: 'careOfTest', ...test(r), options: mobilityOptions(r) }),
  bindingUpdate: r => ({
    kind: 'bindingUpdate',
    sequence: u16(r),
    flags: {
      acknowledge: bit(r),
      homeRegistration: bit(r),
      linkLocalCompatibility: bit(r),
      keyManagement: bit(r),
      map: bit(r),
      mobileRouter: bit(r),
      proxy: bit(r),
    },
    lifetimeS: fourSeconds(r),
    options: mobilityOptions(r),
  }),
  bindingAcknowledgement: r => ({
    kind: 'bindingAcknowledgement',
    status: u8(r),
    flags: { keyManagement: bit(r), mobileRouter: bit(r), proxy: bit(r) },
    sequence: u16(r),
    lifetimeS: fourSeconds(r),
    options: mobilityOptions(r),
  }),
  bindingError: r => ({ kind: 'bindingError', status: u8(r), homeAddress: address(r), options: mobilityOptions(r) }),
  fastBindingUpdate: r => ({
    kind: 'fastBindingUpdate',
    sequence: u16(r),
    flags: {
      acknowledge: bit(r),
      homeRegistration: bit(r),
      linkLocalCompatibility: bit(r),
      keyManagement: bit(r),
      simultaneousBindings: bit(r),
    },
    lifetimeS: fourSeconds(r),
    options: mobilityOptions(r),
  }),
  fastBindingAcknowledgement: r => ({
    kind: 'fastBindingAcknowledgement',
    status: u8(r),
    flags: { keyManagement: bit(r) },
    sequence: u16(r),
    lifetimeS: fourSeconds(r),
    options: mobilityOptions(r),
  }),
  fastNeighbourAdvertisement: r => ({ kind: 'fastNeighbourAdvertisement', options: mobilityOptions(r) }),
  locationQuery: r => ({
    kind: 'locationQuery',
    operation: 1 + below(r, 2),
    sequence: u16(r),
    lifetimeS: fourSeconds(r),
    options: mobilityOptions(r),
  }),
  handoverInitiate: r => ({
    kind: 'handoverInitiate',
    sequence: u16(r),
    flags: { assignedAddress: bit(r), buffer: bit(r) },
    code: below(r, 2),
    options: mobilityOptions(r),
  }),
  handoverAcknowledge: r => ({
    kind: 'handoverAcknowledge',
    sequence: u16(r),
    code: u8(r),
    options: mobilityOptions(r),
  }),
  bindingRevocationIndication: r => ({
    kind: 'bindingRevocationIndication',
    trigger: u8(r),
    sequence: u16(r),
    flags: revocationFlags(r),
    options: mobilityOptions(r),
  }),
  bindingRevocationAcknowledgement: r => ({
    kind: 'bindingRevocationAcknowledgement',
    status: u8(r),
    sequence: u16(r),
    flags: revocationFlags(r),
    options: mobilityOptions(r),
  }),
  unknown: r => ({ kind: 'unknown', type: 21 + below(r, 200), data: randomBytes(r, 2 + 8 * below(r, 4)) }),
};
const test = (r: Random) => ({ nonceIndex: u16(r), cookie: randomBytes(r, 8), keygenToken: randomBytes(r, 8) });

export const neighbourOptionMakers: Makers<NeighbourOption> = {
  sourceLinkLayerAddress: r => ({ kind: 'sourceLinkLayerAddress', address: linkAddress(r) }),
  targetLinkLayerAddress: r => ({ kind: 'targetLinkLayerAddress', address: linkAddress(r) }),
  prefixInformation: r => ({
    kind: 'prefixInformation',
    length: below(r, 129),
    flags: { onLink: bit(r), autonomous: bit(r), routerAddress: bit(r) },
    validLifetimeS: u32(r),
    preferredLifetimeS: u32(r),
    prefix: address(r),
  }),
  redirectedHeader: r => ({ kind: 'redirectedHeader', packet: randomBytes(r, 8 * below(r, 10)) }),
  mtu: r => ({ kind: 'mtu', mtu: u32(r) }),
  advertisementInterval: r => ({ kind: 'advertisementInterval', intervalMs: u32(r) }),
  homeAgentInformation: r => ({ kind: 'homeAgentInformation', preference: u16(r), lifetimeS: u16(r) }),
  nonce: r => ({ kind: 'nonce', nonce: randomBytes(r, 6 + 8 * below(r, 3)) }),
  ipAddressPrefix: r => ({
    kind: 'ipAddressPrefix',
    code: 1 + below(r, 4),
    prefixLength: below(r, 129),
    address: address(r),
  }),
  linkLayerAddress: r => ({ kind: 'linkLayerAddress', code: below(r, 8), address: linkAddress(r) }),
  neighbourAdvertisementAcknowledgment: r => ({
    kind: 'neighbourAdvertisementAcknowledgment',
    status: u8(r),
    careOfAddresses: few(r, () => address(r), 2),
  }),
  map: r => ({
    kind: 'map',
    place: { distance: below(r, 16), preference: below(r, 16) },
    flags: { rcoaRequired: bit(r) },
    validLifetimeS: u32(r),
    address: address(r),
  }),
  recursiveDnsServer: r => ({
    kind: 'recursiveDnsServer',
    lifetimeS: u32(r),
    servers: [address(r), ...few(r, () => address(r))],
  }),
  localMobilityAgents: r => ({
    kind: 'localMobilityAgents',
    sequence: u16(r),
    lifetimeS: u16(r),
    flags: { ownCareOfAddressNeeded: bit(r), ipv4Tunnel: bit(r) },
    addresses: [address(r), ...few(r, () => address(r))],
  }),
  anchoring: r => ({ kind: 'anchoring', zone: u32(r) }),
  unknown: r => ({ kind: 'unknown', type: 200 + below(r, 50), data: randomBytes(r, 6 + 8 * below(r, 5)) }),
};

const neighbourOptions = (r: Random): NeighbourOption[] => few(r, () => anyOf(r, neighbourOptionMakers));

export const icmpv6MessageMakers: Makers<Icmpv6Message> = {
  destinationUnreachable: r => ({ kind: 'destinationUnreachable', code: below(r, 7), packet: octets(r, 100) }),
  packetTooBig: r => ({ kind: 'packetTooBig', code: 0, mtu: u32(r), packet: octets(r, 100) }),
  timeExceeded: r => ({ kind: 'timeExceeded', code: below(r, 2), packet: octets(r, 100) }),
  parameterProblem: r => ({ kind: 'parameterProblem', code: below(r, 3), pointer: u32(r), packet: octets(r, 100) }),
  echoRequest: r => ({ kind: 'echoRequest', code: 0, identifier: u16(r), sequence: u16(r), data: octets(r, 100) }),
  echoReply: r => ({ kind: 'echoReply', code: 0, identifier: u16(r), sequence: u16(r), data: octets(r, 100) }),
  routerSolicitation: r => ({ kind: 'routerSolicitation', code: 0, options: neighbourOptions(r) }),
  routerAdvertisement: r => ({
    kind: 'routerAdvertisement',
    code: 0,
    currentHopLimit: u8(r),
    flags: { managed: bit(r), other: bit(r), homeAgent: bit(r) },
    routerLifetimeS: u16(r),
    reachableTimeMs: u32(r),
    retransTimerMs: u32(r),
    options: neighbourOptions(r),
  }),
  neighbourSolicitation: r => ({
    kind: 'neighbourSolicitation',
    code: 0,
    target: address(r),
    options: neighbourOptions(r),
  }),
  neighbourAdvertisement: r => ({
    kind: 'neighbourAdvertisement',
    code: 0,
    flags: { router: bit(r), solicited: bit(r), override: bit(r) },
    target: address(r),
    options: neighbourOptions(r),
  }),
  redirect: r => ({
    kind: 'redirect',
    code: 0,
    target: address(r),
    destination: address(r),
    options: neighbourOptions(r),
  }),
  homeAgentDiscoveryRequest: r => ({ kind: 'homeAgentDiscoveryRequest', code: 0, identifier: u16(r) }),
  homeAgentDiscoveryReply: r => ({
    kind: 'homeAgentDiscoveryReply',
    code: 0,
    identifier: u16(r),
    homeAgents: few(r, () => address(r)),
  }),
  mobilePrefixSolicitation: r => ({ kind: 'mobilePrefixSolicitation', code: 0, identifier: u16(r) }),
  mobilePrefixAdvertisement: r => ({
    kind: 'mobilePrefixAdvertisement',
    code: 0,
    identifier: u16(r),
    flags: { managed: bit(r), other: bit(r) },
    options: neighbourOptions(r),
  }),
  routerSolicitationForProxyAdvertisement: r => ({
    kind: 'routerSolicitationForProxyAdvertisement',
    code: 0,
    identifier: u16(r),
    options: neighbourOptions(r),
  }),
  proxyRouterAdvertisement: r => ({
    kind: 'proxyRouterAdvertisement',
    code: below(r, 6),
    identifier: u16(r),
    options: neighbourOptions(r),
  }),
  unknown: r => ({ kind: 'unknown', type: 200 + below(r, 4), code: u8(r), data: octets(r, 40) }),
};

export const destinationOptionMakers: Makers<DestinationOption> = {
  tunnelEncapsulationLimit: r => ({ kind: 'tunnelEncapsulationLimit', limit: u8(r) }),
  routerAlert: r => ({ kind: 'routerAlert', value: u16(r) }),
  homeAddress: r => ({ kind: 'homeAddress', address: address(r) }),
  unknown: r => ({ kind: 'unknown', type: [0x1e, 0x3e, 0x5e, 0xfe][below(r, 4)], data: octets(r, 20) }),
};

export const extensionHeaderMakers: Makers<ExtensionHeader> = {
  hopByHop: r => ({ kind: 'hopByHop', options: few(r, () => anyOf(r, destinationOptionMakers)) }),
  destinationOptions: r => ({ kind: 'destinationOptions', options: few(r, () => anyOf(r, destinationOptionMakers)) }),
  routingType2: r => ({ kind: 'routingType2', segmentsLeft: below(r, 2), homeAddress: address(r) }),
  routing: r => ({
    kind: 'routing',
    type: 3 + below(r, 200),
    segmentsLeft: below(r, 3),
    data: randomBytes(r, 4 + 8 * below(r, 5)),
  }),
};

export const payloadMakers: Makers<Payload> = {
  icmpv6: r => ({ kind: 'icmpv6', message: anyOf(r, icmpv6MessageMakers) }),
  mobility: r => {
    const message = anyOf(r, mobilityMessageMakers);
    const nests = message.kind === 'bindingUpdate' || message.kind === 'bindingAcknowledgement';
    return { kind: 'mobility', message, ...(nests && below(r, 4) === 0 && { nested: randomPacket(r) }) };
  },
  udp: r => ({ kind: 'udp', sourcePort: u16(r), destinationPort: u16(r), data: octets(r, 100) }),
  tcp: r => ({
    kind: 'tcp',
    sourcePort: u16(r),
    destinationPort: u16(r),
    sequence: u32(r),
    acknowledgement: u32(r),
    flags: { syn: bit(r), ack: bit(r), fin: bit(r), rst: bit(r), psh: bit(r) },
    window: u16(r),
    options: randomBytes(r, 4 * below(r, 11)),
    data: octets(r, 100),
  }),
  ipv6: r => ({ kind: 'ipv6', packet: below(r, 4) === 0 ? randomIpv4Packet(r) : randomPacket(r) }),
  fragment: r => ({
    kind: 'fragment',
    identification: u32(r),
    offset: 8 * below(r, 100),
    more: bit(r),
    protocol: 17,
    data: randomBytes(r, 8 * below(r, 10)),
  }),
  raw: r => ({ kind: 'raw', protocol: 50, data: octets(r, 100) }),
};

export function anyOf<M extends Readonly<Record<string, (random: Random) => unknown>>>(
  random: Random,
  makers: M,
): ReturnType<M[keyof M]> {
  const all = Object.values(makers);
  return all[below(random, all.length)](random) as ReturnType<M[keyof M]>;
}

export function packetWith(random: Random, payload: Payload, headers: readonly ExtensionHeader[] = []): Packet {
  return {
    source: address(random),
    destination: address(random),
    hopLimit: u8(random),
    ...(bit(random) && { trafficClass: 1 + below(random, 0xff), flowLabel: 1 + below(random, 0xfffff) }),
    ...(headers.length > 0 && { headers }),
    payload,
  };
}

export function randomIpv4Packet(random: Random): Packet {
  const payload = [payloadMakers.udp, payloadMakers.tcp, payloadMakers.raw, payloadMakers.ipv6][below(random, 4)](
    random,
  );
  const ends = { source: ipv4Address(random), destination: ipv4Address(random) };
  return { ...ends, hopLimit: u8(random), ...(bit(random) && { trafficClass: 1 + below(random, 0xff) }), payload };
}

/** Every header, message and option comes up. Packets in packets end by chance: one in seven. */
export function randomPacket(random: Random): Packet {
  const headers = few(random, () => anyOf(random, extensionHeaderMakers), 3);
  return packetWith(random, anyOf(random, payloadMakers), headers);
}
