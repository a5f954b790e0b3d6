import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CorrespondentWorld, careOf, elsewhere, home, own, updatePacket } from '../../../test/support/correspondent.js';
import {
  correspondentAddress,
  create,
  homeAgentAddress,
  lost,
  type MobileNetwork,
  mobileNetwork,
} from '../../../test/support/mobile-network.js';
import { ms } from '../../../test/support/network.js';
import { type Address, formatAddress } from '../../base/address.js';
import { autoconfiguredAddress } from '../../base/link-address.js';
import { parsePrefix } from '../../base/prefix.js';
import { seconds } from '../../base/time.js';
import type { Node } from '../../sim/index.js';
import { defaultHopLimit, type Packet } from '../../wire/ipv6/packet.js';
import { bindingAcknowledgementFlags, type MobilityMessage } from '../../wire/mobility/messages.js';
import { mobilityPacket, toMobile } from '../mobile/packets.js';
import { bindingManagementKey } from '../mobile/tokens.js';

const cookie = new Uint8Array(8);
const token = new Uint8Array(8);

test('RFC 6275 §5.2.5, §15.4: a home keygen token is no care-of keygen token, nor the other way round', () => {
  const world = new CorrespondentWorld();
  const r = world.routability(home, careOf);
  const homeTest = world.test(home, 'homeTestInit');
  const careOfTest = world.test(careOf, 'careOfTestInit');
  for (const [first, second] of [
    [homeTest, homeTest],
    [careOfTest, careOfTest],
    [careOfTest, homeTest],
  ])
    assert.equal(world.update({ ...r, key: bindingManagementKey(first.keygenToken, second.keygenToken) }), undefined);
  assert.equal(world.engine.counters.discarded_authorization, 3);
});

test('RFC 6275 §5.2.8, §15.4: tokens for one pair of addresses authorize no other pair, and a nonce index that was never given out none at all', () => {
  const world = new CorrespondentWorld();
  const r = world.routability(home, careOf);
  assert.equal(world.update(r, {}, { home: elsewhere }), undefined);
  assert.equal(world.update(r, {}, { careOf: elsewhere }), undefined);
  assert.equal(world.engine.counters.discarded_authorization, 2);
  assert.equal(world.update({ ...r, homeNonceIndex: r.homeNonceIndex + 1 })?.status, 136);
  assert.equal(
    world.update({ ...r, homeNonceIndex: r.homeNonceIndex + 9, careOfNonceIndex: r.careOfNonceIndex + 9 })?.status,
    138,
  );
});

test('RFC 6275 §5.2.8, §9.5.1: an update under tokens of an old place, sent again after the mobile moved on, does not bring it back there', () => {
  const world = new CorrespondentWorld();
  const before = world.routability(home, careOf);
  const old = updatePacket(before, { sequence: 1 }, {});
  world.receive(old);
  world.update(world.routability(home, elsewhere), { sequence: 2 }, { careOf: elsewhere });
  assert.equal((world.receive(old)[0] as { status?: number } | undefined)?.status, 135);
  assert.deepEqual(
    [...world.engine.views.correspondentBindings()].map(row => row.careOf),
    [formatAddress(elsewhere)],
  );
});

test('RFC 6275 §15.4.3: a thousand tests of strangers leave nothing at a correspondent, and are answered at a measured rate', () => {
  const world = new CorrespondentWorld();
  let answers = 0;
  for (let i = 0; i < 1000; i++)
    answers += world.receive(mobilityPacket(careOf, own, { kind: 'careOfTestInit', cookie, options: [] })).length;
  assert.equal(answers, 100);
  assert.deepEqual([...world.engine.views.correspondentBindings()], []);
  assert.equal(world.engine.deadline, undefined);
  world.now = seconds(1);
  assert.equal(world.test(home, 'homeTestInit').kind, 'homeTest');
});

/** `packet` as if `from` had sent it, through the stack of `node`. */
function inject(world: MobileNetwork, node: Node, atMs: number, packet: Packet): void {
  world.simulation.schedule(atMs * ms, () => node.stack?.output(packet));
}

function tunnelled(source: Address, destination: Address, inner: Packet): Packet {
  return { source, destination, hopLimit: defaultHopLimit, payload: { kind: 'ipv6', packet: inner } };
}

function data(source: Address, destination: Address): Packet {
  const payload = { kind: 'udp', sourcePort: 1, destinationPort: 9, data: new Uint8Array(0) } as const;
  return { source, destination, hopLimit: defaultHopLimit, payload };
}

test('RFC 6275 §10.4.5, §15.8: a mobile that is registered cannot send through its tunnel in the name of another', () => {
  const world = mobileNetwork({ virtualHome: true });
  const attacker = world.simulation.addNode({ name: 'attacker', dadTransmits: 0 });
  const port = attacker.attach(undefined, { name: 'wlan0' });
  const address = autoconfiguredAddress(parsePrefix('fd00:c:1::/64'), port.linkAddress);
  const config = {
    address: formatAddress(address),
    homeAgent: 'fd00:c:1::1',
    insecure: true,
    routeOptimisation: false,
  };
  attacker.addEngine(create('mn', config));
  attacker.roam('wlan0', { at: 100 * ms, to: world.visited[1] });
  world.move(100, world.visited[0]);
  world.run(3000);
  const place = autoconfiguredAddress(parsePrefix('fd00:b:2::/64'), port.linkAddress);
  for (const source of [address, world.homeAddress])
    attacker.stack?.output(tunnelled(place, homeAgentAddress, data(source, correspondentAddress)));
  world.run(3500);
  assert.deepEqual(
    world.drops().filter(({ node, reason }) => node === 'ha' && reason === 'unadmitted').length,
    1,
    'the one in the name of the other',
  );
});

test('RFC 6275 §11.3.3, §15.8: what a stranger tunnels to a mobile is dropped', () => {
  const world = mobileNetwork();
  world.move(100, world.visited[0]);
  inject(
    world,
    world.correspondent,
    3000,
    tunnelled(correspondentAddress, world.careOf(0), data(homeAgentAddress, world.homeAddress)),
  );
  world.run(3500);
  assert.ok(world.drops().some(({ node, reason }) => node === 'mn' && reason === 'unadmitted'));
});

/** A mobile whose traffic with the correspondent goes straight, and messages in the correspondent's name from 3 s on. */
function underForgery(messages: readonly MobilityMessage[]) {
  const world = mobileNetwork({ routeOptimisation: true, virtualHome: true });
  world.move(100, world.visited[0]);
  const up = world.traffic('up', 2000, 5000);
  const attacker = world.simulation.nodes.get('ar2') as Node;
  for (const [i, message] of messages.entries()) {
    inject(world, attacker, 3000 + i, toMobile(correspondentAddress, world.careOf(0), world.homeAddress, message));
    inject(world, attacker, 3000 + i, mobilityPacket(correspondentAddress, world.careOf(0), message));
  }
  world.run(6000);
  const [row] = world.mobile.engines[0].views.correspondents();
  return { world, up, state: row.state, counters: world.mobile.engines[0].counters };
}

test('RFC 6275 §11.6.2, §15.4: tests that nobody asked for, or with another cookie, are dropped and counted, and the mobile stays bound', () => {
  const forged = (['homeTest', 'careOfTest'] as const).map(
    kind => ({ kind, nonceIndex: 1, cookie, keygenToken: token, options: [] }) as const,
  );
  const { up, state, counters } = underForgery(forged);
  assert.deepEqual([state, lost(up)], ['bound', 0]);
  assert.equal(counters.discarded_unexpected, 4);
});

test('RFC 6275 §11.7.3, §15.4: an acknowledgement in the name of a correspondent without its authenticator is dropped and counted', () => {
  const forged = [0, 129, 135, 138].map(
    status =>
      ({
        kind: 'bindingAcknowledgement',
        status,
        flags: bindingAcknowledgementFlags({}),
        sequence: 0,
        lifetimeS: 0,
        options: [],
      }) as const,
  );
  const { up, state, counters } = underForgery(forged);
  assert.deepEqual([state, lost(up)], ['bound', 0]);
  assert.equal(counters.discarded_unexpected, 8);
});

test('RFC 6275 §11.3.6, §15.4: a Binding Error in the name of a correspondent costs a return routability procedure and no packet', () => {
  const forged = [{ kind: 'bindingError', status: 1, homeAddress: homeAgentAddress, options: [] } as const];
  const { world, up, state } = underForgery(forged);
  assert.deepEqual([state, lost(up)], ['bound', 0]);
  assert.ok(world.sent('careOfTestInit').length <= 3);
});

test('RFC 6275 §6.3, §15.4.3: packets with a home address that nobody registered are dropped, whatever they claim', () => {
  const world = mobileNetwork();
  world.move(100, world.visited[0]);
  const claimed = {
    kind: 'destinationOptions',
    options: [{ kind: 'homeAddress', address: world.homeAddress }],
  } as const;
  inject(world, world.mobile, 3000, { ...data(world.careOf(0), correspondentAddress), headers: [claimed] });
  world.run(3500);
  assert.ok(world.drops().some(({ node, reason }) => node === 'cn' && reason === 'header'));
  assert.deepEqual(
    world.sent('bindingError').map(({ message }) => message.status),
    [1],
  );
});

test("RFC 6275 §11.4.1, §11.4.3, §15.6: home agents and prefixes that nobody asked for, in the home agent's name, change nothing and are counted", () => {
  const discovery = { homeAgent: undefined, homeAgentDiscovery: true, homePrefixDiscovery: true };
  const world = mobileNetwork({ virtualHome: true, mobile: discovery });
  world.move(100, world.visited[0]);
  const down = world.traffic('down', 2000, 5000);
  const attacker = world.simulation.nodes.get('ar2') as Node;
  const flags = { onLink: true, autonomous: true, routerAddress: false };
  const gone = { validLifetimeS: 0, preferredLifetimeS: 0, prefix: parsePrefix('fd00:c:1::/64').address };
  const prefix = { kind: 'prefixInformation', length: 64, flags, ...gone } as const;
  const forged = [
    { kind: 'homeAgentDiscoveryReply', code: 0, identifier: 7, homeAgents: [correspondentAddress] },
    {
      kind: 'mobilePrefixAdvertisement',
      code: 0,
      identifier: 7,
      flags: { managed: false, other: false },
      options: [prefix],
    },
  ] as const;
  for (const [i, message] of forged.entries()) {
    const envelope = { source: homeAgentAddress, destination: world.careOf(0), hopLimit: 64 };
    inject(world, attacker, 3000 + i, { ...envelope, payload: { kind: 'icmpv6', message } });
  }
  world.run(6000);
  assert.equal(lost(down), 0);
  assert.equal(world.sent('bindingUpdate').length, 1);
  assert.ok(world.sent('bindingUpdate').every(({ packet }) => packet.destination === homeAgentAddress));
  const { counters } = world.mobile.engines[0];
  assert.deepEqual([counters.discarded_homeAgentDiscoveryReply, counters.discarded_mobilePrefixAdvertisement], [1, 1]);
});
