import assert from 'node:assert/strict';
import { test } from 'node:test';
import { datagram, ms, observed, on, ScriptedEngine, sentOn } from '../../test/support/network.js';
import { type Address, formatAddress, parseAddress } from '../base/address.js';
import { hostPrefix, type Prefix, parsePrefix } from '../base/prefix.js';
import type { ForwardingRule, Output, Via } from '../protocol/contract.js';
import type { Node } from './node.js';
import type { DropReason } from './trace.js';

const gatewayAddress = parseAddress('fd00:b::2');
const anchorAddress = parseAddress('fd00:b::1');
const [one, two, nobody] = ['fd00:a::1', 'fd00:a::2', 'fd00:a::3'].map(parseAddress);
const correspondent = parseAddress('fd00:c::1');

/** Two stations on the access links of one gateway, whose engine says what the test tells it, and a wire to the anchor. */
function gatewayWithTwo({ apart = false } = {}) {
  const world = observed();
  const { simulation } = world;
  const gateway = simulation.addNode({ name: 'gateway', forwarding: true });
  const cells = ['ap0', 'ap1'].map(name => simulation.addLink({ name, kind: 'access', delay: 1 * ms }));
  for (const cell of cells) gateway.attach(cell, { name: cell.name });
  const core = simulation.addLink({ name: 'core', kind: 'wire', delay: 1 * ms });
  gateway.attach(core, { name: 'core', addresses: [on('fd00:b::2/64')] });
  const anchor = simulation.addNode({ name: 'anchor', forwarding: true });
  anchor.attach(core, { name: 'core', addresses: [on('fd00:b::1/64')] });
  const stations = ['one', 'two'].map((name, i) => {
    const node = simulation.addNode({ name, dadTransmits: 0 });
    node.attach(apart ? cells[i] : cells[0], { name: 'wlan0' });
    return node;
  });
  let pending: Output[] = [];
  const engine = new ScriptedEngine({ accessLinks: ['ap0', 'ap1'] }, () => pending.splice(0));
  gateway.addEngine(() => engine);
  const perform = (...outputs: Output[]) => {
    pending = outputs;
    gateway.stack?.engines[0].handle({ kind: 'tick' });
  };
  const frames = { radio: sentOn(cells[0]), core: sentOn(core) };
  const tunnelled = () =>
    frames.core.flatMap(({ packet: { payload } }) => (payload.kind === 'ipv6' ? [payload.packet] : []));
  /** A packet in a frame to the gateway. */
  const say = (from: Node, source: Address, destination: Address) => {
    const port = from.interface('wlan0');
    port.send(gateway.interface(port.link?.name ?? '').linkAddress, datagram(source, destination), 64, 100);
    simulation.run(simulation.now + 10 * ms);
  };
  /** What comes out of the tunnel from the anchor, or from the wire. */
  const arrive = (source: Address, destination: Address) => {
    gateway.stack?.relay(datagram(source, destination), 64, 100);
    simulation.run(simulation.now + 10 * ms);
  };
  const dropped = (): DropReason[] => world.drops().flatMap(({ node, reason }) => (node === 'gateway' ? reason : []));
  const seen = () =>
    engine.inputs.flatMap(({ input }) => (input.kind === 'seen' ? [formatAddress(input.address)] : []));
  return { ...world, gateway, stations, frames, tunnelled, perform, say, arrive, dropped, seen };
}

const tunnel: Via = { kind: 'tunnel', local: gatewayAddress, remote: anchorAddress };
function toStation(station: Node, to: Prefix, link = 'ap0'): Output {
  const neighbour = station.interface('wlan0').linkAddress;
  return { kind: 'forward', rule: { to, via: { kind: 'link', link, neighbour } } };
}
function rule(given: ForwardingRule): Output {
  return { kind: 'forward', rule: given };
}
function serving(station: Node, address: Address, link = 'ap0'): Output[] {
  return [toStation(station, hostPrefix(address), link), rule({ from: hostPrefix(address), via: tunnel })];
}

test('gundavelli §7.3 [G00-7.3-03] [G00-7.3-02]: between two mobiles of one gateway packets take the tunnel to the anchor, and back', () => {
  const { stations, frames, tunnelled, perform, say, arrive, dropped } = gatewayWithTwo();
  perform(...serving(stations[0], one), ...serving(stations[1], two));
  say(stations[0], one, two);
  assert.deepEqual(
    tunnelled().map(({ source, destination }) => [source, destination]),
    [[one, two]],
  );
  assert.equal(frames.radio.length, 1);
  arrive(one, two);
  assert.equal(frames.radio.length, 2);
  assert.equal(frames.radio[1].frame.destination, stations[1].interface('wlan0').linkAddress);
  assert.equal(tunnelled().length, 1);
  assert.deepEqual(dropped(), []);
});

test('RFC 5213 §6.10.3: a rule with both prefixes comes before the tunnel: that is how local routing is allowed', () => {
  const { stations, frames, tunnelled, perform, say } = gatewayWithTwo();
  const neighbour = stations[1].interface('wlan0').linkAddress;
  const local = { to: hostPrefix(two), from: hostPrefix(one), via: { kind: 'link', link: 'ap0', neighbour } } as const;
  perform(...serving(stations[0], one), ...serving(stations[1], two), rule(local));
  say(stations[0], one, two);
  assert.equal(frames.radio.length, 2);
  assert.equal(tunnelled().length, 0);
  say(stations[1], two, one);
  assert.equal(tunnelled().length, 1);
});

test('contract: what is parked by its source goes on as from an access link', () => {
  const { stations, frames, tunnelled, perform, say } = gatewayWithTwo();
  perform(...serving(stations[1], two), rule({ from: hostPrefix(one), via: { kind: 'park', limitOctets: 1000 } }));
  say(stations[0], one, two);
  assert.equal(tunnelled().length, 0);
  perform(...serving(stations[0], one));
  assert.equal(tunnelled().length, 1);
  assert.equal(frames.radio.length, 1);
});

test('gundavelli §7.3 [G00-7.3-03]: an address another station holds is of no use, and the engine does not hear of it', () => {
  const { stations, tunnelled, perform, say, dropped, seen } = gatewayWithTwo();
  perform(...serving(stations[0], one), ...serving(stations[1], two));
  say(stations[1], one, correspondent);
  assert.deepEqual(dropped(), ['spoofed']);
  assert.deepEqual(seen(), []);
  assert.equal(tunnelled().length, 0);
  say(stations[1], nobody, correspondent);
  assert.deepEqual(dropped(), ['spoofed', 'source']);
  assert.deepEqual(seen(), ['fd00:a::3']);
  say(stations[1], two, correspondent);
  assert.equal(tunnelled().length, 1);
});

test('contract: a holder is a neighbour on a link; on another link the address is not its', () => {
  const { stations, tunnelled, perform, say, dropped } = gatewayWithTwo({ apart: true });
  perform(...serving(stations[0], one, 'ap0'), ...serving(stations[1], two, 'ap0'));
  say(stations[0], one, correspondent);
  say(stations[1], two, correspondent);
  assert.equal(tunnelled().length, 1);
  assert.deepEqual(dropped(), ['spoofed']);
});

test('RFC 5213 §6.10.5: a prefix is held by its station, but an address in it by whom the longer rule leads to', () => {
  const { stations, tunnelled, perform, say, dropped, seen } = gatewayWithTwo();
  const prefix = parsePrefix('fd00:a::/64');
  perform(toStation(stations[0], prefix), rule({ from: prefix, via: tunnel }), toStation(stations[1], hostPrefix(two)));
  say(stations[0], one, correspondent);
  say(stations[1], two, correspondent);
  assert.equal(tunnelled().length, 2);
  say(stations[0], two, correspondent);
  say(stations[1], one, correspondent);
  assert.equal(tunnelled().length, 2);
  assert.deepEqual(dropped(), ['spoofed', 'spoofed']);
  assert.deepEqual(seen(), []);
});

test('contract: a rule that leads to no station says nothing of who holds an address', () => {
  const { stations, perform, say, dropped, seen } = gatewayWithTwo();
  perform(rule({ to: parsePrefix('fd00:a::/64'), via: { kind: 'drop' } }), rule({ to: hostPrefix(one), via: tunnel }));
  say(stations[0], one, correspondent);
  assert.deepEqual(dropped(), ['source']);
  assert.deepEqual(seen(), ['fd00:a::1']);
});
