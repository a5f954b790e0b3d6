import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GatewayBench } from '../../test/support/gateway.js';
import { environment } from '../../test/support/signalling.js';
import { parseAddress } from '../base/address.js';
import { parsePrefix, prefixEquals } from '../base/prefix.js';
import { mag } from './mag-role.js';

const own = '2001:db8:1::1';
const client = '2001:db8:c::1';
const other = '2001:db8:c::2';
const base = { address: own, accessLinks: [{ name: 'radio' }], insecure: true };

function engine(config: Readonly<Record<string, unknown>>) {
  const parsed = mag.parse({ ...base, ...config });
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return mag.create(parsed.config, environment());
}

function problems(config: Readonly<Record<string, unknown>>): string[] {
  const parsed = mag.parse({ ...base, ...config });
  assert.ok(!parsed.ok);
  return parsed.problems.map(({ path, expected }) => `${path.join('.')}: ${expected}`);
}

test('mag: without pmipClients it is the gateway of RFC 5213, with them the one of draft-singh', () => {
  assert.deepEqual(engine({ anchor: '2001:db8:a::1' }).interests.protocols, [135]);
  const triggering = engine({ pmipClients: [{ address: client }], transport: 'kernel' });
  assert.deepEqual([triggering.interests.protocols, triggering.interests.services], [[], ['pmip']]);
  assert.match(problems({ choice: 'identifier' })[0], /^choice: no such key here/);
});

test('draft-singh §4.2: a gateway with a client of its own takes acknowledgements for its mobiles', () => {
  const config = { pmipClients: [{ address: own }], pmipClient: { lma: '2001:db8:a::1' }, choice: 'local' };
  const { interests, views } = engine(config);
  assert.equal(interests.registersOthers, true);
  assert.ok(views.bindings && views.visitors);
});

test('draft-singh §4.9.3: associations with all clients are begun at the start', () => {
  const both = engine({ pmipClients: [{ address: client }, { address: other }] });
  const outputs = both.handle({ kind: 'tick' }, 0);
  const peers = outputs.flatMap(output => (output.kind === 'send' ? [output.packet.destination] : []));
  assert.deepEqual(peers, [client, other].map(parseAddress));
});

test('mag: what does not go together in a configuration with PMIP clients is named', () => {
  const pmipClients = [{ address: client }];
  assert.deepEqual(problems({ pmipClients: [] }), ['pmipClients: at least one PMIP client']);
  assert.match(problems({ pmipClients, careOfAddress: '2001:db8:1::2' })[0], /^careOfAddress: no such key here/);
  assert.deepEqual(problems({ pmipClients: [{ address: own }] }), [
    'pmipClient: a section, since pmipClients has the address of this node',
  ]);
  assert.deepEqual(problems({ pmipClients, pmipClient: { lma: '2001:db8:a::1' } }), [
    'pmipClient: no section, or its address in pmipClients',
  ]);
  assert.deepEqual(problems({ pmipClients, choice: 'local' }), [
    'choice: identifier or available, without a client of this node',
  ]);
  assert.deepEqual(problems({ pmipClients, proxyDhcp: { preferredLifetimeS: 90, validLifetimeS: 60 } }), [
    'proxyDhcp.preferredLifetimeS: no more than validLifetimeS',
  ]);
});

test('draft-singh §4.9.4: a client that no peer entry has the keys of is refused', () => {
  const keys = { spi: 300, key: '00112233445566778899aabbccddeeff', salt: '00112233' };
  const inbound = { ...keys, key: 'ffeeddccbbaa99887766554433221100' };
  const security = { kind: 'esp', cipher: 'aes-128-gcm', outbound: keys, inbound };
  const peers = [{ address: other, security }];
  const found = problems({ insecure: false, peers, pmipClients: [{ address: client }] });
  assert.equal(found.length, 1);
  assert.match(found[0], /^pmipClients\.0\.address: /);
});

test('draft-chan §4.4, RFC 5213 §6.10.5: below an LMA of a distributed-LMA domain what its tunnel brings goes to a visitor or nowhere', () => {
  const anchor = '2001:db8:a::1';
  const prefix = parsePrefix('2001:db8:8000:1::/64');
  for (const [config, intercepted] of [
    [{}, undefined],
    [{ distributed: true }, true],
    [{ bypass: { domain: ['2001:db8:8000::/33'], anchors: [anchor] } }, true],
  ] as const) {
    const b = new GatewayBench(engine({ anchor, ...config }), parseAddress(anchor), parseAddress(own));
    b.attach();
    b.authenticate();
    b.acknowledge({ options: [{ kind: 'homeNetworkPrefix', ...prefix }] });
    const ends = [...b.ends.values()].flatMap(output => (output.kind === 'admit' ? [output] : []));
    assert.ok(ends.some(({ end }) => end.to && prefixEquals(end.to, prefix)));
    for (const end of ends) assert.equal(end.intercepted, intercepted);
  }
});

test('draft-chan §5.4: a gateway that LMAs leave themselves out for knows all who tunnel to it', () => {
  const anchor = '2001:db8:a::1';
  const bypass = { domain: ['2001:db8:8000::/33'], anchors: [anchor], gateways: [other] };
  const { views, deadline } = engine({ anchor, bypass });
  assert.ok(views.visitors && views.bypasses && deadline === 0);
  const key = '00112233445566778899aabbccddeeff';
  const peers = [{ address: anchor, security: { kind: 'rfc4285', spi: 300, key } }];
  assert.deepEqual(problems({ insecure: false, peers, anchor, bypass }), [
    'bypass.gateways.0: the address of one of peers',
  ]);
  assert.deepEqual(problems({ bypass: { ...bypass, gateways: [own] }, careOfAddress: '2001:db8:1::2' }), [
    'careOfAddress: nothing, beside `bypass`',
    'bypass.gateways.0: the address of another node',
  ]);
  const attracted = 'an address outside all prefixes of the domain';
  const wide = { domain: ['2001:db8::/32'], anchors: [anchor] };
  assert.deepEqual(problems({ bypass: wide }), [`address: ${attracted}`, `bypass.anchors.0: ${attracted}`]);
  assert.match(problems({ bypass, pmipClients: [{ address: client }] })[0], /^bypass: no such key here/);
});
