import type { NetworkDescription, Placement } from '../scheme.js';

/** A MAP as role `ar` is told of it; the rest is the role's default. */
export interface PlacedMap {
  readonly address: string;
  readonly distance?: number;
  readonly preference?: number;
  readonly rcoaRequired?: boolean;
}

export type AccessRouterNode = NetworkDescription['accessRouters'][number];

/** Role `ar` on an access router of a scenario: it advertises what a plain one does, and these MAPs. `more`: further keys of its section. */
export function accessRouterPlacement(
  router: AccessRouterNode,
  maps: readonly PlacedMap[],
  more: Readonly<Record<string, unknown>> = {},
): Placement {
  const { node, address, prefix, links, advertisements } = router;
  const { minMs, maxMs, answerMs } = advertisements ?? { minMs: 200_000, maxMs: 600_000 };
  const solicited = answerMs === undefined ? {} : { unicast: answerMs === 0, maximumDelayMs: answerMs };
  const link = {
    prefixes: [{ prefix }],
    routerLifetimeS: Math.max(1800, Math.ceil(maxMs / 1000)),
    intervalMs: { min: minMs, max: maxMs },
    // RFC 6275 §7.5: routers that mobiles visit may go below RFC 4861 §10's MIN_DELAY_BETWEEN_RAS.
    minimumSpacingMs: Math.min(minMs, 3000),
    solicited,
  };
  return { node, role: 'ar', config: { address, links: links.map(name => ({ name, ...link })), maps, ...more } };
}
