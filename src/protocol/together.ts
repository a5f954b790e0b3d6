import { earliest, type Instant } from '../base/time.js';
import type { Engine, Input, Interests, Output } from './contract.js';

/**
 * Several engines of one role as one: each sees every input, in their order, and leaves what it has no interest in. What two
 * of them show or count has another name in each, and of one prefix one of them alone asks to hear of flows.
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

/** Of each interest what any of them names; those that are no list are yes or no. */
function merged(all: readonly Interests[]): Interests {
  const found: Record<string, unknown> = {};
  for (const interests of all)
    for (const [name, value] of Object.entries(interests)) {
      const before = found[name];
      found[name] =
        Array.isArray(value) && Array.isArray(before) ? [...new Set([...before, ...value])] : before || value;
    }
  return found as unknown as Interests;
}
