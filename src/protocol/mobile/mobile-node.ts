import { type Address, formatAddress } from '../../base/address.js';
import { unreachable } from '../../base/errors.js';
import { hostPrefix, type Prefix } from '../../base/prefix.js';
import type { Instant } from '../../base/time.js';
import { effectiveDestination, type Packet, protocol } from '../../wire/ipv6/packet.js';
import type { BindingAcknowledgement, MobilityMessage } from '../../wire/mobility/messages.js';
import { earliest } from '../anchor/anchor.js';
import { Counters } from '../anchor/counters.js';
import type { AssociationId, Engine, Environment, Input, Interests, Output, Row, Via } from '../contract.js';
import { HomeRegistration, type HomeRegistrationSettings } from './home-registration.js';
import { type Attachment, Movement, type MovementSettings } from './movement.js';
import { gratuitousAdvertisement } from './packets.js';
import { RouteOptimisation, type RouteOptimisationSettings } from './route-optimisation.js';

export interface MobileNodeSettings extends MovementSettings, HomeRegistrationSettings, RouteOptimisationSettings {
  /** Whether correspondents are told of care-of addresses. */
  readonly routeOptimisation: boolean;
  /** How much of its own traffic the node keeps while it is not registered. */
  readonly parkOctets: number;
  /** Signalling goes unprotected. */
  readonly insecure: boolean;
}

/** The mobile node of RFC 6275 §11: a bidirectional tunnel to its home agent, straight paths to correspondents. */
export class MobileNode implements Engine {
  readonly interests: Interests;
  readonly views: Engine['views'];
  readonly #settings: MobileNodeSettings;
  readonly #home: Prefix;
  readonly #movement: Movement;
  readonly #registration: HomeRegistration;
  readonly #counters = new Counters();
  readonly #correspondents: RouteOptimisation | undefined;
  #started = false;
  #attachment: Attachment | undefined;

  constructor(settings: MobileNodeSettings, environment: Environment) {
    this.#settings = settings;
    this.#home = hostPrefix(settings.homeAddress);
    this.#movement = new Movement(settings);
    this.#registration = new HomeRegistration(settings, environment.random.uint32());
    if (settings.routeOptimisation) this.#correspondents = new RouteOptimisation(settings, environment.random);
    const protocols = this.#correspondents ? [protocol.mobility, protocol.icmpv6] : [protocol.mobility];
    this.interests = { protocols, accessLinks: [], udpPorts: [], hostLinks: settings.links };
    this.views = {
      registrations: () => this.#rows(),
      correspondents: () => this.#correspondents?.rows() ?? [],
    };
  }

  get counters(): Readonly<Record<string, number>> {
    return this.#counters.values;
  }

  /** At once before the first input: the home address has to be there before anything is sent from it. */
  get deadline(): Instant | undefined {
    return this.#started
      ? earliest(earliest(this.#movement.deadline, this.#registration.deadline), this.#correspondents?.deadline)
      : 0;
  }

  handle(input: Input, now: Instant): Output[] {
    const outputs: Output[] = [];
    if (!this.#started) this.#start(outputs);
    switch (input.kind) {
      case 'link':
      case 'address':
      case 'router':
        this.#movement.handle(input, now);
        break;
      case 'tick':
        this.#tick(now, outputs);
        break;
      case 'packet':
        this.#packet(input.packet, input.association, now, outputs);
        break;
      case 'flow':
        this.#correspondents?.flow(input.source, input.destination, now, outputs);
        break;
      case 'restored':
      case 'command':
      case 'proxied':
      case 'attached':
      case 'detached':
      case 'seen':
      case 'profile':
        break;
      default:
        return unreachable(input);
    }
    this.#follow(now, outputs);
    return outputs;
  }

  #start(outputs: Output[]): void {
    this.#started = true;
    outputs.push({ kind: 'configure', address: this.#settings.homeAddress });
    this.#park(outputs);
    this.#correspondents?.start(outputs);
  }

  /** RFC 6275 §11.5: does what a change of place asks for. */
  #follow(now: Instant, outputs: Output[]): void {
    const before = this.#attachment;
    const after = this.#movement.attachment;
    if (isSamePlace(before, after)) return;
    this.#attachment = after;
    if (before && before.careOf !== after?.careOf) this.#leave(before, outputs);
    if (after?.atHome) this.#arriveHome(after, now, outputs);
    else if (after) this.#arrive(after, before, now, outputs);
  }

  #leave({ careOf, atHome }: Attachment, outputs: Output[]): void {
    this.#park(outputs);
    this.#registration.suspend();
    this.#correspondents?.suspend(outputs);
    if (atHome) outputs.push({ kind: 'configure', address: this.#settings.homeAddress });
    else {
      outputs.push({ kind: 'unforward', from: hostPrefix(careOf) });
      outputs.push({ kind: 'unadmit', end: this.#tunnelEnd(careOf) });
    }
  }

  #arrive(place: Attachment, before: Attachment | undefined, now: Instant, outputs: Output[]): void {
    const { careOf, link, router } = place;
    outputs.push({ kind: 'forward', rule: { from: hostPrefix(careOf), via: { kind: 'link', link, router } } });
    if (before?.careOf === careOf) return;
    outputs.push({ kind: 'admit', end: this.#tunnelEnd(careOf) });
    outputs.push({ kind: 'send', packet: gratuitousAdvertisement(place), link });
    // A link that went and came back: the home agent has not noticed.
    if (this.#registration.careOf === careOf) return this.#registered(careOf, now, outputs);
    this.#counters.add('handovers');
    this.#registration.register(careOf, now, outputs);
  }

  /** RFC 6275 §11.5.5: de-registers, where the home agent may think that it is away. */
  #arriveHome({ careOf, link, router }: Attachment, now: Instant, outputs: Output[]): void {
    const away = this.#registration.mayBeBound;
    outputs.push({ kind: 'configure', address: careOf, link, announce: !away });
    this.#route({ kind: 'link', link, router }, outputs);
    if (away) this.#registration.register(careOf, now, outputs);
    else this.#correspondents?.resume({ careOf, lifetimeS: 0 }, now, outputs);
  }

  #packet(packet: Packet, association: AssociationId | undefined, now: Instant, outputs: Output[]): void {
    const { payload } = packet;
    if (payload.kind === 'icmpv6') return this.#correspondents?.unsupported(payload.message, now, outputs);
    if (payload.kind !== 'mobility') return;
    const { message } = payload;
    if (message.kind === 'bindingAcknowledgement' && packet.source === this.#settings.homeAgent)
      return this.#acknowledged(packet, message, association, now, outputs);
    if (!this.#fromCorrespondent(packet, message, payload.octets, now, outputs))
      this.#discard(packet, 'unexpected', outputs);
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
      case 'bindingError':
        correspondents.failed(packet.source, message.status, now, outputs);
        return true;
      default:
        return false;
    }
  }

  /** RFC 6275 §11.7.3. */
  #acknowledged(
    packet: Packet,
    message: BindingAcknowledgement,
    association: AssociationId | undefined,
    now: Instant,
    outputs: Output[],
  ): void {
    const { homeAddress, homeAgent, insecure } = this.#settings;
    if (association === undefined && !insecure) return this.#discard(packet, 'unprotected', outputs);
    if (packet.source !== homeAgent || effectiveDestination(packet) !== homeAddress)
      return this.#discard(packet, 'acknowledgementAddress', outputs);
    const change = this.#registration.acknowledged(message, now, outputs);
    this.#counters.add(`acknowledgements_${change}`);
    switch (change) {
      case 'registered':
        return this.#registered(this.#registration.careOf as Address, now, outputs);
      case 'deregistered':
        return this.#deregistered(now, outputs);
      case 'refused':
        this.#correspondents?.suspend(outputs);
        return this.#park(outputs);
      case 'ignored':
        return;
    }
  }

  #registered(careOf: Address, now: Instant, outputs: Output[]): void {
    this.#route({ kind: 'tunnel', local: careOf, remote: this.#settings.homeAgent }, outputs);
    this.#correspondents?.resume({ careOf, lifetimeS: this.#registration.remainingS(now) }, now, outputs);
  }

  #deregistered(now: Instant, outputs: Output[]): void {
    const place = this.#attachment;
    if (!place?.atHome) return;
    this.#correspondents?.resume({ careOf: place.careOf, lifetimeS: 0 }, now, outputs);
    outputs.push({ kind: 'configure', address: place.careOf, link: place.link, announce: true });
  }

  #tick(now: Instant, outputs: Output[]): void {
    this.#movement.tick(now);
    if (this.#registration.tick(now, outputs)) {
      this.#park(outputs);
      this.#correspondents?.suspend(outputs);
    }
    this.#correspondents?.tick(now, outputs);
    const place = this.#attachment;
    if (place && !place.atHome && this.#registration.isRefreshDue(now))
      this.#registration.register(place.careOf, now, outputs);
  }

  /** What the node's own applications send waits: it would be lost while the home agent does not know where the node is. */
  #park(outputs: Output[]): void {
    this.#route({ kind: 'park', limitOctets: this.#settings.parkOctets }, outputs);
  }

  #route(via: Via, outputs: Output[]): void {
    outputs.push({ kind: 'forward', rule: { from: this.#home, via } });
  }

  #tunnelEnd(careOf: Address) {
    return { local: careOf, remote: this.#settings.homeAgent, to: this.#home };
  }

  #discard(packet: Packet, reason: string, outputs: Output[]): void {
    this.#counters.add(`discarded_${reason}`);
    outputs.push({ kind: 'trace', event: { event: 'discarded', peer: packet.source, reason } });
  }

  *#rows(): Generator<Row> {
    const { homeAddress, homeAgent } = this.#settings;
    const careOf = this.#registration.careOf;
    yield {
      home: formatAddress(homeAddress),
      peer: formatAddress(homeAgent),
      careOf: careOf && formatAddress(careOf),
      state: careOf === undefined ? 'unregistered' : 'registered',
      sequence: this.#registration.sequence,
    };
  }
}

function isSamePlace(a: Attachment | undefined, b: Attachment | undefined): boolean {
  return a?.careOf === b?.careOf && a?.router === b?.router && a?.link === b?.link;
}
