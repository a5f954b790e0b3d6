import { z } from 'zod';
import * as c from '../config.js';

/** At a gateway: who may leave LMAs out of the tunnels between them and it (draft-chan §5.1.1, §5.4). */
export const bypassSection = z.strictObject({
  /** Prefixes of all networks of the distributed-LMA domain. */
  domain: z.array(c.prefix).min(1, 'at least one prefix'),
  /** Its LMAs. */
  anchors: z.array(c.unicastAddress).min(1, 'at least one LMA'),
  /** Its other gateways, by the addresses of their signalling and their tunnels. */
  gateways: z.array(c.unicastAddress).default([]),
  /** Bits of a mobile's home. */
  homeLength: c.integer(1, 128, 'bits').default(64),
  /** How long a tunnel straight to another gateway is kept without packets, as O-LMAs keep locations (§4.4). */
  idleS: c.number(1, 86_400, 'seconds').default(60),
  /** How long a previous gateway forwards what still comes for a mobile (§5.1.2). */
  previousS: c.number(0.1, 600, 'seconds').default(10),
});
export type BypassSettings = z.infer<typeof bypassSection>;
