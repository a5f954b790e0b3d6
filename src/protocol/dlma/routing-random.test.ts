import assert from 'node:assert/strict';
import { test } from 'node:test';
import { domain, gateway, home, host, lma, location, Rules } from '../../../test/support/mobility-routing.js';
import type { Address } from '../../base/address.js';
import { type Prefix, prefixContains, prefixKey } from '../../base/prefix.js';
import { below, type Random, seededRandom } from '../../base/random.js';
import { type Instant, milliseconds, seconds, wallClockFrom } from '../../base/time.js';
import type { Output } from '../contract.js';
import type { AnchoredMobile } from './anchored.js';
import type { Message } from './messages.js';
import { Routing } from './routing.js';

const anchors = [1, 2, 3, 4].map(lma);
const mobile = home(2);
const destination = host(2);
const homeAnchor = lma(2);

interface Watch {
  readonly to: Prefix;
  readonly againAfter: number;
  readonly seen: Map<string, Instant>;
}

/** An LMA's mobility routing with a world of its own: rules, watches, and who is anchored. */
class Node {
  readonly routing: Routing;
  anchored: AnchoredMobile | undefined;
  expectedMs = 0;
  overtakenMs = 0;
  readonly rules = new Rules();
  readonly watches = new Map<string, Watch>();

  constructor(address: Address, tell: (to: Address, message: Message) => void) {
    let sequence = 0;
    const post = {
      ...{ tell, ask: tell, sequence: () => ++sequence },
      isAnchor: (one: Address) => domain.anchors.includes(one),
    };
    const settings = { homeLength: 64, idle: seconds(20), maximumEntries: 8, previous: seconds(4), query: false };
    const privacy = { tellsAnchors: false, tellsGateways: false };
    const anchored = { find: (prefix: Prefix) => (prefix.address === mobile.address ? this.anchored : undefined) };
    const environment = { random: seededRandom(1), clock: wallClockFrom(0) };
    this.routing = new Routing({ ...settings, address, domain, privacy }, post, anchored, environment);
  }

  perform(outputs: readonly Output[]): void {
    this.rules.follow(outputs);
    for (const output of outputs)
      if (output.kind === 'watch')
        this.watches.set(prefixKey(output.to), { to: output.to, againAfter: output.againAfter ?? 0, seen: new Map() });
      else if (output.kind === 'unwatch') this.watches.delete(prefixKey(output.to));
  }

  /** Whether it is told of such a packet. */
  reports(from: Address | undefined, now: Instant): boolean {
    const fitting = [...this.watches.values()].filter(({ to }) => prefixContains(to, destination));
    const [watch] = fitting.sort((a, b) => b.to.length - a.to.length);
    const last = watch?.seen.get(from ?? '');
    if (!watch || (last !== undefined && now < last + watch.againAfter)) return false;
    watch.seen.set(from ?? '', now);
    return true;
  }
}

/** Four LMAs, one mobile that moves between them, and packets to it; what LMAs say takes its time, or is lost. */
class World {
  now: Instant = 0;
  readonly random: Random;
  readonly nodes = new Map<Address, Node>();
  readonly #events: { at: Instant; act: () => void }[] = [];
  #record: { anchor: Address; timestampMs: number } | undefined;
  loss = 0;

  constructor(seed: number) {
    this.random = seededRandom(seed);
    for (const address of anchors) {
      const node = new Node(address, (to, message) => this.#tell(address, to, message));
      this.nodes.set(address, node);
      this.#turn(node, turn => node.routing.start(turn));
    }
  }

  at(delay: number, act: () => void): void {
    this.#events.push({ at: this.now + delay, act });
  }

  run(until: Instant): void {
    for (;;) {
      const due = [...this.nodes.values()].map(({ routing }) => routing.deadline ?? Number.POSITIVE_INFINITY);
      const next = Math.min(...due, ...this.#events.map(({ at }) => at));
      if (next > until) break;
      this.now = Math.max(this.now, next);
      for (const node of this.nodes.values())
        if ((node.routing.deadline ?? Number.POSITIVE_INFINITY) <= this.now)
          this.#turn(node, turn => node.routing.tick(turn));
      const ready = this.#events.filter(({ at }) => at <= this.now);
      for (const event of ready) {
        this.#events.splice(this.#events.indexOf(event), 1);
        event.act();
      }
    }
    this.now = until;
  }

  /** It comes to that LMA: which asks location management, is its anchor from then on, and tells the one before. */
  move(to: Address): void {
    const timestampMs = 1000 + Math.floor(this.now / 1e6);
    const node = this.#node(to);
    node.expectedMs = timestampMs;
    this.#turn(node, turn => node.routing.expected('mn', [], timestampMs, turn));
    this.at(this.#delay(), () => {
      const before = this.#record;
      if (before && before.timestampMs >= timestampMs) return;
      this.#record = { anchor: to, timestampMs };
      const told = location({ answered: true, homes: [mobile], timestampMs, to: { kind: 'anchor', address: to } });
      this.#say(homeAnchor, homeAnchor, told);
      this.at(this.#delay(), () => this.#arrive(to, timestampMs, before?.anchor));
    });
  }

  /** Every LMA that the packet passes. */
  send(from: Address): { path: Address[]; arrived: boolean } {
    const path = [from];
    let previous: Address | undefined;
    for (;;) {
      const at = path[path.length - 1];
      const node = this.#node(at);
      const via = previous && { local: at, remote: previous };
      if (node.reports(previous, this.now))
        this.#turn(node, turn =>
          node.routing.input({ kind: 'flow', source: gateway(9), destination, ...(via && { via }) }, turn),
        );
      const way = node.rules.way(destination, previous !== undefined);
      if (way === 'drop' || way === 'park' || way === 'deliver') return { path, arrived: way === 'deliver' };
      assert.ok(path.length <= 2 * anchors.length, `loop: ${path}`);
      path.push(way);
      previous = at;
    }
  }

  /** The answer has come. Who was there before is told in any case; who has gone on meanwhile is anchored here no more. */
  #arrive(at: Address, timestampMs: number, before: Address | undefined): void {
    const node = this.#node(at);
    if (before && before !== at) this.at(this.#delay(), () => this.#leave(before, at, timestampMs));
    if (node.overtakenMs > timestampMs || (node.anchored?.timestampMs ?? 0) > timestampMs) return;
    node.anchored = { identity: 'mn', gateway: gateway(1), timestampMs, endsAt: Number.POSITIVE_INFINITY };
    node.rules.anchor(mobile);
    this.#turn(node, turn => node.routing.arrived(mobile, turn));
  }

  #leave(at: Address, to: Address, timestampMs: number): void {
    const node = this.#node(at);
    if (node.anchored && node.anchored.timestampMs >= timestampMs) return;
    node.overtakenMs = Math.max(node.overtakenMs, timestampMs);
    if (node.anchored) node.rules.unanchor(mobile);
    node.anchored = undefined;
    const locator = { kind: 'anchor', address: to } as const;
    const returns = node.expectedMs > timestampMs;
    const gone = { identity: 'mn', timestampMs, returns, to: { locator, lifetimeS: 400 } };
    this.#turn(node, turn => node.routing.left(mobile, gone, turn));
  }

  #tell(from: Address, to: Address, message: Message): void {
    if (message.kind !== 'location' || below(this.random, 100) < this.loss) return;
    this.at(this.#delay(), () => this.#say(from, to, message));
  }

  #say(from: Address, to: Address, message: Message): void {
    const node = this.#node(to);
    this.#turn(node, turn => void node.routing.handle(message, from, turn));
  }

  #turn(node: Node, act: (turn: { now: Instant; outputs: Output[] }) => void): void {
    const outputs: Output[] = [];
    act({ now: this.now, outputs });
    node.perform(outputs);
  }

  #delay(): number {
    return milliseconds(below(this.random, 1500));
  }

  #node(address: Address): Node {
    const node = this.nodes.get(address);
    assert.ok(node);
    return node;
  }
}

test('C03-6.4-01, C03-5.1.3-03: however a mobile moves and messages are late or lost, no packet comes to an LMA twice on its way, and in the end each takes the shortest', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const world = new World(seed);
    world.loss = below(world.random, 40);
    const pick = () => anchors[below(world.random, anchors.length)];
    const sender = () => {
      const from = pick();
      const { path } = world.send(from);
      // The one that intercepts it may be where it is then: nowhere else does it pass twice.
      const beyond = path.slice(1);
      assert.equal(
        new Set(beyond).size,
        beyond.length,
        `seed ${seed}: a loop: ${path.map(a => anchors.indexOf(a) + 1)}`,
      );
    };
    for (let i = 0; i < 400; i++) world.at(milliseconds(100 * i + below(world.random, 100)), sender);
    for (let i = 0; i < 12; i++) world.at(milliseconds(below(world.random, 40_000)), () => world.move(pick()));
    world.run(seconds(60));
    world.loss = 0;
    const [place] = [...world.nodes].filter(([, { anchored }]) => anchored).map(([address]) => address);
    assert.ok(place, `seed ${seed}: anchored nowhere`);
    for (let i = 0; i < 60; i++) {
      for (const from of anchors) world.send(from);
      world.run(world.now + seconds(1));
    }
    for (const from of anchors) {
      const { path, arrived } = world.send(from);
      assert.ok(arrived, `seed ${seed}: lost from ${anchors.indexOf(from) + 1}`);
      assert.ok(
        path.length <= 2,
        `seed ${seed}: not the shortest way from ${anchors.indexOf(from) + 1}: ${path.length}`,
      );
    }
    world.run(world.now + seconds(500));
    for (const [address, { routing, watches }] of world.nodes) {
      assert.deepEqual([...routing.views.cache()], [], `seed ${seed}: a location is left`);
      assert.deepEqual(
        [...routing.views.homes()],
        [],
        `seed ${seed}: a home is left at ${anchors.indexOf(address) + 1}`,
      );
      assert.equal(watches.size, 2, `seed ${seed}: a watch is left`);
    }
  }
});
