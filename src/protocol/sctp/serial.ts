/** How far `a` is after `b`, TSNs and their like (RFC 9260 §1.6). */
export function distance(a: number, b: number): number {
  return (a - b) | 0;
}

export function following(tsn: number, steps = 1): number {
  return (tsn + steps) >>> 0;
}
