import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  hierarchicalNetwork,
  homeAgentAddress,
  layers,
  mapAddress,
  mobilityIn,
} from '../../../test/support/hierarchical-network.js';
import { lost } from '../../../test/support/mobile-network.js';
import { ms, sentOn } from '../../../test/support/network.js';
import { formatAddress, parseAddress } from '../../base/address.js';
import type { Packet } from '../../wire/ipv6/packet.js';

const isData = (packet: Packet) => layers(packet).at(-1)?.payload.kind === 'udp';
/** Hop limits aside, which routers lower. */
const inTransit = ({ hopLimit: _, ...packet }: Packet) => packet;

test('RFC 4140 §1, §3, §6.3, §6.4 [H4140-1-04, H4140-3-01, H4140-6.3-01, H4140-6.4-01]: home agent and correspondent see plain Mobile IPv6 with the RCoA as care-of address, and of a move within the domain nothing', () => {
  const world = hierarchicalNetwork({ maps: [[1], [1]] });
  const seen = ['ha', 'cn1'].map(node => sentOn(world.wire(node)));
  world.move(100, 1);
  const flow = world.traffic(1, 'down', 2000, 6000);
  world.move(4000, 2);
  world.run(7000);
  const told = seen.flat().flatMap(({ at, packet }) => {
    const message = mobilityIn(packet);
    return message?.kind === 'bindingUpdate' ? [{ at: at / ms, flags: message.flags, source: packet.source }] : [];
  });
  assert.deepEqual([told.length, told.every(({ flags }) => !flags.map)], [2, true]);
  assert.ok(told.every(({ source, at }) => source === world.regional(1) && at < 4000));
  const [binding] = world.simulation.nodes.get('ha')?.engines[0].views.bindings() ?? [];
  assert.equal(binding.careOf, formatAddress(world.regional(1)));
  const [route] = world.correspondents[0].engines[0].views.correspondentBindings();
  assert.equal(route.careOf, formatAddress(world.regional(1)));
  // What was under way to the old link while the MAP was being told: no more than 2(w+a) at ten a hundred milliseconds.
  assert.ok(lost(flow) <= 3, `${lost(flow)}`);
});

test('RFC 4140 §3.1, §6.2 [H4140-3.1-10]: a MAP puts a packet into its tunnel as it came, so that the mobile sees who sent it and how', () => {
  const world = hierarchicalNetwork({ maps: [[1]], mobile: { routeOptimisation: false } });
  const [before, after] = [sentOn(world.wire('map1')), sentOn(world.air(1))];
  world.move(100, 1);
  world.traffic(1, 'down', 2000, 2100);
  world.run(3000);
  const came = before.map(({ packet }) => packet).filter(p => isData(p) && p.source === homeAgentAddress);
  const inside = after.flatMap(({ packet }) =>
    isData(packet) && packet.payload.kind === 'ipv6' ? [packet.payload.packet] : [],
  );
  assert.equal(came.length, 10);
  assert.deepEqual(
    inside.map(inTransit).map(({ payload: _, ...p }) => p),
    came.map(inTransit).map(({ payload: _, ...p }) => p),
  );
  assert.deepEqual(
    inside.map(p => layers(p).at(-1)?.payload),
    came.map(p => layers(p).at(-1)?.payload),
  );
  assert.deepEqual(
    after.filter(({ packet }) => isData(packet)).map(({ packet }) => packet.source)[0],
    parseAddress(mapAddress(1)),
  );
});

test('RFC 4140 §1, §9.2, Appendix A [H4140-1-03, H4140-9.2-01, H4140-AppA-12]: access routers that are MAPs themselves work as one above them does', () => {
  const world = hierarchicalNetwork({ maps: [[1], [2]], flat: true });
  world.move(100, 1);
  world.move(4000, 2);
  const flow = world.traffic(1, 'down', 2000, 3000);
  const later = world.traffic(1, 'down', 5000, 6000);
  world.run(7000);
  assert.deepEqual([lost(flow), lost(later)], [0, 0]);
  const [binding] = world.simulation.nodes.get('ha')?.engines[0].views.bindings() ?? [];
  assert.equal(binding.careOf, formatAddress(world.regional(2)));
});

test('RFC 4140 §3.1, §9 [H4140-3.1-18, H4140-9-01]: MAPs that know nothing of each other, with domains that overlap, hand a mobile on without loss where both reach', () => {
  const world = hierarchicalNetwork({ maps: [[1], [2, 1], [2]] });
  world.move(100, 1);
  world.move(4000, 2);
  world.move(8000, 3);
  const flows = [2000, 6000, 10_000].map(from => world.traffic(1, 'down', from, from + 1000));
  world.run(12_000);
  assert.deepEqual(flows.map(lost), [0, 0, 0]);
  const homes = (n: number) => [...(world.maps.get(n)?.engines[0].views.bindings() ?? [])].map(row => row.home);
  assert.deepEqual(homes(2), [`${formatAddress(world.regional(2))}/128`]);
  assert.ok(homes(1).every(home => home === `${formatAddress(world.regional(1))}/128`));
});
