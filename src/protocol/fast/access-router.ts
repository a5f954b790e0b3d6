import { type Address, isLinkLocal } from '../../base/address.js';
import { Deadlines } from '../../base/deadlines.js';
import { type LinkAddress, linkLocalAddress } from '../../base/link-address.js';
import { hostPrefix, prefixContains } from '../../base/prefix.js';
import { earliest, type Instant, milliseconds } from '../../base/time.js';
import type { Icmpv6Message, RouterSolicitationForProxyAdvertisement } from '../../wire/icmpv6/messages.js';
import type { NeighbourOption } from '../../wire/icmpv6/neighbour-options.js';
import { type Packet, protocol } from '../../wire/ipv6/packet.js';
import type { HandoverInitiate, MobilityMessage } from '../../wire/mobility/messages.js';
import { handoverAcknowledgeCode, linkLayerAddressCode } from '../../wire/mobility/status.js';
import { Counters } from '../anchor/counters.js';
import type { Engine, Environment, Input, Interests, LinkId, Output } from '../contract.js';
import { mobilityPacket } from '../mobile/packets.js';
import { announcedIn } from './announced.js';
import { FastAnchor, type FastAnchorSettings } from './fast-anchor.js';
import { type KnownAccessPoint, linkLayer, Neighbourhood, type Neighbours } from './neighbourhood.js';
import { type FastLink, NextRouter, type NextRouterSettings } from './next-router.js';

/** A link with the access points that lead to it. */
export interface AccessPointLink extends FastLink {
  readonly accessPoints: readonly LinkAddress[];
}

export interface FastAccessRouterSettings extends FastAnchorSettings, NextRouterSettings {
  readonly links: readonly AccessPointLink[];
  /** Access points of other routers. */
  readonly neighbours: readonly KnownAccessPoint[];
  /** MAPs that announce mobiles as routers do (RFC 4140 Figure A.2). */
  readonly maps: readonly Address[];
}

type PacketInput = Extract<Input, { kind: 'packet' }>;
type LinkInput = Extract<Input, { kind: 'link' }>;

/** Octets that the options of an unfragmented proxy advertisement may take: the least MTU without its headers and first option. */
const optionOctets = 1280 - 40 - 8 - 16;

/** Fast handovers at an access router: the previous one of mobiles that leave, the new one of mobiles that come (RFC 5568). */
export class FastAccessRouter implements Engine {
  readonly interests: Interests;
  readonly views: Engine['views'];
  readonly #settings: FastAccessRouterSettings;
  readonly #neighbourhood: Neighbourhood;
  readonly #counters = new Counters();
  readonly #anchor: FastAnchor;
  readonly #next: NextRouter;
  readonly #linkStates = new Map<LinkId, { readonly linkAddress: LinkAddress; readonly linkLocal: Address }>();
  /** Stations that use fast handovers. */
  readonly #able = new Set<LinkAddress>();
  /** Addresses of stations that have left without a word, whose packets are kept. */
  readonly #kept = new Deadlines<Address>();
  readonly #keptFor = new Map<Address, LinkAddress>();

  constructor(settings: FastAccessRouterSettings, environment: Environment) {
    this.#settings = settings;
    const own = settings.links.flatMap(({ accessPoints }) => accessPoints);
    this.#neighbourhood = new Neighbourhood(settings.neighbours, own);
    const ground = {
      previousCareOf: (home: Address) => (this.#linkOf(home) ? home : undefined),
      nextRouter: (careOf: Address) => this.#neighbourhood.serving(careOf)?.address,
      usualRule: () => undefined,
    };
    this.#anchor = new FastAnchor(settings, ground, this.#counters, environment.random.uint32());
    const isRedirected = (address: Address) => this.#anchor.isForwarding(address);
    this.#next = new NextRouter(settings, environment.random, this.#counters, isRedirected);
    this.interests = {
      protocols: [protocol.mobility, protocol.icmpv6],
      accessLinks: [],
      udpPorts: [],
      advertisedLinks: settings.links.map(({ name }) => name),
    };
    this.views = { handovers: () => this.#anchor.rows(), expected: () => this.#next.rows() };
  }

  get counters(): Engine['counters'] {
    return this.#counters.values;
  }

  get deadline(): Instant | undefined {
    return [this.#anchor.deadline, this.#next.deadline, this.#kept.next].reduce(earliest);
  }

  handle(input: Input, now: Instant): Output[] {
    const outputs: Output[] = [];
    switch (input.kind) {
      case 'packet':
        this.#received(input, now, outputs);
        break;
      case 'link':
        this.#linkChanged(input);
        break;
      case 'attached':
        this.#attached(input.link, input.station, outputs);
        break;
      case 'detached':
        this.#detached(input.link, input.station, now, outputs);
        break;
      case 'handoffExpected':
        if (input.station !== undefined) this.#expect(input.link, input.station, input.accessPoint, outputs);
        break;
      case 'proxied':
        this.#next.proxied(input.link, input.address, input.unique, now, outputs);
        break;
      case 'restored':
        this.#anchor.restore(input.records);
        break;
      case 'tick':
        this.#tick(now, outputs);
        break;
    }
    return outputs;
  }

  #received(input: PacketInput, now: Instant, outputs: Output[]): void {
    const { payload } = input.packet;
    if (payload.kind === 'mobility') this.#signalled(input, payload.message, now, outputs);
    else if (payload.kind === 'icmpv6') this.#neighbourSaid(input, payload.message, now, outputs);
  }

  #signalled(input: PacketInput, message: MobilityMessage, now: Instant, outputs: Output[]): void {
    const { packet } = input;
    switch (message.kind) {
      case 'fastBindingUpdate':
        return this.#anchor.update(input, message, now, outputs);
      case 'handoverAcknowledge':
        return this.#anchor.acknowledged(packet, message, now, outputs);
      case 'handoverInitiate':
        if (this.#mayAnnounce(packet.source)) return this.#announced(packet, message, now, outputs);
        return this.#refuseStranger(packet, message.sequence, outputs);
      default:
        return;
    }
  }

  /** A mobile that left for another router comes back from it: what was sent after it is kept for it here. */
  #announced(packet: Packet, message: HandoverInitiate, now: Instant, outputs: Output[]): void {
    const { proposed } = announcedIn(message.options);
    if (proposed !== undefined) this.#anchor.superseded(proposed, outputs);
    this.#next.initiated(packet, message, now, outputs);
  }

  #mayAnnounce(source: Address): boolean {
    return this.#neighbourhood.isRouter(source) || this.#settings.maps.includes(source);
  }

  /** Handover Initiate is for routers that know each other, and for MAPs. */
  #refuseStranger({ source, destination }: Packet, sequence: number, outputs: Output[]): void {
    const reason = 'initiateUnknownRouter';
    const code = handoverAcknowledgeCode.administrativelyProhibited;
    this.#counters.add(`refused_${reason}`);
    outputs.push({ kind: 'trace', event: { event: 'refused', peer: source, status: code, reason } });
    const answer = { kind: 'handoverAcknowledge', sequence, code, options: [] } as const;
    outputs.push({ kind: 'send', packet: mobilityPacket(destination, source, answer) });
  }

  #neighbourSaid(input: PacketInput, message: Icmpv6Message, now: Instant, outputs: Output[]): void {
    switch (message.kind) {
      case 'routerSolicitationForProxyAdvertisement':
        return this.#solicited(input, message, outputs);
      case 'neighbourAdvertisement':
        if (input.link !== undefined && input.neighbour !== undefined) {
          this.#attached(input.link, input.neighbour, outputs);
          if (!message.flags.solicited) this.#anchor.returned(input.neighbour, message.target, outputs);
        }
        return this.#next.advertised(input, message, now, outputs);
      case 'routerSolicitation':
        if (input.neighbour !== undefined) this.#next.solicited(input.neighbour, now, outputs);
        return;
      default:
        return;
    }
  }

  /** RFC 5568 §6.1.1. */
  #solicited(
    { packet, link, neighbour }: PacketInput,
    { code, identifier, options }: RouterSolicitationForProxyAdvertisement,
    outputs: Output[],
  ): void {
    if (packet.hopLimit !== 255 || code !== 0 || link === undefined || neighbour === undefined)
      return this.#discard(packet, 'solicitationInvalid', outputs);
    const asked = pointsOf(options);
    if (asked.length === 0) return this.#discard(packet, 'solicitationInvalid', outputs);
    this.#counters.add('proxySolicitations');
    this.#able.add(neighbour);
    if (asked !== 'all') for (const point of asked) this.#tellExpected(neighbour, packet.source, point, outputs);
    const answer = this.#neighbourhood.describe(asked, optionOctets);
    const to = { link, station: neighbour, destination: packet.source, identifier };
    this.#advertise(to, answer, outputs);
  }

  /** RFC 5568 §3.3: the network has decided. */
  #expect(link: LinkId, station: LinkAddress, accessPoint: LinkAddress, outputs: Output[]): void {
    const answer = this.#neighbourhood.describe([accessPoint], optionOctets);
    // A mobile that needs no other address, or is to go where nobody is known, is told nothing.
    if (answer.code !== 0 && answer.code !== 5) return this.#counters.add('handoffsUnknown');
    const destination = this.#addressOf(link, station);
    this.#able.add(station);
    this.#tellExpected(station, destination, accessPoint, outputs);
    const code = answer.code === 0 ? 1 : answer.code;
    this.#advertise({ link, station, destination, identifier: 0 }, { ...answer, code }, outputs);
  }

  #tellExpected(station: LinkAddress, previous: Address, point: LinkAddress, outputs: Output[]): void {
    const peer = this.#neighbourhood.at(point)?.address;
    if (peer === undefined) return;
    outputs.push({ kind: 'trace', event: { event: 'handover', change: 'expected', station, previous, peer } });
  }

  #advertise(to: Destination, { code, options }: Neighbours, outputs: Output[]): void {
    const { link, station, destination, identifier } = to;
    const own = this.#linkStates.get(link);
    if (!own) return;
    this.#counters.add('proxyAdvertisements');
    const source = linkLayer(linkLayerAddressCode.source, own.linkAddress);
    const message: Icmpv6Message = {
      kind: 'proxyRouterAdvertisement',
      code,
      identifier,
      options: [source, ...options],
    };
    const packet: Packet = {
      source: own.linkLocal,
      destination,
      hopLimit: 255,
      payload: { kind: 'icmpv6', message },
    };
    outputs.push({ kind: 'send', packet, link, neighbour: station });
  }

  #linkChanged({ link, up, linkAddress, linkLocal }: LinkInput): void {
    if (!up || linkLocal === undefined || !this.#settings.links.some(({ name }) => name === link)) return;
    this.#linkStates.set(link, { linkAddress, linkLocal });
    this.#next.linkLocal(link, linkLocal);
  }

  /** It has come back, or was never gone: what was kept for it goes out. */
  #attached(link: LinkId, neighbour: LinkAddress, outputs: Output[]): void {
    for (const [address, owner] of this.#keptFor) {
      if (owner !== neighbour) continue;
      this.#unkeep(address);
      if (this.#anchor.isForwarding(address)) continue;
      const to = hostPrefix(address);
      outputs.push({ kind: 'forward', rule: { to, via: { kind: 'link', link, neighbour } } });
      outputs.push({ kind: 'unforward', to });
    }
  }

  /** Who asks for packets to be kept keeps them too (RFC 5568 §5.4): the mobile may tell where it is from there. */
  #detached(link: LinkId, station: LinkAddress, now: Instant, outputs: Output[]): void {
    const { buffer, bufferOctets, bufferMs } = this.#settings;
    const addresses = [...this.#next.addressesOf(station)];
    this.#next.detached(station, outputs);
    if (!buffer || !this.#able.has(station)) return;
    for (const address of addresses) {
      if (isLinkLocal(address) || this.#linkOf(address)?.name !== link || this.#anchor.isForwarding(address)) continue;
      this.#kept.set(address, now + milliseconds(bufferMs));
      this.#keptFor.set(address, station);
      const via = { kind: 'park', limitOctets: bufferOctets } as const;
      outputs.push({ kind: 'forward', rule: { to: hostPrefix(address), via } });
    }
  }

  #tick(now: Instant, outputs: Output[]): void {
    for (const address of this.#kept.takeDue(now)) {
      this.#unkeep(address);
      if (!this.#anchor.isForwarding(address)) outputs.push({ kind: 'unforward', to: hostPrefix(address) });
    }
    this.#anchor.tick(now, outputs);
    this.#next.tick(now, outputs);
  }

  #unkeep(address: Address): void {
    this.#kept.clear(address);
    this.#keptFor.delete(address);
  }

  #linkOf(address: Address): AccessPointLink | undefined {
    return this.#settings.links.find(({ prefix }) => prefixContains(prefix, address));
  }

  /** One beyond the link, where the station has told one. */
  #addressOf(link: LinkId, station: LinkAddress): Address {
    for (const address of this.#next.addressesOf(station)) if (this.#linkOf(address)?.name === link) return address;
    return linkLocalAddress(station);
  }

  #discard({ source }: Packet, reason: string, outputs: Output[]): void {
    this.#counters.add(`discarded_${reason}`);
    outputs.push({ kind: 'trace', event: { event: 'discarded', peer: source, reason } });
  }
}

interface Destination {
  readonly link: LinkId;
  readonly station: LinkAddress;
  readonly destination: Address;
  readonly identifier: number;
}

/** The access points asked about. */
function pointsOf(options: readonly NeighbourOption[]): LinkAddress[] | 'all' {
  const points: LinkAddress[] = [];
  for (const option of options) {
    if (option.kind !== 'linkLayerAddress') continue;
    if (option.code === linkLayerAddressCode.wildcard) return 'all';
    if (option.code === linkLayerAddressCode.newAccessPoint) points.push(option.address);
  }
  return points;
}
