import assert from 'node:assert/strict';
import { formatAddress, parseAddress } from '../../src/base/address.js';
import { linkLocalAddress } from '../../src/base/link-address.js';
import { below, seededRandom } from '../../src/base/random.js';
import { accessRouter } from '../../src/protocol/access-router-role.js';
import { placedProtection } from '../../src/protocol/security/placement.js';
import type { Link, Node } from '../../src/sim/index.js';
import type { RouterAdvertisement } from '../../src/wire/icmpv6/messages.js';
import { ms, type Observed, observed, type Seen, sentOn } from './network.js';

/** Routers by number, the wires between them, and which of them tell of themselves as MAPs or agents. Every router has a cell. */
export interface Wanted {
  readonly routers: number;
  readonly wires: readonly (readonly [number, number])[];
  readonly maps?: readonly number[];
  readonly agents?: readonly number[];
  readonly insecure?: boolean;
  readonly loss?: number;
  readonly seed?: number;
}

export interface Domain extends Observed {
  readonly nodes: readonly Node[];
  readonly wires: readonly Link[];
  /** Between two routers, first to last. */
  readonly cells: readonly Seen[][];
  /** What the router said last in its cell. */
  last(router: number): RouterAdvertisement | undefined;
  run(untilMs: number): void;
}

export const intervalMs = { min: 900, max: 1000 };
export const holdMs = 3000;

/** Every router hears all others on its wires and tells its cell, under ESP unless told not to. */
export function domain({
  routers,
  wires,
  maps = [],
  agents = [],
  insecure = false,
  loss = 0,
  seed = 1,
}: Wanted): Domain {
  const world = observed(seed);
  const { simulation } = world;
  const nodes = Array.from({ length: routers }, (_, n) =>
    simulation.addNode({ name: `r${n}`, forwarding: true, addresses: [parseAddress(addressOf(n))] }),
  );
  const links = wires.map(([a, b], i) => {
    const link = simulation.addLink({ name: `wire${i}`, kind: 'wire', delay: 2 * ms, loss });
    for (const end of [a, b]) nodes[end].attach(link, { name: `wire${i}`, autoconfigure: false });
    return link;
  });
  const cells = nodes.map((node, n) => {
    const cell = simulation.addLink({ name: `cell${n}`, kind: 'access', delay: 1 * ms });
    node.attach(cell, { name: 'cell', autoconfigure: false });
    return sentOn(cell);
  });
  nodes.forEach((node, n) => {
    const near = wires.flatMap((wire, i) => (wire.includes(n) ? [i] : []));
    const ofPeer = (i: number) => linkLocalOf(nodes[wires[i][0] === n ? wires[i][1] : wires[i][0]], i);
    const listening = near.map(i => ({
      name: `wire${i}`,
      intervalMs,
      minimumSpacingMs: 0,
      discoverMaps: true,
      discoverAgents: true,
      agentHoldMs: holdMs,
      routerLifetimeS: 0,
      ...(insecure ? { insecure } : { routers: [ofPeer(i)] }),
    }));
    const peers = near.flatMap(i => placedProtection('esp', linkLocalOf(node, i), [ofPeer(i)]).peers ?? []);
    const config = accessRouter.parse({
      address: addressOf(n),
      links: [...listening, { name: 'cell', intervalMs, minimumSpacingMs: 0 }],
      maps: maps.includes(n) ? [{ address: addressOf(n) }] : [],
      agents: agents.includes(n) ? [{ chain: [{ address: addressOf(n) }] }] : [],
      failureDetection: { intervalMs: 1000, retryIntervalMs: 500, retries: 3, enabled: false },
      ...(!insecure && { peers }),
    });
    assert.ok(config.ok, JSON.stringify(config));
    node.addEngine(environment => accessRouter.create(config.config, environment));
  });
  simulation.computeRoutes();
  return {
    ...world,
    nodes,
    wires: links,
    cells,
    last: router => advertisementIn(cells[router].at(-1)),
    run: untilMs => simulation.run(untilMs * ms),
  };
}

function linkLocalOf(node: Node, wire: number): string {
  return formatAddress(linkLocalAddress(node.interface(`wire${wire}`).linkAddress));
}

export function addressOf(router: number): string {
  return `fd00:${(router + 1).toString(16)}::1`;
}

export function advertisementIn(seen: Seen | undefined): RouterAdvertisement | undefined {
  const { payload } = seen?.packet ?? {};
  return payload?.kind === 'icmpv6' && payload.message.kind === 'routerAdvertisement' ? payload.message : undefined;
}

/**
 *   r0         r1
 *     |          |
 *     r2 ------- r3      a ring of r2, r3, r4 with access routers r5 and r6 below it
 *       \       /
 *        r4 ---+--- r5
 *        |
 *        r6
 */
export const tree: Wanted = {
  routers: 7,
  wires: [
    [0, 2],
    [1, 3],
    [2, 3],
    [3, 4],
    [2, 4],
    [4, 6],
    [3, 5],
  ],
};

export function randomNetwork(seed: number): Wanted {
  const random = seededRandom(seed, 'discovery');
  const routers = 4 + below(random, 5);
  const wires: (readonly [number, number])[] = [];
  for (let router = 1; router < routers; router++) wires.push([below(random, router), router]);
  for (let extra = 0; extra < 3; extra++) {
    const [a, b] = [below(random, routers), below(random, routers)];
    if (a !== b && !wires.some(wire => wire.includes(a) && wire.includes(b))) wires.push([a, b]);
  }
  return { routers, wires };
}
