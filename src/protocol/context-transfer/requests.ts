import { type Address, unspecified } from '../../base/address.js';
import type { LinkAddress } from '../../base/link-address.js';
import { below } from '../../base/random.js';
import { type Instant, milliseconds, seconds } from '../../base/time.js';
import type { ContextBlock, PmipContext } from '../../wire/cxtp/context.js';
import type { Turn } from '../gateway/lifecycle.js';
import type { Visitor } from '../gateway/visitor.js';
import { authorizationToken } from './authorization.js';
import { type Ground, toPeer } from './ground.js';

/** A mobile that has come without a context. */
interface Request {
  readonly visitor: Visitor;
  /** Who has not answered. */
  readonly asked: Set<Address>;
  /** Who is asked if these know nothing. */
  readonly others: readonly Address[];
}

/** What a request says of the mobile, by its own token or by the gateway's. */
export interface Question {
  readonly previousAddress: Address;
  readonly sequence: number;
  readonly token: number;
  readonly blocks: readonly ContextBlock[];
}

/** For how long a question may be under way, and its answer: as long as SCTP does not give up (RFC 9260 §16). */
const answerableS = 120;

/** The new gateway asks the one before for a context (RFC 4067 §2.1.2, §2.5.6). */
export class Requests {
  readonly #ground: Ground;
  readonly #byVisitor = new Map<Visitor, Request>();
  readonly #byStation = new Map<LinkAddress, Request>();
  /** Questions that have not been answered, also when nobody waits any more: when they were asked. */
  readonly #unanswered = new Map<string, Instant>();

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  /** Whose answers are being waited for. */
  visitors(): Iterable<Visitor> {
    return this.#byVisitor.keys();
  }

  /** Asks `peers`, and `others` after them where they know nothing. */
  ask(
    visitor: Visitor,
    peers: readonly Address[],
    others: readonly Address[],
    question: Question | undefined,
    turn: Turn,
  ): void {
    this.over(visitor);
    if (peers.length === 0) return;
    const request = { visitor, asked: new Set(peers), others };
    this.#byVisitor.set(visitor, request);
    this.#byStation.set(visitor.station, request);
    const { settings, timers, counters } = this.#ground;
    timers.set(`request ${visitor.id}`, turn.now + milliseconds(settings.maximumTransferMs));
    const asked = question ?? this.#question(visitor);
    counters.contextRequestsSent += peers.length;
    this.#forgetQuestions(turn.now);
    for (const peer of peers) {
      this.#unanswered.delete(peer + visitor.station);
      this.#unanswered.set(peer + visitor.station, turn.now);
      turn.outputs.push(toPeer(peer, { kind: 'contextTransferRequest', ...asked }));
    }
  }

  /** Whether that gateway was asked for that station, and this is the answer, however late. */
  isAnswer(peer: Address, context: PmipContext | undefined): boolean {
    return context?.linkLayerAddress !== undefined && this.#unanswered.delete(peer + context.linkLayerAddress);
  }

  /** That gateway has the context, or says that it has none: what it was asked, and no more (draft-singh names no message for that). */
  answered(peer: Address, context: PmipContext | undefined, whole: boolean, turn: Turn): void {
    const request = context?.linkLayerAddress && this.#byStation.get(context.linkLayerAddress);
    if (!request?.asked.delete(peer)) return;
    const { visitor, asked, others } = request;
    if (whole) return this.over(visitor);
    if (asked.size > 0) return;
    this.over(visitor);
    this.ask(visitor, others, [], undefined, turn);
  }

  peerLost(peer: Address): void {
    for (const { visitor, asked } of [...this.#byVisitor.values()])
      if (asked.delete(peer) && asked.size === 0) this.over(visitor);
  }

  over(visitor: Visitor): void {
    const request = this.#byVisitor.get(visitor);
    if (!request) return;
    this.#byVisitor.delete(visitor);
    if (this.#byStation.get(visitor.station) === request) this.#byStation.delete(visitor.station);
    this.#ground.timers.clear(`request ${visitor.id}`);
  }

  /** The oldest come first. */
  #forgetQuestions(now: Instant): void {
    for (const [question, askedAt] of this.#unanswered) {
      if (now - askedAt < seconds(answerableS)) return;
      this.#unanswered.delete(question);
    }
  }

  /** Without the mobile's own: the gateway is authorized by the domain's key. */
  #question(visitor: Visitor): Question {
    const { environment, settings } = this.#ground;
    const identity = visitor.identity ?? visitor.claimedIdentity;
    const previousAddress = visitor.addresses[0] ?? unspecified;
    const sequence = below(environment.random, 2 ** 32);
    const blocks: ContextBlock[] = [
      {
        kind: 'pmipContext',
        ...(identity && { mobileNodeIdentifier: identity }),
        linkLayerAddress: visitor.station,
      },
    ];
    return {
      previousAddress,
      sequence,
      token: authorizationToken(settings.key, previousAddress, sequence, blocks),
      blocks,
    };
  }
}
