import { z } from 'zod';
import { prefixCovers } from '../../base/prefix.js';
import { anchorSection, anchorSettings, mobileAnchorKeys } from '../anchor/config.js';
import * as c from '../config.js';
import type { Environment } from '../contract.js';
import type { Role } from '../scheme.js';
import { secured } from '../security/secured.js';
import { createNetlmmLma } from './lma.js';

const { proxyRegistration: _, ...keys } = mobileAnchorKeys;

const section = anchorSection(
  z.strictObject({
    ...keys,
    /** The link its prefixes are on; without one they are on no link. */
    homeLink: c.name.optional(),
    /** Blocks of which each mobile has a prefix of `length` bits, where one of `prefixes` gives it an address (appendix E.3). */
    mobilePrefixes: z.array(z.strictObject({ block: c.prefix, length: c.integer(1, 128, 'bits') })).default([]),
    /** What a mobile gets that asks for any home (appendix A): an address, or one of the first of `mobilePrefixes`. */
    assign: c.choice(['address', 'prefix']).default('address'),
    /** Where IPv4 addresses of mobiles come from (appendix E.2). */
    ipv4Prefixes: z.array(c.ipv4Prefix).default([]),
  }),
).superRefine(({ prefixes, mobilePrefixes, assign, peers }, context) => {
  const problem = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message });
  for (const [i, { block, length }] of mobilePrefixes.entries()) {
    const others = [...prefixes, ...mobilePrefixes.slice(0, i).map(other => other.block)];
    if (others.some(other => prefixCovers(other, block) || prefixCovers(block, other)))
      problem(['mobilePrefixes', i, 'block'], 'a prefix that overlaps no other');
    if (length < block.length)
      problem(['mobilePrefixes', i, 'length'], `at least the ${block.length} bits of its block`);
  }
  if (assign === 'prefix' && mobilePrefixes.length === 0) problem(['assign'], 'address, without mobilePrefixes');
  // A peer signals for others, so that what goes to it is told apart by its name.
  const names = peers.flatMap(({ name }) => name ?? []);
  for (const [i, { name }] of peers.entries())
    if (name !== undefined && names.indexOf(name) !== names.lastIndexOf(name))
      problem(['peers', i, 'name'], 'a name that no other peer has');
});
export type NetlmmLmaConfig = z.infer<typeof section>;

export const netlmmLma: Role<NetlmmLmaConfig> = {
  name: 'netlmm-lma',
  title: 'Local mobility anchor with the appendices of draft-singh',
  parse: input => c.parsed(section, input),
  create(config: NetlmmLmaConfig, environment: Environment) {
    const { homeLink, mobilePrefixes, ipv4Prefixes, assign } = config;
    const settings = {
      ...anchorSettings(config, 128, undefined),
      ...{ homeLink, mobilePrefixes, ipv4Prefixes, peersRegisterOthers: true },
      assignedLength: assign === 'prefix' ? mobilePrefixes[0].length : 128,
      offLinkPrefixes: [...mobilePrefixes.map(({ block }) => block), ...ipv4Prefixes],
    };
    return secured(createNetlmmLma(settings, environment), { ...config, peersRegisterOthers: true }, environment);
  },
};
