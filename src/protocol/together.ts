import { earliest, type Instant } from '../base/time.js';
import type { Engine, Input, Interests, LinkId, Output } from './contract.js';

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
    this.interests = {
      protocols: distinct(engines.flatMap(({ interests }) => interests.protocols)),
      accessLinks: distinct(engines.flatMap(({ interests }) => interests.accessLinks)),
      udpPorts: distinct(engines.flatMap(({ interests }) => interests.udpPorts)),
      ...links(engines, 'hostLinks'),
      ...links(engines, 'advertisedLinks'),
    };
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

/** Left out where no engine says anything of them. */
function links(engines: readonly Engine[], of: 'hostLinks' | 'advertisedLinks'): Partial<Interests> {
  const said = engines.flatMap(({ interests }) => interests[of] ?? []);
  return said.length === 0 ? {} : { [of]: distinct<LinkId>(said) };
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
