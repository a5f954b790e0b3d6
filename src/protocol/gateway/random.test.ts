import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  acknowledgementOf,
  anchorAddress,
  GatewayBench,
  gatewayConfig,
  lnp,
  neighbourAdvertisement,
  neighbourSolicitation,
  routerLinkLocal,
  routerSolicitation,
  withAddress,
} from '../../../test/support/gateway.js';
import { environment } from '../../../test/support/signalling.js';
import { allRouters, parseAddress } from '../../base/address.js';
import { autoconfiguredAddress, linkLocalAddress, parseLinkAddress } from '../../base/link-address.js';
import { below, type Random, seededRandom } from '../../base/random.js';
import { millisecond } from '../../base/time.js';
import type { BindingUpdate } from '../../wire/mobility/messages.js';
import { findOption, type MobilityOption } from '../../wire/mobility/options.js';
import type { Profile } from '../contract.js';
import { mpaDialect } from '../lmm/mpa.js';
import { magDialect } from '../pmip6/mag.js';
import type { Dialect } from './dialect.js';
import { Gateway } from './gateway.js';

/** A world that answers late, twice, wrongly or never, and stations that come, go, speak and lie. */
class Chaos {
  readonly bench: GatewayBench;
  readonly #random: Random;
  readonly #create: () => Gateway;
  /** What is under way: updates to be answered, questions to AAA. */
  #updates: BindingUpdate[] = [];
  #questions: number[] = [];
  #step = 0;

  constructor(
    readonly seed: number,
    dialect: (world: ReturnType<typeof environment>) => Dialect,
    readonly assigned: (identity: string) => MobilityOption[],
  ) {
    this.#random = seededRandom(seed, 'chaos');
    const world = environment();
    this.#create = () => new Gateway({ ...gatewayConfig, addressesPerMobile: 2 }, dialect(world), world);
    this.bench = new GatewayBench(this.#create());
  }

  run(steps: number): void {
    for (this.#step = 0; this.#step < steps; this.#step++) {
      this.#move();
      this.#note();
      this.#check();
    }
  }

  /** Everything gets its answer, everybody leaves, and time passes. */
  settle(): void {
    for (const number of [1, 2, 3]) for (const link of ['radio', 'radio2']) this.bench.detach(mac(number), link);
    this.bench.until(this.bench.now / 1e9 + 20_000);
    assert.deepEqual(this.bench.rows, [], this.#where());
    assert.deepEqual([this.bench.rules.size, this.bench.ends.size, this.bench.records.size], [0, 0, 0], this.#where());
    assert.equal(this.bench.engine.deadline, undefined, this.#where());
  }

  #move(): void {
    const { bench } = this;
    const who = mac(1 + below(this.#random, 3));
    const link = below(this.#random, 4) === 0 ? 'radio2' : 'radio';
    switch (below(this.#random, 12)) {
      case 0:
      case 1:
        return void bench.attach(who, link);
      case 2:
        return void bench.detach(who, link);
      case 3:
      case 4:
        return this.#answerAccess();
      case 5:
      case 6:
      case 7:
        return this.#answerUpdate();
      case 8:
        return this.#speak(who);
      case 9:
        return this.#revoke();
      case 10:
        return below(this.#random, 6) === 0 ? this.#restart() : this.#release();
      default:
        return this.#pass();
    }
  }

  #answerAccess(): void {
    const transaction = this.#take(this.#questions);
    if (transaction === undefined) return;
    const identity = `mobile${1 + below(this.#random, 2)}@example.net`;
    const profile: Profile = { identity, addressing: ['slaac'] };
    const outcome =
      below(this.#random, 8) === 0
        ? ({ kind: 'rejected', reason: 'no' } as const)
        : ({ kind: 'accepted', profile } as const);
    this.bench.give({ kind: 'profile', transaction, outcome });
  }

  #answerUpdate(): void {
    const update = this.#take(this.#updates);
    if (!update) return;
    const status = [0, 0, 0, 0, 0, 141, 134, 135, 130, 157][below(this.#random, 10)];
    const identifier = findOption(update.options, 'mobileNodeIdentifier') as MobilityOption;
    const options = [
      identifier,
      ...(status === 0 ? this.assigned((identifier as { identifier: string }).identifier) : []),
    ];
    this.bench.signal({
      ...acknowledgementOf(update, { status, lifetimeS: 4 * (1 + below(this.#random, 20)) }),
      options,
    });
  }

  #speak(who: ReturnType<typeof mac>): void {
    const { bench } = this;
    const address = autoconfiguredAddress(lnp, mac(1 + below(this.#random, 3)));
    const linkLocal = linkLocalAddress(who);
    switch (below(this.#random, 5)) {
      case 0:
        return void bench.seen(address, who);
      case 1:
        return void bench.probes(address, who);
      case 2:
        return void bench.say(routerSolicitation, linkLocal, allRouters, who);
      case 3:
        return void bench.say(neighbourSolicitation(anchorAddress), linkLocal, anchorAddress, who);
      default:
        return void bench.say(neighbourAdvertisement(linkLocal), linkLocal, routerLinkLocal, who);
    }
  }

  #revoke(): void {
    const identifier = `mobile${1 + below(this.#random, 2)}@example.net`;
    this.bench.signal({
      kind: 'bindingRevocationIndication',
      trigger: below(this.#random, 6),
      sequence: this.#step,
      flags: { proxy: true, ipv4HomeAddressOnly: false, global: false },
      options: [{ kind: 'mobileNodeIdentifier', subtype: 1, identifier }],
    });
    assert.ok(this.bench.revocationAnswer, this.#where());
  }

  #release(): void {
    this.bench.give({ kind: 'command', command: { name: 'release', identity: 'mobile1@example.net' } });
  }

  /** kill -9: only what was stored is left. */
  #restart(): void {
    const { bench } = this;
    const records = bench.stored;
    bench.rules.clear();
    bench.ends.clear();
    this.#questions = [];
    Object.assign(bench, { engine: this.#create() });
    bench.give({ kind: 'restored', records });
  }

  #pass(): void {
    const { bench } = this;
    bench.until((bench.now + below(this.#random, 4000) * millisecond) / 1e9);
  }

  #note(): void {
    // One in four is lost, one in four arrives twice.
    for (const update of this.bench.updates)
      for (let n = below(this.#random, 4); n > 1; n--) this.#updates.push(update);
    for (const { transaction } of this.bench.questions)
      if (below(this.#random, 4) > 0) this.#questions.push(transaction);
  }

  /** Rules are those of served visitors; one entry a station; no deadline left behind; what is stored is what is served. */
  #check(): void {
    const { bench } = this;
    const rows = bench.rows;
    const stations = rows.map(row => `${row.link} ${row.station}`);
    assert.equal(new Set(stations).size, stations.length, this.#where());
    const expected = new Set(rows.flatMap(row => String(row.forwards).split(' ').filter(Boolean)));
    const actual = new Set([...bench.rules.keys()].map(key => key.replace(/^(to|from) /, '')));
    assert.deepEqual([...actual].sort(), [...expected].sort(), this.#where());
    assert.equal(bench.rules.size, 2 * expected.size, this.#where());
    assert.equal(bench.ends.size, expected.size, this.#where());
    assert.equal(bench.records.size, rows.filter(row => row.forwards !== '').length, this.#where());
    for (const row of rows)
      if (row.state === 'refused' || row.state === 'awaitingAddress') assert.equal(row.forwards, '', this.#where());
    const { now } = bench;
    bench.give({ kind: 'tick' });
    this.#note();
    assert.ok((bench.engine.deadline ?? Number.POSITIVE_INFINITY) > now, this.#where());
  }

  #take<T>(list: T[]): T | undefined {
    return list.length === 0 ? undefined : list.splice(below(this.#random, list.length), 1)[0];
  }

  #where(): string {
    return `seed ${this.seed}, step ${this.#step}`;
  }
}

function mac(number: number) {
  return parseLinkAddress(`02:00:00:00:00:0${number}`);
}

const seeds = Array.from({ length: 30 }, (_, i) => i + 1);

test('gundavelli §7.1: whatever comes in whatever order, an MPA forwards for its visitors and for nobody else', () => {
  for (const seed of seeds) {
    const chaos = new Chaos(
      seed,
      () => mpaDialect,
      identity => withAddress(parseAddress(identity.startsWith('mobile1') ? 'fd00:a::11' : 'fd00:a::12')),
    );
    chaos.run(300);
    chaos.settle();
  }
});

test('RFC 5213 §6.1: whatever comes in whatever order, a MAG forwards for its visitors and for nobody else', () => {
  for (const seed of seeds) {
    const chaos = new Chaos(
      seed,
      world => magDialect({ timestamps: true }, world),
      identity => [
        {
          kind: 'homeNetworkPrefix',
          address: parseAddress(identity.startsWith('mobile1') ? 'fd00:b::' : 'fd00:c::'),
          length: 64,
        },
      ],
    );
    chaos.run(300);
    chaos.settle();
  }
});
