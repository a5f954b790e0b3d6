import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acknowledgementIn, kinds } from '../../../test/support/anchor.js';
import { LocalMobile, lcoa2, localUpdate, MapWorld, mobiles, rcoa, rcoa2 } from '../../../test/support/map.js';
import { type Protection, protections, tampered } from '../../../test/support/secured-mobile.js';
import { milliseconds } from '../../base/time.js';

const alice = 'alice@example.net';
const bob = 'bob@example.net';
const bound = ['2001:db8:a::7/128 → 2001:db8:b:1::7'];

/** A MAP and two mobiles that it knows by name, under each way of protection. */
function each(more: Readonly<Record<string, unknown>>, check: (bench: Bench) => void): void {
  for (const protection of protections) {
    const map = mapFor(protection, more);
    check({
      protection,
      map,
      first: new LocalMobile(map, alice, protection),
      second: new LocalMobile(map, bob, protection),
    });
  }
}

interface Bench {
  readonly protection: Protection;
  readonly map: MapWorld;
  readonly first: LocalMobile;
  readonly second: LocalMobile;
}

function mapFor(protection: Protection, more: Readonly<Record<string, unknown>> = {}): MapWorld {
  return new MapWorld({ peers: mobiles(protection, alice, bob), ...more });
}

test('RFC 4140 §12, §12.1 [H4140-12-01, H4140-12.1-01, H4140-12.1-02, H4140-12.1-06, H4140-12.1-08, H4140-12.1-15]: a mobile known by name registers an RCoA of its own choice, and nobody without its keys does', () => {
  each({}, ({ map, first, protection }) => {
    assert.equal(first.update()?.status, 0);
    assert.deepEqual(map.ruleTexts, bound);
    assert.equal(acknowledgementIn(map.receive(localUpdate({ sequence: 2, lcoa: lcoa2 }))), undefined);
    assert.equal(map.engine.counters.signallingRefusedUnknownPeer, 1);
    assert.equal(new LocalMobile(map, 'mallory@example.net', protection).update({ rcoa: rcoa2 }), undefined);
    assert.equal(map.engine.counters.signallingRefusedUnknownPeer, 2, 'the SPI of nobody');
    assert.deepEqual(map.ruleTexts, bound);
  });
});

test('RFC 4140 §12, §12.1 [H4140-12-02, H4140-12.1-07, H4140-12.1-09]: keys by configuration are enough: no return routability, no proof of the RCoA, and under RFC 4285 no confidentiality', () => {
  const map = mapFor('rfc4285');
  const mobile = new LocalMobile(map, alice, 'rfc4285');
  const protectedUpdate = mobile.protect(localUpdate());
  assert.ok(protectedUpdate.payload.kind === 'mobility' && protectedUpdate.payload.message.kind === 'bindingUpdate');
  const outputs = map.receive(protectedUpdate);
  assert.deepEqual(kinds(outputs), ['store', 'forward', 'admit', 'trace', 'bindingAcknowledgement']);
  assert.equal(mobile.answer(outputs)?.status, 0);
});

test('RFC 4140 §12.1 [H4140-12.1-10, H4140-12.1-11, H4140-12.1-12, H4140-12.1-14]: a second mobile cannot take the RCoA of the first, nor take it away, whatever its sequence number, and is told to take another', () => {
  each({}, ({ map, first, second }) => {
    first.update({ sequence: 10 });
    for (const fields of [{ sequence: 11 }, { sequence: 9 }, { sequence: 12, lifetimeS: 0 }]) {
      map.now += milliseconds(100);
      assert.equal(second.update({ ...fields, lcoa: lcoa2 })?.status, 134);
    }
    assert.deepEqual(map.ruleTexts, bound);
    const { handoff_denied_134: moves, deregistration_denied_134: deletions } = map.engine.counters;
    assert.deepEqual([moves, deletions], [2, 1]);
    assert.equal(second.update({ rcoa: rcoa2, lcoa: lcoa2, sequence: 13 })?.status, 0);
    assert.equal(first.update({ sequence: 11, lcoa: lcoa2 })?.status, 0);
  });
});

test("RFC 4140 §12.1 [H4140-12.1-11]: an RCoA is still its mobile's after a restart of the MAP, and for a while after its de-registration", () => {
  each({}, ({ protection, map, first }) => {
    first.update();
    const restarted = mapFor(protection);
    restarted.step({ kind: 'restored', records: map.records });
    restarted.now += milliseconds(100);
    const [owner, thief] = [alice, bob].map(name => new LocalMobile(restarted, name, protection));
    assert.equal(thief.update({ sequence: 2, lcoa: lcoa2 })?.status, 134);
    // What the mobile had sent before the restart has used up these numbers of its.
    owner.protect(localUpdate());
    assert.equal(owner.update({ sequence: 2, lifetimeS: 0 })?.status, 0);
    restarted.now += milliseconds(100);
    assert.equal(thief.update({ sequence: 3, lcoa: lcoa2 })?.status, 134);
  });
});

test('RFC 4140 §12.1: the RCoA of a mobile that waits for Duplicate Address Detection is not given to another', () => {
  each({ homeLink: 'lan0' }, ({ map, first, second }) => {
    map.receive(first.protect(localUpdate()));
    assert.equal(second.update({ lcoa: lcoa2 })?.status, 134);
    assert.equal(second.update({ lcoa: lcoa2, sequence: 2, lifetimeS: 0 })?.status, 133);
    const outputs = map.step({ kind: 'proxied', link: 'lan0', address: rcoa, unique: true });
    assert.equal(first.answer(outputs)?.status, 0);
    assert.deepEqual(map.ruleTexts, bound);
  });
});

test('RFC 4140 §12 [H4140-12-01]: a replayed, a reordered and a tampered local update change nothing and are counted', () => {
  each({}, ({ protection, map, first }) => {
    const early = first.protect(localUpdate({ sequence: 1 }));
    map.now += milliseconds(10);
    const late = first.protect(localUpdate({ sequence: 2, lcoa: lcoa2 }));
    map.receive(late);
    map.receive(late);
    assert.equal(map.engine.counters.signallingRefusedReplayed, 1);
    const reordered = acknowledgementIn(map.receive(early));
    const counters: Readonly<Record<string, number>> = map.engine.counters;
    // RFC 4285 orders by its timestamp and says so; ESP's window lets it in, and the binding's sequence number keeps it out.
    const told = protection === 'rfc4285' ? [144, 2, undefined] : [undefined, 1, 1];
    assert.deepEqual([reordered?.status, counters.signallingRefusedReplayed, counters.handoff_denied_135], told);
    map.receive(tampered(first.protect(localUpdate({ sequence: 3 }))));
    assert.equal(map.engine.counters.signallingRefusedAuthentication, 1);
    assert.deepEqual(map.ruleTexts, ['2001:db8:a::7/128 → 2001:db8:b:2::7']);
  });
});

test("RFC 4140 §12 [H4140-12-01]: an acknowledgement that was tampered with, or sent by somebody else, is not the MAP's", () => {
  each({}, ({ map, first, second }) => {
    const outputs = map.receive(first.protect(localUpdate()));
    const forged = outputs.map(o => (o.kind === 'send' ? { ...o, packet: tampered(o.packet) } : o));
    assert.equal(first.answer(forged), undefined);
    assert.equal(second.answer(outputs), undefined);
    assert.deepEqual([first.refusals, second.refusals], [1, 1]);
    assert.equal(first.answer(outputs)?.status, 0);
  });
});

test('RFC 4140 §12.1, RFC 4285 §5.1: a local update that is moved to another source, so that another LCoA would be bound, is refused and counted', () => {
  const map = mapFor('rfc4285');
  map.receive({ ...new LocalMobile(map, alice, 'rfc4285').protect(localUpdate()), source: lcoa2 });
  assert.equal(map.engine.counters.signallingRefusedAuthentication, 1);
  assert.deepEqual(map.ruleTexts, []);
});

test('RFC 4140 §6.1, §12.1, RFC 6275 §11.7.1: under ESP the LCoA goes inside, so that a local update that is moved to another source binds the address it was made for', () => {
  const map = mapFor('esp');
  map.receive({ ...new LocalMobile(map, alice, 'esp').protect(localUpdate()), source: lcoa2 });
  assert.deepEqual(map.ruleTexts, bound);
});

test('RFC 4140 §12.1: the association of one mobile does not speak for another that has an address configured', () => {
  const security = { kind: 'rfc4285', spi: 999, key: '00'.repeat(16) };
  const map = new MapWorld({ peers: [...mobiles('rfc4285', alice), { address: '2001:db8:a::7', security }] });
  assert.equal(new LocalMobile(map, alice, 'rfc4285').update(), undefined);
  assert.equal(map.engine.counters.signallingRefusedUnknownAssociation, 1);
});

test('RFC 4140 §6.2: one mobile fills no MAP: it has four RCoAs at most', () => {
  each({}, ({ map, first }) => {
    const statuses = [0, 1, 2, 3, 4].map(n => {
      map.now += milliseconds(10);
      return first.update({ rcoa: (rcoa.slice(0, 7) + String.fromCharCode(n + 16)) as typeof rcoa })?.status;
    });
    assert.deepEqual(statuses, [0, 0, 0, 0, 130]);
  });
});

test('RFC 4140 §12.1: a mobile that is no longer configured has no binding after a restart', () => {
  each({}, ({ protection, map, first }) => {
    first.update();
    const restarted = new MapWorld({ peers: mobiles(protection, bob) });
    restarted.step({ kind: 'restored', records: map.records });
    assert.deepEqual([restarted.ruleTexts, [...restarted.stored]], [[], []]);
  });
});

test('RFC 4140 §12.1 [H4140-12.1-16]: mobiles have NAIs and SPIs of their own, and each peer is named by one of address and NAI', () => {
  const [entry] = mobiles('rfc4285', alice);
  const [other] = mobiles('rfc4285', bob);
  const none = { ...entry.security, cipher: 'null', kind: 'esp' };
  const faulty: readonly (readonly unknown[])[] = [
    [entry, entry],
    [entry, { ...other, security: entry.security }],
    [{ ...entry, address: '2001:db8:a::7' }],
    [{ security: entry.security }],
    [entry, { ...other, name: alice }],
    [{ ...entry, security: none }],
    [{ identity: alice }],
  ];
  for (const peers of faulty) assert.throws(() => new MapWorld({ peers }), Error, JSON.stringify(peers));
  assert.doesNotThrow(() => new MapWorld({ peers: [entry, other] }));
});
