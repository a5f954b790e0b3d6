import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AnchorWorld,
  bindingUpdatePacket,
  environment,
  gateway1,
  gateway2,
  gateway3,
  nai,
  revocationAcknowledgement,
  timestamp,
  viaText,
} from '../../../test/support/anchor.js';
import { lma, request } from '../../../test/support/lma.js';
import { assigned, confirmation, lmapSettings } from '../../../test/support/lmap.js';
import { type Address, addressFromGroups, formatAddress, unspecified } from '../../base/address.js';
import { below, type Random, seededRandom } from '../../base/random.js';
import { type Instant, milliseconds, seconds, wallClockFrom } from '../../base/time.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import type { MobilityOption } from '../../wire/mobility/options.js';
import type { Environment } from '../contract.js';
import { createLmap } from '../lmm/lmap.js';

const gateways = [gateway1, gateway2, gateway3];
const mobiles = 12;
const epochS = 1_700_000_000;

function name(mobile: number): string {
  return `m${mobile}@example.net`;
}

function address(mobile: number): Address {
  return addressFromGroups([0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0x100 + mobile]);
}

/** What an anchor promises whatever arrives, in whatever order, however often. */
function checkInvariants(world: AnchorWorld, why: string): void {
  const rows = [...world.engine.views.bindings()];
  const registered = rows.filter(row => row.state === 'registered');
  const rules = registered.flatMap(row => `${row.home}`.split(' ').map(home => `${home} → ${row.careOf}`));
  assert.deepEqual(world.ruleTexts, rules.sort(), `rules are those of the cache: ${why}`);
  const keys = rows.map(row => `binding/${`${row.home}`.split(' ')[0]}`);
  assert.deepEqual([...world.stored.keys()].sort(), keys.sort(), `records are those of the cache: ${why}`);
  for (const row of registered)
    for (const home of `${row.home}`.split(' '))
      assert.ok(world.admitted.has(`${row.careOf} ${home}`), `uplink of ${home} is let in: ${why}`);
  const homes = rows.flatMap(row => `${row.home}`.split(' '));
  assert.equal(new Set(homes).size, homes.length, `one place a home: ${why}`);
}

/** Nobody says anything any more: everything runs out, and nothing is left. */
function checkNothingLeaks(world: AnchorWorld, why: string): void {
  world.run(world.now + seconds(4000));
  assert.deepEqual(world.ruleTexts, [], why);
  assert.equal(world.admitted.size, 0, why);
  assert.equal(world.stored.size, 0, why);
  assert.equal(world.engine.deadline, undefined, why);
}

/** A network that delays, repeats and loses what gateways send. */
class Network {
  readonly #random: Random;
  readonly #flying: { at: Instant; packet: Packet }[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  send(packet: Packet, now: Instant): void {
    const copies = [0, 1, 1, 1, 1, 2][below(this.#random, 6)];
    for (let i = 0; i < copies; i++) this.#flying.push({ at: now + milliseconds(below(this.#random, 200)), packet });
  }

  due(now: Instant): Packet[] {
    this.#flying.sort((a, b) => a.at - b.at);
    const count = this.#flying.findIndex(({ at }) => at > now);
    return this.#flying.splice(0, count < 0 ? this.#flying.length : count).map(({ packet }) => packet);
  }
}

function optionsFor(random: Random, mobile: number): MobilityOption[] {
  const which = below(random, 8);
  if (which === 0) return [confirmation];
  if (which === 1) return [];
  if (which === 2) return [assigned(unspecified)];
  // Now and then somebody else's address.
  return [assigned(address(which === 3 ? below(random, mobiles) : mobile))];
}

function answerRevocations(world: AnchorWorld, network: Network, random: Random, from: number): void {
  for (const { destination, payload } of world.sent.slice(from))
    if (payload.kind === 'mobility' && payload.message.kind === 'bindingRevocationIndication' && below(random, 3) > 0) {
      const status = [0, 0, 0, 128, 132][below(random, 5)];
      network.send(revocationAcknowledgement(destination, payload.message.sequence, status), world.now);
    }
}

/** A new process with what the old one stored; the world begins its tables anew. */
function restarted(world: AnchorWorld, clock: Environment['clock']): AnchorWorld {
  const next = new AnchorWorld(createLmap(lmapSettings({ addressesPerMobile: 2 }), { ...environment(), clock }));
  next.now = world.now;
  for (const { key, value } of world.records) next.stored.set(key, value);
  next.step({ kind: 'restored', records: world.records });
  return next;
}

function runLmap(seed: number): void {
  const random = seededRandom(seed);
  const network = new Network(random);
  const clock = wallClockFrom(epochS);
  let world = new AnchorWorld(createLmap(lmapSettings({ addressesPerMobile: 2 }), { ...environment(), clock }));
  const sequences = new Uint16Array(mobiles * gateways.length).map(() => below(random, 0x10000));
  for (let step = 0; step < 400; step++) {
    const mobile = below(random, mobiles);
    const gateway = below(random, gateways.length);
    const options = [nai(name(mobile)), ...optionsFor(random, mobile)];
    if (below(random, 2) === 0) options.push(timestamp(world.now - milliseconds(below(random, 50))));
    const sequence = ++sequences[mobile * gateways.length + gateway];
    const lifetimeS = below(random, 6) === 0 ? 0 : 4 * (1 + below(random, 10));
    network.send(bindingUpdatePacket({ from: gateways[gateway], sequence, lifetimeS, options }), world.now);
    const before = world.sent.length;
    world.runMs(below(random, 300));
    for (const packet of network.due(world.now)) world.receive(packet);
    if (below(random, 60) === 0) world.step({ kind: 'command', command: { name: 'release', identity: name(mobile) } });
    answerRevocations(world, network, random, before);
    if (below(random, 100) === 0) world = restarted(world, clock);
    checkInvariants(world, `seed ${seed}, step ${step}`);
  }
  checkNothingLeaks(world, `seed ${seed}`);
}

test('an LMAP keeps its promises under reordered, repeated and lost updates, releases and restarts', () => {
  for (let seed = 1; seed <= 12; seed++) runLmap(seed);
});

function runLma(seed: number): void {
  const random = seededRandom(seed);
  const network = new Network(random);
  const world = lma({ revocation: { initialDelay: seconds(1), maximumDelay: seconds(2), maximumRetries: 1 } });
  for (let step = 0; step < 400; step++) {
    const mobile = below(random, mobiles);
    const prefixes = below(random, 2) === 0 ? ['::/0'] : [`2001:db8:a:${(16 + mobile).toString(16)}::/64`];
    const fields = {
      from: gateways[below(random, gateways.length)],
      identity: name(mobile),
      prefixes,
      handoff: 1 + below(random, 5),
      accessTechnology: 4 + below(random, 2),
      lifetimeS: below(random, 6) === 0 ? 0 : 4 * (1 + below(random, 10)),
      sequence: below(random, 3) === 0 ? below(random, 0x10000) : step,
      extra: below(random, 3) === 0 ? [] : [timestamp(world.now)],
    };
    network.send(bindingUpdatePacket(request(fields)), world.now);
    const before = world.sent.length;
    world.runMs(below(random, 300));
    for (const packet of network.due(world.now)) world.receive(packet);
    answerRevocations(world, network, random, before);
    checkInvariants(world, `seed ${seed}, step ${step}`);
  }
  checkNothingLeaks(world, `seed ${seed}`);
}

test('an LMA keeps its promises under reordered, repeated and lost updates of every kind', () => {
  for (let seed = 1; seed <= 8; seed++) runLma(seed);
});

test('with timestamps a mobile ends where it went last, however its updates are reordered and repeated', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = seededRandom(seed);
    const world = new AnchorWorld(
      createLmap(lmapSettings({ timestampWindowMs: 10_000 }), { ...environment(), clock: wallClockFrom(epochS) }),
    );
    const packets: Packet[] = [];
    let last = gateway1;
    for (let i = 0; i < 10; i++) {
      last = gateways[below(random, gateways.length)];
      const options = [nai(name(0)), assigned(address(0)), timestamp(milliseconds(10 * i))];
      packets.push(bindingUpdatePacket({ from: last, sequence: i, options }));
    }
    const shuffled = [...packets, ...packets].sort(() => below(random, 2) - 0.5);
    for (const packet of shuffled) world.receive(packet);
    const rule = world.rules.get(`${formatAddress(address(0))}/128`);
    assert.equal(rule && viaText(rule), formatAddress(last), `seed ${seed}`);
  }
});
