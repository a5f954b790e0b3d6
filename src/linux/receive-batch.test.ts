import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linkAddressBytes, parseLinkAddress } from '../base/link-address.js';
import { BatchWriter, packetsOf } from './receive-batch.js';

test('receive batch: packets come out as they went in, batch after batch, beyond the first buffer', () => {
  const writer = new BatchWriter();
  const neighbour = parseLinkAddress('02:00:00:00:00:09');
  for (const sizes of [[0, 1, 1500], [65535, 3], []]) {
    for (const size of sizes)
      writer.add(new Uint8Array(size).fill(size), size + 1, linkAddressBytes(neighbour), size === 1);
    const found = [...packetsOf(writer.take())];
    assert.deepEqual(
      found.map(({ bytes, device, partialChecksum }) => [bytes.length, bytes.at(-1) ?? 0, device, partialChecksum]),
      sizes.map(size => [size, size & 0xff, size + 1, size === 1]),
    );
    for (const packet of found) assert.equal(packet.neighbour, neighbour);
    assert.ok(writer.empty);
  }
});
