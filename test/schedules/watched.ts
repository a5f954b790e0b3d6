import { formatPrefix, parsePrefix, prefixCovers } from '../../src/base/prefix.js';
import { type Duration, type Instant, milliseconds } from '../../src/base/time.js';
import type { Engine, ForwardingRule, Input, Output, Row, TunnelEnd } from '../../src/protocol/contract.js';
import {
  type DomainFacts,
  expectedEnds,
  expectedRules,
  isBypass,
  isOfDomain,
  isStanding,
  leavingHomes,
} from './domain-facts.js';
import { endKey, ruleKey, viaText } from './keys.js';

/** A broken promise: which, by whom, and what was seen. */
export interface Offence {
  readonly invariant: string;
  readonly node: string;
  readonly detail: string;
}

export interface AnchorFacts {
  readonly kind: 'anchor';
  readonly address: string;
  /** What it owns. */
  readonly prefixes: readonly string[];
  /** How long an old tunnel end may stay open. */
  readonly drainDelayMs: number;
}
export interface GatewayFacts {
  readonly kind: 'gateway';
  /** SCTP associations, which have timers for as long as they are. */
  readonly associations: boolean;
  /** LMAs and gateways may tell it where others' mobiles are (draft-chan §5.4). */
  readonly bypasses?: boolean;
}
/** A local mobility agent. */
export interface AgentFacts {
  readonly kind: 'agent';
  readonly address: string;
  readonly drainDelayMs: number;
  /** It sends Router Advertisements, for ever. */
  readonly advertises: boolean;
}
/** What is known of an engine; `other`: nothing. */
export type EngineFacts =
  | AnchorFacts
  | GatewayFacts
  | AgentFacts
  | DomainFacts
  | { readonly kind: 'correspondent' | 'mobile' | 'other' };

/**
 * An engine as its world sees it: keeps the rules, tunnel ends and records it asked for, and compares them with what its
 * views say after everything it did.
 */
export class WatchedEngine implements Engine {
  readonly #engine: Engine;
  readonly #node: string;
  readonly #facts: EngineFacts;
  readonly #report: (offence: Offence) => void;
  /** By what they are for. */
  readonly #rules = new Map<string, ForwardingRule>();
  readonly #ends = new Map<string, TunnelEnd>();
  readonly #records = new Set<string>();
  /** Ends of no binding: since when. */
  readonly #closing = new Map<string, Instant>();
  /** When a mobile was last being handed over, to another gateway or from one. */
  #transferredAt: Instant = Number.NEGATIVE_INFINITY;

  constructor(engine: Engine, node: string, facts: EngineFacts, report: (offence: Offence) => void) {
    this.#engine = engine;
    this.#node = node;
    this.#facts = facts;
    this.#report = report;
  }

  get interests(): Engine['interests'] {
    return this.#engine.interests;
  }
  get deadline(): Instant | undefined {
    return this.#engine.deadline;
  }
  get views(): Engine['views'] {
    return this.#engine.views;
  }
  get counters(): Engine['counters'] {
    return this.#engine.counters;
  }

  get rules(): readonly ForwardingRule[] {
    return [...this.#rules.values()];
  }
  get ends(): readonly TunnelEnd[] {
    return [...this.#ends.values()];
  }

  handle(input: Input, now: Instant): Output[] {
    this.#transfers(now);
    const outputs = this.#engine.handle(input, now);
    if (input.kind === 'restored') for (const { key } of input.records) this.#keep(key);
    for (const output of outputs) this.#follow(output);
    const { deadline } = this.#engine;
    if (input.kind === 'tick' && deadline !== undefined && deadline <= now)
      this.#offend('deadline', `${deadline} ns after a tick at ${now} ns`);
    this.compare(now);
    return outputs;
  }

  /** Rules and tunnel ends are those of the views. */
  compare(now: Instant): void {
    switch (this.#facts.kind) {
      case 'anchor':
        return this.#compareAnchor(this.#facts, now);
      case 'gateway':
        return this.#compareGateway(now);
      case 'correspondent':
        return this.#compareCorrespondent(now);
      case 'agent':
        return this.#compareAgent(this.#facts, now);
      case 'distributed':
        return this.#compareDistributed(this.#facts, now);
      default:
        return;
    }
  }

  /** What an engine still has when its last mobile is long gone, or when it is a mobile without a link. */
  checkEmpty(): void {
    if (this.#facts.kind === 'other') return;
    const views = [
      'bindings',
      'visitors',
      'correspondentBindings',
      'transfers',
      'pending',
      'cache',
      'homes',
      'locations',
      'bypasses',
      'departed',
    ];
    for (const view of views)
      for (const row of this.#engine.views[view]?.() ?? []) this.#offend('no-leak', `${view}: ${JSON.stringify(row)}`);
    // What a mobile sends from its home address, or from a regional care-of address, waits in it.
    const waiting = new Set(this.#rows('registrations').map(({ home }) => `from ${home}/128`));
    const standing = this.rules.filter(
      rule =>
        rule.via.kind !== 'drop' &&
        (rule.via.kind !== 'park' || !waiting.has(ruleKey(rule))) &&
        !this.#stands(rule, ruleKey(rule)),
    );
    for (const rule of standing) this.#offend('no-leak', `rule ${ruleKey(rule)} ${viaText(rule.via)}`);
    for (const [key, end] of this.#ends) if (!this.#stands(end, key)) this.#offend('no-leak', `tunnel end ${key}`);
    for (const key of this.#records) this.#offend('no-leak', `record ${key}`);
    // A mobile may remember what routers said to it for as long as they said it.
    if (this.#engine.deadline !== undefined && !this.#mayWait)
      this.#offend('no-leak', `a deadline at ${this.#engine.deadline} ns`);
  }

  /** Whether it has something to do however long nobody is there. */
  get #mayWait(): boolean {
    switch (this.#facts.kind) {
      case 'gateway':
        return this.#facts.associations;
      case 'agent':
        return this.#facts.advertises;
      default:
        return this.#facts.kind === 'mobile';
    }
  }

  #follow(output: Output): void {
    switch (output.kind) {
      case 'forward':
        this.#rules.set(ruleKey(output.rule), output.rule);
        this.#comesBack(output.rule);
        return;
      case 'unforward':
        this.#rules.delete(ruleKey(output));
        return;
      case 'admit':
        this.#ends.set(endKey(output.end), output.end);
        return;
      case 'unadmit':
        this.#ends.delete(endKey(output.end));
        return;
      case 'store':
        if (output.value === undefined) this.#records.delete(output.key);
        else this.#keep(output.key);
        return;
      default:
        return;
    }
  }

  /** What protects signalling is counted for as long as its keys are in use. */
  #keep(key: string): void {
    if (!key.startsWith('security/')) this.#records.add(key);
  }

  // ---- anchors ---------------------------------------------------------------------------------------------------

  #compareAnchor({ address, prefixes, drainDelayMs }: AnchorFacts, now: Instant): void {
    const expected = new Map(prefixes.map(prefix => [`to ${prefix}`, 'drop']));
    const holders = new Map<string, Row>();
    const ends = new Set<string>();
    for (const row of this.#rows('bindings'))
      for (const home of words(row.home)) {
        const holder = holders.get(home);
        if (holder) this.#offend('one-holder', `${home} is ${row.identity}'s and ${holder.identity}'s`);
        holders.set(home, row);
        if (row.state !== 'registered') continue;
        expected.set(`to ${home}`, `tunnel ${address} ${row.careOf}`);
        ends.add(`${address} ${row.careOf} from ${home}`);
      }
    this.#compareRules(expected);
    this.#compareEnds(ends, now, milliseconds(drainDelayMs));
    this.#onePlace();
  }

  /** A mobile has one binding at an anchor: every station here has one interface. */
  #onePlace(): void {
    const seen = new Set<unknown>();
    for (const { identity, state } of this.#rows('bindings')) {
      if (state !== 'registered') continue;
      if (seen.has(identity)) this.#offend('one-place', `two bindings of ${identity}`);
      seen.add(identity);
    }
  }

  #compareRules(expected: ReadonlyMap<string, string>, besides: (rule: ForwardingRule) => boolean = () => false): void {
    for (const [key, via] of expected) {
      const rule = this.#rules.get(key);
      if (!rule) this.#offend('rules', `no rule ${key} via ${via}`);
      else if (viaText(rule.via) !== via) this.#offend('rules', `${key} via ${viaText(rule.via)}, not ${via}`);
    }
    for (const [key, rule] of this.#rules)
      if (!expected.has(key) && !besides(rule)) this.#offend('rules', `${key} via ${viaText(rule.via)} for nobody`);
  }

  /** Who is back, if for less than a turn, begins to leave anew. */
  #comesBack({ to, via }: ForwardingRule): void {
    if (to && via.kind === 'tunnel') this.#closing.delete(endKey({ ...via, from: to }));
  }

  /** Ends that nobody has any more may drain for a while, where that is given. */
  #compareEnds(expected: ReadonlySet<string>, now: Instant, drainDelay?: Duration): void {
    for (const key of expected) if (!this.#ends.has(key)) this.#offend('tunnel-ends', `${key} is not admitted`);
    for (const key of this.#ends.keys()) {
      if (expected.has(key)) this.#closing.delete(key);
      else {
        const since = this.#closing.get(key) ?? now;
        this.#closing.set(key, since);
        if (drainDelay === undefined || now - since > drainDelay)
          this.#offend('tunnel-ends', `${key} is admitted ${now - since} ns after its end`);
      }
    }
    for (const key of this.#closing.keys()) if (!this.#ends.has(key)) this.#closing.delete(key);
  }

  // ---- correspondents (RFC 6275 §9) --------------------------------------------------------------------------------

  #compareCorrespondent(now: Instant): void {
    const expected = new Map<string, string>();
    const ends = new Set<string>();
    for (const { home, local, careOf } of this.#rows('correspondentBindings')) {
      expected.set(`to ${home}/128 from ${local}/128`, `routeOptimised ${careOf}`);
      ends.add(`${local} ${careOf} from ${home}/128 by homeAddressOption`);
    }
    this.#compareRules(expected);
    this.#compareEnds(ends, now);
  }

  // ---- local mobility agents (draft-dommety §2.1, §3.2) --------------------------------------------------------------

  /** Down to the station on the link or the care-of address, up to the home agent or the agent above. */
  #compareAgent({ address, drainDelayMs }: AgentFacts, now: Instant): void {
    const expected = new Map<string, string>();
    const ends = new Set<string>();
    for (const { home, careOf, link, station, upstream, state } of this.#rows('bindings')) {
      if (state !== 'registered') continue;
      const isHere = link !== undefined;
      expected.set(`to ${home}/128`, isHere ? `link ${link} ${station}` : `tunnel ${address} ${careOf}`);
      ends.add(`${address} :: to ${home}/128 by routingHeader`);
      if (!isHere) ends.add(`${address} ${careOf} from ${home}/128`);
      if (upstream !== undefined) {
        expected.set(`from ${home}/128`, `tunnel ${address} ${upstream}`);
        ends.add(`${address} ${upstream} to ${home}/128`);
      }
      for (const shared of this.#sharers(String(home))) ends.add(shared);
    }
    this.#compareRules(expected);
    this.#compareEnds(ends, now, milliseconds(drainDelayMs));
  }

  /** Where a visitor may send from the agent's care-of address: one place, and for a while the one before. */
  #sharers(home: string): string[] {
    const shared = [...this.#ends.keys()].filter(key => key.endsWith(`from ${home}/128 by sharedCareOf`));
    if (shared.length === 0) this.#offend('tunnel-ends', `${home} may send from the care-of address from nowhere`);
    return shared;
  }

  // ---- distributed LMAs (draft-chan §4) ------------------------------------------------------------------------------

  #compareDistributed(facts: DomainFacts, now: Instant): void {
    const rows = (view: string) => this.#rows(view);
    const leaving = leavingHomes(rows);
    this.#compareRules(expectedRules(facts, rows), ({ to, via, intercepts }) =>
      intercepts ? via.kind === 'park' : to !== undefined && leaving.has(formatPrefix(to)),
    );
    const standing = [...this.#ends].filter(([key, end]) => isStanding(facts, end, key)).map(([key]) => key);
    const ends = new Set([...expectedEnds(facts, rows), ...standing]);
    this.#compareEnds(ends, now, milliseconds(facts.drainDelayMs));
    this.#onePlace();
  }

  /** For as long as the engine is there, whoever comes and goes. */
  #stands(one: ForwardingRule | TunnelEnd, key: string): boolean {
    if (this.#facts.kind === 'distributed') return isStanding(this.#facts, one, key);
    return this.#facts.kind === 'gateway' && this.#facts.bypasses === true && isOfDomain(one);
  }

  // ---- gateways --------------------------------------------------------------------------------------------------

  /** What visitors have is forwarded to their stations and from them to their anchors, and comes out of the tunnel. */
  #compareGateway(now: Instant): void {
    const visitors = this.#rows('visitors');
    const expected = new Map<string, string>();
    const ends = new Set<string>();
    for (const row of visitors) {
      const forwards = words(row.forwards);
      if (row.state === 'registered' && forwards.join() !== servedPrefixes(row).join())
        this.#offend('rules', `${row.identity} is registered with ${servedPrefixes(row)}, served with ${forwards}`);
      for (const prefix of forwards) {
        expected.set(`to ${prefix}`, `link ${row.link} ${row.station}`);
        expected.set(`from ${prefix}`, `tunnel ${row.tunnelSource} ${row.anchor}`);
        ends.add(`${row.tunnelSource} ${row.anchor} to ${prefix}`);
      }
    }
    const parking = (rule: ForwardingRule) =>
      rule.via.kind === 'park' ? visitors.find(row => isParking(row, rule)) : undefined;
    for (const rule of this.#rules.values()) {
      const row = parking(rule);
      if (row && rule.to) ends.add(`${row.tunnelSource} ${row.anchor} to ${formatPrefix(rule.to)}`);
    }
    if (this.#transfers(now)) return this.#compareUplink(expected);
    const bypasses = this.#facts.kind === 'gateway' && this.#facts.bypasses === true;
    // What comes for a mobile that has gone on goes after it, also while this gateway still waits for it.
    if (bypasses) for (const [key, rule] of this.#rules) if (isBypass(rule)) expected.delete(key);
    this.#compareRules(expected, rule => parking(rule) !== undefined || (bypasses && isBypass(rule)));
    if (bypasses) for (const [key, end] of this.#ends) if (isOfDomain(end)) ends.add(key);
    this.#compareEnds(ends, now);
  }

  /** While mobiles are handed over, and until what is on its way has come, what is for them goes ways of its own. */
  #transfers(now: Instant): boolean {
    if (this.#rows('transfers').length > 0) this.#transferredAt = now;
    return now - this.#transferredAt <= stragglersTime;
  }

  /** What they send does not. */
  #compareUplink(expected: ReadonlyMap<string, string>): void {
    const isUplink = (key: string) => key.startsWith('from ');
    const uplink = new Map([...expected].filter(([key]) => isUplink(key)));
    this.#compareRules(uplink, rule => rule.via.kind === 'park' || !isUplink(ruleKey(rule)));
  }

  #rows(view: string): Row[] {
    return [...(this.#engine.views[view]?.() ?? [])];
  }

  #offend(invariant: string, detail: string): void {
    this.#report({ invariant, node: this.#node, detail });
  }
}

/** LoAs one by one where the gateway registers them, else the prefix. */
function servedPrefixes(row: Row): string[] {
  const addresses = words(row.addresses);
  if (addresses.length > 0) return addresses.map(address => `${address}/128`);
  return row.prefix === undefined ? [] : [String(row.prefix)];
}

function words(cell: Row[string]): string[] {
  return cell === undefined || cell === '' ? [] : String(cell).split(' ');
}

/** For how long what was sent on to the next gateway, or back, may still arrive. */
const stragglersTime = milliseconds(1000);

/** Being registered, and what may come between that and its end. */
const parkingStates = ['registering', 'authenticating', 'leaving'];

function isParking({ state, prefix }: Row, { from, to = from }: ForwardingRule): boolean {
  if (prefix === undefined || to === undefined || !parkingStates.includes(String(state))) return false;
  return prefixCovers(parsePrefix(String(prefix)), to);
}
