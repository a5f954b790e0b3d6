import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { encodeFrame } from '../../src/wire/ethernet.js';
import { linkType } from '../../src/wire/pcapng/blocks.js';
import { concatenate, pcapngHeader, pcapngPacket } from '../../src/wire/pcapng/writer.js';
import { mac, mobilityMessages, mobilityOptions, otherPackets, type Sample } from './samples.js';
import { assertCleanCapture, tsharkFields, withoutTshark } from './tshark.js';

const folder = mkdtempSync(join(tmpdir(), 'anchorage-oracle-'));
after(() => rmSync(folder, { recursive: true }));

/** tshark 4.0 prints a flag as 1 or 0, later ones as True or False. */
function plain(text: string): string {
  return text === 'True' ? '1' : text === 'False' ? '0' : text;
}

function capture(samples: readonly Sample[], name: string): string {
  const file = join(folder, `${name}.pcapng`);
  const blocks = samples.map((sample, i) =>
    pcapngPacket(
      i % 2,
      { seconds: 1_700_000_000, nanoseconds: i },
      encodeFrame({ source: mac, destination: mac, packet: sample.packet }),
      sample.name,
    ),
  );
  const interfaces = ['access', 'core'].map(each => ({ name: each, linkType: linkType.ethernet }));
  writeFileSync(file, concatenate([pcapngHeader(interfaces, 'oracle'), ...blocks]));
  return file;
}

for (const [name, samples, document] of [
  [
    'messages',
    mobilityMessages,
    'RFC 6275 §6.1 [G00-4.1-01, G00-4.2-01, G00-5.1-03]: tshark reads every Mobility Header message',
  ],
  ['options', mobilityOptions, 'RFC 6275 §6.2 [G00-4.3-01]: tshark reads every mobility option'],
  ['others', otherPackets, 'RFC 8200, RFC 4861: tshark reads every other header, message and option'],
] as const)
  test(`${document} as it was meant`, { skip: withoutTshark }, () => {
    const file = capture(samples, name);
    assert.equal(assertCleanCapture(file), samples.length);
    const fields = [...new Set(samples.flatMap(sample => Object.keys(sample.fields)))];
    const frames = tsharkFields(file, fields);
    samples.forEach((sample, i) => {
      for (const [field, value] of Object.entries(sample.fields))
        assert.equal(
          frames[i][field].map(plain).join('|'),
          value.split('|').map(plain).join('|'),
          `${sample.name}: ${field}`,
        );
    });
  });

test('draft-ietf-opsawg-pcapng: tshark reads the interfaces, times and comments that we write', {
  skip: withoutTshark,
}, () => {
  const file = capture(mobilityMessages.slice(0, 2), 'capture');
  const frames = tsharkFields(file, ['frame.interface_name', 'frame.time_epoch', 'frame.comment']);
  assert.deepEqual(frames, [
    {
      'frame.interface_name': ['access'],
      'frame.time_epoch': ['1700000000.000000000'],
      'frame.comment': ['bindingRefreshRequest'],
    },
    {
      'frame.interface_name': ['core'],
      'frame.time_epoch': ['1700000000.000000001'],
      'frame.comment': ['homeTestInit'],
    },
  ]);
});

test('a capture with a bad Mobility Header checksum, a bad UDP checksum or a malformed frame is not clean', {
  skip: withoutTshark,
}, () => {
  const [bindingError] = mobilityMessages.filter(sample => sample.name === 'bindingError');
  for (const [sample, at] of [
    [bindingError, 14 + 40 + 4],
    [otherPackets[11], 14 + 40 + 6],
    [otherPackets[7], 14 + 40 + 17],
  ] as const) {
    const frame = encodeFrame({ source: mac, destination: mac, packet: sample.packet });
    frame[at] ^= 0xff;
    const file = join(folder, 'dirty.pcapng');
    const interfaces = [{ name: 'core', linkType: linkType.ethernet }];
    writeFileSync(
      file,
      concatenate([pcapngHeader(interfaces), pcapngPacket(0, { seconds: 0, nanoseconds: 0 }, frame)]),
    );
    assert.throws(() => assertCleanCapture(file), assert.AssertionError, sample.name);
  }
});
