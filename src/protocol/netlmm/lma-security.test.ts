import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HomeWorld } from '../../../test/support/home-agent.js';
import {
  alice,
  bob,
  client1,
  client2,
  home,
  lmaAddress,
  mag1,
  mag2,
  NetlmmWorld,
  other,
  proxyUpdate,
} from '../../../test/support/netlmm-lma.js';
import { protections, SecuredMobile, tampered } from '../../../test/support/secured-mobile.js';
import { formatAddress, unspecified } from '../../base/address.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import type { Protection } from '../scheme.js';
import { placedSecurity } from '../security/placement.js';
import { netlmmLma } from './lma-role.js';

const lma = formatAddress(lmaAddress);
type Kind = Exclude<Protection, 'insecure'>;

/** A peer's entry at the anchor, with the keys that a {@link SecuredMobile} called `keys` has. */
const peer = (protection: Kind, keys: string, entry: object) => ({
  ...entry,
  security: placedSecurity(protection, lma, keys),
});
const address = (protection: Kind, at: typeof home) =>
  peer(protection, formatAddress(at), { address: formatAddress(at) });
const identity = (protection: Kind, nai: string) => peer(protection, nai, { identity: nai });
const messagesOf = (packets: readonly Packet[]) =>
  packets.flatMap(({ payload }) => (payload.kind === 'mobility' ? [payload.message] : []));
const rule = (to: typeof home, gateway: typeof mag1) => `${formatAddress(to)}/128 → ${formatAddress(gateway)}`;

for (const protection of protections) {
  test(`S02-4.3-01, S02-4.3-02: each mobile has an association of its own at a plain home agent, and whoever has its keys may send for it: ${protection}`, () => {
    const world = new HomeWorld({
      homeLink: undefined,
      peers: [address(protection, home), address(protection, other)],
    });
    const forHome = new SecuredMobile(world, formatAddress(home), lmaAddress, protection);
    const forOther = new SecuredMobile(world, formatAddress(other), lmaAddress, protection);
    assert.equal(forHome.send(proxyUpdate({ identity: alice }))?.status, 0);
    assert.equal(forOther.send(proxyUpdate({ sequence: 2, gateway: mag2 })), undefined, "another mobile's keys");
    assert.equal(forOther.send(proxyUpdate({ home: other, client: client2, gateway: mag2 }))?.status, 0);
    assert.deepEqual(world.ruleTexts, [rule(home, mag1), rule(other, mag2)]);
  });

  test(`S02-4.3-01, S02-4.3-02: associations by identifier: one mobile's keys are good for that mobile alone, from any client: ${protection}`, () => {
    const world = new NetlmmWorld({ peers: [identity(protection, alice), identity(protection, bob)] });
    const forAlice = new SecuredMobile(world, alice, lmaAddress, protection);
    const forBob = new SecuredMobile(world, bob, lmaAddress, protection);
    assert.equal(forAlice.send(proxyUpdate({ identity: alice }))?.status, 0);
    assert.equal(forBob.send(proxyUpdate({ sequence: 2, gateway: mag2 }))?.status, 129);
    assert.equal(forBob.send(proxyUpdate({ home: other, identity: alice }))?.status, 129);
    assert.equal(forAlice.send(proxyUpdate({ sequence: 2, client: client2, gateway: mag2 }))?.status, 0);
    assert.deepEqual(world.ruleTexts, [rule(home, mag2)]);
  });

  test(`S02-4.3-03: one association of a client serves every mobile whose home its permissions name: ${protection}`, () => {
    const world = new NetlmmWorld({
      peers: [address(protection, client1), address(protection, client2)],
      permissions: [{ peer: formatAddress(client2), prefixes: [`${formatAddress(other)}/128`] }],
    });
    const first = new SecuredMobile(world, formatAddress(client1), lmaAddress, protection);
    const second = new SecuredMobile(world, formatAddress(client2), lmaAddress, protection);
    assert.equal(first.send(proxyUpdate({ identity: alice }))?.status, 0);
    assert.equal(first.send(proxyUpdate({ home: other, identity: bob }))?.status, 0);
    const intruding = proxyUpdate({ client: client2, sequence: 2, gateway: mag2 });
    assert.equal(second.send(intruding)?.status, 129, 'not permitted');
    assert.equal(second.send(proxyUpdate({ client: client2, home: other, sequence: 2, gateway: mag2 }))?.status, 0);
    assert.deepEqual(world.ruleTexts, [rule(home, mag1), rule(other, mag2)]);
  });

  test(`draft-singh §4.3, §6: unprotected, altered and borrowed updates of a client do nothing: ${protection}`, () => {
    const world = new NetlmmWorld({ peers: [address(protection, client1), address(protection, client2)] });
    const first = new SecuredMobile(world, formatAddress(client1), lmaAddress, protection);
    world.receive(proxyUpdate());
    world.receive(tampered(first.protect(proxyUpdate())));
    world.receive({ ...first.protect(proxyUpdate()), source: client2 });
    const discarded = world.traced.filter(event => event.event === 'discarded');
    assert.equal(discarded.length, 3);
    const statuses = messagesOf(world.sent).map(message => message.kind === 'bindingAcknowledgement' && message.status);
    assert.deepEqual([world.ruleTexts, statuses], [[], protection === 'esp' ? [] : [146]]);
  });

  test(`S02-AppA-04: an assigned address goes back under the association that asked for it: ${protection}`, () => {
    const world = new NetlmmWorld({ peers: [identity(protection, alice), address(protection, client2)] });
    const options = [{ kind: 'homeNetworkPrefix', address: unspecified, length: 0 } as const];
    const forAlice = new SecuredMobile(world, alice, lmaAddress, protection);
    assert.equal(forAlice.send(proxyUpdate({ home: null, identity: alice, options }))?.status, 0);
    const second = new SecuredMobile(world, formatAddress(client2), lmaAddress, protection);
    assert.equal(second.send(proxyUpdate({ client: client2, home: null, identity: bob, options }))?.status, 0);
    assert.equal(forAlice.send(proxyUpdate({ home: null, identity: bob, sequence: 2, options }))?.status, 129);
    assert.equal(world.ruleTexts.length, 2);
  });

  test(`S02-AppE.1-03: one mobile is registered over different associations, of either kind, and each answer goes under its own: ${protection}`, () => {
    const first = { identity: alice, name: 'alice by client 1' };
    const second = { identity: alice, name: 'alice by client 2' };
    const world = new NetlmmWorld({
      peers: [
        peer(protection, 'keys 1', first),
        peer(protection, 'keys 2', second),
        address(protection, home),
        address(protection, client1),
      ],
    });
    const by = (keys: string) => new SecuredMobile(world, keys, lmaAddress, protection);
    const again = by('keys 2');
    assert.equal(by('keys 1').send(proxyUpdate({ sequence: 100, identity: alice }))?.status, 0);
    const early = again.send(proxyUpdate({ sequence: 3, client: client2, gateway: mag2, identity: alice }));
    assert.deepEqual([early?.status, early?.sequence], [135, 100]);
    const next = proxyUpdate({ sequence: 101, client: client2, gateway: mag2, identity: alice });
    assert.equal(again.send(next)?.status, 0);
    assert.deepEqual(world.ruleTexts, [rule(home, mag2)]);
    assert.equal(by(formatAddress(client1)).send(proxyUpdate({ sequence: 102 }))?.status, 0);
    assert.equal(
      by(formatAddress(home)).send(proxyUpdate({ sequence: 103, client: client2, gateway: mag2 }))?.status,
      0,
    );
    assert.deepEqual(world.ruleTexts, [rule(home, mag2)]);
  });
}

test('configuration: a mobile may have several associations, each with a name and keys of its own', () => {
  const problems = (...peers: object[]) => {
    const parsed = netlmmLma.parse({ address: lma, prefixes: ['2001:db8:a::/64'], peers });
    return parsed.ok ? [] : parsed.problems.map(({ path, expected }) => `${path.join('.')}: ${expected}`);
  };
  const one = peer('esp', 'keys 1', { identity: alice, name: 'first' });
  const two = peer('esp', 'keys 2', { identity: alice });
  assert.deepEqual(problems(one, two), []);
  assert.deepEqual(problems(two, peer('esp', 'keys 3', { identity: alice })), [
    'peers.1.identity: a name that no other peer has',
  ]);
  assert.deepEqual(problems(one, peer('esp', 'keys 3', { identity: bob, name: 'first' })), [
    'peers.1.name: a name that no other peer has',
    'peers.0.name: a name that no other peer has',
    'peers.1.name: a name that no other peer has',
  ]);
  assert.deepEqual(problems(one, peer('esp', 'keys 1', { identity: bob })), [
    'peers.1.security: keys that no other mobile has',
  ]);
});
