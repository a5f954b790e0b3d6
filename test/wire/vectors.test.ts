import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DecodeError } from '../../src/base/errors.js';
import { bytesToHex, hexToBytes } from '../../src/base/text.js';
import { dissect, type Field } from '../../src/wire/dissect.js';
import { decodePacket, encodePacket } from '../../src/wire/ipv6/codec.js';
import { linkType } from '../../src/wire/pcapng/blocks.js';

/** Octets, where they come from and what one of their layers says; `vectors/make.py` writes them. */
interface Vector {
  readonly name: string;
  readonly section: string;
  readonly source: string;
  readonly hex: string;
  readonly layer: string;
  readonly fields: Tree;
}
interface Tree {
  readonly [name: string]: string | number | boolean | Tree;
}

const folder = join(import.meta.dirname, '../../../vectors');
const files = readdirSync(folder).filter(name => name.endsWith('.json'));
assert.ok(files.length > 0, 'no vectors');

for (const file of files)
  for (const vector of JSON.parse(readFileSync(join(folder, file), 'utf8')) as Vector[])
    test(`${vector.section}: vector '${vector.name}' both ways, and cut short`, () => {
      const bytes = hexToBytes(vector.hex);
      const packet = decodePacket(bytes);
      assert.equal(bytesToHex(encodePacket(packet)), vector.hex);
      assertSays(vector, bytes);
      for (let length = 0; length < bytes.length; length++) {
        assert.throws(() => decodePacket(bytes.subarray(0, length)), DecodeError);
        assert.ok(dissect(bytes.subarray(0, length), linkType.ipv6).error);
      }
    });

function assertSays(vector: Vector, bytes: Uint8Array): void {
  const { layers, error } = dissect(bytes, linkType.ipv6);
  assert.equal(error, undefined);
  for (const { name, checksum } of layers) assert.notEqual(checksum?.good, false, name);
  const layer = layers.find(({ name }) => name === vector.layer);
  assert.ok(layer, `no layer '${vector.layer}' among ${layers.map(({ name }) => name).join(', ')}`);
  assertHolds(treeOf(layer.fields), vector.fields, vector.layer);
}

function treeOf(fields: readonly Field[]): Tree {
  const tree: { [name: string]: Tree[string] } = {};
  for (const { name, value, meaning, fields: inner } of fields) {
    tree[name] = inner ? treeOf(inner) : (value ?? {});
    if (meaning !== undefined) tree[`${name} meaning`] = meaning;
  }
  return tree;
}

function assertHolds(actual: Tree, expected: Tree, path: string): void {
  for (const [name, value] of Object.entries(expected)) {
    const place = `${path}.${name}`;
    if (typeof value !== 'object') assert.equal(actual[name], value, place);
    else assertHolds(actual[name] as Tree, value, place);
  }
}
