import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gatewayAddress, loa } from '../../../test/support/gateway.js';
import {
  clientAddress,
  mobileProfile,
  optionOf,
  otherClient,
  TriggeringBench,
} from '../../../test/support/triggering-gateway.js';
import { parseAddress } from '../../base/address.js';
import { Clients, type KnownClient } from './client-choice.js';

const own = gatewayAddress;
const addresses = ['fd00:c::1', 'fd00:c::2', 'fd00:c::3', 'fd00:c::4'].map(parseAddress);
const identities = Array.from({ length: 400 }, (_, i) => `mobile${i}@example.net`);

function known(list = addresses): KnownClient[] {
  return list.map(address => ({ address, identities: [], realms: [] }));
}

test('S02-4.1-3-02: by the identifier every gateway picks the same client, and each client has its share', () => {
  const here = new Clients(known(), 'identifier', own);
  const there = new Clients(known([...addresses].reverse()), 'identifier', parseAddress('fd00::2'));
  const shares = new Map<string, number>();
  for (const identity of identities) {
    const client = here.pick(identity);
    assert.equal(there.pick(identity), client);
    shares.set(client, (shares.get(client) ?? 0) + 1);
  }
  for (const address of addresses) assert.ok(Math.abs((shares.get(address) ?? 0) - 100) < 40, `${shares.get(address)}`);
});

test('S02-4.1-3-02: another client moves no mobile but to itself', () => {
  const before = new Clients(known(addresses.slice(0, 3)), 'identifier', own);
  const after = new Clients(known(), 'identifier', own);
  const moved = identities.filter(identity => before.pick(identity) !== after.pick(identity));
  assert.ok(moved.length > 50);
  assert.ok(moved.every(identity => after.pick(identity) === addresses[3]));
});

test('S02-4.1-3-02: statically, mobiles and realms that configuration gives to a client are its own', () => {
  const list = known();
  list[1] = { ...list[1], realms: ['example.org'] };
  list[2] = { ...list[2], identities: ['alice@example.org'] };
  const clients = new Clients(list, 'available', own);
  assert.equal(clients.pick('bob@example.org'), addresses[1]);
  assert.equal(clients.pick('alice@example.org'), addresses[2]);
});

test('S02-4.1-3-02: dynamically, the client lost least recently is picked, and takes over what none has registered', () => {
  const b = new TriggeringBench({ clients: [{}, { address: otherClient }], choice: 'available' });
  b.attach();
  b.authenticate({ ...mobileProfile, address: loa });
  assert.equal(b.trigger.peer, clientAddress);
  b.give({ kind: 'peerLost', service: 'pmip', peer: clientAddress });
  assert.equal(b.trigger.peer, otherClient);
  b.notify();
  b.now = 5;
  b.give({ kind: 'peerLost', service: 'pmip', peer: otherClient });
  b.detach();
  b.until(6);
  assert.equal(b.trigger.peer, otherClient, 'a client keeps the mobiles it has registered');
  assert.equal(optionOf(b.trigger, 'flags')?.flags.detached, true);
});

test('S02-4.1-3-02: a gateway with a client of its own picks it for mobiles that appear there', () => {
  const clients = new Clients(known([...addresses, own]), 'local', own);
  assert.equal(clients.pick(identities[0]), own);
});
