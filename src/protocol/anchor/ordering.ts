import type { WallTime } from '../../base/time.js';
import type { MobilityOptionOf } from '../../wire/mobility/options.js';

export type TimestampOption = MobilityOptionOf<'timestamp'>;

const unitsPerSecond = 65_536;

/** A Timestamp option as one number of 1/65536 seconds: exact until the year 6325. */
export function timestampOf(option: TimestampOption): number {
  return option.seconds * unitsPerSecond + option.fraction;
}

/** RFC 5213 §8.8. */
export function timestampOption(time: WallTime): TimestampOption {
  const fraction = Math.floor((time.nanoseconds * unitsPerSecond) / 1_000_000_000);
  return { kind: 'timestamp', seconds: time.seconds, fraction };
}

/** Whether a timestamp is close enough to the anchor's clock (RFC 5213 §5.5 rule 6). */
export function isWithinWindow(option: TimestampOption, time: WallTime, windowMs: number): boolean {
  const difference = timestampOf(option) - timestampOf(timestampOption(time));
  return Math.abs(difference) * 1000 <= windowMs * unitsPerSecond;
}
