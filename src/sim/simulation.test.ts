import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  accessCell,
  addressB,
  advertising,
  ms,
  observed,
  on,
  pair,
  routed,
  sentOn,
} from '../../test/support/network.js';
import { parseAddress } from '../base/address.js';
import { hostPrefix, parsePrefix } from '../base/prefix.js';
import { second } from '../base/time.js';
import { decodeFrame } from '../wire/ethernet.js';
import { readCapture } from '../wire/pcapng/reader.js';
import { accountFor } from './accounting.js';
import { Capture } from './capture.js';
import { Simulation } from './simulation.js';
import { traceLine } from './trace-format.js';

/** Two cells with plain routers, a mobile that changes between them, and traffic over lossy links. */
function roaming(seed: number) {
  const simulation = new Simulation({ seed });
  const lines: string[] = [];
  simulation.onTrace(record => lines.push(traceLine(record)));
  const core = simulation.addNode({ name: 'core', forwarding: true });
  const wire = simulation.addLink({
    name: 'wire',
    kind: 'wire',
    delay: 3 * ms,
    rateBps: 1e8,
    loss: 0.05,
    duplicate: 0.02,
  });
  const host = simulation.addNode({ name: 'host', dadTransmits: 0 });
  core.attach(wire, { name: 'wire', addresses: [on('fd00:c::1/64')] });
  host.attach(wire, { name: 'eth0', addresses: [on('fd00:c::2/64')] });
  const cells = [1, 2].map(n => {
    const router = simulation.addNode({ name: `router${n}`, forwarding: true });
    const back = simulation.addLink({ name: `back${n}`, kind: 'wire', delay: n * ms });
    const cell = simulation.addLink({ name: `cell${n}`, kind: 'access', delay: 2 * ms, rateBps: 1e7, loss: 0.02 });
    core.attach(back, { name: `back${n}` });
    router.attach(back, { name: 'back' });
    router.attach(cell, { name: 'ap0', addresses: [on(`fd00:${n}::1/64`)] });
    router.advertise('ap0', advertising(`fd00:${n}::/64`, { minInterval: 50 * ms, maxInterval: 90 * ms }));
    return cell;
  });
  const mobile = simulation.addNode({ name: 'mobile' });
  mobile.attach(undefined, { name: 'wlan0' });
  mobile.roam('wlan0', { to: cells[0] });
  mobile.roam('wlan0', { at: 4 * second, to: cells[1], gap: 50 * ms });
  simulation.computeRoutes();
  const capture = new Capture(simulation);
  const flow = simulation.cbr({ from: mobile, to: host, interval: 20 * ms, size: 64, start: 0, stop: 8 * second });
  simulation.tcp({ from: host, to: mobile, start: 2 * second, octets: 50_000 });
  simulation.run(9 * second);
  return { lines, capture, flow };
}

test('the same seed gives the same trace and the same capture, another seed others', () => {
  const first = roaming(5);
  const again = roaming(5);
  const other = roaming(6);
  assert.ok(first.lines.length > 200 && first.capture.frames > 1000 && first.flow.received > 100);
  assert.equal(first.lines.join('\n'), again.lines.join('\n'));
  assert.deepEqual(first.capture.bytes(), again.capture.bytes());
  assert.notEqual(first.lines.join('\n'), other.lines.join('\n'));
});

test('every captured frame decodes, shows the hop limit of its hop, and says when and where', () => {
  const { simulation, a, b } = routed();
  const capture = new Capture(simulation);
  simulation.cbr({ from: a, to: b, interval: 10 * ms, size: 64, start: 5 * ms, stop: 25 * ms });
  simulation.run(100 * ms);
  const frames = [...readCapture(capture.bytes())];
  assert.equal(capture.frames, 4);
  assert.deepEqual(
    frames.map(frame => [frame.interface.name, frame.time.nanoseconds, decodeFrame(frame.bytes).packet.hopLimit]),
    [
      ['left', 5 * ms, 64],
      ['right', 7 * ms, 63],
      ['left', 15 * ms, 64],
      ['right', 17 * ms, 63],
    ],
  );
  const { payload } = decodeFrame(frames[2].bytes).packet;
  assert.deepEqual(payload.kind === 'udp' && [...payload.data.slice(4, 8)], [0, 0, 0, 1]);
});

test('a trace line is JSON with addresses as text', () => {
  const { simulation, records, mobile, cell } = accessCell();
  mobile.roam('wlan0', { to: cell });
  simulation.run(1100 * ms);
  const lines = records.map(record => JSON.parse(traceLine(record)));
  assert.deepEqual(
    lines.find(line => line.event === 'attached'),
    {
      at: 0,
      node: 'gateway',
      event: 'attached',
      link: 'cell',
      station: '02:00:00:00:00:02',
      mobile: 'mobile',
    },
  );
  const solicitation = lines.find(line => line.name === 'Router Solicitation');
  assert.deepEqual(solicitation, {
    at: second,
    node: 'mobile',
    event: 'message',
    direction: 'sent',
    link: 'cell',
    name: 'Router Solicitation',
    source: 'fe80::ff:fe00:2',
    destination: 'ff02::2',
    octets: 56,
    fields: { code: 0, options: [{ kind: 'sourceLinkLayerAddress', address: '02:00:00:00:00:02' }] },
  });
});

test('packets to an anycast address go to the nearest node that has it, and elsewhere when distances change', () => {
  const { simulation } = observed();
  const hub = simulation.addNode({ name: 'hub', forwarding: true });
  const anycast = parseAddress('fd00:any::1'.replace('any', 'a11'));
  const sites = ['near', 'far'].map((name, i) => {
    const node = simulation.addNode({ name, forwarding: true, addresses: [anycast] });
    const link = simulation.addLink({ name, kind: 'wire', delay: (i + 1) * 5 * ms });
    hub.attach(link, { name });
    node.attach(link, { name: 'up' });
    return { node, link };
  });
  const client = simulation.addNode({ name: 'client', dadTransmits: 0 });
  const lan = simulation.addLink({ name: 'lan', kind: 'wire', delay: ms });
  hub.attach(lan, { name: 'lan', addresses: [on('fd00:1::1/64')] });
  client.attach(lan, { name: 'eth0', addresses: [on('fd00:1::2/64')] });
  simulation.computeRoutes();
  const flow = simulation.cbr({ from: client, to: anycast, interval: 10 * ms, size: 64, start: 0, stop: 40 * ms });
  simulation.schedule(15 * ms, () => {
    sites[0].link.setDelay(50 * ms);
    simulation.computeRoutes();
  });
  simulation.run(200 * ms);
  assert.deepEqual(
    [...flow.receivedAt].map((at, i) => at - flow.sentAt[i]),
    [6, 6, 11, 11].map(t => t * ms),
  );
  assert.equal(simulation.pathDelay(client, sites[1].node), 11 * ms);
});

test('routes lead around the longer way and never through hosts', () => {
  const { simulation } = observed();
  const nodes = ['a', 'b', 'c', 'd'].map(name =>
    simulation.addNode({ name, forwarding: name !== 'd', dadTransmits: 0 }),
  );
  const [a, b, c, d] = nodes;
  const join = (name: string, delay: number, ...ends: typeof nodes) => {
    const link = simulation.addLink({ name, kind: 'wire', delay: delay * ms });
    for (const end of ends) end.attach(link, { name, addresses: [] });
  };
  join('ab', 10, a, b);
  join('ac', 3, a, c);
  join('cb', 3, c, b);
  join('ad', 1, a, d);
  join('db', 1, d, b);
  b.originate(parsePrefix('fd00:b::/64'));
  simulation.computeRoutes();
  const path = a.stack?.routes.lookup(parseAddress('fd00:b::1'), parseAddress('::'));
  assert.equal(path?.kind === 'link' && path.ip.port.name, 'ac');
  assert.equal(simulation.pathDelay(a, b), 6 * ms);
  assert.equal(d.stack?.routes.hasRoute(parsePrefix('fd00:b::/64')), true);
  assert.equal(b.stack?.routes.hasRoute(hostPrefix(addressB)), false);
});

test('signalling, Neighbour Discovery, traffic and tunnels are counted apart', () => {
  const { simulation, a, b, link } = pair();
  const account = accountFor([link]);
  const frames = sentOn(link);
  const inner = { source: parseAddress('fd00::1'), destination: parseAddress('fd00::2'), hopLimit: 64 };
  const source = a.addresses()[0];
  const [destination] = b.addresses();
  a.stack?.output({
    source,
    destination,
    hopLimit: 64,
    payload: {
      kind: 'ipv6',
      packet: { ...inner, payload: { kind: 'udp', sourcePort: 1, destinationPort: 2, data: new Uint8Array(12) } },
    },
  });
  a.stack?.output({
    source,
    destination,
    hopLimit: 64,
    payload: { kind: 'mobility', message: { kind: 'bindingRefreshRequest', options: [] } },
  });
  a.stack?.output({
    source,
    destination,
    hopLimit: 64,
    payload: { kind: 'raw', protocol: 50, data: new Uint8Array(20) },
  });
  a.stack?.output({
    source,
    destination,
    hopLimit: 64,
    payload: { kind: 'udp', sourcePort: 546, destinationPort: 547, data: new Uint8Array(4) },
  });
  a.interfaces[0].ip?.sendSignalling({
    source,
    destination: parseAddress('ff02::2'),
    hopLimit: 255,
    payload: { kind: 'icmpv6', message: { kind: 'routerSolicitation', code: 0, options: [] } },
  });
  simulation.run(10 * ms);
  assert.equal(frames.length >= 5, true);
  assert.deepEqual(account.mobility, { packets: 2, octets: 48 + 60 });
  assert.deepEqual(account.neighbourDiscovery, { packets: 1, octets: 48 });
  assert.deepEqual(account.dhcpv6, { packets: 1, octets: 52 });
  assert.deepEqual(account.tunnel, { packets: 1, octets: 40 });
  assert.equal(account.traffic.octets >= 100, true);
});

test('an event that is taken back does not happen, and none is for the past', () => {
  const { simulation } = observed();
  const happened: number[] = [];
  const takeBack = simulation.schedule(5, () => happened.push(5));
  simulation.schedule(6, () => happened.push(6));
  takeBack();
  simulation.run(10);
  assert.deepEqual(happened, [6]);
  assert.equal(simulation.now, 10);
  assert.throws(() => simulation.schedule(9, () => {}), /before now/);
});

test('a flow to a mobile waits until it has an address, and follows the one it has', () => {
  const { simulation, gateway, cell, mobile } = accessCell({}, { dadTransmits: 1 });
  gateway.advertise('ap0', advertising('fd00:a::/64'));
  const flow = simulation.cbr({ from: gateway, to: mobile, interval: 100 * ms, size: 64, start: 0, stop: 3 * second });
  mobile.roam('wlan0', { at: 500 * ms, to: cell });
  simulation.run(4 * second);
  assert.equal(flow.sent + flow.unsendable, 30);
  assert.equal(flow.unsendable > 14, true);
  assert.equal(flow.received, flow.sent);
});

test('a flow whose packets are cut on the way is recorded all the same', () => {
  const { simulation, a, b, link } = pair();
  const frames = sentOn(link);
  const flow = simulation.cbr({ from: a, to: b, interval: 10 * ms, size: 3000, start: 0, stop: 50 * ms });
  simulation.run(100 * ms);
  assert.equal(frames.length, 15);
  assert.equal(flow.received, 5);
  assert.deepEqual(
    [...flow.receivedAt].map((at, i) => at - flow.sentAt[i]),
    Array(5).fill(1 * ms),
  );
});
