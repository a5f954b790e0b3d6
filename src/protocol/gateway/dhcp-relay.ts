import { type Address, isLinkLocal } from '../../base/address.js';
import { DecodeError } from '../../base/errors.js';
import { interfaceIdFromLinkAddress } from '../../base/link-address.js';
import { prefixContains, withInterfaceId } from '../../base/prefix.js';
import {
  clientPort,
  type Dhcpv6Message,
  decodeDhcpv6,
  encodeDhcpv6,
  isRelayMessage,
  serverPort,
} from '../../wire/dhcpv6/messages.js';
import { defaultHopLimit, type Packet, type UdpDatagram } from '../../wire/ipv6/packet.js';
import { addressesGivenBack, type RelayedAnswer, relayedAnswer, relayForward } from '../dhcpv6/relay.js';
import { type Face, linkLocalOf } from './access-link.js';
import { type GivenBack, stationKey, type Visitor } from './visitor.js';

/** A client's message on its way to the server, tagged with its prefix (gundavelli §6.3-3); undefined: it goes nowhere. */
export function relayed(
  visitor: Visitor,
  face: Face,
  packet: Packet,
  gateway: Address,
  server: Address,
): Packet | undefined {
  const message = decoded(packet);
  if (!message || !isLinkLocal(packet.source)) return undefined;
  const forward = relayForward(message, {
    linkAddress: addressOnPrefix(face),
    peer: packet.source,
    link: stationKey(visitor.link, visitor.station),
    station: visitor.station,
    identity: visitor.identity,
  });
  return forward && datagram(gateway, server, serverPort, forward);
}

/** What a client's Release or Decline offers to give back; undefined where it is none. */
export function givenBack(packet: Packet): GivenBack | undefined {
  const message = decoded(packet);
  if (message?.kind !== 'release' && message?.kind !== 'decline') return undefined;
  return { transaction: message.transaction, addresses: addressesGivenBack(message) };
}

/** Addresses that are no longer the client's with this answer (RFC 8415 §18.3.7, §18.3.8, and lifetimes of zero). */
export function endedBy({ message, leases }: RelayedAnswer, offer: GivenBack | undefined): readonly Address[] {
  const agreed = message.kind === 'reply' && message.transaction === offer?.transaction ? offer.addresses : [];
  return [...agreed, ...leases.flatMap(news => (news.kind === 'ended' ? [news.address] : []))];
}

/** What a server's Relay-reply carries, and for which station. */
export function answerOf(packet: Packet): RelayedAnswer | undefined {
  const message = decoded(packet);
  return message && relayedAnswer(message);
}

/** The server's message on its last hop: from the router that the station knows. */
export function delivered(answer: RelayedAnswer, face: Face): Packet {
  const port = isRelayMessage(answer.message) ? serverPort : clientPort;
  return datagram(linkLocalOf(face), answer.peer, port, answer.message);
}

/** Link-address: an address of the LMAP on the station's prefix, or the one its virtual link-layer address would give it. */
function addressOnPrefix({ routers, prefix, linkAddress }: Face): Address {
  const router = routers.find(address => prefixContains(prefix, address));
  return router ?? withInterfaceId(prefix, interfaceIdFromLinkAddress(linkAddress));
}

/** What a client or a server says. */
export function decoded({ payload }: Packet): Dhcpv6Message | undefined {
  if (payload.kind !== 'udp') return undefined;
  try {
    return decodeDhcpv6(payload.data);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

function datagram(source: Address, destination: Address, destinationPort: number, message: Dhcpv6Message): Packet {
  const payload: UdpDatagram = { kind: 'udp', sourcePort: serverPort, destinationPort, data: encodeDhcpv6(message) };
  return { source, destination, hopLimit: defaultHopLimit, payload };
}
