import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gateways, identity, lmas, ProtectedDomain } from '../../test/support/protected-domain.js';
import { parseAddress } from '../base/address.js';
import { seconds } from '../base/time.js';

const profile = { identity, prefix: '2001:db8:1:77::/64' };

/** What becomes of a mobile that registers with that prefix below the visited LMA. */
function registered(more: Readonly<Record<string, unknown>>) {
  const world = new ProtectedDomain('esp', more);
  world.run(seconds(1));
  world.register('visited', 1);
  world.run(seconds(3));
  return world;
}

test('C03-3-01, C03-4.1-02: the home LMA admits a mobile whose profile AAA has, and no other', () => {
  const known = registered({ aaa: { profiles: [profile] } });
  assert.equal(known.counter(lmas.home, 'accessAccepted'), 1);
  assert.equal(known.counter(lmas.visited, 'accessAccepted'), 0);
  assert.equal(known.state.filter(line => line.includes(': bindings ')).length, 1);
  for (const profiles of [[], [{ ...profile, identity: 'other@example.org' }]]) {
    const unknown = registered({ aaa: { profiles } });
    assert.equal(unknown.counter(lmas.home, 'accessRejected'), 1);
    assert.equal(unknown.counter(lmas.home, 'registrations_denied_129'), 1);
    assert.deepEqual(
      unknown.state.filter(line => /: (bindings|locations|allocations|cache|homes) /.test(line)),
      [],
    );
    assert.ok(
      unknown.wire.some(({ source, destination }) => source === lmas.visited && destination === gateways.visited),
    );
  }
});

test('C03-4.1-02: a prefix that the profile does not have is not the mobile’s', () => {
  const world = registered({ aaa: { profiles: [{ ...profile, prefix: '2001:db8:1:78::/64' }] } });
  assert.equal(world.counter(lmas.home, 'registrations_denied_129'), 1);
});

test('C03-3-01: the home LMA, and no other, asks a RADIUS server for the profile of the mobile', () => {
  const server = 'fd00:aaa::1';
  const { wire } = registered({ radius: { servers: [{ address: server, secret: 'a secret that is shared' }] } });
  const asked = wire.filter(({ payload }) => payload.kind === 'udp' && payload.destinationPort === 1812);
  assert.ok(asked.length > 0);
  for (const { source, destination, payload } of asked) {
    assert.deepEqual([source, destination], [lmas.home, parseAddress(server)]);
    assert.ok(payload.kind === 'udp' && new TextDecoder().decode(payload.data).includes(identity));
  }
});
