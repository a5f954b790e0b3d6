import { z } from 'zod';
import type { Address } from '../base/address.js';
import { type KeysSection, keysSection } from './aaa/config.js';
import { keyed } from './aaa/keyed.js';
import * as c from './config.js';
import type { Engine, Environment, Input } from './contract.js';
import { homeAgent as plainHomeAgent } from './mip6/home-agent-role.js';
import { netlmmLma as plainNetlmmLma } from './netlmm/lma-role.js';
import { overIpv4 } from './over-ipv4.js';
import type { ConfigProblem, Parsed, Role } from './scheme.js';
import { type Peer, peer } from './security/config.js';

const protectedPeers = z.array(peer.required({ security: true })).default([]);

/** What an anchor is told beside its own: where it has keys from. */
interface Keys {
  /** Present: associations are made of keys that an AAA server delivers (draft-singh §2, Appendix C), beside those of `keyedPeers`. */
  readonly keys?: KeysSection;
  readonly keyedPeers?: readonly Peer[];
}

const keyedHomeAgent = keyedAnchor(plainHomeAgent);
/** A home agent, reached over IPv4 too where it has an address for that (draft-dommety §3.3). */
export const homeAgent: typeof keyedHomeAgent = {
  ...keyedHomeAgent,
  create(config, environment) {
    const { address, localMobilityAgents } = config;
    return overIpv4(keyedHomeAgent.create(config, environment), { address, ...localMobilityAgents });
  },
};
export const netlmmLma = keyedAnchor(plainNetlmmLma);

/** An anchor, not a line of it changed, with its associations made of delivered keys where there is a `keys` section. */
function keyedAnchor<C extends { readonly address: Address }>(anchor: Role<C>): Role<C & Keys> {
  return {
    ...anchor,
    parse: input => (isSection(input) && input.keys !== undefined ? parseKeyed(anchor, input) : anchor.parse(input)),
    create(config: C & Keys, environment: Environment) {
      const engine = anchor.create(config, environment);
      const { address, keys, keyedPeers = [] } = config;
      if (!keys) return engine;
      const protection = { peers: keyedPeers, insecure: false, address };
      return keyed(unaware(engine), protection, { address, end: 'anchor', section: keys }, environment);
    },
  };
}

/** The anchor knows no associations by their names: what comes to it has been judged, and is from whoever sent it. */
function unaware(engine: Engine): Engine {
  const { interests, views } = engine;
  return {
    ...{ interests, views },
    get deadline() {
      return engine.deadline;
    },
    get counters() {
      return engine.counters;
    },
    handle: (input, now) => engine.handle(input.kind === 'packet' ? withoutAssociation(input) : input, now),
  };
}

function withoutAssociation({ association: _, ...input }: Extract<Input, { kind: 'packet' }>): Input {
  return input;
}

/** The anchor itself is left without protection, since all of it comes from around it. */
function parseKeyed<C extends object>(
  anchor: Role<C>,
  { keys, peers, insecure, ...others }: Readonly<Record<string, unknown>>,
): Parsed<C & Keys> {
  const section = c.parsed(keysSection, keys);
  const keyedPeers = c.parsed(protectedPeers, peers);
  const own = anchor.parse({ ...others, insecure: true });
  const problems: ConfigProblem[] = insecure ? [{ path: ['insecure'], expected: 'nothing, beside `keys`' }] : [];
  // What is nested in an acknowledgement goes out under configured keys alone.
  if (others.localMobilityAgents !== undefined)
    problems.push({ path: ['localMobilityAgents'], expected: 'nothing, beside `keys`' });
  problems.push(...below('keys', section), ...below('peers', keyedPeers), ...(own.ok ? [] : own.problems));
  if (problems.length > 0 || !section.ok || !keyedPeers.ok || !own.ok) return { ok: false, problems };
  return { ok: true, config: { ...own.config, keys: section.config, keyedPeers: keyedPeers.config } };
}

function below(key: string, result: Parsed<unknown>): ConfigProblem[] {
  return result.ok ? [] : result.problems.map(({ path, expected }) => ({ path: [key, ...path], expected }));
}

function isSection(input: unknown): input is Readonly<Record<string, unknown>> {
  return typeof input === 'object' && input !== null && !Array.isArray(input);
}
