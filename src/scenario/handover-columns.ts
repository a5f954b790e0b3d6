import type { HandoverResult, SchemeResult } from './result.js';

/** What tables show of one handover, or of many of a kind. */
export interface HandoverColumn {
  readonly kind: HandoverResult['kind'];
  /** `ar1 → ar2`, or how many there are. */
  readonly title: string;
  /** Whether there are many: times are medians, what was lost is their sum. */
  readonly many: boolean;
  /** One a scheme, in their order. */
  readonly of: readonly HandoverResult[];
}

/** Handovers that a table has columns for; more are told together, those of a kind at a time. */
const mostColumns = 3;

export function handoverColumns(results: readonly SchemeResult[]): HandoverColumn[] {
  const [first] = results;
  if (!first) return [];
  if (first.handovers.length <= mostColumns)
    return first.handovers.map(({ kind, from, to }, i) => ({
      kind,
      title: `${from} → ${to}`,
      many: false,
      of: results.map(result => result.handovers[i]),
    }));
  return (['intra-anchor', 'inter-anchor'] as const).flatMap(kind => {
    const ofKind = results.map(result => result.handovers.filter(handover => handover.kind === kind));
    const { length } = ofKind[0];
    return length === 0
      ? []
      : [{ kind, title: length === 1 ? '1 handover' : `${length} handovers`, many: true, of: ofKind.map(together) }];
  });
}

function together(all: readonly HandoverResult[]): HandoverResult {
  const [first] = all;
  return {
    ...first,
    gapMs: median(all.map(one => one.gapMs)),
    closedFormMs: median(all.map(one => one.closedFormMs)),
    lost: sum(all.map(one => one.lost)),
    closedFormLost: sum(all.map(one => one.closedFormLost)),
    tcpStallMs: median(all.flatMap(one => one.tcpStallMs ?? [])),
  };
}

/** Nothing counts as longer than anything; null where that is the median. */
function median(values: readonly (number | null)[]): number | null {
  if (values.length === 0) return null;
  const sorted = values.map(value => value ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b);
  const middle = sorted[(sorted.length - 1) >> 1];
  return Number.isFinite(middle) ? middle : null;
}

/** Of those that are known; null where none is. */
function sum(values: readonly (number | null)[]): number | null {
  const known = values.filter(value => value !== null);
  return known.length === 0 ? null : known.reduce((total, value) => total + value, 0);
}
