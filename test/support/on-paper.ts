import assert from 'node:assert/strict';

/** What was measured beside what stands on paper. */

/** Between two packets of a flow. */
export const intervalMs = 1;
/** Delays are rounded to nanoseconds, several to a path. */
export const roundingMs = 1e-4;

export function near(value: number | null, expected: number, tolerance: number, name: string): void {
  assert.ok(value !== null && Math.abs(value - expected) <= tolerance, `${name}: ${value}, on paper ${expected}`);
}

/** A gap ends with a packet, which comes at most an interval after it might have. */
export function within(gapMs: number | null, leastMs: number, name: string): void {
  const above = gapMs === null ? Number.NaN : gapMs - leastMs;
  assert.ok(above >= -roundingMs && above <= intervalMs + roundingMs, `${name}: ${gapMs}, on paper ${leastMs}`);
}
