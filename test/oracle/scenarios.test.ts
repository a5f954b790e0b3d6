import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { schemes } from '../../src/protocol/schemes.js';
import type { BindingAcknowledgement, BindingUpdate } from '../../src/wire/mobility/messages.js';
import { captured } from './captured.js';
import { assertCleanCapture, tsharkFields, withoutTshark } from './tshark.js';

for (const scenario of readdirSync('scenarios'))
  for (const scheme of schemes)
    test(`tshark finds nothing wrong in the capture of ${scenario} under ${scheme.name}`, {
      skip: withoutTshark,
    }, () => {
      const { file, frames } = captured(scenario, scheme, 'rfc4285');
      assert.equal(assertCleanCapture(file), frames);
    });

const registrationFields = [
  'mip6.mhtype',
  'mip6.bu.seqnr',
  'mip6.bu.p_flag',
  'mip6.bu.lifetime',
  'mip6.ba.status',
  'mip6.ba.seqnr',
  'mip6.ba.lifetime',
  'mip6.mnid.identifier',
] as const;

for (const name of ['lmm', 'pmip6'])
  test(`tshark reads the fields of every Binding Update and Acknowledgement of ${name} as the trace has them`, {
    skip: withoutTshark,
  }, () => {
    const scheme = schemes.find(one => one.name === name);
    assert.ok(scheme);
    const { file, run } = captured('comparison.yaml', scheme, 'rfc4285');
    // A message is in the capture once for each link it crossed.
    const read = distinct(
      tsharkFields(file, registrationFields, 'mip6.mhtype == 5 || mip6.mhtype == 6').map(booleansAsDigits),
    );
    const traced = run.simulated.trace.flatMap(({ event }) => {
      if (event.event !== 'message' || event.direction !== 'sent' || event.packet.payload.kind !== 'mobility')
        return [];
      const { message } = event.packet.payload;
      return message.kind === 'bindingUpdate' || message.kind === 'bindingAcknowledgement' ? [asRead(message)] : [];
    });
    assert.ok(traced.length > 0);
    assert.deepEqual(read, distinct(traced));
  });

/** What tshark should print of the message. */
function asRead(
  message: BindingUpdate | BindingAcknowledgement,
): Record<(typeof registrationFields)[number], string[]> {
  const identifier = message.options.find(option => option.kind === 'mobileNodeIdentifier')?.identifier;
  const sequence = [String(message.sequence)];
  const lifetime = [String(message.lifetimeS / 4)];
  const [update, acknowledgement] = message.kind === 'bindingUpdate' ? [message] : [undefined, message];
  return {
    'mip6.mhtype': [update ? '5' : '6'],
    'mip6.bu.seqnr': update ? sequence : [],
    'mip6.bu.p_flag': update ? [update.flags.proxy ? '1' : '0'] : [],
    'mip6.bu.lifetime': update ? lifetime : [],
    'mip6.ba.status': acknowledgement ? [String(acknowledgement.status)] : [],
    'mip6.ba.seqnr': acknowledgement ? sequence : [],
    'mip6.ba.lifetime': acknowledgement ? lifetime : [],
    'mip6.mnid.identifier': identifier === undefined ? [] : [identifier],
  };
}

/** tshark 4.2 began to write booleans as words. */
function booleansAsDigits<T extends Record<string, string[]>>(row: T): T {
  const digits = new Map([
    ['True', '1'],
    ['False', '0'],
  ]);
  return Object.fromEntries(
    Object.entries(row).map(([field, cells]) => [field, cells.map(cell => digits.get(cell) ?? cell)]),
  ) as T;
}

function distinct<T>(rows: readonly T[]): T[] {
  return [...new Map(rows.map(row => [JSON.stringify(row), row])).values()];
}

test('tshark sees no Mobility Header where ESP protects it', { skip: withoutTshark }, () => {
  const scheme = schemes.find(one => one.name === 'lmm');
  assert.ok(scheme);
  const { file } = captured('comparison.yaml', scheme, 'esp');
  assertCleanCapture(file);
  assert.equal(tsharkFields(file, ['frame.number'], 'mip6.mhtype').length, 0);
  assert.ok(tsharkFields(file, ['frame.number'], 'esp').length > 0);
});
