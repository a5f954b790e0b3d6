import { z } from 'zod';
import { anchorKeys, anchorSection, anchorSettings } from '../anchor/config.js';
import * as c from '../config.js';
import type { Environment } from '../contract.js';
import type { Role } from '../scheme.js';
import { secured } from '../security/secured.js';
import { createHomeAgent } from './home-agent.js';

/** draft-dommety §3.3; absent: the home agent of RFC 6275 and no more. */
const localMobilityAgents = z.strictObject({
  /** Where tunnels through IPv4 end; without it there are none. */
  ipv4Address: c.ipv4Address.optional(),
  /** Whether there is a tunnel through IPv4 where a mobile asks for one. */
  tunnel: c.choice(['asRequested', 'ipv6']).default('asRequested'),
});

const section = anchorSection(
  z.strictObject({
    ...anchorKeys,
    proxyRegistration: c.flag.default(false),
    /** The link its prefixes are on; without one they are on no link, and mobiles are never at home. */
    homeLink: c.name.optional(),
    /** Among the home agents of its prefixes (RFC 6275 §7.4), and those that it is told of here and not by their advertisements. */
    preference: c.integer(0, 65_535).default(0),
    homeAgents: z
      .array(z.strictObject({ address: c.unicastAddress, preference: c.integer(0, 65_535).default(0) }))
      .default([]),
    /** Answers to whoever asks for home agents, prefixes, or by mistake. */
    answersPerSecond: c.number(1, 1_000_000, 'messages a second').default(100),
    /** Of its prefixes, as mobiles are told. */
    validLifetimeS: c.integer(4, 0xffff_ffff, 'seconds').default(2_592_000),
    preferredLifetimeS: c.integer(4, 0xffff_ffff, 'seconds').default(604_800),
    localMobilityAgents: localMobilityAgents.optional(),
  }),
);
export type HomeAgentConfig = z.infer<typeof section>;

export const homeAgent: Role<HomeAgentConfig> = {
  name: 'ha',
  title: 'Home agent (RFC 6275)',
  parse: input => c.parsed(section, input),
  create(config: HomeAgentConfig, environment: Environment) {
    const { proxyRegistration, homeLink, preference, answersPerSecond, validLifetimeS, preferredLifetimeS } = config;
    const homeAgents = config.homeAgents.map(({ address, preference }) => ({ addresses: [address], preference }));
    const agents = config.localMobilityAgents;
    const settings = {
      ...anchorSettings(config, 128, undefined),
      ...{ proxyRegistration, homeLink, preference, homeAgents, answersPerSecond, validLifetimeS, preferredLifetimeS },
      localMobilityAgents: agents !== undefined,
      ipv4Address: agents?.tunnel === 'asRequested' ? agents.ipv4Address : undefined,
      // RFC 6275 §10.6.4.
      maximumLifetimeS: Math.min(config.maximumLifetimeS, validLifetimeS),
    };
    const protection = { ...config, answersThroughAgents: agents !== undefined };
    return secured(createHomeAgent(settings, environment), protection, environment);
  },
};
