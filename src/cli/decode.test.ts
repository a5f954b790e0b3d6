import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseAddress } from '../base/address.js';
import { parseLinkAddress } from '../base/link-address.js';
import { bytesToHex } from '../base/text.js';
import { encodeFrame } from '../wire/ethernet.js';
import { encodePacket } from '../wire/ipv6/codec.js';
import type { Packet } from '../wire/ipv6/packet.js';
import { linkType } from '../wire/pcapng/blocks.js';
import { concatenate, pcapngHeader, pcapngPacket } from '../wire/pcapng/writer.js';
import { type DecodeArguments, decodeCommand } from './decode.js';

const folder = mkdtempSync(join(tmpdir(), 'anchorage-decode-'));
after(() => rmSync(folder, { recursive: true }));

const mac = parseLinkAddress('02:00:00:00:00:01');
const packet: Packet = {
  source: parseAddress('2001:db8::1'),
  destination: parseAddress('2001:db8::2'),
  hopLimit: 64,
  payload: {
    kind: 'mobility',
    message: {
      kind: 'bindingRefreshRequest',
      options: [{ kind: 'mobileNodeIdentifier', subtype: 1, identifier: 'mn\x1b[2J' }],
    },
  },
};
const frame = encodeFrame({ source: mac, destination: mac, packet });

function decode(args: DecodeArguments): { exit: number; text: string; complaint: string } {
  let text = '';
  let complaint = '';
  const exit = decodeCommand(
    args,
    part => {
      text += part;
    },
    part => {
      complaint += part;
    },
  );
  return { exit, text, complaint };
}

test('anchorage decode --hex: a packet and a frame, every header, option and checksum', () => {
  for (const bytes of [encodePacket(packet), frame]) {
    const { exit, text } = decode({ hex: `0x${bytesToHex(bytes)}`, json: false });
    assert.equal(exit, 0);
    for (const part of ['IPv6 (octet', '2001:db8::1', 'Binding Refresh Request', 'subtype: 1 (NAI)', ', good'])
      assert.ok(text.includes(part), `${part} in ${text}`);
  }
});

test('anchorage decode: nothing of a stranger reaches the terminal as a control', () => {
  assert.ok(decode({ hex: bytesToHex(frame), json: false }).text.includes('mn\\u{1b}[2J'));
});

test('anchorage decode FILE: frames with number, time and interface; exit 1 for a bad checksum or a malformed frame', () => {
  const bad = frame.slice();
  bad[14 + 40 + 4] ^= 1;
  const file = join(folder, 'capture.pcapng');
  const blocks = [frame, bad, frame.subarray(0, 60)].map((bytes, i) =>
    pcapngPacket(0, { seconds: 5, nanoseconds: i }, bytes),
  );
  writeFileSync(file, concatenate([pcapngHeader([{ name: 'core', linkType: linkType.ethernet }]), ...blocks]));
  const { exit, text } = decode({ file, json: false });
  assert.equal(exit, 1);
  for (const part of ['frame 1 · ', '5.000000001 s · core', 'bad: 0x', 'malformed: ', '(truncated at octet 54)'])
    assert.ok(text.includes(part), `${part} in ${text}`);
  const rows = JSON.parse(decode({ file, json: true }).text);
  assert.equal(rows.length, 3);
  assert.equal(rows[1].layers.at(-1).checksum.good, false);
  assert.equal(rows[2].error.code, 'truncated');
});

test('anchorage decode: a capture cut short shows the frames before the cut and exits 1', () => {
  const file = join(folder, 'cut.pcapng');
  const whole = concatenate([
    pcapngHeader([{ name: 'core', linkType: linkType.ethernet }]),
    pcapngPacket(0, { seconds: 5, nanoseconds: 0 }, frame),
    pcapngPacket(0, { seconds: 6, nanoseconds: 0 }, frame),
  ]);
  writeFileSync(file, whole.subarray(0, whole.length - 8));
  const { exit, text, complaint } = decode({ file, json: false });
  assert.equal(exit, 1);
  assert.ok(text.includes('frame 1') && !text.includes('frame 2'), text);
  assert.ok(complaint.startsWith(`${file}: blocks[3]: `), complaint);
  assert.equal(JSON.parse(decode({ file, json: true }).text).length, 1);
});

test('anchorage decode: a frame that the capture cut is shown as far as it goes and is not malformed', () => {
  const file = join(folder, 'snapped.pcap');
  const words = (...values: number[]) => new Uint8Array(Uint32Array.from(values).buffer);
  const kept = frame.subarray(0, 60);
  const whole = concatenate([
    words(0xa1b2c3d4, 0x00040002, 0, 0, 60, linkType.ethernet),
    words(5, 0, kept.length, frame.length),
    kept,
  ]);
  writeFileSync(file, whole);
  const { exit, text } = decode({ file, json: false });
  assert.equal(exit, 0);
  assert.ok(text.includes(`${frame.length} octets · 60 captured`) && text.includes('cut by the capture: '), text);
  assert.equal(JSON.parse(decode({ file, json: true }).text)[0].capturedOctets, 60);
});

test('anchorage decode: where there is nothing to decode the user is told what was expected', () => {
  const nothing: [Partial<DecodeArguments>, RegExp][] = [
    [{}, /^either a file or --hex is wanted$/],
    [{ hex: '60', file: 'both' }, /^either a file or --hex is wanted$/],
    [{ file: join(folder, 'absent') }, /absent: a pcapng or pcap file: ENOENT/],
    [{ hex: 'xyz' }, /^--hex: an even number of hexadecimal digits$/],
    [{ hex: '123' }, /^--hex/],
    [{ hex: '' }, /^--hex/],
  ];
  for (const [args, message] of nothing)
    assert.throws(() => decode({ json: false, ...args }), { name: 'UsageError', message });
});
