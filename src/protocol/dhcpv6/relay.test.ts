import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lnp, station } from '../../../test/support/dhcpv6.js';
import { parseAddress } from '../../base/address.js';
import { linkLocalAddress } from '../../base/link-address.js';
import { utf8Bytes } from '../../base/text.js';
import type { Dhcpv6Message, Dhcpv6Option } from '../../wire/dhcpv6/messages.js';
import { addressesGivenBack, leasesIn, relayedAnswer, relayForward } from './relay.js';

const peer = linkLocalAddress(station(1));
const client = { linkAddress: lnp, peer, link: 'wlan0' };
const solicit: Dhcpv6Message = { kind: 'solicit', transaction: 1, options: [] };
const address = parseAddress('fd00:1::5');

function ia(validLifetimeS: number): Dhcpv6Option {
  return {
    kind: 'iaNa',
    iaid: 1,
    t1S: 0,
    t2S: 0,
    options: [{ kind: 'iaAddress', address, preferredLifetimeS: validLifetimeS, validLifetimeS, options: [] }],
  };
}

test('RFC 8415 §19.1.1 gundavelli §6.3-3 [G00-6.3-3-04] [G00-6.3-3-05]: a client’s message is wrapped and tagged with an address on the LNP', () => {
  const identified = { ...client, station: station(1), identity: 'host@example.net' };
  assert.deepEqual(relayForward(solicit, identified), {
    kind: 'relayForward',
    hopCount: 0,
    linkAddress: lnp,
    peerAddress: peer,
    options: [
      { kind: 'relayMessage', message: solicit },
      { kind: 'interfaceId', id: utf8Bytes('wlan0') },
      { kind: 'subscriberId', id: 'host@example.net' },
      { kind: 'clientLinkLayerAddress', hardwareType: 1, address: station(1) },
    ],
  });
});

test('RFC 8415 §19.1.2: a relayed message is relayed on until its hop count is HOP_COUNT_LIMIT', () => {
  let message = relayForward(solicit, client);
  let hops = 0;
  while (message) {
    assert.equal(message.hopCount, hops++);
    message = relayForward(message, client);
  }
  assert.equal(hops, 9);
});

test('RFC 8415 §19: answers of servers are not relayed towards servers', () => {
  for (const kind of ['advertise', 'reply', 'reconfigure'] as const)
    assert.equal(relayForward({ kind, transaction: 1, options: [] }, client), undefined);
  const reply = { kind: 'relayReply', hopCount: 0, linkAddress: lnp, peerAddress: peer, options: [] } as const;
  assert.equal(relayForward(reply, client), undefined);
});

test('RFC 8415 §19.2 gundavelli §6.3-3 [G00-6.3-3-06]: an answer says for whom it is, on which link, and what was leased', () => {
  const message: Dhcpv6Message = { kind: 'reply', transaction: 1, options: [ia(100)] };
  const reply: Dhcpv6Message = {
    kind: 'relayReply',
    hopCount: 0,
    linkAddress: lnp,
    peerAddress: peer,
    options: [
      { kind: 'interfaceId', id: utf8Bytes('wlan0') },
      { kind: 'relayMessage', message },
    ],
  };
  assert.deepEqual(relayedAnswer(reply), {
    message,
    peer,
    link: 'wlan0',
    leases: [{ kind: 'leased', address, validLifetimeS: 100 }],
  });
  assert.equal(relayedAnswer({ ...reply, options: [] }), undefined);
  assert.equal(relayedAnswer(message), undefined);
});

test('an offer is no lease; a lifetime of zero takes one back; Release and Decline give back', () => {
  assert.deepEqual(leasesIn({ kind: 'advertise', transaction: 1, options: [ia(100)] }), []);
  assert.deepEqual(leasesIn({ kind: 'reply', transaction: 1, options: [ia(0)] }), [{ kind: 'ended', address }]);
  assert.deepEqual(addressesGivenBack({ kind: 'release', transaction: 1, options: [ia(0)] }), [address]);
  assert.deepEqual(addressesGivenBack({ kind: 'decline', transaction: 1, options: [ia(0)] }), [address]);
  assert.deepEqual(addressesGivenBack({ kind: 'renew', transaction: 1, options: [ia(0)] }), []);
});
