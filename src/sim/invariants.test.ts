import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  accessCell,
  addressA,
  addressB,
  datagram,
  ms,
  pair,
  puppet,
  routed,
  ScriptedEngine,
} from '../../test/support/network.js';
import { parseAddress } from '../base/address.js';
import { formatLinkAddress } from '../base/link-address.js';
import { hostPrefix } from '../base/prefix.js';
import type { Row } from '../protocol/contract.js';
import { Watchdog } from './invariants.js';
import type { Node } from './node.js';

function shows(node: Node, view: string, ...rows: Row[]): void {
  const engine = new ScriptedEngine();
  node.addEngine(() => Object.assign(engine, { views: { [view]: () => rows } }));
}

function found(watchdog: Watchdog): string[] {
  return watchdog.atRest().map(({ invariant, node }) => `${invariant} at ${node}`);
}

const identity = 'mobile@example.org';
const binding = { identity, home: 'fd00:b::5/128', careOf: 'fd00:f::2', state: 'registered' };

test('a run in which all is well has no violations', () => {
  const { simulation, a, b } = routed();
  const watchdog = new Watchdog(simulation);
  simulation.cbr({ from: a, to: b, interval: ms, size: 64, start: 0, stop: 50 * ms });
  simulation.run(100 * ms);
  assert.deepEqual(found(watchdog), []);
});

test('no-loop: a packet that goes round until its hop limit is gone', () => {
  const { simulation, a, b, router, records } = routed();
  const watchdog = new Watchdog(simulation);
  const back = puppet(router);
  const [home] = b.addresses();
  back({
    kind: 'forward',
    rule: { to: hostPrefix(home), via: { kind: 'link', link: 'left', neighbour: a.interfaces[0].linkAddress } },
  });
  const other = puppet(a);
  other({
    kind: 'forward',
    rule: {
      to: hostPrefix(home),
      via: { kind: 'link', link: 'eth0', neighbour: router.interface('left').linkAddress },
    },
  });
  Object.assign(a.stack ?? {}, { forwarding: true });
  simulation.cbr({ from: a, to: b, interval: ms, size: 64, start: 0, stop: 1 * ms });
  simulation.run(1000 * ms);
  assert.deepEqual(
    watchdog.violations.map(({ invariant }) => invariant),
    ['no-loop'],
  );
  assert.equal(records.filter(({ event }) => event.event === 'violation').length, 1);
});

test('right-node: a flow’s packet that comes to a host it is not for', () => {
  const { simulation, a, b, router, right } = routed();
  const watchdog = new Watchdog(simulation);
  const stranger = simulation.addNode({ name: 'stranger', dadTransmits: 0 });
  const port = stranger.attach(right, { name: 'eth0', addresses: [{ address: addressB, length: 128 }] });
  puppet(router)({
    kind: 'forward',
    rule: { to: hostPrefix(b.addresses()[0]), via: { kind: 'link', link: 'right', neighbour: port.linkAddress } },
  });
  simulation.cbr({ from: a, to: b, interval: ms, size: 64, start: 0, stop: 1 * ms });
  simulation.run(100 * ms);
  assert.deepEqual(found(watchdog), ['right-node at stranger', 'no-leak at router']);
});

test('one-place: two anchors that hold the same home', () => {
  const { simulation, a, b } = pair();
  shows(a, 'bindings', binding);
  shows(b, 'bindings', binding);
  const watchdog = new Watchdog(simulation);
  assert.ok(found(watchdog).includes('one-place at b'));
});

test('agreement: anchor, gateway and link say the same', () => {
  const verdicts = [
    { tunnelSource: 'fd00:f::2', attached: true },
    { tunnelSource: 'fd00:f::3', attached: true },
    { tunnelSource: 'fd00:f::2', attached: false },
  ].map(({ tunnelSource, attached }) => {
    const { simulation, gateway, cell, mobile } = accessCell();
    const anchor = simulation.addNode({ name: 'anchor', forwarding: true });
    shows(anchor, 'bindings', binding);
    const station = formatLinkAddress(mobile.interface('wlan0').linkAddress);
    shows(gateway, 'visitors', { identity, station, link: 'ap0', state: 'registered', tunnelSource });
    if (attached) mobile.roam('wlan0', { to: cell });
    simulation.run(10 * ms);
    return found(new Watchdog(simulation));
  });
  assert.deepEqual(verdicts, [[], ['agreement at anchor', 'agreement at gateway'], ['agreement at gateway']]);
});

test('agreement: an anchor’s binding leads down the local mobility agents to the link or the address of the mobile', () => {
  const home = 'fd00:b::5';
  const visit = (agent: string, careOf: string): Row => ({ home, agent, careOf, state: 'registered' });
  const verdicts = [
    // To the agent on the link of the mobile, by way of another; to one that does not have it; to each other.
    [visit('fd00:f::1', 'fd00:f::2'), visit('fd00:f::2', 'fd00:f::2')],
    [visit('fd00:f::1', 'fd00:f::2')],
    [],
    [visit('fd00:f::1', 'fd00:f::2'), visit('fd00:f::2', 'fd00:f::1')],
  ].flatMap(visits =>
    [true, false].map(attached => {
      const { simulation, gateway, cell, mobile } = accessCell({}, { addresses: [parseAddress(home)] });
      const upper = simulation.addNode({ name: 'upper', forwarding: true, addresses: [parseAddress('fd00:f::1')] });
      const elsewhere = simulation.addNode({ name: 'elsewhere', forwarding: true });
      const other = simulation.addLink({ name: 'other', kind: 'access', delay: 0 });
      elsewhere.attach(other, { name: 'ap0' });
      const anchor = simulation.addNode({ name: 'anchor', forwarding: true });
      puppet(gateway)({ kind: 'configure', address: parseAddress('fd00:f::2') });
      shows(anchor, 'bindings', { home, careOf: 'fd00:f::1', state: 'registered' });
      shows(upper, 'bindings', ...visits.filter(({ agent }) => agent === 'fd00:f::1'));
      shows(gateway, 'bindings', ...visits.filter(({ agent }) => agent === 'fd00:f::2'));
      shows(mobile, 'registrations', { home, peer: 'fd00::1', state: 'registered' });
      mobile.roam('wlan0', { to: attached ? cell : other });
      simulation.run(10 * ms);
      return found(new Watchdog(simulation));
    }),
  );
  const wrong = ['agreement at anchor'];
  assert.deepEqual(verdicts, [[], wrong, wrong, wrong, wrong, wrong, wrong, wrong]);
});

test('no-leak: rules, tunnel ends, parked packets and waiting packets that are for nobody', () => {
  const { simulation, a } = pair({ neighbourDiscovery: true });
  const to = hostPrefix(addressB);
  const watchdog = new Watchdog(simulation);
  const ask = puppet(a);
  ask(
    { kind: 'forward', rule: { to, via: { kind: 'park', limitOctets: 1000 } } },
    { kind: 'admit', end: { local: addressA, remote: addressB, from: to } },
  );
  a.stack?.output(datagram(addressA, addressB));
  assert.deepEqual(
    watchdog.atRest().map(({ detail }) => detail),
    ['100 octets parked', '1 forwarding rules for nobody', '1 tunnel ends for nobody'],
  );
  ask({ kind: 'unforward', to }, { kind: 'unadmit', end: { local: addressA, remote: addressB, from: to } });
  // What an anchor owns and nobody has.
  ask({ kind: 'forward', rule: { to, via: { kind: 'drop' } } });
  assert.deepEqual(found(new Watchdog(simulation)), []);
});
