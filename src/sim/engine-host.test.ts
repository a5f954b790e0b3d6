import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  accessCell,
  addressA,
  addressB,
  datagram,
  ms,
  on,
  pair,
  received,
  ScriptedEngine,
  sentOn,
} from '../../test/support/network.js';
import { formatAddress, parseAddress } from '../base/address.js';
import { parseLinkAddress } from '../base/link-address.js';
import { hostPrefix } from '../base/prefix.js';
import type { Input } from '../protocol/contract.js';
import { bindingUpdateFlags } from '../wire/mobility/messages.js';
import { LinkPath } from './stack/routes.js';

/** A cell whose gateway has an engine that serves it. */
function served(answer?: ConstructorParameters<typeof ScriptedEngine>[1]) {
  const world = accessCell({}, { dadTransmits: 0 });
  const engine = new ScriptedEngine({ accessLinks: ['ap0'], protocols: [58], udpPorts: [547] }, answer);
  world.gateway.addEngine(() => engine);
  return { ...world, engine };
}

function only<K extends Input['kind']>(
  engine: ScriptedEngine,
  kind: K,
): { at: number; input: Extract<Input, { kind: K }> }[] {
  return engine.inputs.filter(({ input }) => input.kind === kind) as never;
}

test('an engine hears of stations: who, where, how they came; of their leaving when their last frame is through', () => {
  const { simulation, cell, mobile, engine } = served();
  const station = mobile.interface('wlan0').linkAddress;
  mobile.roam('wlan0', { at: 10 * ms, to: cell });
  mobile.roam('wlan0', { at: 50 * ms, to: cell, gap: 20 * ms });
  simulation.run(100 * ms);
  const common = { kind: 'attached', link: 'ap0', station, identity: 'mobile@example.org', accessTechnology: 4 };
  assert.deepEqual(
    engine.inputs.filter(({ input }) => input.kind !== 'packet'),
    [
      { at: 10 * ms, input: { ...common, handoff: 'newInterface' } },
      { at: 51 * ms, input: { kind: 'detached', link: 'ap0', station } },
      { at: 70 * ms, input: { ...common, handoff: 'unknown' } },
    ],
  );
});

test('a station that is back before its leaving was heard of has left first', () => {
  const { simulation, cell, mobile, engine } = served();
  mobile.roam('wlan0', { at: 0, to: cell });
  mobile.roam('wlan0', { at: 50 * ms, to: cell });
  simulation.run(100 * ms);
  assert.deepEqual(
    engine.inputs.filter(({ input }) => input.kind !== 'packet').map(({ at, input }) => [at, input.kind]),
    [
      [0, 'attached'],
      [50 * ms, 'detached'],
      [50 * ms, 'attached'],
    ],
  );
});

test('on a served link Neighbour Discovery is the engine’s, and the stack stays silent', () => {
  const { simulation, gateway, cell, mobile, engine } = served();
  const frames = sentOn(cell);
  mobile.roam('wlan0', { to: cell });
  simulation.run(1 * ms);
  const station = mobile.interface('wlan0');
  station.ip?.sendSignalling({
    source: parseAddress('fe80::77'),
    destination: parseAddress('ff02::1:ff00:1'),
    hopLimit: 255,
    payload: {
      kind: 'icmpv6',
      message: { kind: 'neighbourSolicitation', code: 0, target: parseAddress('fd00:a::1'), options: [] },
    },
  });
  simulation.run(20 * ms);
  const given = only(engine, 'packet').at(-1);
  assert.equal(given?.input.link, 'ap0');
  assert.equal(given?.input.neighbour, station.linkAddress);
  assert.equal(given?.input.packet.hopLimit, 255);
  assert.equal(frames.filter(({ frame }) => frame.sender.node === gateway).length, 0);
});

test('gundavelli §6.2, RFC 4861 §7.3.1: a probe of the anchor that a station takes for its router is the engine’s', () => {
  const { simulation, cell, mobile, engine, drops } = served();
  mobile.roam('wlan0', { to: cell });
  simulation.run(1 * ms);
  const anchor = parseAddress('fd00:b::1');
  const neighbour = cell.gateway?.linkAddress;
  for (const source of ['fe80::77', 'fd00:b::5'])
    mobile.interface('wlan0').ip?.sendSignalling(
      {
        source: parseAddress(source),
        destination: anchor,
        hopLimit: 255,
        payload: { kind: 'icmpv6', message: { kind: 'neighbourSolicitation', code: 0, target: anchor, options: [] } },
      },
      neighbour,
    );
  simulation.run(20 * ms);
  const probes = only(engine, 'packet').filter(({ input }) => input.packet.destination === anchor);
  assert.equal(probes.length, 2);
  assert.deepEqual(drops(), []);
});

const loA = parseAddress('fd00:b::5');

/** A station on a served link that sends to fd00:c::1 from fd00:b::5. */
function uplink() {
  const world = served();
  const { simulation, gateway, cell, mobile } = world;
  const station = mobile.interface('wlan0');
  mobile.roam('wlan0', { to: cell });
  simulation.run(0);
  const send = () =>
    station.send(gateway.interface('ap0').linkAddress, datagram(loA, parseAddress('fd00:c::1')), 64, 100);
  return { ...world, station, send };
}

test('a packet whose source no rule covers is dropped and its source given to the engine', () => {
  const { simulation, gateway, station, engine, drops, send } = uplink();
  send();
  simulation.run(10 * ms);
  assert.deepEqual(
    only(engine, 'seen').map(({ at, input }) => [at, formatAddress(input.address), input.station]),
    [[1 * ms, 'fd00:b::5', station.linkAddress]],
  );
  assert.deepEqual(drops(), [{ node: 'gateway', reason: 'source' }]);
  gateway.stack?.routes.setRule({ to: undefined, from: hostPrefix(loA), path: { kind: 'drop', copy: undefined } });
  send();
  simulation.run(20 * ms);
  assert.equal(only(engine, 'seen').length, 1);
  assert.deepEqual(drops().at(-1), { node: 'gateway', reason: 'rule' });
});

test('gundavelli §7.3 [G00-7.3-03]: what a station sends goes by the rule for its source first, also to another station here', () => {
  const { gateway, send, simulation, drops } = uplink();
  const [from, to] = [hostPrefix(loA), hostPrefix(parseAddress('fd00:c::1'))];
  gateway.stack?.routes.setRule({ to, from: undefined, path: { kind: 'none' } });
  gateway.stack?.routes.setRule({ to: undefined, from, path: { kind: 'drop', copy: undefined } });
  send();
  simulation.run(10 * ms);
  assert.deepEqual(drops(), [{ node: 'gateway', reason: 'rule' }]);
});

test('gundavelli §6 [G00-6-13]: a packet from the address of another station is dropped, and nobody is told that the address moved', () => {
  const { gateway, send, simulation, drops, engine } = uplink();
  const ip = gateway.stack?.interfaces.find(({ served }) => served);
  assert.ok(ip);
  const other = parseLinkAddress('02:00:00:00:00:99');
  const back = new LinkPath(ip, undefined, other);
  gateway.stack?.routes.setRule({ to: hostPrefix(loA), from: undefined, path: back });
  gateway.stack?.routes.setRule({ to: undefined, from: hostPrefix(loA), path: { kind: 'drop', copy: undefined } });
  send();
  simulation.run(10 * ms);
  assert.deepEqual(drops(), [{ node: 'gateway', reason: 'spoofed' }]);
  assert.equal(only(engine, 'seen').length, 0);
});

test('a deadline is kept to the nanosecond, also when it moves', () => {
  const { simulation, a } = pair();
  const engine = new ScriptedEngine({ udpPorts: [7] }, (input, now, self) => {
    if (input.kind === 'tick' && now < 30 * ms) self.deadline = now + 10 * ms;
    return [];
  });
  engine.deadline = 5 * ms;
  a.addEngine(() => engine);
  simulation.run(100 * ms);
  assert.deepEqual(
    engine.inputs.map(({ at, input }) => [at, input.kind]),
    [5, 15, 25, 35].map(t => [t * ms, 'tick']),
  );
});

test('a deadline that stays in the past is a broken promise', () => {
  const { simulation, a } = pair();
  const engine = new ScriptedEngine({}, (_input, now, self) => {
    self.deadline = now;
    return [];
  });
  engine.deadline = 5 * ms;
  a.addEngine(() => engine);
  assert.throws(() => simulation.run(10 * ms), /a: a deadline stays in the past/);
});

test('packets go to the engine that takes their protocol or port, with the hop limit they arrived with', () => {
  const { simulation, a, b } = pair();
  const engine = new ScriptedEngine({ protocols: [135, 50], udpPorts: [1812] });
  b.addEngine(() => engine);
  const esp = { kind: 'raw', protocol: 50, data: new Uint8Array(16) } as const;
  const udp = { kind: 'udp', sourcePort: 1, destinationPort: 1812, data: new Uint8Array(4) } as const;
  const mobility = { kind: 'mobility', message: { kind: 'bindingRefreshRequest', options: [] } } as const;
  for (const payload of [esp, udp, mobility])
    a.stack?.output({ source: addressA, destination: addressB, hopLimit: 33, payload });
  a.stack?.output(datagram(addressA, addressB));
  simulation.run(10 * ms);
  assert.deepEqual(
    only(engine, 'packet').map(({ input }) => [input.packet.payload.kind, input.packet.hopLimit]),
    [
      ['raw', 33],
      ['udp', 33],
      ['mobility', 33],
    ],
  );
});

test('a crash takes stack, rules and engines; what was stored comes back first, then the stations', () => {
  const { simulation, gateway, cell, mobile } = accessCell({}, { dadTransmits: 0 });
  const made: ScriptedEngine[] = [];
  gateway.addEngine(() => {
    const engine = new ScriptedEngine({ accessLinks: ['ap0'] }, input =>
      input.kind === 'attached'
        ? [
            { kind: 'store', key: 'visitor', value: { at: 'ap0', address: parseAddress('fd00::1') } },
            { kind: 'store', key: 'gone', value: 1 },
            { kind: 'store', key: 'gone' },
            { kind: 'forward', rule: { to: hostPrefix(addressA), via: { kind: 'drop' } } },
          ]
        : [],
    );
    made.push(engine);
    return engine;
  });
  mobile.roam('wlan0', { to: cell });
  gateway.crash(10 * ms);
  gateway.restart(30 * ms);
  simulation.run(20 * ms);
  assert.deepEqual(gateway.engines, []);
  assert.deepEqual(gateway.addresses(), []);
  simulation.run(40 * ms);
  assert.equal(made.length, 2);
  assert.deepEqual(made[1].kinds(), ['restored', 'attached']);
  const [{ input }] = made[1].inputs;
  assert.deepEqual(input.kind === 'restored' && [...input.records], [
    { key: 'visitor', value: { at: 'ap0', address: parseAddress('fd00::1') } },
  ]);
  assert.deepEqual(gateway.addresses(), [parseAddress('fd00:a::1')]);
});

test('while a node is down nothing arrives, and after its restart routes lead through it again', () => {
  const { simulation, a, b, drops } = pair();
  const flow = simulation.cbr({ from: a, to: addressB, interval: ms, size: 100, start: 0, stop: 50 * ms });
  b.crash(10 * ms);
  b.restart(20 * ms);
  simulation.run(100 * ms);
  const missing = [...flow.receivedAt].flatMap((at, i) => (Number.isNaN(at) ? [i] : []));
  // The packet that arrives in the instant of the restart still comes first.
  assert.deepEqual(missing, [9, 10, 11, 12, 13, 14, 15, 16, 17, 18]);
  assert.deepEqual(drops(), Array(10).fill({ node: 'b', reason: 'down' }));
});

test('an AAA port answers authenticate after its delay; without one the answer is no', () => {
  const outcomes = [true, false].map(withPort => {
    const world = accessCell();
    const answer = {
      delay: 20 * ms,
      outcome: { kind: 'accepted', profile: { identity: 'mobile@example.org', addressing: ['slaac'] } },
    } as const;
    const aaa = world.simulation.addNode({
      name: 'other-gateway',
      forwarding: true,
      authenticate: withPort
        ? ({ identity }) => (identity === 'mobile@example.org' ? answer : { ...answer, delay: 0 })
        : undefined,
    });
    const link = world.simulation.addLink({ name: 'other-cell', kind: 'access', delay: ms });
    aaa.attach(link, { name: 'ap0', addresses: [on('fd00:b::1/64')] });
    const engine = new ScriptedEngine({ accessLinks: ['ap0'] }, input =>
      input.kind === 'attached'
        ? [{ kind: 'authenticate', transaction: 7, link: 'ap0', station: input.station, identity: input.identity }]
        : [],
    );
    aaa.addEngine(() => engine);
    world.mobile.roam('wlan0', { at: 5 * ms, to: link });
    world.simulation.run(100 * ms);
    const [{ at, input }] = only(engine, 'profile');
    return [at, input.transaction, input.outcome.kind];
  });
  assert.deepEqual(outcomes, [
    [25 * ms, 7, 'accepted'],
    [5 * ms, 7, 'rejected'],
  ]);
});

test('what an engine sends goes to the neighbour named, or by routes; to the node itself it comes back', () => {
  const { simulation, a, b, link } = pair();
  const frames = sentOn(link);
  const arrivals = received(b);
  const own = received(a);
  const neighbour = b.interfaces[0].linkAddress;
  a.addEngine(() => {
    const engine = new ScriptedEngine({}, () => [
      { kind: 'send', packet: datagram(addressA, parseAddress('fd99::1')), link: 'eth0', neighbour },
      { kind: 'send', packet: datagram(addressA, addressB) },
      { kind: 'send', packet: datagram(addressA, parseAddress('ff02::1')), link: 'eth0' },
      { kind: 'send', packet: datagram(addressA, addressA) },
    ]);
    engine.deadline = 1 * ms;
    return engine;
  });
  simulation.run(10 * ms);
  assert.deepEqual(
    frames.map(({ frame }) => [formatAddress(frame.packet.destination), frame.destination === neighbour]),
    [
      ['fd99::1', true],
      ['fd00:1::b', true],
      ['ff02::1', false],
    ],
  );
  assert.deepEqual(
    arrivals.map(({ packet }) => formatAddress(packet.destination)),
    ['fd00:1::b', 'ff02::1'],
  );
  assert.deepEqual(
    own.map(({ at }) => at),
    [1 * ms],
  );
});

test('wall clocks show the epoch, the skew, and a skew that changes', () => {
  const { a, simulation } = pair({}, { clockSkew: 1500 * ms });
  assert.deepEqual(a.environment.clock(0), { seconds: simulation.epochS + 1, nanoseconds: 500 * ms });
  a.setClockSkew(-1 * ms);
  assert.deepEqual(a.environment.clock(0), { seconds: simulation.epochS - 1, nanoseconds: 999 * ms });
});

test('RFC 6275 §9.2: what follows a Binding Update reaches only an engine that takes nested ones', () => {
  const flags = bindingUpdateFlags({ acknowledge: true });
  const message = { kind: 'bindingUpdate', sequence: 1, flags, lifetimeS: 60, options: [] } as const;
  const nested = datagram(addressA, addressB);
  const packet = { ...nested, payload: { kind: 'mobility', message, nested } } as const;
  for (const nestedUpdates of [false, true]) {
    const { simulation, a, b, drops } = pair();
    const engine = new ScriptedEngine({ accessLinks: [], protocols: [135], udpPorts: [], nestedUpdates });
    b.addEngine(() => engine);
    a.stack?.output(packet);
    simulation.run(20 * ms);
    assert.equal(only(engine, 'packet').length, nestedUpdates ? 1 : 0);
    assert.deepEqual(drops(), nestedUpdates ? [] : [{ node: 'b', reason: 'header' }]);
    assert.equal(a.errorsReceived, nestedUpdates ? 0 : 1);
  }
});
