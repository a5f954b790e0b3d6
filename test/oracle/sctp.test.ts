import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Address, parseAddress } from '../../src/base/address.js';
import { bytesToHex } from '../../src/base/text.js';
import type { MessageService, Output } from '../../src/protocol/contract.js';
import { withSctp } from '../../src/protocol/sctp/with-sctp.js';
import { Capture } from '../../src/sim/index.js';
import { encodePmip } from '../../src/wire/pmip/messages.js';
import { addressA, ms, routed, ScriptedEngine } from '../support/network.js';
import { assertCleanCapture, tsharkFields, withoutTshark } from './tshark.js';

const directory = mkdtempSync(join(tmpdir(), 'anchorage-'));
after(() => rmSync(directory, { recursive: true }));

const far = parseAddress('fd00:2::b');
const options = [{ kind: 'l2Id', subtype: 1, identifier: 'mn@example.net' }] as const;
const trigger = encodePmip({ kind: 'trigger', transaction: 7, options });
const long = Uint8Array.from({ length: 3000 }, (_, i) => i & 0xff);

/** A node that says so much at the beginning, over SCTP. */
function speaker(address: Address, say: readonly { service: MessageService; peer: Address; data: Uint8Array }[]) {
  const outputs: Output[] = say.map(message => ({ kind: 'message', ...message }));
  return (environment: Parameters<typeof withSctp>[2]) => {
    const engine = new ScriptedEngine({ services: ['pmip', 'cxtp'] }, () => outputs.splice(0));
    engine.deadline = 10 * ms;
    return withSctp(engine, { address }, environment);
  };
}

const read = [
  'sctp.srcport',
  'sctp.dstport',
  'sctp.chunk_type',
  'sctp.checksum.status',
  'sctp.data_payload_proto_id',
  'sctp.data_u_bit',
  'sctp.data_b_bit',
  'sctp.data_e_bit',
  'sctp.data_sid',
  'data.data',
] as const;

/** Simulates both services between nodes either side of a router; what tshark reads of the port's packets. */
function captured() {
  const { simulation, a, b } = routed();
  a.addEngine(
    speaker(addressA, [
      { service: 'pmip', peer: far, data: trigger },
      { service: 'cxtp', peer: far, data: long },
    ]),
  );
  b.addEngine(speaker(far, []));
  const capture = new Capture(simulation, [simulation.links.get('left') as never]);
  simulation.run(2000 * ms);
  const file = join(directory, 'sctp.pcapng');
  writeFileSync(file, capture.bytes());
  assertCleanCapture(file);
  const rows = tsharkFields(file, read, 'sctp');
  assert.ok(rows.length > 0);
  for (const row of rows) assert.deepEqual(row['sctp.checksum.status'], ['1']);
  return (port: string) => rows.filter(row => row['sctp.srcport'][0] === port && row['sctp.dstport'][0] === port);
}

test('S02-4.9.3-05, S02-4.9.3-06, S02-4.9.3-07, S02-4.9.3-08, S02-4.9.3-09, S02-4.9.3-10: tshark reads the association and a message a DATA chunk: port, identifier, stream, U bit 0, octets', {
  skip: withoutTshark,
}, () => {
  const pmip = captured()('49153');
  const types = pmip.map(row => row['sctp.chunk_type'].join(' '));
  assert.deepEqual(types, ['1', '2', '10 0', '11 3']);
  const [, , data] = pmip;
  assert.deepEqual(data['sctp.data_payload_proto_id'], [String(0x504d4147)]);
  assert.deepEqual(data['sctp.data_sid'].map(Number), [0]);
  assert.deepEqual(data['data.data'], [bytesToHex(trigger)]);
  assert.deepEqual([bit(data, 'u'), bit(data, 'b'), bit(data, 'e')], [['0'], ['1'], ['1']]);
});

test('RFC 4067 §3.1: tshark reads a message of three DATA chunks, unordered, at the port and with the identifier of CXTP', {
  skip: withoutTshark,
}, () => {
  const chunks = captured()('5091').filter(row => row['sctp.data_payload_proto_id'].length > 0);
  assert.equal(chunks.length, 3);
  for (const row of chunks) {
    assert.deepEqual(row['sctp.data_payload_proto_id'], [String(0x43585450)]);
    assert.deepEqual(bit(row, 'u'), ['1']);
  }
  assert.deepEqual(
    chunks.map(row => bit(row, 'b').concat(bit(row, 'e')).join('')),
    ['10', '00', '01'],
  );
  const whole = chunks.flatMap(row => row['data.data']).at(-1);
  assert.equal(whole, bytesToHex(long), 'put together by tshark');
});

/** tshark 4.2 began to write booleans as words. */
function bit(row: Record<(typeof read)[number], string[]>, name: 'u' | 'b' | 'e'): string[] {
  return row[`sctp.data_${name}_bit`].map(value => (value === 'True' ? '1' : value === 'False' ? '0' : value));
}
