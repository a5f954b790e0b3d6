import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Carried, DlmaDomain, lma1, lma2, lma3 } from '../../../test/support/dlma-domain.js';
import { Roamer, type Site } from '../../../test/support/roaming.js';
import { type Duration, milliseconds, seconds } from '../../base/time.js';
import type { Message } from './messages.js';

const below1: Site = { mag: '2001:db8:1::1', lma: lma1 };
const below2: Site = { mag: '2001:db8:2::1', lma: lma2 };
const below22: Site = { mag: '2001:db8:2:2::1', lma: lma2 };
const below3: Site = { mag: '2001:db8:3::1', lma: lma3 };
const alice = 'alice@n1';
const bob = 'bob@n1';
const home = '2001:db8:a1:1::/64';
const homes = [home];

interface Slowed {
  readonly kind: Message['kind'];
  readonly from?: string;
  readonly to?: string;
  readonly ms: number;
}

/** A domain where those messages take longer than the 5 ms of all others; each the first time only. */
function slow(...slowed: readonly Slowed[]): DlmaDomain {
  const domain = new DlmaDomain({ revocation: {} });
  const left = [...slowed];
  domain.delay = ({ from, to, message }: Carried): Duration => {
    const found = left.findIndex(
      one => one.kind === message?.kind && (one.from ?? from) === from && (one.to ?? to) === to,
    );
    return milliseconds(found < 0 ? 5 : left.splice(found, 1)[0].ms);
  };
  return domain;
}

function records(domain: DlmaDomain): string[] {
  return domain.rows(lma1, 'locations').map(row => `${row.identity} ${row.home} ${row.anchor} ${row.state}`);
}

function come(domain: DlmaDomain, site: Site, more: object = {}): void {
  domain.update({ ...site, identity: alice, homes, ...more });
}

test('C03-4.3-09: the H-LMA’s answer to a V-LMA that the mobile has left meanwhile anchors nobody there', () => {
  const domain = slow({ kind: 'registered', to: lma2, ms: 500 });
  come(domain, below2);
  domain.run(milliseconds(100));
  come(domain, below3);
  domain.run(milliseconds(400));
  assert.deepEqual(domain.homeRules(lma2), [`${home} → ${lma3}`]);
  domain.run(milliseconds(600));
  assert.equal(domain.lastAnswer(below2.mag), `157 ${home}`);
  assert.deepEqual(domain.rows(lma2, 'bindings'), []);
  assert.deepEqual(domain.homeRules(lma2), [`${home} → ${lma3}`]);
  domain.runS(20);
  assert.deepEqual(records(domain), [`${alice} ${home} ${lma3} registered`]);
  assert.deepEqual(domain.homeRules(lma3), [`${home} → ${below3.mag}`]);
});

test('C03-4.3-09: a registration that is overtaken by a later one is refused, and moves nothing', () => {
  const domain = slow({ kind: 'registration', from: lma2, ms: 300 });
  come(domain, below2);
  domain.run(milliseconds(100));
  come(domain, below3);
  domain.runS(1);
  assert.equal(domain.lastAnswer(below2.mag), `157 ${home}`);
  assert.deepEqual(records(domain), [`${alice} ${home} ${lma3} registered`]);
  assert.deepEqual(domain.rows(lma2, 'bindings'), []);
});

test('C03-5.1.3-01, C03-5.1.3-04: there and back again: a late handover does not take the mobile away, and the H-LMA learns of the return', () => {
  const domain = slow({ kind: 'handover', from: lma3, to: lma2, ms: 400 });
  come(domain, below2);
  domain.runS(1);
  come(domain, below3);
  domain.runS(0.1);
  // The D-LMA still has it from before, and so asks nobody.
  come(domain, below22);
  domain.runS(0.1);
  assert.deepEqual(domain.homeRules(lma2), [`${home} → ${below22.mag}`]);
  assert.deepEqual(records(domain), [`${alice} ${home} ${lma3} registered`]);
  domain.runS(0.5);
  assert.equal(domain.counters(lma2).handovers_answered_156, 1);
  assert.deepEqual(domain.homeRules(lma2), [`${home} → ${below22.mag}`]);
  assert.deepEqual(records(domain), [`${alice} ${home} ${lma2} registered`]);
  assert.deepEqual(domain.rows(lma3, 'bindings'), []);
});

test('C03-5.1.3-01: back at the gateway it had left before its D-LMA heard of that: a late handover does not take it away', () => {
  const domain = slow({ kind: 'handover', from: lma3, to: lma2, ms: 400 });
  come(domain, below2);
  domain.runS(1);
  come(domain, below3);
  domain.runS(0.1);
  come(domain, below2);
  domain.runS(0.1);
  assert.deepEqual(records(domain), [`${alice} ${home} ${lma2} registered`]);
  domain.runS(1);
  assert.equal(domain.counters(lma2).handovers_answered_156, 1);
  assert.deepEqual(domain.homeRules(lma2), [`${home} → ${below2.mag}`]);
  assert.deepEqual(
    domain.revoked.map(({ mag }) => mag),
    [below3.mag],
  );
  assert.deepEqual(domain.rows(lma3, 'bindings'), []);
  assert.deepEqual(records(domain), [`${alice} ${home} ${lma2} registered`]);
});

test('draft-chan §4.3: a D-LMA that never hears of the handover learns it with the next refresh', () => {
  const domain = new DlmaDomain({ revocation: {} });
  come(domain, below2);
  domain.runS(1);
  domain.delay = ({ message }) => (message?.kind === 'handover' ? undefined : milliseconds(5));
  come(domain, below3);
  domain.runS(40);
  assert.deepEqual(domain.homeRules(lma2), [`${home} → ${below2.mag}`]);
  assert.equal(domain.counters(lma3).handovers_unanswered, 1);
  come(domain, below2, { handoff: 5 });
  domain.runS(1);
  assert.deepEqual(domain.homeRules(lma2), []);
  assert.deepEqual(
    domain.revoked.map(({ mag, message }) => [mag, message.trigger]),
    [[below2.mag, 4]],
  );
  assert.deepEqual(records(domain), [`${alice} ${home} ${lma3} registered`]);
});

test('C03-5.1.3-01: that the mobile had gone, as the H-LMA says of before it came back, does not end what began after', () => {
  const domain = slow({ kind: 'handover', to: lma2, ms: 3000 }, { kind: 'registered', to: lma2, ms: 5 });
  come(domain, below2);
  domain.runS(1);
  come(domain, below3);
  domain.runS(0.1);
  // Its former gateway has not noticed; what the H-LMA says to that takes a while.
  domain.delay = ({ message, to }) => milliseconds(message?.kind === 'registered' && to === lma2 ? 200 : 5);
  come(domain, below2, { handoff: 5 });
  domain.runS(0.1);
  come(domain, below22);
  domain.runS(1);
  assert.deepEqual(domain.homeRules(lma2), [`${home} → ${below22.mag}`]);
  assert.deepEqual(records(domain), [`${alice} ${home} ${lma2} registered`]);
  assert.deepEqual(domain.rows(lma3, 'bindings'), []);
});

test('C03-4.3-05: a D-LMA that hears nothing of the H-LMA lets go of a home before that may be somebody else’s', () => {
  const domain = new DlmaDomain({ revocation: {} });
  const roamer = new Roamer(domain, alice, '02:00:00:00:00:01', homes);
  domain.atGateway = carried => roamer.hear(carried);
  roamer.attach(below2);
  domain.runS(1);
  const isCut = (a: string, b: string) => a === lma1 && b === lma2;
  const since = domain.now;
  domain.delay = ({ from, to }) => (isCut(from, to) || isCut(to, from) ? undefined : milliseconds(5));
  domain.run(since + seconds(48));
  // Its gateway has refreshed it twice; the H-LMA has not heard of that, and keeps the home for a little longer.
  assert.deepEqual(domain.homeRules(lma2), [`${home} → ${below2.mag}`]);
  assert.deepEqual(records(domain), [`${alice} ${home} ${lma2} expired`]);
  domain.run(since + seconds(51));
  assert.deepEqual(domain.homeRules(lma2), []);
  assert.equal(roamer.revokedHere, 1);
  domain.update({ ...below3, identity: bob, homes });
  domain.runS(1);
  assert.equal(domain.lastAnswer(below3.mag), `0 ${home}`);
  domain.delay = () => milliseconds(5);
  domain.runS(40);
  assert.equal(roamer.registered, true);
  assert.notDeepEqual(roamer.homes, homes);
});

test('C03-4.3-04: a gateway that lets the mobile go while the H-LMA is asked has no binding, and the H-LMA no record', () => {
  const domain = slow({ kind: 'registered', to: lma2, ms: 300 });
  come(domain, below2);
  domain.run(milliseconds(100));
  come(domain, below2, { lifetimeS: 0, handoff: 4 });
  domain.runS(1);
  assert.deepEqual(domain.acknowledged, []);
  assert.deepEqual(domain.rows(lma2, 'bindings'), []);
  assert.deepEqual(records(domain), [`${alice} ${home} ${lma2} left`]);
});

test('C03-4.3-04: to another gateway of the V-LMA while the H-LMA is asked: that one is answered', () => {
  const domain = slow({ kind: 'registered', to: lma2, ms: 300 });
  come(domain, below2);
  domain.run(milliseconds(100));
  come(domain, below22);
  domain.runS(1);
  assert.deepEqual(
    domain.acknowledged.map(({ mag, message }) => [mag, message.status]),
    [[below22.mag, 0]],
  );
  assert.deepEqual(domain.homeRules(lma2), [`${home} → ${below22.mag}`]);
  assert.equal(domain.said().filter(text => text.startsWith('registration')).length, 1);
});

test('C03-4.3-04: what a gateway said before the other one, and comes later, changes nothing while the H-LMA is asked', () => {
  const domain = slow({ kind: 'registered', to: lma2, ms: 300 });
  come(domain, below22);
  domain.run(milliseconds(50));
  come(domain, below2, { sentAt: milliseconds(-100) });
  domain.runS(1);
  assert.deepEqual(domain.homeRules(lma2), [`${home} → ${below22.mag}`]);
});

test('C03-4.3-04: so it is where it was below another LMA in between: the H-LMA is asked again', () => {
  const domain = slow({ kind: 'registered', to: lma2, ms: 300 });
  come(domain, below2);
  domain.run(milliseconds(100));
  come(domain, below3);
  domain.run(milliseconds(200));
  come(domain, below22);
  domain.runS(1);
  assert.equal(domain.lastAnswer(below22.mag), `0 ${home}`);
  assert.deepEqual(domain.homeRules(lma2), [`${home} → ${below22.mag}`]);
  assert.deepEqual(records(domain), [`${alice} ${home} ${lma2} registered`]);
  assert.deepEqual(domain.homeRules(lma3), [`${home} → ${lma2}`]);
  assert.deepEqual(domain.rows(lma3, 'bindings'), []);
});

test('C03-5.1.3-01: a V-LMA that asks once more, for a later coming, sends nothing to where the mobile was before that', () => {
  const domain = new DlmaDomain();
  come(domain, below2);
  domain.runS(1);
  come(domain, below3);
  domain.runS(0.05);
  come(domain, below2, { sentAt: domain.now - milliseconds(100) });
  domain.runS(0.005);
  assert.deepEqual(domain.homeRules(lma2), [`${home} → ${lma3}`]);
  come(domain, below22);
  domain.runS(0.015);
  // By now the H-LMA may send its packets here, and the former D-LMA would send them back.
  assert.deepEqual(domain.homeRules(lma2), []);
  domain.runS(1);
  assert.deepEqual(domain.homeRules(lma2), [`${home} → ${below22.mag}`]);
});

test('C03-4.3-05: what a D-LMA still has of a mobile whose home the H-LMA gave to another ends there', () => {
  const domain = new DlmaDomain({ revocation: {} });
  // The H-LMA has lost its records; below the D-LMA all goes on.
  come(domain, below2);
  domain.runS(1);
  domain.forgetAll(lma1);
  domain.update({ ...below22, identity: bob, homes });
  domain.runS(1);
  assert.deepEqual(domain.homeRules(lma2), [`${home} → ${below22.mag}`]);
  assert.deepEqual(records(domain), [`${bob} ${home} ${lma2} registered`]);
  assert.deepEqual(
    domain.revoked.map(({ mag, message }) => [mag, message.trigger]),
    [[below2.mag, 1]],
  );
});

test('C03-4.3-05: one whose home the H-LMA gave to another, elsewhere, loses it with its next refresh', () => {
  const domain = new DlmaDomain({ revocation: {} });
  come(domain, below2);
  domain.runS(1);
  domain.forgetAll(lma1);
  domain.update({ ...below3, identity: bob, homes });
  domain.runS(1);
  come(domain, below2, { handoff: 5 });
  domain.runS(1);
  assert.deepEqual(domain.rows(lma2, 'bindings'), []);
  assert.deepEqual(domain.homeRules(lma3), [`${home} → ${below3.mag}`]);
});

test('draft-chan §9: what an LMA says of a mobile that is anchored at another, or of another’s home, takes nothing away', () => {
  const domain = new DlmaDomain();
  come(domain, below2);
  domain.runS(1);
  const forged = (changes: object) => {
    domain.send(domain.handoverFrom(lma3, lma2, { identity: alice, homes, timestampMs: 4e12, ...changes }));
    domain.runS(1);
  };
  forged({ anchor: lma1 });
  assert.equal(domain.counters(lma2).handovers_answered_129, 1);
  forged({ identity: bob });
  assert.equal(domain.counters(lma2).handovers_answered_134, 1);
  forged({ homes: ['2001:db8:b::/64'] });
  assert.equal(domain.counters(lma2).handovers_answered_133, 1);
  forged({ timestampMs: 1 });
  assert.equal(domain.counters(lma2).handovers_answered_156, 1);
  assert.deepEqual(domain.homeRules(lma2), [`${home} → ${below2.mag}`]);
});

test('draft-chan §4.3: a restarted D-LMA asks whether its mobiles are still there, and lets go of who is not', () => {
  const domain = new DlmaDomain({ revocation: {} });
  come(domain, below2);
  domain.update({ ...below2, identity: bob, interface: '02:00:00:00:00:02' });
  domain.runS(1);
  const bobs = domain.lastAnswer(below2.mag)?.slice(2);
  domain.crash(lma2);
  come(domain, below3);
  // So long that nobody tells it any more.
  domain.runS(40);
  domain.start(lma2);
  assert.equal(domain.homeRules(lma2).length, 2);
  domain.runS(0.1);
  assert.deepEqual(domain.homeRules(lma2), [`${bobs} → ${below2.mag}`]);
});

test('draft-chan §4.3: a new D-LMA that crashes before the previous one has answered tells it when it is back', () => {
  const domain = new DlmaDomain();
  come(domain, below2);
  domain.runS(1);
  domain.delay = ({ message }) => (message?.kind === 'handover' ? undefined : milliseconds(5));
  come(domain, below3);
  domain.runS(0.5);
  domain.crash(lma3);
  domain.runS(2);
  domain.delay = () => milliseconds(5);
  assert.deepEqual(domain.homeRules(lma2), [`${home} → ${below2.mag}`]);
  domain.start(lma3);
  domain.runS(0.1);
  assert.deepEqual(domain.homeRules(lma2), [`${home} → ${lma3}`]);
});

test('draft-chan §4.3: after a restart location management is not asked about all at once', () => {
  const domain = new DlmaDomain();
  for (let i = 0; i < 200; i++) {
    const link = `02:00:00:00:01:${i.toString(16).padStart(2, '0')}`;
    domain.update({ ...below2, identity: `m${i}@n1`, interface: link });
  }
  domain.runS(1);
  domain.crash(lma2);
  domain.start(lma2);
  const asked = () =>
    domain.carried.filter(({ at, message }) => at === domain.now && message?.kind === 'registration').length;
  assert.equal(asked(), 64);
  const since = domain.now;
  domain.runS(1);
  assert.equal(domain.said(since).filter(text => text.startsWith('registration')).length, 200);
  assert.equal(domain.homeRules(lma2).length, 200);
});

/** Everything that happens in a move from one LMA to the next, with a crash after the n-th event. */
function crashed(lma: string, after: number): boolean {
  const why = `${lma} crashes after event ${after}`;
  const domain = new DlmaDomain({ revocation: {}, previousS: 5 });
  const roamer = new Roamer(domain, alice, '02:00:00:00:00:01', homes);
  domain.atGateway = carried => roamer.hear(carried);
  roamer.attach(below2);
  domain.runS(3);
  roamer.detach(after % 2 === 0);
  roamer.attach(below3);
  let events = 0;
  const until = domain.now + seconds(2);
  while (events < after && domain.step(until)) events++;
  const isOver = events < after;
  domain.crash(lma);
  domain.runS(0.3);
  domain.start(lma);
  domain.runS(60);
  assert.ok(roamer.registered, `served: ${why}`);
  assert.deepEqual(records(domain), [`${alice} ${home} ${lma3} registered`], why);
  assert.deepEqual(domain.homeRules(lma1), [`${home} → ${lma3}`], why);
  assert.deepEqual(domain.homeRules(lma2), [], why);
  assert.deepEqual(domain.homeRules(lma3), [`${home} → ${below3.mag}`], why);
  assert.equal(roamer.revokedHere, 0, why);
  return isOver;
}

test('C03-5.1.3-01: whichever LMA crashes in whichever phase of a move, all agree in the end', () => {
  for (const lma of [lma1, lma2, lma3]) {
    let after = 0;
    while (!crashed(lma, after)) after++;
    assert.ok(after > 8, `phases at ${lma}: ${after}`);
  }
});

test('at home, too, a crash in whichever phase leaves nothing wrong', () => {
  for (const [from, to] of [
    [below1, below2],
    [below2, below1],
  ])
    for (const lma of [lma1, lma2])
      for (let after = 0; after < 12; after++) {
        const domain = new DlmaDomain({ previousS: 5 });
        const roamer = new Roamer(domain, alice, '02:00:00:00:00:01', homes);
        domain.atGateway = carried => roamer.hear(carried);
        roamer.attach(from);
        domain.runS(3);
        roamer.detach(false);
        roamer.attach(to);
        const until = domain.now + seconds(2);
        for (let i = 0; i < after && domain.step(until); i++);
        domain.crash(lma);
        domain.runS(0.3);
        domain.start(lma);
        domain.runS(60);
        const why = `from ${from.lma} to ${to.lma}, ${lma} crashes after ${after}`;
        assert.ok(roamer.registered, why);
        assert.deepEqual(records(domain), [`${alice} ${home} ${to.lma} registered`], why);
        assert.deepEqual(domain.homeRules(to.lma), [`${home} → ${to.mag}`], why);
        assert.deepEqual(domain.homeRules(from.lma), from.lma === lma1 ? [`${home} → ${to.lma}`] : [], why);
      }
});
