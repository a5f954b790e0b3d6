import { maskAddress, type Prefix, prefixCovers } from './prefix.js';

/** The least set of prefixes that covers what these cover and nothing else, in order of their addresses. */
export function aggregate(prefixes: Iterable<Prefix>): Prefix[] {
  const ordered = [...prefixes].sort((a, b) =>
    a.address < b.address ? -1 : a.address > b.address ? 1 : a.length - b.length,
  );
  const least: Prefix[] = [];
  for (const prefix of ordered) {
    const last = least.at(-1);
    if (last !== undefined && prefixCovers(last, prefix)) continue;
    least.push(prefix);
    mergeLast(least);
  }
  return least;
}

/** While the last two are the halves of one prefix, that one takes their place. */
function mergeLast(prefixes: Prefix[]): void {
  for (;;) {
    const [low, high] = prefixes.slice(-2);
    if (low === undefined || high === undefined || low.length !== high.length) return;
    const length = low.length - 1;
    if (maskAddress(high.address, length) !== low.address) return;
    prefixes.splice(-2, 2, { address: low.address, length });
  }
}
