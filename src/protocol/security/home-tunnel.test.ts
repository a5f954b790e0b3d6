import assert from 'node:assert/strict';
import { test } from 'node:test';
import { homeAddress, SecuredNode } from '../../../test/support/nested-updates.js';
import { messageOf, mobility, sent } from '../../../test/support/signalling.js';
import { type Address, parseAddress } from '../../base/address.js';
import { hostPrefix } from '../../base/prefix.js';
import { second } from '../../base/time.js';
import { type Packet, protocol } from '../../wire/ipv6/packet.js';
import type { ForwardingRule, Output } from '../contract.js';

const homeAgent = parseAddress('2001:db8:3::3');
const agent = parseAddress('2001:db8:a::1');
const correspondent = parseAddress('2001:db8:c::1');
const end = 'homeAddress';
const testInit = mobility(homeAddress, correspondent, { kind: 'homeTestInit', cookie: new Uint8Array(8), options: [] });
const homeTest = mobility(correspondent, homeAddress, {
  kind: 'homeTest',
  nonceIndex: 1,
  cookie: new Uint8Array(8),
  keygenToken: new Uint8Array(8),
  options: [],
});
const fromHome: ForwardingRule = { from: hostPrefix(homeAddress), via: { kind: 'link', link: 'lan' } };
const toHome: ForwardingRule = {
  to: hostPrefix(homeAddress),
  via: { kind: 'tunnel', local: homeAgent, remote: agent },
};

/** Of an ESP packet, its ends. */
function endsOf({ source, destination, payload }: Packet): [Address, Address] {
  assert.ok(payload.kind === 'raw' && payload.protocol === protocol.esp);
  return [source, destination];
}
const forward = (rule: ForwardingRule): Output[] => [{ kind: 'forward', rule }];

test('RFC 6275 §5.2.5, draft-dommety §3.1: behind a shared care-of address tests go in a tunnel that ends at the home address', () => {
  const mobile = new SecuredNode(homeAddress, [{ address: homeAgent, tunnel: end }], {});
  const home = new SecuredNode(homeAgent, [{ address: homeAddress, tunnel: end }], {});
  assert.deepEqual(mobile.say(forward(fromHome), second), forward(fromHome));
  const [declared] = home.say(forward(toHome), second);
  assert.ok(declared.kind === 'forward' && declared.rule.via.kind === 'tunnel' && declared.rule.via.exceptMobility);

  const [up] = sent(mobile.say([{ kind: 'send', packet: testInit }], second));
  assert.deepEqual(endsOf(up), [homeAddress, homeAgent]);
  assert.deepEqual(sent(home.receive(up, second)), [testInit]);

  const [down] = sent(home.receive(homeTest, second));
  assert.deepEqual(endsOf(down), [homeAgent, homeAddress]);
  mobile.receive(down, second);
  assert.deepEqual(mobile.engine.packets.map(messageOf), [homeTest].map(messageOf));
});

test('RFC 6275 §5.2.5: a mobile that has gone home sends and takes tests in the clear', () => {
  const mobile = new SecuredNode(homeAddress, [{ address: homeAgent, tunnel: end }], {});
  mobile.say(forward(fromHome), second);
  mobile.receive(homeTest, second);
  assert.equal(mobile.engine.packets.length, 0);
  mobile.say([{ kind: 'unforward', from: hostPrefix(homeAddress) }], second);
  mobile.receive(homeTest, second);
  assert.deepEqual(mobile.engine.packets.map(messageOf), [homeTest].map(messageOf));
  assert.deepEqual(sent(mobile.say([{ kind: 'send', packet: testInit }], second)), [testInit]);
});
