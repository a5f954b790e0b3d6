import type { Address } from '../../base/address.js';
import type { LinkAddress } from '../../base/link-address.js';
import { type Prefix, prefixContains } from '../../base/prefix.js';
import type { Input } from '../../protocol/contract.js';
import type { IpInterface } from './ip-interface.js';
import type { NeighbourEntry } from './neighbours.js';
import type { ParkingPlace } from './parking.js';
import { PrefixTable } from './prefix-table.js';

/** Where packets go. `copy`: where a second copy goes (bicasting). */
export type Path = LinkPath | TunnelPath | RouteOptimisedPath | ParkPath | DropPath | NoPath;

export class LinkPath {
  readonly kind = 'link';
  copy: Path | undefined;
  readonly ip: IpInterface;
  /** The router; undefined: the destination itself is on the link. */
  readonly nextHop: Address | undefined;
  /** Given by a rule: nothing is resolved. */
  readonly neighbour: LinkAddress | undefined;
  /** Found when the first packet goes, and kept while it is in the cache. */
  entry: NeighbourEntry | undefined;

  constructor(ip: IpInterface, nextHop: Address | undefined, neighbour?: LinkAddress) {
    this.ip = ip;
    this.nextHop = nextHop;
    this.neighbour = neighbour;
  }
}

export interface TunnelPath {
  readonly kind: 'tunnel';
  readonly local: Address;
  readonly remote: Address;
  /** Who gets Mobility Headers of others instead. */
  readonly mobilityTo?: { handle(input: Input): void } | undefined;
  readonly copy: Path | undefined;
}
/** Mobility Headers do not go that way (RFC 6275 §9.4.3, §11.6.1). */
export interface RouteOptimisedPath {
  readonly kind: 'routeOptimised';
  readonly sourceCareOf?: Address;
  readonly destinationCareOf?: Address;
  readonly copy: Path | undefined;
}
export interface ParkPath {
  readonly kind: 'park';
  readonly place: ParkingPlace;
  readonly copy: Path | undefined;
}
export interface DropPath {
  readonly kind: 'drop';
  readonly copy: Path | undefined;
}
export interface NoPath {
  readonly kind: 'none';
  readonly copy?: undefined;
}
export const noPath: NoPath = { kind: 'none' };
const dropPath: DropPath = { kind: 'drop', copy: undefined };

/** A rule of an engine, ready to be followed. */
export interface Rule {
  readonly to: Prefix | undefined;
  readonly from: Prefix | undefined;
  readonly path: Path;
  /** Links, where it is by source alone and not for what came over others. */
  readonly over?: readonly string[] | undefined;
  /** Not for packets that another anchor has intercepted. */
  readonly intercepts?: boolean | undefined;
}

interface Cached {
  readonly path: Path;
  /** A rule's: what the packet's source says no longer matters. */
  readonly ruled: boolean;
}

const cacheLimit = 65_536;

/**
 * Routes and the rules of engines, which win over them: the longest `to` first, then the longest `from`, then the
 * longest route (the seam's contract). Answers are cached by destination, and by source where rules go by source.
 */
export class RoutingTable {
  /** Answers for what no rule and no route covers: a host's default router. */
  fallback: () => Path = () => noPath;
  readonly #to = new PrefixTable<Rule[]>();
  readonly #from = new PrefixTable<Rule>();
  readonly #routes = new PrefixTable<Path>();
  readonly #redirects = new Map<Address, LinkPath>();
  readonly #byDestination = new Map<Address, Cached>();
  /** Of packets that another anchor has intercepted. */
  readonly #intercepted = new Map<Address, Path>();
  readonly #bySource = new Map<Address, Rule | null>();
  /** Rules with both prefixes: while there is one, answers by destination alone cannot be cached. */
  #pairs = 0;
  #rules = 0;

  get ruleCount(): number {
    return this.#rules;
  }

  /** In all parking places. */
  get parkedOctets(): number {
    let octets = 0;
    for (const { path } of this.rules())
      for (const way of [path, path.copy]) if (way?.kind === 'park') octets += way.place.octets;
    return octets;
  }

  *rules(): Generator<Rule> {
    yield* this.#from.values();
    for (const rules of this.#to.values()) yield* rules;
  }

  lookup(destination: Address, source: Address): Path {
    const cached = this.#byDestination.get(destination) ?? this.#fill(destination, source);
    if (cached.ruled || this.#from.size === 0) return cached.path;
    return this.ruleFrom(source)?.path ?? cached.path;
  }

  /** As {@link lookup}, for a packet that came over that link. */
  lookupOver(link: string, destination: Address, source: Address): Path {
    const over = this.#from.size === 0 ? undefined : this.ruleFrom(source)?.over;
    return over === undefined || over.includes(link)
      ? this.lookup(destination, source)
      : this.lookupTo(destination, source);
  }

  /** Of a packet that another anchor has intercepted: by a rule that names its destination, and does not intercept, or not at all. */
  lookupIntercepted(destination: Address, source: Address): Path {
    const cached = this.#intercepted.get(destination);
    if (cached !== undefined) return cached;
    const path = this.#ruleTo(destination, source, ({ intercepts }) => !intercepts)?.path ?? dropPath;
    return this.#keep(this.#intercepted, destination, path);
  }

  /** As if there were no rules by source alone. */
  lookupTo(destination: Address, source: Address): Path {
    return (this.#byDestination.get(destination) ?? this.#fill(destination, source)).path;
  }

  /** As if there were no rules by destination. */
  lookupBelow(destination: Address, source: Address): Path {
    return this.ruleFrom(source)?.path ?? this.#redirects.get(destination) ?? this.#route(destination);
  }

  /** As {@link lookup}, for a packet from an access link: rules with a source come before all without. */
  lookupUplink(destination: Address, source: Address): Path {
    return (this.#pairFor(destination, source) ?? this.ruleFrom(source))?.path ?? this.lookup(destination, source);
  }

  /** The way to the station of an access link, or a guarded one, that holds `source`. */
  holderOf(source: Address): LinkPath | undefined {
    const rules = this.#to.lookup(source, candidates => candidates.some(leadsToStation));
    return rules?.find(leadsToStation)?.path;
  }

  /** The rule by source alone that covers `source`. */
  ruleFrom(source: Address): Rule | undefined {
    const cached = this.#bySource.get(source);
    if (cached !== undefined) return cached ?? undefined;
    const rule = this.#from.lookup(source);
    if (this.#bySource.size >= cacheLimit) this.#bySource.clear();
    this.#bySource.set(source, rule ?? null);
    return rule;
  }

  #fill(destination: Address, source: Address): Cached {
    const rule = this.#ruleTo(destination, source);
    const path = rule?.path ?? this.#redirects.get(destination) ?? this.#route(destination);
    return this.#keep(this.#byDestination, destination, { path, ruled: rule !== undefined });
  }

  #keep<Answer>(answers: Map<Address, Answer>, destination: Address, answer: Answer): Answer {
    if (this.#pairs > 0) return answer;
    if (answers.size >= cacheLimit) answers.clear();
    answers.set(destination, answer);
    return answer;
  }

  #ruleTo(destination: Address, source: Address, which: (rule: Rule) => boolean = anyRule): Rule | undefined {
    const fits = (rule: Rule) => (rule.from === undefined || prefixContains(rule.from, source)) && which(rule);
    return this.#to.lookup(destination, rules => rules.some(fits))?.find(fits);
  }

  #pairFor(destination: Address, source: Address): Rule | undefined {
    if (this.#pairs === 0) return undefined;
    const fits = (rule: Rule) => rule.from !== undefined && prefixContains(rule.from, source);
    return this.#to.lookup(destination, rules => rules.some(fits))?.find(fits);
  }

  #route(destination: Address): Path {
    const path = this.#routes.lookup(destination) ?? this.fallback();
    // An on-link route stands for all its neighbours: each gets a path of its own, which remembers the neighbour.
    return path.kind === 'link' && path.nextHop === undefined && path.neighbour === undefined
      ? new LinkPath(path.ip, destination)
      : path;
  }

  /** Adds a rule or replaces the one with the same prefixes, which it returns. */
  setRule(rule: Rule): Rule | undefined {
    const { intercepts = false } = rule;
    if (intercepts && rule.to === undefined) throw new RangeError('a rule that intercepts names a destination');
    const before = this.deleteRule(rule.to, rule.from, intercepts);
    this.#rules++;
    if (rule.to === undefined) this.#from.set(requiredFrom(rule), rule);
    else {
      // Rules with a source first, longest first, and of the same prefixes the one that intercepts: `find` meets what comes first.
      const rules = [...(this.#to.get(rule.to) ?? []), rule].sort(
        (a, b) => fromLength(b) - fromLength(a) || Number(b.intercepts ?? false) - Number(a.intercepts ?? false),
      );
      this.#to.set(rule.to, rules);
      if (rule.from !== undefined) this.#pairs++;
    }
    this.#forget(rule);
    return before;
  }

  deleteRule(to: Prefix | undefined, from: Prefix | undefined, intercepts = false): Rule | undefined {
    const rule =
      to !== undefined ? this.#deleteTo(to, from, intercepts) : intercepts ? undefined : this.#deleteFrom(from);
    if (rule === undefined) return undefined;
    this.#rules--;
    this.#forget(rule);
    return rule;
  }

  #deleteFrom(from: Prefix | undefined): Rule | undefined {
    const rule = from && this.#from.get(from);
    if (rule) this.#from.delete(from);
    return rule;
  }

  #deleteTo(to: Prefix, from: Prefix | undefined, intercepts: boolean): Rule | undefined {
    const rules = this.#to.get(to);
    const rule = rules?.find(
      r =>
        r.from?.address === from?.address && r.from?.length === from?.length && (r.intercepts ?? false) === intercepts,
    );
    if (rules === undefined || rule === undefined) return undefined;
    if (rules.length === 1) this.#to.delete(to);
    else
      this.#to.set(
        to,
        rules.filter(r => r !== rule),
      );
    if (from !== undefined) this.#pairs--;
    return rule;
  }

  /** Only what the rule can have changed: an anchor's rules are for single hosts, and change all the time. */
  #forget(rule: Rule): void {
    if (rule.to === undefined) this.#forgetSources(requiredFrom(rule));
    else if (rule.to.length === 128 && rule.from === undefined) this.#forgetDestination(rule.to.address);
    else this.forgetAnswers();
  }

  #forgetDestination(destination: Address): void {
    this.#byDestination.delete(destination);
    this.#intercepted.delete(destination);
  }

  #forgetSources(from: Prefix): void {
    if (from.length === 128) this.#bySource.delete(from.address);
    else this.#bySource.clear();
  }

  setRoute(prefix: Prefix, path: Path): void {
    this.#routes.set(prefix, path);
    this.forgetAnswers();
  }

  deleteRoute(prefix: Prefix): void {
    this.#routes.delete(prefix);
    this.forgetAnswers();
  }

  hasRoute(prefix: Prefix): boolean {
    return this.#routes.get(prefix) !== undefined;
  }

  /** RFC 4861 §8.3. */
  redirect(destination: Address, path: LinkPath): void {
    this.#redirects.set(destination, path);
    this.#forgetDestination(destination);
  }

  /** Everything that leads through a neighbour that does not answer is to be found anew (RFC 4861 §7.3.3). */
  neighbourGone(address: Address): void {
    for (const [destination, path] of this.#redirects)
      if (path.nextHop === address) this.#redirects.delete(destination);
    this.forgetAnswers();
  }

  forgetAnswers(): void {
    if (this.#byDestination.size > 0) this.#byDestination.clear();
    if (this.#intercepted.size > 0) this.#intercepted.clear();
  }
}

function anyRule(): boolean {
  return true;
}

function leadsToStation(rule: Rule): rule is Rule & { readonly path: LinkPath } {
  const { from, path } = rule;
  return (
    from === undefined && path.kind === 'link' && path.neighbour !== undefined && (path.ip.served || path.ip.guarded)
  );
}

function fromLength(rule: Rule): number {
  return rule.from?.length ?? -1;
}

function requiredFrom(rule: Rule): Prefix {
  if (rule.from === undefined) throw new RangeError('a forwarding rule names neither destination nor source');
  return rule.from;
}
