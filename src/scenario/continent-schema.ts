import { z } from 'zod';
import type { NumberSchemas } from './numbers.js';

/**
 * The `continent` section: a network too large to be written out. Its sites stand on a grid, each a router of the backbone, an
 * anchor and its share of the access routers; mobiles move from router to router and call each other.
 */
export function continentSchema(number: NumberSchemas) {
  const count = (least: number, most: number) => number({ least, most, integer: true });
  const share = number({ most: 1 });
  return z
    .strictObject({
      anchors: count(1, 10_000),
      accessRouters: count(1, 20_000),
      mobiles: count(1, 1_000_000),
      /** Fixed, at routers of the backbone. */
      correspondents: count(0, 10_000).default(0),
      /** Between neighbouring sites. */
      backboneMs: number({}).default(4),
      /** From a site's router to its anchor. */
      anchorMs: number({}).default(1),
      /** From a site's anchor to its access routers. */
      accessMs: number({}).default(2),
      radioMs: number({}).default(1),
      /** From a site's router to a correspondent. */
      correspondentMs: number({}).default(1),
      /** Within this time every mobile comes to its first access router. */
      arrivalMs: number({}).default(10_000),
      /** Of each mobile, at a random time in each of so many equal spans after `arrivalMs`. */
      moves: count(0, 10_000).default(0),
      l2GapMs: number({}).default(0),
      /** Of all moves: those to an access router of a neighbouring site; the others stay within theirs. */
      betweenSites: share.default(0),
      /** That each mobile makes, after `arrivalMs`: packets go both ways. */
      calls: count(0, 10_000).default(0),
      callMs: number({ positive: true }).default(60_000),
      /** Of all calls: those to correspondents; the others are to mobiles. */
      toCorrespondents: share.default(0),
      intervalMs: number({ least: 0.001 }).default(1000),
      payloadOctets: number({ least: 16, most: 65_000, integer: true }).default(160),
    })
    .superRefine((continent, context) => {
      const problem = (key: keyof typeof continent, message: string) =>
        context.addIssue({ code: 'custom', path: [key], message });
      const { anchors, accessRouters, mobiles, correspondents, moves, calls, toCorrespondents } = continent;
      if (accessRouters < anchors) problem('accessRouters', `at least one a site, of which there are ${anchors}`);
      if (moves > 0 && accessRouters < 2) problem('accessRouters', 'at least 2, between which mobiles move');
      if (calls > 0 && toCorrespondents > 0 && correspondents === 0)
        problem('correspondents', 'at least 1, which mobiles call');
      if (calls > 0 && toCorrespondents < 1 && mobiles < 2) problem('mobiles', 'at least 2, which call each other');
    });
}

export type Continent = z.output<ReturnType<typeof continentSchema>>;
