import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type DeliveredStream, followStream } from '../../test/support/stream.js';
import { parseAddress } from '../base/address.js';
import { milliseconds } from '../base/time.js';
import { schemeNamed } from '../protocol/schemes.js';
import { innermost, rowsOf, type Simulation, Watchdog } from '../sim/index.js';
import { encodeFrame, etherTypeIpv4, etherTypeIpv6 } from '../wire/ethernet.js';
import { isIpv4 } from '../wire/ipv4/header.js';
import type { Packet } from '../wire/ipv6/packet.js';
import type { BindingUpdate } from '../wire/mobility/messages.js';
import { parseScenario } from './parse.js';
import type { SchemeResult } from './result.js';
import { runScheme } from './run.js';
import { flowsOf, simulate } from './simulate.js';

const file = 'scenarios/ipv4-core.yaml';
const shipped = readFileSync(file, 'utf8');
const octets = 3_000_000;
/** When agents wait for no answer any more. */
const restMs = 30_000;

/** What a wire has carried. */
interface Carried {
  readonly link: string;
  readonly at: number;
  readonly etherType: number;
  readonly packet: Packet;
}

function crossed(scheme: string, { text = shipped, overrides = {} } = {}) {
  const parsed = parseScenario(text, { file, overrides });
  assert.ok(parsed.ok);
  const chosen = schemeNamed(scheme);
  assert.ok(chosen);
  const cn = parsed.scenario.nodes.find(({ name }) => name === 'cn');
  assert.ok(cn && cn.role !== 'mobile');
  const carried: Carried[] = [];
  let stream: DeliveredStream | undefined;
  let watchdog: Watchdog | undefined;
  const prepare = (simulation: Simulation) => {
    const links = [...simulation.links.values()];
    watchdog = new Watchdog(simulation);
    stream = followStream(
      links.filter(({ options }) => options.kind === 'access'),
      'mn',
      parseAddress(cn.address),
    );
    for (const link of links)
      link.tap(({ source, destination, packet }, at, moment) => {
        if (moment !== 'sent' || link.options.kind !== 'wire') return;
        const frame = encodeFrame({ source, destination, packet });
        carried.push({ link: link.name, at, etherType: (frame[12] << 8) | frame[13], packet });
      });
  };
  const simulated = simulate(parsed.scenario, chosen, { prepare });
  const [ha, mn] = ['ha', 'mn'].map(name => () => simulated.simulation.nodes.get(name));
  const runTo = (ms: number) => simulated.simulation.run(milliseconds(ms));
  const on = (...links: string[]) => carried.filter(({ link }) => links.includes(link));
  return {
    ...simulated,
    stream: stream as DeliveredStream,
    watchdog: watchdog as Watchdog,
    carried,
    on,
    ha,
    mn,
    runTo,
  };
}

const ipv4Core = ['ha-core4', 'core4-anchor1'];
const ipv6Core = ['ha-core6', 'core6-anchor2'];
const between = (carried: readonly Carried[], fromMs: number, toMs: number) =>
  carried.filter(({ at }) => at >= milliseconds(fromMs) && at < milliseconds(toMs));
const tcpData = (carried: readonly Carried[]) =>
  carried.filter(({ packet }) => {
    const { payload } = innermost(packet);
    return payload.kind === 'tcp' && payload.data.length > 0;
  });

for (const scheme of ['lma6-2', 'lma6-3'])
  test(`D02-1.1-06, D02-3.3-02: a download goes on across a core of IPv4 alone, through a move, and over IPv6 after the next, under ${scheme}`, () => {
    const w = crossed(scheme);
    const careOf = () => rowsOf(w.simulation.nodes.get('ha') as never, 'bindings').map(row => row.careOf);
    w.runTo(3900);
    const first = careOf();
    const before = w.stream.complete;
    w.runTo(6400);
    const second = careOf();
    const across = w.stream.complete;
    w.runTo(14_000);
    const third = careOf();
    const [download] = flowsOf(w.flows, 'tcp');
    assert.deepEqual([first.length, second.length, third.length], [1, 1, 1]);
    // Below the upper agent of a hierarchy the home agent is not told of the first move.
    assert.equal(first[0] === second[0], scheme === 'lma6-3');
    assert.notEqual(second[0], third[0]);
    assert.ok(before > 100_000 && across > before + 100_000, `${before}, then ${across}`);
    assert.deepEqual([download.record.acknowledgedOctets, w.stream.complete, w.stream.wrong], [octets, octets, 0]);
    assert.ok(w.on(...ipv4Core).every(({ etherType }) => etherType === etherTypeIpv4));
    assert.ok(w.on(...ipv6Core).every(({ etherType }) => etherType === etherTypeIpv6));
    for (const link of ipv4Core) assert.ok(tcpData(between(w.on(link), 3000, 6500)).length > 1000);
    assert.deepEqual(tcpData(between(w.on(...ipv6Core), 0, 6500)), []);
    for (const link of ipv6Core) assert.ok(tcpData(between(w.on(link), 6600, 14_000)).length > 200);
    assert.deepEqual(tcpData(between(w.on(...ipv4Core), 7500, 14_000)), []);
    w.runTo(restMs);
    assert.deepEqual(w.watchdog.atRest(), []);
  });

for (const [protection, phases, scheme] of [
  ['esp', 1, 'lma6-2'],
  ['esp', 2, 'lma6-3'],
  ['rfc4285', 2, 'lma6-2'],
  ['rfc4285', 1, 'lma6-4'],
] as const)
  test(`D02-1.1-06: a download crosses a core of IPv4 alone in ${phases} phases under ${protection}, ${scheme}`, () => {
    const text = shipped
      .replace(/^durationMs:/m, `protection: ${protection}\ndurationMs:`)
      .replace(/^parameters:/m, `parameters:\n  lmaTwoPhases: ${phases - 1}`);
    const w = crossed(scheme, { text });
    w.runTo(6500);
    const across = w.stream.complete;
    assert.ok(across > 200_000, `${across}`);
    w.runTo(14_000);
    assert.deepEqual([w.stream.complete, w.stream.wrong], [octets, 0]);
    assert.ok(w.on(...ipv4Core).every(({ etherType }) => etherType === etherTypeIpv4));
    w.runTo(restMs);
    assert.deepEqual(w.watchdog.atRest(), []);
  });

test('issue 5: handovers across a core of IPv4 alone, and from it to one of IPv6, take what they take on paper', () => {
  const parsed = parseScenario(shipped, { file, overrides: { intervalMs: 1 } });
  assert.ok(parsed.ok);
  for (const name of ['lma6-2', 'lma6-3', 'lma6-4']) {
    const scheme = schemeNamed(name);
    assert.ok(scheme);
    const { handovers }: SchemeResult = runScheme(parsed.scenario, scheme).result;
    assert.equal(handovers.length, 2);
    for (const { to, gapMs, closedFormMs } of handovers) {
      const more = (gapMs ?? Number.NaN) - (closedFormMs ?? Number.NaN);
      assert.ok(more >= 0 && more <= 1, `${name} to ${to}: ${gapMs} ms, ${closedFormMs} on paper`);
    }
  }
});

/** Binding Updates in a packet, the outermost first. */
function updatesIn(packet: Packet): BindingUpdate[] {
  const { payload } = innermost(packet);
  if (payload.kind !== 'mobility') return [];
  const nested = payload.nested === undefined ? [] : updatesIn(payload.nested);
  return payload.message.kind === 'bindingUpdate' ? [payload.message, ...nested] : nested;
}

function asksForIpv4({ options }: BindingUpdate): boolean {
  return options.some(
    option => option.kind === 'vendorSpecific' && option.content.kind === 'tunnelRequest' && option.content.flags.ipv4,
  );
}

test('D02-3.1-09: inner and outer update ask for an IPv4 tunnel where the agent offers one, and neither does where it does not', () => {
  const w = crossed('lma6-2');
  w.runTo(9000);
  const sent = w.trace.flatMap(({ at, node, event }) =>
    node === 'mn' && event.event === 'message' && event.direction === 'sent'
      ? [{ at, updates: updatesIn(event.packet) }]
      : [],
  );
  const nested = sent.filter(({ updates }) => updates.length === 2);
  const asked = nested.map(({ at, updates }) => [at < milliseconds(6500), ...updates.map(asksForIpv4)]);
  assert.ok(asked.some(([isEarly]) => isEarly) && asked.some(([isEarly]) => !isEarly));
  for (const [isEarly, outer, inner] of asked) assert.deepEqual([outer, inner], [isEarly, isEarly]);
});

test('D02-2.1-Opt3-06: each hop of a hierarchy goes by IPv4 where both its agents can, and by IPv6 where one cannot', () => {
  const text = shipped.replace('ipv4Address: 10.1.0.2, ', '');
  assert.notEqual(text, shipped);
  const w = crossed('lma6-3', { text });
  w.runTo(14_000);
  const family = (link: string, fromMs: number, toMs: number) => [
    ...new Set(tcpData(between(w.on(link), fromMs, toMs)).map(({ packet }) => outerFamily(packet))),
  ];
  assert.deepEqual(family('core4-anchor1', 3000, 6500), [4]);
  assert.deepEqual(family('anchor1-ar1', 3000, 4000), [4]);
  assert.deepEqual(family('anchor1-ar2', 4100, 6500), [6]);
  assert.deepEqual([w.stream.complete, w.stream.wrong], [octets, 0]);
});

test('D02-1-01: without agents nothing crosses such a core, and the mobile is reached where IPv6 leads', () => {
  const w = crossed('lma6-1');
  w.runTo(6500);
  assert.equal(w.stream.complete, 0);
  w.runTo(14_000);
  assert.ok(w.stream.complete > 0);
  assert.deepEqual(w.on(...ipv4Core), []);
});

function outerFamily(packet: Packet): 4 | 6 {
  return isIpv4(packet) ? 4 : 6;
}

for (const [node, stateLost] of [
  ['ha', false],
  ['ar1', false],
  ['ar1', true],
] as const)
  test(`issue 5: a download across a core of IPv4 alone survives a crash of ${node}${stateLost ? ', which forgets all' : ''}`, () => {
    const fault = `{ kind: crash, node: ${node}, atMs: 4000, restartMs: 4100, stateLost: ${stateLost} }`;
    const stays = shipped.replace(/^ .*to: ar[23],.*$/gm, '');
    const w = crossed('lma6-2', { text: `${stays}\nfaults:\n  - ${fault}\n` });
    w.runTo(4100);
    const before = w.stream.complete;
    assert.ok(before > 100_000 && before < octets / 2, `${before}`);
    w.runTo(14_000);
    assert.deepEqual([w.stream.complete, w.stream.wrong], [octets, 0]);
    w.runTo(restMs);
    assert.deepEqual(w.watchdog.atRest(), []);
  });
