import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  far,
  HierarchyWorld,
  near,
  onLinkAt,
  type SentUpdate,
  type Told,
  updatesTo,
} from '../../../test/support/hierarchy-world.js';
import { home, homeAgent } from '../../../test/support/mobile-world.js';
import { type Address, parseAddress } from '../../base/address.js';
import { below, type Random, seededRandom } from '../../base/random.js';
import { type Instant, millisecond, second } from '../../base/time.js';
import { effectiveSource } from '../../wire/ipv6/packet.js';
import type { Output, Via } from '../contract.js';

const maps = [near, far, parseAddress('2001:db8:c::1')];
const routers = 4;
const statuses = [0, 0, 0, 0, 128, 129, 130, 134, 135];

/** What a world makes of the engine's outputs, and what must hold of it at any time. */
class Observer {
  readonly #rules = new Map<Address, Via>();
  readonly #configured = new Set<Address>();
  readonly #sentAt = new Map<Address, Instant[]>();
  readonly #grantedUntil = new Map<Address, Instant>();
  readonly unanswered: SentUpdate[] = [];

  see(outputs: readonly Output[], now: Instant): void {
    for (const output of outputs) {
      if (output.kind === 'forward' && output.rule.from && !output.rule.to)
        this.#rules.set(output.rule.from.address, output.rule.via);
      if (output.kind === 'unforward' && output.from && !output.to) this.#rules.delete(output.from.address);
      if (output.kind === 'configure') this.#configured.add(output.address);
      if (output.kind === 'unconfigure') this.#configured.delete(output.address);
      for (const sent of updatesTo([output])) this.#update(sent, now);
    }
  }

  /** An answer that the engine may or may not take. */
  granted({ packet, update }: SentUpdate, lifetimeS: number, now: Instant): void {
    if (!update.flags.map) return;
    const regional = effectiveSource(packet);
    this.#grantedUntil.set(regional, Math.max(now + lifetimeS * second, this.#grantedUntil.get(regional) ?? 0));
  }

  #update(sent: SentUpdate, now: Instant): void {
    const { packet, update } = sent;
    this.unanswered.push(sent);
    const times = this.#sentAt.get(packet.destination) ?? [];
    times.push(now);
    this.#sentAt.set(packet.destination, times);
    const home = effectiveSource(packet);
    // RFC 4140 §6.1: no RCoA as another's care-of address, and nobody told for longer than the MAP granted.
    if (update.flags.map) assert.ok(!maps.some(map => map.slice(0, 4) === packet.source.slice(0, 4)));
    const until = this.#grantedUntil.get(packet.source);
    if (update.flags.homeRegistration && home !== packet.source && until !== undefined)
      assert.ok(now + update.lifetimeS * second <= until + second, 'within the MAP’s lifetime');
  }

  /** Packets from the home address wait, or come to a link; an address in use is configured. */
  check(): void {
    let from = home;
    for (let depth = 0; depth < 4; depth++) {
      const via = this.#rules.get(from);
      if (!via || via.kind === 'park') {
        assert.ok(via, 'every address in use has a rule');
        return;
      }
      if (via.kind === 'link') return;
      assert.ok(via.kind === 'tunnel');
      from = via.local;
    }
    assert.fail('tunnels without an end');
  }
}

function drawMaps(random: Random): Told[] {
  return maps.flatMap(map =>
    below(random, 2)
      ? [
          {
            map,
            distance: 1 + below(random, 4),
            preference: below(random, 4) * 4,
            validLifetimeS: below(random, 5) ? 50 + below(random, 2000) : 0,
          },
        ]
      : [],
  );
}

function act(world: HierarchyWorld, observer: Observer, random: Random): Output[] {
  const n = below(random, routers);
  switch (below(random, 9)) {
    case 0:
      return world.moveTo(n, ...drawMaps(random));
    case 1:
      return world.link(below(random, 2) === 0);
    case 2:
      return world.hear(n, ...drawMaps(random));
    case 3:
      return world.address(below(random, 4) ? 'preferred' : 'gone', onLinkAt(n));
    case 4:
      return world.advertised('2001:db8:1::/64');
    case 5:
      return world.hear(n);
    default: {
      const { unanswered } = observer;
      const sent = unanswered.splice(below(random, unanswered.length), 1)[0];
      if (!sent) return [];
      const status = statuses[below(random, statuses.length)];
      const lifetimeS = 4 * below(random, 150);
      if (status === 0) observer.granted(sent, lifetimeS, world.now);
      return world.grant(sent, lifetimeS, status);
    }
  }
}

test('RFC 4140 §6.1, §9.1 [H4140-6.1-16] [H4140-6.1-21] [H4140-9.1-01]: whatever happens in whatever order, packets from the home address wait or find a link, RCoAs are never care-of addresses at MAPs, and no deadline stays behind', () => {
  for (let seed = 0; seed < 60; seed++) {
    const random = seededRandom(seed, 'hierarchy');
    const choices = {
      selection: (['distance', 'preference', 'speed', 'nearest'] as const)[seed % 4],
      maximumMaps: 1 + (seed % 3),
    };
    const world = new HierarchyWorld({ ...choices, mapDetection: seed % 2 ? 'eager' : 'lazy', lifetimeS: 200 });
    const observer = new Observer();
    observer.see(world.give({ kind: 'tick' }), 0);
    for (let step = 0; step < 150; step++) {
      observer.see(act(world, observer, random), world.now);
      observer.check();
      const until = world.now + below(random, 4) * below(random, 30_000) * millisecond;
      while (world.engine.deadline !== undefined && world.engine.deadline <= until) {
        world.now = Math.max(world.now, world.engine.deadline);
        observer.see(world.give({ kind: 'tick' }), world.now);
        observer.check();
        const { deadline } = world.engine;
        assert.ok(deadline === undefined || deadline > world.now, `seed ${seed}, step ${step}: a deadline stays`);
      }
      world.now = until;
    }
  }
});

test('RFC 4140 §9: at rest after whatever happened, with one MAP heard and all answered, the home agent has the RCoA there', () => {
  for (let seed = 0; seed < 40; seed++) {
    const random = seededRandom(seed, 'at rest');
    const world = new HierarchyWorld({ mapDetection: seed % 2 ? 'eager' : 'lazy' });
    const observer = new Observer();
    for (let step = 0; step < 40; step++) {
      observer.see(act(world, observer, random), world.now);
      world.now += below(random, 20_000) * millisecond;
      for (const { at, output } of world.pass(world.now)) observer.see([output], at);
    }
    // Time for MAPs that failed to be tried again.
    for (const { at, output } of world.pass(world.now + 100 * second)) observer.see([output], at);
    let queue = updatesTo(world.moveTo(1, { map: near, validLifetimeS: 100_000 }));
    for (let round = 0; round < 400; round++) {
      const answers = queue.flatMap(sent => world.grant(sent, sent.update.lifetimeS, 0));
      const passed = world.pass(world.now + second).map(({ output }) => output);
      queue = updatesTo([...answers, ...passed]);
    }
    const [toHome, ...local] = [...world.engine.views.registrations()];
    assert.equal(parseAddress(String(toHome.peer)), homeAgent);
    assert.equal(
      String(toHome.careOf).startsWith('2001:db8:a:'),
      true,
      `seed ${seed}: ${JSON.stringify([toHome, ...local])}`,
    );
    assert.equal(local.length, 1, `seed ${seed}: bindings of before are gone`);
  }
});
