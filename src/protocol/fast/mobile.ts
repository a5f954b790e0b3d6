import type { Address } from '../../base/address.js';
import type { LinkAddress } from '../../base/link-address.js';
import { prefixContains } from '../../base/prefix.js';
import type { Random } from '../../base/random.js';
import { earliest, type Instant, milliseconds, seconds } from '../../base/time.js';
import type { ProxyRouterAdvertisement } from '../../wire/icmpv6/messages.js';
import { findNeighbourOption, type NeighbourOption } from '../../wire/icmpv6/neighbour-options.js';
import { type Packet, protocol } from '../../wire/ipv6/packet.js';
import type { FastBindingAcknowledgement } from '../../wire/mobility/messages.js';
import { neighbourAcknowledgmentStatus } from '../../wire/mobility/status.js';
import { Counters } from '../anchor/counters.js';
import type { Input, LinkId, Output } from '../contract.js';
import { type AdvertisedMap, type Attachment, mapsOf, prefixesOf } from '../mobile/movement.js';
import { confirmingAdvertisement } from '../mobile/packets.js';
import type { Anticipation } from '../mobile/reach.js';
import type { RouterBehind } from './access-points.js';
import {
  addressAt,
  type Errand,
  Errands,
  type Expected,
  type FastMobileSettings,
  type Left,
  type OwnLink,
  type Prepared,
  placeBehind,
  type Redirection,
  redirectionOf,
} from './mobile-state.js';
import { Outlook } from './outlook.js';
import { Tails } from './tails.js';
import { type FastRequest, UpdateExchange } from './update-exchange.js';

type PacketInput = Extract<Input, { kind: 'packet' }>;
type LinkInput = Extract<Input, { kind: 'link' }>;
type RouterInput = Extract<Input, { kind: 'router' }>;

/** A mobile node's fast handovers (RFC 5568): it knows where it comes to before it is there, and its packets do too. */
export class FastMobile implements Anticipation {
  readonly protocols = [protocol.mobility, protocol.icmpv6];
  readonly #settings: FastMobileSettings;
  readonly #counters = new Counters();
  readonly #outlook: Outlook;
  readonly #exchange: UpdateExchange;
  readonly #tails = new Tails();
  readonly #accessPoints = new Map<LinkId, LinkAddress>();
  #now: Instant = 0;
  #expected: Expected | undefined;
  #left: Left | undefined;
  #prepared: Prepared | undefined;
  #present: Attachment | undefined;
  readonly #errands = new Errands();

  constructor(settings: FastMobileSettings, random: Random) {
    this.#settings = settings;
    this.#outlook = new Outlook(random.uint32());
    this.#exchange = new UpdateExchange(random.uint32());
  }

  get counters(): Readonly<Record<string, number>> {
    return this.#counters.values;
  }

  get deadline(): Instant | undefined {
    const waits = [this.#exchange.deadline, this.#outlook.deadline, this.#tails.deadline];
    return [...waits, this.#errands.deadline, this.#expected?.until].reduce(earliest);
  }

  handle(input: Input, place: Attachment | undefined, now: Instant, outputs: Output[]): boolean {
    this.#now = now;
    switch (input.kind) {
      case 'handoffExpected':
        if (input.station === undefined && place?.link === input.link && !place.atHome)
          this.#expect(input.accessPoint, place, now, outputs);
        return true;
      case 'link':
        if (input.up) this.#arrive(input, outputs);
        else this.#leave(input.link);
        return false;
      case 'router':
        this.#routerSaid(input, now, outputs);
        return false;
      case 'tick':
        this.#tick(now, outputs);
        return false;
      case 'packet':
        return this.#received(input, place, now, outputs);
      default:
        return false;
    }
  }

  // ---- before the move ----------------------------------------------------------------------------------------------

  /** RFC 5568 §3.2: finds out what is behind the access point, then asks for packets to go there. */
  #expect(accessPoint: LinkAddress, from: Attachment, now: Instant, outputs: Output[]): void {
    if (this.#expected?.accessPoint === accessPoint || accessPoint === this.#accessPoints.get(from.link)) return;
    this.#counters.add('handoffsExpected');
    const until = now + milliseconds(this.#settings.moveWithinMs);
    this.#expected = { accessPoint, from, until, redirection: undefined, proposed: undefined, granted: undefined };
    const router = this.#outlook.routerAt(accessPoint);
    if (router) this.#predict(this.#expected, router, now, outputs);
    else this.#outlook.ask(from, accessPoint, now, outputs);
  }

  #predict(expected: Expected, router: RouterBehind, now: Instant, outputs: Output[]): void {
    const { from } = expected;
    const redirection = this.#redirection(from, router.maps);
    const proposed = router.careOf ?? addressAt(router.prefix, from);
    if (!redirection || proposed === undefined || proposed === from.careOf) return;
    expected.redirection = redirection;
    expected.proposed = proposed;
    this.#update(redirection, from.careOf, proposed, this.#settings.lifetimeS, now, outputs);
  }

  #update(
    { key, home }: Redirection,
    source: Address,
    careOf: Address,
    lifetimeS: number,
    now: Instant,
    outputs: Output[],
  ): void {
    const simultaneous = this.#settings.simultaneousBindings && lifetimeS > 0;
    const request: FastRequest = { key, home, careOf, lifetimeS, simultaneous };
    this.#counters.add('updates');
    this.#exchange.start(request, source, now, outputs);
  }

  #redirection(from: Attachment, maps: readonly AdvertisedMap[]): Redirection | undefined {
    const { handoverKeys, regional } = this.#settings;
    return redirectionOf(handoverKeys, regional(), from, maps);
  }

  #received(input: PacketInput, place: Attachment | undefined, now: Instant, outputs: Output[]): boolean {
    const { payload } = input.packet;
    if (payload.kind === 'icmpv6' && payload.message.kind === 'proxyRouterAdvertisement') {
      this.#advertised(input, payload.message, place, now, outputs);
      return true;
    }
    if (payload.kind !== 'mobility' || payload.message.kind !== 'fastBindingAcknowledgement') return false;
    this.#acknowledged(input.packet, payload.message, now, outputs);
    return true;
  }

  /** RFC 5568 §6.1.2. */
  #advertised(
    { packet, link }: PacketInput,
    message: ProxyRouterAdvertisement,
    place: Attachment | undefined,
    now: Instant,
    outputs: Output[],
  ): void {
    const answers = this.#outlook.heard(packet, message, place, now);
    if (!answers) return this.#discard(packet, 'proxyAdvertisement', outputs);
    this.#counters.add('proxyAdvertisements');
    for (const { accessPoint, answer } of answers)
      if (answer.kind !== 'router' && this.#expected?.accessPoint === accessPoint) this.#expected = undefined;
    const [first] = answers;
    // RFC 5568 §3.3: the network has decided.
    if (message.identifier === 0 && message.code === 1 && first && place && place.link === link && !place.atHome)
      return this.#expect(first.accessPoint, place, now, outputs);
    const expected = this.#expected;
    const router = expected && this.#outlook.routerAt(expected.accessPoint);
    if (expected && router && expected.proposed === undefined) this.#predict(expected, router, now, outputs);
  }

  /** RFC 5568 §6.2.3. */
  #acknowledged(packet: Packet, message: FastBindingAcknowledgement, now: Instant, outputs: Output[]): void {
    const outcome = this.#exchange.acknowledged(packet, message, now, outputs);
    this.#counters.add(`fastAcknowledgements_${outcome.kind}`);
    switch (outcome.kind) {
      case 'accepted':
        if (this.#expected) this.#expected.granted = outcome;
        else if (this.#prepared) this.#tails.extend(this.#prepared.left.from.careOf, outcome.endsAt);
        return;
      case 'refused':
        return this.#refused(packet, outcome.status, outputs);
      case 'ignored':
        return this.#discard(packet, 'acknowledgement', outputs);
      case 'corrected':
        return;
    }
  }

  /** What remains is to move as if there were no fast handovers. */
  #refused({ source }: Packet, status: number, outputs: Output[]): void {
    this.#expected = undefined;
    const reason = `fast handover refused with status ${status}`;
    outputs.push({ kind: 'trace', event: { event: 'failed', peer: source, reason } });
    if (this.#prepared) this.#tails.close(this.#prepared.left.from.careOf, this.#present?.careOf, outputs);
  }

  // ---- the move -----------------------------------------------------------------------------------------------------

  #leave(link: LinkId): void {
    const from = this.#present;
    if (from?.link === link) {
      const accessPoint = this.#accessPoints.get(link);
      this.#left = from.atHome ? undefined : { from, accessPoint, expected: this.#expected };
    }
    this.#prepared = undefined;
    this.#expected = undefined;
    this.#errands.clear();
    this.#exchange.stop();
    this.#outlook.stop();
  }

  #arrive({ link, accessPoint, linkAddress }: LinkInput, outputs: Output[]): void {
    if (accessPoint === undefined) this.#accessPoints.delete(link);
    else this.#accessPoints.set(link, accessPoint);
    const left = this.#left;
    if (left?.from.link !== link) return;
    if (accessPoint !== undefined && accessPoint === left.accessPoint) return this.#comeBack(left, outputs);
    const { expected } = left;
    const at = accessPoint ?? expected?.accessPoint;
    const router = at && this.#outlook.routerAt(at);
    if (!router) return;
    const foreseen = expected?.accessPoint === at ? expected : undefined;
    this.#prepare(left, router, foreseen, { link, linkAddress }, outputs);
  }

  /** RFC 5568 §5.6: it has not moved after all. */
  #comeBack(left: Left, outputs: Output[]): void {
    const { from, expected } = left;
    this.#left = undefined;
    this.#prepared = { place: from, left };
    this.#tails.close(from.careOf, undefined, outputs);
    this.#cancel(expected, from.careOf);
  }

  #cancel(expected: Expected | undefined, careOf: Address): void {
    const redirection = expected?.redirection;
    if (redirection) this.#errands.add(this.#now, { kind: 'cancel', redirection, careOf });
  }

  /** On the new link: the address is there, packets come through the router of before (RFC 5568 §4). */
  #prepare(left: Left, router: RouterBehind, foreseen: Expected | undefined, own: OwnLink, outputs: Output[]): void {
    const { from } = left;
    const granted = foreseen?.granted;
    const usesPrevious = router.dhcp && granted !== undefined;
    const formed = granted?.careOf ?? foreseen?.proposed ?? addressAt(router.prefix, own);
    const careOf = usesPrevious ? from.careOf : formed;
    const redirection = foreseen?.redirection ?? this.#redirection(from, router.maps);
    if (careOf === undefined || !redirection) return;
    this.#left = undefined;
    this.#counters.add(granted ? 'handoversPredictive' : 'handoversReactive');
    this.#prepared = { place: placeBehind(router, own, careOf), left };
    if (careOf === from.careOf) return;
    this.#tails.take(careOf, own.link, outputs);
    this.#redirect(redirection, from.careOf, careOf, granted?.endsAt, outputs);
    this.#tails.release(careOf, outputs);
  }

  /** Packets may come at once; an update that the router of before has not acknowledged goes to it again from here. */
  #redirect(
    redirection: Redirection,
    from: Address,
    careOf: Address,
    endsAt: Instant | undefined,
    outputs: Output[],
  ): void {
    const { home, key } = redirection;
    const until = endsAt ?? this.#now + seconds(this.#settings.lifetimeS);
    if (home === from) this.#tails.open(from, careOf, key.router, this.#settings.regional(), until, outputs);
    if (endsAt === undefined) this.#errands.add(this.#now, { kind: 'update', redirection, from, careOf });
  }

  // ---- after the move -----------------------------------------------------------------------------------------------

  place(detected: Attachment | undefined): Attachment | undefined {
    if (this.#prepared && detected?.link === this.#prepared.place.link && detected.careOf !== undefined) {
      const { place, left } = this.#prepared;
      const isTemporary = place.careOf === left.from.careOf && place.router !== left.from.router;
      if (isTemporary)
        this.#errands.add(this.#now, { kind: 'linger', previous: place.careOf, careOf: detected.careOf });
      if (isTemporary || detected.careOf === place.careOf) this.#prepared = undefined;
    }
    const present = this.#prepared?.place ?? detected;
    if (present && this.#left && !this.#prepared) this.#moved(this.#left, present);
    if (present && this.#settings.discoverNeighbourhood && !present.atHome && this.#present?.careOf !== present.careOf)
      this.#errands.add(this.#now, { kind: 'neighbourhood' });
    this.#present = present;
    return present;
  }

  /** Movement detection was first: RFC 5568 §6.2.2 wants the update after the new address is there. */
  #moved(left: Left, present: Attachment): void {
    this.#left = undefined;
    const { from, expected } = left;
    if (present.careOf === from.careOf) return this.#cancel(expected, from.careOf);
    const redirection = this.#redirection(from, present.maps);
    if (!redirection || present.atHome) return;
    this.#counters.add('handoversReactive');
    this.#errands.add(this.#now, { kind: 'update', redirection, from: from.careOf, careOf: present.careOf });
  }

  carries(careOf: Address): boolean {
    return this.#present !== undefined && this.#tails.has(careOf);
  }

  #tick(now: Instant, outputs: Output[]): void {
    for (const errand of this.#errands.takeDue(now)) this.#run(errand, now, outputs);
    this.#outlook.tick(now, outputs);
    if (this.#expected && this.#expected.until <= now) this.#disbelieve(this.#expected, now, outputs);
    if (this.#exchange.tick(now, outputs)) this.#expected = undefined;
    this.#tails.tick(this.#present?.careOf, now, outputs);
  }

  /** RFC 5568 §5.6: the move was called off. */
  #disbelieve({ redirection, from }: Expected, now: Instant, outputs: Output[]): void {
    this.#expected = undefined;
    this.#counters.add('handoffsCalledOff');
    if (redirection) this.#update(redirection, from.careOf, from.careOf, 0, now, outputs);
  }

  #run(errand: Errand, now: Instant, outputs: Output[]): void {
    const lifetime = seconds(this.#settings.lifetimeS);
    switch (errand.kind) {
      case 'neighbourhood':
        if (this.#present) this.#outlook.ask(this.#present, undefined, now, outputs);
        return;
      case 'linger': {
        const { previous, careOf } = errand;
        return this.#tails.linger(previous, careOf, this.#settings.regional(), now + lifetime, outputs);
      }
      case 'update': {
        const { redirection, from, careOf } = errand;
        if (!this.#tails.has(from)) this.#redirect(redirection, from, careOf, now + lifetime, outputs);
        return this.#update(redirection, careOf, careOf, this.#settings.lifetimeS, now, outputs);
      }
      case 'cancel':
        return this.#update(errand.redirection, errand.careOf, errand.careOf, 0, now, outputs);
    }
  }

  /** The router of the new link, which knows better than what was foretold. */
  #routerSaid({ link, router, advertisement }: RouterInput, now: Instant, outputs: Output[]): void {
    const prepared = this.#prepared;
    if (prepared?.place.link !== link) return;
    if (!advertisement) {
      if (prepared.place.router === router) this.#prepared = undefined;
      return;
    }
    this.#judge(prepared, advertisement.options, outputs);
    const prefixes = prefixesOf(advertisement);
    const { place } = prepared;
    if (this.#prepared !== prepared || prefixes.length === 0) return;
    const isHere = prefixes.some(prefix => prefixContains(prefix, place.careOf));
    if (isHere) {
      if (place.optimistic) outputs.push({ kind: 'send', packet: confirmingAdvertisement(place), link });
      const maps = mapsOf(advertisement, now);
      prepared.place = { ...place, router, routerLinkAddress: undefined, optimistic: false, prefixes, maps };
    } else if (place.careOf !== prepared.left.from.careOf) this.#abandon(prepared.left, outputs);
  }

  /** Somewhere else than was thought, or without the address that was thought of: movement detection goes on. */
  #abandon(left: Left, outputs: Output[]): void {
    this.#counters.add('handoversAbandoned');
    this.#prepared = undefined;
    this.#left = { ...left, expected: undefined };
    this.#exchange.stop();
    this.#errands.clear();
    this.#tails.close(left.from.careOf, undefined, outputs);
    this.#tails.release(undefined, outputs);
  }

  /** RFC 5568 §6.4.6. */
  #judge(prepared: Prepared, options: readonly NeighbourOption[], outputs: Output[]): void {
    const said = findNeighbourOption(options, 'neighbourAdvertisementAcknowledgment');
    if (!said) return;
    const { place, left } = prepared;
    const { status, careOfAddresses } = said;
    const [supplied] = careOfAddresses;
    const { useSuppliedCareOfAddress, previousCareOfAddressSupplied } = neighbourAcknowledgmentStatus;
    this.#counters.add('addressesCorrected');
    if (status === previousCareOfAddressSupplied) {
      this.#exchange.stop();
      this.#errands.clear();
      this.#tails.close(left.from.careOf, undefined, outputs);
      prepared.place = { ...place, careOf: left.from.careOf };
      return this.#tails.release(left.from.careOf, outputs);
    }
    const redirection = this.#redirection(left.from, place.maps);
    if (status !== useSuppliedCareOfAddress || supplied === undefined || !redirection)
      return this.#abandon(left, outputs);
    this.#tails.take(supplied, place.link, outputs);
    prepared.place = { ...place, careOf: supplied };
    this.#redirect(redirection, left.from.careOf, supplied, undefined, outputs);
    this.#tails.release(supplied, outputs);
  }

  #discard({ source }: Packet, reason: string, outputs: Output[]): void {
    this.#counters.add(`discarded_${reason}`);
    outputs.push({ kind: 'trace', event: { event: 'discarded', peer: source, reason } });
  }
}
