import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anchorAddress, bindingUpdatePacket, gateway1, type UpdateFields } from '../../../test/support/anchor.js';
import { type Address, parseAddress } from '../../base/address.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import type { BindingUpdate } from '../../wire/mobility/messages.js';
import { acknowledgement } from './acknowledge.js';
import { Peers } from './peers.js';
import { readUpdate } from './update.js';
import {
  grantedLifetimeS,
  type HomeRequest,
  homeAgentTests,
  isNewer,
  overriding,
  refused,
  type Verdict,
  validate,
} from './validate.js';

const home = parseAddress('2001:db8:a::7');

function update(fields: UpdateFields, homeAddress: Address | undefined) {
  const plain = bindingUpdatePacket({ ...fields, flags: { proxy: false, ...fields.flags } });
  const option = homeAddress && ({ kind: 'homeAddress', address: homeAddress } as const);
  const packet: Packet = option ? { ...plain, headers: [{ kind: 'destinationOptions', options: [option] }] } : plain;
  const peer = new Peers([], true, { perSecond: 1, burst: 1 }).sender(gateway1, undefined)!;
  const { payload } = packet;
  return readUpdate(
    { kind: 'packet', packet },
    (payload.kind === 'mobility' && payload.message) as BindingUpdate,
    peer,
  );
}

/** A home agent's verdict on a mobile node's Binding Update. */
function verdict(
  fields: UpdateFields,
  facts: Partial<HomeRequest> = {},
  homeAddress: Address | undefined = home,
): string {
  const request: HomeRequest = {
    update: update(fields, homeAddress),
    existing: undefined,
    homeAgent: true,
    onLink: true,
    returnRoutable: false,
    room: true,
    unique: true,
    ...facts,
  };
  return text(validate(homeAgentTests, request));
}

function text(result: Verdict | undefined): string {
  if (!result) return 'passes';
  return result.kind === 'refused' ? `${result.status}` : result.reason;
}

const existing = { sequence: 10, homeRegistration: true };
const correspondent = { homeRegistration: false };

test('RFC 6275 §9.5.1: the home address is a routable unicast address', () => {
  assert.equal(verdict({}), 'passes');
  assert.equal(verdict({}, {}, parseAddress('ff02::1')), 'homeAddress');
  assert.equal(verdict({}, {}, parseAddress('fe80::1')), 'homeAddress');
});

test('RFC 6275 §9.5.4: nothing answers a source that is no unicast address', () => {
  assert.equal(verdict({ from: parseAddress('ff02::1') }), 'sourceAddress');
});

test('RFC 6275 §9.5.1: without H return routability has to authorize it, with H there are no Nonce Indices', () => {
  assert.equal(verdict({ flags: correspondent }), 'notAuthorized');
  assert.equal(verdict({ flags: correspondent }, { returnRoutable: true }), 'passes');
  const options = [{ kind: 'nonceIndices', homeNonceIndex: 1, careOfNonceIndex: 1 }] as const;
  assert.equal(verdict({ options }), 'nonceIndices');
});

test('RFC 6275 §9.5.1: what is not authorized is dropped before its sequence number is looked at', () => {
  assert.equal(verdict({ flags: correspondent, sequence: 1 }, { existing }), 'notAuthorized');
});

test('RFC 6275 §9.5.1: sequence number (135) before registration type (139)', () => {
  assert.equal(verdict({ sequence: 10 }, { existing }), '135');
  assert.equal(verdict({ sequence: 11 }, { existing }), 'passes');
  assert.equal(verdict({ sequence: 11 }, { existing: { ...existing, homeRegistration: false } }), '139');
  assert.equal(verdict({ sequence: 10 }, { existing: { ...existing, homeRegistration: false } }), '135');
});

test('RFC 6275 §10.3.1: 131, 132, 130, the Home Address option, 134, in this order', () => {
  const nothing = { homeAgent: false, onLink: false, room: false, unique: false };
  assert.equal(verdict({}, nothing, undefined), '131');
  assert.equal(verdict({}, { ...nothing, homeAgent: true }, undefined), '132');
  assert.equal(verdict({}, { room: false, unique: false }, undefined), '130');
  assert.equal(validate(homeAgentTests, withoutOption({ unique: false }))?.kind, 'discarded');
  assert.equal(verdict({}, { unique: false }), '134');
  assert.equal(verdict({ sequence: 11 }, { unique: false, room: false, existing }), 'passes');
});

function withoutOption(facts: Partial<HomeRequest>): HomeRequest {
  const request = {
    existing: undefined,
    homeAgent: true,
    onLink: true,
    returnRoutable: false,
    room: true,
    unique: true,
  };
  return { ...request, update: update({}, undefined), ...facts };
}

test('RFC 6275 §10.3.2: there is nothing to de-register (133); at home the option may be left out', () => {
  assert.equal(verdict({ lifetimeS: 0 }), '133');
  assert.equal(verdict({ lifetimeS: 0, sequence: 11 }, { existing }), 'passes');
  assert.equal(
    validate(homeAgentTests, {
      ...withoutOption({ existing }),
      update: update({ lifetimeS: 0, sequence: 11 }, undefined),
    }),
    undefined,
  );
});

test('RFC 6275 §9.5.1: sequence numbers are compared modulo 2^16', () => {
  for (const older of [0, 15, 32783, 65535]) assert.equal(isNewer(older, 15), false, `${older}`);
  for (const newer of [16, 1000, 32782]) assert.equal(isNewer(newer, 15), true, `${newer}`);
  assert.equal(isNewer(0, 65535), true);
});

test('RFC 6275 §10.3.1: granted is the least of what was asked and what is allowed, in units of 4 s', () => {
  assert.deepEqual(
    [grantedLifetimeS(100, 3600), grantedLifetimeS(7200, 3600), grantedLifetimeS(7200, 3601), grantedLifetimeS(8, 6)],
    [100, 3600, 3600, 4],
  );
});

test('a dialect overrides tests by name and cannot override what is not there', () => {
  const open = { name: 'home subnet', section: 'nowhere', fails: () => refused(129, 'no') };
  const tests = overriding(homeAgentTests, [open]);
  assert.equal(tests.length, homeAgentTests.length);
  assert.equal(text(validate(tests, { ...withoutOption({}), onLink: false, update: update({}, home) })), '129');
  assert.throws(() => overriding(homeAgentTests, [{ ...open, name: 'no such test' }]), RangeError);
});

test('RFC 6275 §9.5.4: a type 2 routing header leads the answer to a mobile that named its home address', () => {
  const answer = { status: 0, sequence: 1, lifetimeS: 4, options: [] };
  const packet = acknowledgement(update({}, home), answer, 'routingHeader');
  assert.deepEqual(packet.headers, [{ kind: 'routingType2', segmentsLeft: 1, homeAddress: home }]);
  assert.deepEqual([packet.source, packet.destination], [anchorAddress, gateway1]);
  assert.equal(acknowledgement(update({}, undefined), answer, 'routingHeader').headers, undefined);
  assert.equal(acknowledgement(update({}, home), answer, 'plain').headers, undefined);
});
