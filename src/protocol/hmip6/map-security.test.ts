import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acknowledgementIn } from '../../../test/support/anchor.js';
import { lcoa2, localUpdate, MapWorld, mobiles, rcoa, rcoa2, SecuredMobile } from '../../../test/support/map.js';
import { milliseconds } from '../../base/time.js';
import type { Packet } from '../../wire/ipv6/packet.js';

const alice = 'alice@example.net';
const bob = 'bob@example.net';
const both = ['rfc4285', 'esp'] as const;

function world(protection: 'rfc4285' | 'esp', more: Readonly<Record<string, unknown>> = {}): MapWorld {
  return new MapWorld({ peers: mobiles(protection, alice, bob), ...more });
}

for (const protection of both) {
  test(`RFC 4140 §12, §12.1 [H4140-12-01, H4140-12.1-02, H4140-12.1-06, H4140-12.1-08, H4140-12.1-15]: a mobile known by name registers an RCoA of its own choice under ${protection}; nobody without its keys does`, () => {
    const map = world(protection);
    const mobile = new SecuredMobile(map, alice, protection);
    assert.equal(mobile.update()?.status, 0);
    assert.deepEqual(map.ruleTexts, ['2001:db8:a::7/128 → 2001:db8:b:1::7']);
    assert.equal(acknowledgementIn(map.receive(localUpdate({ sequence: 2, lcoa: lcoa2 }))), undefined);
    assert.equal(map.engine.counters.signallingRefusedUnknownPeer, 1);
    assert.equal(new SecuredMobile(map, 'mallory@example.net', protection).update({ rcoa: rcoa2 }), undefined);
    assert.equal(map.engine.counters.signallingRefusedUnknownPeer, 2, 'the SPI of nobody');
    assert.deepEqual(map.ruleTexts, ['2001:db8:a::7/128 → 2001:db8:b:1::7']);
  });

  test(`RFC 4140 §12.1 [H4140-12.1-10, H4140-12.1-11, H4140-12.1-12, H4140-12.1-14]: under ${protection} a second mobile cannot take the RCoA of the first, whatever its sequence number, and is told to take another`, () => {
    const map = world(protection);
    const [first, second] = [alice, bob].map(name => new SecuredMobile(map, name, protection));
    first.update({ sequence: 10 });
    map.now += milliseconds(100);
    for (const fields of [{ sequence: 11 }, { sequence: 9 }, { sequence: 12, lifetimeS: 0 }]) {
      map.now += milliseconds(100);
      assert.equal(second.update({ ...fields, lcoa: lcoa2 })?.status, 134);
    }
    assert.deepEqual(map.ruleTexts, ['2001:db8:a::7/128 → 2001:db8:b:1::7']);
    assert.equal(map.engine.counters.initial_denied_134 ?? map.engine.counters.handoff_denied_134, 2);
    assert.equal(second.update({ rcoa: rcoa2, lcoa: lcoa2, sequence: 13 })?.status, 0);
    assert.equal(first.update({ sequence: 11, lcoa: lcoa2 })?.status, 0);
  });

  test(`RFC 4140 §12.1 [H4140-12.1-11]: under ${protection} an RCoA is still its mobile's after a restart of the MAP, and for a while after de-registration`, () => {
    const map = world(protection);
    new SecuredMobile(map, alice, protection).update();
    const restarted = world(protection);
    restarted.step({ kind: 'restored', records: map.records });
    restarted.now += milliseconds(100);
    const [first, second] = [alice, bob].map(name => new SecuredMobile(restarted, name, protection));
    assert.equal(second.update({ sequence: 2, lcoa: lcoa2 })?.status, 134);
    for (let i = 0; i < 3; i++) first.protect(localUpdate());
    assert.equal(first.update({ sequence: 2, lifetimeS: 0 })?.status, 0);
    restarted.now += milliseconds(100);
    assert.equal(second.update({ sequence: 3, lcoa: lcoa2 })?.status, 134);
  });

  test(`RFC 4140 §12.1: under ${protection} the RCoA of one that waits for Duplicate Address Detection is not given to another`, () => {
    const map = world(protection, { homeLink: 'lan0' });
    const [first, second] = [alice, bob].map(name => new SecuredMobile(map, name, protection));
    map.receive(first.protect(localUpdate()));
    assert.equal(second.update({ lcoa: lcoa2 })?.status, 134);
    const outputs = map.step({ kind: 'proxied', link: 'lan0', address: rcoa, unique: true });
    assert.equal(first.answer(outputs)?.status, 0);
    assert.deepEqual(map.ruleTexts, ['2001:db8:a::7/128 → 2001:db8:b:1::7']);
  });

  test(`RFC 4140 §12 [H4140-12-01]: under ${protection} a replayed, a reordered and a tampered local update change nothing and are counted`, () => {
    const map = world(protection);
    const mobile = new SecuredMobile(map, alice, protection);
    const early = mobile.protect(localUpdate({ sequence: 1 }));
    map.now += milliseconds(10);
    const late = mobile.protect(localUpdate({ sequence: 2, lcoa: lcoa2 }));
    map.receive(late);
    map.receive(late);
    assert.equal(map.engine.counters.signallingRefusedReplayed, 1);
    const reordered = acknowledgementIn(map.receive(early));
    const counters: Readonly<Record<string, number>> = map.engine.counters;
    // RFC 4285 orders by its timestamp and says so; ESP's window lets it in, and the binding's sequence number keeps it out.
    const told = protection === 'rfc4285' ? [144, 2, undefined] : [undefined, 1, 1];
    assert.deepEqual([reordered?.status, counters.signallingRefusedReplayed, counters.handoff_denied_135], told);
    map.receive(tampered(mobile.protect(localUpdate({ sequence: 3 }))));
    assert.equal(map.engine.counters.signallingRefusedAuthentication, 1);
    assert.deepEqual(map.ruleTexts, ['2001:db8:a::7/128 → 2001:db8:b:2::7']);
  });
}

test('RFC 4140 §12.1: a local update that is moved to another source, so that another LCoA would be bound, is refused and counted', () => {
  const map = world('rfc4285');
  const mobile = new SecuredMobile(map, alice);
  map.receive({ ...mobile.protect(localUpdate()), source: lcoa2 });
  assert.equal(map.engine.counters.signallingRefusedAuthentication, 1);
  assert.deepEqual(map.ruleTexts, []);
});

test('RFC 4140 §6.2: one mobile fills no MAP: it has four RCoAs at most', () => {
  const map = world('rfc4285');
  const mobile = new SecuredMobile(map, alice);
  const statuses = [0, 1, 2, 3, 4].map(n => {
    map.now += milliseconds(10);
    return mobile.update({ rcoa: (rcoa.slice(0, 7) + String.fromCharCode(n + 16)) as typeof rcoa })?.status;
  });
  assert.deepEqual(statuses, [0, 0, 0, 0, 130]);
});

test('RFC 4140 §12.1: a mobile that is no longer configured has no binding after a restart', () => {
  const map = world('rfc4285');
  new SecuredMobile(map, alice).update();
  const restarted = new MapWorld({ peers: mobiles('rfc4285', bob) });
  restarted.step({ kind: 'restored', records: map.records });
  assert.deepEqual(restarted.ruleTexts, []);
});

function tampered(packet: Packet): Packet {
  const { payload } = packet;
  if (payload.kind === 'raw') {
    const data = payload.data.slice();
    data[12] ^= 1;
    return { ...packet, payload: { ...payload, data } };
  }
  if (payload.kind !== 'mobility' || payload.message.kind !== 'bindingUpdate') throw new Error('no update');
  return { ...packet, payload: { kind: 'mobility', message: { ...payload.message, lifetimeS: 1200 } } };
}
