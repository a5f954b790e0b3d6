import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anchorAddress, GatewayBench, gatewayAddress, gatewayConfig } from '../../../test/support/gateway.js';
import { environment, epochS } from '../../../test/support/signalling.js';
import { type Address, formatAddress, parseAddress } from '../../base/address.js';
import { formatLinkAddress, parseLinkAddress } from '../../base/link-address.js';
import { formatPrefix, type Prefix, parsePrefix } from '../../base/prefix.js';
import { type Random, seededRandom, uniform } from '../../base/random.js';
import { second } from '../../base/time.js';
import type { Input, Output, Row } from '../contract.js';
import { Gateway } from '../gateway/gateway.js';
import { magDialect } from '../pmip6/mag.js';
import { withBypass } from './bypass.js';
import { writeMessage } from './codec.js';
import type { Message } from './messages.js';

const seeds = 20;
const steps = 250;

const anchors = [anchorAddress, parseAddress('fd00:e::2')];
const gateways = ['fd00:e::12', 'fd00:e::13'].map(parseAddress);
const strangers = ['fd00:e::99', 'fd00:c::c'].map(parseAddress);
/** Whose home each is: the first ones are those of stations that come here. */
const homes = [0, 1, 2, 3, 4].map(i => parsePrefix(`fd00:a:0:${i + 1}::/64`));
const stations = [0, 1, 2].map(i => parseLinkAddress(`02:00:00:00:00:0${i + 1}`));
const bypass = { domain: [parsePrefix('fd00:a::/32')], anchors, gateways, homeLength: 64, idleS: 10, previousS: 5 };

/** One gateway, and everything that may be said to it, true or not. */
class Scene {
  readonly bench: GatewayBench;
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = seededRandom(seed, 'bypass');
    const world = environment(0, `${seed}`);
    const config = {
      ...gatewayConfig,
      addressesPerMobile: 0,
      lifetimeS: 40,
      departureDelayS: 2,
      distributed: true,
      bypass,
    };
    this.bench = new GatewayBench(
      withBypass(config, world, made => new Gateway(config, magDialect({ timestamps: true }, world), world, made)),
    );
  }

  run(): void {
    this.bench.until(0);
    for (let i = 0; i < steps; i++) {
      this.bench.until(this.bench.now / second + this.#pick([0, 0.01, 0.3, 2, 6]));
      this.#happen();
      this.#compare();
    }
    for (const station of stations) this.bench.detach(station);
    this.bench.until(this.bench.now / second + 200);
    this.#compare();
  }

  #happen(): void {
    const station = this.#index(stations);
    switch (Math.floor(uniform(this.#random, 0, 9))) {
      case 0:
        return this.#arrive(station);
      case 1:
        this.bench.detach(stations[station]);
        return;
      case 2:
      case 3:
        return this.#give({ ...this.#told(), kind: 'bypass', gateway: this.#gateway(), source: this.#pick(homes) });
      case 4:
      case 5:
        return this.#give({ ...this.#told(), kind: 'bypass', gateway: this.#gateway() });
      case 6: {
        const to = this.#pick([
          { kind: 'gateway', address: this.#gateway() },
          { kind: 'anchor', address: this.#pick(anchors) },
        ] as const);
        return this.#give({ ...this.#told(), kind: 'location', to, answered: false });
      }
      default:
        this.#flow();
    }
  }

  /** It is registered at once, refused, or not answered. */
  #arrive(i: number): void {
    const b = this.bench;
    b.attach(stations[i]);
    const anchor = this.#pick([anchors[0], anchors[0], anchors[1]]);
    if (b.questions.length === 0) return;
    b.authenticate({ identity: `mn${i}@example.net`, addressing: ['slaac'], prefix: homes[i], anchor });
    const update = b.updates.at(-1);
    const status = this.#pick([0, 0, 0, 128, undefined]);
    if (!update || status === undefined) return;
    const options = update.options.filter(({ kind }) => kind !== 'timestamp');
    const flags = { keyManagement: false, router: false, proxy: true, tlvHeader: false, bulkRevocation: false };
    const { sequence, lifetimeS } = update;
    b.signal({ kind: 'bindingAcknowledgement', status, flags, sequence, lifetimeS, options } as never, anchor);
  }

  #told() {
    const nowMs = epochS * 1000 + this.bench.now / 1e6;
    return {
      sequence: 1,
      homes: [this.#pick(homes)],
      timestampMs: Math.round(nowMs + this.#pick([-3000, -10, 0, 10])),
      lifetimeS: this.#pick([0, 4, 40]),
    };
  }

  #give(message: Message): void {
    this.bench.signal(writeMessage(message), this.#pick([...anchors, anchors[0], ...gateways, ...strangers]));
  }

  #flow(): void {
    const destination = this.#pick(homes).address;
    const remote = this.#pick([...anchors, ...gateways, undefined]);
    const via = remote && { via: { local: gatewayAddress, remote } };
    const flow: Input = { kind: 'flow', source: this.#pick(homes).address, destination, ...via };
    this.bench.give(flow);
  }

  /** Rules are those of the views, and lead to nobody but this gateway's stations, LMAs and gateways of the domain. */
  #compare(): void {
    const expected = new Map<string, string>();
    for (const { forwards, link, station, tunnelSource, anchor } of this.bench.rows)
      for (const home of String(forwards).split(' ').filter(Boolean)) {
        expected.set(`to ${home}`, `${link} ${station}`);
        expected.set(`from ${home}`, `${tunnelSource} ${anchor}`);
      }
    for (const { home, gateway } of this.#rows('departed'))
      expected.set(`to ${home}`, `${formatAddress(gatewayAddress)} ${gateway}`);
    for (const { source, home, gateway } of this.#rows('bypasses')) {
      assert.ok(expected.has(`from ${source}`), `what nobody here sends goes to ${gateway}`);
      expected.set(`to ${home} from ${source} intercepts`, `${formatAddress(gatewayAddress)} ${gateway}`);
    }
    assert.deepEqual(new Map([...this.bench.rules.values()].map(ruleText).sort()), new Map([...expected].sort()));
    for (const { gateway } of [...this.#rows('departed'), ...this.#rows('bypasses')])
      assert.ok(gateways.map(formatAddress).includes(String(gateway)));
  }

  get isEmpty(): boolean {
    const { engine, rules } = this.bench;
    return rules.size === 0 && engine.deadline === undefined && this.#rows('departed').length === 0;
  }

  #rows(view: string): Row[] {
    return [...this.bench.engine.views[view]()];
  }

  #gateway(): Address {
    return this.#pick([...gateways, ...gateways, gatewayAddress, strangers[0]]);
  }

  #index(all: readonly unknown[]): number {
    return Math.floor(uniform(this.#random, 0, all.length));
  }

  #pick<T>(all: readonly T[]): T {
    return all[this.#index(all)];
  }
}

function ruleText(output: Output): [string, string] {
  assert.ok(output.kind === 'forward');
  const { to, from, via, intercepts } = output.rule;
  const named = (word: string, prefix: Prefix | undefined) => (prefix ? [`${word} ${formatPrefix(prefix)}`] : []);
  const key = [...named('to', to), ...named('from', from), ...(intercepts ? ['intercepts'] : [])].join(' ');
  assert.ok(via.kind === 'tunnel' || via.kind === 'link');
  if (via.kind === 'tunnel') return [key, `${formatAddress(via.local)} ${formatAddress(via.remote)}`];
  assert.ok(via.neighbour);
  return [key, `${via.link} ${formatLinkAddress(via.neighbour)}`];
}

test('C03-5.4-06, C03-5.1.2-02: whatever a gateway is told, by whom and in whatever order, its rules are what it shows, lead only to gateways of the domain, and end', () => {
  let direct = 0;
  for (let seed = 0; seed < seeds; seed++)
    try {
      const scene = new Scene(seed);
      scene.run();
      assert.ok(scene.isEmpty, 'something is left');
      direct += scene.bench.engine.counters.bypassesTaken;
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  assert.ok(direct > seeds, 'something was taken');
});
