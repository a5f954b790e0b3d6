import assert from 'node:assert/strict';
import { test } from 'node:test';
import { datagram, ms, observed, on, puppet, ScriptedEngine } from '../../test/support/network.js';
import { parseAddress, unspecified } from '../base/address.js';
import { parsePrefix } from '../base/prefix.js';
import { below, type Random, seededRandom } from '../base/random.js';
import type { Duration } from '../base/time.js';
import { type Node, Simulation } from './index.js';
import { RoutingTable } from './stack/routes.js';

const block = parsePrefix('2001:db8:b::/48');
const home = parseAddress('2001:db8:b::7');
const announce = { kind: 'announce', prefix: block } as const;
const unannounce = { kind: 'unannounce', prefix: block } as const;

/** west - 1 ms - a - 10 ms - b - 10 ms - c - 1 ms - east. */
function line() {
  const world = observed();
  const { simulation } = world;
  const host = (name: string) => simulation.addNode({ name, dadTransmits: 0 });
  const router = (name: string) => simulation.addNode({ name, forwarding: true });
  const [west, a, b, c, east] = [host('west'), router('a'), router('b'), router('c'), host('east')];
  wire(simulation, 1 * ms, west, a, 1);
  wire(simulation, 10 * ms, a, b, 2);
  wire(simulation, 10 * ms, b, c, 3);
  wire(simulation, 1 * ms, c, east, 4);
  simulation.computeRoutes();
  /** Nobody has a rule for the block: where its packets end they were routed to. */
  const caught = (...senders: Node[]) =>
    senders.map(sender => {
      sender.stack?.output(datagram(sender.primaryAddress() ?? unspecified, home));
      simulation.run(simulation.now + 100 * ms);
      return world.drops().at(-1);
    });
  return { ...world, nodes: { west, a, b, c, east }, caught };
}

function wire(simulation: Simulation, delay: Duration, left: Node, right: Node, number?: number): void {
  const name = `wire${simulation.links.size}`;
  const link = simulation.addLink({ name, kind: 'wire', delay });
  for (const [i, node] of [left, right].entries())
    node.attach(link, { name, ...(number && { addresses: [on(`fd00:${number}::${i + 1}/64`)] }) });
}

function at(node: string) {
  return { node, reason: 'no-route' };
}

test('draft-chan §4.2: a packet to any home address is caught by the one nearest to its sender of all that announce the prefix', () => {
  const { nodes, caught } = line();
  puppet(nodes.a)(announce);
  puppet(nodes.c)(announce);
  assert.deepEqual(caught(nodes.west, nodes.east), [at('a'), at('c')]);
});

test('packets go to the next nearest when one announces no more, and nowhere when nobody does', () => {
  const { nodes, caught } = line();
  const [a, c] = [puppet(nodes.a), puppet(nodes.c)];
  a(announce);
  c(announce);
  a(unannounce);
  assert.deepEqual(caught(nodes.west, nodes.east), [at('c'), at('c')]);
  c(unannounce);
  assert.deepEqual(caught(nodes.west, nodes.east), [at('west'), at('east')]);
});

test('of two that are equally near it is always the same, whoever announced first', () => {
  for (const order of ['ac', 'ca'] as const) {
    const { nodes, caught } = line();
    for (const name of order) puppet(nodes[name as 'a' | 'c'])(announce);
    // b is 10 ms away from both.
    assert.deepEqual(caught(nodes.b)[0], at('a'), order);
  }
});

test('a node that crashes announces nothing until its engine does so again', () => {
  const { simulation, nodes, caught } = line();
  puppet(nodes.c)(announce);
  const engine = () => new ScriptedEngine({}, () => [announce]);
  nodes.a.addEngine(engine);
  nodes.a.stack?.engines[0]?.handle({ kind: 'tick' });
  assert.deepEqual(caught(nodes.b), [at('a')]);
  nodes.a.crash(simulation.now);
  simulation.run(simulation.now);
  assert.deepEqual(caught(nodes.b), [at('c')]);
  nodes.a.restart(simulation.now);
  simulation.run(simulation.now);
  assert.deepEqual(caught(nodes.b, nodes.west), [at('c'), at('c')]);
  nodes.a.stack?.engines[0]?.handle({ kind: 'tick' });
  assert.deepEqual(caught(nodes.b, nodes.west), [at('a'), at('a')]);
});

test('who crashed while others began to announce finds the way to them when it is back', () => {
  const { simulation, nodes, caught } = line();
  nodes.b.crash(0);
  simulation.run(1 * ms);
  puppet(nodes.c)(announce);
  nodes.b.restart(simulation.now);
  assert.deepEqual(caught(nodes.west), [at('c')]);
});

test('what is originated for good and what is announced are one, also after all routes are computed anew', () => {
  const { simulation, nodes, caught } = line();
  nodes.c.originate(block);
  puppet(nodes.a)(announce);
  simulation.computeRoutes();
  assert.deepEqual(caught(nodes.west, nodes.east), [at('a'), at('c')]);
  nodes.a.crash(simulation.now);
  simulation.run(simulation.now);
  assert.deepEqual(caught(nodes.b), [at('c')]);
  nodes.c.crash(simulation.now);
  simulation.run(simulation.now);
  // Still routed to c.
  assert.deepEqual(caught(nodes.b), [{ node: 'c', reason: 'down' }]);
});

/** Routers on a tree with some wires more, at random delays, a few of them equal. */
function randomNetwork(random: Random, size: number) {
  const simulation = new Simulation({ seed: 1 });
  const nodes = Array.from({ length: size }, (_, i) => simulation.addNode({ name: `n${i}`, forwarding: true }));
  const pick = (bound: number) => nodes[below(random, bound)] as Node;
  const join = (a: Node, b: Node) => wire(simulation, (1 + below(random, 9)) * ms, a, b);
  for (const [i, node] of nodes.entries()) if (i > 0) join(node, pick(i));
  for (let i = 0; i < size / 3; i++) {
    const [a, b] = [pick(size), pick(size)];
    if (a !== b) join(a, b);
  }
  simulation.computeRoutes();
  return { simulation, nodes, pick };
}

/** Where packets for the block go next. */
function step(node: Node) {
  const path = node.stack?.routes.lookup(home, unspecified);
  return path?.kind === 'link' ? { nextHop: path.nextHop, link: path.ip.port.link } : undefined;
}

/** As packets go, to the node where they end. */
function walk(from: Node): { end: Node; delay: Duration } {
  let [end, delay] = [from, 0];
  for (let way = step(end); way?.link !== undefined; way = step(end)) {
    const { link, nextHop } = way;
    const there = link.ends.find(({ ip }) => ip?.linkLocal.address === nextHop);
    assert.ok(there, `${end.name} sends to nobody`);
    [end, delay] = [there.node, delay + link.delay];
  }
  return { end, delay };
}

function delays(simulation: Simulation, nodes: readonly Node[]): (from: Node, to: Node) => Duration {
  const known = nodes.map(from => nodes.map(to => simulation.pathDelay(from, to) as Duration));
  return (from, to) => known[from.number]?.[to.number] as Duration;
}

test('3 to 50 origins that come and go at random: from every node the way is the shortest of those to any of them', () => {
  const random = seededRandom(6);
  for (const count of [3, 8, 20, 50]) {
    const { simulation, nodes, pick } = randomNetwork(random, count + 10);
    const between = delays(simulation, nodes);
    const origins = new Set<Node>();
    const toggle = (node: Node) => {
      const announces = !origins.delete(node);
      if (announces) origins.add(node);
      if (announces) simulation.announce(node, block);
      else simulation.unannounce(node, block);
    };
    for (const node of nodes.slice(-count)) toggle(node);
    for (let round = 0; round < 10; round++) {
      toggle(pick(nodes.length));
      for (const node of nodes) {
        const { end, delay } = walk(node);
        assert.ok(origins.has(end));
        assert.equal(delay, Math.min(...[...origins].map(origin => between(node, origin))));
      }
    }
  }
});

test('routes do not show how they came about: computed anew after announcements, withdrawals and crashes they are the same', () => {
  const random = seededRandom(7);
  for (let round = 0; round < 40; round++) {
    const { simulation, nodes, pick } = randomNetwork(random, 4 + below(random, 20));
    for (let change = 0; change < 20; change++) {
      const node = pick(nodes.length);
      const what = below(random, 8);
      if (what === 0) node.crash(simulation.now);
      else if (what === 1) node.restart(simulation.now);
      else if (what < 4) simulation.unannounce(node, block);
      else if (node.stack !== undefined) simulation.announce(node, block);
      simulation.run(simulation.now);
    }
    const before = nodes.map(step);
    simulation.computeRoutes();
    assert.deepEqual(nodes.map(step), before);
  }
});

test('50 anchors among 1,000 gateways announce 100 prefixes: only nodes that get a nearer one are touched', () => {
  const simulation = new Simulation({ seed: 1 });
  const random = seededRandom(8);
  const router = (name: string) => simulation.addNode({ name, forwarding: true });
  const anchors = Array.from({ length: 50 }, (_, i) => router(`anchor${i}`));
  const join = (a: Node, b: Node) => wire(simulation, (1 + below(random, 30)) * ms, a, b);
  for (const [i, anchor] of anchors.entries()) if (i > 0) join(anchor, anchors[below(random, i)] as Node);
  for (let i = 0; i < 1000; i++) join(router(`gateway${i}`), anchors[i % 50] as Node);
  simulation.computeRoutes();
  const prefixes = Array.from({ length: 100 }, (_, i) => parsePrefix(`2001:db8:b${(i + 16).toString(16)}::/48`));
  let changes = 0;
  const { setRoute, deleteRoute } = RoutingTable.prototype;
  RoutingTable.prototype.setRoute = function (prefix, path) {
    changes++;
    setRoute.call(this, prefix, path);
  };
  RoutingTable.prototype.deleteRoute = function (prefix) {
    changes++;
    deleteRoute.call(this, prefix);
  };
  try {
    for (const anchor of anchors) for (const prefix of prefixes) simulation.announce(anchor, prefix);
  } finally {
    Object.assign(RoutingTable.prototype, { setRoute, deleteRoute });
  }
  // The nearest of 50 that come in any order changes 4.5 times on average, 1 + 1/2 + … + 1/50; all anew would be 50 times.
  assert.ok(changes < 6 * prefixes.length * simulation.nodes.size, `${changes} changes`);
});
