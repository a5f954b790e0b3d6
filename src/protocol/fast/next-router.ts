import { type Address, addressFromBytes, formatAddress, isRoutableUnicast } from '../../base/address.js';
import { Deadlines } from '../../base/deadlines.js';
import { formatLinkAddress, type LinkAddress } from '../../base/link-address.js';
import { hostPrefix, type Prefix, prefixContains, withInterfaceId } from '../../base/prefix.js';
import { type Random, randomBytes } from '../../base/random.js';
import { earliest, type Instant, milliseconds } from '../../base/time.js';
import type { NeighbourAdvertisement } from '../../wire/icmpv6/messages.js';
import { findNeighbourOption } from '../../wire/icmpv6/neighbour-options.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import type { HandoverInitiate } from '../../wire/mobility/messages.js';
import type { MobilityOption } from '../../wire/mobility/options.js';
import {
  addressCode,
  handoverAcknowledgeCode as code,
  neighbourAcknowledgmentStatus as neighbourStatus,
} from '../../wire/mobility/status.js';
import type { Counters } from '../anchor/counters.js';
import type { Input, LinkId, Output, Row, TunnelEnd, Via } from '../contract.js';
import { mobilityPacket } from '../mobile/packets.js';
import type { HandoverChange } from '../trace.js';
import { announcedIn } from './announced.js';
import { type AddressVerdict, neighbourAcknowledgment } from './neighbour-acknowledgment.js';
import { NeighbourClaims } from './neighbour-claims.js';
import { proxyLifetime } from './timing.js';

/** A link below an access router. */
export interface FastLink {
  readonly name: LinkId;
  /** The router's own on that link. */
  readonly address: Address;
  readonly prefix: Prefix;
}

export interface NextRouterSettings {
  readonly links: readonly FastLink[];
  /** Whether an address that a mobile proposes is probed for before it is defended (RFC 5568 §5.5). */
  readonly duplicateAddressDetection: boolean;
  /** Whether another address is given in place of one that is in use. */
  readonly assignAddresses: boolean;
  readonly bufferOctets: number;
  /** How long packets wait for a mobile that does not come. */
  readonly bufferMs: number;
  /** How long a mobile may keep an address of its previous router. */
  readonly hostRouteMs: number;
  readonly maximumExpected: number;
}

type PacketInput = Extract<Input, { kind: 'packet' }>;

/** A mobile that another router has announced. */
interface Expected {
  readonly station: LinkAddress;
  readonly link: FastLink;
  readonly previous: Address | undefined;
  /** What it asked for. */
  readonly proposed: Address;
  readonly buffer: boolean;
  /** The router that announced it, the address it asked and the number it is waiting for. */
  readonly router: Address;
  readonly local: Address;
  readonly sequence: number;
  /** What it gets; undefined: it keeps the previous one. */
  careOf: Address | undefined;
  /** What the other router is told; undefined: its address is probed for. */
  answer: number | undefined;
  proxied: boolean;
  arrived: boolean;
}

/** The router that mobiles come to (RFC 5568 §4, §6.2.1.2, §6.3). */
export class NextRouter {
  readonly #settings: NextRouterSettings;
  readonly #random: Random;
  readonly #counters: Counters;
  readonly #isRedirected: (address: Address) => boolean;
  /** By the mobile's link-layer address. */
  readonly #expected = new Map<LinkAddress, Expected>();
  readonly #claims = new NeighbourClaims();
  readonly #linkLocals = new Map<LinkId, Address>();
  /** When an address ceases to be defended for a mobile. */
  readonly #proxies = new Deadlines<LinkAddress>();
  readonly #ends = new Deadlines<LinkAddress>();

  /** `isRedirected`: whether packets for that address go to yet another router. */
  constructor(
    settings: NextRouterSettings,
    random: Random,
    counters: Counters,
    isRedirected: (address: Address) => boolean,
  ) {
    this.#isRedirected = isRedirected;
    this.#settings = settings;
    this.#random = random;
    this.#counters = counters;
  }

  get deadline(): Instant | undefined {
    return earliest(this.#proxies.next, this.#ends.next);
  }

  *rows(): Generator<Row> {
    for (const { station, previous, careOf, router, answer, arrived } of this.#expected.values())
      yield {
        station: formatLinkAddress(station),
        previous: previous && formatAddress(previous),
        careOf: careOf && formatAddress(careOf),
        router: formatAddress(router),
        state: arrived ? 'arrived' : answer === undefined ? 'probing' : 'waiting',
      };
  }

  /** RFC 5568 §6.2.1.1; the caller has seen that it comes from a router that is known. */
  initiated({ source, destination }: Packet, message: HandoverInitiate, now: Instant, outputs: Output[]): void {
    const { station, previous, proposed } = announcedIn(message.options);
    const ask = { router: source, local: destination, sequence: message.sequence };
    const link = proposed && this.#settings.links.find(({ prefix }) => prefixContains(prefix, proposed));
    if (station === undefined || proposed === undefined || !link)
      return this.#refuse(ask, code.reasonUnspecified, 'initiateMalformed', outputs);
    if (message.code === 1) return this.#confirm(ask, station, proposed, outputs);
    const known = this.#expected.get(station);
    // Sent again: the answer was lost, or is still to come.
    if (known?.router === source && known.sequence === message.sequence) return this.#answer(known, outputs);
    if (known) this.#forget(known, outputs);
    if (this.#expected.size >= this.#settings.maximumExpected)
      return this.#refuse(ask, code.insufficientResources, 'initiateNoRoom', outputs);
    const { buffer, assignedAddress } = message.flags;
    const expected: Expected = {
      ...ask,
      station,
      link,
      previous,
      proposed,
      buffer,
      careOf: proposed,
      answer: undefined,
      proxied: false,
      arrived: false,
    };
    this.#expected.set(station, expected);
    this.#ends.set(station, now + milliseconds(this.#settings.bufferMs));
    this.#counters.add('handoversAnnounced');
    this.#place(expected, assignedAddress, now, outputs);
  }

  /** The mobile is here already: its address is its own, unless a neighbour has it (RFC 5568 §4, Code 1). */
  #confirm(ask: Ask, station: LinkAddress, careOf: Address, outputs: Output[]): void {
    if (this.#isTaken(careOf, station))
      return this.#refuse(ask, code.reasonUnspecified, 'initiateForeignAddress', outputs);
    this.#acknowledge(ask, code.careOfAddressValid, undefined, outputs);
  }

  /** RFC 5568 §4: is the address unique, and what is used if it is not. */
  #place(expected: Expected, assigned: boolean, now: Instant, outputs: Output[]): void {
    const { proposed, station } = expected;
    if (this.#isTaken(proposed, station)) return this.#replace(expected, assigned, now, outputs);
    const detect = this.#settings.duplicateAddressDetection;
    this.#defend(expected, proposed, detect, now, outputs);
    if (!detect) this.#settle(expected, assigned ? code.careOfAddressAssigned : code.careOfAddressValid, outputs);
    else outputs.push({ kind: 'forward', rule: { to: hostPrefix(proposed), via: this.#waiting(expected) } });
  }

  #defend(expected: Expected, address: Address, detect: boolean, now: Instant, outputs: Output[]): void {
    outputs.push({ kind: 'proxy', link: expected.link.name, address, detect });
    expected.proxied = true;
    this.#proxies.set(expected.station, now + proxyLifetime);
  }

  /** The proposed address is somebody's: another one, or the one it has. */
  #replace(expected: Expected, assign: boolean, now: Instant, outputs: Output[]): void {
    this.#counters.add('addressesInUse');
    if (assign || this.#settings.assignAddresses) {
      const { prefix } = expected.link;
      expected.careOf = withInterfaceId(prefix, addressFromBytes(randomBytes(this.#random, 16)));
      this.#defend(expected, expected.careOf, false, now, outputs);
      return this.#settle(expected, code.careOfAddressAssigned, outputs);
    }
    expected.careOf = undefined;
    if (expected.previous !== undefined) return this.#settle(expected, code.usePreviousCareOfAddress, outputs);
    this.#answerWith(expected, code.careOfAddressInvalid, outputs);
    this.#forget(expected, outputs);
  }

  #settle(expected: Expected, answer: number, outputs: Output[]): void {
    const to = hostPrefix(addressOf(expected));
    outputs.push({ kind: 'forward', rule: { to, via: this.#waiting(expected) } });
    if (expected.careOf === undefined) {
      const { local, router: remote } = expected;
      outputs.push({ kind: 'admit', end: tunnelEnd(expected) });
      outputs.push({ kind: 'forward', rule: { from: to, via: { kind: 'tunnel', local, remote } } });
    }
    this.#tell(expected, 'waiting', outputs);
    this.#answerWith(expected, answer, outputs);
  }

  /** Neighbour Discovery would look for a mobile that is not there yet. */
  #waiting({ buffer }: Expected): Via {
    return buffer ? { kind: 'park', limitOctets: this.#settings.bufferOctets } : { kind: 'drop' };
  }

  #answerWith(expected: Expected, answer: number, outputs: Output[]): void {
    expected.answer = answer;
    this.#answer(expected, outputs);
  }

  #answer(expected: Expected, outputs: Output[]): void {
    const { answer, careOf } = expected;
    if (answer === undefined) return;
    this.#acknowledge(expected, answer, answer === code.careOfAddressAssigned ? careOf : undefined, outputs);
  }

  #acknowledge({ router, local, sequence }: Ask, answer: number, careOf: Address | undefined, outputs: Output[]): void {
    const options: MobilityOption[] = [];
    if (careOf !== undefined)
      options.push({ kind: 'ipAddressPrefix', code: addressCode.newCareOfAddress, prefixLength: 128, address: careOf });
    const message = { kind: 'handoverAcknowledge', sequence, code: answer, options } as const;
    outputs.push({ kind: 'send', packet: mobilityPacket(local, router, message) });
  }

  /** What Duplicate Address Detection found. */
  proxied(link: LinkId, address: Address, unique: boolean, now: Instant, outputs: Output[]): void {
    for (const expected of this.#expected.values()) {
      if (expected.link.name !== link || expected.careOf !== address || expected.answer !== undefined) continue;
      if (unique) return this.#answerWith(expected, code.careOfAddressValid, outputs);
      expected.proxied = false;
      this.#proxies.clear(expected.station);
      outputs.push({ kind: 'unforward', to: hostPrefix(address) });
      return this.#replace(expected, false, now, outputs);
    }
  }

  /** What neighbours say of themselves, a mobile that has come among them (RFC 5568 §6.3). */
  advertised(input: PacketInput, message: NeighbourAdvertisement, now: Instant, outputs: Output[]): void {
    const { target, flags } = message;
    const link = this.#settings.links.find(({ name }) => name === input.link);
    const given = findNeighbourOption(message.options, 'targetLinkLayerAddress')?.address ?? input.neighbour;
    if (!link || given === undefined) return;
    if (flags.solicited || input.packet.source !== target) return this.#claims.note(target, given);
    const expected = this.#expected.get(given);
    if (this.#isTaken(target, given)) return this.#reject(link, target, given, outputs);
    this.#claims.note(target, given);
    if (!expected) return;
    const right = addressOf(expected);
    if (target === expected.proposed && target !== right) this.#correct(expected, target, outputs);
    this.#arrive(expected, now, outputs);
  }

  /** RFC 5568 §6.4.6: another's address, or a place kept for another. */
  #reject(link: FastLink, target: Address, station: LinkAddress, outputs: Output[]): void {
    const isClaimed = this.#claims.ownerOf(target) !== undefined || target === link.address;
    this.#counters.add('advertisementsRejected');
    outputs.push({ kind: 'trace', event: { event: 'discarded', peer: target, reason: 'addressOfAnother' } });
    const { configureAddress, linkLayerAddressUnrecognised } = neighbourStatus;
    const status = isClaimed ? configureAddress : linkLayerAddressUnrecognised;
    this.#verdict(link, target, station, { status, careOfAddresses: [] }, outputs);
  }

  /** The mobile did not wait to hear which address it has. */
  #correct({ careOf, previous, link, station }: Expected, target: Address, outputs: Output[]): void {
    const { useSuppliedCareOfAddress, previousCareOfAddressSupplied } = neighbourStatus;
    const status = careOf === undefined ? previousCareOfAddressSupplied : useSuppliedCareOfAddress;
    const supplied = careOf ?? previous;
    const careOfAddresses = supplied === undefined ? [] : [supplied];
    this.#verdict(link, target, station, { status, careOfAddresses }, outputs);
  }

  #verdict(link: FastLink, target: Address, neighbour: LinkAddress, verdict: AddressVerdict, outputs: Output[]): void {
    const source = this.#linkLocals.get(link.name);
    if (source === undefined) return;
    const packet = neighbourAcknowledgment(source, target, link.prefix, verdict);
    outputs.push({ kind: 'send', packet, link: link.name, neighbour });
  }

  /** A solicitation shows that a mobile is there as well: the advertisement may have been lost. */
  solicited(station: LinkAddress, now: Instant, outputs: Output[]): void {
    const expected = this.#expected.get(station);
    if (expected) this.#arrive(expected, now, outputs);
  }

  /** What has waited goes out first, then what comes. */
  #arrive(expected: Expected, now: Instant, outputs: Output[]): void {
    if (expected.arrived || expected.answer === undefined) return;
    const { station, link, careOf } = expected;
    expected.arrived = true;
    this.#counters.add('handoversArrived');
    this.#undefend(expected, outputs);
    const to = hostPrefix(addressOf(expected));
    outputs.push({ kind: 'forward', rule: { to, via: { kind: 'link', link: link.name, neighbour: station } } });
    // Until Neighbour Discovery knows the address as the mobile's: it has heard of it as one that is defended.
    const { bufferMs, hostRouteMs } = this.#settings;
    this.#ends.set(station, now + milliseconds(careOf === undefined ? hostRouteMs : bufferMs));
    this.#tell(expected, 'arrived', outputs);
  }

  #undefend(expected: Expected, outputs: Output[]): void {
    this.#proxies.clear(expected.station);
    if (!expected.proxied || expected.careOf === undefined) return;
    expected.proxied = false;
    outputs.push({ kind: 'unproxy', link: expected.link.name, address: expected.careOf });
  }

  linkLocal(link: LinkId, address: Address): void {
    this.#linkLocals.set(link, address);
  }

  /** What a station has said that it has on the links. */
  addressesOf(station: LinkAddress): Iterable<Address> {
    return this.#claims.addressesOf(station);
  }

  detached(station: LinkAddress, outputs: Output[]): void {
    this.#claims.forget(station);
    const expected = this.#expected.get(station);
    if (expected?.arrived) this.#forget(expected, outputs);
  }

  tick(now: Instant, outputs: Output[]): void {
    for (const station of this.#proxies.takeDue(now)) {
      const expected = this.#expected.get(station);
      if (expected) this.#undefend(expected, outputs);
    }
    for (const station of this.#ends.takeDue(now)) {
      const expected = this.#expected.get(station);
      if (!expected) continue;
      if (!expected.arrived) this.#missed(expected, outputs);
      this.#forget(expected, outputs);
    }
  }

  #missed(expected: Expected, outputs: Output[]): void {
    this.#counters.add('handoversMissed');
    this.#tell(expected, 'missed', outputs);
  }

  #forget(expected: Expected, outputs: Output[]): void {
    const { station, careOf, answer } = expected;
    this.#undefend(expected, outputs);
    this.#expected.delete(station);
    this.#ends.clear(station);
    const address = hostPrefix(addressOf(expected));
    if (!this.#isRedirected(address.address)) outputs.push({ kind: 'unforward', to: address });
    if (careOf !== undefined || answer === undefined) return;
    outputs.push({ kind: 'unforward', from: address });
    outputs.push({ kind: 'unadmit', end: tunnelEnd(expected) });
  }

  /** Whether somebody else has the address, or is to have it. */
  #isTaken(address: Address, station: LinkAddress): boolean {
    const owner = this.#claims.ownerOf(address);
    if (owner !== undefined) return owner !== station;
    if (!isRoutableUnicast(address) || this.#settings.links.some(link => link.address === address)) return true;
    for (const expected of this.#expected.values())
      if (expected.station !== station && expected.careOf === address) return true;
    return false;
  }

  #refuse(ask: Ask, answer: number, reason: string, outputs: Output[]): void {
    this.#counters.add(`refused_${reason}`);
    outputs.push({ kind: 'trace', event: { event: 'refused', peer: ask.router, status: answer, reason } });
    this.#acknowledge(ask, answer, undefined, outputs);
  }

  #tell({ station, previous, careOf, router }: Expected, change: HandoverChange, outputs: Output[]): void {
    outputs.push({ kind: 'trace', event: { event: 'handover', change, station, previous, careOf, peer: router } });
  }
}

/** Who waits for a Handover Acknowledge, and for which. */
interface Ask {
  readonly router: Address;
  readonly local: Address;
  readonly sequence: number;
}

/** What packets for the mobile are sent to here. */
function addressOf({ careOf, previous, proposed }: Expected): Address {
  return careOf ?? previous ?? proposed;
}

function tunnelEnd(expected: Expected): TunnelEnd {
  const { local, router: remote } = expected;
  return { local, remote, to: hostPrefix(addressOf(expected)) };
}
