import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type mapOption, type Told, toldOf } from '../../../test/support/access-router.js';
import { ms, type Observed, observed, type Seen, sentOn } from '../../../test/support/network.js';
import { formatAddress, parseAddress } from '../../base/address.js';
import { linkLocalAddress } from '../../base/link-address.js';
import { below, seededRandom } from '../../base/random.js';
import type { Link, Node } from '../../sim/index.js';
import { accessRouter } from '../access-router-role.js';
import { placedProtection } from '../security/placement.js';

/** Routers by number, the wires between them, and which of them are MAPs. Every router has a cell. */
interface Wanted {
  readonly routers: number;
  readonly wires: readonly (readonly [number, number])[];
  readonly maps: readonly number[];
  readonly insecure?: boolean;
  readonly loss?: number;
  readonly seed?: number;
}

interface Domain extends Observed {
  readonly nodes: readonly Node[];
  readonly wires: readonly Link[];
  /** Between two routers, first to last. */
  readonly cells: readonly Seen[][];
  /** What the router said of MAPs last in its cell. */
  told(router: number): Told[];
  run(untilMs: number): void;
}

const intervalMs = { min: 900, max: 1000 };
const holdMs = 3000;

/** Every router hears all others on its wires and tells its cell, under ESP unless told not to. */
function domain({ routers, wires, maps, insecure = false, loss = 0, seed = 1 }: Wanted): Domain {
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
      routerLifetimeS: 0,
      ...(insecure ? { insecure } : { routers: [ofPeer(i)] }),
    }));
    const peers = near.flatMap(i => placedProtection('esp', linkLocalOf(node, i), [ofPeer(i)]).peers ?? []);
    const config = accessRouter.parse({
      address: addressOf(n),
      links: [...listening, { name: 'cell', intervalMs, minimumSpacingMs: 0 }],
      maps: maps.includes(n) ? [{ address: addressOf(n) }] : [],
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
    told: router => lastTold(cells[router]),
    run: untilMs => simulation.run(untilMs * ms),
  };
}

function linkLocalOf(node: Node, wire: number): string {
  return formatAddress(linkLocalAddress(node.interface(`wire${wire}`).linkAddress));
}

function addressOf(router: number): string {
  return `fd00:${(router + 1).toString(16)}::1`;
}

function lastTold(seen: readonly Seen[]): Told[] {
  return options(seen.at(-1));
}

function options(seen: Seen | undefined): Told[] {
  const { payload } = seen?.packet ?? {};
  if (payload?.kind !== 'icmpv6' || payload.message.kind !== 'routerAdvertisement') return [];
  return payload.message.options.flatMap(option =>
    option.kind === 'map' ? [toldOf(option as ReturnType<typeof mapOption>)] : [],
  );
}

/** Wires on the shortest way from each router to `to`; Infinity where there is none. */
function hops({ routers, wires }: Wanted, to: number): number[] {
  const far = new Array<number>(routers).fill(Number.POSITIVE_INFINITY);
  far[to] = 0;
  for (let round = 0; round < routers; round++)
    for (const [a, b] of wires) {
      far[a] = Math.min(far[a], far[b] + 1);
      far[b] = Math.min(far[b], far[a] + 1);
    }
  return far;
}

/** What each cell is to hear: each MAP in reach of the distance field, one farther with each router. */
function expected(wanted: Wanted, router: number, lifetimeS?: number): Told[] {
  return wanted.maps
    .map(map => [addressOf(map), hops(wanted, map)[router] + 1, 10, lifetimeS ?? 604_800] as const)
    .filter(([, distance]) => distance <= 15);
}

const sorted = (told: readonly Told[]) =>
  [...told].map(([map, distance, preference]) => `${map} ${distance} ${preference}`).sort();

/**
 *   r0 (MAP)   r1 (MAP)
 *     |          |
 *     r2 ------- r3      a ring of r2, r3, r4 with access routers r5 and r6 below it
 *       \       /
 *        r4 ---+--- r5
 *        |
 *        r6
 */
const tree: Wanted = {
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
  maps: [0, 1],
};

test('RFC 4140 §7.1.1, §7.1.2 [H4140-7.1.1-06, H4140-7.1.1-08, H4140-7.1.2-05, H4140-7-02]: options of two MAPs reach every cell of a domain with a ring, each with the shortest distance, under ESP', () => {
  const world = domain(tree);
  world.run(5000);
  for (let router = 0; router < tree.routers; router++)
    assert.deepEqual(sorted(world.told(router)), sorted(expected(tree, router)), `r${router}`);
  const clear = world.records.filter(
    ({ event }) =>
      event.event === 'message' &&
      event.link?.startsWith('wire') &&
      event.packet.payload.kind === 'icmpv6' &&
      event.packet.payload.message.kind === 'routerAdvertisement',
  );
  assert.equal(clear.length, 0, 'between routers nothing is told in the clear');
});

test('RFC 4140 §7.1.1 [H4140-7.1.1-08]: where a way is cut the next longer one takes its place, and the shorter one again', () => {
  const world = domain(tree);
  world.run(5000);
  const distance = (router: number) => world.told(router).find(([map]) => map === addressOf(0))?.[1];
  assert.equal(distance(5), 4);
  const [, , wire23] = world.wires;
  wire23.partition(5000 * ms, 30_000 * ms);
  world.run(20_000);
  assert.deepEqual([distance(3), distance(5)], [4, 5], 'round by r4');
  world.run(35_000);
  assert.deepEqual([distance(3), distance(5)], [3, 4]);
});

test('RFC 4140 §7.1.1, §10 [H4140-10-01, H4140-10-07]: a MAP that dies is told of with lifetime zero everywhere, then nowhere, though the routers are a ring', () => {
  const world = domain(tree);
  world.nodes[0].crash(5000 * ms);
  const dead = addressOf(0);
  world.run(30_000);
  for (const [router, seen] of world.cells.entries()) {
    if (router === 0) continue;
    const last = seen.filter(one => options(one).some(([map, , , lifetimeS]) => map === dead && lifetimeS > 0)).at(-1);
    const zero = seen.filter(one => options(one).some(([map, , , lifetimeS]) => map === dead && lifetimeS === 0));
    assert.ok((last?.at ?? 0) <= (5000 + holdMs + 100) * ms, `r${router} stopped in time`);
    assert.ok(zero.length >= 2, `r${router} said so`);
    assert.deepEqual(sorted(world.told(router)), sorted(expected({ ...tree, maps: [1] }, router)));
  }
  world.nodes[0].restart(30_000 * ms);
  world.run(35_000);
  for (let router = 0; router < tree.routers; router++)
    assert.deepEqual(sorted(world.told(router)), sorted(expected(tree, router)), `r${router}: it is back`);
});

test('RFC 4140 §7.1.1: in a chain the distance ends at 15, beyond which the MAP is not told of', () => {
  const routers = 18;
  const chain: Wanted = {
    routers,
    wires: Array.from({ length: routers - 1 }, (_, i) => [i, i + 1] as const),
    maps: [0],
  };
  const world = domain({ ...chain, insecure: true });
  world.run(5000);
  assert.deepEqual(
    Array.from({ length: routers }, (_, router) => world.told(router)[0]?.[1]),
    Array.from({ length: routers }, (_, router) => (router < 15 ? router + 1 : undefined)),
  );
});

test('RFC 4140 §7.1.1: any network of routers agrees on the shortest distances, and forgets a MAP that is gone', () => {
  for (let seed = 1; seed <= 12; seed++) {
    const wanted = randomNetwork(seed);
    const world = domain({ ...wanted, insecure: true, loss: seed % 2 === 0 ? 0.1 : 0, seed });
    world.run(30_000);
    for (let router = 0; router < wanted.routers; router++)
      assert.deepEqual(sorted(world.told(router)), sorted(expected(wanted, router)), `seed ${seed}: r${router}`);
    const [gone, ...left] = wanted.maps;
    world.nodes[gone].crash(30_000 * ms);
    world.run(90_000);
    for (let router = 0; router < wanted.routers; router++)
      if (router !== gone)
        assert.ok(!world.told(router).some(([map]) => map === addressOf(gone)), `seed ${seed}: r${router} forgot`);
    assert.equal(left.length, 1);
  }
});

function randomNetwork(seed: number): Wanted {
  const random = seededRandom(seed, 'discovery');
  const routers = 4 + below(random, 5);
  const wires: (readonly [number, number])[] = [];
  for (let router = 1; router < routers; router++) wires.push([below(random, router), router]);
  for (let extra = 0; extra < 3; extra++) {
    const [a, b] = [below(random, routers), below(random, routers)];
    if (a !== b && !wires.some(wire => wire.includes(a) && wire.includes(b))) wires.push([a, b]);
  }
  return { routers, wires, maps: [0, routers - 1] };
}
