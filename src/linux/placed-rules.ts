import type { ForwardingRule } from '../protocol/contract.js';
import type { Route, RouteKey } from './netlink/route.js';
import { keyText, type RuleKey } from './parking.js';
import type { RoutingTables } from './routing-tables.js';

/** A route that a rule is to be in the kernel, or that none is any more. */
export interface Placement {
  readonly route: Omit<Route, 'target'>;
  readonly rule: ForwardingRule | undefined;
}

/** What a rule's coming or going changes. */
export interface PlacementChange {
  /** What stood in its place. */
  readonly standing: ForwardingRule | undefined;
  readonly placements: readonly Placement[];
}

/**
 * Which rule is a route in which table. Of two with the same prefixes the one that intercepts has their place, and the other one
 * has it in the table for what was intercepted: there all stand that name a destination and take all. Without tunnel ends for such
 * packets that table is empty.
 */
export class PlacedRules {
  readonly #tables: RoutingTables;
  readonly #rules = new Map<string, ForwardingRule>();
  #tellsIntercepted = false;

  constructor(tables: RoutingTables) {
    this.#tables = tables;
  }

  get size(): number {
    return this.#rules.size;
  }

  /** Whether what was intercepted has its table. */
  get tellsIntercepted(): boolean {
    return this.#tellsIntercepted;
  }

  get(key: RuleKey): ForwardingRule | undefined {
    return this.#rules.get(keyText(key));
  }

  values(): Iterable<ForwardingRule> {
    return this.#rules.values();
  }

  clear(): void {
    this.#rules.clear();
    this.#tellsIntercepted = false;
  }

  /** From now on what was intercepted has its table: what is to stand there now. */
  tellIntercepted(): Placement[] {
    this.#tellsIntercepted = true;
    return [...this.#rules.values()].flatMap(rule => this.#placements(rule, this.#forIntercepted(rule), rule));
  }

  set(rule: ForwardingRule): PlacementChange {
    if (rule.intercepts && rule.to === undefined) throw new RangeError('a rule that intercepts names a destination');
    const key = keyText(rule);
    const standing = this.#rules.get(key);
    this.#rules.set(key, rule);
    const hidden = !rule.intercepts && this.#rules.has(keyText({ ...rule, intercepts: true }));
    const tables = [...(hidden ? [] : this.#forAll(rule)), ...this.#forIntercepted(rule)];
    // A destination of length zero stands in the place of none, and is one all the same.
    const left = standing && rule.to === undefined ? this.#forIntercepted(standing) : [];
    return {
      standing,
      placements: [...this.#placements(rule, left, undefined), ...this.#placements(rule, tables, rule)],
    };
  }

  delete(key: RuleKey): PlacementChange {
    const standing = this.#rules.get(keyText(key));
    if (!standing) return { standing, placements: [] };
    this.#rules.delete(keyText(key));
    const { intercepts, ...prefixes } = keyOf(standing);
    const other = this.#rules.get(keyText(intercepts ? prefixes : { ...prefixes, intercepts: true }));
    const forAll = intercepts || !other ? this.#placements(prefixes, this.#forAll(prefixes), other) : [];
    return {
      standing,
      placements: [...forAll, ...this.#placements(prefixes, this.#forIntercepted(standing), undefined)],
    };
  }

  /** Whether a route of ours is one of these. */
  wants(route: RouteKey): boolean {
    const { to, from, table } = route;
    const key = { to, ...(from && { from }) };
    const takesAll = this.#rules.get(keyText(key));
    if (table === this.#tables.intercepted)
      return this.#tellsIntercepted && (to.length === 0 || takesAll?.to !== undefined);
    const rule = this.#rules.get(keyText({ ...key, intercepts: true })) ?? takesAll;
    return rule !== undefined && this.#forAll(rule).includes(table);
  }

  /** Tables for what no other anchor has intercepted. */
  #forAll({ to, from }: RuleKey): number[] {
    const { byDestination, bySource } = this.#tables;
    const hasSource = (from?.length ?? 0) > 0;
    if ((to?.length ?? 0) > 0) return hasSource ? [byDestination, bySource] : [byDestination];
    return hasSource ? [bySource] : [byDestination];
  }

  #forIntercepted({ to, intercepts }: RuleKey): number[] {
    return this.#tellsIntercepted && !intercepts && to !== undefined ? [this.#tables.intercepted] : [];
  }

  #placements({ to, from }: RuleKey, tables: readonly number[], rule: ForwardingRule | undefined): Placement[] {
    return tables.map(table => ({ route: { ...(to && { to }), ...(from && { from }), table }, rule }));
  }
}

function keyOf({ to, from, intercepts }: ForwardingRule): RuleKey {
  return { ...(to && { to }), ...(from && { from }), ...(intercepts && { intercepts }) };
}
