import { type Random, uniform } from '../../base/random.js';
import { type Duration, seconds } from '../../base/time.js';

/** How one kind of message is repeated (RFC 8415 §7.6, §15); zero where there is no limit. */
export interface Retransmission {
  /** IRT. */
  readonly initialS: number;
  /** MRT. */
  readonly maximumS: number;
  /** MRC: transmissions, the first included. */
  readonly transmissions: number;
  /** MRD. */
  readonly durationS: number;
}

export const retransmissions = {
  solicit: { initialS: 1, maximumS: 3600, transmissions: 0, durationS: 0 },
  request: { initialS: 1, maximumS: 30, transmissions: 10, durationS: 0 },
  confirm: { initialS: 1, maximumS: 4, transmissions: 0, durationS: 10 },
  renew: { initialS: 10, maximumS: 600, transmissions: 0, durationS: 0 },
  rebind: { initialS: 10, maximumS: 600, transmissions: 0, durationS: 0 },
  release: { initialS: 1, maximumS: 0, transmissions: 4, durationS: 0 },
  decline: { initialS: 1, maximumS: 0, transmissions: 4, durationS: 0 },
} as const satisfies Record<string, Retransmission>;
export type ExchangeKind = keyof typeof retransmissions;

/** RT after `previous`, or the first one. A Solicit's first is never below IRT (§18.2.1). */
export function nextTimeout(
  { initialS, maximumS }: Retransmission,
  previous: Duration | undefined,
  random: Random,
  lowest = -0.1,
): Duration {
  const around = (base: Duration, low: number) => Math.round(base * (1 + uniform(random, low, 0.1)));
  if (previous === undefined) return around(seconds(initialS), lowest);
  const doubled = Math.round(previous * (2 + uniform(random, -0.1, 0.1)));
  return maximumS > 0 && doubled > seconds(maximumS) ? around(seconds(maximumS), -0.1) : doubled;
}
