import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../base/address.js';
import { DecodeError } from '../../base/errors.js';
import { bytesToHex, hexToBytes } from '../../base/text.js';
import { dissect } from '../dissect.js';
import { decodePacket, encodePacket, packetLength } from '../ipv6/codec.js';
import type { Packet } from '../ipv6/packet.js';
import { linkType } from '../pcapng/blocks.js';
import { bindingUpdateFlags, type MobilityMessage } from './messages.js';

const mobile = parseAddress('2001:db8:1::1');
const agent = parseAddress('2001:db8:2::2');
const homeAgent = parseAddress('2001:db8:3::3');

function update(sequence: number): MobilityMessage {
  const flags = bindingUpdateFlags({ acknowledge: true, homeRegistration: true });
  const options = [{ kind: 'vendorSpecific', content: { kind: 'tunnelRequest', flags: { ipv4: true } } } as const];
  return { kind: 'bindingUpdate', sequence, flags, lifetimeS: 60, options };
}

const inner: Packet = {
  source: mobile,
  destination: homeAgent,
  hopLimit: 64,
  payload: { kind: 'mobility', message: update(7) },
};
const nested: Packet = {
  source: mobile,
  destination: agent,
  hopLimit: 64,
  payload: { kind: 'mobility', message: update(6), nested: inner },
};

test('D02-2.2.2-05: the update for the home agent is carried whole behind the one for the agent, at any depth', () => {
  for (const packet of [nested, { ...nested, payload: { ...nested.payload, nested } }] as Packet[]) {
    const bytes = encodePacket(packet);
    assert.equal(bytes.length, packetLength(packet));
    assert.deepEqual(decodePacket(bytes), packet);
  }
  const bytes = encodePacket(nested);
  const header = 8 * (bytes[41] + 1);
  assert.equal(bytes[40], 41);
  assert.deepEqual(bytes.subarray(40 + header), encodePacket(inner));
});

test('draft-dommety §2.2.2: every cut of nested updates is an error, in the outer packet or in the inner one', () => {
  const bytes = encodePacket(nested);
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => decodePacket(bytes.subarray(0, length)), DecodeError);
    assert.ok(dissect(bytes.subarray(0, length), linkType.ipv6).error);
  }
  const { layers, error } = dissect(bytes, linkType.ipv6);
  assert.equal(error, undefined);
  assert.deepEqual(
    layers.map(({ name }) => name),
    ['IPv6', 'Binding Update', 'IPv6', 'Binding Update'],
  );
});

test('RFC 6275 §9.2: behind other messages nothing may follow', () => {
  const bytes = encodePacket({
    ...nested,
    payload: { kind: 'mobility', message: { kind: 'bindingRefreshRequest', options: [] } },
  });
  bytes[40] = 41;
  assert.throws(
    () => decodePacket(bytes),
    (error: DecodeError) => error.code === 'checksum' || error.code === 'payload-proto',
  );
});

test('D02-2.2.1-02, D02-2.2.1-09: the option counts its length in eight octets, and lists one address or more', () => {
  const first = '20010db8000200000000000000000002';
  const second = '20010db8000300000000000000000003';
  const advertisement: Packet = {
    source: agent,
    destination: mobile,
    hopLimit: 255,
    payload: {
      kind: 'icmpv6',
      message: {
        kind: 'routerAdvertisement',
        code: 0,
        currentHopLimit: 64,
        flags: { managed: false, other: false, homeAgent: false },
        routerLifetimeS: 1800,
        reachableTimeMs: 0,
        retransTimerMs: 0,
        options: [
          {
            kind: 'localMobilityAgents',
            sequence: 258,
            lifetimeS: 600,
            flags: { ownCareOfAddressNeeded: true, ipv4Tunnel: false },
            addresses: [agent, homeAgent],
          },
          { kind: 'anchoring', zone: 5 },
        ],
      },
    },
  };
  const bytes = encodePacket(advertisement);
  const options = bytesToHex(bytes.subarray(40 + 16));
  assert.equal(options, `fd050102${'0258'}${'8000'}${first}${second}${'fe01000000000005'}`);
  assert.deepEqual(decodePacket(hexToBytes(bytesToHex(bytes))), advertisement);
});
