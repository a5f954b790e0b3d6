import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ms } from '../../../test/support/network.js';
import {
  addressOf,
  advertisementIn,
  type Domain,
  domain,
  holdMs,
  randomNetwork,
  tree,
  type Wanted,
} from '../../../test/support/router-domain.js';
import { formatAddress } from '../../base/address.js';
import { type AgentsTold, agentsTold } from '../../wire/icmpv6/agents.js';

/** What the router said of agents last in its cell, by the agent. */
function toldBy(world: Domain, router: number): Map<string, AgentsTold> {
  const told = agentsTold(world.last(router)?.options ?? []);
  return new Map(told.map(one => [formatAddress(one.chain[0].address), one]));
}

function all(routers: number): number[] {
  return Array.from({ length: routers }, (_, router) => router);
}

/** Routers with a way to `to` that `gone` is not on. */
function reachableWithout(gone: number, to: number, wires: Wanted['wires']): Set<number> {
  const reached = new Set([to]);
  for (const _ of wires)
    for (const [a, b] of wires)
      if (a !== gone && b !== gone && (reached.has(a) || reached.has(b))) reached.add(a).add(b);
  return reached;
}

test('D02-2.1-Opt4-01: two agents reach every cell of a domain with a ring, their numbers go on there, and nothing of it is told in the clear', () => {
  const world = domain({ ...tree, agents: [0, 1] });
  world.run(10_000);
  for (const router of all(tree.routers)) {
    const told = toldBy(world, router);
    assert.deepEqual([...told.keys()].sort(), [addressOf(0), addressOf(1)].sort(), `r${router}`);
    for (const { ownCareOfAddressNeeded, sequence } of told.values())
      assert.ok(ownCareOfAddressNeeded && sequence > 10 && sequence < 40, `r${router}: ${sequence}`);
  }
  const clear = world.records.filter(
    ({ event }) =>
      event.event === 'message' &&
      event.link?.startsWith('wire') &&
      event.packet.payload.kind === 'icmpv6' &&
      event.packet.payload.message.kind === 'routerAdvertisement',
  );
  assert.equal(clear.length, 0);
});

test('D02-2.1-Opt4-01: a restart of an agent is seen in every cell by its number', () => {
  const world = domain({ ...tree, agents: [0] });
  world.nodes[0].crash(20_000 * ms);
  world.nodes[0].restart(21_000 * ms);
  world.run(40_000);
  for (const [router, seen] of world.cells.entries()) {
    if (router === 0) continue;
    const numbers = seen.flatMap(one =>
      agentsTold(advertisementIn(one)?.options ?? []).map(({ sequence }) => ({ sequence, at: one.at })),
    );
    const falls = numbers.filter(({ sequence }, i) => i > 0 && sequence < (numbers[i - 1]?.sequence ?? 0));
    assert.equal(falls.length, 1, `r${router}`);
    assert.ok((falls[0]?.at ?? 0) > 21_000 * ms && (falls[0]?.at ?? 0) < 24_000 * ms, `r${router}`);
  }
});

test('D02-2.1-Opt4-01: any network of routers hears of agents, forgets soon one that is gone, and hears of it again', () => {
  for (let seed = 1; seed <= 24; seed++) {
    const network = randomNetwork(seed);
    const { routers } = network;
    const agents = [0, routers - 1];
    const world = domain({ ...network, agents, insecure: true, loss: seed % 2 === 0 ? 0.1 : 0, seed });
    const heard = (router: number) => [...toldBy(world, router).keys()].sort();
    world.run(30_000);
    for (const router of all(routers))
      assert.deepEqual(heard(router), agents.map(addressOf).sort(), `seed ${seed}: r${router}`);
    world.nodes[0].crash(30_000 * ms);
    // The last in a row of all of them hears of it as many times the hold later.
    world.run(30_000 + routers * holdMs + 2000);
    const reached = reachableWithout(0, routers - 1, network.wires);
    for (const router of all(routers).slice(1)) {
      const expected = reached.has(router) ? [addressOf(routers - 1)] : [];
      assert.deepEqual(heard(router), expected, `seed ${seed}: r${router} forgot`);
    }
    world.nodes[0].restart(80_000 * ms);
    world.run(100_000);
    for (const router of all(routers))
      assert.deepEqual(heard(router), agents.map(addressOf).sort(), `seed ${seed}: r${router}, again`);
  }
});
