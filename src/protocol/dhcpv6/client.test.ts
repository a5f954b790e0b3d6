import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClientBench, ServerBench, station } from '../../../test/support/dhcpv6.js';
import { parseAddress } from '../../base/address.js';
import { seededRandom } from '../../base/random.js';
import { second, seconds } from '../../base/time.js';
import { duidFromLinkAddress } from '../../wire/dhcpv6/duid.js';
import { type ClientServerMessage, type Dhcpv6Option, findDhcpv6Option } from '../../wire/dhcpv6/messages.js';
import { type IaOption, statusCodes } from '../../wire/dhcpv6/options.js';
import { nextTimeout, retransmissions } from './retransmission.js';

const server = Uint8Array.of(0, 3, 0, 1, 9);
const address = parseAddress('fd00:1::5');
const granted: IaOption = {
  kind: 'iaAddress',
  address,
  preferredLifetimeS: 1000,
  validLifetimeS: 2000,
  options: [],
};
const refusal = (name: keyof typeof statusCodes): IaOption => ({
  kind: 'statusCode',
  code: statusCodes[name],
  message: '',
});

function answer(
  to: ClientServerMessage,
  kind: 'advertise' | 'reply',
  inside: readonly IaOption[],
  more: readonly Dhcpv6Option[] = [],
): ClientServerMessage {
  return {
    kind,
    transaction: to.transaction,
    options: [
      { kind: 'clientIdentifier', duid: duidFromLinkAddress(station(1)) },
      { kind: 'serverIdentifier', duid: server },
      { kind: 'iaNa', iaid: 1, t1S: 0, t2S: 0, options: inside },
      ...more,
    ],
  };
}

/** A client that has `address` since instant 0. */
function bound(): ClientBench {
  const bench = new ClientBench();
  const [solicit] = bench.do(c => c.start(0));
  const [request] = bench.do(c => c.receive(answer(solicit, 'advertise', [granted], [best]), 0));
  bench.do(c => c.receive(answer(request, 'reply', [granted]), 0));
  assert.deepEqual(bench.events, ['assigned fd00:1::5']);
  return bench;
}
const best: Dhcpv6Option = { kind: 'preference', preference: 255 };

/** Ticks at each deadline until `until`; what was sent, by kind and whole second. */
function run(bench: ClientBench, until: number): [string, number][] {
  const said: [string, number][] = [];
  for (let at = bench.client.deadline; at !== undefined && at <= until; at = bench.client.deadline) {
    const now = at;
    for (const message of bench.do(c => c.tick(now))) said.push([message.kind, now / second]);
    assert.ok(bench.client.deadline === undefined || bench.client.deadline > now);
  }
  return said;
}

test('RFC 8415 §15: the timeout begins near IRT, doubles, and stays near MRT', () => {
  const random = seededRandom(15);
  for (const kind of ['solicit', 'request', 'renew', 'release'] as const) {
    const limits = retransmissions[kind];
    let previous = nextTimeout(limits, undefined, random);
    assert.ok(Math.abs(previous - seconds(limits.initialS)) <= seconds(0.1 * limits.initialS));
    for (let i = 0; i < 20; i++) {
      const next = nextTimeout(limits, previous, random);
      if (limits.maximumS === 0 || next < seconds(0.9 * limits.maximumS))
        assert.ok(next >= 1.9 * previous - 1 && next <= 2.1 * previous + 1);
      else assert.ok(next <= seconds(1.1 * limits.maximumS));
      previous = next;
    }
  }
});

test('RFC 8415 §18.2.1: the first Solicit waits at random up to SOL_MAX_DELAY, and repeats without end', () => {
  const bench = new ClientBench(1, { maximumInitialDelayMs: 1000 });
  assert.deepEqual(
    bench.do(c => c.start(0)),
    [],
  );
  const first = bench.client.deadline as number;
  assert.ok(first > 0 && first < second);
  const said = run(bench, seconds(20_000));
  assert.ok(said.every(([kind]) => kind === 'solicit'));
  assert.ok(said[1][1] - said[0][1] > 1, 'the first timeout is longer than IRT');
  const gaps = said.slice(1).map(([, at], i) => at - said[i][1]);
  assert.ok(gaps.at(-1)! > 3200 && gaps.at(-1)! < 4000);
});

test('RFC 8415 §18.2.1 §21.9: a Solicit says who asks, for what, how long already, and asks for SOL_MAX_RT', () => {
  const bench = new ClientBench(1, { rapidCommit: true });
  const [solicit] = bench.do(c => c.start(0));
  assert.deepEqual(
    solicit.options.map(({ kind }) => kind),
    ['clientIdentifier', 'iaNa', 'elapsedTime', 'optionRequest', 'rapidCommit'],
  );
  assert.ok(findDhcpv6Option(solicit.options, 'optionRequest')?.codes.includes(82));
  const at = bench.client.deadline as number;
  const [again] = bench.do(c => c.tick(at));
  assert.equal(again.transaction, solicit.transaction);
  const elapsedMs = findDhcpv6Option(again.options, 'elapsedTime')?.elapsedMs as number;
  assert.ok(Math.abs(elapsedMs - at / 1e6) < 10);
});

test('RFC 8415 §18.2.9: offers are collected until the first timeout, and the most preferred is taken', () => {
  const bench = new ClientBench();
  const [solicit] = bench.do(c => c.start(0));
  const other = Uint8Array.of(0, 3, 0, 1, 7);
  const better = answer(solicit, 'advertise', [granted], [{ kind: 'preference', preference: 9 }]);
  const options = better.options.map(o => (o.kind === 'serverIdentifier' ? { ...o, duid: other } : o));
  for (const offer of [
    answer(solicit, 'advertise', [granted]),
    { ...better, options },
    answer(solicit, 'advertise', [granted]),
  ])
    assert.deepEqual(
      bench.do(c => c.receive(offer, 1)),
      [],
    );
  const at = bench.client.deadline as number;
  const [request] = bench.do(c => c.tick(at));
  assert.equal(request.kind, 'request');
  assert.deepEqual(findDhcpv6Option(request.options, 'serverIdentifier')?.duid, other);
});

test('RFC 8415 §18.2.9: an offer with preference 255, or one after the first timeout, is taken at once', () => {
  const bench = new ClientBench();
  const [solicit] = bench.do(c => c.start(0));
  assert.equal(bench.do(c => c.receive(answer(solicit, 'advertise', [granted], [best]), 1))[0].kind, 'request');
  const late = new ClientBench();
  const [first] = late.do(c => c.start(0));
  late.do(c => c.tick(late.client.deadline as number));
  assert.equal(late.do(c => c.receive(answer(first, 'advertise', [granted]), 3 * second))[0].kind, 'request');
});

test('RFC 8415 §18.2.9: an offer without an address is ignored', () => {
  const bench = new ClientBench();
  const [solicit] = bench.do(c => c.start(0));
  const offer = answer(solicit, 'advertise', [refusal('noAddrsAvail')], [best]);
  assert.deepEqual(
    bench.do(c => c.receive(offer, 1)),
    [],
  );
});

test('RFC 8415 §18.2.1: a Reply to a Solicit counts only with Rapid Commit, which the client asked for', () => {
  for (const [asked, said, taken] of [
    [true, true, true],
    [true, false, false],
    [false, true, false],
  ]) {
    const bench = new ClientBench(1, { rapidCommit: asked });
    const [solicit] = bench.do(c => c.start(0));
    const rapid: Dhcpv6Option[] = said ? [{ kind: 'rapidCommit' }] : [];
    bench.do(c => c.receive(answer(solicit, 'reply', [granted], rapid), 0));
    assert.equal(bench.client.address !== undefined, taken);
  }
});

test('RFC 8415 §16: answers for another transaction or client, or from nobody, are ignored', () => {
  const bench = new ClientBench();
  const [solicit] = bench.do(c => c.start(0));
  const good = answer(solicit, 'advertise', [granted], [best]);
  const without = (kind: string) => ({ ...good, options: good.options.filter(o => o.kind !== kind) });
  const stranger = good.options.map(o => (o.kind === 'clientIdentifier' ? { ...o, duid: server } : o));
  for (const bad of [
    { ...good, transaction: good.transaction ^ 1 },
    { ...good, options: stranger },
    without('clientIdentifier'),
    without('serverIdentifier'),
    { ...good, kind: 'solicit' as const },
  ])
    assert.deepEqual(
      bench.do(c => c.receive(bad, 0)),
      [],
    );
  assert.equal(bench.do(c => c.receive(good, 0)).length, 1);
});

test('RFC 8415 §18.2.2: a Request is given up after ten transmissions, and the search begins again', () => {
  const bench = new ClientBench();
  const [solicit] = bench.do(c => c.start(0));
  bench.do(c => c.receive(answer(solicit, 'advertise', [granted], [best]), 0));
  const said = run(bench, seconds(400));
  assert.equal(1 + said.filter(([kind]) => kind === 'request').length, 10);
  assert.equal(said[9][0], 'solicit');
});

test('RFC 8415 §18.2.4 §18.2.5: Renew at T1, Rebind at T2, and the address is lost when its time is over', () => {
  const bench = bound();
  const said = run(bench, seconds(2100));
  assert.deepEqual(said[0], ['renew', 500]);
  assert.deepEqual(
    said.find(([kind]) => kind === 'rebind'),
    ['rebind', 800],
  );
  assert.ok(said.filter(([, at]) => at >= 800 && at < 2000).every(([kind]) => kind === 'rebind'));
  assert.deepEqual(
    said.find(([kind]) => kind === 'solicit'),
    ['solicit', 2000],
  );
  assert.deepEqual(bench.events, ['assigned fd00:1::5', 'lost fd00:1::5']);
  const renew = bench.messages.find(m => m.kind === 'renew') as ClientServerMessage;
  assert.deepEqual(findDhcpv6Option(renew.options, 'serverIdentifier')?.duid, server);
  const rebind = bench.messages.find(m => m.kind === 'rebind') as ClientServerMessage;
  assert.equal(findDhcpv6Option(rebind.options, 'serverIdentifier'), undefined);
});

test('RFC 8415 §18.2.10.1: a renewal moves T1 and the end; with a new address the old one goes first', () => {
  const bench = bound();
  const [renew] = bench.do(c => c.tick(seconds(500)));
  bench.do(c => c.receive(answer(renew, 'reply', [granted]), seconds(500)));
  assert.equal(bench.client.deadline, seconds(1000));
  const [again] = bench.do(c => c.tick(seconds(1000)));
  const other = { ...granted, address: parseAddress('fd00:1::6') };
  bench.do(c =>
    c.receive(answer(again, 'reply', [{ ...granted, preferredLifetimeS: 0, validLifetimeS: 0 }, other]), seconds(1000)),
  );
  assert.deepEqual(bench.events.slice(1), ['assigned fd00:1::5', 'lost fd00:1::5', 'assigned fd00:1::6']);
});

test('RFC 8415 §18.2.10.1: NoBinding is answered with a Request to that server; an address ended is given up', () => {
  const bench = bound();
  const [renew] = bench.do(c => c.tick(seconds(500)));
  const [request] = bench.do(c => c.receive(answer(renew, 'reply', [refusal('noBinding')]), seconds(500)));
  assert.equal(request.kind, 'request');
  assert.equal(bench.address, 'fd00:1::5');
  bench.do(c =>
    c.receive(answer(request, 'reply', [{ ...granted, preferredLifetimeS: 0, validLifetimeS: 0 }]), seconds(500)),
  );
  assert.deepEqual(bench.events.slice(1), ['lost fd00:1::5']);
  assert.deepEqual(run(bench, seconds(501)), [['solicit', 501]]);
});

test('RFC 8415 §18.2.10.1: T1 and T2 that make no sense leave the message unanswered', () => {
  const bench = new ClientBench();
  const [solicit] = bench.do(c => c.start(0));
  const offer = answer(solicit, 'advertise', [granted], [best]);
  const options = offer.options.map(o => (o.kind === 'iaNa' ? { ...o, t1S: 10, t2S: 5 } : o));
  assert.deepEqual(
    bench.do(c => c.receive({ ...offer, options }, 0)),
    [],
  );
});

test('RFC 8415 §18.2.3: on another link the address is confirmed, kept where the server agrees or is silent', () => {
  const bench = bound();
  const [confirm] = bench.do(c => c.linkChanged(seconds(10)));
  assert.equal(confirm.kind, 'confirm');
  assert.equal(findDhcpv6Option(confirm.options, 'serverIdentifier'), undefined);
  const status = (name: keyof typeof statusCodes) =>
    ({ kind: 'statusCode', code: statusCodes[name], message: '' }) as const;
  bench.do(c => c.receive(answer(confirm, 'reply', [], [status('success')]), seconds(10)));
  assert.equal(bench.client.deadline, seconds(500));
  const silent = bound();
  silent.do(c => c.linkChanged(seconds(10)));
  const said = run(silent, seconds(499));
  assert.ok(said.length >= 2 && said.every(([kind, at]) => kind === 'confirm' && at < 20));
  assert.equal(silent.address, 'fd00:1::5');
  const refused = bound();
  const [asked] = refused.do(c => c.linkChanged(seconds(10)));
  refused.do(c => c.receive(answer(asked, 'reply', [], [status('notOnLink')]), seconds(10)));
  assert.deepEqual(refused.events.slice(1), ['lost fd00:1::5']);
  assert.deepEqual(run(refused, seconds(11)), [['solicit', 11]]);
});

test('gundavelli §8 [G00-8-05]: after a move the client confirms its address and keeps it without losing it for a moment', () => {
  const servers = new ServerBench({ preference: 255 });
  const bench = new ClientBench();
  bench.talk(servers, c => c.start(0), 0);
  const before = bench.address;
  bench.talk(servers, c => c.linkChanged(second), second);
  assert.equal(bench.address, before);
  assert.deepEqual(bench.events, [`assigned ${before}`]);
  bench.talk(servers, c => c.linkChanged(2 * second), 2 * second, { linkAddress: parseAddress('fd00:2::1') });
  assert.deepEqual(bench.events.slice(1), [`lost ${before}`]);
});

test('RFC 8415 §18.2.7 §18.2.8: Release ends it, Decline begins again, each four times at most', () => {
  const released = bound();
  const [release] = released.do(c => c.release(seconds(1)));
  assert.deepEqual(released.events.slice(1), ['lost fd00:1::5']);
  assert.equal(release.kind, 'release');
  assert.equal(1 + run(released, seconds(1000)).length, 4);
  assert.equal(released.client.deadline, undefined);
  const declined = bound();
  const [decline] = declined.do(c => c.decline(seconds(1)));
  assert.equal(decline.kind, 'decline');
  const [solicit] = declined.do(c => c.receive(answer(decline, 'reply', []), seconds(1)));
  assert.equal(solicit.kind, 'solicit');
});

test('RFC 8415 §18.2.9: SOL_MAX_RT is what a server says, within bounds', () => {
  for (const [timeS, longest] of [
    [60, 67],
    [59, 4000],
  ]) {
    const bench = new ClientBench();
    const [solicit] = bench.do(c => c.start(0));
    const limit: Dhcpv6Option = { kind: 'solicitMaximumTimeout', timeS };
    bench.do(c => c.receive(answer(solicit, 'advertise', [refusal('noAddrsAvail')], [limit]), 0));
    const said = run(bench, seconds(20_000));
    const gaps = said.slice(1).map(([, at], i) => at - said[i][1]);
    const widest = Math.max(...gaps);
    assert.ok(widest < longest && widest > longest / 2, `${widest}`);
  }
});

test('an address for ever is never renewed', () => {
  const bench = new ClientBench(1, { rapidCommit: true });
  const [solicit] = bench.do(c => c.start(0));
  const forever = { ...granted, preferredLifetimeS: 0xffff_ffff, validLifetimeS: 0xffff_ffff };
  bench.do(c => c.receive(answer(solicit, 'reply', [forever], [{ kind: 'rapidCommit' }]), 0));
  assert.equal(bench.address, 'fd00:1::5');
  assert.equal(bench.client.deadline, undefined);
});
