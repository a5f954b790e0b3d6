import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AgentWorld,
  agentAddress,
  agentUpdate,
  bindingAcknowledgement,
  coLocated,
  correspondent,
  homeAgentAddress,
  innerUpdate,
  link,
  lowerAgent,
  lowerIpv4,
  nestedAcknowledgement,
  own,
  tunnelRequest,
  upperAgent,
  upperIpv4,
  upstream,
} from '../../../../test/support/agent.js';
import { type Address, addressFromGroups, formatAddress } from '../../../base/address.js';
import { parseLinkAddress } from '../../../base/link-address.js';
import { below, type Random, seededRandom } from '../../../base/random.js';
import { seconds } from '../../../base/time.js';
import type { Packet } from '../../../wire/ipv6/packet.js';
import type { MobilityOption } from '../../../wire/mobility/options.js';
import { mobilityPacket, toMobile } from '../../mobile/packets.js';

const mobiles = 6;
const targets = [homeAgentAddress, upperAgent, correspondent];

function homeOf(mobile: number): Address {
  return addressFromGroups([0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0x100 + mobile]);
}

function stationOf(mobile: number) {
  return parseLinkAddress(`02:00:00:00:00:1${mobile}`);
}

/** What an agent promises whatever arrives, in whatever order, however often. */
function checkInvariants(world: AgentWorld, maximumPending: number, why: string): void {
  const rows = world.rows('visitors');
  const homes = rows.map(({ home }) => `${home}`);
  assert.equal(new Set(homes).size, homes.length, `one place a home: ${why}`);
  const registered = rows.filter(({ state }) => state === 'registered').map(({ home }) => `${home}`);
  const towards = world.ruleTexts.filter(rule => rule.startsWith('to 2001:db8:a::10'));
  assert.deepEqual(
    towards.map(rule => rule.split(' ')[1].replace('/128', '')).sort(),
    [...registered].sort(),
    `packets go to those that are registered, and to no others: ${why}`,
  );
  for (const home of registered)
    assert.ok(
      world.endTexts.some(end => end.startsWith('sharedCareOf') && end.endsWith(` ${home}/128`)),
      `what ${home} sends is let in: ${why}`,
    );
  const keys = homes.map(home => `binding/${home}/128`);
  assert.deepEqual([...world.stored.keys()].sort(), keys.sort(), `records are those of the cache: ${why}`);
  const pending = world.rows('pending');
  assert.ok(pending.filter(({ kind }) => kind === 'nested').length <= maximumPending, why);
  for (const { kind, home } of pending) assert.ok(kind === 'access' || homes.includes(`${home}`), `${kind}: ${why}`);
}

/** Nobody says anything any more: everything runs out, and nothing is left. */
function checkNothingLeaks(world: AgentWorld, why: string): void {
  world.run(world.now + seconds(4000));
  const left = [world.ruleTexts, world.endTexts, [...world.stored], world.rows('pending'), world.rows('visitors')];
  assert.deepEqual(left, [[], [], [], [], []], why);
  assert.equal(world.engine.deadline, undefined, why);
}

/** A network around the agent that delivers when it likes, twice, or not at all. */
class Around {
  readonly world: AgentWorld;
  readonly random: Random;
  readonly underWay: Packet[] = [];
  readonly #sequences = new Map<number, number>();
  #seen = 0;
  passed = 0;

  constructor(world: AgentWorld, random: Random) {
    this.world = world;
    this.random = random;
  }

  #oneOf<T>(things: readonly T[]): T {
    return things[below(this.random, things.length)];
  }

  step(): string {
    const what = below(this.random, 12);
    if (what < 6) this.#update();
    else if (what < 8) this.#deliver();
    else if (what === 8) this.#answerNothing();
    else if (what === 9) this.#test();
    else if (what === 10) this.world.runMs(this.#oneOf([1, 500, 3000, 30_000]));
    else if (below(this.random, 4) === 0) this.world.crash(below(this.random, 2) === 0);
    else this.#command();
    this.#collect();
    return `${what}`;
  }

  #update(): void {
    const mobile = below(this.random, mobiles);
    const home = homeOf(mobile);
    const sequence = (this.#sequences.get(mobile) ?? 0) + 1 - this.#oneOf([0, 0, 0, 0, 1, 2]);
    this.#sequences.set(mobile, Math.max(sequence, this.#sequences.get(mobile) ?? 0));
    const place = this.#oneOf(['link', 'link', 'address', 'below'] as const);
    const careOf = { link: agentAddress, address: coLocated, below: lowerAgent }[place];
    const relay = below(this.random, 6) === 0;
    const target = this.#oneOf(targets);
    const options: MobilityOption[] =
      below(this.random, 3) === 0 ? [tunnelRequest, { kind: 'ipv4CareOfAddress', address: lowerIpv4 }] : [];
    const packet = agentUpdate({
      ...{ home, sequence, careOf, options },
      from: place === 'address' ? coLocated : home,
      lifetimeS: this.#oneOf([0, 4, 60, 600, 4000]),
      upstream: upstream(this.#oneOf([homeAgentAddress, upperAgent]), this.#oneOf([undefined, upperIpv4]), relay),
      flags: { acknowledge: this.#oneOf([true, false]) },
      ...(!relay && below(this.random, 3) > 0 && { nested: innerUpdate({ from: home, to: target }) }),
    });
    this.world.receive(packet, place === 'link' ? { link, neighbour: stationOf(mobile) } : undefined);
  }

  /** What home agents and correspondents answer to what went on. */
  #collect(): void {
    for (const { packet, relayed } of this.world.sent.slice(this.#seen)) {
      const { payload } = packet;
      if (payload.kind !== 'mobility' || payload.message.kind !== 'bindingUpdate') continue;
      const { sequence } = payload.message;
      const status = this.#oneOf([0, 0, 0, 130, 135]);
      const home = relayed ? packet.source : undefined;
      const preference = own({ kind: 'tunnelPreference', family: this.#oneOf([1, 2]) });
      if (home !== undefined) {
        this.passed++;
        this.underWay.push(
          nestedAcknowledgement({ from: packet.destination, home, sequence, status, options: [preference] }),
        );
        continue;
      }
      const named = packet.headers?.flatMap(header => (header.kind === 'destinationOptions' ? header.options : []));
      const option = named?.find(one => one.kind === 'homeAddress');
      if (option?.kind !== 'homeAddress') continue;
      const answer = bindingAcknowledgement({ sequence, status });
      this.underWay.push(toMobile(packet.destination, agentAddress, option.address, answer));
    }
    this.#seen = this.world.sent.length;
  }

  #deliver(): void {
    const index = below(this.random, this.underWay.length + 1);
    const packet = this.underWay[index];
    if (!packet) return;
    if (below(this.random, 5) > 0) this.world.receive(packet);
    if (below(this.random, 4) > 0) this.underWay.splice(index, 1);
  }

  #answerNothing(): void {
    const home = homeOf(below(this.random, mobiles));
    const sent = this.world.receive(nestedAcknowledgement({ from: coLocated, home }));
    assert.deepEqual(sent, [], 'nothing that was not asked is passed on');
  }

  #test(): void {
    const mobile = below(this.random, mobiles);
    const cookie = new Uint8Array(8).fill(below(this.random, 3));
    const init = { kind: 'careOfTestInit', cookie, options: [upstream(correspondent)] } as const;
    this.world.receive(mobilityPacket(homeOf(mobile), agentAddress, init), { link, neighbour: stationOf(mobile) });
    if (below(this.random, 2) === 0) return;
    const answer = { kind: 'careOfTest', nonceIndex: 1, cookie, keygenToken: cookie, options: [] } as const;
    this.underWay.push(mobilityPacket(correspondent, agentAddress, answer));
  }

  #command(): void {
    const identity = formatAddress(homeOf(below(this.random, mobiles)));
    this.world.step({ kind: 'command', command: { name: 'release', identity } });
  }
}

for (let seed = 1; seed <= 60; seed++)
  test(`D02-3.2.1-05: whatever is lost, late, repeated, refused or forgotten in a crash, rules, ends, records and pending updates are those of the visitors, and run out with them (seed ${seed})`, () => {
    const maximumPending = 10;
    const world = new AgentWorld({ maximumVisitors: 5, maximumPending, ipv4Address: '192.0.2.1', pendingMs: 2000 });
    const around = new Around(world, seededRandom(seed));
    for (let i = 0; i < 300; i++) {
      const what = around.step();
      checkInvariants(world, maximumPending, `seed ${seed}, step ${i}: ${what}`);
    }
    assert.ok(around.passed > 10, 'updates went on');
    checkNothingLeaks(world, `seed ${seed}`);
  });
