import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressFromBytes, parseAddress } from '../../base/address.js';
import { DecodeError } from '../../base/errors.js';
import { bytesToHex, hexToBytes } from '../../base/text.js';
import { checksum } from '../checksum.js';
import { dissect } from '../dissect.js';
import { decodePacket, encodePacket, packetLength } from '../ipv6/codec.js';
import { type Packet, protocol } from '../ipv6/packet.js';
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

test('draft-dommety §3.2.1: a packet that is padded otherwise comes out of the update before it octet for octet', () => {
  const plain = encodePacket(nested);
  const start = 40 + 8 * (plain[41] + 1);
  const canonical = plain.subarray(start);
  // Eight octets more of padding at the end of the header, as two PadN that we would never write.
  const padded = Uint8Array.from([...canonical, 1, 2, 0xaa, 0xbb, 1, 2, 0, 0]);
  padded[5] += 8;
  padded[41] += 1;
  const odd = repaired(padded, 40);
  // The hop limit of an option header with padding of its own before a Home Address option.
  const option = [135, 3, 1, 4, 1, 2, 3, 4, 1, 2, 0, 0, 201, 16, ...encodePacket(inner).subarray(24, 40), 1, 0];
  const headed = Uint8Array.from([...canonical.subarray(0, 40), ...option, ...canonical.subarray(40)]);
  headed[5] += option.length;
  headed[6] = 60;
  for (const octets of [odd, repaired(headed, 40 + option.length, headed.subarray(24, 40))]) {
    const whole = Uint8Array.from([...plain.subarray(0, start), ...octets]);
    new DataView(whole.buffer).setUint16(4, whole.length - 40);
    const { payload } = decodePacket(whole, { mobilityOctets: true });
    assert.ok(payload.kind === 'mobility' && payload.nested);
    assert.deepEqual([payload.nested.source, payload.nested.destination], [mobile, homeAgent]);
    assert.deepEqual(encodePacket(payload.nested), octets);
    assert.equal(decodePacket(octets).payload.kind, 'mobility');
    const twice = { ...nested, payload: { ...nested.payload, nested: decodePacket(whole) } } as Packet;
    const inside = decodePacket(encodePacket(twice)).payload;
    assert.ok(inside.kind === 'mobility' && inside.nested);
    assert.deepEqual(encodePacket(inside.nested), whole);
  }
});

test("draft-dommety §2.2.2: octets behind a nested packet are nobody's", () => {
  const bytes = Uint8Array.from([...encodePacket(nested), 0, 0, 0, 0]);
  bytes[5] += 4;
  assert.throws(
    () => decodePacket(bytes),
    (error: DecodeError) => error.code === 'length' && error.path === 'nested',
  );
  assert.equal(dissect(bytes, linkType.ipv6).error?.path, 'nested');
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

/** The packet with the checksum of its Mobility Header, at `at`, made right; `home`, where it is not the source that counts. */
function repaired(packet: Uint8Array, at: number, home: Uint8Array = packet.subarray(8, 24)): Uint8Array {
  packet.fill(0, at + 4, at + 6);
  const ends = { source: addressFromBytes(home, 0), destination: addressFromBytes(packet, 24) };
  new DataView(packet.buffer).setUint16(at + 4, checksum(packet, at, packet.length, ends, protocol.mobility));
  return packet;
}
