import { z } from 'zod';
import * as c from '../config.js';

const neighbour = z.strictObject({
  /** Signalling address and tunnel end of the gateway beside this one. */
  address: c.unicastAddress,
  /** The link-layer addresses its stations see. */
  accessPoints: z.array(c.linkAddress).default([]),
});

/** Context transfer between gateways (RFC 4067; draft-singh §4.2-1, Appendix D). */
export const contextTransferSection = z
  .strictObject({
    /** Of the domain: authorization tokens of gateways are made with it, those of mobiles with keys derived from it. */
    key: c.secret(16, 'the key that all gateways of the domain have'),
    neighbours: z.array(neighbour).min(1, 'at least one gateway'),
    /** Whether what still arrives for a mobile that left is tunnelled to its next gateway. */
    forward: c.flag.default(true),
    /** Kept for one mobile at most: until it comes, or its next gateway is known; and again of what has overtaken that. */
    limitOctets: c.integer(1, 0xffff_ffff, 'octets').default(1_000_000),
    /** RFC 4067 §4 CT_MAX_TRANSFER_TIME. */
    maximumTransferMs: c.durationMs.default(200),
    /** From the sign of a handover to the mobile's leaving; it has as long again to come to the next gateway. */
    expectedWithinMs: c.durationMs.default(2000),
    /** From the new registration on: for how long the old path may still bring packets that come before those of the new one. */
    releaseMs: c.durationMs.default(1000),
    /** Mobiles that other gateways say will come. */
    maximumExpected: c.integer(1, 1_000_000, 'mobiles').default(1000),
  })
  .superRefine(({ neighbours }, context) => {
    const seen = new Set<string>();
    for (const [i, { address, accessPoints }] of neighbours.entries()) {
      if (neighbours.findIndex(other => other.address === address) < i)
        context.addIssue({ code: 'custom', path: ['neighbours', i, 'address'], message: 'one entry a gateway' });
      for (const [j, accessPoint] of accessPoints.entries()) {
        if (seen.has(accessPoint))
          context.addIssue({
            code: 'custom',
            path: ['neighbours', i, 'accessPoints', j],
            message: 'an access point of one gateway only',
          });
        seen.add(accessPoint);
      }
    }
  });
export type ContextTransferSettings = z.infer<typeof contextTransferSection>;
