import { type Address, formatAddress } from '../../base/address.js';
import type { Prefix } from '../../base/prefix.js';
import { type Instant, millisecond, milliseconds } from '../../base/time.js';
import { type CxtpMessageOf, tokenAlgorithm } from '../../wire/cxtp/messages.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import type { Row, Via } from '../contract.js';
import type { Turn } from '../gateway/lifecycle.js';
import type { Visitor } from '../gateway/visitor.js';
import type { Arrival } from './arrivals.js';
import { contextOf, previousAddressOf, type WholeContext } from './context.js';
import { Drains } from './drain.js';
import { forwardingEnded, type Ground, type TimerName, toPeer } from './ground.js';

/** A mobile that left, or is about to. */
export interface Departure {
  readonly visitor: Visitor;
  readonly context: WholeContext;
  readonly previousAddress: Address;
  readonly prefixes: readonly Prefix[];
  readonly lma: Address | undefined;
  left: boolean;
  /** Its next gateway, as far as is known. */
  target: Target | undefined;
  /** Who asked for the mobile when its next gateway had it: where it is, if it is not there. */
  next: Address | undefined;
  /** Of what the LMA sends here: the binding still leads here, or leads elsewhere, or the last packet has come. */
  path: 'standing' | 'moved' | 'drained';
  firstSentAt: Instant | undefined;
}

interface Target {
  readonly peer: Address;
  /** It did not ask: it may refuse the mobile, and does not take packets before it has said that it will not. */
  readonly predicted: boolean;
  /** When it was told of the mobile first. */
  readonly since: Instant;
  /** One when it has the context, another when it has the mobile (RFC 4067 §2.5.4, §5.1). */
  replies: number;
}

/** A visitor that is here although another gateway says that it is there. */
const contradictedLimitMs = 10_000;

type Reply = CxtpMessageOf<'contextTransferDataReply'>;

/** The old gateway's part (draft-singh Appendix D): contexts go to the next gateway, and packets after them. */
export class Departures {
  readonly #ground: Ground;
  readonly #drains: Drains;
  readonly #byVisitor = new Map<Visitor, Departure>();
  readonly #byAddress = new Map<Address, Departure>();
  /** Whether another gateway still forwards to that visitor by way of this one. */
  readonly #arriving: (visitor: Visitor) => Arrival | undefined;

  constructor(ground: Ground, arriving: (visitor: Visitor) => Arrival | undefined) {
    this.#ground = ground;
    this.#arriving = arriving;
    this.#drains = new Drains(ground.local, ground.environment);
  }

  [Symbol.iterator](): Iterator<Departure> {
    return this.#byVisitor.values();
  }

  of(visitor: Visitor): Departure | undefined {
    return this.#byVisitor.get(visitor);
  }

  /** The link layer, or the mobile, says that it will go there; the context goes ahead of it (RFC 4067 §5.1). */
  predicted(visitor: Visitor, peer: Address, turn: Turn): boolean {
    const departure = this.#open(visitor, turn);
    if (!departure) return false;
    if (departure.target?.peer === peer) return true;
    this.#release(departure, turn);
    departure.target = { peer, predicted: true, since: turn.now, replies: 0 };
    this.#send(departure, peer, turn);
    this.#set('reply', departure, turn.now + milliseconds(this.#ground.settings.maximumTransferMs));
    if (!departure.left)
      this.#set('leaving', departure, turn.now + milliseconds(this.#ground.settings.expectedWithinMs));
    return true;
  }

  /** Another gateway has the mobile on its link (RFC 4067 §5.2). False: there is nothing to tell it. */
  asked(visitor: Visitor, peer: Address, turn: Turn): boolean {
    const departure = this.#open(visitor, turn);
    if (!departure) return false;
    const { target } = departure;
    // It went on from there: who had it last sends on what it gets.
    if (target && target.peer !== peer && (!target.predicted || target.replies > 1)) {
      departure.next = peer;
      return false;
    }
    departure.next = undefined;
    if (target?.peer !== peer) this.#release(departure, turn);
    const since = departure.target?.since ?? turn.now;
    departure.target = { peer, predicted: false, since, replies: 0 };
    this.#clear(departure, 'reply', 'leaving');
    if (!departure.left) this.#set('limit', departure, turn.now + milliseconds(contradictedLimitMs));
    this.#send(departure, peer, turn);
    this.#settle(departure, turn);
    return true;
  }

  left(visitor: Visitor, turn: Turn): void {
    const departure = this.#open(visitor, turn);
    if (!departure) return;
    departure.left = true;
    this.#clear(departure, 'leaving', 'limit');
  }

  /** The binding leads to another gateway: what is still under way to this one has to be passed on. */
  moved(visitor: Visitor, turn: Turn): 'keep' | 'end' {
    const departure = this.#byVisitor.get(visitor);
    if (!departure || !this.#ground.settings.forward) return 'end';
    if (departure.path !== 'standing') return 'keep';
    departure.path = 'moved';
    if (departure.lma === undefined) return 'end';
    turn.outputs.push(this.#drains.start(visitor.id, departure.lma));
    this.#set('echo', departure, this.#drains.next(turn.now));
    return 'keep';
  }

  /** The mobile of that address has left, or is said to have. */
  at(previousAddress: Address): Departure | undefined {
    return this.#byAddress.get(previousAddress);
  }

  /** Where packets for that address go on to a gateway that was told of it before `since`, or before something that is yet to be. */
  overtakes(previousAddress: Address, since: Instant | undefined): boolean {
    const departure = this.#byAddress.get(previousAddress);
    if (!departure?.target || this.via(departure).kind !== 'tunnel') return false;
    return since === undefined || departure.target.since < since;
  }

  /** It is here again; returns the gateway it may have been at. */
  returned(visitor: Visitor, turn: Turn): Address | undefined {
    const departure = this.#byVisitor.get(visitor);
    if (!departure) return undefined;
    const peer = departure.target?.peer;
    this.#release(departure, turn);
    this.#remove(departure);
    return peer;
  }

  /** Its entry goes. */
  removed(visitor: Visitor): void {
    const departure = this.#byVisitor.get(visitor);
    if (!departure) return;
    this.#end(departure);
    this.#remove(departure);
  }

  /** Nobody forwards to the visitor by way of this gateway any more. */
  arrived(visitor: Visitor, turn: Turn): void {
    const departure = this.#byVisitor.get(visitor);
    if (!departure) return;
    // Never registered from here, so that nobody will say that it has moved: as soon as it could have been, it is over.
    if (departure.path === 'standing' && visitor.served === undefined) this.#setGrace(departure, turn);
    else this.#settle(departure, turn);
  }

  /** RFC 4067 §2.5.4. */
  replied(peer: Address, { previousAddress, success }: Reply, turn: Turn): void {
    const departure = this.#aimedAt(previousAddress, peer);
    if (!departure?.target) return;
    this.#clear(departure, 'reply');
    if (!success) return this.#forgetTarget(departure);
    departure.target.replies++;
    this.#settle(departure, turn);
  }

  /** RFC 4067 §2.5.5: the mobile did not come there. */
  cancelled(peer: Address, previousAddress: Address, turn: Turn): void {
    const departure = this.#aimedAt(previousAddress, peer);
    if (!departure) return;
    const { visitor, next } = departure;
    this.#release(departure, turn);
    if (next !== undefined) this.asked(visitor, next, turn);
    else this.#forgetTarget(departure);
  }

  /** Nothing that was forwarded in vain is still to come back. */
  cameBack(previousAddress: Address, turn: Turn): void {
    const departure = this.#byAddress.get(previousAddress);
    if (departure) this.#settle(departure, turn);
  }

  peerLost(peer: Address): void {
    for (const departure of [...this.#byVisitor.values()])
      if (departure.target?.peer === peer) this.#forgetTarget(departure);
  }

  echoed(packet: Packet, turn: Turn): void {
    const id = this.#drains.answered(packet);
    const departure = id === undefined ? undefined : this.#byId(id);
    if (departure) this.#drained(departure, turn);
  }

  due(name: TimerName, id: number, turn: Turn): void {
    const departure = this.#byId(id);
    if (!departure) return;
    switch (name) {
      case 'reply':
        // RFC 4067 §3.1: the transfer is aborted; what waits for a mobile that left goes on waiting.
        if (!departure.left) this.#call(departure, turn);
        return;
      case 'leaving':
      case 'limit':
        return this.#call(departure, turn);
      case 'echo': {
        const output = this.#drains.again(id);
        if (!output) return this.#drained(departure, turn);
        turn.outputs.push(output);
        return this.#set('echo', departure, this.#drains.next(turn.now));
      }
      case 'grace':
        // Without a registration of its own it may still be told of one that it did not see.
        return departure.path === 'drained' ? this.#finish(departure, turn) : this.#end(departure);
    }
  }

  /** Where packets for the mobile go meanwhile. */
  via({ target }: Departure): Via {
    const { settings, local } = this.#ground;
    if (target && (!target.predicted || target.replies > 0)) return { kind: 'tunnel', local, remote: target.peer };
    return { kind: 'park', limitOctets: settings.limitOctets };
  }

  *rows(): Generator<Row> {
    for (const { context, target, left, path } of this.#byVisitor.values())
      yield {
        identity: context.mobileNodeIdentifier,
        direction: 'to',
        peer: target && formatAddress(target.peer),
        state: left ? path : 'expected',
      };
  }

  #open(visitor: Visitor, turn: Turn): Departure | undefined {
    const known = this.#byVisitor.get(visitor);
    if (known) return known;
    const arrival = this.#arriving(visitor);
    const prefixes = visitor.served?.prefixes ?? arrival?.prefixes ?? [];
    const context = contextOf(visitor, prefixes, turn.now) ?? arrival?.context;
    if (!context || prefixes.length === 0) return undefined;
    const departure: Departure = {
      visitor,
      context,
      previousAddress: previousAddressOf(prefixes),
      prefixes,
      lma: visitor.served?.anchor ?? context.lmaAddress,
      left: false,
      target: undefined,
      next: undefined,
      path: 'standing',
      firstSentAt: undefined,
    };
    this.#byVisitor.set(visitor, departure);
    this.#byAddress.set(departure.previousAddress, departure);
    return departure;
  }

  /** RFC 4067 §2.5.3. The key's field is empty: every gateway of the domain can make it. */
  #send(departure: Departure, peer: Address, turn: Turn): void {
    const { context, previousAddress, target } = departure;
    departure.firstSentAt ??= turn.now;
    const elapsedMs = Math.floor((turn.now - departure.firstSentAt) / millisecond);
    const data = { acknowledge: true, elapsedMs, previousAddress, blocks: [context] };
    const key = { algorithm: tokenAlgorithm.hmacSha1, key: new Uint8Array(0) };
    this.#ground.counters.contextsSent++;
    turn.outputs.push(
      toPeer(
        peer,
        target?.predicted
          ? { kind: 'predictiveContextTransferData', ...data, ...key }
          : { kind: 'contextTransferData', ...data },
      ),
    );
  }

  #drained(departure: Departure, turn: Turn): void {
    departure.path = 'drained';
    this.#clear(departure, 'echo');
    this.#settle(departure, turn);
  }

  /** The last packet has gone on, if it has come and if nobody else sends more by way of this gateway. */
  #settle(departure: Departure, turn: Turn): void {
    const { visitor, path, previousAddress } = departure;
    if (path !== 'drained' || this.#arriving(visitor)?.ended === false) return;
    if (this.#ground.stragglers.awaits(previousAddress)) return;
    if (departure.target && this.via(departure).kind === 'tunnel') this.#finish(departure, turn);
    else this.#setGrace(departure, turn);
  }

  /** The next gateway may still be about to ask. */
  #setGrace(departure: Departure, turn: Turn): void {
    this.#set('grace', departure, turn.now + milliseconds(this.#ground.settings.maximumTransferMs));
  }

  #finish(departure: Departure, turn: Turn): void {
    const via = this.via(departure);
    if (via.kind === 'tunnel') this.#ground.flushed.push(...departure.prefixes.map(to => ({ to, via })));
    this.#end(departure);
    this.#remove(departure);
    if (departure.path === 'drained') this.#ground.visits.end(departure.visitor, turn);
  }

  /** The mobile has not left after all. */
  #call(departure: Departure, turn: Turn): void {
    this.#ground.counters.contextTransfersCancelled++;
    this.#release(departure, turn);
    this.#remove(departure);
  }

  /** Forwards no more there, and takes what comes back. */
  #release(departure: Departure, turn: Turn): void {
    if (!departure.target) return;
    this.#takeBack(departure, turn);
    this.#end(departure);
    departure.target = undefined;
  }

  /** What it was sent in vain it sends back; where it has the mobile there may be some on the way at most. */
  #takeBack({ target, prefixes, previousAddress, lma }: Departure, turn: Turn): void {
    if (!target) return;
    const { stragglers, settings } = this.#ground;
    const inVain = target.predicted && target.replies === 1 && lma !== undefined;
    const before = inVain ? { previousAddress, lma } : undefined;
    stragglers.add({ peer: target.peer, prefixes, before }, turn.now, settings.maximumTransferMs);
  }

  /** "Forwarding ended", behind the last packet. */
  #end({ target, previousAddress }: Departure): void {
    if (!target) return;
    this.#ground.counters.forwardingsEnded++;
    this.#ground.afterwards.push(toPeer(target.peer, forwardingEnded(previousAddress)));
  }

  /** What is for a mobile that left waits until another gateway asks; one that is here is served. */
  #forgetTarget(departure: Departure): void {
    departure.target = undefined;
    this.#clear(departure, 'reply');
    if (!departure.left) this.#remove(departure);
  }

  #remove(departure: Departure): void {
    const { visitor, previousAddress } = departure;
    this.#byVisitor.delete(visitor);
    if (this.#byAddress.get(previousAddress) === departure) this.#byAddress.delete(previousAddress);
    this.#drains.stop(visitor.id);
    this.#clear(departure, 'reply', 'leaving', 'limit', 'grace', 'echo');
  }

  #aimedAt(previousAddress: Address, peer: Address): Departure | undefined {
    const departure = this.#byAddress.get(previousAddress);
    if (departure?.target?.peer === peer) return departure;
    this.#ground.counters.contextMessagesUnexpected++;
    return undefined;
  }

  #byId(id: number): Departure | undefined {
    const visitor = this.#ground.visits.visitors.byId(id);
    return visitor && this.#byVisitor.get(visitor);
  }

  #set(name: TimerName, { visitor }: Departure, at: Instant): void {
    this.#ground.timers.set(`${name} ${visitor.id}`, at);
  }

  #clear({ visitor }: Departure, ...names: readonly TimerName[]): void {
    for (const name of names) this.#ground.timers.clear(`${name} ${visitor.id}`);
  }
}
