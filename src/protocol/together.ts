import { earliest, type Instant } from '../base/time.js';
import type { Engine, Input, Interests, Output } from './contract.js';

/**
 * Several engines of one role as one: each sees every input, in their order, and leaves what it has no interest in. What two
 * of them show or count has another name in each.
 */
export function together(engines: readonly Engine[]): Engine {
  const [first] = engines;
  return engines.length === 1 && first ? first : new Together(engines);
}

class Together implements Engine {
  readonly interests: Interests;
  readonly views: Engine['views'];
  readonly #engines: readonly Engine[];

  constructor(engines: readonly Engine[]) {
    this.#engines = engines;
    this.interests = merged(engines.map(({ interests }) => interests));
    this.views = Object.assign({}, ...engines.map(({ views }) => views));
  }

  get deadline(): Instant | undefined {
    return this.#engines.map(engine => engine.deadline).reduce(earliest, undefined);
  }

  get counters(): Engine['counters'] {
    return Object.assign({}, ...this.#engines.map(({ counters }) => counters));
  }

  handle(input: Input, now: Instant): Output[] {
    // Read by each of them: what can be read once only is kept.
    const given = input.kind === 'restored' ? { ...input, records: [...input.records] } : input;
    return this.#engines.flatMap(engine => engine.handle(given, now));
  }
}

/** Every interest is a list: of each, what any of them names. */
function merged(all: readonly Interests[]): Interests {
  const lists = new Map<string, Set<unknown>>();
  for (const interests of all)
    for (const [name, values] of Object.entries(interests as unknown as Readonly<Record<string, readonly unknown[]>>))
      lists.set(name, new Set([...(lists.get(name) ?? []), ...values]));
  return Object.fromEntries(Array.from(lists, ([name, values]) => [name, [...values]])) as unknown as Interests;
}
