import { type Address, unspecified } from '../../base/address.js';
import type { Deadlines } from '../../base/deadlines.js';
import { linkLocalAddress } from '../../base/link-address.js';
import type { Prefix } from '../../base/prefix.js';
import { type Instant, second } from '../../base/time.js';
import type { AccessOutcome, Environment, Output, Profile } from '../contract.js';
import { neighbourAdvertisement } from './access-link.js';
import type { GatewayConfig } from './config.js';
import type { Count } from './counters.js';
import type { Answer, Dialect, Retry } from './dialect.js';
import type { Exchange, News } from './exchange.js';
import { FormerAddresses } from './former-addresses.js';
import { Forwarding } from './forwarding.js';
import { Presence } from './presence.js';
import { Probing } from './probing.js';
import { recordKey, recordValue } from './records.js';
import { Registrar, refusedTrace } from './registration.js';
import { quietKey, type TimerKey, timerKey, timerNames, timersOf } from './timers.js';
import { type Introduction, noTransfers, type Transfers } from './transfers.js';
import { type Action, changes, type Event, transitions } from './transitions.js';
import type { Purpose, Visitor, VisitorList } from './visitor.js';

/** One call of `handle`: when, and what comes of it. */
export interface Turn {
  readonly now: Instant;
  readonly outputs: Output[];
}

/** Who takes part in what happens to visitors. */
export interface Hooks {
  /** Answers what the station asked before there was anything to say. */
  attend(visitor: Visitor, turn: Turn): void;
  readonly transfers: Transfers;
}

const accessTimeoutS = 5;
/** How long what a station said before it left may still arrive. */
const quietS = 1;
const learningPauseS = 1;

/** Takes visitors through {@link transitions}: what each action does. */
export class Lifecycle {
  readonly registrar: Registrar;
  readonly presence: Presence;
  readonly forwarding: Forwarding;
  readonly probing: Probing;
  readonly formers: FormerAddresses;
  #transaction = 0;
  #asking = new Map<number, Visitor>();

  constructor(
    readonly config: GatewayConfig,
    readonly dialect: Dialect,
    exchange: Exchange,
    readonly environment: Environment,
    readonly visitors: VisitorList,
    readonly timers: Deadlines<TimerKey>,
    readonly count: Count,
    readonly hooks: Hooks,
  ) {
    this.registrar = new Registrar(config, dialect, exchange, environment, timers);
    this.presence = new Presence(config, dialect, visitors, timers, count);
    this.probing = new Probing(this);
    this.formers = new FormerAddresses(this);
    this.forwarding = new Forwarding(config.careOfAddress ?? config.address, config.distributed ?? false);
  }

  /** What a mobile keeps from a former anchor is not handed on. */
  transfersOf(visitor: Visitor): Transfers {
    return visitor.former ? noTransfers : this.hooks.transfers;
  }

  /** Lets `event` happen to a visitor; what its state does not name is ignored. */
  raise(visitor: Visitor, event: Event, turn: Turn, reason?: string): void {
    const transition = transitions[visitor.state][event];
    if (!transition) return;
    const [next, ...actions] = transition;
    const change = changes[event];
    if (change) this.presence.trace(visitor, change, turn, reason);
    if (next !== visitor.state) this.#enter(visitor, next);
    for (const action of actions) this.#perform(action, visitor, turn);
  }

  #enter(visitor: Visitor, state: Visitor['state']): void {
    visitor.state = state;
    const kept = timersOf[state];
    for (const name of timerNames) if (!kept.includes(name)) this.timers.clear(timerKey(name, visitor));
    if (!kept.includes('retransmit')) this.registrar.cancel(visitor);
    if (!kept.includes('probe')) visitor.probes = undefined;
  }

  #perform(action: Action, visitor: Visitor, turn: Turn): void {
    switch (action) {
      case 'authenticate':
        return this.#authenticate(visitor, turn);
      case 'confirm':
      case 'register':
        return this.begin(visitor, action, turn);
      case 'refresh':
        return this.probing.ask(visitor, turn);
      case 'deregister':
        if (visitor.sequence === undefined) return this.raise(visitor, 'exhausted', turn);
        return this.begin(visitor, 'deregister', turn);
      case 'serve':
        return this.#serve(visitor, turn);
      case 'unserve':
        if (visitor.served) turn.outputs.push({ kind: 'store', key: recordKey(visitor) });
        turn.outputs.push(...this.forwarding.unserve(visitor));
        return;
      case 'advertise':
        return this.presence.advertise(visitor, turn);
      case 'attend':
        return this.hooks.attend(visitor, turn);
      case 'withdraw':
        return this.presence.withdraw(visitor, turn);
      case 'linger':
        this.timers.set(timerKey('linger', visitor), turn.now + this.config.departureDelayS * second);
        this.#quieten(visitor, turn);
        if (visitor.state === 'leaving') this.transfersOf(visitor).left(visitor, turn);
        return;
      case 'retryLater':
        this.timers.set(timerKey('retry', visitor), turn.now + this.config.retryDelayS * second);
        return;
      case 'remove':
        this.#quieten(visitor, turn);
        this.transfersOf(visitor).removed(visitor, turn);
        return this.visitors.remove(visitor);
    }
  }

  #authenticate(visitor: Visitor, turn: Turn): void {
    if (visitor.transaction !== undefined) this.#asking.delete(visitor.transaction);
    const transaction = ++this.#transaction;
    visitor.transaction = transaction;
    this.#asking.set(transaction, visitor);
    this.timers.clear(quietKey(visitor.link, visitor.station));
    this.timers.set(timerKey('access', visitor), turn.now + accessTimeoutS * second);
    const { link, station, claimedIdentity } = visitor;
    turn.outputs.push({
      kind: 'authenticate',
      transaction,
      link,
      station,
      ...(claimedIdentity && { identity: claimedIdentity }),
    });
  }

  /** AAA's answer (gundavelli §6.1, steps 4 and 5). */
  authenticated(transaction: number, outcome: AccessOutcome, turn: Turn): void {
    const visitor = this.#asking.get(transaction);
    this.#asking.delete(transaction);
    if (visitor?.transaction !== transaction || visitor.state !== 'authenticating') return;
    visitor.transaction = undefined;
    const problem = outcome.kind === 'rejected' ? outcome.reason : this.#adopt(visitor, outcome.profile, turn);
    if (problem === undefined) return this.raise(visitor, 'accepted', turn);
    this.raise(visitor, 'rejected', turn, problem);
    visitor.profile = undefined;
  }

  /** What another gateway knows of a mobile that has come (draft-singh §4.2-1): no need to wait for AAA. */
  introduced(visitor: Visitor, { profile, address, pmipClient, anchor }: Introduction, turn: Turn): void {
    const { claimedIdentity, identity } = visitor;
    if (profile.identity !== (claimedIdentity ?? profile.identity)) return;
    const known = address && ({ address, learnt: 'manual' } as const);
    if (visitor.state === 'authenticating') {
      if (visitor.transaction !== undefined) this.#asking.delete(visitor.transaction);
      visitor.transaction = undefined;
      if (this.#adopt(visitor, anchor ? { ...profile, anchor } : profile, turn) !== undefined) return;
      visitor.pmipClient = pmipClient ?? visitor.pmipClient;
      visitor.candidate = known ?? visitor.candidate;
      this.raise(visitor, 'accepted', turn);
    } else if (visitor.state === 'awaitingAddress' && identity === profile.identity && known) {
      visitor.pmipClient = pmipClient ?? visitor.pmipClient;
      visitor.candidate = known;
      this.raise(visitor, 'addressLearnt', turn);
    }
  }

  /** Takes over a profile; says why it is of no use. */
  #adopt(visitor: Visitor, profile: Profile, turn: Turn): string | undefined {
    if (profile.proxyRegistration === false) return 'no mobility service for this mobile';
    const { needsAnchor } = this.dialect;
    const named = profile.anchor ?? (needsAnchor ? this.config.anchor : undefined);
    if (named === undefined && needsAnchor) return 'no anchor';
    const returning = visitor.identity === profile.identity && (named === undefined || visitor.anchor === named);
    const anchor = named ?? (returning ? visitor.anchor : undefined) ?? this.config.anchor;
    if (!returning) {
      if (visitor.identity === profile.identity) this.formers.leave(visitor, turn);
      this.#perform('unserve', visitor, turn);
    }
    const former = returning ? visitor.addresses[0] : this.#supersede(visitor, profile.identity, turn);
    this.visitors.setAddresses(visitor, []);
    visitor.candidate = former && { address: former, learnt: 'manual' };
    visitor.profile = profile;
    visitor.anchor = anchor;
    visitor.prefix = profile.prefix ?? (returning ? visitor.prefix : undefined) ?? this.#impliedPrefix(anchor);
    this.visitors.identify(visitor, profile.identity);
    return undefined;
  }

  #impliedPrefix(anchor: Address | undefined): Prefix | undefined {
    return anchor && this.dialect.impliedPrefix(anchor);
  }

  /** The mobile's former entry gives way; returns the address it had. */
  #supersede(visitor: Visitor, identity: string, turn: Turn): Address | undefined {
    let address: Address | undefined;
    for (const other of [...this.visitors.byIdentity(identity)]) {
      if (other === visitor || !this.dialect.supersedes(visitor, other)) continue;
      if (other.former) {
        if (other.station !== visitor.station || other.link !== visitor.link) this.raise(other, 'closing', turn);
        continue;
      }
      address = other.addresses[0];
      this.raise(other, 'superseded', turn, 'at another link of this gateway');
    }
    return address;
  }

  /** A request, in place of an outstanding one. */
  begin(visitor: Visitor, purpose: Purpose, turn: Turn): void {
    this.count('updatesSent');
    visitor.contested = false;
    turn.outputs.push(this.registrar.begin(visitor, purpose, turn.now));
    const { park } = this.config;
    if (!park || visitor.state !== 'registering') return;
    const anchor = this.dialect.parksDownlink ? visitor.anchor : undefined;
    const prefixes = this.dialect.servedPrefixes(visitor);
    turn.outputs.push(...this.forwarding.park(visitor, prefixes, park.limitOctets, anchor));
  }

  /** The anchor took another gateway's update for the later one: what it answers to ours may be from before that. */
  insist(visitor: Visitor, turn: Turn): void {
    if (visitor.request) this.begin(visitor, visitor.request.purpose, turn);
  }

  /** The anchor did not answer, or with no more than a refusal that might have been of a copy. */
  unanswered(visitor: Visitor, turn: Turn): void {
    const { purpose, refusal } = visitor.request ?? {};
    if (purpose && refusal !== undefined) {
      this.registrar.cancel(visitor);
      return this.refused(visitor, purpose, 'later', refusal, turn);
    }
    const output = this.registrar.retransmit(visitor, turn.now);
    if (!output) return this.raise(visitor, 'exhausted', turn);
    this.count('updatesRetransmitted');
    turn.outputs.push(output);
  }

  /** The station's own address on the link: what it can be asked by. */
  identifyLinkLocal(visitor: Visitor, address: Address, turn: Turn): void {
    if (visitor.linkLocal === address) return;
    this.visitors.setLinkLocal(visitor, address);
    if (visitor.state === 'registered') this.store(visitor, turn);
  }

  /** The mobile gets another anchor, and shows so by another prefix (draft-singh §4.4). */
  reanchor(visitor: Visitor, anchor: Address, prefix: Prefix | undefined, turn: Turn): void {
    const { profile } = visitor;
    if (!profile || visitor.anchor === anchor) return;
    const { address: _, prefix: __, ...rest } = profile;
    this.formers.leave(visitor, turn);
    visitor.profile = { ...rest, anchor, ...(prefix && { prefix }) };
    visitor.anchor = anchor;
    visitor.prefix = prefix ?? this.#impliedPrefix(anchor);
    visitor.candidate = undefined;
    this.raise(visitor, 'anchorChanged', turn);
  }

  /** Another PMIP client is to register the mobile from now on, once the station has shown that it is here (draft-singh appendix E.1). */
  relocate(visitor: Visitor, client: Address, turn: Turn): void {
    if (visitor.pmipClient === client) return;
    visitor.pmipClient = client;
    if (visitor.state === 'registered') this.probing.moved(visitor, false, turn);
  }

  /** A visitor from before a restart: served again at once, registered again once it has been heard. */
  resume(visitor: Visitor, turn: Turn): void {
    this.presence.trace(visitor, 'restored', turn);
    // It may have left meanwhile, so it has to be asked, if need be by the link-local address that most hosts have.
    this.visitors.setLinkLocal(visitor, visitor.linkLocal ?? linkLocalAddress(visitor.station));
    visitor.advertised = true;
    this.timers.set(timerKey('expire', visitor), visitor.expiresAt!);
    this.#serve(visitor, turn);
    if (visitor.former) return;
    this.raise(visitor, 'refreshDue', turn);
  }

  /** An answer to a visitor's outstanding request. */
  answered({ visitor, peer, status, answer: read, granted }: Extract<News, { kind: 'answer' }>, turn: Turn): void {
    const { purpose } = visitor.request!;
    const answer = this.registrar.settle(visitor, read, granted);
    if (answer.kind === 'refused') turn.outputs.push(refusedTrace(visitor, peer, status, answer.reason));
    if (answer.kind === 'ignored')
      turn.outputs.push({ kind: 'trace', event: { event: 'discarded', peer, reason: answer.reason } });
    this.#settled(visitor, purpose, answer, turn);
  }

  #settled(visitor: Visitor, purpose: Purpose, answer: Answer, turn: Turn): void {
    if (visitor.former && answer.kind !== 'accepted') return this.raise(visitor, 'displaced', turn);
    switch (answer.kind) {
      case 'accepted':
        visitor.anchor = answer.anchor ?? visitor.anchor;
        visitor.prefix = answer.prefix ?? visitor.prefix ?? this.#impliedPrefix(visitor.anchor);
        if (purpose !== 'deregister') {
          this.visitors.setAddresses(visitor, answer.addresses);
          visitor.ipv4Address = answer.ipv4Address;
        }
        this.raise(visitor, 'acknowledged', turn);
        if (visitor.state === 'registered') this.transfersOf(visitor).registered(visitor, turn);
        if (visitor.contested && visitor.state === 'registered') this.probing.contest(visitor, turn);
        return this.#reconsider(visitor, purpose, turn);
      case 'missing':
        visitor.prefix = answer.prefix ?? visitor.prefix;
        return this.#missing(visitor, purpose, turn);
      case 'duplicate':
        this.#defend(visitor, turn);
        if (visitor.state === 'registered') return;
        this.visitors.setAddresses(visitor, []);
        return this.raise(visitor, 'missing', turn);
      case 'refused':
        if (answer.retry === 'now' && visitor.state !== 'deregistering') {
          turn.outputs.push(this.registrar.insist(visitor, purpose, turn.now));
          return;
        }
        if (answer.retry === 'unlessAccepted') return;
        return this.refused(visitor, purpose, answer.retry, answer.reason, turn);
      case 'ignored':
        return this.count('acknowledgementsIgnored');
    }
  }

  /** The anchor knows no address; where one has been seen meanwhile it is registered at once. */
  #missing(visitor: Visitor, purpose: Purpose, turn: Turn): void {
    if (purpose === 'register') return this.refused(visitor, purpose, 'later', 'no binding for a given address', turn);
    const [address] = visitor.addresses;
    if (address) visitor.candidate ??= { address, learnt: 'manual' };
    this.visitors.setAddresses(visitor, []);
    this.raise(visitor, 'missing', turn);
    if (visitor.candidate) this.raise(visitor, 'addressLearnt', turn);
    else if (visitor.state === 'awaitingAddress') this.probing.seek(visitor, turn);
  }

  /** An address that was shown while the anchor was asked about others is registered too, where there is room. */
  #reconsider(visitor: Visitor, purpose: Purpose, turn: Turn): void {
    const { candidate, addresses } = visitor;
    if (!candidate || visitor.state !== 'registered') return;
    const room = addresses.length < this.config.addressesPerMobile || candidate.learnt === 'dhcpv6';
    if (purpose !== 'register' && room && !addresses.includes(candidate.address))
      this.raise(visitor, 'addressLearnt', turn);
    else visitor.candidate = undefined;
  }

  /** A further address that is refused takes nothing from those that are served. */
  refused(visitor: Visitor, purpose: Purpose, retry: Retry, reason: string, turn: Turn): void {
    if (purpose === 'register' && visitor.state === 'registered') return this.#dropCandidate(visitor, turn);
    this.raise(visitor, 'refused', turn, reason);
    if (retry === 'never') this.timers.clear(timerKey('retry', visitor));
  }

  #dropCandidate(visitor: Visitor, turn: Turn): void {
    visitor.candidate = undefined;
    visitor.learnsAfter = turn.now + learningPauseS * second;
  }

  /** RFC 4862 §5.4.4: the host learns that the address it probed for is somebody else's. */
  #defend(visitor: Visitor, turn: Turn): void {
    const face = this.presence.face(visitor);
    const { candidate } = visitor;
    this.#dropCandidate(visitor, turn);
    if (face && candidate?.learnt === 'slaac')
      this.presence.toStation(visitor, neighbourAdvertisement(face, candidate.address, unspecified), turn);
  }

  #serve(visitor: Visitor, turn: Turn): void {
    const prefixes = this.dialect.servedPrefixes(visitor);
    for (const other of this.forwarding.othersServed(visitor, prefixes))
      this.raise(other, 'superseded', turn, 'its prefix is at another station');
    this.store(visitor, turn);
    turn.outputs.push(...this.forwarding.serve(visitor, prefixes, visitor.anchor!));
  }

  /** A served visitor outlives the process. */
  store(visitor: Visitor, turn: Turn): void {
    const value = recordValue(visitor, turn.now, this.environment.clock(turn.now));
    turn.outputs.push({ kind: 'store', key: recordKey(visitor), value });
  }

  #quieten(visitor: Visitor, turn: Turn): void {
    this.timers.set(quietKey(visitor.link, visitor.station), turn.now + quietS * second);
  }
}
