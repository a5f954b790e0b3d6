import { z } from 'zod';
import { type KeysSection, keysSection } from './aaa/config.js';
import { keyed } from './aaa/keyed.js';
import * as c from './config.js';
import type { Environment } from './contract.js';
import { type HomeAgentConfig, homeAgent as plainHomeAgent } from './mip6/home-agent-role.js';
import type { ConfigProblem, Parsed, Role } from './scheme.js';
import { type Peer, peer } from './security/config.js';

const protectedPeers = z.array(peer.required({ security: true })).default([]);

/** What the role is told: the home agent's own, and where it has keys from. */
export interface KeyedHomeAgentConfig extends HomeAgentConfig {
  /** Present: associations are made of keys that an AAA server delivers (draft-singh §2, Appendix C), beside those of `keyedPeers`. */
  readonly keys?: KeysSection;
  readonly keyedPeers?: readonly Peer[];
}

/** The home agent, not a line of it changed, with its associations made of delivered keys where there is an `keys` section. */
export const homeAgent: Role<KeyedHomeAgentConfig> = {
  ...plainHomeAgent,
  parse: input => (isSection(input) && input.keys !== undefined ? parseKeyed(input) : plainHomeAgent.parse(input)),
  create(config: KeyedHomeAgentConfig, environment: Environment) {
    const engine = plainHomeAgent.create(config, environment);
    if (!config.keys) return engine;
    const settings = { address: config.address, end: 'anchor', section: config.keys } as const;
    const protection = { peers: config.keyedPeers ?? [], insecure: false, address: config.address };
    return keyed(engine, protection, settings, environment);
  },
};

/** The home agent itself is left without protection, since all of it comes from around it. */
function parseKeyed({ keys, peers, insecure, ...others }: Record<string, unknown>): Parsed<KeyedHomeAgentConfig> {
  const section = c.parsed(keysSection, keys);
  const keyedPeers = c.parsed(protectedPeers, peers);
  const own = plainHomeAgent.parse({ ...others, insecure: true });
  const problems: ConfigProblem[] = insecure ? [{ path: ['insecure'], expected: 'nothing, beside `keys`' }] : [];
  problems.push(...below('keys', section), ...below('peers', keyedPeers), ...(own.ok ? [] : own.problems));
  if (problems.length > 0 || !section.ok || !keyedPeers.ok || !own.ok) return { ok: false, problems };
  return { ok: true, config: { ...own.config, keys: section.config, keyedPeers: keyedPeers.config } };
}

function below(key: string, result: Parsed<unknown>): ConfigProblem[] {
  return result.ok ? [] : result.problems.map(({ path, expected }) => ({ path: [key, ...path], expected }));
}

function isSection(input: unknown): input is Record<string, unknown> {
  return typeof input === 'object' && input !== null && !Array.isArray(input);
}
