import { type Address, addressFromGroups } from '../../base/address.js';
import { type Prefix, prefixContains, prefixOf, withInterfaceId } from '../../base/prefix.js';
import type { Random } from '../../base/random.js';
import { earliest, type Instant, second, seconds } from '../../base/time.js';
import { effectiveDestination, type Packet } from '../../wire/ipv6/packet.js';
import type { BindingAcknowledgement } from '../../wire/mobility/messages.js';
import { bindingStatus as status } from '../../wire/mobility/status.js';
import type { Output, Row } from '../contract.js';
import type { AdvertisedMap, Attachment } from '../mobile/movement.js';
import { type CareOf, type Reach, straight } from '../mobile/reach.js';
import { LocalBinding } from './local-binding.js';
import { type MapOrder, ranked } from './map-selection.js';

export interface HierarchySettings {
  /** `speed`: the farthest MAP for a mobile that moves often, the nearest for one that does not (RFC 4140 §9.1). */
  readonly selection: MapOrder | 'speed';
  /** How many moves a minute are often. */
  readonly fastMovesPerMinute: number;
  /** `eager`: a better MAP is taken when it is heard; `lazy`: when the present one is no longer there (RFC 4140 §9). */
  readonly mapDetection: 'eager' | 'lazy';
  /** How many MAPs to be registered with at a time, beside those of `correspondentMaps`. */
  readonly maximumMaps: number;
  /** Correspondents that are told the regional address at another MAP than the home agent is (RFC 4140 §3.1, §9.1). */
  readonly correspondentMaps: readonly { readonly to: Prefix; readonly order: MapOrder }[];
  /** How long the previous MAP forwards (RFC 4140 §8); 0: it is not asked to. */
  readonly previousMapS: number;
  /** Whether correspondents on the same link are told the on-link address (RFC 4140 §6.1). */
  readonly localCorrespondents: boolean;
  /** Destinations that applications talk to from the regional address (RFC 4140 §6.5). */
  readonly regionalFor: readonly Prefix[];
  /** Local Binding Updates without an answer after which a MAP counts as failed. */
  readonly attempts: number;
  readonly lifetimeS: number;
  readonly parkOctets: number;
  /** Whether there is a security association with that MAP, or none is wanted (RFC 4140 §12.1). */
  readonly trusts: (map: Address) => boolean;
}

/** For how long a MAP that refused or did not answer is left alone. */
const failureS = 60;
/** Regional addresses tried at one MAP. */
const regionalAttempts = 3;
const never: Instant = Number.POSITIVE_INFINITY;

/** RFC 4140's mobile node: others are told a regional care-of address, and only its MAP where on the MAP's links that is. */
export class HierarchicalReach implements Reach {
  readonly #settings: HierarchySettings;
  readonly #random: Random;
  /** By MAP: those in use, and those of before that still forward. */
  readonly #bindings = new Map<Address, LocalBinding>();
  /** MAPs in use, that of the home agent first. */
  #chosen: readonly AdvertisedMap[] = [];
  /** Until when MAPs are left alone. */
  readonly #failed = new Map<Address, Instant>();
  /** Regional addresses refused at a MAP, since one was accepted there. */
  readonly #refusals = new Map<Address, number>();
  readonly #movedAt: Instant[] = [];
  #place: Attachment | undefined;
  #snapshot = '';
  readonly passage = straight;
  generation = 0;

  constructor(settings: HierarchySettings, random: Random) {
    this.#settings = settings;
    this.#random = random;
  }

  get deadline(): Instant | undefined {
    let at: Instant | undefined;
    for (const { registration } of this.#bindings.values()) at = earliest(at, registration.deadline);
    for (const until of this.#failed.values()) at = earliest(at, until);
    for (const { validUntil } of this.#chosen) if (validUntil !== never) at = earliest(at, validUntil);
    return at;
  }

  get careOf(): CareOf | undefined {
    const place = this.#place;
    if (!place) return undefined;
    const [primary] = this.#chosen;
    if (place.atHome || !primary) return { address: place.careOf, endsAt: never };
    return regionalOf(this.#bindings.get(primary.address));
  }

  /** The regional address that the home agent is told, and its MAP. */
  get regional(): { readonly map: Address; readonly address: Address } | undefined {
    const [primary] = this.#chosen;
    const careOf = primary && regionalOf(this.#bindings.get(primary.address));
    return careOf && { map: primary.address, address: careOf.address };
  }

  careOfFor(correspondent: Address): CareOf | undefined {
    const place = this.#place;
    if (!place || place.atHome) return this.careOf;
    const isNeighbour = place.prefixes.some(prefix => prefixContains(prefix, correspondent));
    if (isNeighbour && this.#settings.localCorrespondents) return { address: place.careOf, endsAt: never };
    const own = this.#settings.correspondentMaps.find(({ to }) => prefixContains(to, correspondent));
    const [map] = own ? ranked(this.#chosen, own.order) : [];
    return regionalOf(map && this.#bindings.get(map.address)) ?? this.careOf ?? this.#forwarded;
  }

  /** The address of before, while there is no new one and its MAP forwards. */
  get #forwarded(): CareOf | undefined {
    for (const binding of this.#bindings.values()) if (binding.carries) return regionalOf(binding);
    return undefined;
  }

  carries(careOf: Address): boolean {
    const place = this.#place;
    if (!place) return false;
    if (careOf === place.careOf) return true;
    for (const { settings, carries } of this.#bindings.values()) if (settings.regional === careOf) return carries;
    return false;
  }

  /** RFC 4140 §7.2: a link whose router advertises the MAP in use. */
  choose(attachments: readonly Attachment[]): Attachment | undefined {
    const [first] = attachments;
    const [primary] = this.#chosen;
    if (!primary || first?.atHome) return first;
    const has = ({ maps }: Attachment) => maps.some(map => map.address === primary.address && isAlive(map));
    return attachments.find(has) ?? first;
  }

  follow(place: Attachment | undefined, now: Instant, outputs: Output[]): void {
    const hasMoved = place !== undefined && place.careOf !== this.#place?.careOf;
    this.#place = place;
    if (hasMoved) this.#noteMove(now);
    const onLink = place && !place.atHome ? place.careOf : undefined;
    if (place && onLink !== undefined) this.#register(place, now, outputs);
    else for (const { registration } of this.#bindings.values()) registration.suspend();
    for (const binding of this.#bindings.values()) binding.settle(onLink, outputs);
    this.#noticeChange();
  }

  told(): void {
    for (const [map, binding] of this.#bindings) if (!this.#isChosen(map)) binding.isRetired = true;
  }

  tick(now: Instant, outputs: Output[]): void {
    for (const [map, until] of this.#failed) if (until <= now) this.#failed.delete(map);
    this.#chosen = this.#chosen.filter(({ validUntil }) => validUntil > now);
    for (const [map, binding] of this.#bindings) {
      const { registration } = binding;
      if (registration.isUnanswered(this.#settings.attempts, now)) this.#fail(map, binding, now, outputs);
      else if (registration.tick(now, outputs) && !this.#isChosen(map)) this.#close(map, binding, outputs);
    }
  }

  isAnchor(address: Address): boolean {
    return this.#bindings.has(address);
  }

  acknowledged(packet: Packet, message: BindingAcknowledgement, now: Instant, outputs: Output[]): undefined {
    const map = packet.source;
    const binding = this.#bindings.get(map);
    // RFC 4140 §6.1: without a type 2 routing header that has the regional address it is ignored in silence.
    const isRouted = effectiveDestination(packet) !== packet.destination;
    if (!binding || !isRouted || effectiveDestination(packet) !== binding.settings.regional) return;
    const change = binding.registration.acknowledged(message, now, outputs);
    if (change === 'registered') this.#refusals.delete(map);
    if (change === 'refused') this.#refused(map, binding, now, outputs);
  }

  *rows(): Generator<Row> {
    for (const { registration } of this.#bindings.values()) yield registration.row;
  }

  // ---- which MAPs ---------------------------------------------------------------------------------------------------

  #register(place: Attachment, now: Instant, outputs: Output[]): void {
    const lost = place.maps.filter(({ validUntil }) => validUntil <= now);
    // RFC 4140 §7.2, §10: a lifetime of zero says that the MAP, and what was bound there, is gone.
    for (const { address } of lost) this.#close(address, this.#bindings.get(address), outputs);
    this.#chosen = this.#choose(place, now);
    for (const { address, validUntil } of this.#chosen) {
      const binding = this.#bindings.get(address) ?? this.#open(address, place, outputs);
      binding.isRetired = false;
      binding.register(place.careOf, validUntil, now, outputs);
    }
    for (const [map, binding] of this.#bindings)
      if (!this.#isChosen(map)) this.#leave(map, binding, place.careOf, now, outputs);
  }

  /** RFC 4140 §9, §9.1, §7.2. */
  #choose({ maps, careOf }: Attachment, now: Instant): AdvertisedMap[] {
    const isLazy = this.#settings.mapDetection === 'lazy';
    const isChosen = ({ address }: AdvertisedMap) => this.#isChosen(address);
    // A MAP with preference zero is for those who need no new binding there.
    const isSettled = ({ address }: AdvertisedMap) => this.#bindings.get(address)?.registration.careOf === careOf;
    const usable = maps.filter(
      map =>
        map.validUntil > now &&
        !this.#failed.has(map.address) &&
        this.#settings.trusts(map.address) &&
        (map.preference > 0 || (isLazy && isChosen(map) && isSettled(map))),
    );
    const order = this.#order(now);
    const kept = isLazy ? this.#chosen.flatMap(({ address }) => usable.filter(map => map.address === address)) : [];
    const best = [...new Set([...kept, ...ranked(usable, order)])].slice(0, this.#settings.maximumMaps);
    const others = this.#settings.correspondentMaps.flatMap(own => ranked(usable, own.order).slice(0, 1));
    return [...new Set([...best, ...others])];
  }

  #order(now: Instant): MapOrder {
    const { selection, fastMovesPerMinute } = this.#settings;
    if (selection !== 'speed') return selection;
    const recent = this.#movedAt.filter(at => now - at < 60 * second).length;
    return recent >= fastMovesPerMinute ? 'distance' : 'nearest';
  }

  #noteMove(now: Instant): void {
    this.#movedAt.push(now);
    if (this.#movedAt.length > this.#settings.fastMovesPerMinute) this.#movedAt.shift();
  }

  #isChosen(map: Address): boolean {
    return this.#chosen.some(({ address }) => address === map);
  }

  // ---- bindings -----------------------------------------------------------------------------------------------------

  #open(map: Address, { careOf }: Attachment, outputs: Output[]): LocalBinding {
    const subnet = prefixOf(map, 64);
    const isFirst = !this.#refusals.has(map);
    const regional = withInterfaceId(subnet, isFirst ? careOf : randomInterfaceId(this.#random));
    const { lifetimeS, parkOctets, regionalFor: sourceFor } = this.#settings;
    const binding = new LocalBinding({ map, regional, lifetimeS, parkOctets, sourceFor }, this.#random.uint32());
    this.#bindings.set(map, binding);
    binding.open(outputs);
    return binding;
  }

  /** RFC 4140 §6.1, §8: what is under way to a regional address of before follows the mobile, for a while. */
  #leave(map: Address, binding: LocalBinding, onLink: Address, now: Instant, outputs: Output[]): void {
    const { registration, isRetired } = binding;
    if (registration.isToldOf(onLink)) return registration.letExpire();
    const { previousMapS } = this.#settings;
    if (isRetired || previousMapS === 0 || registration.endsAt === undefined) return this.#close(map, binding, outputs);
    binding.register(onLink, now + seconds(previousMapS), now, outputs);
  }

  #close(map: Address, binding: LocalBinding | undefined, outputs: Output[]): void {
    if (!binding) return;
    this.#bindings.delete(map);
    binding.close(outputs);
  }

  /** RFC 4140 §6.1: another address where that one is in use, another MAP where the cause is another. */
  #refused(map: Address, binding: LocalBinding, now: Instant, outputs: Output[]): void {
    const refusals = (this.#refusals.get(map) ?? 0) + 1;
    const isTaken = binding.registration.refusal === status.duplicateAddressDetectionFailed;
    if (!isTaken || refusals >= regionalAttempts || !this.#isChosen(map)) return this.#fail(map, binding, now, outputs);
    this.#refusals.set(map, refusals);
    this.#close(map, binding, outputs);
  }

  #fail(map: Address, binding: LocalBinding, now: Instant, outputs: Output[]): void {
    const isChosen = this.#isChosen(map);
    this.#close(map, binding, outputs);
    this.#refusals.delete(map);
    // A MAP that does not forward for somebody who has left may serve again.
    if (!isChosen) return;
    this.#failed.set(map, now + failureS * second);
    const reason = 'MAP refused or did not answer';
    outputs.push({ kind: 'trace', event: { event: 'failed', peer: map, reason } });
  }

  /** So that others ask again only when answers have changed. */
  #noticeChange(): void {
    const bindings = [...this.#bindings].map(
      ([map, binding]) => `${map}${binding.settings.regional}${binding.carries}`,
    );
    const snapshot = `${this.#place?.careOf} ${this.#chosen[0]?.address} ${bindings.join()}`;
    if (snapshot === this.#snapshot) return;
    this.#snapshot = snapshot;
    this.generation++;
  }
}

/** Once the MAP has granted it (RFC 4140 §6.1), and no longer than that. */
function regionalOf(binding: LocalBinding | undefined): CareOf | undefined {
  const endsAt = binding?.registration.endsAt;
  return binding && endsAt !== undefined ? { address: binding.settings.regional, endsAt } : undefined;
}

function isAlive({ preference }: AdvertisedMap): boolean {
  return preference > 0;
}

/** RFC 4941 §3.3: random, not said to be unique. */
function randomInterfaceId(random: Random): Address {
  const words = [random.uint32(), random.uint32()];
  const groups = words.flatMap(word => [word >>> 16, word & 0xffff]);
  return addressFromGroups([0, 0, 0, 0, groups[0] & 0xfdff, ...groups.slice(1)]);
}
