import { z } from 'zod';
import * as c from '../config.js';

/** Fast handovers in the configuration of access routers, MAPs and mobile nodes, as files and schemes write it. */

/** SPI 0 is for keys that Secure Neighbour Discovery makes (RFC 5568 §6.4.5); those below 256 are reserved (RFC 4285 §5). */
const handoverKey = {
  spi: c.integer(256, 0xffff_ffff),
  key: c.secret(16, 'HMAC-SHA1 handover key'),
};
/** The mobile's link-layer address: the key speaks for the addresses that it forms from it. */
const mobileKey = z.strictObject({ ...handoverKey, linkAddress: c.linkAddress });

const neighbour = z.strictObject({
  accessPoints: z.array(c.linkAddress).min(1, 'at least one access point'),
  /** The router's own, for Handover Initiate. */
  address: c.unicastAddress,
  /** Its address on the link below the access points. */
  linkRouter: c.unicastAddress,
  linkAddress: c.linkAddress,
  prefix: c.prefix,
  fastHandover: c.flag.default(true),
  dhcp: c.flag.default(false),
  /** MAPs that serve there. */
  maps: z
    .array(
      z.strictObject({
        address: c.unicastAddress,
        distance: c.integer(1, 15).default(1),
        preference: c.integer(0, 15).default(10),
        rcoaRequired: c.flag.default(true),
        validLifetimeS: c.integer(0, 0xffff_ffff, 'seconds').default(2_592_000),
      }),
    )
    .default([]),
});

/** What every anchor of fast handovers is told. */
const anchorKeys = {
  neighbours: z.array(neighbour).default([]),
  handoverKeys: z.array(mobileKey).default([]),
  /** RFC 5568 §5.6: tens of seconds. */
  maximumLifetimeS: c.integer(4, 600, 'seconds').default(60),
  /** Whether the new router is asked to keep packets until the mobile is there. */
  buffer: c.flag.default(true),
  /** Whether it is asked for an address. */
  assignedAddresses: c.flag.default(false),
  /** Whether a mobile that has moved gets its packets before its new router has answered. */
  forwardAtOnce: c.flag.default(false),
  /** For how long packets go both ways where a mobile wants it (RFC 4140 Appendix A). */
  simultaneousMs: c.number(0, 65_535, 'milliseconds').default(2000),
};

/** `fastHandover` of role `ar`. */
export const fastRouterSection = z.strictObject({
  ...anchorKeys,
  links: z
    .array(
      z.strictObject({
        name: c.name,
        /** The router's own there. */
        address: c.unicastAddress,
        prefix: c.prefix,
        accessPoints: z.array(c.linkAddress).default([]),
      }),
    )
    .min(1, 'at least one link'),
  /** MAPs that announce mobiles, beside the neighbours. */
  maps: z.array(c.unicastAddress).default([]),
  duplicateAddressDetection: c.flag.default(false),
  assignAddresses: c.flag.default(false),
  bufferOctets: c.integer(0, 1_000_000_000, 'octets').default(1_048_576),
  bufferMs: c.number(100, 60_000, 'milliseconds').default(5000),
  hostRouteMs: c.number(1000, 600_000, 'milliseconds').default(60_000),
  maximumExpected: c.integer(1, 1_000_000).default(10_000),
});

/** `fastHandover` of role `map`. */
export const fastMapSection = z.strictObject(anchorKeys);
export type FastMapConfig = z.infer<typeof fastMapSection>;

/** `fastHandover` of role `mn`. */
export const fastMobileSection = z.strictObject({
  /** A key for each router, by its address on its link, and for each MAP that fast handovers go by. */
  handoverKeys: z.array(z.strictObject({ router: c.unicastAddress, ...handoverKey })).min(1, 'at least one key'),
  lifetimeS: c.integer(4, 600, 'seconds').default(20),
  moveWithinMs: c.number(100, 60_000, 'milliseconds').default(2000),
  discoverNeighbourhood: c.flag.default(true),
  simultaneousBindings: c.flag.default(false),
});

/** Each access point with its router. */
export function knownAccessPoints(neighbours: FastMapConfig['neighbours']) {
  return neighbours.flatMap(({ accessPoints, ...router }) =>
    accessPoints.map(accessPoint => ({ accessPoint, router })),
  );
}
