import { type Address, addressFromBytes } from '../../src/base/address.js';
import { linkAddressFromBytes } from '../../src/base/link-address.js';
import { below, type Random, randomBytes } from '../../src/base/random.js';
import { utf8Bytes } from '../../src/base/text.js';
import { type Dhcpv6Message, type Dhcpv6Option, encodeDhcpv6 } from '../../src/wire/dhcpv6/messages.js';
import type { IaOption } from '../../src/wire/dhcpv6/options.js';
import type { Icmpv6Message } from '../../src/wire/icmpv6/messages.js';
import type { NeighbourOption } from '../../src/wire/icmpv6/neighbour-options.js';
import { encodePacket } from '../../src/wire/ipv6/codec.js';
import type { DestinationOption, ExtensionHeader } from '../../src/wire/ipv6/extension-headers.js';
import type { Packet, Payload } from '../../src/wire/ipv6/packet.js';
import type { MobilityMessage } from '../../src/wire/mobility/messages.js';
import type { MobilityOption } from '../../src/wire/mobility/options.js';
import {
  destinationOptionMakers,
  icmpv6MessageMakers,
  mobilityMessageMakers,
  mobilityOptionMakers,
  neighbourOptionMakers,
  packetWith,
} from '../wire/samples.js';

/** Random packets of everything that both we and scapy have a layout for, and options that only scapy has one for. */

type Make<T> = (random: Random) => T;
const oneOf =
  <T>(...makers: readonly Make<T>[]): Make<T> =>
  r =>
    makers[below(r, makers.length)](r);
const few = <T>(r: Random, make: Make<T>, limit = 5): T[] => Array.from({ length: below(r, limit) }, () => make(r));
const address: Make<Address> = r => addressFromBytes(randomBytes(r, 16));
const linkAddress = (r: Random) => linkAddressFromBytes(randomBytes(r, 6));
const u8 = (r: Random) => below(r, 0x100);
const u16 = (r: Random) => below(r, 0x10000);
const u32 = (r: Random) => r.uint32();
const bytes = (...parts: readonly (Uint8Array | number)[]) =>
  Uint8Array.from(parts.flatMap(part => (typeof part === 'number' ? [part] : [...part])));

/** RFC 4866 §5: scapy knows these, we carry their octets. */
const cryptographicOption: Make<MobilityOption> = r => {
  const type = 11 + below(r, 6);
  return { kind: 'unknown', type, data: type === 11 || type === 15 ? bytes() : randomBytes(r, 1 + below(r, 30)) };
};
const mobilityOption = oneOf<MobilityOption>(
  mobilityOptionMakers.bindingRefreshAdvice,
  mobilityOptionMakers.alternateCareOfAddress,
  mobilityOptionMakers.nonceIndices,
  mobilityOptionMakers.bindingAuthorizationData,
  mobilityOptionMakers.mobileNetworkPrefix,
  mobilityOptionMakers.mobileNodeIdentifier,
  mobilityOptionMakers.mobilityMessageAuthentication,
  mobilityOptionMakers.replayProtection,
  mobilityOptionMakers.unknown,
  cryptographicOption,
);
const mobilityMessage: Make<MobilityMessage> = r => {
  const message = oneOf<MobilityMessage>(
    mobilityMessageMakers.bindingRefreshRequest,
    mobilityMessageMakers.homeTestInit,
    mobilityMessageMakers.careOfTestInit,
    mobilityMessageMakers.homeTest,
    mobilityMessageMakers.careOfTest,
    mobilityMessageMakers.bindingUpdate,
    mobilityMessageMakers.bindingAcknowledgement,
    mobilityMessageMakers.bindingError,
  )(r);
  return { ...message, options: few(r, mobilityOption) } as MobilityMessage;
};

/** Address lists (RFC 3122), shortcut limit (RFC 2491), fast handovers' prefix (RFC 4068 §6.4.2), routes (RFC 4191), flags (RFC 5175): octets to us. */
const foreignNeighbourOption = oneOf<NeighbourOption>(
  r => ({ kind: 'unknown', type: 6, data: randomBytes(r, 6) }),
  r => ({ kind: 'unknown', type: 9 + below(r, 2), data: randomBytes(r, 6 + 16 * below(r, 4)) }),
  r => ({ kind: 'unknown', type: 18, data: randomBytes(r, 22) }),
  r => ({ kind: 'unknown', type: 24, data: bytes(below(r, 129), u8(r), randomBytes(r, 4 + 8 * below(r, 3))) }),
  r => ({ kind: 'unknown', type: 26, data: randomBytes(r, 6) }),
);
const neighbourOption = oneOf<NeighbourOption>(
  neighbourOptionMakers.sourceLinkLayerAddress,
  neighbourOptionMakers.targetLinkLayerAddress,
  neighbourOptionMakers.prefixInformation,
  r => ({ kind: 'redirectedHeader', packet: invokingPacket(r) }),
  neighbourOptionMakers.mtu,
  neighbourOptionMakers.advertisementInterval,
  neighbourOptionMakers.homeAgentInformation,
  neighbourOptionMakers.nonce,
  neighbourOptionMakers.map,
  neighbourOptionMakers.map,
  neighbourOptionMakers.recursiveDnsServer,
  foreignNeighbourOption,
);
/** What an error is about: a packet of which octets divisible by eight are left. */
function invokingPacket(r: Random): Uint8Array {
  const octets = encodePacket(packetWith(r, { kind: 'icmpv6', message: icmpv6MessageMakers.echoRequest(r) }));
  return octets.slice(0, octets.length & ~7);
}
const error: Make<Icmpv6Message> = r => {
  const message = oneOf<Icmpv6Message>(
    icmpv6MessageMakers.destinationUnreachable,
    icmpv6MessageMakers.packetTooBig,
    icmpv6MessageMakers.timeExceeded,
    icmpv6MessageMakers.parameterProblem,
  )(r);
  return { ...message, packet: invokingPacket(r) } as Icmpv6Message;
};
const neighbourMessage: Make<Icmpv6Message> = r => {
  const message = oneOf<Icmpv6Message>(
    icmpv6MessageMakers.routerSolicitation,
    icmpv6MessageMakers.routerAdvertisement,
    icmpv6MessageMakers.routerAdvertisement,
    icmpv6MessageMakers.neighbourSolicitation,
    icmpv6MessageMakers.neighbourAdvertisement,
    icmpv6MessageMakers.redirect,
    icmpv6MessageMakers.mobilePrefixAdvertisement,
  )(r);
  return { ...message, options: few(r, neighbourOption, 4) } as Icmpv6Message;
};
const icmpv6Message = oneOf<Icmpv6Message>(
  icmpv6MessageMakers.echoRequest,
  icmpv6MessageMakers.echoReply,
  icmpv6MessageMakers.homeAgentDiscoveryRequest,
  icmpv6MessageMakers.homeAgentDiscoveryReply,
  icmpv6MessageMakers.mobilePrefixSolicitation,
  error,
  neighbourMessage,
  neighbourMessage,
  neighbourMessage,
);

/** Scapy finds the home address for its checksum where it is the only option of its header. */
const destinationOptions: Make<readonly DestinationOption[]> = oneOf<readonly DestinationOption[]>(
  r => [destinationOptionMakers.homeAddress(r)],
  r => few(r, oneOf<DestinationOption>(destinationOptionMakers.routerAlert, destinationOptionMakers.unknown)),
);
const headers: Make<readonly ExtensionHeader[]> = r => [
  ...few<ExtensionHeader>(r, () => ({ kind: 'hopByHop', options: few(r, destinationOptionMakers.routerAlert) }), 2),
  ...few<ExtensionHeader>(r, () => ({ kind: 'routingType2', segmentsLeft: below(r, 2), homeAddress: address(r) }), 2),
  ...few<ExtensionHeader>(r, () => ({ kind: 'destinationOptions', options: destinationOptions(r) }), 2),
];

const duid = oneOf<Uint8Array>(
  r => bytes(0, 1, 0, 1, randomBytes(r, 10)),
  r => bytes(0, 2, randomBytes(r, 4 + below(r, 20))),
  r => bytes(0, 3, 0, 1, randomBytes(r, 6)),
  r => bytes(0, 4, randomBytes(r, 16)),
);
const label = (r: Random) => ['example', 'a', 'net', 'mobile-1'][below(r, 4)];
const name = (r: Random) =>
  bytes(...Array.from({ length: 1 + below(r, 4) }, () => label(r)).flatMap(each => [each.length, utf8Bytes(each)]), 0);
const statusCode = (r: Random) =>
  ({ kind: 'statusCode', code: below(r, 7), message: ['', 'none left', 'ausgebucht: ü'][below(r, 3)] }) as const;
const lifetimes = (r: Random) => ({ preferredLifetimeS: u32(r), validLifetimeS: u32(r) });
const iaOption = oneOf<IaOption>(
  r => ({ kind: 'iaAddress', address: address(r), ...lifetimes(r), options: few(r, statusCode, 2) }),
  r => ({
    kind: 'iaPrefix',
    length: below(r, 129),
    prefix: address(r),
    ...lifetimes(r),
    options: few(r, statusCode, 2),
  }),
  statusCode,
);
const association = (r: Random) => ({ iaid: u32(r), t1S: u32(r), t2S: u32(r), options: few(r, iaOption) });
const dhcpv6Option = oneOf<Dhcpv6Option>(
  r => ({ kind: 'clientIdentifier', duid: duid(r) }),
  r => ({ kind: 'serverIdentifier', duid: duid(r) }),
  r => ({ kind: 'iaNa', ...association(r) }),
  r => ({ kind: 'iaTa', iaid: u32(r), options: few(r, iaOption) }),
  r => ({ kind: 'iaPd', ...association(r) }),
  statusCode,
  r => ({ kind: 'optionRequest', codes: [u16(r), ...few(r, u16)] }),
  r => ({ kind: 'preference', preference: u8(r) }),
  r => ({ kind: 'elapsedTime', elapsedMs: 10 * u16(r) }),
  r => ({ kind: 'serverUnicast', address: address(r) }),
  () => ({ kind: 'rapidCommit' }),
  r => ({ kind: 'interfaceId', id: randomBytes(r, below(r, 20)) }),
  r => ({ kind: 'reconfigureMessage', messageType: u8(r) }),
  () => ({ kind: 'reconfigureAccept' }),
  r => ({ kind: 'dnsServers', servers: few(r, address) }),
  r => ({ kind: 'domainList', names: bytes(...few(r, name, 3)) }),
  r => ({ kind: 'informationRefreshTime', timeS: u32(r) }),
  r => ({ kind: 'remoteId', enterprise: u32(r), id: randomBytes(r, below(r, 20)) }),
  r => ({ kind: 'subscriberId', id: ['', 'mn1@example.net', 'münchen'][below(r, 3)] }),
  r => ({ kind: 'clientLinkLayerAddress', hardwareType: 1, address: linkAddress(r) }),
);
const clientServerKinds = [
  'solicit',
  'advertise',
  'request',
  'confirm',
  'renew',
  'rebind',
  'reply',
  'release',
  'decline',
  'reconfigure',
  'informationRequest',
] as const;
const clientServerMessage: Make<Dhcpv6Message> = r => ({
  kind: clientServerKinds[below(r, clientServerKinds.length)],
  transaction: below(r, 0x100_0000),
  options: few(r, dhcpv6Option, 4),
});
function relayMessage(r: Random): Dhcpv6Message {
  return {
    kind: below(r, 2) === 0 ? 'relayForward' : 'relayReply',
    hopCount: u8(r),
    linkAddress: address(r),
    peerAddress: address(r),
    options: [...few(r, dhcpv6Option, 3), { kind: 'relayMessage', message: dhcpv6Message(r) }],
  };
}
const dhcpv6Message = oneOf<Dhcpv6Message>(clientServerMessage, clientServerMessage, relayMessage);

const payload: Make<Payload> = oneOf<Payload>(
  r => ({ kind: 'mobility', message: mobilityMessage(r) }),
  r => ({ kind: 'mobility', message: mobilityMessage(r) }),
  r => ({ kind: 'mobility', message: mobilityMessage(r) }),
  r => ({ kind: 'icmpv6', message: icmpv6Message(r) }),
  r => ({ kind: 'icmpv6', message: icmpv6Message(r) }),
  r => ({ kind: 'udp', sourcePort: 546, destinationPort: 547, data: encodeDhcpv6(dhcpv6Message(r)) }),
);

/** A packet that scapy should read as we do, and build. One in ten is tunnelled. */
export function randomScapyPacket(random: Random): Packet {
  const inner = packetWith(random, payload(random), headers(random));
  return below(random, 10) > 0 ? inner : packetWith(random, { kind: 'ipv6', packet: inner }, headers(random));
}
