import { type Address, isLinkLocal, isMulticast, isRoutableUnicast } from '../base/address.js';
import { DecodeError, HostError } from '../base/errors.js';
import type { LinkAddress } from '../base/link-address.js';
import type { Input, Interests, LinkId } from '../protocol/contract.js';
import { decodePacket, encodePacket, headerOctets } from '../wire/ipv6/codec.js';
import { defaultHopLimit, type Packet, protocol } from '../wire/ipv6/packet.js';
import { Flows } from './flows.js';
import type { Arrivals } from './ground.js';
import type { HomeAddresses } from './home-addresses.js';
import { errorForApplication } from './host-errors.js';
import type { HostForwarding } from './host-forwarding.js';
import type { HostLinks } from './host-links.js';
import { atHome, type Chain, chainOf, destinationOf, sourceOf } from './mobility-headers.js';
import type { Received } from './receive-batch.js';

export interface HostArrivalsParts {
  readonly arrivals: Arrivals;
  readonly interests: Interests;
  readonly links: ReadonlyMap<number, LinkId>;
  readonly forwarding: HostForwarding;
  readonly homes: HomeAddresses;
  readonly hostLinks: HostLinks;
  /** Gives the kernel a packet as if it had arrived. Throws HostError. */
  inject(packet: Uint8Array): void;
}

/** By which a packet came. */
type Tunnel = Extract<Input, { kind: 'flow' }>['via'];

const maximumDepth = 4;
const minimumMtu = 1280;
const routerAdvertisement = 134;
const noNeighbour = '' as LinkAddress;

/** What comes to a host's user space: out of the network, and from its own applications by way of our device. */
export class HostArrivals {
  readonly flows = new Flows();
  readonly #parts: HostArrivalsParts;
  #strangers = 0;

  constructor(parts: HostArrivalsParts) {
    this.#parts = parts;
  }

  /** Packets whose inner addresses nobody admitted, dropped. */
  get strangers(): number {
    return this.#strangers;
  }

  /** A packet as it came in by a link. */
  received(received: Received): void {
    const whole = received.partialChecksum ? completed(received) : received;
    if (whole) this.#arrived(whole, 0);
  }

  /** A packet that the kernel routed to our device. */
  departed(packet: Uint8Array): void {
    const isGroup = packet.length >= headerOctets && isMulticast(destinationOf(packet));
    if (packet.length < headerOctets || isGroup || isLinkLocal(destinationOf(packet))) return;
    const { forwarding, homes, arrivals } = this.#parts;
    // Sent again along the kernel's routes it would be here again.
    if (!forwarding.covers(packet) && homes.has(sourceOf(packet))) return;
    this.#noteFlow(packet);
    this.#attempt(() => forwarding.output(packet), arrivals);
  }

  /** What the kernel's own stack took, and the firewall told of: on an agent's link packets for a home address come plainly. */
  passed(source: Address, destination: Address): void {
    this.#noteFlowOf(source, destination);
  }

  /** Tells the source of a packet of this node that it was too big for its way; how big it may be is not known. */
  tooBig(packet: Uint8Array): void {
    const quoted = packet.slice(0, minimumMtu - headerOctets - 8);
    const message = { kind: 'packetTooBig', code: 0, mtu: minimumMtu, packet: quoted } as const;
    const [source, destination] = [destinationOf(packet), sourceOf(packet)];
    const error: Packet = { source, destination, hopLimit: defaultHopLimit, payload: { kind: 'icmpv6', message } };
    if (packet.length > minimumMtu) this.#inject(encodePacket(error));
  }

  #arrived(received: Received, depth: number, via?: Tunnel): void {
    const chain = chainOf(received.bytes);
    if (!chain || depth > maximumDepth) return;
    const { forwarding, arrivals, interests } = this.#parts;
    if (chain.protocol === protocol.icmpv6 && received.bytes[chain.offset] === routerAdvertisement)
      return this.#advertised(received);
    if (isForEngine(chain, interests)) return arrivals.packet(received);
    if (chain.protocol === protocol.icmpv6 && depth === 0 && chain.offset === headerOctets)
      return this.#error(received);
    const packet = this.#delivered(received, chain);
    if (!packet) return;
    if (chain.protocol === protocol.ipv6 && forwarding.localEnds.has(destinationOf(packet)))
      return this.#decapsulate(packet, chain, depth);
    // What only passed by on the way to the kernel's own stack it has already.
    if (packet === received.bytes && depth === 0 && !this.#wasDropped(chain, received.bytes)) return;
    this.#noteFlow(packet, via);
    this.#inject(packet);
  }

  /** RFC 6275 §9.3.1, §11.3.3: with home addresses in their places; undefined where that may not be. */
  #delivered(received: Received, chain: Chain): Uint8Array | undefined {
    const { bytes } = received;
    const { routedTo, homeAddress, followed } = chain;
    const { forwarding, homes, arrivals, interests } = this.#parts;
    // draft-dommety §3.1: the kernel takes no used-up routing header; it has led to a home address, or to nobody here.
    const home = routedTo ?? (followed && destinationOf(bytes));
    if (home === undefined && homeAddress === undefined) return bytes;
    if (home !== undefined && !homes.has(home)) return this.#refuse();
    const packet = atHome(bytes, chain);
    if (homeAddress === undefined) return packet;
    const [source, destination] = [sourceOf(packet), destinationOf(packet)];
    if (forwarding.admits('homeAddressOption', sourceOf(bytes), destination, source, destination)) return packet;
    if (interests.protocols.includes(protocol.destinationOptions)) arrivals.packet(received);
    return this.#refuse();
  }

  /** RFC 2473 §3.3, RFC 6275 §10.4.5, §11.3.1. */
  #decapsulate(outer: Uint8Array, chain: Chain, depth: number): void {
    const isAtHome = chain.routedTo !== undefined || chain.homeAddress !== undefined || chain.followed;
    const offset = isAtHome ? headerOctets : chain.offset;
    const inner = outer.slice(offset);
    if (inner.length < headerOctets) return;
    const [remote, local] = [sourceOf(outer), destinationOf(outer)];
    if (!this.#parts.forwarding.admits('tunnel', remote, local, sourceOf(inner), destinationOf(inner))) {
      this.#refuse();
      return;
    }
    const received = { bytes: inner, device: 0, neighbour: noNeighbour, partialChecksum: false };
    this.#arrived(received, depth + 1, { local, remote });
  }

  /** Our firewall kept destination options from the kernel's stack because of the one option that it does not know. */
  #wasDropped(chain: Chain, packet: Uint8Array): boolean {
    const takes = this.#parts.interests.protocols.includes(protocol.destinationOptions);
    return takes && chain.offset > headerOctets && hasDestinationOptions(packet, chain);
  }

  /** RFC 4861 §6.1.2. */
  #advertised(received: Received): void {
    const { links, arrivals, hostLinks } = this.#parts;
    const link = links.get(received.device);
    const packet = link === undefined ? undefined : arrivals.decode(received);
    if (link === undefined || packet?.payload.kind !== 'icmpv6') return;
    const { message } = packet.payload;
    if (message.kind !== 'routerAdvertisement' || packet.hopLimit !== 255 || !isLinkLocal(packet.source)) return;
    hostLinks.advertised(received.device);
    arrivals.input({ kind: 'router', link, router: packet.source, advertisement: message });
  }

  /** The engine hears of it, and the application whose packet it is about. */
  #error(received: Received): void {
    const { arrivals, interests, homes } = this.#parts;
    const packet = arrivals.decode(received);
    if (!packet) return;
    const told = errorForApplication(packet);
    if (told && homes.has(told.destination)) this.#inject(encodePacket(told));
    if (interests.protocols.includes(protocol.icmpv6)) arrivals.packet(received);
  }

  #noteFlow(packet: Uint8Array, via?: Tunnel): void {
    this.#noteFlowOf(sourceOf(packet), destinationOf(packet), via);
  }

  #noteFlowOf(source: Address, destination: Address, via?: Tunnel): void {
    if (!isRoutableUnicast(source) || !isRoutableUnicast(destination)) return;
    if (!this.flows.begins(source, destination)) return;
    this.#parts.arrivals.input({ kind: 'flow', source, destination, ...(via && { via }) });
  }

  #refuse(): undefined {
    this.#strangers++;
  }

  #inject(packet: Uint8Array): void {
    this.#attempt(() => this.#parts.inject(packet), this.#parts.arrivals);
  }

  #attempt(action: () => void, arrivals: Arrivals): void {
    try {
      action();
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
      arrivals.refused(error);
    }
  }
}

/** Mobility Headers, and ESP where engines have associations: as they arrived, with all their headers. */
function isForEngine({ protocol: number }: Chain, { protocols }: Interests): boolean {
  return protocols.includes(number) && !sharedProtocols.includes(number);
}
const sharedProtocols: readonly number[] = [protocol.icmpv6, protocol.ipv6];

function hasDestinationOptions(packet: Uint8Array, { offset }: Chain): boolean {
  let number = packet[6];
  for (let at = headerOctets; at < offset; at += 8 * (packet[at + 1] + 1)) {
    if (number === protocol.destinationOptions) return true;
    number = packet[at];
  }
  return false;
}

/** A sender on this machine left a checksum to hardware that never saw the packet. */
function completed(received: Received): Received | undefined {
  try {
    const bytes = encodePacket(decodePacket(received.bytes, { partialChecksums: true }));
    return { ...received, bytes, partialChecksum: false };
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
