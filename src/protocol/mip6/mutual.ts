import { earliest, type Instant } from '../../base/time.js';
import { effectiveSource, protocol } from '../../wire/ipv6/packet.js';
import type { Engine, ForwardingRule, Input, Interests, Output, Via } from '../contract.js';
import { ruleKey } from '../rules.js';

type RouteOptimised = Extract<Via, { kind: 'routeOptimised' }>;
type Side = 'mobile' | 'correspondent';

/**
 * A mobile node that is a correspondent of others too (RFC 6275 §9): between two mobiles that know of each other packets go
 * from one care-of address straight to the other, with Home Address option and routing header at once. Each side says its
 * half of that rule; together they are one.
 */
export function withCorrespondent(mobileNode: Engine, correspondent: Engine): Engine {
  return new Mutual(mobileNode, correspondent);
}

class Mutual implements Engine {
  readonly interests: Interests;
  readonly views: Engine['views'];
  readonly #engines: Readonly<Record<Side, Engine>>;
  /** What each side says of packets between two addresses. */
  readonly #halves = new Map<string, Partial<Record<Side, RouteOptimised>>>();

  constructor(mobile: Engine, correspondent: Engine) {
    this.#engines = { mobile, correspondent };
    const protocols = [...new Set([...mobile.interests.protocols, ...correspondent.interests.protocols])];
    this.interests = { ...mobile.interests, protocols };
    this.views = { ...correspondent.views, ...mobile.views };
  }

  get deadline(): Instant | undefined {
    return earliest(this.#engines.mobile.deadline, this.#engines.correspondent.deadline);
  }

  get counters(): Engine['counters'] {
    const counters: Record<string, number> = { ...this.#engines.mobile.counters };
    for (const [name, count] of Object.entries(this.#engines.correspondent.counters))
      counters[name] = (counters[name] ?? 0) + count;
    return counters;
  }

  handle(input: Input, now: Instant): Output[] {
    const outputs: Output[] = [];
    for (const side of sidesFor(input))
      for (const output of this.#engines[side].handle(input, now)) outputs.push(this.#merged(output, side));
    return outputs;
  }

  #merged(output: Output, side: Side): Output {
    switch (output.kind) {
      case 'forward':
        return output.rule.via.kind === 'routeOptimised' ? this.#add(output.rule, output.rule.via, side) : output;
      case 'unforward':
        return this.#remove(output, side);
      default:
        return output;
    }
  }

  #add(rule: ForwardingRule, via: RouteOptimised, side: Side): Output {
    const key = ruleKey(rule);
    const halves = { ...this.#halves.get(key), [side]: via };
    this.#halves.set(key, halves);
    return { kind: 'forward', rule: { ...rule, via: { ...halves.correspondent, ...halves.mobile, kind: via.kind } } };
  }

  /** The other half goes on alone. */
  #remove(output: Extract<Output, { kind: 'unforward' }>, side: Side): Output {
    const key = ruleKey(output);
    const halves = this.#halves.get(key);
    if (!halves) return output;
    const other: Side = side === 'mobile' ? 'correspondent' : 'mobile';
    const via = halves[other];
    if (!via) {
      this.#halves.delete(key);
      return output;
    }
    this.#halves.set(key, { [other]: via });
    const { kind: _, ...name } = output;
    return { kind: 'forward', rule: { ...name, via } };
  }
}

const both: readonly Side[] = ['mobile', 'correspondent'];

/** Whose matter it is: what mobiles send is for the correspondent, what correspondents and home agents send for the mobile. */
function sidesFor(input: Input): readonly Side[] {
  if (input.kind === 'tick' || input.kind === 'flow') return both;
  if (input.kind !== 'packet') return ['mobile'];
  const { packet } = input;
  const { payload } = packet;
  if (payload.kind !== 'mobility') {
    const isProtected = payload.kind === 'raw' && payload.protocol === protocol.esp;
    return effectiveSource(packet) === packet.source || isProtected ? ['mobile'] : ['correspondent'];
  }
  switch (payload.message.kind) {
    case 'homeTestInit':
    case 'careOfTestInit':
    case 'bindingUpdate':
    case 'locationQuery':
    case 'unknown':
      return ['correspondent'];
    default:
      return ['mobile'];
  }
}
