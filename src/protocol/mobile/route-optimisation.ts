import { type Address, addressFromBytes, formatAddress, isRoutableUnicast, unspecified } from '../../base/address.js';
import { hostPrefix, type Prefix } from '../../base/prefix.js';
import type { Random } from '../../base/random.js';
import { earliest, type Instant } from '../../base/time.js';
import type { Icmpv6Message } from '../../wire/icmpv6/messages.js';
import { cameTo, effectiveDestination, type Packet } from '../../wire/ipv6/packet.js';
import type { BindingAcknowledgement, MobilityMessageOf } from '../../wire/mobility/messages.js';
import type { Output, Row } from '../contract.js';
import { CorrespondentRegistration, type Place } from './correspondent-registration.js';
import type { Passage } from './reach.js';

export interface RouteOptimisationSettings {
  readonly homeAddress: Address;
  /** More correspondents than that are spoken to through the home agent. */
  readonly maximumCorrespondents: number;
}

const everywhere: Prefix = { address: unspecified, length: 0 };

/** What a correspondent may be told now; undefined: nothing. */
export type PlaceFor = (correspondent: Address) => Place | undefined;

/** A mobile node's correspondents (RFC 6275 §11.6, §11.7.2): who is spoken to straight, and who soon will be. */
export class RouteOptimisation {
  readonly #settings: RouteOptimisationSettings;
  readonly #random: Random;
  readonly #correspondents = new Map<Address, CorrespondentRegistration>();
  readonly #carryTest: Passage['carryTest'];
  #placeFor: PlaceFor = () => undefined;

  constructor(settings: RouteOptimisationSettings, random: Random, carryTest: Passage['carryTest']) {
    this.#settings = settings;
    this.#random = random;
    this.#carryTest = carryTest;
  }

  get deadline(): Instant | undefined {
    let at: Instant | undefined;
    for (const { deadline } of this.#correspondents.values()) at = earliest(at, deadline);
    return at;
  }

  /** Flows of the home address, in either direction. */
  start(outputs: Output[]): void {
    outputs.push({ kind: 'watch', to: everywhere });
    outputs.push({ kind: 'watch', to: hostPrefix(this.#settings.homeAddress) });
  }

  /** Packets go between the home address and somebody (RFC 6275 §11.7.2). */
  flow(source: Address, destination: Address, now: Instant, outputs: Output[]): void {
    const { homeAddress, maximumCorrespondents } = this.#settings;
    const peer = source === homeAddress ? destination : source;
    if ((source !== homeAddress && destination !== homeAddress) || !isRoutableUnicast(peer)) return;
    const known = this.#correspondents.get(peer);
    if (!known && this.#correspondents.size >= maximumCorrespondents) return;
    const correspondent = known ?? new CorrespondentRegistration(peer, homeAddress, this.#random, this.#carryTest);
    this.#correspondents.set(peer, correspondent);
    if (correspondent.state === 'idle' || correspondent.isStale) this.#begin(correspondent, now, outputs);
  }

  /** The mobile is elsewhere, or others may be told: what goes straight still does, or does again, and nothing else. */
  settle(placeFor: PlaceFor, outputs: Output[]): void {
    this.#placeFor = placeFor;
    for (const correspondent of this.#correspondents.values()) {
      const place = placeFor(correspondent.address);
      if (correspondent.telling !== place?.careOf) correspondent.suspend();
      if (place === undefined || correspondent.careOf !== place.careOf) this.#uninstall(correspondent, outputs);
      else this.#install(correspondent, outputs);
    }
  }

  /** Tells those who do not know where the mobile is now (RFC 6275 §11.7.2). */
  inform(now: Instant, outputs: Output[]): void {
    for (const correspondent of this.#correspondents.values())
      if (isOtherwise(correspondent, this.#placeFor(correspondent.address))) this.#begin(correspondent, now, outputs);
  }

  #begin(correspondent: CorrespondentRegistration, now: Instant, outputs: Output[]): void {
    const place = this.#placeFor(correspondent.address);
    // RFC 6275 §11.5.5: at home there is something to say only to those who may think it away.
    if (place && (place.careOf !== this.#settings.homeAddress || correspondent.mayBeBound))
      correspondent.begin(place, now, outputs);
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
    return this.#correspondents.get(packet.source)?.tested(message, cameTo(packet), now, outputs) ?? false;
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
    else if (change !== 'none') this.#uninstall(correspondent, outputs);
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
      correspondent.telling = this.#placeFor(peer)?.careOf;
    } else this.#begin(correspondent, now, outputs);
  }

  /** RFC 6275 §11.7.4. */
  refreshRequested(peer: Address, now: Instant, outputs: Output[]): boolean {
    const correspondent = this.#correspondents.get(peer);
    const place = this.#placeFor(peer);
    if (!correspondent?.mayRefresh(now) || !place || place.careOf !== correspondent.careOf) return false;
    correspondent.begin(place, now, outputs);
    return true;
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

  /** A refresh is for those who are spoken to: the next packet of a flow is reported anew and begins it (RFC 6275 §11.7.2). */
  #refreshWhenUsed(correspondent: CorrespondentRegistration, outputs: Output[]): void {
    correspondent.refreshAt = Number.POSITIVE_INFINITY;
    correspondent.isStale = true;
    this.start(outputs);
  }

  #end(correspondent: CorrespondentRegistration, outputs: Output[]): void {
    this.#uninstall(correspondent, outputs);
    correspondent.forget();
  }

  #install(correspondent: CorrespondentRegistration, outputs: Output[]): void {
    const { address, careOf } = correspondent;
    if (careOf === undefined || correspondent.isStraight) return;
    correspondent.isStraight = true;
    const via = { kind: 'routeOptimised', sourceCareOf: careOf } as const;
    outputs.push({ kind: 'forward', rule: { to: hostPrefix(address), from: this.#home, via } });
  }

  #uninstall(correspondent: CorrespondentRegistration, outputs: Output[]): void {
    if (!correspondent.isStraight) return;
    correspondent.isStraight = false;
    outputs.push({ kind: 'unforward', to: hostPrefix(correspondent.address), from: this.#home });
  }

  get #home(): Prefix {
    return hostPrefix(this.#settings.homeAddress);
  }
}

/** It was told of another place, or its binding would outlive what it is of (RFC 6275 §11.4.2). */
function isOtherwise({ telling, careOf, endsAt }: CorrespondentRegistration, place: Place | undefined): boolean {
  return telling !== place?.careOf || (careOf !== undefined && place !== undefined && endsAt > place.endsAt);
}
