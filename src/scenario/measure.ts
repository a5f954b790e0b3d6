import { millisecond } from '../base/time.js';

/** A constant-rate flow as its ends saw it; the index is the sequence number. Instants are nanoseconds. */
export interface FlowSamples {
  readonly sent: number;
  readonly sentAt: ArrayLike<number>;
  /** NaN where a packet never arrived. */
  readonly receivedAt: ArrayLike<number>;
}

/** What one handover did to one flow. */
export interface Interruption {
  /**
   * From leaving the old access link to the first packet on the new one: its arrival where the mobile receives, its
   * departure where the mobile sends. Undefined where none made it.
   */
  readonly gapMs: number | undefined;
  /** Packets that never arrived, from the last one that did before the mobile left to its next move. */
  readonly lost: number;
}

export interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** `direction` is seen from the mobile: it receives the flow (`down`) or sends it (`up`). `sinceMs`: its arrival there. */
export function interruption(
  flow: FlowSamples,
  direction: 'down' | 'up',
  { sinceMs, fromMs, untilMs }: Span & { readonly sinceMs: number },
): Interruption {
  const seenAt = direction === 'down' ? flow.receivedAt : flow.sentAt;
  const [since, from, until] = [sinceMs, fromMs, untilMs].map(ms => ms * millisecond);
  let first = Number.POSITIVE_INFINITY;
  let lastBefore = -1;
  let lastWithin = -1;
  for (let i = 0; i < flow.sent; i++) {
    if (Number.isNaN(flow.receivedAt[i]) || seenAt[i] < since || seenAt[i] > until) continue;
    if (seenAt[i] <= from) lastBefore = Math.max(lastBefore, i);
    else {
      first = Math.min(first, seenAt[i]);
      lastWithin = Math.max(lastWithin, i);
    }
  }
  // Where nothing arrives any more, what is sent until the next move is this one's loss, and what follows the next one's.
  const begin = lastBefore >= 0 ? lastBefore : lastSentBy(flow, from);
  const end = lastWithin >= 0 ? lastWithin : lastSentBy(flow, until);
  return {
    gapMs: Number.isFinite(first) ? (first - from) / millisecond : undefined,
    lost: missing(flow, begin + 1, end),
  };
}

function lastSentBy(flow: FlowSamples, until: number): number {
  let last = -1;
  for (let i = 0; i < flow.sent; i++) if (flow.sentAt[i] <= until) last = i;
  return last;
}

function missing(flow: FlowSamples, first: number, last: number): number {
  let count = 0;
  for (let i = first; i <= last; i++) if (Number.isNaN(flow.receivedAt[i])) count++;
  return count;
}

/** How much longer packets took than the shortest path would have let them: a sum of delays over a sum of shortest ones. */
export class Stretch {
  #delay = 0;
  #shortest = 0;

  /** `shortestMs` at the time each packet was seen by the mobile; undefined while it is nowhere. */
  add(flow: FlowSamples, shortestMs: (sentAt: number, receivedAt: number) => number | undefined): void {
    for (let i = 0; i < flow.sent; i++) {
      if (Number.isNaN(flow.receivedAt[i])) continue;
      const shortest = shortestMs(flow.sentAt[i], flow.receivedAt[i]);
      if (shortest === undefined) continue;
      this.#delay += flow.receivedAt[i] - flow.sentAt[i];
      this.#shortest += shortest * millisecond;
    }
  }

  /** 1 is the shortest path; undefined where nothing arrived. */
  get ratio(): number | undefined {
    return this.#shortest > 0 ? this.#delay / this.#shortest : undefined;
  }
}

/** The longest time without progress that began or went on between two times, in ms. */
export function longestStall(progressAt: readonly number[], { fromMs, untilMs }: Span): number | undefined {
  const from = fromMs * millisecond;
  const until = untilMs * millisecond;
  let longest: number | undefined;
  for (let i = 1; i < progressAt.length; i++) {
    if (progressAt[i] <= from || progressAt[i - 1] > until) continue;
    longest = Math.max(longest ?? 0, progressAt[i] - progressAt[i - 1]);
  }
  return longest === undefined ? undefined : longest / millisecond;
}
