import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bindingUpdatePacket, environment, gateway1, gateway2, nai } from '../../../test/support/anchor.js';
import { assigned, loA } from '../../../test/support/lmap.js';
import { lmap } from '../lmm/lmap-role.js';
import { lma } from '../pmip6/lma-role.js';
import type { Role } from '../scheme.js';

const minimal = { address: '2001:db8:a::1', prefixes: ['2001:db8:a::/64'], insecure: true };

function problems(role: Role, config: unknown): string[] {
  const parsed = role.parse(config);
  return parsed.ok ? [] : parsed.problems.map(({ path, expected }) => `${path.join('.')}: ${expected}`);
}

test('an anchor needs an address and prefixes, and either peers with keys or insecure: true', () => {
  for (const role of [lmap, lma]) {
    assert.deepEqual(problems(role, minimal), []);
    assert.match(problems(role, { ...minimal, insecure: false }).join(), /^peers: /);
    assert.match(problems(role, { ...minimal, prefixes: [] }).join(), /^prefixes: /);
    assert.match(problems(role, { ...minimal, address: undefined }).join(), /^address: /);
    assert.match(problems(role, { ...minimal, prefixLengths: 1 }).join(), /^prefixLengths: no such key/);
  }
});

test('owned prefixes do not overlap, home network prefixes fit in them, and permissions are for peers', () => {
  const overlapping = { ...minimal, prefixes: ['2001:db8:a::/64', '2001:db8:a::/48'] };
  assert.deepEqual(problems(lmap, overlapping), ['prefixes.1: a prefix that overlaps no other']);
  assert.deepEqual(problems(lmap, { ...minimal, prefixes: ['2001:db8:a::/96'] }), []);
  assert.deepEqual(problems(lma, { ...minimal, prefixes: ['2001:db8:a::/96'] }), [
    'prefixes.0: a prefix of at most 64 bits',
  ]);
  const security = { kind: 'rfc4285', spi: 256, key: '00112233445566778899aabbccddeeff' };
  const peers = [{ address: '2001:db8:1::1', security }];
  const strange = { ...minimal, insecure: false, peers, permissions: [{ peer: '2001:db8:2::1' }] };
  assert.deepEqual(problems(lmap, strange), ['permissions.0.peer: the address of one of peers']);
});

test('an engine made from configuration answers as it says', () => {
  const permissions = [
    { peer: '2001:db8:1::1', proxyRegistration: false },
    { peer: '2001:db8:2::1', prefixes: ['2001:db8:a::8/125'] },
  ];
  const parsed = lmap.parse({ ...minimal, permissions });
  assert.ok(parsed.ok);
  const engine = lmap.create(parsed.config, environment());
  for (const from of [gateway1, gateway2]) {
    const packet = bindingUpdatePacket({ from, options: [nai('alice@example.net'), assigned(loA)] });
    engine.handle({ kind: 'packet', packet }, 0);
  }
  assert.deepEqual(engine.counters, { initial_denied_140: 1, initial_denied_129: 1 });
});

test('gundavelli §11 [G00-11-02]: an LMAP with keys drops what is not protected by them', () => {
  const security = { kind: 'rfc4285', spi: 256, key: '00112233445566778899aabbccddeeff' };
  const parsed = lmap.parse({ ...minimal, insecure: false, peers: [{ address: '2001:db8:1::1', security }] });
  assert.ok(parsed.ok);
  const engine = lmap.create(parsed.config, environment());
  const packet = bindingUpdatePacket({ options: [nai('alice@example.net'), assigned(loA)] });
  const outputs = engine.handle({ kind: 'packet', packet }, 0);
  assert.ok(!outputs.some(output => output.kind === 'send'));
  assert.deepEqual([...engine.views.bindings()], []);
});
