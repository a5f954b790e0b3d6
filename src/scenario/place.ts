import { ConfigError } from '../base/errors.js';
import type { Engine, Environment } from '../protocol/contract.js';
import { roles } from '../protocol/roles.js';
import { type NetworkDescription, type Placement, type Scheme, UnsuitableNetwork } from '../protocol/scheme.js';
import type { Scenario } from './model.js';

/** A role on a node, configured. */
export interface PlacedRole {
  readonly node: string;
  readonly role: string;
  /** As the scheme wrote it. */
  readonly config: Placement['config'];
  /** Whether it leaves the access links of its node to the node. */
  readonly routesAccessLinks: boolean;
  /** Whether it announces what is routed to its node. */
  readonly announces: boolean;
  readonly create: (environment: Environment) => Engine;
}

/** Where the scheme puts which roles. Throws ConfigError where a role refuses the configuration the scenario leads to. */
export function placeRoles(scheme: Scheme, network: NetworkDescription, scenario: Scenario): PlacedRole[] {
  const problem = (path: readonly string[], expected: string) =>
    new ConfigError({ file: scenario.file, line: scenario.lineOf?.(path), path: path.join('.') }, expected);
  return placements(scheme, network, problem).map(({ node, role: name, config }): PlacedRole => {
    const role = roles.find(candidate => candidate.name === name);
    if (!role) throw new Error(`scheme ${scheme.name} places an unknown role '${name}'`);
    const parsed = role.parse(config);
    const { routesAccessLinks = false, announces = false } = role;
    if (parsed.ok)
      return {
        node,
        role: name,
        config,
        routesAccessLinks,
        announces,
        create: made => role.create(parsed.config, made),
      };
    const [{ path, expected }] = parsed.problems;
    throw problem(['nodes', node], `what the ${name} role of ${scheme.name} takes: ${path.join('.')}: ${expected}`);
  });
}

function placements(
  scheme: Scheme,
  network: NetworkDescription,
  problem: (path: readonly string[], expected: string) => ConfigError,
): readonly Placement[] {
  try {
    return scheme.place(network);
  } catch (error) {
    if (!(error instanceof UnsuitableNetwork)) throw error;
    throw problem(['nodes'], `for scheme ${scheme.name}: ${error.message}`);
  }
}
