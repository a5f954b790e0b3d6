import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DlmaDomain, lma1, lma2, lma3, revocationAnswer } from '../../../test/support/dlma-domain.js';
import { formatAddress, unspecified } from '../../base/address.js';
import { milliseconds } from '../../base/time.js';
import { findOption } from '../../wire/mobility/options.js';

const mag1 = '2001:db8:1::1';
const mag2 = '2001:db8:2::1';
const mag22 = '2001:db8:2:2::1';
const mag3 = '2001:db8:3::1';
const alice = 'alice@n1';
const bob = 'bob@n1';
const home = '2001:db8:a1:1::/64';
const homes = [home];

/** Location management's records, as text. */
function records(domain: DlmaDomain, hlma = lma1): string[] {
  return domain.rows(hlma, 'locations').map(row => `${row.identity} ${row.home} ${row.anchor} ${row.state}`);
}

/** Alice below the second LMA, and all that is said about that said. */
function away(config: object = {}): DlmaDomain {
  const domain = new DlmaDomain(config);
  domain.update({ mag: mag2, lma: lma2, identity: alice, homes, handoff: 1 });
  domain.runS(1);
  return domain;
}

test('C03-4.3-03, C03-4.3-04: before the binding is complete the H-LMA of the home’s prefix is asked', () => {
  const domain = new DlmaDomain();
  domain.update({ mag: mag2, lma: lma2, identity: alice, homes });
  domain.run(milliseconds(5));
  assert.deepEqual(domain.said(), [`registration ${lma2} → ${lma1}`]);
  domain.run(milliseconds(14));
  assert.deepEqual(domain.rows(lma2, 'bindings'), []);
  assert.deepEqual(domain.homeRules(lma2), []);
  domain.run(milliseconds(20));
  assert.equal(domain.lastAnswer(mag2), `0 ${home}`);
});

test('C03-2.3-06, C03-2.3-08, C03-3-02, C03-3-03, C03-4.1-05, C03-4.3-07, C03-4.3-08: the V-LMA anchors the mobile, knows its gateway, and its H-LMA knows the V-LMA', () => {
  const domain = away();
  assert.deepEqual(domain.homeRules(lma2), [`${home} → ${mag2}`]);
  assert.deepEqual(records(domain), [`${alice} ${home} ${lma2} registered`]);
  assert.deepEqual(domain.homeRules(lma1), [`${home} → ${lma2}`]);
  assert.deepEqual(domain.homeRules(lma3), []);
});

test('C03-2.3-07: at home it is anchored at its H-LMA with an address of that H-LMA’s, and no LMA says anything to another', () => {
  const domain = new DlmaDomain();
  domain.update({ mag: mag1, lma: lma1, identity: alice });
  domain.run(milliseconds(10));
  const [answer] = [domain.lastAnswer(mag1) ?? ''];
  assert.match(answer, /^0 2001:db8:a1:/);
  assert.deepEqual(domain.homeRules(lma1), [`${answer.slice(2)} → ${mag1}`]);
  assert.deepEqual(domain.said(), []);
});

test('C03-4.3-06: so does one whose home another mobile has below the same V-LMA', () => {
  const domain = away();
  domain.update({ mag: mag22, lma: lma2, identity: bob, homes });
  domain.runS(1);
  const given = domain.lastAnswer(mag22) ?? '';
  assert.match(given, /^0 2001:db8:a1:/);
  assert.deepEqual(domain.homeRules(lma2), [`${home} → ${mag2}`, `${given.slice(2)} → ${mag22}`].sort());
});

test('C03-4.3-05, C03-4.3-06: a home that is another mobile’s is not unique; the V-LMA asks for a valid one, and the mobile gets that', () => {
  const domain = new DlmaDomain();
  domain.update({ mag: mag3, lma: lma3, identity: bob, homes });
  domain.runS(1);
  domain.update({ mag: mag2, lma: lma2, identity: alice, homes });
  domain.runS(1);
  const registrations = domain.carried.flatMap(({ from, message }) =>
    message?.kind === 'registration' && from === lma2 ? [message.homes.length] : [],
  );
  assert.deepEqual(registrations, [1, 0]);
  const answers = domain.carried.flatMap(({ to, message }) =>
    message?.kind === 'registered' && to === lma2 ? [message.status] : [],
  );
  assert.deepEqual(answers, [134, 0]);
  const given = domain.lastAnswer(mag2) ?? '';
  assert.match(given, /^0 2001:db8:a1:/);
  assert.notEqual(given, `0 ${home}`);
  assert.deepEqual(domain.homeRules(lma2), [`${given.slice(2)} → ${mag2}`]);
  assert.deepEqual(domain.homeRules(lma3), [`${home} → ${mag3}`]);
  assert.equal(records(domain).length, 2);
});

test('draft-chan §4.3: a gateway that repeats itself while it waits has one answer, and a home of its own choice no second time', () => {
  const domain = new DlmaDomain();
  domain.update({ mag: mag3, lma: lma3, identity: bob, homes });
  domain.runS(1);
  const since = domain.now;
  domain.update({ mag: mag2, lma: lma2, identity: alice, homes });
  for (const ms of [2, 9, 16, 40]) {
    domain.run(since + milliseconds(ms));
    domain.update({ mag: mag2, lma: lma2, identity: alice, homes });
  }
  domain.runS(1);
  const given = new Set(domain.acknowledged.filter(({ mag }) => mag === mag2).map(() => domain.lastAnswer(mag2)));
  assert.equal(given.size, 1);
  assert.equal(domain.homeRules(lma2).length, 1);
  assert.equal(domain.rows(lma2, 'waiting').length, 0);
});

test('C03-4.3-09, C03-4.3-10, C03-4.4-09, C03-5.1.3-01, C03-5.1.3-04: the new V-LMA tells the H-LMA, and the previous one of itself', () => {
  const domain = away();
  const since = domain.now;
  domain.update({ mag: mag3, lma: lma3, identity: alice, homes });
  domain.runS(1);
  const said = domain.said(since).filter(text => !text.includes('nswer') && !text.startsWith('registered'));
  assert.deepEqual(said, [`registration ${lma3} → ${lma1}`, `handover ${lma3} → ${lma2}`]);
  assert.deepEqual(records(domain), [`${alice} ${home} ${lma3} registered`]);
  assert.deepEqual(domain.homeRules(lma3), [`${home} → ${mag3}`]);
  assert.deepEqual(domain.rows(lma2, 'bindings'), []);
});

test('C03-4.3-11, C03-4.4-10, C03-4.4-11: the previous V-LMA forwards to the new one for a limited time', () => {
  const domain = away({ previousS: 3 });
  domain.update({ mag: mag3, lma: lma3, identity: alice, homes });
  domain.run(domain.now + milliseconds(19));
  assert.deepEqual(domain.homeRules(lma2), [`${home} → ${mag2}`]);
  domain.run(domain.now + milliseconds(1));
  const told = domain.now;
  assert.deepEqual(domain.homeRules(lma2), [`${home} → ${lma3}`]);
  domain.run(told + milliseconds(2999));
  assert.deepEqual(domain.homeRules(lma2), [`${home} → ${lma3}`]);
  domain.run(told + milliseconds(3000));
  assert.deepEqual(domain.homeRules(lma2), []);
});

test('C03-5.1.2-01: another gateway of the same D-LMA: that changes its mapping at once, and no other LMA hears of it', () => {
  const domain = away();
  const since = domain.now;
  domain.update({ mag: mag22, lma: lma2, identity: alice, homes });
  domain.run(since + milliseconds(10));
  assert.equal(domain.lastAnswer(mag22), `0 ${home}`);
  assert.deepEqual(domain.homeRules(lma2), [`${home} → ${mag22}`]);
  domain.runS(5);
  assert.deepEqual(domain.said(since), []);
});

test('C03-2.3-06: who goes on from gateway to gateway below one D-LMA, and is never refreshed, stays registered with the H-LMA', () => {
  const domain = away();
  const since = domain.now;
  for (let i = 0; i < 20; i++) {
    domain.update({ mag: [mag22, mag2][i % 2], lma: lma2, identity: alice, homes });
    domain.runS(60);
    assert.deepEqual(records(domain), [`${alice} ${home} ${lma2} registered`]);
  }
  assert.deepEqual(domain.homeRules(lma2), [`${home} → ${mag2}`]);
  const asked = domain.said(since).filter(text => text.startsWith('registration'));
  assert.ok(asked.length <= 7, `${asked.length} times in 1200 s`);
});

test('draft-chan §5.1.1: where the H-LMA keeps gateways it hears of another one, too', () => {
  const domain = away({ records: 'gateway' });
  assert.deepEqual(domain.homeRules(lma1), [`${home} → ${mag2}`]);
  domain.update({ mag: mag22, lma: lma2, identity: alice, homes });
  domain.runS(1);
  assert.deepEqual(domain.homeRules(lma1), [`${home} → ${mag22}`]);
  assert.deepEqual(domain.homeRules(lma2), [`${home} → ${mag22}`]);
});

test('draft-chan §4.3: a refresh is answered at once, and the H-LMA hears that the mobile is still there', () => {
  const domain = away();
  const since = domain.now;
  domain.update({ mag: mag2, lma: lma2, identity: alice, homes, handoff: 5 });
  domain.run(since + milliseconds(10));
  assert.equal(domain.acknowledged.length, 2);
  domain.runS(170);
  assert.deepEqual(domain.said(since), [`registration ${lma2} → ${lma1}`, `registered ${lma1} → ${lma2}`]);
  domain.runS(129);
  assert.deepEqual(records(domain), [`${alice} ${home} ${lma2} registered`]);
});

test('draft-chan §4.3: what the mobile sent before it left is still let in at the previous D-LMA for a moment', () => {
  const domain = away({ drainDelayMs: 500 });
  domain.update({ mag: mag3, lma: lma3, identity: alice, homes });
  domain.runS(0.4);
  assert.deepEqual(domain.homeRules(lma2), [`${home} → ${lma3}`]);
  assert.deepEqual(domain.ends(lma2), [`${mag2} ${home}`]);
  domain.runS(0.2);
  assert.deepEqual(domain.ends(lma2), []);
});

test('draft-chan §2.3: a binding lasts no longer than the H-LMA keeps its record', () => {
  const domain = away((lma: string) => (lma === lma1 ? { maximumLifetimeS: 100 } : {}));
  const left = () => domain.rows(lma2, 'bindings').map(row => row.lifetimeS);
  assert.equal(domain.acknowledged[0].message.lifetimeS, 100);
  assert.deepEqual(left(), [100]);
  domain.update({ mag: mag2, lma: lma2, identity: alice, homes, handoff: 5 });
  domain.runS(1);
  assert.deepEqual(left(), [100]);
});

test('draft-chan §2.3: who is not refreshed, or left, is nowhere in the end', () => {
  for (const leaves of [true, false]) {
    const domain = away();
    if (leaves) domain.update({ mag: mag2, lma: lma2, identity: alice, homes, lifetimeS: 0, handoff: 4 });
    domain.runS(leaves ? 25 : 330);
    assert.deepEqual(records(domain), []);
    for (const lma of [lma1, lma2]) {
      assert.deepEqual(domain.homeRules(lma), []);
      assert.deepEqual(domain.stored(lma), []);
    }
  }
});

test('draft-chan §4.3: who left one gateway for another of the same D-LMA is served without a word to the H-LMA', () => {
  const domain = away();
  const since = domain.now;
  domain.update({ mag: mag2, lma: lma2, identity: alice, homes, lifetimeS: 0, handoff: 4 });
  domain.runS(2);
  domain.update({ mag: mag22, lma: lma2, identity: alice, homes });
  domain.run(domain.now + milliseconds(10));
  assert.equal(domain.lastAnswer(mag22), `0 ${home}`);
  assert.deepEqual(domain.said(since), []);
});

test('draft-chan §4.1: a mobile without a home gets one of the network its NAI names, and the same one wherever it comes', () => {
  const domain = new DlmaDomain();
  domain.update({ mag: mag2, lma: lma2, identity: alice });
  domain.runS(1);
  const given = domain.lastAnswer(mag2) ?? '';
  assert.match(given, /^0 2001:db8:a1:/);
  domain.update({ mag: mag3, lma: lma3, identity: alice });
  domain.runS(1);
  assert.equal(domain.lastAnswer(mag3), given);
  assert.deepEqual(domain.homeRules(lma3), [`${given.slice(2)} → ${mag3}`]);
});

test('RFC 5213 §5.4.1.2: another interface of the same mobile is another session, with a home of its own', () => {
  const domain = new DlmaDomain();
  const second = { interface: '02:00:00:00:00:02', handoff: 1 };
  domain.update({ mag: mag2, lma: lma2, identity: alice, handoff: 1 });
  domain.runS(1);
  domain.update({ mag: mag3, lma: lma3, identity: alice, ...second });
  domain.runS(1);
  const [one, other] = [domain.lastAnswer(mag2) ?? '', domain.lastAnswer(mag3) ?? ''];
  assert.notEqual(one, other);
  assert.deepEqual(domain.homeRules(lma2), [`${one.slice(2)} → ${mag2}`]);
  assert.deepEqual(domain.homeRules(lma3), [`${other.slice(2)} → ${mag3}`]);
  // Each moves on its own.
  domain.update({ mag: mag1, lma: lma1, identity: alice, interface: '02:00:00:00:00:02' });
  domain.runS(1);
  assert.equal(domain.lastAnswer(mag1), other);
  assert.deepEqual(domain.homeRules(lma2), [`${one.slice(2)} → ${mag2}`]);
});

test('RFC 5213 §5.4.1.3: a handover between two interfaces takes the home along to the next D-LMA, whether it is named or not', () => {
  for (const named of [homes, undefined]) {
    const domain = away();
    const second = { interface: '02:00:00:00:00:02', accessTechnology: 3, handoff: 2 };
    domain.update({ mag: mag3, lma: lma3, identity: alice, ...(named && { homes: named }), ...second });
    domain.runS(1);
    assert.equal(domain.lastAnswer(mag3), `0 ${home}`);
    assert.deepEqual(domain.homeRules(lma2), [`${home} → ${lma3}`]);
  }
});

test('draft-chan §4.3: made before broken: the former gateway lets go before, or after, its D-LMA hears of the next one', () => {
  for (const afterMs of [1, 12, 100]) {
    const domain = away();
    domain.update({ mag: mag3, lma: lma3, identity: alice, homes });
    domain.run(domain.now + milliseconds(afterMs));
    domain.update({ mag: mag2, lma: lma2, identity: alice, homes, lifetimeS: 0, handoff: 4 });
    domain.runS(1);
    assert.deepEqual(domain.homeRules(lma2), [`${home} → ${lma3}`], `${afterMs} ms`);
    domain.runS(20);
    assert.deepEqual(records(domain), [`${alice} ${home} ${lma3} registered`]);
    assert.deepEqual(domain.homeRules(lma3), [`${home} → ${mag3}`]);
    assert.deepEqual(domain.stored(lma2), []);
  }
});

test('RFC 5213 §5.4.1.1: a session of two prefixes is anchored, moved and forgotten as one', () => {
  const domain = new DlmaDomain();
  const two = [home, '2001:db8:a1:2::/64'];
  domain.update({ mag: mag2, lma: lma2, identity: alice, homes: two });
  domain.runS(1);
  assert.equal(domain.lastAnswer(mag2), `0 ${two.join(' ')}`);
  assert.deepEqual(
    domain.homeRules(lma1),
    two.map(one => `${one} → ${lma2}`),
  );
  domain.update({ mag: mag3, lma: lma3, identity: alice, homes: two });
  domain.runS(1);
  assert.deepEqual(
    domain.homeRules(lma3),
    two.map(one => `${one} → ${mag3}`),
  );
  assert.deepEqual(
    domain.homeRules(lma2),
    two.map(one => `${one} → ${lma3}`),
  );
  domain.runS(340);
  for (const lma of [lma1, lma2, lma3]) assert.deepEqual([domain.homeRules(lma), domain.stored(lma)], [[], []]);
});

test('RFC 5213 §5.3.6: its router’s link-local address goes with a mobile from one D-LMA to the next', () => {
  const domain = new DlmaDomain();
  const extra = [{ kind: 'linkLocalAddress', address: unspecified }] as const;
  const shown = (mag: string) => {
    const message = domain.acknowledged.findLast(one => one.mag === mag)?.message;
    return message && findOption(message.options, 'linkLocalAddress')?.address;
  };
  domain.update({ mag: mag2, lma: lma2, identity: alice, homes, extra });
  domain.runS(1);
  const first = shown(mag2) ?? unspecified;
  assert.match(formatAddress(first), /^fe80::/);
  for (const [mag, lma] of [
    [mag3, lma3],
    [mag1, lma1],
  ]) {
    domain.update({ mag, lma, identity: alice, homes, extra });
    domain.runS(1);
    assert.equal(shown(mag), first);
  }
});

test('draft-chan §4.3: the gateway of the previous D-LMA is told that its mobile has gone', () => {
  const domain = away({ revocation: {} });
  domain.update({ mag: mag3, lma: lma3, identity: alice, homes });
  domain.run(domain.now + milliseconds(30));
  assert.deepEqual(
    domain.revoked.map(({ mag, message }) => [mag, message.trigger]),
    [[mag2, 4]],
  );
  domain.send(revocationAnswer(domain.revoked[0], lma2, 0));
  domain.runS(5);
  assert.equal(domain.revoked.length, 1);
});

test('RFC 5213 §5.5: what a gateway must not register, or says too late, moves nothing', () => {
  const permissions = [{ peer: mag3, proxyRegistration: false }];
  const domain = away({ permissions });
  const since = domain.now;
  domain.update({ mag: mag3, lma: lma3, identity: alice, homes });
  domain.update({ mag: mag22, lma: lma3, identity: alice, homes, sentAt: domain.now - milliseconds(400) });
  domain.runS(1);
  assert.deepEqual([domain.lastAnswer(mag3), domain.lastAnswer(mag22)], [`154 ${home}`, `156 ${home}`]);
  assert.deepEqual(domain.said(since), []);
  assert.deepEqual(domain.homeRules(lma2), [`${home} → ${mag2}`]);
});

test('draft-chan §4.3: a home of no network of the domain is refused', () => {
  const domain = new DlmaDomain();
  domain.update({ mag: mag2, lma: lma2, identity: alice, homes: ['2001:db8:b::/64'] });
  domain.runS(1);
  assert.equal(domain.lastAnswer(mag2), '153 2001:db8:b::/64');
  assert.deepEqual(domain.said(), []);
});

test('draft-chan §9: an LMA that does not answer costs the mobile its home there and nothing else; once it is back the mobile gets in', () => {
  const domain = new DlmaDomain();
  domain.crash(lma1);
  domain.update({ mag: mag2, lma: lma2, identity: alice, homes });
  domain.update({ mag: mag2, lma: lma2, identity: 'carol@n2', interface: '02:00:00:00:00:03' });
  domain.runS(1);
  assert.match(domain.lastAnswer(mag2) ?? '', /^0 2001:db8:a2:/);
  domain.runS(31);
  assert.equal(domain.lastAnswer(mag2), `128 ${home}`);
  assert.deepEqual(domain.rows(lma2, 'waiting'), []);
  domain.start(lma1);
  domain.update({ mag: mag2, lma: lma2, identity: alice, homes });
  domain.runS(1);
  assert.equal(domain.lastAnswer(mag2), `0 ${home}`);
});

test('an operator takes a mobile away from its D-LMA: nobody has it any more', () => {
  const domain = away({ revocation: {} });
  domain.command(lma2, { identity: alice });
  domain.runS(1);
  assert.deepEqual(
    domain.revoked.map(({ mag }) => mag),
    [mag2],
  );
  assert.deepEqual(records(domain), [`${alice} ${home} ${lma2} left`]);
  domain.runS(11);
  assert.deepEqual(records(domain), []);
});
