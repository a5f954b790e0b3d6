import type { Scheme } from '../protocol/scheme.js';
import type { Scenario } from './model.js';
import { runTotals } from './totals.js';

/** A domain of that size. */
export interface DomainSize {
  readonly mobiles: number;
  readonly anchors: number;
}

/** Mobility messages that a domain took from the beginning to the end, by how its anchors learn where mobiles are. */
export interface SignallingPoint extends DomainSize {
  /** Each is told of the mobiles that it has packets for. */
  readonly told: number;
  /** Every one is told of every mobile. */
  readonly toldAll: number;
}

/** The parameter of a scenario that has location management tell all anchors (draft-chan §6.3's other design). */
const pushToAll = 'dlmaPush';

/**
 * draft-chan §6.3: runs the scenario that `load` gives for the parameters `mobiles` and `anchors`, at each size once with
 * locations told where they are needed and once with all told to all.
 */
export function signallingGrowth(
  load: (parameters: Readonly<Record<string, number>>) => Scenario,
  scheme: Scheme,
  sizes: readonly DomainSize[],
  progress: (size: DomainSize, share: number) => void = () => {},
): SignallingPoint[] {
  const messages = ({ mobiles, anchors }: DomainSize, push: number) => {
    const scenario = load({ mobiles, anchors, [pushToAll]: push });
    const { signalling } = runTotals(scenario, scheme, {
      progress: (doneMs, totalMs) => progress({ mobiles, anchors }, (push + doneMs / totalMs) / 2),
    });
    return signalling.messages;
  };
  return sizes.map(size => ({ ...size, told: messages(size, 0), toldAll: messages(size, 1) }));
}

/** Every number of mobiles at the most anchors, and every number of anchors with the most mobiles: two cuts through all sizes. */
export function cuts(mobiles: readonly number[], anchors: readonly number[]): DomainSize[] {
  const most: DomainSize = { mobiles: Math.max(...mobiles), anchors: Math.max(...anchors) };
  const ascending = (numbers: readonly number[]) => [...new Set(numbers)].sort((a, b) => a - b);
  return [
    ...ascending(mobiles).map(count => ({ ...most, mobiles: count })),
    ...ascending(anchors)
      .filter(count => count !== most.anchors)
      .map(count => ({ ...most, anchors: count })),
  ];
}
