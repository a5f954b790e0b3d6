import { type Address, addressFromBytes, formatAddress, isRoutableUnicast, unspecified } from '../../base/address.js';
import { hostPrefix, type Prefix } from '../../base/prefix.js';
import type { Random } from '../../base/random.js';
import type { Instant } from '../../base/time.js';
import type { Icmpv6Message } from '../../wire/icmpv6/messages.js';
import { effectiveDestination, type Packet } from '../../wire/ipv6/packet.js';
import type { BindingAcknowledgement, MobilityMessageOf } from '../../wire/mobility/messages.js';
import type { Output, Row } from '../contract.js';
import { CorrespondentRegistration } from './correspondent-registration.js';

export interface RouteOptimisationSettings {
  readonly homeAddress: Address;
  readonly homeAgent: Address;
  /** More correspondents than that are spoken to through the home agent. */
  readonly maximumCorrespondents: number;
}

const everywhere: Prefix = { address: unspecified, length: 0 };

/** Where the mobile can be told from: registered with its home agent, or at home. */
export interface Place {
  readonly careOf: Address;
  /** What the home registration has left. */
  readonly lifetimeS: number;
}

/** A mobile node's correspondents (RFC 6275 §11.6, §11.7.2): who is spoken to straight, and who soon will be. */
export class RouteOptimisation {
  readonly #settings: RouteOptimisationSettings;
  readonly #random: Random;
  readonly #correspondents = new Map<Address, CorrespondentRegistration>();
  #place: Place | undefined;

  constructor(settings: RouteOptimisationSettings, random: Random) {
    this.#settings = settings;
    this.#random = random;
  }

  get deadline(): Instant | undefined {
    let earliest: Instant | undefined;
    for (const { deadline } of this.#correspondents.values())
      if (deadline !== undefined && (earliest === undefined || deadline < earliest)) earliest = deadline;
    return earliest;
  }

  /** Flows of the home address, in either direction. */
  start(outputs: Output[]): void {
    outputs.push({ kind: 'watch', to: everywhere });
    outputs.push({ kind: 'watch', to: hostPrefix(this.#settings.homeAddress) });
  }

  /** Packets go between the home address and somebody (RFC 6275 §11.7.2). */
  flow(source: Address, destination: Address, now: Instant, outputs: Output[]): void {
    const { homeAddress, homeAgent, maximumCorrespondents } = this.#settings;
    const peer = source === homeAddress ? destination : source;
    if ((source !== homeAddress && destination !== homeAddress) || peer === homeAgent || !isRoutableUnicast(peer))
      return;
    const known = this.#correspondents.get(peer);
    if (known ? known.state !== 'idle' && !known.isStale : this.#correspondents.size >= maximumCorrespondents) return;
    const correspondent = known ?? new CorrespondentRegistration(peer, homeAddress, this.#random);
    this.#correspondents.set(peer, correspondent);
    if (this.#place && !this.#isHome) this.#begin(correspondent, this.#place, now, outputs);
  }

  /** The home agent knows where the mobile is: now the correspondents may (RFC 6275 §11.7.2). */
  resume(place: Place, now: Instant, outputs: Output[]): void {
    const moved = this.#place?.careOf !== place.careOf;
    this.#place = place;
    if (!moved) return;
    for (const correspondent of this.#correspondents.values()) {
      correspondent.refused = false;
      if (correspondent.careOf === place.careOf) this.#install(correspondent, outputs);
      else if (!this.#isHome || correspondent.careOf !== undefined) this.#begin(correspondent, place, now, outputs);
    }
  }

  /** The mobile leaves: what it sends goes by the home agent until the correspondent has heard of the new place. */
  suspend(outputs: Output[]): void {
    if (!this.#place) return;
    this.#place = undefined;
    for (const correspondent of this.#correspondents.values()) {
      correspondent.suspend();
      if (correspondent.careOf !== undefined) this.#uninstall(correspondent, outputs);
    }
  }

  tick(now: Instant, outputs: Output[]): void {
    for (const correspondent of this.#correspondents.values()) {
      if (correspondent.endsAt <= now) this.#end(correspondent, outputs);
      if (correspondent.refreshAt <= now) this.#refreshWhenUsed(correspondent, outputs);
      correspondent.tick(now, outputs);
    }
  }

  tested(
    packet: Packet,
    message: MobilityMessageOf<'homeTest'> | MobilityMessageOf<'careOfTest'>,
    now: Instant,
    outputs: Output[],
  ): boolean {
    // RFC 6275 §11.6.2: by no routing header; the source is whom the test was for.
    if (effectiveDestination(packet) !== packet.destination) return false;
    return this.#correspondents.get(packet.source)?.tested(message, packet.destination, now, outputs) ?? false;
  }

  acknowledged(
    packet: Packet,
    message: BindingAcknowledgement,
    octets: Uint8Array | undefined,
    now: Instant,
    outputs: Output[],
  ): boolean {
    const correspondent = this.#correspondents.get(packet.source);
    if (!correspondent || effectiveDestination(packet) !== this.#settings.homeAddress) return false;
    const { homeAddress: home } = this.#settings;
    const change = correspondent.acknowledged(message, octets, now, outputs);
    if (change === 'bound') this.#install(correspondent, outputs);
    if (change === 'unbound') this.#correspondents.delete(correspondent.address);
    if (change === 'bound' || change === 'unbound')
      outputs.push({
        kind: 'trace',
        event: {
          event: 'binding',
          change: change === 'bound' ? 'refreshed' : 'deregistered',
          home: hostPrefix(home),
          ...(correspondent.careOf && { careOf: correspondent.careOf }),
        },
      });
    return change !== 'none';
  }

  /** RFC 6275 §11.3.6: without a binding there all has to begin again; one that knows no Mobility Header is left alone. */
  failed(peer: Address, code: number, now: Instant, outputs: Output[]): void {
    const correspondent = this.#correspondents.get(peer);
    if (!correspondent) return;
    if (code === 1 && correspondent.careOf === undefined) return;
    this.#end(correspondent, outputs);
    if (code === 2) {
      correspondent.suspend();
      correspondent.refused = true;
    } else if (this.#place && !this.#isHome) this.#begin(correspondent, this.#place, now, outputs);
  }

  /** RFC 6275 §11.3.5: an ICMPv6 error about a Mobility Header or a Home Address option, with the packet it is about. */
  unsupported(message: Icmpv6Message, now: Instant, outputs: Output[]): void {
    if (message.kind !== 'parameterProblem' || (message.code !== 1 && message.code !== 2)) return;
    if (message.packet.length < 40) return;
    this.failed(addressFromBytes(message.packet, 24), 2, now, outputs);
  }

  *rows(): Generator<Row> {
    for (const { address, careOf, state } of this.#correspondents.values())
      yield { correspondent: formatAddress(address), careOf: careOf && formatAddress(careOf), state };
  }

  get #isHome(): boolean {
    return this.#place?.careOf === this.#settings.homeAddress;
  }

  #begin(correspondent: CorrespondentRegistration, place: Place, now: Instant, outputs: Output[]): void {
    correspondent.begin(place.careOf, place.lifetimeS, now, outputs);
  }

  /** A refresh is for those who are spoken to: the next packet of a flow is reported anew and begins it (RFC 6275 §11.7.2). */
  #refreshWhenUsed(correspondent: CorrespondentRegistration, outputs: Output[]): void {
    correspondent.refreshAt = Number.POSITIVE_INFINITY;
    correspondent.isStale = true;
    this.start(outputs);
  }

  #end(correspondent: CorrespondentRegistration, outputs: Output[]): void {
    if (correspondent.careOf !== undefined) this.#uninstall(correspondent, outputs);
    correspondent.forget();
  }

  #install({ address, careOf }: CorrespondentRegistration, outputs: Output[]): void {
    if (careOf === undefined) return;
    const via = { kind: 'routeOptimised', sourceCareOf: careOf } as const;
    outputs.push({ kind: 'forward', rule: { to: hostPrefix(address), from: this.#home, via } });
  }

  #uninstall({ address }: CorrespondentRegistration, outputs: Output[]): void {
    outputs.push({ kind: 'unforward', to: hostPrefix(address), from: this.#home });
  }

  get #home(): Prefix {
    return hostPrefix(this.#settings.homeAddress);
  }
}
