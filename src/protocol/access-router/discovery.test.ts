import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type mapOption, type Told, toldOf } from '../../../test/support/access-router.js';
import { ms, type Seen } from '../../../test/support/network.js';
import {
  addressOf,
  advertisementIn,
  type Domain,
  domain,
  holdMs,
  randomNetwork,
  tree as routers,
  type Wanted,
} from '../../../test/support/router-domain.js';

/** Routers that are MAPs: the first two of the tree. */
const tree = { ...routers, maps: [0, 1] };

function options(seen: Seen | undefined): Told[] {
  return mapsIn(advertisementIn(seen)?.options ?? []);
}

/** What the router said of MAPs last in its cell. */
function toldBy(world: Domain, router: number): Told[] {
  return mapsIn(world.last(router)?.options ?? []);
}

function mapsIn(options: readonly { readonly kind: string }[]): Told[] {
  return options.flatMap(option => (option.kind === 'map' ? [toldOf(option as ReturnType<typeof mapOption>)] : []));
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
function expected(wanted: Wanted & { readonly maps: readonly number[] }, router: number, lifetimeS?: number): Told[] {
  return wanted.maps
    .map(map => [addressOf(map), hops(wanted, map)[router] + 1, 10, lifetimeS ?? 604_800] as const)
    .filter(([, distance]) => distance <= 15);
}

const sorted = (told: readonly Told[]) =>
  [...told].map(([map, distance, preference]) => `${map} ${distance} ${preference}`).sort();

test('RFC 4140 §7.1.1, §7.1.2 [H4140-7.1.1-06, H4140-7.1.1-08, H4140-7.1.2-05, H4140-7-02]: options of two MAPs reach every cell of a domain with a ring, each with the shortest distance, under ESP', () => {
  const world = domain(tree);
  world.run(5000);
  for (let router = 0; router < tree.routers; router++)
    assert.deepEqual(sorted(toldBy(world, router)), sorted(expected(tree, router)), `r${router}`);
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
  const distance = (router: number) => toldBy(world, router).find(([map]) => map === addressOf(0))?.[1];
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
    assert.deepEqual(sorted(toldBy(world, router)), sorted(expected({ ...tree, maps: [1] }, router)));
  }
  world.nodes[0].restart(30_000 * ms);
  world.run(35_000);
  for (let router = 0; router < tree.routers; router++)
    assert.deepEqual(sorted(toldBy(world, router)), sorted(expected(tree, router)), `r${router}: it is back`);
});

test('RFC 4140 §7.1.1: in a chain the distance ends at 15, beyond which the MAP is not told of', () => {
  const routers = 18;
  const chain = {
    routers,
    wires: Array.from({ length: routers - 1 }, (_, i) => [i, i + 1] as const),
    maps: [0],
  };
  const world = domain({ ...chain, insecure: true });
  world.run(5000);
  assert.deepEqual(
    Array.from({ length: routers }, (_, router) => toldBy(world, router)[0]?.[1]),
    Array.from({ length: routers }, (_, router) => (router < 15 ? router + 1 : undefined)),
  );
});

test('RFC 4140 §7.1.1: any network of routers agrees on the shortest distances, and forgets a MAP that is gone', () => {
  for (let seed = 1; seed <= 12; seed++) {
    const network = randomNetwork(seed);
    const wanted = { ...network, maps: [0, network.routers - 1] };
    const world = domain({ ...wanted, insecure: true, loss: seed % 2 === 0 ? 0.1 : 0, seed });
    world.run(30_000);
    for (let router = 0; router < wanted.routers; router++)
      assert.deepEqual(sorted(toldBy(world, router)), sorted(expected(wanted, router)), `seed ${seed}: r${router}`);
    const [gone, ...left] = wanted.maps;
    world.nodes[gone].crash(30_000 * ms);
    world.run(90_000);
    for (let router = 0; router < wanted.routers; router++)
      if (router !== gone)
        assert.ok(!toldBy(world, router).some(([map]) => map === addressOf(gone)), `seed ${seed}: r${router} forgot`);
    assert.equal(left.length, 1);
  }
});
