import { type Address, formatAddress } from '../../base/address.js';
import type { LinkAddress } from '../../base/link-address.js';
import type { Prefix } from '../../base/prefix.js';
import { type Instant, milliseconds, second } from '../../base/time.js';
import { featureProfileType, findContext } from '../../wire/cxtp/context.js';
import type { CxtpMessageOf } from '../../wire/cxtp/messages.js';
import type { Row, Via } from '../contract.js';
import type { Turn } from '../gateway/lifecycle.js';
import type { State } from '../gateway/transitions.js';
import type { Visitor } from '../gateway/visitor.js';
import { introductionOf, isWhole, prefixesOf, type WholeContext } from './context.js';
import type { Departures } from './departures.js';
import { forwardingEnded, type Ground, type TimerName, toPeer } from './ground.js';

/** A mobile that comes, or will, from another gateway. */
export interface Arrival {
  readonly id: number;
  readonly peer: Address;
  readonly previousAddress: Address;
  readonly context: WholeContext;
  readonly prefixes: readonly Prefix[];
  readonly lma: Address | undefined;
  /** Since it has come. */
  visitor: Visitor | undefined;
  /** Since when it has been here and its context too. */
  since: Instant | undefined;
  /** It was registered before: what its LMA sends has been delivered since, and does not wait again. */
  late: boolean;
  /** Nothing more is forwarded to it. */
  ended: boolean;
  /** It did not come, and the other gateway was told. */
  cancelled: boolean;
}

type Data = CxtpMessageOf<'contextTransferData'> | CxtpMessageOf<'predictiveContextTransferData'>;

/** Why a context is refused: RFC 4067 §2.5.4 leaves the values to the context's document. */
const refusal = { incomplete: 2, noRoom: 3, otherMobile: 4, refusedMobile: 5 } as const;

/** Where what is forwarded to it goes over its link: it has come, and nobody has turned it away. */
const present: readonly State[] = ['authenticating', 'registering', 'awaitingAddress', 'registered'];

/** For how long a mobile that came is forwarded to where its registration does not come about. */
const unregisteredLimitS = 10;

/** The new gateway's part (draft-singh Appendix D): who will come is known, and what is for it is there before it. */
export class Arrivals {
  readonly #ground: Ground;
  readonly #byKey = new Map<string, Arrival>();
  readonly #departures: Departures;
  #nextId = 1;

  constructor(ground: Ground, departures: Departures) {
    this.#ground = ground;
    this.#departures = departures;
  }

  [Symbol.iterator](): Iterator<Arrival> {
    return this.#byKey.values();
  }

  /** Of one that came. */
  of(visitor: Visitor): Arrival | undefined {
    for (const arrival of this.#byKey.values()) if (arrival.visitor === visitor) return arrival;
    return undefined;
  }

  /** RFC 4067 §2.5.3: contexts, before the mobile or after it; who asked had the mobile when it did. */
  offered(peer: Address, message: Data, isAnswer: boolean, turn: Turn): void {
    const { counters } = this.#ground;
    const context = findContext(message.blocks, 'pmipContext');
    counters.contextsReceived++;
    if (!isWhole(context)) return this.#reply(peer, message, refusal.incomplete, turn);
    const visitor = this.#present(context);
    const problem = this.#problem(context, visitor, key(peer, message.previousAddress));
    if (problem !== undefined) return this.#reply(peer, message, problem, turn);
    const arrival = this.#add(peer, message.previousAddress, context);
    this.#reply(peer, message, undefined, turn);
    const departure = this.#departures.at(message.previousAddress);
    const hasLeft = visitor?.state === 'leaving' || visitor?.state === 'yielding';
    if (visitor && !hasLeft) return this.#activate(arrival, visitor, turn);
    // Asked for, and gone before it was here: the other gateway is to look elsewhere.
    const isLate = isAnswer || hasLeft || departure !== undefined;
    if (isLate && message.kind === 'contextTransferData') return this.#giveUp(arrival, turn);
    const gone = visitor ?? departure?.visitor;
    if (gone) this.#departures.returned(gone, turn);
    const waitMs = 2 * this.#ground.settings.expectedWithinMs;
    this.#ground.timers.set(`arrival ${arrival.id}`, turn.now + milliseconds(waitMs));
  }

  /** Another gateway has the mobile, which was expected here. */
  isElsewhere(station: LinkAddress | undefined, turn: Turn): void {
    for (const arrival of this.#byKey.values())
      if (arrival.visitor === undefined && !arrival.cancelled && arrival.context.linkLayerAddress === station)
        this.#giveUp(arrival, turn);
  }

  /** A station has come; whether another gateway said that it would. */
  came(visitor: Visitor, turn: Turn): boolean {
    let expected = false;
    for (const arrival of [...this.#byKey.values()]) {
      if (arrival.visitor !== undefined || !isOf(arrival.context, visitor)) continue;
      const { peer, previousAddress } = arrival;
      expected = true;
      this.#activate(arrival, visitor, turn);
      // RFC 4067 §5.1: the second reply says that it is here.
      turn.outputs.push(toPeer(peer, replyTo(previousAddress, undefined)));
    }
    return expected;
  }

  registered(visitor: Visitor, turn: Turn): void {
    const { timers, settings } = this.#ground;
    for (const arrival of this.#of(visitor))
      if (arrival.ended) this.#remove(arrival);
      else timers.set(`release ${arrival.id}`, turn.now + milliseconds(settings.releaseMs));
  }

  /** The other gateway has forwarded the last packet; what is for a mobile that has not come goes back. */
  ended(peer: Address, previousAddress: Address, turn: Turn): Visitor | undefined {
    const arrival = this.#byKey.get(key(peer, previousAddress));
    if (!arrival) return undefined;
    const { visitor, prefixes } = arrival;
    if (visitor === undefined) this.#giveBack(arrival);
    else this.#ground.stragglers.add({ peer, prefixes, before: undefined }, turn.now, 0);
    // Before it is registered the context is all that is known of it.
    if (visitor === undefined || visitor.served) this.#remove(arrival);
    else arrival.ended = true;
    return visitor;
  }

  /** Visitors to whom nothing will be forwarded any more. */
  peerLost(peer: Address): Visitor[] {
    const visitors: Visitor[] = [];
    for (const arrival of [...this.#byKey.values()]) {
      if (arrival.peer !== peer) continue;
      arrival.ended = true;
      if (arrival.visitor === undefined) continue;
      visitors.push(arrival.visitor);
      if (arrival.visitor.served) this.#remove(arrival);
    }
    return visitors;
  }

  /** The visitor's entry goes: nobody is to forward to it any more. */
  removed(visitor: Visitor, turn: Turn): void {
    for (const arrival of this.#of(visitor)) {
      if (!arrival.ended) this.#cancel(arrival, turn);
      this.#remove(arrival);
    }
  }

  /** Returns whom nothing will be forwarded to any more. */
  due(name: TimerName, id: number, turn: Turn): Visitor | undefined {
    const arrival = [...this.#byKey.values()].find(candidate => candidate.id === id);
    if (!arrival) return undefined;
    if (name === 'release') this.#ground.counters.forwardingsReleasedUnended += arrival.ended ? 0 : 1;
    else if (!arrival.ended && !arrival.cancelled) {
      this.#giveUp(arrival, turn);
      return undefined;
    }
    this.#remove(arrival);
    return arrival.visitor;
  }

  /** Where packets for the mobile go meanwhile; undefined: where the gateway says. */
  via({ visitor }: Arrival): Via | undefined {
    if (visitor === undefined) return { kind: 'park', limitOctets: this.#ground.settings.limitOctets };
    const { state, link, station } = visitor;
    return present.includes(state) ? { kind: 'link', link, neighbour: station } : undefined;
  }

  /**
   * What comes by it waits here: another gateway has been told of the mobile before. A packet that is passed on only by a
   * gateway that had the mobile first, and was told of where it went later, never comes to the same gateway twice.
   */
  isHeld({ previousAddress, since }: Arrival): boolean {
    return this.#departures.overtakes(previousAddress, since);
  }

  *rows(): Generator<Row> {
    for (const { context, peer, visitor, ended } of this.#byKey.values())
      yield {
        identity: context.mobileNodeIdentifier,
        direction: 'from',
        peer: formatAddress(peer),
        state: visitor ? 'arrived' : ended ? 'alone' : 'expected',
      };
  }

  /** That mobile's visitor here, whether it has just left or is there. */
  #present(context: WholeContext): Visitor | undefined {
    const { visits, accessLinks } = this.#ground;
    const { linkLayerAddress, mobileNodeIdentifier } = context;
    const found =
      linkLayerAddress === undefined
        ? [...visits.visitors.byIdentity(mobileNodeIdentifier)]
        : accessLinks.flatMap(link => visits.visitors.byStation(link, linkLayerAddress) ?? []);
    return found.find(({ state }) => state !== 'deregistering');
  }

  #problem(context: WholeContext, visitor: Visitor | undefined, at: string): number | undefined {
    if (visitor && !isOf(context, visitor)) return refusal.otherMobile;
    if (visitor?.state === 'refused') return refusal.refusedMobile;
    const full = this.#byKey.size >= this.#ground.settings.maximumExpected && !this.#byKey.has(at);
    return full ? refusal.noRoom : undefined;
  }

  #add(peer: Address, previousAddress: Address, context: WholeContext): Arrival {
    const before = this.#byKey.get(key(peer, previousAddress));
    if (before) this.#remove(before);
    const arrival: Arrival = {
      id: this.#nextId++,
      peer,
      previousAddress,
      context,
      prefixes: prefixesOf(context),
      lma: context.lmaAddress,
      visitor: undefined,
      since: undefined,
      late: false,
      ended: false,
      cancelled: false,
    };
    this.#byKey.set(key(peer, previousAddress), arrival);
    return arrival;
  }

  #activate(arrival: Arrival, visitor: Visitor, turn: Turn): void {
    const { timers, counters, visits } = this.#ground;
    counters.contextsActivated++;
    arrival.visitor = visitor;
    arrival.since = turn.now;
    arrival.late = visitor.state === 'registered';
    timers.clear(`arrival ${arrival.id}`);
    timers.set(`release ${arrival.id}`, turn.now + unregisteredLimitS * second);
    if (visitor.state === 'registered') this.registered(visitor, turn);
    else visits.introduce(visitor, introductionOf(arrival.context), turn);
    if (!this.#ground.settings.forward || (arrival.ended && visitor.served)) this.#remove(arrival);
  }

  /** The other gateway ends its forwarding first: what is parked here goes back behind that, and nothing gets lost. */
  #giveUp(arrival: Arrival, turn: Turn): void {
    arrival.cancelled = true;
    this.#cancel(arrival, turn);
    this.#ground.timers.set(`arrival ${arrival.id}`, turn.now + milliseconds(this.#ground.settings.maximumTransferMs));
  }

  #reply(peer: Address, message: Data, problem: number | undefined, turn: Turn): void {
    if (problem !== undefined) this.#ground.counters.contextsRefused++;
    if (message.acknowledge) turn.outputs.push(toPeer(peer, replyTo(message.previousAddress, problem)));
  }

  /** RFC 4067 §2.5.5. */
  #cancel({ peer, previousAddress }: Arrival, turn: Turn): void {
    this.#ground.counters.contextTransfersCancelled++;
    turn.outputs.push(toPeer(peer, { kind: 'contextTransferCancel', previousAddress }));
  }

  /** What was parked, and behind it that this was all, unless there is more that goes there. */
  #giveBack({ peer, prefixes, previousAddress, ended }: Arrival): void {
    if (ended) return;
    const { flushed, afterwards, local } = this.#ground;
    flushed.push(...prefixes.map(to => ({ to, via: { kind: 'tunnel', local, remote: peer } as const })));
    if (this.#departures.at(previousAddress)?.target?.peer !== peer)
      afterwards.push(toPeer(peer, forwardingEnded(previousAddress)));
  }

  #of(visitor: Visitor): Arrival[] {
    return [...this.#byKey.values()].filter(arrival => arrival.visitor === visitor);
  }

  #remove(arrival: Arrival): void {
    this.#byKey.delete(key(arrival.peer, arrival.previousAddress));
    for (const name of ['arrival', 'release'] as const) this.#ground.timers.clear(`${name} ${arrival.id}`);
  }
}

/** Its link-layer address is the context's, and so is its identity where it has said one. */
function isOf({ mobileNodeIdentifier, linkLayerAddress }: WholeContext, visitor: Visitor): boolean {
  const identity = visitor.identity ?? visitor.claimedIdentity;
  if (linkLayerAddress === undefined) return identity === mobileNodeIdentifier;
  return linkLayerAddress === visitor.station && (identity === undefined || identity === mobileNodeIdentifier);
}

function replyTo(previousAddress: Address, problem: number | undefined) {
  return {
    kind: 'contextTransferDataReply',
    success: problem === undefined,
    previousAddress,
    statuses: [{ featureProfileType: featureProfileType.pmipContext, status: problem ?? 0 }],
  } as const;
}

function key(peer: Address, previousAddress: Address): string {
  return peer + previousAddress;
}
