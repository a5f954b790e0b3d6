import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatAddress } from '../../src/base/address.js';
import type { Namespaces } from '../../src/linux/namespaces.js';
import { namespaceTest, until } from '../../src/linux/testing.js';
import { encodePmip } from '../../src/wire/pmip/messages.js';
import { tsharkFields } from '../oracle/tshark.js';
import { ends, exchange, heard, joinEnds, losses, say, startEnd } from '../support/linux-sctp.js';

/** What guest.test.ts runs in the guest for SCTP: the kernel's with itself, and ours against the kernel's. */

const options = [{ kind: 'l2Id', subtype: 1, identifier: 'mn@example.net' }] as const;
const trigger = encodePmip({ kind: 'trigger', transaction: 7, options });

namespaceTest(
  'RFC 6458: the SCTP of the kernel carries both services, and tells of a peer that is gone',
  async namespaces => {
    joinEnds(namespaces);
    const left = await startEnd(namespaces, 'left', 'kernel');
    const right = await startEnd(namespaces, 'right', 'kernel');
    await exchange(left, right);
    assert.match(namespaces.run('left', 'cat', '/proc/net/sctp/assocs'), /49153.*2001:0?db8/s);
    await right.kill();
    await until('word that the peer is gone', () => losses(left) > 0);
    await left.stop();
  },
);

for (const [first, second] of [
  ['user', 'kernel'],
  ['kernel', 'user'],
] as const)
  namespaceTest(
    `RFC 9260: ${first === 'user' ? 'our SCTP begins with the kernel' : 'the kernel begins with our SCTP'}`,
    async namespaces => {
      joinEnds(namespaces);
      const left = await startEnd(namespaces, 'left', first);
      const right = await startEnd(namespaces, 'right', second);
      await exchange(left, right);
      await right.kill();
      if (second === 'user') await say(left, ends.right, 'pmip', trigger);
      await until('word that the peer is gone', () => losses(left) > 0);
      await left.stop();
    },
  );

namespaceTest(
  'draft-singh §4.9.3: tshark reads the association of the kernel with ours: checksums, port, identifier, U bit, octets',
  async namespaces => {
    joinEnds(namespaces);
    // A kernel leaves the checksum to hardware that a cable between namespaces does not have.
    for (const end of ['left', 'right']) namespaces.run(end, 'ethtool', '-K', 'wire', 'tx-checksum-sctp', 'off');
    const directory = mkdtempSync(join(tmpdir(), 'anchorage-'));
    const file = join(directory, 'sctp.pcap');
    try {
      const stop = await capture(namespaces, file);
      const left = await startEnd(namespaces, 'left', 'kernel');
      const right = await startEnd(namespaces, 'right', 'user');
      await say(left, ends.right, 'pmip', trigger);
      await heard(right, 'pmip', 1);
      await say(right, ends.left, 'pmip', trigger);
      await heard(left, 'pmip', 1);
      await until('both messages in the file', () => senders(rowsOf(file)).size === 2);
      check(rowsOf(file));
      await stop();
      await Promise.all([left.stop(), right.stop()]);
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
);

namespaceTest(
  'draft-singh §4.9.4: the ESP of the kernel around its SCTP: policies let nothing through without',
  async namespaces => {
    joinEnds(namespaces);
    const left = await startEnd(namespaces, 'left', 'kernel');
    protect(namespaces, 'left');
    const right = await startEnd(namespaces, 'right', 'kernel');
    await say(left, ends.right, 'pmip', trigger);
    protect(namespaces, 'right');
    await heard(right, 'pmip', 1);
    await say(right, ends.left, 'pmip', trigger);
    await heard(left, 'pmip', 1);
    assert.match(namespaces.run('right', 'ip', '-s', 'xfrm', 'state'), /src 2001:db8:5::1.*\(packets\)/s);
    await Promise.all([left.stop(), right.stop()]);
  },
);

/** What docs/decisions.md tells operators to install: a state each way, and policies that ask for them. */
function protect(namespaces: Namespaces, end: 'left' | 'right'): void {
  const [there, back] = ['left', 'right'].map(name => formatAddress(ends[name as keyof typeof ends]));
  for (const [from, to, spi, key] of [
    [there, back, '0x1001', '11'],
    [back, there, '0x1002', '22'],
  ]) {
    const state = ['src', from, 'dst', to, 'proto', 'esp', 'spi', spi, 'mode', 'transport'];
    const keys = ['aead', 'rfc4106(gcm(aes))', `0x${key.repeat(20)}`, '128'];
    namespaces.run(end, 'ip', 'xfrm', 'state', 'add', ...state, ...keys);
    const direction = (from === there) === (end === 'left') ? 'out' : 'in';
    const template = ['tmpl', 'proto', 'esp', 'mode', 'transport', 'level', 'required'];
    namespaces.run(
      end,
      'ip',
      'xfrm',
      'policy',
      'add',
      'src',
      from,
      'dst',
      to,
      'proto',
      'sctp',
      'dir',
      direction,
      ...template,
    );
  }
}

async function capture(namespaces: Namespaces, file: string): Promise<() => Promise<void>> {
  const child = namespaces.spawn('right', 'tcpdump', [
    '-U',
    '--immediate-mode',
    '-i',
    'wire',
    '-w',
    file,
    'ip6',
    'proto',
    '132',
  ]);
  let words = '';
  child.stderr?.on('data', text => (words += text));
  await until('tcpdump', () => words.includes('listening on'));
  return async () => {
    const ended = new Promise(resolve => child.once('exit', resolve));
    child.kill('SIGINT');
    await ended;
  };
}

const read = [
  'ipv6.src',
  'sctp.srcport',
  'sctp.dstport',
  'sctp.chunk_type',
  'sctp.checksum.status',
  'sctp.data_payload_proto_id',
  'sctp.data_u_bit',
  'data.data',
] as const;
type Row = Record<(typeof read)[number], string[]>;
const rowsOf = (file: string): Row[] => tsharkFields(file, read, 'sctp');

/** A slow guest may repeat a message. */
function senders(rows: readonly Row[]): Set<string> {
  return new Set(rows.filter(row => row['data.data'].length > 0).map(row => row['ipv6.src'][0]));
}

function check(rows: readonly Row[]): void {
  for (const row of rows) {
    assert.deepEqual(
      [row['sctp.srcport'], row['sctp.dstport'], row['sctp.checksum.status']],
      [['49153'], ['49153'], ['1']],
    );
  }
  const types = rows.flatMap(row => row['sctp.chunk_type']);
  for (const type of ['1', '2', '10', '11', '0', '3'])
    assert.ok(types.includes(type), `chunk type ${type} in ${types}`);
  const data = rows.filter(row => row['data.data'].length > 0);
  for (const row of data) {
    assert.deepEqual(row['sctp.data_payload_proto_id'], [String(0x504d4147)]);
    assert.match(row['sctp.data_u_bit'][0], /^(0|False)$/);
    assert.deepEqual(row['data.data'], [Buffer.from(trigger).toString('hex')]);
  }
}
