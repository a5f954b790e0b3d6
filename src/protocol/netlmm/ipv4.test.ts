import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, lost } from '../../../test/support/mobile-network.js';
import { ms, observed, on, sentOn } from '../../../test/support/network.js';
import { parseAddress } from '../../base/address.js';
import { parsePrefix } from '../../base/prefix.js';
import type { Link, Node } from '../../sim/index.js';
import { dissect } from '../../wire/dissect.js';
import { encodeFrame } from '../../wire/ethernet.js';

const lmaAddress = parseAddress('2001:db8:a::1');
const mags = ['2001:db8:1::1', '2001:db8:2::1'];
const mobileIpv4 = parseAddress('::ffff:198.51.100.7');
const internet = parseAddress('::ffff:192.0.2.5');

/** The LMA is the way to the IPv4 Internet; between it and two MAGs is a core that knows nothing of IPv4. */
function domain({ ipv4Prefixes = ['198.51.100.0/24'] } = {}) {
  const world = observed();
  const { simulation } = world;
  const core = simulation.addNode({ name: 'core', forwarding: true });
  const wired = (name: string, address: string, forwarding: boolean): Node => {
    const node = simulation.addNode({ name, forwarding, addresses: [parseAddress(address)] });
    const link = simulation.addLink({ name: `core-${name}`, kind: 'wire', delay: 5 * ms });
    core.attach(link, { name: link.name, autoconfigure: false });
    node.attach(link, { name: link.name, autoconfigure: false });
    return node;
  };
  const lma = wired('lma', '2001:db8:a::1', true);
  const client = wired('client', '2001:db8:c::1', false);
  const gateways = mags.map((address, i) => wired(`mag${i + 1}`, address, true));
  const upstream = simulation.addLink({ name: 'upstream', kind: 'wire', delay: 2 * ms });
  const host = simulation.addNode({ name: 'internet', dadTransmits: 0 });
  lma.attach(upstream, { name: 'upstream', addresses: [on('::ffff:192.0.2.1/120')] });
  host.attach(upstream, {
    name: 'eth0',
    addresses: [on('::ffff:192.0.2.5/120')],
    gateway: parseAddress('::ffff:192.0.2.1'),
  });
  lma.originate(parsePrefix('2001:db8:a::/64'));
  const cells = gateways.map((gateway, i): Link => {
    const cell = simulation.addLink({ name: `cell${i + 1}`, kind: 'access', delay: 1 * ms });
    gateway.attach(cell, { name: 'ap0' });
    return cell;
  });
  const mobile = simulation.addNode({ name: 'mobile', identity: 'alice@example.net', dadTransmits: 0 });
  mobile.attach(undefined, {
    name: 'wlan0',
    autoconfigure: true,
    addresses: [on('2001:db8:a::7/128'), on('::ffff:198.51.100.7/128')],
  });
  lma.addEngine(
    create('netlmm-lma', { address: '2001:db8:a::1', prefixes: ['2001:db8:a::/64'], ipv4Prefixes, insecure: true }),
  );
  client.addEngine(create('pmip-client', { address: '2001:db8:c::1', lma: '2001:db8:a::1', insecure: true }));
  const profile = {
    identity: 'alice@example.net',
    prefix: '2001:db8:a::/64',
    address: '2001:db8:a::7',
    ipv4Address: '198.51.100.7',
    addressing: ['manual'],
  };
  for (const [i, gateway] of gateways.entries())
    gateway.addEngine(
      create('mag', {
        address: mags[i],
        accessLinks: [{ name: 'ap0' }],
        pmipClients: [{ address: '2001:db8:c::1' }],
        insecure: true,
        aaa: { profiles: [profile] },
      }),
    );
  simulation.computeRoutes();
  const flow = (direction: 'down' | 'up', fromMs: number, untilMs: number) => {
    const ends = direction === 'down' ? { from: host, to: mobileIpv4 } : { from: mobile, to: internet };
    return simulation.cbr({ ...ends, interval: 1 * ms, size: 100, start: fromMs * ms, stop: untilMs * ms });
  };
  return {
    ...world,
    core,
    cells,
    mobile,
    flow,
    move: (atMs: number, cell: number) => mobile.roam('wlan0', { at: atMs * ms, to: cells[cell] }),
    run: (untilMs: number) => simulation.run(untilMs * ms),
  };
}

test('S02-AppE.2-01, S02-AppE.2-02, S02-AppE.2-03: IPv4 goes to and from a mobile through tunnels of IPv6, and follows it to the next MAG', () => {
  const world = domain();
  const [backhaul1, backhaul2] = ['core-mag1', 'core-mag2'].map(name =>
    sentOn(world.simulation.links.get(name) as Link),
  );
  const air = world.cells.map(sentOn);
  world.move(100, 0);
  world.move(3000, 1);
  const before = [world.flow('down', 1500, 2000), world.flow('up', 1500, 2000)];
  const after = [world.flow('down', 4500, 5000), world.flow('up', 4500, 5000)];
  world.run(6000);
  assert.deepEqual([...before, ...after].map(lost), [0, 0, 0, 0]);
  for (const [backhaul, cell, gateway] of [
    [backhaul1, air[0], mags[0]],
    [backhaul2, air[1], mags[1]],
  ] as const) {
    const tunnelled = backhaul.filter(({ packet }) => packet.payload.kind === 'ipv6');
    const ends = tunnelled.map(({ packet }) => [packet.source, packet.destination]);
    const outer = [lmaAddress, parseAddress(gateway)];
    assert.ok(ends.every(pair => [...pair].sort().join() === [...outer].sort().join()));
    assert.equal(tunnelled.length, 1000, 'each way');
    const frame = encodeFrame(tunnelled[0].frame as never);
    assert.deepEqual(
      dissect(frame).layers.map(({ name }) => name),
      ['Ethernet', 'IPv6', 'IPv4', 'UDP'],
    );
    assert.equal(tunnelled[0].frame.octets, 40 + 20 + 8 + 100);
    const native = cell.filter(({ packet }) => packet.destination === mobileIpv4);
    assert.equal(native.length, 500, 'recovered by the MAG');
    assert.equal(native[0].frame.octets, 20 + 8 + 100);
  }
});

test('draft-singh appendix E.2: what the LMA does not bind is not served, and IPv6 is all the same', () => {
  const world = domain({ ipv4Prefixes: [] });
  world.move(100, 0);
  const flow = world.flow('up', 1500, 1600);
  world.run(2000);
  assert.equal(flow.received, 0);
  assert.ok(world.drops().some(({ node, reason }) => node === 'mag1' && reason === 'source'));
});
