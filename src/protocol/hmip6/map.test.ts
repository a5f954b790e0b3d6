import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kinds, nai } from '../../../test/support/anchor.js';
import {
  foreignLcoa,
  lcoa,
  lcoa2,
  localUpdate,
  MapWorld,
  mapAddress,
  neighbourLcoa,
  rcoa,
  rcoa2,
} from '../../../test/support/map.js';
import { parseAddress } from '../../base/address.js';
import { hostPrefix } from '../../base/prefix.js';
import { seconds } from '../../base/time.js';
import { encodePacket } from '../../wire/ipv6/codec.js';
import type { Output } from '../contract.js';

const rule = '2001:db8:a::7/128 → 2001:db8:b:1::7';
const domain = { localPrefixes: ['2001:db8:b::/48'] };

test('RFC 4140 §6.1, §6.2 [H4140-6.1-07, H4140-6.2-04, H4140-6.2-06]: an accepted local update is answered with 0, to the LCoA through a type 2 routing header with the RCoA', () => {
  const world = new MapWorld();
  assert.equal(world.local({ sequence: 7, lifetimeS: 600 })?.status, 0);
  const [answer] = world.sent;
  assert.deepEqual([answer.source, answer.destination], [mapAddress, lcoa]);
  assert.deepEqual(answer.headers, [{ kind: 'routingType2', segmentsLeft: 1, homeAddress: rcoa }]);
  const message = answer.payload.kind === 'mobility' && answer.payload.message;
  assert.ok(message && message.kind === 'bindingAcknowledgement');
  assert.deepEqual([message.sequence, message.lifetimeS], [7, 600]);
});

test('RFC 4140 §6, §6.1, §6.2 [H4140-3-05, H4140-3.1-09, H4140-6-02, H4140-6.1-10, H4140-6.1-13, H4140-6.2-01, H4140-6.2-03, H4140-6.2-07, H4140-7.2-14]: it binds the address of the Home Address option to the source, tunnels to it what is for the RCoA, and lets in what comes back out of the tunnel', () => {
  const world = new MapWorld();
  const outputs = world.receive(localUpdate());
  assert.deepEqual(kinds(outputs), ['store', 'forward', 'admit', 'trace', 'bindingAcknowledgement']);
  assert.deepEqual(world.ruleTexts, [rule]);
  assert.deepEqual(
    outputs.find(({ kind }) => kind === 'admit'),
    {
      kind: 'admit',
      end: { local: mapAddress, remote: lcoa, from: hostPrefix(rcoa) },
    },
  );
  assert.equal(world.local({ lcoa: lcoa2, sequence: 2 })?.status, 0);
  assert.deepEqual(world.ruleTexts, ['2001:db8:a::7/128 → 2001:db8:b:2::7']);
});

test('RFC 4140 §6.2 [H4140-6.2-02]: of a mobile it knows its RCoA, its LCoA and what it calls itself, and nothing else', () => {
  const world = new MapWorld();
  world.local({ options: [nai('laptop@example.net')] });
  const [record] = world.records;
  assert.deepEqual(record.value, {
    identity: 'laptop@example.net',
    homes: ['2001:db8:a::7/128'],
    local: '2001:db8:a::1',
    careOf: '2001:db8:b:1::7',
    peer: '2001:db8:a::7',
    sequence: 1,
    lifetimeS: 600,
    endsAtMs: (record.value as { endsAtMs: number }).endsAtMs,
  });
});

test('RFC 4140 §4.1, §11 [H4140-11-01]: M is the fifth flag of a Binding Update', () => {
  // Behind the IPv6 header and the Home Address option: Mobility Header, checksum, sequence number.
  const [flags, reserved] = encodePacket(localUpdate()).slice(40 + 24 + 8);
  assert.deepEqual([flags, reserved], [0b1000_1000, 0]);
});

test('RFC 4140 §4.1 [H4140-4.1-02, H4140-4.1-03]: M makes it a local update; one with H is refused with 131, one with neither is for a correspondent and dropped', () => {
  const world = new MapWorld();
  assert.equal(world.local({ flags: { map: false, homeRegistration: true } })?.status, 131);
  assert.equal(world.local({ flags: { homeRegistration: true } })?.status, 131);
  assert.equal(world.local({ flags: { map: false } }), undefined);
  assert.equal(world.engine.counters.discarded_notAuthorized, 1);
  assert.deepEqual(world.ruleTexts, []);
  assert.equal(world.local()?.status, 0);
  assert.equal(world.local({ flags: { homeRegistration: true }, sequence: 2 })?.status, 139);
});

test('RFC 4140 §6.1, RFC 6275 §10.3.1: without a Home Address option, from outside the prefix, or for its own address nothing is bound', () => {
  const world = new MapWorld();
  assert.equal(world.local({ rcoa: foreignLcoa })?.status, 132);
  assert.equal(world.local({ rcoa: mapAddress })?.status, 132);
  const itself = { kind: 'alternateCareOfAddress', careOfAddress: rcoa } as const;
  assert.equal(world.local({ options: [itself] })?.status, 133, 'an RCoA that is its own care-of address');
  const { headers: _, ...plain } = localUpdate();
  assert.deepEqual(kinds(world.receive({ ...plain, source: rcoa2 })), ['trace']);
  assert.equal(world.engine.counters.discarded_noHomeAddressOption, 1);
  assert.deepEqual(world.ruleTexts, []);
});

test('RFC 4140 §6.1, §6.2, §12.1 [H4140-6.1-06, H4140-6.2-08, H4140-12.1-04]: a new RCoA is probed for on the link before it is bound, the MAP then stands in for it; a refresh waits for nothing', () => {
  const world = new MapWorld({ homeLink: 'lan0' });
  assert.deepEqual(world.receive(localUpdate()), [{ kind: 'proxy', link: 'lan0', address: rcoa, detect: true }]);
  assert.deepEqual(world.receive(localUpdate({ sequence: 2 })), [], 'sent again while the probe is out');
  const outputs = world.step({ kind: 'proxied', link: 'lan0', address: rcoa, unique: true });
  assert.equal(kinds(outputs).at(-1), 'bindingAcknowledgement');
  assert.deepEqual([...world.proxied], [rcoa]);
  assert.equal(world.local({ lcoa: lcoa2, sequence: 3 })?.status, 0);
  assert.equal(world.local({ lifetimeS: 0, lcoa: lcoa2, sequence: 4 })?.status, 0);
  assert.deepEqual([...world.proxied], []);
});

test('RFC 4140 §6.1: an RCoA that somebody on the link has is refused with 134', () => {
  const world = new MapWorld({ homeLink: 'lan0' });
  world.receive(localUpdate());
  const outputs = world.step({ kind: 'proxied', link: 'lan0', address: rcoa, unique: false });
  assert.deepEqual(refusals(outputs), [134]);
  assert.deepEqual(world.ruleTexts, []);
});

test('RFC 4140 §6.2 [H4140-6.2-05, H4140-6.2-09, H4140-6.2-10]: an LCoA of no link of the domain is refused with 129, and counted', () => {
  const world = new MapWorld(domain);
  assert.equal(world.local({ lcoa: foreignLcoa })?.status, 129);
  assert.equal(world.engine.counters.initial_denied_129, 1);
  assert.equal(world.local()?.status, 0);
});

test('RFC 4140 §6.2 [H4140-6.2-09]: without a list every LCoA is served', () => {
  assert.equal(new MapWorld().local({ lcoa: foreignLcoa })?.status, 0);
});

test('RFC 4140 §8 [H4140-8-02]: a mobile that has left the domain is not followed where the operator did not say so; what it had stays as it was', () => {
  const world = new MapWorld(domain);
  world.local();
  assert.equal(world.local({ lcoa: neighbourLcoa, sequence: 2 })?.status, 129);
  assert.deepEqual(world.ruleTexts, [rule]);
  assert.equal(
    world.local({ lcoa: neighbourLcoa, sequence: 2, lifetimeS: 0 })?.status,
    0,
    'it may say goodbye from anywhere',
  );
});

test('RFC 4140 §6.1, §8 [H4140-6.1-23, H4140-8-03, H4140-8-04]: it is followed to links of configured neighbours, and only a mobile that had registered in the domain', () => {
  const world = new MapWorld({ ...domain, neighbourPrefixes: ['2001:db8:c::/48'] });
  assert.equal(world.local({ lcoa: neighbourLcoa })?.status, 129);
  world.local();
  assert.equal(world.local({ lcoa: neighbourLcoa, sequence: 2 })?.status, 0);
  assert.deepEqual(world.ruleTexts, ['2001:db8:a::7/128 → 2001:db8:c:1::7']);
  assert.equal(world.local({ lcoa: foreignLcoa, sequence: 3 })?.status, 129);
  assert.deepEqual(world.ruleTexts, ['2001:db8:a::7/128 → 2001:db8:c:1::7']);
  assert.equal(new MapWorld({ ...domain, neighbourPrefixes: 'any' }).local({ lcoa: foreignLcoa })?.status, 129);
});

test('RFC 4140 §8 [H4140-8-02]: neighbourPrefixes any follows a mobile to wherever it went', () => {
  const world = new MapWorld({ ...domain, neighbourPrefixes: 'any' });
  world.local();
  assert.equal(world.local({ lcoa: foreignLcoa, sequence: 2 })?.status, 0);
});

test('RFC 4140 §6.2, RFC 6275 §9.5.1: a full MAP refuses new mobiles with 130 and goes on serving those it has', () => {
  const world = new MapWorld({ maximumBindings: 1 });
  world.local();
  assert.equal(world.local({ rcoa: rcoa2 })?.status, 130);
  assert.equal(world.local({ sequence: 2, lcoa: lcoa2 })?.status, 0);
});

test("RFC 4140 §6.1: the lifetime granted is the MAP's maximum at most, and then the binding is gone", () => {
  const world = new MapWorld({ maximumLifetimeS: 120 });
  assert.equal(world.local({ lifetimeS: 600 })?.lifetimeS, 120);
  world.run(seconds(120));
  assert.deepEqual([world.ruleTexts, [...world.stored], [...world.admitted]], [[], [], []]);
});

test('RFC 4140 §10 [H4140-10-01]: bindings are stored before they are acknowledged and are there again after a restart', () => {
  const world = new MapWorld();
  world.local();
  const { records } = world;
  const restarted = new MapWorld();
  restarted.step({ kind: 'restored', records });
  assert.deepEqual(restarted.ruleTexts, [rule]);
  assert.equal(restarted.local({ sequence: 1 })?.status, 135, 'what came before the restart is not new');
});

test('RFC 4140 §10 [H4140-10-02, H4140-10-06]: another node that takes over the address and what was stored has the bindings with their RCoAs, and the mobile goes on with it', () => {
  const failed = new MapWorld();
  failed.local({ sequence: 5 });
  const standby = new MapWorld();
  standby.now = seconds(1);
  standby.step({ kind: 'restored', records: failed.records });
  assert.deepEqual([standby.ruleTexts, standby.admitted.size], [[rule], 1]);
  assert.equal(standby.local({ sequence: 6, lcoa: lcoa2 })?.status, 0);
  assert.equal(standby.engine.counters.handoff_accepted, 1);
});

test('RFC 4140 §9, §9.2: the address of a Home Address option in a de-registration nobody made is answered with 133', () => {
  assert.equal(new MapWorld().local({ lifetimeS: 0, rcoa: parseAddress('2001:db8:a::99') })?.status, 133);
});

function refusals(outputs: readonly Output[]): number[] {
  return outputs.flatMap(o => (o.kind === 'trace' && o.event.event === 'refused' ? [o.event.status] : []));
}
