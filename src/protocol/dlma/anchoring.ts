import type { Address } from '../../base/address.js';
import type { Prefix } from '../../base/prefix.js';
import { earliest, type Instant, seconds } from '../../base/time.js';
import { revocationTrigger, bindingStatus as status } from '../../wire/mobility/status.js';
import { type Binding, type BindingCache, homesOf } from '../anchor/binding-cache.js';
import type { Counters } from '../anchor/counters.js';
import type { Registered, SessionRequest, Sessions, SharedAnchor } from '../anchor/sessions.js';
import type { Update } from '../anchor/update.js';
import type { Engine, Environment, Input, Output, StoredRecord } from '../contract.js';
import type { Anchored, AnchoredMobile, Anchorings } from './anchored.js';
import { Departures } from './departures.js';
import {
  type AskedToBegin,
  type AskedToConfirm,
  Enquiries,
  type EnquirySettings,
  endings,
  refusals,
} from './enquiries.js';
import type { LmaFunction, Post, Turn } from './function.js';
import type { Message } from './messages.js';
import { type Stay, Stays, storedStays } from './stays.js';
import { isSame, type WaitingSession, WaitingSessions, waitingRows } from './waiting-sessions.js';

export interface AnchoringSettings extends EnquirySettings {
  /** Sessions that may wait for location management at once. */
  readonly maximumWaiting: number;
}

type MessageOf<Kind extends Message['kind']> = Extract<Message, { kind: Kind }>;

/** What the anchor said while it was at work. */
type News =
  | { readonly kind: 'asked'; readonly request: SessionRequest }
  | { readonly kind: 'givenUp'; readonly update: Update }
  | {
      readonly kind: 'registered';
      readonly binding: Binding;
      readonly how: Registered;
      readonly previous: Address | undefined;
    }
  /** `released`: others know more of it than this LMA does. */
  | { readonly kind: 'removed'; readonly binding: Binding; readonly released: boolean };

/**
 * The D-LMA towards gateways (draft-chan §4.3): the anchor of RFC 5213, which begins no session before location management of the
 * home's network has said that the home is the mobile's and that its place is here now.
 */
export class Anchoring implements LmaFunction, Anchored {
  readonly #settings: AnchoringSettings;
  readonly #post: Post;
  readonly #routing: Anchorings;
  readonly #lma: SharedAnchor;
  readonly #cache: BindingCache;
  readonly #counters: Counters;
  readonly #enquiries: Enquiries;
  readonly #departures: Departures;
  readonly #stays = new Stays();
  readonly #waiting = new WaitingSessions();
  #news: News[] = [];
  /** When the mobile came whose session is admitted right now. */
  #admittedMs: number | undefined;

  constructor(
    settings: AnchoringSettings,
    environment: Environment,
    post: Post,
    routing: Anchorings,
    createLma: (sessions: Sessions) => SharedAnchor,
  ) {
    this.#settings = settings;
    this.#post = post;
    this.#routing = routing;
    this.#lma = createLma({
      asked: request => this.#news.push({ kind: 'asked', request }),
      givenUp: update => this.#news.push({ kind: 'givenUp', update }),
      registered: (binding, how, previous) => this.#news.push({ kind: 'registered', binding, how, previous }),
      removed: binding =>
        this.#news.push({ kind: 'removed', binding, released: this.#departures.released === binding }),
    });
    this.#cache = this.#lma.anchor.cache;
    this.#counters = this.#lma.anchor.counters;
    this.#enquiries = new Enquiries(settings, environment, post, this);
    const parts = { settings, post, routing, lma: this.#lma, stays: this.#stays, waiting: this.#waiting };
    this.#departures = new Departures({ ...parts, enquiries: this.#enquiries }, (outputs, turn) =>
      this.#follow(outputs, turn),
    );
  }

  get deadline(): Instant | undefined {
    return earliest(this.#lma.engine.deadline, this.#stays.deadline);
  }

  get counters(): Engine['counters'] {
    return this.#lma.engine.counters;
  }

  get views(): Engine['views'] {
    return { ...this.#lma.engine.views, waiting: () => waitingRows(this.#waiting) };
  }

  find(home: Prefix): AnchoredMobile | undefined {
    const binding = this.#cache.byHome(home);
    const stay = binding && this.#stays.get(binding.home);
    if (!binding || !stay) return undefined;
    const endsAt = this.#lma.anchor.endOf(binding) ?? 0;
    return { identity: binding.identity, gateway: binding.tunnel.careOf, timestampMs: stay.timestampMs, endsAt };
  }

  start(turn: Turn): void {
    this.tick(turn);
  }

  tick(turn: Turn): void {
    this.#step({ kind: 'tick' }, turn);
    for (const { stay, isOver } of this.#stays.takeDue(turn.now)) this.#remind(stay, isOver, turn);
  }

  /** What gateways send, and what an operator wants. */
  input(input: Input, turn: Turn): void {
    if (input.kind === 'command' && input.command.name === 'release')
      for (const session of this.#waiting.of(input.command.identity)) this.#waiting.remove(session);
    if (input.kind === 'packet' || input.kind === 'command') this.#step(input, turn);
  }

  /** Who came to another D-LMA while this one was down is not here any more: location management knows. */
  restore(records: readonly StoredRecord[], turn: Turn): void {
    const outputs = this.#lma.engine.handle({ kind: 'restored', records }, turn.now);
    for (const stay of storedStays(records, turn.outputs)) {
      const binding = this.#cache.byHome(stay.homes[0]);
      const isHere = binding?.identity === stay.identity && isSame(homesOf(binding), stay.homes);
      if (isHere) this.#stays.put(stay, turn.outputs);
      else {
        this.#stays.remove(stay, turn.outputs);
        this.#enquiries.end(stay, turn);
      }
    }
    for (const binding of this.#cache) this.#came(binding, this.#stays.get(binding.home)?.timestampMs, undefined, turn);
    this.#follow(outputs, turn);
    for (const binding of this.#cache) {
      const stay = this.#stays.get(binding.home)!;
      if (stay.untold !== undefined) this.#enquiries.tellPrevious(stay, stay.untold, binding, turn);
      this.#enquiries.confirmLater(stay, binding);
      this.#stays.lend(stay, turn.now, (this.#lma.anchor.endOf(binding) ?? turn.now) - turn.now);
    }
    this.#enquiries.confirmNext(turn);
  }

  handle(message: Message, from: Address, turn: Turn): boolean {
    switch (message.kind) {
      case 'registered':
        this.#registered(message, from, turn);
        return true;
      case 'handover':
        this.#departures.handover(message, from, turn);
        return true;
      case 'handoverAnswer':
        this.#departures.answered(message, from, turn);
        return true;
      case 'location':
        this.#departures.located(message, from, turn);
        // Mobility routing is to hear it too.
        return false;
      default:
        return false;
    }
  }

  unanswered(message: Message, to: Address, turn: Turn): void {
    if (message.kind !== 'registration' && message.kind !== 'handover') return;
    const asked = this.#enquiries.take(message.kind, to, message.sequence);
    switch (asked?.kind) {
      case 'begin':
        if (asked.session.over) return;
        return this.#refuse(asked.session, status.reasonUnspecified, 'location management does not answer', turn);
      case 'confirm':
        return this.#confirmed(asked, undefined, turn);
      case 'handover':
        return this.#departures.known(asked.stay, turn);
      case 'end':
      case undefined:
        return;
    }
  }

  #step(input: Input, turn: Turn): void {
    this.#follow(this.#lma.engine.handle(input, turn.now), turn);
  }

  /** What follows from what the anchor did. Routing takes its rules back before the anchor says those of the same homes. */
  #follow(outputs: readonly Output[], turn: Turn): void {
    const news = this.#news;
    this.#news = [];
    const isAdmitted = this.#admittedMs !== undefined;
    for (const one of news)
      if (one.kind === 'registered' && (one.how !== 'refreshed' || isAdmitted))
        this.#came(one.binding, this.#admittedMs, one.previous, turn);
    for (const output of outputs) turn.outputs.push(output);
    for (const one of news) this.#followOne(one, turn);
  }

  #followOne(news: News, turn: Turn): void {
    switch (news.kind) {
      case 'asked':
        return this.#begin(news.request, turn);
      case 'givenUp':
        return this.#giveUp(news.update, turn);
      case 'registered':
        return this.#refreshed(news.binding, news.how, turn);
      case 'removed':
        return this.#removed(news.binding, news.released, turn);
    }
  }

  /** It came to a gateway of this LMA: anew, from another one of its gateways, or back to the same. */
  #came(binding: Binding, cameMs: number | undefined, previous: Address | undefined, turn: Turn): void {
    const timestampMs = cameMs ?? this.#enquiries.timestampMs(binding.timestamp, turn);
    const homes = homesOf(binding);
    const { identity } = binding;
    const known = this.#stays.get(binding.home) ?? {
      identity,
      homes,
      timestampMs,
      untold: undefined,
      lentUntil: 0,
      confirming: false,
    };
    known.timestampMs = Math.max(known.timestampMs, timestampMs);
    this.#stays.put(known, turn.outputs);
    for (const home of homes)
      if (previous === undefined) this.#routing.arrived(home, turn);
      else this.#routing.moved(home, previous, turn);
  }

  /** Location management hears that it is still here; of another gateway only where it keeps those (§5.1.1). */
  #refreshed(binding: Binding, how: Registered, turn: Turn): void {
    if (this.#admittedMs !== undefined || (how === 'came' && this.#settings.records === 'anchor')) return;
    const stay = this.#stays.get(binding.home);
    if (stay) this.#enquiries.confirm(stay, binding, turn);
  }

  /** `isOver`: location management has not answered for so long that it may have given the home to somebody else (§4.3). */
  #remind(stay: Stay, isOver: boolean, turn: Turn): void {
    const { identity, timestampMs, homes } = stay;
    const binding = this.#cache.byHome(homes[0]);
    if (!binding) return;
    if (!isOver) return this.#enquiries.confirm(stay, binding, turn);
    this.#counters.add('sessions_unconfirmed');
    this.#departures.release(binding, revocationTrigger.administrativeReason, { identity, timestampMs }, turn);
  }

  #removed(binding: Binding, released: boolean, turn: Turn): void {
    const stay = this.#stays.get(binding.home);
    if (!stay) return;
    this.#stays.remove(stay, turn.outputs);
    if (released) return;
    const { identity, timestampMs } = stay;
    for (const home of stay.homes)
      this.#routing.left(home, { identity, timestampMs, from: binding.tunnel.careOf }, turn);
    this.#enquiries.end(stay, turn);
  }

  /** Location management is asked, unless it has been (§4.3). */
  #begin(request: SessionRequest, turn: Turn): void {
    const { update, identity, homes } = request;
    const timestampMs = this.#enquiries.timestampOf(update, turn);
    const known = this.#waiting.find(request);
    if (known && isSame(known.request.homes, homes)) {
      if (timestampMs < known.timestampMs) return;
      // What a gateway repeats is no later news than what it repeats.
      if (known.request.update.careOf !== update.careOf) known.timestampMs = timestampMs;
      known.request = request;
      return;
    }
    if (known) this.#waiting.remove(known);
    if (this.#enquiries.placeFor(identity, homes) === undefined)
      return this.#refuseRequest(request, status.notAnchorForThisMobileNode, 'of no network of the domain', turn);
    if (this.#waiting.size >= this.#settings.maximumWaiting)
      return this.#refuseRequest(request, status.insufficientResources, 'too many wait for location management', turn);
    this.#ask(this.#waiting.add(request, timestampMs), turn);
  }

  #ask(session: WaitingSession, turn: Turn): void {
    this.#routing.expected(session.identity, session.homes, session.timestampMs, turn);
    this.#enquiries.begin(session, turn);
  }

  #giveUp(update: Update, turn: Turn): void {
    const timestampMs = this.#enquiries.timestampOf(update, turn);
    for (const session of this.#waiting.of(update.options.identity ?? ''))
      if (session.request.update.careOf === update.careOf && timestampMs >= session.timestampMs)
        this.#waiting.remove(session);
  }

  #registered(message: MessageOf<'registered'>, from: Address, turn: Turn): void {
    const asked = this.#enquiries.take('registration', from, message.sequence);
    if (asked?.kind === 'begin') this.#decided(asked, message, turn);
    if (asked?.kind === 'confirm') this.#confirmed(asked, message, turn);
  }

  /** What location management says of a session that waits. */
  #decided({ session, timestampMs, at }: AskedToBegin, message: MessageOf<'registered'>, turn: Turn): void {
    const { identity, overtakenMs } = session;
    const { status: code, homes } = message;
    const isAccepted = code < 128 && homes.length > 0;
    if (session.over) {
      if (isAccepted) this.#enquiries.end({ identity, homes, timestampMs }, turn);
      return;
    }
    if (session.timestampMs < overtakenMs)
      return this.#refuse(session, status.timestampLowerThanPreviouslyAccepted, 'it has gone to another LMA', turn);
    // The mobile came to another gateway since location management was asked.
    const isOutdated = timestampMs < overtakenMs || code === status.timestampMismatch;
    if (isOutdated && timestampMs < session.timestampMs) return this.#ask(session, turn);
    if (code === status.duplicateAddressDetectionFailed && session.homes.length > 0) {
      this.#counters.add('homes_not_unique');
      session.homes = [];
      return this.#ask(session, turn);
    }
    if (isAccepted) return this.#admit(session, message, at, turn);
    this.#refuse(session, refusals.get(code) ?? status.reasonUnspecified, `location management says ${code}`, turn);
  }

  #admit(session: WaitingSession, message: MessageOf<'registered'>, at: Instant, turn: Turn): void {
    const { identity, request, timestampMs } = session;
    const { homes, lifetimeS, previous } = message;
    this.#waiting.remove(session);
    this.#makeRoom(identity, homes, turn);
    const grant = { homes, lifetimeS, linkLocal: message.linkLocal ?? request.linkLocal };
    const outputs: Output[] = [];
    this.#admittedMs = timestampMs;
    const isAdmitted = this.#lma.admit(request, grant, turn.now, outputs);
    this.#follow(outputs, turn);
    this.#admittedMs = undefined;
    const binding = isAdmitted && this.#cache.byHome(homes[0]);
    const stay = binding && this.#stays.get(binding.home);
    if (!stay) return this.#enquiries.end({ identity, homes, timestampMs }, turn);
    this.#stays.lend(stay, at, seconds(lifetimeS));
    if (!previous || previous.anchor === this.#settings.address || !this.#post.isAnchor(previous.anchor)) return;
    stay.untold = previous.anchor;
    this.#stays.put(stay, turn.outputs);
    this.#enquiries.tellPrevious(stay, previous.anchor, binding, turn);
  }

  /** Of homes that are a mobile's as location management says, nobody else may have one. */
  #makeRoom(identity: string, homes: readonly Prefix[], turn: Turn): void {
    for (const home of homes) {
      const other = this.#cache.byHome(home);
      if (!other || (other.identity === identity && isSame(homesOf(other), homes))) continue;
      const { timestampMs } = this.#stays.get(other.home)!;
      this.#departures.release(
        other,
        revocationTrigger.administrativeReason,
        { identity: other.identity, timestampMs },
        turn,
      );
    }
  }

  #refuse(session: WaitingSession, code: number, reason: string, turn: Turn): void {
    this.#waiting.remove(session);
    this.#refuseRequest(session.request, code, reason, turn);
  }

  #refuseRequest(request: SessionRequest, code: number, reason: string, turn: Turn): void {
    this.#lma.refuse(request, code, reason, turn.now, turn.outputs);
  }

  /** What location management says of a session that is here; undefined: nothing, and it goes on. */
  #confirmed(asked: AskedToConfirm, message: MessageOf<'registered'> | undefined, turn: Turn): void {
    const { stay, timestampMs } = asked;
    this.#enquiries.confirmed(asked, turn);
    const binding = this.#cache.byHome(stay.homes[0]);
    if (!binding || this.#stays.get(binding.home) !== stay) return;
    if (stay.timestampMs !== timestampMs) return this.#enquiries.confirm(stay, binding, turn);
    if (!message) return;
    if (message.status < 128) {
      const { anchor } = this.#lma;
      this.#stays.lend(stay, asked.at, seconds(message.lifetimeS));
      const isLonger = binding.state === 'registered' && message.lifetimeS < binding.lifetimeS;
      if (isLonger) anchor.limit(binding, message.lifetimeS, turn.now, turn.outputs);
    } else if (endings.has(message.status)) {
      const isElsewhere = message.status === status.timestampMismatch;
      const { handoverUnknown, administrativeReason } = revocationTrigger;
      this.#departures.release(
        binding,
        isElsewhere ? handoverUnknown : administrativeReason,
        { identity: stay.identity, timestampMs },
        turn,
      );
    }
  }
}
