import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseAddress } from '../base/address.js';
import { autoconfiguredAddress, parseLinkAddress } from '../base/link-address.js';
import { parsePrefix } from '../base/prefix.js';
import { milliseconds } from '../base/time.js';
import type { Engine, Output } from '../protocol/contract.js';
import { schemeNamed } from '../protocol/schemes.js';
import { type FlowRecord, type Link, type Node, Watchdog } from '../sim/index.js';
import { parseScenario } from './parse.js';
import { flowsOf, type SimulatedScenario, simulate } from './simulate.js';

const text = readFileSync('scenarios/comparison.yaml', 'utf8');

interface Options {
  readonly scheme?: string;
  /** Lines of the scenario's `movement`. */
  readonly moves: readonly string[];
  readonly parameters?: Readonly<Record<string, number>>;
  readonly dad?: number;
  readonly prepare?: (simulated: SimulatedScenario) => void;
}

/** The comparison's network with other moves, run to its end. */
function run({ scheme = 'fmip6', moves, parameters = {}, dad = 0, prepare }: Options) {
  const movement = ['{ mobile: mn, atMs: 0, to: ar1 }', ...moves].map(move => `  - ${move}`).join('\n');
  const more = Object.entries(parameters).map(([name, value]) => `\n  ${name}: ${value}`);
  const adapted = text
    .replace(/movement:\n( {2}- .*\n)+/, `movement:\n${movement}\n`)
    .replace('parameters:', `parameters:${more.join('')}`);
  const parsed = parseScenario(adapted, { file: 'comparison.yaml', overrides: { dad } });
  assert.ok(parsed.ok, JSON.stringify(parsed));
  const found = schemeNamed(scheme);
  assert.ok(found);
  const simulated = simulate(parsed.scenario, found);
  const watchdog = new Watchdog(simulated.simulation);
  prepare?.(simulated);
  simulated.simulation.run(milliseconds(parsed.scenario.durationMs));
  assert.deepEqual(watchdog.violations, []);
  const [down, up] = ['down', 'up'].map(name => flow(simulated, name));
  return { simulated, down, up };
}

function flow(simulated: SimulatedScenario, name: string): FlowRecord {
  const measured = flowsOf(simulated.flows, 'cbr').find(({ traffic }) => traffic.name === name);
  assert.ok(measured);
  return measured.record;
}

function link(simulated: SimulatedScenario, name: string): Link {
  return simulated.simulation.links.get(name) as Link;
}

function node(simulated: SimulatedScenario, name: string): Node {
  return simulated.simulation.nodes.get(name) as Node;
}

function lost({ sent, received }: FlowRecord): number {
  return sent - received;
}

/** Packets that came between these times after one that was sent later. */
function reordered({ receivedAt }: FlowRecord, fromMs: number, untilMs: number): number {
  const times = [...receivedAt].filter(at => at >= milliseconds(fromMs) && at < milliseconds(untilMs));
  return times.filter((at, i) => i > 0 && at < times[i - 1]).length;
}

function counter(simulated: SimulatedScenario, name: string, count: string): number {
  return node(simulated, name).engines.reduce((sum, { counters }) => sum + (counters[count] ?? 0), 0);
}

const toSecond = '{ mobile: mn, atMs: 4000.5, to: ar2, l2GapMs: 50, predictedMs: 100 }';

test('RFC 4140 Appendix A [H4140-AppA-05, H4140-AppA-07, H4140-AppA-15]: a handover that the network foresees loses nothing either', () => {
  for (const scheme of ['fmip6', 'fhmip6']) {
    const { down, simulated } = run({ scheme, moves: [toSecond.replace(' }', ', predictedBy: network }')] });
    assert.equal(lost(down), 0, scheme);
    assert.equal(reordered(down, 4000, 4090), 0, scheme);
    assert.equal(counter(simulated, 'ar1', 'proxySolicitations'), 1, 'the wildcard on arrival');
    assert.ok(counter(simulated, 'ar1', 'proxyAdvertisements') > 1);
  }
});

test('RFC 5568 §4: buffered packets come in their order, and each once', () => {
  const { down } = run({ moves: [toSecond] });
  // From leaving to when the home agent knows: what comes then comes another way.
  assert.deepEqual([lost(down), reordered(down, 4000, 4090), down.duplicates], [0, 0, 0]);
});

test('RFC 5568 §5.4: without buffering what comes before the mobile is lost, and no more', () => {
  const { down } = run({ moves: [toSecond], parameters: { handoverBuffer: 0 } });
  // From the redirection, 2(w+p) after the trigger less the way to the new router, until the announcement.
  const [w, p, l2GapMs, predictedMs] = [2, 4, 50, 100];
  const redirectedMs = w + 2 * p;
  const lostMs = predictedMs - redirectedMs - p + l2GapMs + w;
  assert.ok(Math.abs(lost(down) - lostMs) <= 1, `${lost(down)} lost, on paper ${lostMs}`);
});

test('RFC 5568 §5.6 [H4140-AppA-18]: ping-pong: back and forth at intervals of a few hundred milliseconds, nothing is lost', () => {
  for (const scheme of ['fmip6', 'fhmip6']) {
    const there = (atMs: number, to: string) =>
      `{ mobile: mn, atMs: ${atMs}, to: ${to}, l2GapMs: 20, predictedMs: 100 }`;
    const moves = [4000.5, 4400.5, 4800.5, 5200.5].map((atMs, i) => there(atMs, i % 2 === 0 ? 'ar2' : 'ar1'));
    const { down, up } = run({ scheme, moves });
    assert.deepEqual([lost(down), lost(up)], [0, 0], scheme);
  }
});

test('RFC 5568 §5.6 [H4140-AppA-18]: a handover called off: packets come the old way again when the mobile says so', () => {
  for (const scheme of ['fmip6', 'fhmip6']) {
    const { down, simulated } = run({
      scheme,
      moves: [],
      prepare: run => node(run, 'mn').foresee('wlan0', { at: milliseconds(3500), to: link(run, 'ar2-radio') }),
    });
    // Redirected for the two seconds in which the move was believed in.
    assert.ok(lost(down) > 1900 && lost(down) < 2100, `${scheme}: ${lost(down)}`);
    const anchor = scheme === 'fmip6' ? 'ar1' : 'anchor1';
    assert.equal(counter(simulated, anchor, 'handoversCancelled'), 1);
    assert.equal(counter(simulated, 'ar2', 'handoversMissed'), 1);
  }
});

test('RFC 4140 Appendix A [H4140-AppA-18, H4140-AppA-19, H4140-AppA-20]: with simultaneous bindings a handover called off loses nothing, and one that comes about has its duplicates counted', () => {
  const parameters = { simultaneousMs: 3000 };
  const called = run({
    scheme: 'fhmip6',
    moves: [],
    parameters,
    prepare: run => node(run, 'mn').foresee('wlan0', { at: milliseconds(3500), to: link(run, 'ar2-radio') }),
  });
  assert.deepEqual([lost(called.down), called.down.duplicates], [0, 0]);
  const moved = run({ scheme: 'fhmip6', moves: [toSecond], parameters });
  assert.equal(lost(moved.down), 0);
  assert.ok(moved.down.duplicates > 50, `${moved.down.duplicates}: what came on the old link comes on the new as well`);
});

test('RFC 5568 §5.6: a mobile that comes to another router than was foreseen has its packets there', () => {
  const { down, simulated } = run({
    moves: ['{ mobile: mn, atMs: 4000.5, to: ar3, l2GapMs: 50 }'],
    prepare: run => node(run, 'mn').foresee('wlan0', { at: milliseconds(3900), to: link(run, 'ar2-radio') }),
  });
  // What went to the wrong router: from the redirection until the right one is known.
  const [w, p, far, l2GapMs, predictedMs] = [2, 4, 30, 50, 100];
  const lostMs = predictedMs - (w + 2 * p) + l2GapMs + w + 3 * far;
  assert.ok(Math.abs(lost(down) - lostMs) <= 2, `${lost(down)} lost, on paper ${lostMs}`);
  assert.equal(counter(simulated, 'ar2', 'handoversMissed'), 1);
  assert.equal(counter(simulated, 'ar3', 'handoversAnnounced'), 0, 'it was there before it was announced');
});

test('RFC 4140 Appendix A [H4140-AppA-09, H4140-AppA-10]: where somebody has the new address the mobile goes on with the old one, and loses nothing', () => {
  for (const scheme of ['fmip6', 'fhmip6'])
    for (const dad of [1, 0]) {
      const { down, simulated } = run({ scheme, moves: [toSecond], dad, prepare: squat });
      assert.equal(lost(down), 0, `${scheme}, ${dad ? 'with' : 'without'} Duplicate Address Detection`);
      assert.equal(counter(simulated, 'ar2', 'addressesInUse'), 1);
      assert.equal(counter(simulated, 'ar2', 'handoversArrived'), 1);
    }
});

/** Somebody on the second router's link who has the address that the mobile will want, and says so. */
function squat(simulated: SimulatedScenario): void {
  const linkAddress = parseLinkAddress('02:00:00:00:99:99');
  const { accessRouters, mobiles } = simulated.network;
  const prefix = parsePrefix(accessRouters[1].prefix);
  const address = autoconfiguredAddress(prefix, parseLinkAddress(mobiles[0].linkAddress));
  const squatter = simulated.simulation.addNode({ name: 'squatter', dadTransmits: 0 });
  squatter.attach(link(simulated, 'ar2-radio'), { name: 'wlan0', linkAddress, addresses: [{ address, length: 64 }] });
  const message = {
    kind: 'neighbourAdvertisement',
    code: 0,
    flags: { router: false, solicited: false, override: true },
    target: address,
    options: [{ kind: 'targetLinkLayerAddress', address: linkAddress }],
  } as const;
  const destination = parseAddress('ff02::1');
  const packet = { source: address, destination, hopLimit: 255, payload: { kind: 'icmpv6', message } } as const;
  squatter.addEngine(() => new Once([{ kind: 'send', packet, link: 'wlan0' }]));
}

/** Says something at the start, and nothing after. */
class Once implements Engine {
  readonly interests = { protocols: [], accessLinks: [], udpPorts: [] };
  readonly views = {};
  readonly counters = {};
  readonly #outputs: readonly Output[];
  #said = false;

  constructor(outputs: readonly Output[]) {
    this.#outputs = outputs;
  }

  get deadline(): number | undefined {
    return this.#said ? undefined : 1;
  }

  handle(): Output[] {
    if (this.#said) return [];
    this.#said = true;
    return [...this.#outputs];
  }
}

test('RFC 5568 §5.6, §6.2.1.1: with signalling lost between the routers the mobile still gets on, as if there were no fast handovers', () => {
  const { down, up, simulated } = run({
    moves: [toSecond],
    prepare: run => {
      for (const name of ['ar1-ar2', 'anchor1-ar2']) link(run, name)?.partition(milliseconds(3900), milliseconds(4900));
    },
  });
  assert.ok(lost(down) > 0);
  assert.equal(counter(simulated, 'ar1', 'handoversFailed'), 1);
  const last = down.receivedAt.findLastIndex(at => at > 0);
  assert.equal(last, down.sent - 1, 'packets come to the end');
  assert.ok(up.received > 0.7 * up.sent);
});
