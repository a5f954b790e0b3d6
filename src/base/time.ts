/** Nanoseconds since the world began (virtual or monotonic), an integer; exact for 104 days. */
export type Instant = number;
/** Nanoseconds between two instants. */
export type Duration = number;

export const microsecond = 1_000;
export const millisecond = 1_000_000;
export const second = 1_000_000_000;

export function milliseconds(ms: number): Duration {
  return Math.round(ms * millisecond);
}
export function seconds(s: number): Duration {
  return Math.round(s * second);
}

/** The first of the two, where they are set. */
export function earliest(a: Instant | undefined, b: Instant | undefined): Instant | undefined {
  if (a === undefined) return b;
  return b === undefined || a < b ? a : b;
}

/** What a node's wall clock shows: nanoseconds are apart because 1970 is too long ago for one double. */
export interface WallTime {
  /** Whole seconds since 1970-01-01T00:00:00Z. */
  readonly seconds: number;
  /** 0 to 999,999,999. */
  readonly nanoseconds: number;
}

/** A node's wall clock, which may be wrong. Worlds provide it. */
export type WallClock = (now: Instant) => WallTime;

/** A wall clock that showed `epochS` seconds at instant 0 and runs true. */
export function wallClockFrom(epochS: number, skew: Duration = 0): WallClock {
  return now => {
    const t = now + skew;
    const whole = Math.floor(t / second);
    return { seconds: epochS + whole, nanoseconds: t - whole * second };
  };
}
