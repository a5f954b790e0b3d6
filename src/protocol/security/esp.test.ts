import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gcm as gcmCipher } from '@noble/ciphers/aes.js';
import {
  acknowledgement,
  anchor,
  environment,
  gateway,
  mobility,
  sent,
  stored,
  update,
} from '../../../test/support/signalling.js';
import { bytesToHex, hexToBytes } from '../../base/text.js';
import { encodePacket } from '../../wire/ipv6/codec.js';
import { type Packet, protocol } from '../../wire/ipv6/packet.js';
import type { Output, StoredRecord } from '../contract.js';
import { type EspKeys, type InitializationVectors, open, seal } from './esp.js';
import { EspAssociation } from './esp-association.js';
import type { EspDirection } from './esp-channel.js';
import { ReplayWindow } from './replay-window.js';

const fixed = (iv: string): InitializationVectors => ({
  counter: () => hexToBytes(iv),
  unpredictable: () => hexToBytes(iv),
});

/** Those of draft-mcgrew-gcm-test-01 with 128-bit keys and 32-bit sequence numbers. */
const gcmVectors = [
  {
    key: 'feffe9928665731c6d6a8f9467308308',
    salt: 'cafebabe',
    iv: 'facedbaddecaf888',
    header: { spi: 0xa5f8, sequence: 10 },
    data: '4500003e698f000080114dccc0a80102c0a801010a980035002a2343b2d001000001000000000000037369700963796265726369747902646b0000010001',
    sealed:
      'deb22cd9b07c72c16e3a65beeb8df304a5a5897d33ae530f1ba76d5d114d2a5c3de81827c10e9a4f51330d0eec416642cfbb85a5b47e48a4ec3b9ba95d918bd183b70d3aa8bc6ee4c309e9d85a41ad4a',
  },
  {
    key: '00000000000000000000000000000000',
    salt: '00000000',
    iv: '0000000000000000',
    header: { spi: 0, sequence: 1 },
    data: '4500003c99c500008001cb7a40679318010101010800075c020044006162636465666768696a6b6c6d6e6f7071727374757677616263646566676869',
    sealed:
      '4688daf2f973a392732909c331d56d60f694abaa414b5e7ff5fdcdfff5e9a284456476492719ffb64de7d9dca1e1d894bc3bd57873ed4d181d19d4d5c8c18af3f821d496eeb096e98ad2b69e4799c71d',
  },
  {
    key: '7d773d00c144c525ac619d18c84a3f47',
    salt: 'd9664267',
    iv: '43457e9182443bc6',
    header: { spi: 0x335467ae, sequence: 0xffffffff },
    data: '',
    sealed: '437f866bcb3f699fe9b0822bac961c4504bef270',
  },
];

test('RFC 4106 §3: the published packets come out, and open again', () => {
  for (const { key, salt, iv, header, data, sealed } of gcmVectors) {
    const keys: EspKeys = { cipher: 'aes-128-gcm', key: hexToBytes(key), salt: hexToBytes(salt) };
    const content = { protocol: 1, data: hexToBytes(data) };
    const octets = seal(keys, header, content, fixed(iv));
    assert.equal(bytesToHex(octets.subarray(8)), iv + sealed);
    assert.deepEqual(open(keys, octets), content);
  }
});

test('RFC 3602 §4: the published transport mode packet comes out, and opens again under an ICV', () => {
  const keys: EspKeys = {
    cipher: 'aes-128-cbc-hmac-sha-256-128',
    key: hexToBytes('90d382b410eeba7ad938c46cec1a82bf'),
    authenticationKey: new Uint8Array(32).fill(7),
  };
  const data = hexToBytes(
    '08000ebda70a00008e9c083db95b070008090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f3031323334353637',
  );
  const octets = seal(
    keys,
    { spi: 0x4321, sequence: 1 },
    { protocol: 1, data },
    fixed('e96e8c08ab465763fd098d45dd3ff893'),
  );
  assert.equal(
    bytesToHex(octets.subarray(0, -16)),
    '0000432100000001e96e8c08ab465763fd098d45dd3ff893f663c25d325c18c6a9453e194e120849a4870b66cc6b9965330013b4898dc856a4699e523a55db080b59ec3a8e4b7e52775b07d1db34ed9c538ab50c551b874aa269add047ad2d5913ac19b7cfbad4a6',
  );
  assert.deepEqual(open(keys, octets), { protocol: 1, data });
});

const gcm = (byte: number): EspKeys => ({
  cipher: 'aes-128-gcm',
  key: new Uint8Array(16).fill(byte),
  salt: new Uint8Array(4).fill(byte),
});
const cbc = (byte: number): EspKeys => ({
  cipher: 'aes-128-cbc-hmac-sha-256-128',
  key: new Uint8Array(16).fill(byte),
  authenticationKey: new Uint8Array(32).fill(byte),
});

test('RFC 4303 §3.4.4: one changed bit anywhere, or a cut, and nothing opens', () => {
  for (const keys of [gcm(1), cbc(1)]) {
    const content = { protocol: 135, data: Uint8Array.from({ length: 21 }, (_, i) => i) };
    const octets = seal(
      keys,
      { spi: 300, sequence: 1 },
      content,
      fixed('00112233445566778899aabbccddeeff'.slice(0, keys.cipher === 'aes-128-gcm' ? 16 : 32)),
    );
    for (let bit = 0; bit < 8 * octets.length; bit++) {
      const changed = octets.slice();
      changed[bit >> 3] ^= 0x80 >> (bit & 7);
      assert.equal(open(keys, changed), undefined, `bit ${bit}`);
    }
    for (let length = 0; length < octets.length; length++)
      assert.equal(open(keys, octets.subarray(0, length)), undefined);
    assert.deepEqual(open(keys, octets), content);
  }
});

test('RFC 4303 §2.4: padding other than 1, 2, 3 is not from the peer', () => {
  const header = hexToBytes('0000012c00000001');
  const iv = new Uint8Array(8);
  const nonce = Uint8Array.of(1, 1, 1, 1, ...iv);
  for (const [plain, good] of [
    ['01020287', true],
    ['02020287', false],
    ['01030287', false],
    ['0102ff87', false],
  ] as const) {
    const sealed = gcmCipher(new Uint8Array(16).fill(1), nonce, header).encrypt(hexToBytes(plain));
    assert.equal(open(gcm(1), Uint8Array.of(...header, ...iv, ...sealed)) !== undefined, good, plain);
  }
});

function pair(keys = gcm): { mpa: EspAssociation; lmap: EspAssociation } {
  const up: EspDirection = { spi: 1000, keys: keys(1) };
  const down: EspDirection = { spi: 2000, keys: keys(2) };
  return {
    mpa: new EspAssociation(
      { name: 'lmap', peer: anchor, outbound: up, inbound: down },
      environment(),
      'security/esp/a',
    ),
    lmap: new EspAssociation(
      { name: 'mpa', peer: gateway, outbound: down, inbound: up },
      environment(),
      'security/esp/b',
    ),
  };
}
const request = (sequence: number) => mobility(gateway, anchor, update(sequence));
const sealed = (from: EspAssociation, packet: Packet): Packet => sent(from.protect(packet))[0];
const outcome = (at: EspAssociation, packet: Packet): string => {
  const verdict = at.accept(packet, 0);
  return verdict.kind === 'refused' ? verdict.cause : verdict.kind;
};

for (const [title, keys] of [
  ['AES-GCM-128', gcm],
  ['AES-CBC-128 with HMAC-SHA-256-128', cbc],
] as const)
  test(`gundavelli §11 [G00-11-02]: a message goes as ESP under ${title} and comes back as it was`, () => {
    const { mpa, lmap } = pair(keys);
    const packet = sealed(mpa, request(1));
    assert.ok(packet.payload.kind === 'raw' && packet.payload.protocol === protocol.esp);
    assert.deepEqual(lmap.accept(packet, 0), {
      kind: 'accepted',
      packet: request(1),
      outputs: [{ kind: 'store', key: 'security/esp/b/received/1000', value: 1 }],
    });
    const answer = mobility(anchor, gateway, acknowledgement(update(1)));
    const back = mpa.accept(sealed(lmap, answer), 0);
    assert.deepEqual(back.kind === 'accepted' && back.packet, answer);
  });

test('RFC 4303 §3.3.1: extension headers stay outside, before ESP', () => {
  const { mpa, lmap } = pair();
  const homeAddress = mobility(gateway, anchor, update(1)).source;
  const headers = [{ kind: 'destinationOptions', options: [{ kind: 'homeAddress', address: homeAddress }] }] as const;
  const packet = sealed(mpa, { ...request(1), headers });
  assert.deepEqual(packet.headers, headers);
  assert.equal(encodePacket(packet)[6], 60);
  assert.equal(outcome(lmap, packet), 'accepted');
});

test('RFC 4303 §3.4.2: another SPI, no ESP at all, or a header cut short is refused', () => {
  const { mpa, lmap } = pair();
  assert.equal(outcome(mpa, sealed(mpa, request(1))), 'unknownAssociation');
  assert.equal(outcome(lmap, request(1)), 'unprotected');
  const data = new Uint8Array(7);
  assert.equal(outcome(lmap, { ...request(1), payload: { kind: 'raw', protocol: 50, data } }), 'unknownAssociation');
});

test('RFC 4303 §3.4.3: a packet seen before is refused, one that was overtaken is not', () => {
  const { mpa, lmap } = pair();
  const packets = Array.from({ length: 66 }, (_, i) => sealed(mpa, request(i)));
  assert.equal(outcome(lmap, packets[65]), 'accepted');
  assert.equal(outcome(lmap, packets[1]), 'replayed', '64 behind the highest is outside the window');
  assert.equal(outcome(lmap, packets[2]), 'accepted', '63 behind is inside');
  assert.equal(outcome(lmap, packets[2]), 'replayed');
  assert.equal(outcome(lmap, packets[65]), 'replayed');
});

test('RFC 4303 §3.4.3: the window does not move for a packet that fails its integrity check', () => {
  const { mpa, lmap } = pair();
  const [first, second] = [sealed(mpa, request(1)), sealed(mpa, request(2))];
  assert.ok(second.payload.kind === 'raw');
  const forged = second.payload.data.slice();
  forged[7] = 200;
  assert.equal(outcome(lmap, { ...second, payload: { ...second.payload, data: forged } }), 'authentication');
  assert.equal(outcome(lmap, first), 'accepted');
  assert.equal(outcome(lmap, second), 'accepted');
});

test('RFC 4303 §3.3.3: sequence numbers begin at one and never turn over', () => {
  const { mpa } = pair();
  assert.equal(mpa.row.sent, 0);
  mpa.restore([{ key: 'security/esp/a/sent/1000', value: 0xffff_fffe }]);
  assert.equal(sent(mpa.protect(request(1))).length, 1);
  assert.equal(mpa.row.sent, 0xffff_ffff);
  const outputs = mpa.protect(request(2));
  assert.equal(sent(outputs).length, 0);
  assert.equal(outputs[0].kind, 'trace');
});

test('RFC 4303 §2.6: a dummy packet is dropped without a word', () => {
  const { lmap } = pair();
  const data = seal(
    gcm(1),
    { spi: 1000, sequence: 1 },
    { protocol: 59, data: new Uint8Array(9) },
    fixed('0011223344556677'),
  );
  assert.equal(outcome(lmap, { ...request(1), payload: { kind: 'raw', protocol: 50, data } }), 'consumed');
});

test('RFC 6275 §6.1.1: a Mobility Header inside ESP is still checked', () => {
  const { lmap } = pair();
  const inside = encodePacket(request(1)).slice(40);
  inside[4] ^= 1;
  const contents = [
    [135, inside],
    [135, inside.subarray(0, 5)],
    [17, new Uint8Array(8)],
    [253, new Uint8Array(8)],
  ] as const;
  for (const [i, [protocolInside, octets]] of contents.entries()) {
    const sequence = i + 1;
    const data = seal(
      gcm(1),
      { spi: 1000, sequence },
      { protocol: protocolInside, data: octets },
      fixed('0011223344556677'),
    );
    assert.equal(outcome(lmap, { ...request(1), payload: { kind: 'raw', protocol: 50, data } }), 'malformed');
  }
});

function restarted(which: 'mpa' | 'lmap', records: StoredRecord[]): EspAssociation {
  const association = pair()[which];
  association.restore(records);
  return association;
}

test('RFC 4303 §3.3.3: after kill -9 of the sender its numbers and IVs go on above all it used', () => {
  const { mpa, lmap } = pair();
  const records: StoredRecord[] = [];
  const vectors = new Set<string>();
  let sender = mpa;
  for (let life = 0; life < 3; life++) {
    for (let i = 0; i < 5; i++) {
      const outputs: Output[] = sender.protect(request(i));
      records.push(...stored(outputs));
      const [packet] = sent(outputs);
      assert.ok(packet.payload.kind === 'raw');
      vectors.add(bytesToHex(packet.payload.data.subarray(8, 16)));
      assert.equal(outcome(lmap, packet), 'accepted');
    }
    sender = restarted('mpa', records);
  }
  assert.equal(vectors.size, 15);
  assert.equal(records.length, 3, 'a block of numbers is reserved at once');
});

test('RFC 4303 §3.3.3: numbers are reserved before the packet that uses the first of them', () => {
  const outputs = pair().mpa.protect(request(1));
  assert.deepEqual(
    outputs.map(output => output.kind),
    ['store', 'send'],
  );
});

test('RFC 4303 §3.4.3: after kill -9 of the receiver nothing accepted before is accepted again', () => {
  const { mpa, lmap } = pair();
  const records: StoredRecord[] = [];
  const packets = [1, 2, 3].map(i => sealed(mpa, request(i)));
  for (const packet of packets) {
    const verdict = lmap.accept(packet, 0);
    if (verdict.kind === 'accepted') records.push(...stored(verdict.outputs));
  }
  const again = restarted('lmap', records);
  for (const packet of packets) assert.equal(outcome(again, packet), 'replayed');
  assert.equal(outcome(again, sealed(mpa, request(4))), 'accepted');
});

test('RFC 4303 §3.4.3: the window agrees with a set of everything seen', () => {
  const random = environment().random;
  const window = new ReplayWindow();
  const seen = new Set<number>();
  let highest = 0;
  for (let i = 0; i < 5000; i++) {
    const sequence = Math.max(1, highest + 20 - (random.uint32() % 120));
    const fresh = sequence > highest || (sequence > highest - 64 && !seen.has(sequence));
    assert.equal(window.isNew(sequence), fresh, `${sequence} after ${highest}`);
    if (!fresh) continue;
    window.note(sequence);
    seen.add(sequence);
    highest = Math.max(highest, sequence);
  }
});
