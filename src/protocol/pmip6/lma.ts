import { type Address, addressFromGroups, isUnspecified } from '../../base/address.js';
import { Deadlines } from '../../base/deadlines.js';
import { maskAddress, type Prefix } from '../../base/prefix.js';
import { below, type Random } from '../../base/random.js';
import type { Duration, Instant } from '../../base/time.js';
import { handoffIndicator, revocationTrigger, bindingStatus as status } from '../../wire/mobility/status.js';
import { Anchor, type AnchorSettings, type Registration } from '../anchor/anchor.js';
import { type Binding, homesOf } from '../anchor/binding-cache.js';
import {
  AnchorEngine,
  answer,
  type Dialect,
  discard,
  type Purpose,
  refuseMobileNode,
  traceRefusal,
} from '../anchor/engine.js';
import { timestampOf } from '../anchor/ordering.js';
import { HomePool } from '../anchor/pool.js';
import type { Revoked } from '../anchor/revocation.js';
import type { Grant, SessionRequest, Sessions, SharedAnchor } from '../anchor/sessions.js';
import type { Update } from '../anchor/update.js';
import { grantedLifetimeS, type Verdict, validate } from '../anchor/validate.js';
import type { Engine, Environment, Output } from '../contract.js';
import { acceptedOptions, refusedOptions } from './acknowledgement-options.js';
import { lmaTests, newSessionTests } from './lma-validation.js';
import { isAllZero, lookupSession, noSession, othersPrefix, type Session } from './session-lookup.js';

export interface LmaSettings extends AnchorSettings {
  /** Whether proxy registration is a service at all. */
  readonly proxyRegistration: boolean;
  /** What is known of mobiles by NAI. */
  readonly mobiles: ReadonlyMap<string, MobilePolicy>;
  /** Whether mobiles not among them are served. */
  readonly unknownMobiles: boolean;
  /** Home network prefixes given to a session that asks for one. */
  readonly prefixesPerSession: number;
  readonly timestampWindowMs: number;
  /** MobileNodeGeneratedTimestampInUse (RFC 5213 §9.3). */
  readonly mobileNodeGeneratedTimestamps: boolean;
  /** MaxDelayBeforeNewBCEAssign (RFC 5213 §9.1); 0: new sessions are made without waiting. */
  readonly newSessionDelay: Duration;
}

export interface MobilePolicy {
  readonly proxyRegistration: boolean;
  /** Prefixes it may ask for; undefined: any. */
  readonly prefixes: readonly Prefix[] | undefined;
}

/** The Local Mobility Anchor of RFC 5213 §5. */
export function createLma(settings: LmaSettings, environment: Environment): Engine {
  const anchor = new Anchor(settings, environment);
  return new AnchorEngine(anchor, new Lma(anchor, settings));
}

/** The same where others decide with it which sessions there are. */
export function createSharedLma(settings: LmaSettings, environment: Environment, sessions: Sessions): SharedAnchor {
  const anchor = new Anchor(settings, environment);
  const lma = new Lma(anchor, settings, sessions);
  return {
    engine: new AnchorEngine(anchor, lma),
    anchor,
    admit: (request, grant, now, outputs) => lma.admit(request, grant, now, outputs),
    refuse: (request, code, reason, now, outputs) => lma.refuse(request, code, reason, now, outputs),
  };
}

/** What a Proxy Binding Update asks, and what the anchor has: what the tests look at. */
export interface LmaRequest {
  readonly update: Update;
  readonly identity: string;
  readonly mobile: MobilePolicy | undefined;
  /** Home Network Prefix options with a value, bits past their length cleared. */
  readonly prefixes: readonly Prefix[];
  /** Whether one of them is all zero: a prefix is to be assigned. */
  readonly assign: boolean;
  readonly session: Session;
  /** It was held back for a de-registration. */
  readonly waited: boolean;
  /** What others granted the session it asks for. */
  readonly granted: Grant | undefined;
  /** Whether others decide whose a home is. */
  readonly shared: boolean;
  readonly anchor: Anchor;
  readonly settings: LmaSettings;
  readonly now: Instant;
}

class Lma implements Dialect {
  readonly #anchor: Anchor;
  readonly #settings: LmaSettings;
  readonly #sessions: Sessions | undefined;
  readonly #pools: readonly HomePool[];
  /** Requests held back until the binding they may be about is de-registered, by the mobile's identity. */
  readonly #held = new Map<string, { update: Update; binding: Binding }>();
  readonly #heldUntil = new Deadlines<string>();

  constructor(anchor: Anchor, settings: LmaSettings, sessions?: Sessions) {
    this.#anchor = anchor;
    this.#settings = settings;
    this.#sessions = sessions;
    const isFree = (home: Prefix) => !anchor.cache.byHome(home) && home.address !== this.#ownPrefix;
    this.#pools = settings.prefixes.map(block => new HomePool(block, settings.homeLength, isFree));
    anchor.onRemoved = binding => {
      for (const home of homesOf(binding)) this.#giveBack(home);
      sessions?.removed(binding);
    };
  }

  get deadline(): Instant | undefined {
    return this.#heldUntil.next;
  }

  /** The prefix the anchor's own address lies in is no mobile's. */
  get #ownPrefix(): Address {
    return maskAddress(this.#settings.address, this.#settings.homeLength);
  }

  handle(update: Update, now: Instant, outputs: Output[]): void {
    if (!update.message.flags.proxy) return refuseMobileNode(this.#anchor, update, outputs);
    this.#process(this.#request(update, false, now), outputs);
  }

  /** A session that was asked for begins, or goes on if it is here by now. */
  admit({ update }: SessionRequest, granted: Grant, now: Instant, outputs: Output[]): boolean {
    const request = this.#request(update, true, now, granted);
    if (request.session.kind === 'existing') this.#extend(request, request.session.binding, outputs);
    else if (!this.#create(request, outputs)) return false;
    return true;
  }

  refuse({ update }: SessionRequest, code: number, reason: string, now: Instant, outputs: Output[]): void {
    this.#reject(this.#request(update, true, now), { kind: 'refused', status: code, reason }, outputs);
  }

  tick(now: Instant, outputs: Output[]): void {
    for (const identity of this.#heldUntil.takeDue(now)) this.#resume(identity, now, outputs);
  }

  /** RFC 5846 §8.1: an acknowledged revocation counts as a de-registration; anything else ends the wait without one. */
  revoked(revoked: Revoked, code: number | undefined, now: Instant, outputs: Output[]): void {
    const held = this.#held.get(revoked.identity);
    if (!held || held.binding.tunnel.careOf !== revoked.careOf) return;
    if (code !== undefined && code < 128 && held.binding.state === 'registered')
      this.#anchor.suspend(held.binding, now, outputs);
    this.#resume(revoked.identity, now, outputs);
  }

  #request(update: Update, waited: boolean, now: Instant, granted?: Grant): LmaRequest {
    const { options } = update;
    const identity = options.identity ?? '';
    const prefixes = granted?.homes ?? options.prefixes.filter(prefix => !isAllZero(prefix)).map(masked);
    const session = granted ? this.#sessionOf(prefixes) : this.#lookup(update, identity, prefixes);
    const mobile = this.#settings.mobiles.get(identity);
    const assign = !granted && prefixes.length < options.prefixes.length;
    const shared = this.#sessions !== undefined;
    const { anchor, settings } = { anchor: this.#anchor, settings: this.#settings };
    return { update, identity, mobile, prefixes, assign, session, waited, granted, shared, anchor, settings, now };
  }

  #sessionOf([home]: readonly Prefix[]): Session {
    const binding = this.#anchor.cache.byHome(home);
    return binding ? { kind: 'existing', binding } : { kind: 'new' };
  }

  #lookup(update: Update, identity: string, prefixes: readonly Prefix[]): Session {
    const { options } = update;
    const linkIdentifier = isZero(options.linkIdentifier) ? undefined : options.linkIdentifier;
    const session = lookupSession(this.#anchor.cache, {
      identity,
      prefixes,
      accessTechnology: options.accessTechnology ?? 0,
      linkIdentifier,
      handoff: options.handoff ?? 0,
      careOf: update.careOf,
      deregistration: update.message.lifetimeS === 0,
    });
    // Whose it is the others decide.
    const isOthers = session.kind === 'none' && session.verdict === othersPrefix;
    return this.#sessions && isOthers && update.message.lifetimeS > 0 ? { kind: 'new' } : session;
  }

  /** RFC 5213 §5.3.1 rule 13. */
  #process(request: LmaRequest, outputs: Output[]): void {
    const verdict = validate(lmaTests, request);
    if (verdict === noSession) this.#sessions?.givenUp(request.update);
    if (verdict) return this.#reject(request, verdict, outputs);
    const { session, update } = request;
    if (session.kind === 'awaited' && !request.waited && this.#settings.newSessionDelay > 0)
      return this.#hold(request, session.binding, outputs);
    if (session.kind !== 'existing') return this.#begin(request, outputs);
    if (update.message.lifetimeS === 0) return this.#deregister(request, session.binding, outputs);
    this.#extend(request, session.binding, outputs);
  }

  #begin(request: LmaRequest, outputs: Output[]): void {
    const sessions = this.#sessions;
    if (!sessions) return void this.#create(request, outputs);
    const verdict = validate(newSessionTests, request);
    if (verdict) return this.#reject(request, verdict, outputs);
    const { update, identity, prefixes: homes } = request;
    sessions.asked({ update, identity, homes, linkLocal: this.#linkLocal(request, undefined) });
  }

  /** §5.3.2: Initial Binding Registration. Returns whether there is a binding. */
  #create(request: LmaRequest, outputs: Output[]): boolean {
    const verdict = validate(newSessionTests, request);
    const homes = verdict ? undefined : this.#homes(request);
    if (!homes) {
      this.#reject(request, verdict ?? noPrefixLeft, outputs);
      return false;
    }
    const linkLocal = this.#linkLocal(request, undefined);
    const binding = this.#anchor.create({ ...this.#registration(request, linkLocal), homes }, request.now, outputs);
    this.#accept(request, 'initial', binding, outputs);
    this.#sessions?.registered(binding, 'came');
    return true;
  }

  /** §5.3.3 and §5.3.4: Binding Lifetime Extension, without and after a handoff. */
  #extend(request: LmaRequest, binding: Binding, outputs: Output[]): void {
    const { update, now } = request;
    const { peer, state, accessTechnology } = binding;
    const careOf = binding.tunnel.careOf;
    const purpose = purposeOf(request);
    const linkLocal = this.#linkLocal(request, binding.linkLocal);
    const moved = this.#anchor.update(binding, this.#registration(request, linkLocal), now, outputs);
    this.#accept(request, purpose, binding, outputs);
    const returned = update.options.handoff !== handoffIndicator.noChange;
    const how = moved || state === 'deregistered' ? 'came' : returned ? 'returned' : 'refreshed';
    this.#sessions?.registered(binding, how, moved ? careOf : undefined);
    this.#letGo(request.identity);
    if (!moved || state === 'deregistered') return;
    const same = accessTechnology === update.options.accessTechnology;
    const trigger = same ? revocationTrigger.handoverSameAccessType : revocationTrigger.handoverDifferentAccessType;
    this.#anchor.revoke(binding, peer.address, careOf, trigger, now, outputs);
  }

  /** §5.3.5. */
  #deregister(request: LmaRequest, binding: Binding, outputs: Output[]): void {
    const { update, now } = request;
    const timestamp = update.options.timestamp ? timestampOf(update.options.timestamp) : binding.timestamp;
    this.#anchor.deregister(binding, update, timestamp, now, outputs);
    this.#accept(request, 'deregistration', binding, outputs);
    if (this.#held.get(binding.identity)?.binding === binding) this.#resume(binding.identity, now, outputs);
  }

  /** §5.4.1.2 rule 4, §5.4.1.3 rule 3; RFC 5846 §8.1 asks the old gateway instead of waiting for it to speak. */
  #hold({ update, identity, now }: LmaRequest, binding: Binding, outputs: Output[]): void {
    this.#anchor.counters.add('held');
    const isRepeated = this.#held.get(identity)?.binding === binding;
    this.#held.set(identity, { update, binding });
    if (isRepeated) return;
    this.#heldUntil.set(identity, now + this.#settings.newSessionDelay);
    const { careOf: remote } = binding.tunnel;
    const { address } = binding.peer;
    this.#anchor.revoke(binding, address, remote, revocationTrigger.handoverUnknown, now, outputs);
  }

  /** The wait is over: by now the binding is de-registered, or the request is one for a new session. */
  #resume(identity: string, now: Instant, outputs: Output[]): void {
    const held = this.#held.get(identity);
    this.#letGo(identity);
    if (held) this.#process(this.#request(held.update, true, now), outputs);
  }

  #letGo(identity: string): void {
    if (this.#held.delete(identity)) this.#heldUntil.clear(identity);
  }

  #registration(request: LmaRequest, linkLocal: Address | undefined): Registration {
    const { update, identity } = request;
    const { timestamp, accessTechnology, linkIdentifier } = update.options;
    const known = request.session.kind === 'existing' ? request.session.binding.timestamp : 0;
    return {
      update,
      identity,
      homes: undefined,
      lifetimeS: grantedLifetimeS(update.message.lifetimeS, this.#maximumLifetimeS(request)),
      // Without the option the field is all zero (§5.1). What was held back may be older than a de-registration.
      timestamp: timestamp ? Math.max(timestampOf(timestamp), known) : 0,
      accessTechnology: accessTechnology ?? 0,
      linkIdentifier: isZero(linkIdentifier) ? undefined : linkIdentifier,
      linkLocal,
    };
  }

  #maximumLifetimeS({ granted }: LmaRequest): number {
    const { maximumLifetimeS } = this.#settings;
    return granted ? Math.min(granted.lifetimeS, maximumLifetimeS) : maximumLifetimeS;
  }

  /** §5.3.2 rule 1; undefined: none is left. */
  #homes({ prefixes, assign, identity }: LmaRequest): readonly Prefix[] | undefined {
    if (!assign) return prefixes;
    const assigned: Prefix[] = [];
    while (assigned.length < this.#settings.prefixesPerSession) {
      const home = this.#assign(identity, [...prefixes, ...assigned]);
      if (!home) {
        for (const unused of assigned) this.#giveBack(unused);
        return undefined;
      }
      assigned.push(home);
    }
    return [...prefixes, ...assigned];
  }

  #assign(identity: string, except: readonly Prefix[]): Prefix | undefined {
    for (const pool of this.#pools) {
      const home = pool.allocate(identity, except);
      if (home) return home;
    }
    return undefined;
  }

  #giveBack(home: Prefix): void {
    for (const pool of this.#pools) pool.giveBack(home);
  }

  /** §5.3.6: what the Link-local Address option asks for; the entry's own where it asks nothing. */
  #linkLocal({ update, granted }: LmaRequest, known: Address | undefined): Address | undefined {
    if (granted?.linkLocal !== undefined) return granted.linkLocal;
    const asked = update.options.linkLocal;
    if (asked === undefined) return known;
    return isUnspecified(asked) ? (known ?? generatedLinkLocal(this.#anchor.environment.random)) : asked;
  }

  #accept(request: LmaRequest, purpose: Purpose, binding: Binding, outputs: Output[]): void {
    const { update } = request;
    const lifetimeS = update.message.lifetimeS === 0 ? 0 : binding.lifetimeS;
    const options = acceptedOptions(update, binding);
    const fields = { status: status.accepted, sequence: update.message.sequence, lifetimeS, options };
    answer(this.#anchor, update, purpose, fields, 'plain', outputs);
  }

  #reject(request: LmaRequest, verdict: Verdict, outputs: Output[]): void {
    const { update, now } = request;
    if (verdict.kind === 'discarded') return discard(this.#anchor, update.source, verdict.reason, outputs);
    traceRefusal(update, verdict, outputs);
    const options = refusedOptions(update, verdict.status, this.#anchor.environment.clock(now));
    const sequence = verdict.sequence ?? update.message.sequence;
    const fields = { status: verdict.status, sequence, lifetimeS: 0, options };
    answer(this.#anchor, update, purposeOf(request), fields, 'plain', outputs);
  }
}

const noPrefixLeft: Verdict = {
  kind: 'refused',
  status: status.insufficientResources,
  reason: 'no home network prefix left',
};

function purposeOf({ update, session }: LmaRequest): Purpose {
  if (update.message.lifetimeS === 0) return 'deregistration';
  if (session.kind !== 'existing') return 'initial';
  return session.binding.tunnel.careOf === update.careOf ? 'refresh' : 'handoff';
}

function masked(prefix: Prefix): Prefix {
  return { address: maskAddress(prefix.address, prefix.length), length: prefix.length };
}

function isZero(link: string | undefined): boolean {
  for (let i = 0; i < (link?.length ?? 0); i++) if (link?.charCodeAt(i) !== 0) return false;
  return true;
}

/** §5.3.6: the gateway's address on the link it shares with the mobile; random bits, not derived from hardware. */
function generatedLinkLocal(random: Random): Address {
  const words = [below(random, 0x1_0000) & 0xfdff, ...[1, 2, 3].map(() => below(random, 0x1_0000))];
  return addressFromGroups([0xfe80, 0, 0, 0, ...words]);
}
