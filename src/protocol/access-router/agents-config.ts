import { z } from 'zod';
import { type Address, isIpv4Mapped } from '../../base/address.js';
import * as c from '../config.js';
import type { ConfigProblem } from '../scheme.js';

/** A local mobility agent as packets reach it. */
const agent = z.strictObject({
  /** Its care-of address. */
  address: c.unicastAddress.refine(address => !isIpv4Mapped(address), {
    error: 'an IPv6 address; the one of IPv4 stands in ipv4Address',
  }),
  /** Where IPv4 tunnels to it end; told behind the address it belongs to. */
  ipv4Address: c.ipv4Address.optional(),
});

type Agent = z.infer<typeof agent>;

/** One option of local mobility agents (draft-dommety §2.2.1), with its anchoring option (§4.2) behind it. */
export const announcedAgents = z
  .strictObject({
    /** The lowest first, then those above it (draft-dommety §4.1). */
    chain: z
      .array(agent)
      .min(1, 'an agent')
      .max(7, 'no more than seven agents')
      .transform(chain => chain as [Agent, ...Agent[]]),
    /** C clear: the lowest is this node, and mobiles need no care-of address of their own on the link (draft-dommety §2.2.1). */
    linkConnected: c.flag.default(false),
    /** The longest it accepts in a Binding Update. */
    lifetimeS: c.integer(1, 0xffff, 'seconds').default(3600),
    /** L. Default: whether any of them has an ipv4Address. */
    ipv4Tunnel: c.flag.optional(),
    /** Of local anchoring (draft-dommety §4.2). */
    zone: c.integer(0, 0xffff_ffff).optional(),
    /** The agents that the node hears of in the option of another stand above the chain, in its order (draft-dommety §4.1). */
    upperHeard: c.flag.default(false),
    /** Links whose advertisements have it. Default: all with sendAgents. */
    links: z.array(c.name).optional(),
  })
  .superRefine(({ chain, ipv4Tunnel }, context) => {
    const addresses = chain.map(({ address }) => address);
    for (const [i, address] of addresses.entries())
      if (addresses.indexOf(address) < i)
        context.addIssue({ code: 'custom', path: ['chain', i, 'address'], message: 'each agent once' });
    if (ipv4Tunnel && chain.every(({ ipv4Address }) => ipv4Address === undefined))
      context.addIssue({ code: 'custom', path: ['ipv4Tunnel'], message: 'false, or an ipv4Address in the chain' });
  });
export type AnnouncedAgents = z.infer<typeof announcedAgents>;

/** What is wrong with one beside the links, at the node with that agent (if any). */
export function agentProblems(
  { chain, linkConnected, links = [] }: AnnouncedAgents,
  names: ReadonlySet<string>,
  agent: Address | undefined,
): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  if (linkConnected && chain[0].address !== agent)
    problems.push({
      path: ['linkConnected'],
      expected: agent ? "false, or the agent's own address first in the chain" : 'false: this node is no agent',
    });
  for (const [j, name] of links.entries())
    if (!names.has(name))
      problems.push({ path: ['links', j], expected: `the name of one of the links, not '${name}'` });
  return problems;
}
