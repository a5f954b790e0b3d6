import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hnp } from '../../test/support/lma.js';
import { environment, mobility } from '../../test/support/signalling.js';
import { type Address, formatAddress, parseAddress } from '../base/address.js';
import { formatPrefix, type Prefix, parsePrefix } from '../base/prefix.js';
import { below, type Random, seededRandom } from '../base/random.js';
import { milliseconds, seconds } from '../base/time.js';
import { decodePacket, encodePacket } from '../wire/ipv6/codec.js';
import type { Packet } from '../wire/ipv6/packet.js';
import { bindingUpdateFlags } from '../wire/mobility/messages.js';
import { timestampOption } from './anchor/ordering.js';
import type { Engine, Input, Output } from './contract.js';
import { writeMessage } from './dlma/codec.js';
import type { Message } from './dlma/messages.js';
import { distributedLma } from './dlma-role.js';

const own = parseAddress('fd00::1');
const anchors = ['fd00::1', 'fd00::2', 'fd00::3'].map(parseAddress);
const gateways = ['fd00:a::1', 'fd00:a::2'].map(parseAddress);
const strangers = ['fd00:bad::1'].map(parseAddress);
const prefixes = ['2001:db8:1::/62', '2001:db8:2::/48', '2001:db8:3::/48'];
const homes = [
  '2001:db8:1:1::/64',
  '2001:db8:1:2::/64',
  '2001:db8:2:1::/64',
  '2001:db8:9:1::/64',
  '2001:db8:1:1::5/128',
].map(parsePrefix);
const identities = ['a@x', 'b@x', 'c@x'];
const shown = ['bindings', 'locations', 'allocations', 'cache', 'homes', 'waiting'];

type Makers = { readonly [K in Message['kind']]: (world: World) => Extract<Message, { kind: K }> };

/** Whatever there is to be said, about few homes of few mobiles, so that it contradicts itself. */
const makers: Makers = {
  registration: w => ({
    kind: 'registration',
    ...w.said(),
    ...w.place(),
    ...w.dated(),
    ...(w.odd() && { session: w.session() }),
  }),
  registered: w => ({
    kind: 'registered',
    ...w.said(),
    ...w.dated(),
    status: w.status(),
    ...(w.odd() && { previous: { anchor: w.one(anchors) } }),
  }),
  allocation: w => ({ kind: 'allocation', ...w.said(), lifetimeS: w.lifetimeS() }),
  allocated: w => ({ kind: 'allocated', ...w.said(), status: w.status() }),
  handover: w => ({ kind: 'handover', ...w.said(), ...w.place(), ...w.dated() }),
  handoverAnswer: w => ({ kind: 'handoverAnswer', ...w.said(), status: w.status() }),
  location: w => ({
    kind: 'location',
    sequence: w.sequence(),
    homes: [w.one(homes)],
    to: w.odd() ? { kind: 'anchor', address: w.one(anchors) } : { kind: 'gateway', address: w.one(gateways) },
    ...w.dated(),
    answered: w.odd(),
    ...(w.odd() && { replies: true }),
  }),
  locationAnswer: w => ({ kind: 'locationAnswer', sequence: w.sequence(), homes: [w.one(homes)], status: 0 }),
  bypass: w => ({
    kind: 'bypass',
    sequence: w.sequence(),
    homes: [w.one(homes)],
    gateway: w.one(gateways),
    ...w.dated(),
  }),
  query: w => ({ kind: 'query', sequence: w.sequence(), home: w.one(homes).address }),
};

/** One LMA of three, in a domain without protection, to which all say what they like. */
class World {
  now = 0;
  sent = 0;
  engine: Engine;
  readonly rules = new Set<string>();
  readonly stored = new Map<string, unknown>();
  readonly #random: Random;
  readonly #create: () => Engine;

  constructor(seed: number, more: Readonly<Record<string, unknown>>) {
    this.#random = seededRandom(seed, 'distributed');
    const domain = anchors.map((lma, i) => ({ lma: formatAddress(lma), prefixes: [prefixes[i]] }));
    const parsed = distributedLma.parse({ address: formatAddress(own), insecure: true, domain, ...more });
    if (!parsed.ok) throw new Error(JSON.stringify(parsed));
    this.#create = () => distributedLma.create(parsed.config, environment(0, `${seed} ${this.now}`));
    this.engine = this.#create();
    this.handle({ kind: 'tick' });
  }

  one<T>(values: readonly T[]): T {
    return values[below(this.#random, values.length)];
  }
  odd(): boolean {
    return below(this.#random, 2) === 1;
  }
  sequence(): number {
    return below(this.#random, 0x10000);
  }
  lifetimeS(): number {
    return this.one([0, 4, 60, 3600]);
  }
  status(): number {
    return this.one([0, 0, 129, 130, 134, 156]);
  }
  session() {
    return { handoff: 1 + below(this.#random, 5), accessTechnology: 1 + below(this.#random, 2) };
  }
  said() {
    return { sequence: this.sequence(), identity: this.one(identities), homes: this.odd() ? [this.one(homes)] : [] };
  }
  place() {
    return { anchor: this.one(anchors), ...(this.odd() && { gateway: this.one(gateways) }) };
  }
  dated() {
    const { seconds: whole } = environment().clock(this.now);
    return { timestampMs: whole * 1000 + below(this.#random, 5000) - 2500, lifetimeS: this.lifetimeS() };
  }

  step(): void {
    if (below(this.#random, 60) === 0) this.#restart();
    const choice = below(this.#random, 10);
    if (choice < 5) this.#message();
    else if (choice < 7) this.#update();
    else if (choice < 8) this.#flow();
    else this.run(this.now + milliseconds(below(this.#random, 3000)));
  }

  run(until: number): void {
    for (let due = this.engine.deadline; due !== undefined && due <= until; due = this.engine.deadline) {
      this.now = Math.max(this.now, due);
      this.handle({ kind: 'tick' });
      const { deadline } = this.engine;
      assert.ok(deadline === undefined || deadline > this.now, 'the deadline lies after the tick');
    }
    this.now = until;
  }

  handle(input: Input): void {
    for (const output of this.engine.handle(input, this.now)) this.#do(output);
  }

  shows(view: string): unknown[] {
    return [...(this.engine.views[view]?.() ?? [])];
  }

  /** It crashes, and comes back with what it had stored. */
  #restart(): void {
    this.engine = this.#create();
    this.rules.clear();
    const records = [...this.stored].map(([key, value]) => ({ key, value: JSON.parse(JSON.stringify(value)) }));
    this.handle({ kind: 'restored', records });
    this.handle({ kind: 'tick' });
  }

  #message(): void {
    const kinds = Object.keys(makers) as Message['kind'][];
    const message = makers[this.one(kinds)](this);
    const source = this.one([...anchors.slice(1), ...anchors.slice(1), ...gateways, ...strangers]);
    this.#arrive(mobility(source, own, writeMessage(message)));
  }

  #update(): void {
    const flags = bindingUpdateFlags({ acknowledge: true, homeRegistration: true, proxy: true });
    const { handoff, accessTechnology } = this.session();
    const options = [
      { kind: 'mobileNodeIdentifier', subtype: 1, identifier: this.one(identities) } as const,
      hnp(this.odd() ? '::/0' : formatPrefix(this.one(homes))),
      { kind: 'handoffIndicator', indicator: handoff } as const,
      { kind: 'accessTechnologyType', type: accessTechnology } as const,
      timestampOption(environment().clock(this.now)),
    ];
    const message = {
      kind: 'bindingUpdate',
      sequence: this.sequence(),
      flags,
      lifetimeS: this.lifetimeS(),
      options,
    } as const;
    this.#arrive(mobility(this.one(gateways), own, message));
  }

  #flow(): void {
    const destination = hostOf(this.one(homes));
    const via = this.odd() && { via: { local: own, remote: this.one([...anchors.slice(1), ...gateways]) } };
    this.handle({ kind: 'flow', source: hostOf(this.one(homes)), destination, ...via });
  }

  #arrive(packet: Packet): void {
    this.handle({ kind: 'packet', packet: decodePacket(encodePacket(packet)) });
  }

  #do(output: Output): void {
    if (output.kind === 'send') this.sent++;
    if (output.kind === 'forward' || output.kind === 'unforward') {
      const { to, from, intercepts } = output.kind === 'forward' ? output.rule : output;
      const key = `${to && formatPrefix(to)} ${from && formatPrefix(from)} ${intercepts}`;
      if (output.kind === 'forward') this.rules.add(key);
      else this.rules.delete(key);
    }
    if (output.kind === 'store' && output.value === undefined) this.stored.delete(output.key);
    else if (output.kind === 'store') this.stored.set(output.key, output.value);
  }
}

function hostOf({ address }: Prefix): Address {
  return parseAddress(formatAddress(address).replace(/::5?$/, '::5'));
}

for (const [title, more] of [
  ['plain', {}],
  ['where bindings end at once', { deleteDelayMs: 0, previousS: 1 }],
  [
    'with queries, bypasses and gateways known at home',
    { query: true, bypass: { destination: true, originating: true }, records: 'gateway', told: ['fd00::2', 'fd00::3'] },
  ],
] as const)
  test(`draft-chan §9: whatever is said to an LMA, in whatever order, crashes or not, it goes on and forgets it all in the end (${title})`, () => {
    const filled = new Set<string>();
    for (let seed = 1; seed <= 40; seed++) {
      const world = new World(seed, more);
      const rules = [...world.rules].sort();
      for (let i = 0; i < 400; i++) {
        world.step();
        for (const view of shown) if (world.shows(view).length > 0) filled.add(view);
      }
      assert.ok(world.sent > 0);
      world.run(world.now + seconds(20_000));
      for (const view of shown) assert.deepEqual(world.shows(view), [], `seed ${seed}: ${view}`);
      assert.deepEqual([...world.rules].sort(), rules, `seed ${seed}`);
      assert.deepEqual([...world.stored.keys()], [], `seed ${seed}`);
    }
    assert.deepEqual([...filled].sort(), [...shown].sort());
  });
