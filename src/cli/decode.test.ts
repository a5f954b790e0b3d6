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

function decode(args: DecodeArguments): { exit: number; text: string } {
  let text = '';
  const exit = decodeCommand(args, part => {
    text += part;
  });
  return { exit, text };
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
  const { exit, text } = decode({ file, json: false });
  assert.equal(exit, 1);
  assert.ok(
    text.includes('frame 1') && !text.includes('frame 2') && text.includes('malformed capture: blocks[3]'),
    text,
  );
  assert.equal(JSON.parse(decode({ file, json: true }).text).length, 2);
});

test('anchorage decode: exit 2 where there is nothing to decode', () => {
  const nothing: DecodeArguments[] = [
    { json: false },
    { file: join(folder, 'absent'), json: false },
    { hex: 'xyz', json: false },
    { hex: '123', json: false },
    { hex: '', json: false },
    { hex: '60', file: 'both', json: false },
  ];
  for (const args of nothing) {
    assert.equal(decode(args).exit, 2);
    assert.ok('error' in JSON.parse(decode({ ...args, json: true }).text));
  }
});
