import type { AdvertisedMap } from '../mobile/movement.js';

/**
 * Which of several MAPs comes first. `distance`: the farthest, RFC 4140 §9.1's default; `nearest`: the contrary, for
 * correspondents close by (§3.1); `preference`: §7.2.
 */
export type MapOrder = 'distance' | 'nearest' | 'preference';

/** MAPs in the order of choice; those alike stay as they were advertised. */
export function ranked(maps: readonly AdvertisedMap[], order: MapOrder): AdvertisedMap[] {
  return [...maps].sort((a, b) => compare(a, b, order));
}

function compare(a: AdvertisedMap, b: AdvertisedMap, order: MapOrder): number {
  switch (order) {
    case 'distance':
      return b.distance - a.distance;
    case 'nearest':
      return a.distance - b.distance;
    case 'preference':
      return b.preference - a.preference || b.distance - a.distance;
  }
}
