import type { Address } from '../../base/address.js';
import { unreachable } from '../../base/errors.js';
import { hostPrefix, type Prefix } from '../../base/prefix.js';
import { earliest, type Instant } from '../../base/time.js';
import type { Icmpv6Message } from '../../wire/icmpv6/messages.js';
import { effectiveDestination, type Packet, protocol } from '../../wire/ipv6/packet.js';
import type { BindingAcknowledgement, MobilityMessage } from '../../wire/mobility/messages.js';
import { Counters } from '../anchor/counters.js';
import type { AssociationId, Engine, Environment, Input, Interests, Output, Row, TunnelEnd, Via } from '../contract.js';
import { isSameVia } from '../rules.js';
import type { Place } from './correspondent-registration.js';
import { HomeBinding, type HomeBindingSettings } from './home-binding.js';
import { type Attachment, Movement, type MovementSettings } from './movement.js';
import { gratuitousAdvertisement } from './packets.js';
import { type Anticipation, OnLinkReach, type Reach } from './reach.js';
import { RouteOptimisation, type RouteOptimisationSettings } from './route-optimisation.js';

export interface MobileNodeSettings extends MovementSettings, HomeBindingSettings, RouteOptimisationSettings {
  readonly homeAddress: Address;
  readonly homePrefix: Prefix;
  /** Whether correspondents are told of care-of addresses. */
  readonly routeOptimisation: boolean;
  /** How much of its own traffic the node keeps while it is not registered. */
  readonly parkOctets: number;
  /** Signalling goes unprotected. */
  readonly insecure: boolean;
}

/** What makes a mobile node more than RFC 6275 asks for. */
export interface MobileNodeParts {
  /** RFC 4140's, in the place of RFC 6275's. */
  readonly reach?: Reach;
  /** RFC 5568. */
  readonly anticipation?: Anticipation;
}

/**
 * The mobile node of RFC 6275 §11: movement says where it is, reach makes a care-of address of that, home agent and
 * correspondents are told of it. Packets from the home address go by the home agent, straight, or wait.
 */
export class MobileNode implements Engine {
  readonly interests: Interests;
  readonly views: Engine['views'];
  readonly #settings: MobileNodeSettings;
  readonly #home: Prefix;
  readonly #movement: Movement;
  readonly #reach: Reach;
  readonly #anticipation: Anticipation | undefined;
  readonly #binding: HomeBinding;
  readonly #counters = new Counters();
  readonly #correspondents: RouteOptimisation | undefined;
  #started = false;
  #place: Attachment | undefined;
  /** Care-of addresses at which the home agent's tunnel may end. */
  readonly #tunnelEnds = new Map<Address, TunnelEnd>();
  /** How packets from the home address go, and what correspondents were last told from. */
  #uplink: Via | undefined;
  #settled: string | undefined;

  constructor(settings: MobileNodeSettings, environment: Environment, parts: MobileNodeParts = {}) {
    this.#settings = settings;
    this.#home = hostPrefix(settings.homeAddress);
    this.#movement = new Movement(settings);
    this.#reach = parts.reach ?? new OnLinkReach();
    this.#anticipation = parts.anticipation;
    const { passage } = this.#reach;
    this.#binding = new HomeBinding(settings, environment.random, (update, now) => passage.carry(update, now));
    if (settings.routeOptimisation)
      this.#correspondents = new RouteOptimisation(settings, environment.random, test => passage.carryTest(test));
    const protocols = [...new Set([protocol.mobility, protocol.icmpv6, ...(this.#anticipation?.protocols ?? [])])];
    this.interests = { protocols, accessLinks: [], udpPorts: [], hostLinks: settings.links };
    this.views = {
      registrations: () => this.#rows(),
      correspondents: () => this.#correspondents?.rows() ?? [],
    };
  }

  get counters(): Readonly<Record<string, number>> {
    return { ...this.#anticipation?.counters, ...this.#counters.values };
  }

  /** At once before the first input: the home address has to be there before anything is sent from it. */
  get deadline(): Instant | undefined {
    if (!this.#started) return 0;
    return [this.#movement, this.#reach, this.#binding, this.#anticipation, this.#correspondents]
      .map(part => part?.deadline)
      .reduce(earliest);
  }

  handle(input: Input, now: Instant): Output[] {
    const outputs: Output[] = [];
    if (!this.#started) this.#start(outputs);
    if (!this.#anticipation?.handle(input, this.#place, now, outputs)) this.#handle(input, now, outputs);
    this.#follow(now, outputs);
    return outputs;
  }

  #handle(input: Input, now: Instant, outputs: Output[]): void {
    switch (input.kind) {
      case 'link':
      case 'address':
      case 'router':
        return this.#movement.handle(input, now);
      case 'tick':
        return this.#tick(now, outputs);
      case 'packet':
        return this.#packet(input.packet, input.association, now, outputs);
      case 'flow':
        return this.#flow(input.source, input.destination, now, outputs);
      case 'restored':
      case 'command':
      case 'proxied':
      case 'attached':
      case 'detached':
      case 'seen':
      case 'handoffExpected':
      case 'message':
      case 'peerLost':
      case 'unkeyed':
      case 'profile':
        return;
      default:
        return unreachable(input);
    }
  }

  #start(outputs: Output[]): void {
    this.#started = true;
    outputs.push({ kind: 'configure', address: this.#settings.homeAddress });
    this.#correspondents?.start(outputs);
  }

  #tick(now: Instant, outputs: Output[]): void {
    this.#movement.tick(now);
    this.#reach.tick(now, outputs);
    this.#binding.tick(now, outputs);
    this.#correspondents?.tick(now, outputs);
  }

  #flow(source: Address, destination: Address, now: Instant, outputs: Output[]): void {
    const { homeAgent } = this.#binding;
    const isAnchor = (address: Address) => address === homeAgent || this.#reach.isAnchor(address);
    if (!isAnchor(source) && !isAnchor(destination)) this.#correspondents?.flow(source, destination, now, outputs);
  }

  // ---- what a change of place asks for (RFC 6275 §11.5) --------------------------------------------------------------

  #follow(now: Instant, outputs: Output[]): void {
    const detected = this.#reach.choose(this.#movement.attachments);
    const place = this.#anticipation ? this.#anticipation.place(detected) : detected;
    this.#attach(place, outputs);
    this.#reach.follow(place, now, outputs);
    this.#moveTunnelEnds(outputs);
    const told: Output[] = [];
    this.#binding.follow(this.#reach.careOf, now, told);
    outputs.push(...told.map(output => this.#straightAtHome(output)));
    this.#correspond(now, outputs);
  }

  /** What goes by the link: packets from the care-of address there, or from the home address at home. */
  #attach(place: Attachment | undefined, outputs: Output[]): void {
    const before = this.#place;
    this.#place = place;
    if (isSamePlace(before, place)) return;
    const hasMoved = before?.careOf !== place?.careOf || before?.borrows !== place?.borrows;
    if (before && hasMoved) this.#leave(before, outputs);
    if (!place) return;
    const { careOf, link, router, routerLinkAddress } = place;
    if (place.atHome) {
      outputs.push({ kind: 'configure', address: careOf, link, announce: !this.#binding.mayBeBound });
      return this.#binding.mayBeBound ? this.#route(this.#parking, outputs) : undefined;
    }
    if (place.borrows) return this.#counters.add('handovers');
    const resolved = routerLinkAddress === undefined ? {} : { neighbour: routerLinkAddress };
    const via = { kind: 'link', link, router, ...resolved } as const;
    outputs.push({ kind: 'forward', rule: { from: hostPrefix(careOf), via } });
    if (!hasMoved) return;
    outputs.push({ kind: 'send', packet: gratuitousAdvertisement(place), link });
    if (this.#binding.careOf !== careOf) this.#counters.add('handovers');
  }

  #leave(place: Attachment, outputs: Output[]): void {
    if (place.atHome) outputs.push({ kind: 'configure', address: this.#settings.homeAddress });
    else if (!place.borrows) outputs.push({ kind: 'unforward', from: hostPrefix(place.careOf) });
  }

  /** RFC 6275 §11.5.5: nothing else leaves from the home address there before the home agent has been told. */
  #straightAtHome(output: Output): Output {
    return output.kind === 'send' && this.#place?.atHome ? { ...output, link: this.#place.link } : output;
  }

  /** The home agent's tunnel comes to wherever it may send now. */
  #moveTunnelEnds(outputs: Output[]): void {
    const { homeAgent } = this.#binding;
    for (const [careOf, end] of this.#tunnelEnds)
      if (!this.#carries(careOf) || end.remote !== homeAgent) {
        this.#tunnelEnds.delete(careOf);
        outputs.push({ kind: 'unadmit', end });
      }
    if (homeAgent === undefined) return;
    for (const careOf of [this.#reach.careOf?.address, this.#binding.careOf]) {
      if (careOf === undefined || careOf === this.#settings.homeAddress || this.#tunnelEnds.has(careOf)) continue;
      if (!this.#carries(careOf)) continue;
      const end = this.#reach.passage.tunnelEnd(careOf, homeAgent, this.#home);
      if (!end) continue;
      this.#tunnelEnds.set(careOf, end);
      outputs.push({ kind: 'admit', end });
    }
  }

  #carries(careOf: Address): boolean {
    return this.#reach.carries(careOf) || (this.#anticipation?.carries(careOf) ?? false);
  }

  /** Packets from the home address go where they get through; correspondents learn what the home agent knows (RFC 6275 §11.7.2). */
  #correspond(now: Instant, outputs: Output[]): void {
    const via = this.#via();
    const { careOf, endsAt, mayBeBound } = this.#binding;
    const situation = `${this.#reach.generation} ${via.kind} ${careOf} ${endsAt} ${mayBeBound}`;
    if (situation === this.#settled) return;
    this.#settled = situation;
    const mayTell = via.kind !== 'park' && !(this.#place?.atHome && mayBeBound);
    this.#correspondents?.settle(peer => (mayTell ? this.#tellable(peer) : undefined), outputs);
    this.#route(via, outputs);
    this.#correspondents?.inform(now, outputs);
  }

  /** Not beyond what the home agent granted (RFC 6275 §11.7.2). */
  #tellable(correspondent: Address): Place | undefined {
    const careOf = this.#reach.careOfFor(correspondent);
    if (!careOf) return undefined;
    return { careOf: careOf.address, endsAt: Math.min(careOf.endsAt, this.#binding.endsAt ?? careOf.endsAt) };
  }

  /**
   * What the node's own applications send waits while the home agent does not know where the node is, or may have heard
   * of another place: it would be lost.
   */
  #via(): Via {
    if (this.#place?.atHome) return { kind: 'link', link: this.#place.link, router: this.#place.router };
    const { careOf, homeAgent } = this.#binding;
    if (careOf === undefined || homeAgent === undefined || !this.#binding.isBoundTo(careOf) || !this.#carries(careOf))
      return this.#parking;
    return this.#reach.passage.uplink(careOf, homeAgent);
  }

  get #parking(): Via {
    return { kind: 'park', limitOctets: this.#settings.parkOctets };
  }

  #route(via: Via, outputs: Output[]): void {
    if (isSameVia(this.#uplink, via)) return;
    this.#uplink = via;
    outputs.push({ kind: 'forward', rule: { from: this.#home, via } });
  }

  // ---- what others say ----------------------------------------------------------------------------------------------

  #packet(packet: Packet, association: AssociationId | undefined, now: Instant, outputs: Output[]): void {
    const { payload } = packet;
    if (payload.kind === 'icmpv6') return this.#icmpv6(packet, payload.message, association, now, outputs);
    if (payload.kind !== 'mobility') return;
    const { message } = payload;
    if (message.kind === 'bindingAcknowledgement' && this.#fromAnchor(packet, message, association, now, outputs))
      return;
    if (!this.#fromCorrespondent(packet, message, payload.octets, now, outputs))
      this.#discard(packet, 'unexpected', outputs);
  }

  /** RFC 6275 §11.4, §11.3.5. */
  #icmpv6(
    packet: Packet,
    message: Icmpv6Message,
    association: AssociationId | undefined,
    now: Instant,
    outputs: Output[],
  ): void {
    const isTrusted = association !== undefined || this.#settings.insecure;
    const isHome = effectiveDestination(packet) === this.#settings.homeAddress;
    const taken = this.#binding.received(message, packet.source, isTrusted && isHome, now);
    if (taken === undefined) this.#correspondents?.unsupported(message, now, outputs);
    else if (!taken) this.#discard(packet, message.kind, outputs);
  }

  /** Whether home agent or MAP answers. */
  #fromAnchor(
    packet: Packet,
    message: BindingAcknowledgement,
    association: AssociationId | undefined,
    now: Instant,
    outputs: Output[],
  ): boolean {
    const isMap = this.#reach.isAnchor(packet.source);
    if (!isMap && packet.source !== this.#binding.homeAgent) return false;
    if (association === undefined && !this.#settings.insecure) this.#discard(packet, 'unprotected', outputs);
    else if (isMap) this.#relayed(this.#reach.acknowledged(packet, message, now, outputs), now, outputs);
    else this.#acknowledged(packet, message, now, outputs);
    return true;
  }

  /** What an agent says that registers the mobile with its home agent (draft-dommety, appendix, 2). */
  #relayed(answer: BindingAcknowledgement | undefined, now: Instant, outputs: Output[]): void {
    if (answer) this.#concluded(answer, now, outputs);
  }

  /** RFC 6275 §11.7.3. */
  #acknowledged(packet: Packet, message: BindingAcknowledgement, now: Instant, outputs: Output[]): void {
    if (effectiveDestination(packet) !== this.#settings.homeAddress)
      return this.#discard(packet, 'acknowledgementAddress', outputs);
    this.#concluded(message, now, outputs);
  }

  #concluded(message: BindingAcknowledgement, now: Instant, outputs: Output[]): void {
    const change = this.#binding.acknowledged(message, now, outputs);
    this.#counters.add(`acknowledgements_${change}`);
    const { careOf } = this.#binding;
    if (change !== 'ignored') this.#reach.passage.answered(change, message, careOf);
    if (change === 'registered' && careOf !== undefined) this.#reach.told(careOf, now, outputs);
    const place = this.#place;
    if (change === 'deregistered' && place?.atHome)
      outputs.push({ kind: 'configure', address: place.careOf, link: place.link, announce: true });
  }

  /** Whether it is something that a correspondent may say now. */
  #fromCorrespondent(
    packet: Packet,
    message: MobilityMessage,
    octets: Uint8Array | undefined,
    now: Instant,
    outputs: Output[],
  ): boolean {
    const correspondents = this.#correspondents;
    if (!correspondents) return false;
    switch (message.kind) {
      case 'homeTest':
      case 'careOfTest':
        return correspondents.tested(packet, message, now, outputs);
      case 'bindingAcknowledgement':
        return correspondents.acknowledged(packet, message, octets, now, outputs);
      case 'bindingRefreshRequest':
        return correspondents.refreshRequested(packet.source, now, outputs);
      case 'bindingError':
        correspondents.failed(packet.source, message.status, now, outputs);
        return true;
      default:
        return false;
    }
  }

  #discard(packet: Packet, reason: string, outputs: Output[]): void {
    this.#counters.add(`discarded_${reason}`);
    outputs.push({ kind: 'trace', event: { event: 'discarded', peer: packet.source, reason } });
  }

  *#rows(): Generator<Row> {
    yield* this.#binding.rows();
    yield* this.#reach.rows();
  }
}

function isSamePlace(a: Attachment | undefined, b: Attachment | undefined): boolean {
  return a?.careOf === b?.careOf && a?.borrows === b?.borrows && a?.router === b?.router && a?.link === b?.link;
}
