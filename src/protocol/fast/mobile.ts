import { type Address, isLinkLocal } from '../../base/address.js';
import { autoconfiguredAddress, type LinkAddress } from '../../base/link-address.js';
import { type Prefix, prefixContains, prefixOf } from '../../base/prefix.js';
import type { Random } from '../../base/random.js';
import { type Instant, milliseconds, seconds } from '../../base/time.js';
import type { ProxyRouterAdvertisement, RouterAdvertisement } from '../../wire/icmpv6/messages.js';
import { findNeighbourOption } from '../../wire/icmpv6/neighbour-options.js';
import { type Packet, protocol } from '../../wire/ipv6/packet.js';
import type { FastBindingAcknowledgement } from '../../wire/mobility/messages.js';
import { neighbourAcknowledgmentStatus } from '../../wire/mobility/status.js';
import { earliest } from '../anchor/anchor.js';
import { Counters } from '../anchor/counters.js';
import type { Input, LinkId, Output } from '../contract.js';
import { type AdvertisedMap, type Attachment, mapsOf } from '../mobile/movement.js';
import { confirmingAdvertisement } from '../mobile/packets.js';
import type { Anticipation } from '../mobile/reach.js';
import { answersOf, type RouterBehind } from './access-points.js';
import { ProxySolicitation } from './solicitation.js';
import { type Regional, Tails } from './tails.js';
import { type AnchorKey, type FastRequest, UpdateExchange } from './update-exchange.js';

export interface FastMobileSettings {
  readonly handoverKeys: readonly AnchorKey[];
  /** How long packets are to be redirected; tens of seconds (RFC 5568 §5.6). */
  readonly lifetimeS: number;
  /** How long an expected move may be late before packets are to come the usual way again. */
  readonly moveWithinMs: number;
  /** Whether all neighbours of a router are asked for on arrival, so that a move nobody foresaw finds them known. */
  readonly discoverNeighbourhood: boolean;
  /** Whether packets are to come both ways for a while (RFC 4140 Appendix A). */
  readonly simultaneousBindings: boolean;
  /** The regional address and its MAP, where Fast Binding Updates go to MAPs (RFC 4140 Figure A.2). */
  readonly regional: () => Regional | undefined;
}

type PacketInput = Extract<Input, { kind: 'packet' }>;
type LinkInput = Extract<Input, { kind: 'link' }>;
type RouterInput = Extract<Input, { kind: 'router' }>;

/** Who redirects packets, and which. */
interface Redirection {
  readonly key: AnchorKey;
  /** The previous address, or the regional one at a MAP. */
  readonly home: Address;
}

/** A handover on its way. */
interface Expected {
  readonly accessPoint: LinkAddress;
  readonly from: Attachment;
  /** When it is no longer believed in. */
  readonly until: Instant;
  /** Undefined: nobody has been asked yet. */
  redirection: Redirection | undefined;
  proposed: Address | undefined;
  /** What the acknowledgement gave, and until when. */
  granted: { readonly careOf: Address; readonly endsAt: Instant } | undefined;
}

/** Where the node was when its link went down. */
interface Left {
  readonly from: Attachment;
  readonly accessPoint: LinkAddress | undefined;
  readonly expected: Expected | undefined;
}

/** What is sent when the new place has been announced. */
type Errand =
  | { readonly kind: 'neighbourhood' }
  | { readonly kind: 'linger'; readonly previous: Address; readonly careOf: Address }
  | { readonly kind: 'update'; readonly redirection: Redirection; readonly from: Address; readonly careOf: Address }
  | { readonly kind: 'cancel'; readonly redirection: Redirection; readonly careOf: Address };

const maximumKnown = 256;

/** A mobile node's fast handovers (RFC 5568): it knows where it comes to before it is there, and its packets do too. */
export class FastMobile implements Anticipation {
  readonly protocols = [protocol.mobility, protocol.icmpv6];
  readonly #settings: FastMobileSettings;
  readonly #counters = new Counters();
  readonly #solicitation: ProxySolicitation;
  readonly #exchange: UpdateExchange;
  readonly #tails = new Tails();
  /** By access point, as routers have told. */
  readonly #known = new Map<LinkAddress, RouterBehind>();
  readonly #accessPoints = new Map<LinkId, LinkAddress>();
  #now: Instant = 0;
  #expected: Expected | undefined;
  #left: Left | undefined;
  /** Where the node is before movement detection knows, and where it came from. */
  #prepared: { place: Attachment; readonly left: Left } | undefined;
  #present: Attachment | undefined;
  #errands: { readonly at: Instant; readonly errand: Errand }[] = [];

  constructor(settings: FastMobileSettings, random: Random) {
    this.#settings = settings;
    this.#solicitation = new ProxySolicitation(random.uint32());
    this.#exchange = new UpdateExchange(random.uint32());
  }

  get counters(): Readonly<Record<string, number>> {
    return this.#counters.values;
  }

  get deadline(): Instant | undefined {
    const waits = [this.#exchange.deadline, this.#solicitation.deadline, this.#tails.deadline];
    return [...waits, this.#errands[0]?.at, this.#expected?.until].reduce(earliest);
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
    const router = this.#known.get(accessPoint);
    if (router) this.#predict(this.#expected, router, now, outputs);
    else this.#solicit(from, accessPoint, now, outputs);
  }

  #solicit(from: Attachment, accessPoint: LinkAddress | undefined, now: Instant, outputs: Output[]): void {
    const { link, careOf: source, linkAddress, router } = from;
    this.#solicitation.ask({ link, source, linkAddress, router, accessPoint }, now, outputs);
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

  /** The MAP where it serves at both ends (RFC 4140 Figure A.2), else the router that is left. */
  #redirection({ careOf }: Attachment, maps: readonly AdvertisedMap[]): Redirection | undefined {
    const { handoverKeys } = this.#settings;
    const regional = this.#settings.regional();
    if (regional && maps.some(({ address }) => address === regional.map)) {
      const key = handoverKeys.find(({ router }) => router === regional.map);
      if (key) return { key, home: regional.address };
    }
    const key = handoverKeys.find(({ router }) => prefixContains(prefixOf(router, 64), careOf));
    return key && { key, home: careOf };
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
    const isWanted = message.identifier === 0 || this.#solicitation.isAnsweredBy(message.identifier);
    if (packet.hopLimit !== 255 || !isLinkLocal(packet.source) || !isWanted)
      return this.#discard(packet, 'proxyAdvertisement', outputs);
    this.#counters.add('proxyAdvertisements');
    const answers = answersOf(message, now);
    for (const { accessPoint, answer } of answers) {
      if (answer.kind === 'router') this.#learn(accessPoint, answer.router);
      else this.#known.delete(accessPoint);
      if (answer.kind !== 'router' && this.#expected?.accessPoint === accessPoint) this.#expected = undefined;
    }
    const [first] = answers;
    // RFC 5568 §3.3: the network has decided.
    if (message.identifier === 0 && message.code === 1 && first && place && place.link === link && !place.atHome)
      return this.#expect(first.accessPoint, place, now, outputs);
    const expected = this.#expected;
    const router = expected && this.#known.get(expected.accessPoint);
    if (expected && router && expected.proposed === undefined) this.#predict(expected, router, now, outputs);
  }

  #learn(accessPoint: LinkAddress, router: RouterBehind): void {
    if (this.#known.size >= maximumKnown && !this.#known.has(accessPoint)) this.#known.clear();
    this.#known.set(accessPoint, router);
  }

  /** RFC 5568 §6.2.3. */
  #acknowledged(packet: Packet, message: FastBindingAcknowledgement, now: Instant, outputs: Output[]): void {
    const outcome = this.#exchange.acknowledged(packet, message, now, outputs);
    this.#counters.add(`fastAcknowledgements_${outcome.kind}`);
    const expected = this.#expected;
    switch (outcome.kind) {
      case 'accepted': {
        const { careOf, endsAt } = outcome;
        if (expected) expected.granted = { careOf, endsAt };
        else if (this.#prepared) this.#tails.extend(this.#prepared.left.from.careOf, endsAt);
        return;
      }
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
    if (from?.link === link && !from.atHome) {
      const accessPoint = this.#accessPoints.get(link);
      this.#left = { from, accessPoint, expected: this.#expected };
    }
    this.#prepared = undefined;
    this.#expected = undefined;
    this.#errands = [];
    this.#exchange.stop();
    this.#solicitation.stop();
  }

  #arrive({ link, accessPoint, linkAddress }: LinkInput, outputs: Output[]): void {
    if (accessPoint === undefined) this.#accessPoints.delete(link);
    else this.#accessPoints.set(link, accessPoint);
    const left = this.#left;
    if (left?.from.link !== link) return;
    if (accessPoint !== undefined && accessPoint === left.accessPoint) return this.#comeBack(left, outputs);
    const { expected } = left;
    const at = accessPoint ?? expected?.accessPoint;
    const router = at && this.#known.get(at);
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
    if (redirection) this.#later({ kind: 'cancel', redirection, careOf });
  }

  /** On the new link: the address is there, packets come through the router of before (RFC 5568 §4). */
  #prepare(
    left: Left,
    router: RouterBehind,
    foreseen: Expected | undefined,
    own: { readonly link: LinkId; readonly linkAddress: LinkAddress },
    outputs: Output[],
  ): void {
    const { from } = left;
    const granted = foreseen?.granted;
    const usesPrevious = router.dhcp && granted !== undefined;
    const careOf = usesPrevious
      ? from.careOf
      : (granted?.careOf ?? foreseen?.proposed ?? addressAt(router.prefix, own));
    const redirection = foreseen?.redirection ?? this.#redirection(from, router.maps);
    if (careOf === undefined || !redirection) return;
    this.#left = undefined;
    this.#counters.add(granted ? 'handoversPredictive' : 'handoversReactive');
    const { address, linkAddress: routerLinkAddress, prefix, maps } = router;
    const place = { ...own, router: address, routerLinkAddress, careOf, atHome: false, optimistic: true } as const;
    this.#prepared = { place: { ...place, prefixes: [prefix], maps }, left };
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
    if (endsAt === undefined) this.#later({ kind: 'update', redirection, from, careOf });
  }

  // ---- after the move -----------------------------------------------------------------------------------------------

  place(detected: Attachment | undefined): Attachment | undefined {
    if (this.#prepared && detected?.link === this.#prepared.place.link && detected.careOf !== undefined) {
      const { place, left } = this.#prepared;
      const isTemporary = place.careOf === left.from.careOf && place.router !== left.from.router;
      if (isTemporary) this.#later({ kind: 'linger', previous: place.careOf, careOf: detected.careOf });
      if (isTemporary || detected.careOf === place.careOf) this.#prepared = undefined;
    }
    const present = this.#prepared?.place ?? detected;
    if (present && this.#left && !this.#prepared) this.#moved(this.#left, present);
    if (present && this.#settings.discoverNeighbourhood && !present.atHome && this.#isNews(present))
      this.#later({ kind: 'neighbourhood' });
    this.#present = present;
    return present;
  }

  #isNews({ link, careOf }: Attachment): boolean {
    return this.#present?.careOf !== careOf || this.#present.link !== link;
  }

  /** Movement detection was first: RFC 5568 §6.2.2 wants the update after the new address is there. */
  #moved(left: Left, present: Attachment): void {
    this.#left = undefined;
    const { from, expected } = left;
    if (present.careOf === from.careOf) return this.#cancel(expected, from.careOf);
    const redirection = this.#redirection(from, present.maps);
    if (!redirection || present.atHome) return;
    this.#counters.add('handoversReactive');
    this.#later({ kind: 'update', redirection, from: from.careOf, careOf: present.careOf });
  }

  carries(careOf: Address): boolean {
    return this.#present !== undefined && this.#tails.has(careOf);
  }

  /** When what is going on now is through. */
  #later(errand: Errand): void {
    this.#errands.push({ at: this.#now + 1, errand });
  }

  #tick(now: Instant, outputs: Output[]): void {
    const due = this.#errands.filter(({ at }) => at <= now);
    this.#errands = this.#errands.filter(({ at }) => at > now);
    for (const { errand } of due) this.#run(errand, now, outputs);
    this.#solicitation.tick(now, outputs);
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
    const present = this.#present;
    switch (errand.kind) {
      case 'neighbourhood':
        if (present) this.#solicit(present, undefined, now, outputs);
        return;
      case 'linger': {
        const { previous, careOf } = errand;
        const endsAt = now + seconds(this.#settings.lifetimeS);
        return this.#tails.linger(previous, careOf, this.#settings.regional(), endsAt, outputs);
      }
      case 'update': {
        const { redirection, from, careOf } = errand;
        if (redirection.home === from && !this.#tails.has(from)) this.#redirectLate(errand, now, outputs);
        return this.#update(redirection, careOf, careOf, this.#settings.lifetimeS, now, outputs);
      }
      case 'cancel': {
        const { redirection, careOf } = errand;
        return this.#update(redirection, careOf, careOf, 0, now, outputs);
      }
    }
  }

  #redirectLate({ redirection, from, careOf }: Extract<Errand, { kind: 'update' }>, now: Instant, outputs: Output[]) {
    const endsAt = now + seconds(this.#settings.lifetimeS);
    this.#tails.open(from, careOf, redirection.key.router, this.#settings.regional(), endsAt, outputs);
  }

  /** The router of the new link, which knows better than what was foretold. */
  #routerSaid({ link, router, advertisement }: RouterInput, now: Instant, outputs: Output[]): void {
    const prepared = this.#prepared;
    if (prepared?.place.link !== link) return;
    if (!advertisement) {
      if (prepared.place.router === router) this.#prepared = undefined;
      return;
    }
    const said = findNeighbourOption(advertisement.options, 'neighbourAdvertisementAcknowledgment');
    if (said) this.#judged(prepared, said.status, said.careOfAddresses[0], outputs);
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
    this.#errands = [];
    this.#tails.close(left.from.careOf, undefined, outputs);
    this.#tails.release(undefined, outputs);
  }

  /** RFC 5568 §6.4.6. */
  #judged(
    prepared: { place: Attachment; readonly left: Left },
    status: number,
    supplied: Address | undefined,
    outputs: Output[],
  ): void {
    const { place, left } = prepared;
    const { useSuppliedCareOfAddress, previousCareOfAddressSupplied } = neighbourAcknowledgmentStatus;
    this.#counters.add('addressesCorrected');
    if (status === previousCareOfAddressSupplied) {
      this.#exchange.stop();
      this.#errands = [];
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

/** RFC 4140 Appendix A: the router's prefix and the mobile's interface identifier. */
function addressAt(
  prefix: Prefix,
  { linkAddress }: { readonly linkAddress: LinkAddress | undefined },
): Address | undefined {
  return linkAddress === undefined ? undefined : autoconfiguredAddress(prefix, linkAddress);
}

function prefixesOf({ options }: RouterAdvertisement): Prefix[] {
  return options.flatMap(option =>
    option.kind === 'prefixInformation' && option.validLifetimeS > 0 ? [prefixOf(option.prefix, option.length)] : [],
  );
}
