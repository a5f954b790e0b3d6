import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dissect } from '../../src/wire/dissect.js';
import { readCapture } from '../../src/wire/pcapng/reader.js';

/** Why tests that ask tshark cannot run here: the `skip` of a test. With CI=true they run, and fail. */
export const withoutTshark: string | false =
  process.env.CI !== 'true' && spawnSync('tshark', ['--version']).status !== 0 ? 'tshark is not installed' : false;

/** Like ICMPv6 errors, a Redirect quotes a packet, whose checksum tshark does not judge. */
const redirect = '137';

/** Checksums, which tshark leaves alone unless told; and each frame by itself, since it calls data sent again malformed. */
const preferences = [
  'sctp.checksum:CRC 32c',
  'udp.check_checksum:TRUE',
  'tcp.check_checksum:TRUE',
  'tcp.desegment_tcp_streams:FALSE',
].flatMap(preference => ['-o', preference]);

/** What tshark prints of each frame, by field: every occurrence, in order. `filter` is a display filter. */
export function tsharkFields<F extends string>(
  file: string,
  fields: readonly F[],
  filter?: string,
): Record<F, string[]>[] {
  const asked = [...fields.flatMap(field => ['-e', field]), ...(filter === undefined ? [] : ['-Y', filter])];
  const form = ['-T', 'fields', '-E', 'occurrence=a', '-E', 'aggregator=|', '-E', 'separator=/t'];
  const text = execFileSync('tshark', ['-n', '-r', file, ...preferences, ...form, ...asked], {
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return text
    .split('\n')
    .slice(0, -1)
    .map(line => {
      const cells = line.split('\t');
      return Object.fromEntries(
        fields.map((field, i) => [field, cells[i] ? cells[i].split('|') : []]),
      ) as unknown as Record<F, string[]>;
    });
}

/**
 * Asserts that tshark finds nothing malformed and every ICMPv6, UDP, TCP and SCTP checksum good in the file, and that we do, too, of
 * every Mobility Header, which tshark never checks. Returns the number of frames; none is a failure.
 */
export function assertCleanCapture(file: string): number {
  const frames = tsharkFields(file, [
    'frame.number',
    'frame.protocols',
    '_ws.malformed',
    'icmpv6.type',
    'icmpv6.checksum.status',
    'udp.checksum.status',
    'sctp.checksum.status',
    'tcp.checksum.status',
    'tcp.checksum',
  ]);
  assert.ok(frames.length > 0, `${file}: no frames`);
  for (const frame of frames) {
    const place = `${file}: frame ${frame['frame.number']} (${frame['frame.protocols']})`;
    assert.deepEqual(frame['_ws.malformed'], [], `${place}: malformed`);
    const quotes = frame['icmpv6.type'].some(type => Number(type) < 128 || type === redirect);
    for (const layer of ['icmpv6', 'udp', 'tcp', 'sctp'] as const)
      for (const status of frame[`${layer}.checksum.status`])
        assert.ok(
          status === '1' || (quotes && status === '2') || (layer === 'tcp' && isOtherZero(frame)),
          `${place}: ${layer} checksum status ${status}`,
        );
  }
  assertOurChecks(file);
  return frames.length;
}

/** Linux writes the one's complement zero as 0xffff, which adds up as well; tshark insists on 0x0000. Our own check judges it. */
function isOtherZero({ 'tcp.checksum': checksums }: Record<'tcp.checksum', readonly string[]>): boolean {
  return checksums.length > 0 && checksums.every(checksum => checksum === '0xffff');
}

function assertOurChecks(file: string): void {
  let number = 0;
  for (const { bytes, interface: from } of readCapture(readFileSync(file))) {
    const { layers, error } = dissect(bytes, from.linkType);
    const place = `${file}: frame ${++number}`;
    assert.equal(error, undefined, `${place}: ${error?.path}: ${error?.reason}`);
    for (const { name, checksum } of layers) assert.notEqual(checksum?.good, false, `${place}: checksum of ${name}`);
  }
}
