import { type Address, isUnspecified } from '../../base/address.js';
import { DecodeError } from '../../base/errors.js';
import type { LinkAddress } from '../../base/link-address.js';
import { type Prefix, prefixKey } from '../../base/prefix.js';
import { type ContextBlock, findContext, type PmipContext } from '../../wire/cxtp/context.js';
import { type CxtpMessage, type CxtpMessageOf, decodeCxtp } from '../../wire/cxtp/messages.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import type { Row } from '../contract.js';
import type { Turn } from '../gateway/lifecycle.js';
import { type DownlinkEnd, endKey, type Rule, type Wanted } from '../gateway/overlay.js';
import type { Transfers } from '../gateway/transfers.js';
import type { Visitor } from '../gateway/visitor.js';
import { type ActivateRequest, Activation } from './activation.js';
import { Arrivals } from './arrivals.js';
import { authorizationToken, mobileKey } from './authorization.js';
import { isWhole } from './context.js';
import { Departures } from './departures.js';
import { type Ground, isNeighbour, neighbourAt, type TimerName, toPeer } from './ground.js';
import { Requests } from './requests.js';

type Asking = CxtpMessageOf<'contextTransferRequest'>;

/** What one gateway does about mobiles that come from others and go to others. */
export class Transferring implements Transfers {
  readonly #ground: Ground;
  readonly #departures: Departures;
  readonly #arrivals: Arrivals;
  readonly #requests: Requests;
  readonly #activation: Activation;

  constructor(ground: Ground) {
    this.#ground = ground;
    this.#departures = new Departures(ground, visitor => this.#arrivals.of(visitor));
    this.#arrivals = new Arrivals(ground, this.#departures);
    this.#requests = new Requests(ground);
    this.#activation = new Activation(ground, {
      predict: (visitor, request, turn) => this.#departures.predicted(visitor, request.routerAddress, turn),
      fetch: (visitor, request, turn) => this.#fetch(visitor, request, turn),
    });
  }

  // ---- what happens to visitors ----------------------------------------------------------------------------------

  attached(visitor: Visitor, turn: Turn): void {
    const previous = this.#departures.returned(visitor, turn);
    if (this.#arrivals.came(visitor, turn)) return;
    // It has not been elsewhere since another gateway began to forward to it.
    if (previous === undefined && this.#arrivals.of(visitor)?.ended === false) return;
    // A mobile that was nowhere has no context anywhere.
    if (visitor.handoff === 'newInterface') return;
    const { settings } = this.#ground;
    const all = settings.neighbours.map(({ address }) => address);
    const named = visitor.previousAccessPoint && neighbourAt(settings, visitor.previousAccessPoint);
    const first = named ?? previous;
    const others = all.filter(address => address !== first);
    this.#requests.ask(visitor, first ? [first] : all, first ? others : [], undefined, turn);
  }

  expected(visitor: Visitor, accessPoint: LinkAddress, turn: Turn): void {
    const peer = neighbourAt(this.#ground.settings, accessPoint);
    if (peer !== undefined && visitor.state === 'registered') this.#departures.predicted(visitor, peer, turn);
  }

  registered(visitor: Visitor, turn: Turn): void {
    this.#arrivals.registered(visitor, turn);
  }

  left(visitor: Visitor, turn: Turn): void {
    this.#departures.left(visitor, turn);
  }

  moved(visitor: Visitor, turn: Turn): 'keep' | 'end' {
    return this.#departures.moved(visitor, turn);
  }

  removed(visitor: Visitor, turn: Turn): void {
    this.#departures.removed(visitor);
    this.#arrivals.removed(visitor, turn);
    this.#requests.over(visitor);
    this.#activation.removed(visitor);
  }

  // ---- what arrives ----------------------------------------------------------------------------------------------

  message(peer: Address, data: Uint8Array, turn: Turn): void {
    const { settings, counters } = this.#ground;
    const message = isNeighbour(settings, peer) ? decoded(data) : undefined;
    if (message) this.#message(peer, message, turn);
    else counters.contextMessagesUnexpected++;
  }

  #message(peer: Address, message: CxtpMessage, turn: Turn): void {
    switch (message.kind) {
      case 'contextTransferRequest':
        return this.#asked(peer, message, turn);
      case 'contextTransferData':
      case 'predictiveContextTransferData':
        return this.#data(peer, message, turn);
      case 'contextTransferDataReply':
        return this.#departures.replied(peer, message, turn);
      case 'contextTransferCancel':
        return this.#departures.cancelled(peer, message.previousAddress, turn);
      case 'contextTransferActivateRequest':
      case 'contextTransferActivateAcknowledge':
        this.#ground.counters.contextMessagesUnexpected++;
    }
  }

  #data(
    peer: Address,
    message: CxtpMessageOf<'contextTransferData'> | CxtpMessageOf<'predictiveContextTransferData'>,
    turn: Turn,
  ): void {
    if (findContext(message.blocks, 'forwardingEnded')) {
      const { previousAddress } = message;
      if (this.#ground.stragglers.complete(peer, previousAddress))
        return this.#departures.cameBack(previousAddress, turn);
      const visitor = this.#arrivals.ended(peer, previousAddress, turn);
      if (visitor) this.#departures.arrived(visitor, turn);
      return;
    }
    const context = findContext(message.blocks, 'pmipContext');
    const visitor = this.#asking(context);
    const isAnswer = this.#requests.isAnswer(peer, context);
    if (isWhole(context)) this.#arrivals.offered(peer, message, isAnswer, turn);
    this.#requests.answered(peer, context, isWhole(context), turn);
    if (visitor) this.#activation.settled(visitor, isWhole(context), turn);
  }

  /** Whose context is being asked for while AAA is, in that transaction. */
  askingFor(transaction: number): Visitor | undefined {
    for (const visitor of this.#requests.visitors()) if (visitor.transaction === transaction) return visitor;
    return undefined;
  }

  #asking(context: PmipContext | undefined): Visitor | undefined {
    for (const visitor of this.#requests.visitors()) if (visitor.station === context?.linkLayerAddress) return visitor;
    return undefined;
  }

  /** RFC 4067 §2.1.2; §6.3: the token comes first. */
  #asked(peer: Address, request: Asking, turn: Turn): void {
    const { counters } = this.#ground;
    counters.contextRequestsReceived++;
    const visitor = this.#visitorOf(request);
    if (!this.#isAuthorized(request, visitor)) {
      counters.contextTokensRefused++;
      return;
    }
    if (visitor && this.#departures.asked(visitor, peer, turn)) return;
    this.#arrivals.isElsewhere(findContext(request.blocks, 'pmipContext')?.linkLayerAddress, turn);
    // Nothing is known of that mobile here: the question comes back as it is, so that nobody waits.
    const { previousAddress, blocks } = request;
    const data = { acknowledge: false, elapsedMs: 0, previousAddress, blocks };
    turn.outputs.push(toPeer(peer, { kind: 'contextTransferData', ...data }));
  }

  #visitorOf({ previousAddress, blocks }: Asking): Visitor | undefined {
    const { visits, accessLinks } = this.#ground;
    const { visitors } = visits;
    const { mobileNodeIdentifier, linkLayerAddress } = findContext(blocks, 'pmipContext') ?? {};
    const found = [
      ...accessLinks.flatMap(link => (linkLayerAddress && visitors.byStation(link, linkLayerAddress)) ?? []),
      ...(isUnspecified(previousAddress) ? [] : [visitors.byAddress(previousAddress)]),
    ].filter(visitor => visitor !== undefined);
    if (mobileNodeIdentifier === undefined) return found[0];
    return (
      found.find(({ identity }) => identity === mobileNodeIdentifier) ??
      [...visitors.byIdentity(mobileNodeIdentifier)][0]
    );
  }

  /** By the gateway that asks, or by the mobile itself. */
  #isAuthorized({ previousAddress, sequence, token, blocks }: Asking, visitor: Visitor | undefined): boolean {
    const { key } = this.#ground.settings;
    const isBy = (candidate: Uint8Array) => authorizationToken(candidate, previousAddress, sequence, blocks) === token;
    return isBy(key) || (visitor?.identity !== undefined && isBy(mobileKey(key, visitor.identity)));
  }

  #fetch(visitor: Visitor, request: ActivateRequest, turn: Turn): boolean {
    if (this.#arrivals.of(visitor)) return true;
    const { previousAddress, sequence, token, routerAddress } = request;
    const blocks: readonly ContextBlock[] = request.blocks;
    this.#requests.ask(visitor, [routerAddress], [], { previousAddress, sequence, token, blocks }, turn);
    return false;
  }

  /** From a station of an access link (RFC 4067 §3.2). */
  activation(packet: Packet, visitor: Visitor, turn: Turn): void {
    this.#activation.received(packet, visitor, turn);
  }

  echoed(packet: Packet, turn: Turn): void {
    this.#departures.echoed(packet, turn);
  }

  peerLost(peer: Address, turn: Turn): void {
    this.#departures.peerLost(peer);
    this.#requests.peerLost(peer);
    for (const visitor of this.#arrivals.peerLost(peer)) this.#departures.arrived(visitor, turn);
  }

  due(name: TimerName, id: number, turn: Turn): void {
    switch (name) {
      case 'straggler':
        return this.#ground.stragglers.due(id);
      case 'back': {
        const previousAddress = this.#ground.stragglers.waited(id);
        if (previousAddress !== undefined) this.#departures.cameBack(previousAddress, turn);
        return;
      }
      case 'request': {
        const visitor = this.#ground.visits.visitors.byId(id);
        if (visitor) this.#requests.over(visitor);
        if (visitor) this.#activation.settled(visitor, false, turn);
        return;
      }
      case 'arrival':
      case 'release': {
        const visitor = this.#arrivals.due(name, id, turn);
        if (visitor) this.#departures.arrived(visitor, turn);
        return;
      }
      default:
        return this.#departures.due(name, id, turn);
    }
  }

  // ---- what comes of it ------------------------------------------------------------------------------------------

  wanted(): Wanted {
    const { settings, flushed, stragglers } = this.#ground;
    const rules = new Map<string, Rule>();
    const ends = new Map<string, DownlinkEnd>();
    const held = new Set<string>();
    const admit = (to: Prefix, remote: Address | undefined, hold = false) => {
      if (remote === undefined) return;
      const end: DownlinkEnd = { local: this.#ground.local, remote, to };
      ends.set(endKey(end), end);
      if (hold) held.add(endKey(end));
    };
    if (settings.forward) {
      for (const { prefixes, peer, before } of stragglers)
        for (const to of prefixes) {
          admit(to, peer);
          if (before) held.add(endKey({ local: this.#ground.local, remote: before.lma, to }));
        }
      for (const arrival of this.#arrivals) {
        const via = this.#arrivals.via(arrival);
        const isHeld = this.#arrivals.isHeld(arrival);
        for (const to of arrival.prefixes) {
          if (via) rules.set(prefixKey(to), { to, via });
          if (!arrival.ended) admit(to, arrival.peer, isHeld);
          if (!arrival.ended || arrival.visitor) admit(to, arrival.lma, !arrival.ended && !arrival.late && !isHeld);
        }
      }
      for (const departure of this.#departures)
        for (const to of departure.prefixes) {
          rules.set(prefixKey(to), { to, via: this.#departures.via(departure) });
          admit(to, departure.lma);
        }
    }
    // Whether something older comes from elsewhere is not known yet.
    for (const { served } of this.#requests.visitors())
      for (const to of served?.prefixes ?? [])
        if (served) held.add(endKey({ local: this.#ground.local, remote: served.anchor, to }));
    return { rules, ends, held, flushed: flushed.splice(0) };
  }

  *rows(): Generator<Row> {
    yield* this.#departures.rows();
    yield* this.#arrivals.rows();
  }
}

function decoded(data: Uint8Array): CxtpMessage | undefined {
  try {
    return decodeCxtp(data);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
