import { type Address, allRouters } from '../../base/address.js';
import { unsolicitedAdvertisement } from '../../wire/icmpv6/unsolicited-advertisement.js';
import { defaultHopLimit, type ExtensionHeader, type Packet } from '../../wire/ipv6/packet.js';
import type { MobilityMessage } from '../../wire/mobility/messages.js';
import type { Attachment } from './movement.js';

/** A Mobility Header from one address to another. */
export function mobilityPacket(source: Address, destination: Address, message: MobilityMessage): Packet {
  return { source, destination, hopLimit: defaultHopLimit, payload: { kind: 'mobility', message } };
}

/** From a mobile node, with a Home Address option unless it is at home (RFC 6275 §11.7.1, §11.7.2). */
export function fromMobile(careOf: Address, home: Address, destination: Address, message: MobilityMessage): Packet {
  const packet = mobilityPacket(careOf, destination, message);
  return careOf === home ? packet : { ...packet, headers: [homeAddressOption(home)] };
}

/** To a mobile node, through a type 2 routing header unless it is at home (RFC 6275 §9.5.4). */
export function toMobile(source: Address, careOf: Address, home: Address, message: MobilityMessage): Packet {
  const packet = mobilityPacket(source, careOf, message);
  if (careOf === home) return packet;
  return { ...packet, headers: [{ kind: 'routingType2', segmentsLeft: 1, homeAddress: home }] };
}

/** RFC 9131 §6.1.2: the router learns of the care-of address before anything has to come back to it. */
export function gratuitousAdvertisement({ careOf, optimistic, linkAddress }: Attachment): Packet {
  return unsolicitedAdvertisement({ target: careOf, destination: allRouters, override: !optimistic, linkAddress });
}

/** RFC 5568 §4: neighbours learn that the address is the mobile's own, whoever stood in for it. */
export function confirmingAdvertisement({ careOf, linkAddress }: Attachment): Packet {
  return unsolicitedAdvertisement({ target: careOf, override: true, linkAddress });
}

export function homeAddressOption(address: Address): ExtensionHeader {
  return { kind: 'destinationOptions', options: [{ kind: 'homeAddress', address }] };
}
