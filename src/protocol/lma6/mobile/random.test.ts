import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AgentWorld,
  agentAt,
  careOfIn,
  coLocatedAt,
  type Heard,
  innermost,
  type Layer,
  nestsIn,
} from '../../../../test/support/agent-world.js';
import { home, homeAgent } from '../../../../test/support/mobile-world.js';
import { type Address, formatAddress } from '../../../base/address.js';
import { formatPrefix } from '../../../base/prefix.js';
import { below, type Random, seededRandom } from '../../../base/random.js';
import { type Instant, millisecond, second } from '../../../base/time.js';
import type { Output, TunnelEnd, Via } from '../../contract.js';

const routers = 4;
const upper = [8, 9];
const statuses = [0, 0, 0, 0, 0, 128, 129, 130, 133, 135];
const modes = ['onePhase', 'twoPhase', 'relayed'] as const;

/** What a world makes of the engine's outputs, and what must hold of it at any time. */
class Observer {
  readonly #rules = new Map<string, Via>();
  readonly #ends = new Map<string, TunnelEnd>();
  readonly #sentAt = new Map<Address, Instant[]>();
  /** The longest that each agent has been heard to accept. */
  readonly longestS = new Map<Address, number>();
  unanswered: Layer[][] = [];

  see(outputs: readonly Output[], now: Instant): void {
    for (const output of outputs) {
      if (output.kind === 'forward') this.#rules.set(keyOf(output.rule), output.rule.via);
      if (output.kind === 'unforward') assert.ok(this.#rules.delete(keyOf(output)), 'a rule that is there');
      if (output.kind === 'admit') this.#ends.set(endKey(output.end), output.end);
      if (output.kind === 'unadmit') assert.ok(this.#ends.delete(endKey(output.end)), 'an end that is there');
      for (const nest of nestsIn([output])) this.#update(nest, now);
    }
  }

  #update(nest: Layer[], now: Instant): void {
    this.unanswered.push(nest);
    for (const layer of nest) {
      const { destination } = layer.packet;
      // Draft-dommety §2.2.1: no agent is asked for more than it advertises, and the home agent for no more either.
      const longestS = this.longestS.get(destination);
      if (longestS !== undefined) assert.ok(layer.update.lifetimeS <= longestS, 'within the Binding Lifetime');
      if (destination !== homeAgent && layer.update.lifetimeS > 0)
        assert.ok(careOfIn(layer) !== home, 'no agent is told the home address');
    }
    // RFC 6275 §11.8: the outermost is what the link sees, of those that are not the home registration's.
    if (innermost(nest).packet.destination === homeAgent) return;
    const times = [...(this.#sentAt.get(nest[0].packet.destination) ?? []), now].slice(-4);
    this.#sentAt.set(nest[0].packet.destination, times);
    assert.ok(times.length < 4 || times[3] - times[0] >= second, 'no more than three a second');
  }

  /** Packets from the home address wait, or come to a link; those from any address that has a rule do. */
  check(): void {
    for (const key of this.#rules.keys()) {
      const [to, from] = key.split(' > ');
      if (to === '') this.#follow(from);
    }
  }

  #follow(start: string): void {
    let from = start;
    for (let depth = 0; depth < 5; depth++) {
      const via = this.#rules.get(` > ${from}`);
      assert.ok(via, `an address in use has a rule: ${from}`);
      if (via.kind === 'park' || via.kind === 'link') return;
      assert.ok(via.kind === 'tunnel');
      const local = `${formatAddress(via.local)}/128`;
      // A longer rule takes what a tunnel makes before one for everything from there.
      const signalled = this.#rules.get(`${formatAddress(via.remote)}/128 > ${local}`);
      if (signalled?.kind === 'link') return;
      from = signalled?.kind === 'tunnel' ? `${formatAddress(signalled.local)}/128` : local;
    }
    assert.fail(`tunnels without an end from ${start}`);
  }

  get state(): string[] {
    const rules = [...this.#rules].map(([key, via]) => `${key} ${JSON.stringify(via)}`);
    return [...rules, ...this.#ends.keys()].sort();
  }
}

function keyOf({ to, from }: { to?: Parameters<typeof formatPrefix>[0]; from?: Parameters<typeof formatPrefix>[0] }) {
  return `${to ? formatPrefix(to) : ''} > ${from ? formatPrefix(from) : ''}`;
}
function endKey({ local, remote, to, from, by }: TunnelEnd): string {
  return `${formatAddress(local)} ${formatAddress(remote)} ${to && formatPrefix(to)} ${from && formatPrefix(from)} ${by}`;
}

/** A mobile, and what may happen to it. */
class Run {
  readonly world: AgentWorld;
  readonly observer = new Observer();
  readonly #random: Random;
  #sequence = 300;

  constructor(seed: number, random: Random) {
    this.#random = random;
    const mode = modes[seed % 3];
    const careOf = seed % 5 === 4 ? 'coLocated' : 'agent';
    this.world = new AgentWorld({
      mode,
      careOf,
      ipv4: seed % 2 === 0,
      agents: seed % 7 ? [] : [{ address: agentAt(7) }],
    });
  }

  see(outputs: readonly Output[]): void {
    this.observer.see(outputs, this.world.now);
  }

  #heard(n: number): Heard[] {
    const random = this.#random;
    if (below(random, 5) === 0) return [];
    const others = upper.filter(() => below(random, 2) === 0).map(agentAt);
    const agents = below(random, 4) ? [agentAt(n), ...others] : [agentAt(9)];
    // A start now and then.
    this.#sequence = below(random, 12) ? this.#sequence + 1 : 0;
    const lifetimeS = 20 + below(random, 400);
    const onLink = agents[0] === agentAt(n) && below(random, 4) > 0;
    const zone = below(random, 2) ? 1 + below(random, 2) : undefined;
    const { longestS } = this.observer;
    for (const agent of agents) longestS.set(agent, Math.max(lifetimeS, longestS.get(agent) ?? 0));
    const ipv4 = below(random, 2) === 0;
    return [{ agents, onLink, lifetimeS, sequence: this.#sequence, ipv4, ...(zone && { zone }) }];
  }

  act(): Output[] {
    const { world } = this;
    const random = this.#random;
    const n = 1 + below(random, routers);
    switch (below(random, 10)) {
      case 0:
      case 1:
        return world.moveTo(n, this.#heard(n), below(random, 2) === 0);
      case 2:
        return world.link(below(random, 2) === 0);
      case 3:
        return world.hear(n, this.#heard(n));
      case 4:
        return world.address(below(random, 4) ? 'preferred' : 'gone', coLocatedAt(n));
      case 5:
        return world.advertised('2001:db8:1::/64');
      default:
        return this.#answer();
    }
  }

  /** Anything that was sent is answered some time, some way, or not at all. */
  #answer(): Output[] {
    const random = this.#random;
    const { unanswered } = this.observer;
    const nest = unanswered.splice(below(random, unanswered.length || 1), 1)[0];
    if (!nest || below(random, 4) === 0) return [];
    const status = statuses[below(random, statuses.length)];
    const lifetimeS = Math.min(4 * below(random, 100), innermost(nest).update.lifetimeS);
    const layer = nest[below(random, nest.length)];
    // An agent that refuses does so itself; what is accepted the innermost accepts.
    if (status !== 0) return this.#say(nest, layer, { status, lifetimeS: 0 });
    return this.#say(nest, innermost(nest), { lifetimeS });
  }

  #say(nest: Layer[], layer: Layer, answer: { status?: number; lifetimeS: number }): Output[] {
    const { destination, source } = layer.packet;
    if (destination !== homeAgent) return this.world.answers(layer, answer);
    if (nest.length > 1) return this.world.homeAnswers(nest, answer);
    return source === home || source.startsWith(coLocatedAt(1).slice(0, 3))
      ? this.world.answers(layer, answer)
      : this.world.homeAnswersPlainly(layer, answer);
  }

  /** Up to then, every tick. */
  pass(until: Instant): void {
    const { world } = this;
    while (world.engine.deadline !== undefined && world.engine.deadline <= until) {
      world.now = Math.max(world.now, world.engine.deadline);
      this.see(world.give({ kind: 'tick' }));
      this.observer.check();
      const { deadline } = world.engine;
      assert.ok(deadline === undefined || deadline > world.now, 'a deadline stays');
    }
    world.now = until;
  }

  /** Everybody answers all there is. */
  settle(seconds: number): void {
    for (let round = 0; round < seconds; round++) {
      for (let again = 0; again < 20 && this.observer.unanswered.length > 0; again++) {
        const nests = this.observer.unanswered;
        this.observer.unanswered = [];
        for (const nest of nests) {
          const last = innermost(nest);
          this.see(this.#say(nest, last, { lifetimeS: last.update.lifetimeS }));
        }
      }
      this.pass(this.world.now + second);
    }
  }
}

test('draft-dommety §3.1: whatever happens in whatever order, packets wait or find a link, agents are asked for what they offer, and no deadline stays behind', () => {
  for (let seed = 0; seed < 150; seed++) {
    const random = seededRandom(seed, 'agents');
    const run = new Run(seed, random);
    try {
      for (let step = 0; step < 120; step++) {
        run.see(run.act());
        run.observer.check();
        run.pass(run.world.now + below(random, 8000) * millisecond);
      }
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : error}`, { cause: error });
    }
  }
});

test('draft-dommety §4.2: at rest after whatever happened the mobile is registered, and rules, ends and bindings are those of one that has been nowhere else', () => {
  const places: { heard: Heard[]; own: boolean }[] = [
    { heard: [{ agents: [agentAt(1)] }], own: false },
    { heard: [{ agents: [agentAt(1), agentAt(9)], zone: 3 }], own: false },
    { heard: [{ agents: [agentAt(8), agentAt(9)], onLink: false }], own: true },
    { heard: [], own: true },
  ];
  for (let seed = 0; seed < 150; seed++) {
    const random = seededRandom(seed, 'agents at rest');
    const place = places[seed % 4];
    const [run, fresh] = [new Run(seed, random), new Run(seed, random)];
    try {
      for (let step = 0; step < 60; step++) {
        run.see(run.act());
        run.pass(run.world.now + below(random, 8000) * millisecond);
      }
      for (const one of [run, fresh]) {
        // Time for agents and home agents that failed to be tried again.
        one.observer.unanswered = [];
        one.see(one.world.link(false));
        one.pass(one.world.now + 4000 * second);
        one.observer.longestS.clear();
        one.see(one.world.moveTo(1, place.heard, place.own || seed % 5 === 4));
        one.settle(120);
      }
      assert.deepEqual(run.observer.state, fresh.observer.state);
      const rows = ({ world }: Run) =>
        [...world.engine.views.registrations()].map(({ peer, careOf, state }) => [peer, careOf, state]);
      assert.deepEqual(rows(run), rows(fresh));
      assert.ok(rows(run).every(([, , state]) => state === 'registered'));
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : error}`, { cause: error });
    }
  }
});
