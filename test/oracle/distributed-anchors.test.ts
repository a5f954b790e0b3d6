import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseAddress } from '../../src/base/address.js';
import { parseLinkAddress } from '../../src/base/link-address.js';
import { parsePrefix } from '../../src/base/prefix.js';
import { bytesToHex } from '../../src/base/text.js';
import { writeMessage } from '../../src/protocol/dlma/codec.js';
import type { Message } from '../../src/protocol/dlma/messages.js';
import { encodeFrame } from '../../src/wire/ethernet.js';
import { encodePacket } from '../../src/wire/ipv6/codec.js';
import { linkType } from '../../src/wire/pcapng/blocks.js';
import { concatenate, pcapngHeader, pcapngPacket } from '../../src/wire/pcapng/writer.js';
import { scapy, scapyTest } from '../support/scapy.js';
import { mac } from './samples.js';
import { assertCleanCapture, tsharkFields, withoutTshark } from './tshark.js';

const source = parseAddress('2001:db8:a::1');
const destination = parseAddress('2001:db8:b::1');
const anchor = source;
const gateway = parseAddress('2001:db8:a::2');
const linkLocal = parseAddress('fe80::1');
const homes = [parsePrefix('2001:db8:1:77::/64')];
const about = { sequence: 258, identity: 'mn@home', homes };
const place = { sequence: 258, homes, timestampMs: 1_700_000_000_500, lifetimeS: 300 };
const session = { handoff: 3, accessTechnology: 4, linkIdentifier: parseLinkAddress('02:00:00:00:00:01') };

const prefix = { 'mip6.nemo.mnp.pfl': '64', 'mip6.nemo.mnp.mnp': '2001:db8:1:77::' };
const update = {
  'mip6.mhtype': '5',
  'mip6.bu.seqnr': '258',
  'mip6.bu.p_flag': '1',
  'mip6.bu.lifetime': '75',
  ...prefix,
};
const named = { 'mip6.mnid.identifier': 'mn@home' };
const anchored = { 'mip6.lmaa.opt_code': '1', 'mip6.lmaa.ipv6': '2001:db8:a::1' };
const attached = { 'mip6.mag_ipv6.address_length': '128', 'mip6.mag_ipv6.address': '2001:db8:a::2' };
const linked = { 'mip6.lila_lla': 'fe80::1' };
const stamped = { 'mip6.options.ts': '1b0800006553f1008000' };
const role = (number: number) => ({
  'mip6.vsm.vendorId': '32473',
  'mip6.vsm.subtype': '7',
  'mip6.options.vsm': `130600007ed9070${number}`,
});

/** What is said, and what tshark has to print of it. */
const said: readonly (readonly [Message, Readonly<Record<string, string>>])[] = [
  [
    { kind: 'registration', ...about, ...place, anchor, gateway, linkLocal, session },
    {
      ...update,
      'mip6.bu.a_flag': '1',
      ...named,
      ...anchored,
      ...attached,
      ...linked,
      ...stamped,
      'mip6.hi': '3',
      'mip6.att': '4',
    },
  ],
  [
    { kind: 'registered', ...about, ...place, status: 134, linkLocal, previous: { anchor, gateway } },
    {
      'mip6.mhtype': '6',
      'mip6.ba.status': '134',
      'mip6.ba.p_flag': '1',
      'mip6.ba.seqnr': '258',
      ...named,
      ...prefix,
      ...anchored,
      ...attached,
      ...linked,
      ...stamped,
    },
  ],
  [
    { kind: 'allocation', ...about, homes: [], lifetimeS: 300 },
    { ...update, ...named, ...role(4), 'mip6.nemo.mnp.pfl': '0', 'mip6.nemo.mnp.mnp': '::' },
  ],
  [
    { kind: 'allocated', ...about, status: 130 },
    { 'mip6.mhtype': '6', 'mip6.ba.status': '130', ...named, ...prefix, ...role(4) },
  ],
  [
    { kind: 'handover', ...about, ...place, anchor, gateway },
    { ...update, 'mip6.bu.a_flag': '1', ...named, ...role(1), ...anchored, ...attached, ...stamped },
  ],
  [
    { kind: 'handoverAnswer', ...about, status: 0 },
    { 'mip6.mhtype': '6', 'mip6.ba.status': '0', ...named, ...prefix, ...role(1) },
  ],
  [
    { kind: 'location', ...place, to: { kind: 'anchor', address: anchor }, answered: true },
    { ...update, 'mip6.bu.a_flag': '1', ...role(2), ...anchored, ...stamped },
  ],
  [
    { kind: 'location', ...place, to: { kind: 'gateway', address: gateway }, answered: false },
    { ...update, 'mip6.bu.a_flag': '0', ...role(2), ...attached, ...stamped },
  ],
  [
    { kind: 'locationAnswer', sequence: 258, homes, status: 0 },
    { 'mip6.mhtype': '6', 'mip6.ba.seqnr': '258', ...prefix, ...role(2) },
  ],
  [
    { kind: 'bypass', ...place, source: parsePrefix('2001:db8:1:78::/64'), gateway },
    {
      ...update,
      'mip6.bu.a_flag': '0',
      'mip6.nemo.mnp.pfl': '64|64',
      'mip6.nemo.mnp.mnp': '2001:db8:1:77::|2001:db8:1:78::',
      ...role(3),
      ...attached,
      ...stamped,
    },
  ],
  [{ kind: 'query', sequence: 258, home: parseAddress('2001:db8:1:77::5') }, { 'mip6.mhtype': '11' }],
  [
    { kind: 'location', ...place, to: { kind: 'anchor', address: anchor }, answered: false, replies: true },
    { 'mip6.mhtype': '11' },
  ],
];

const packets = said.map(([message]) => {
  const payload = { kind: 'mobility', message: writeMessage(message) } as const;
  return { source, destination, hopLimit: 64, payload };
});

const folder = mkdtempSync(join(tmpdir(), 'anchorage-oracle-'));
after(() => rmSync(folder, { recursive: true }));

test('C03-8-01: tshark reads what LMAs and gateways of a distributed-LMA domain say as the registrations they are made of', {
  skip: withoutTshark,
}, () => {
  const file = join(folder, 'domain.pcapng');
  const blocks = packets.map((packet, nanoseconds) =>
    pcapngPacket(0, { seconds: 1_700_000_000, nanoseconds }, encodeFrame({ source: mac, destination: mac, packet })),
  );
  writeFileSync(file, concatenate([pcapngHeader([{ name: 'core', linkType: linkType.ethernet }]), ...blocks]));
  assert.equal(assertCleanCapture(file), said.length);
  const frames = tsharkFields(file, [...new Set(said.flatMap(([, fields]) => Object.keys(fields)))]);
  // tshark 4.0 prints a flag as 1 or 0, later ones as True or False.
  const plain = (text: string) => (text === 'True' ? '1' : text === 'False' ? '0' : text);
  for (const [i, [message, fields]] of said.entries())
    for (const [field, value] of Object.entries(fields))
      assert.equal(frames[i][field].map(plain).join('|'), value, `${message.kind}: ${field}`);
});

/** What scapy sees of a message: its fields, and every option with its octets and where it stands. */
const script = `
def options(message, start):
    found, at = [], start
    for option in message.options:
        octets = raw(option)
        if not isinstance(option, (Pad1, PadN)):
            found.append([octets[0], octets[2:].hex(), at % 8])
        at += len(octets)
    return found

result = []
for octets in input:
    header = IPv6(bytes.fromhex(octets)).payload
    if isinstance(header, MIP6MH_BU):
        result.append(['BU', header.seq, str(header.flags), header.mhtime, options(header, 12)])
    elif isinstance(header, MIP6MH_BA):
        result.append(['BA', header.seq, str(header.flags), header.status, options(header, 12)])
    else:
        result.append(['other', header.mhtype, raw(header)[6:12].hex()])
print(json.dumps(result))
`;

/** RFC 5213 §8, RFC 5949 §6.2.2, RFC 6705 §11.2: where an option may begin. */
const beginsAt: Readonly<Record<number, number>> = { 22: 4, 26: 6, 27: 2, 41: 4, 51: 4 };

scapyTest(
  'C03-8-01: scapy reads the same updates and acknowledgements, every option where its document has it begin',
  () => {
    type Read = ['BU' | 'BA', number, string, number, [number, string, number][]] | ['other', number, string];
    const read = scapy(
      script,
      packets.map(packet => bytesToHex(encodePacket(packet))),
    ) as Read[];
    const kinds = read.map(([kind]) => kind);
    assert.deepEqual(kinds, ['BU', 'BA', 'BU', 'BA', 'BU', 'BA', 'BU', 'BU', 'BA', 'BU', 'other', 'other']);
    for (const one of read) {
      if (one[0] === 'other') continue;
      assert.equal(one[1], 258);
      for (const [type, , at] of one[4]) assert.equal(at, beginsAt[type] ?? at, `option ${type}`);
    }
    const home = '0040' + '20010db8000100770000000000000000';
    const [registration] = read;
    assert.deepEqual(registration[4], [
      [8, `01${Buffer.from('mn@home').toString('hex')}`, 4],
      [22, home, 4],
      [41, '0100' + '20010db8000a00000000000000000001', 4],
      [51, '0080' + '20010db8000a00000000000000000002', 4],
      [26, 'fe800000000000000000000000000001', 6],
      [23, '0003', 0],
      [24, '0004', 4],
      [25, '0000' + '020000000001', 0],
      [27, '00006553f1008000', 2],
    ]);
    assert.deepEqual(read.slice(-2), [
      ['other', 11, '010001020000'],
      ['other', 11, '02000102004b'],
    ]);
  },
);
