import { z } from 'zod';
import { localProfiles, radiusSection } from '../../aaa/config.js';
import { anchorKeys } from '../../anchor/config.js';
import * as c from '../../config.js';
import { mobileSignalling, protectedSection } from '../../security/config.js';

const { deleteDelayMs, drainDelayMs, updatesPerSecond, updateBurst } = anchorKeys;

/** Keys of a local mobility agent; `address` is its care-of address, and in `peers` are its mobiles. */
export const agentKeys = {
  ...mobileSignalling,
  /** Where IPv4 tunnels to it end. */
  ipv4Address: c.ipv4Address.optional(),
  /** Links where mobiles may use its care-of address as theirs; without one it is not link-connected (draft-dommety §2.1). */
  links: z.array(c.name).default([]),
  /** Where home addresses of visitors lie. */
  homes: z.union([z.literal('any'), z.array(c.prefix)]).default('any'),
  /** The longest it accepts in a Binding Update (draft-dommety §2.2.1). */
  maximumLifetimeS: c.integer(4, 0xffff, 'seconds').default(3600),
  maximumVisitors: c.integer(1, 8_000_000).default(100_000),
  deleteDelayMs,
  drainDelayMs,
  updatesPerSecond,
  updateBurst,
  /** How long the answer to an update that it passed on is waited for (draft-dommety §3.2.1). */
  pendingMs: c.durationMs.min(1).default(10_000),
  /** Updates on their way, in all. */
  maximumPending: c.integer(1, 1_000_000).default(10_000),
  /** Stations of its links send through this node only what they are registered for (draft-dommety §1.1 C). */
  accessControl: c.flag.default(false),
  /** Who its visitors are: without it, whoever its associations let in. */
  aaa: localProfiles.optional(),
  /** In place of `aaa`: servers that know them. */
  radius: radiusSection.optional(),
};
const agentObject = z.strictObject(agentKeys);
export type AgentConfig = z.infer<typeof agentObject>;

/** `section` with the rules that tie its keys together. */
export function agentSection<S extends z.ZodType<AgentConfig>>(section: S): S {
  return protectedSection(section).superRefine(({ links, accessControl, aaa, radius }, context) => {
    const problem = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message });
    for (const [i, link] of links.entries())
      if (links.indexOf(link) < i) problem(['links', i], `one entry for '${link}'`);
    if (accessControl && links.length === 0) problem(['accessControl'], 'false, without links');
    if (aaa && radius) problem(['radius'], 'nothing, beside `aaa`');
  });
}
