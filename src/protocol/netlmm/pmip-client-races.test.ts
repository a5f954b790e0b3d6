import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  aliceHome,
  anchorAddress,
  clientAddress,
  mag1,
  mag2,
  mag3,
  type PmipDomain,
  pmipDomain,
} from '../../../test/support/pmip-domain.js';
import { milliseconds } from '../../base/time.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import { findOption } from '../../wire/mobility/options.js';

const boundTo = (gateway: number) => [`2001:db8:a::a11c/128 → 2001:db8:${gateway}::1`];
const detached = { detached: true };
const ofAnchor = (packet: Packet) => packet.source === anchorAddress;
const ofClient = (packet: Packet) => packet.source === clientAddress;

function statuses(domain: PmipDomain, gateway = mag1): (number | undefined)[] {
  return domain.notified.filter(({ to }) => to === gateway).map(({ status }) => status);
}

function counter(domain: PmipDomain, name: string): number {
  return domain.nodes.get(clientAddress)?.engine.counters[name] ?? 0;
}

function registered(): PmipDomain {
  const domain = pmipDomain();
  domain.settle(mag1);
  return domain;
}

test('S02-4.2-04: Triggers of two MAGs at once: the newest wins, the older one is told that the binding moved, and numbers order them', () => {
  const domain = registered();
  domain.trigger(mag2);
  domain.trigger(mag3);
  assert.deepEqual(statuses(domain, mag2), [1]);
  domain.runMs(1000);
  assert.deepEqual([statuses(domain, mag3), domain.bindings()], [[0], boundTo(3)]);
  const numbers = domain.updates.map(({ message }) => message.sequence);
  assert.ok(numbers.every((number, i) => i === 0 || number === ((numbers[i - 1] + 1) & 0xffff)));
});

test('S02-4.2-04: a PBU that is overtaken on its way changes nothing any more', () => {
  const domain = registered();
  const delaysMs = [30, 5];
  domain.delay = () => milliseconds(delaysMs.shift() ?? 5);
  domain.trigger(mag2);
  domain.runMs(1);
  domain.trigger(mag3);
  domain.runMs(1000);
  assert.deepEqual(domain.bindings(), boundTo(3));
  assert.equal(domain.acknowledgements.at(-1)?.status, 135);
});

test('a Trigger that comes again while it is under way is not registered again, and once answered is answered again', () => {
  const domain = pmipDomain();
  domain.trigger(mag1, { transaction: 9 });
  domain.trigger(mag1, { transaction: 9 });
  domain.runMs(100);
  assert.deepEqual([statuses(domain), domain.updates.length], [[0], 1]);
  domain.trigger(mag1, { transaction: 9 });
  domain.runMs(100);
  assert.deepEqual([statuses(domain), domain.updates.length, counter(domain, 'triggers_repeated')], [[0, 0], 1, 2]);
});

test('a Trigger that comes again after the mobile moved on is answered so, and moves nothing back', () => {
  const domain = pmipDomain();
  domain.settle(mag1, { transaction: 9 });
  domain.settle(mag2);
  domain.trigger(mag1, { transaction: 9 });
  domain.runMs(100);
  assert.deepEqual([statuses(domain).at(-1), domain.bindings()], [1, boundTo(2)]);
});

test('a MAG that began anew may use its transaction numbers again', () => {
  const domain = pmipDomain();
  domain.settle(mag1, { transaction: 9 });
  domain.give(clientAddress, { kind: 'peerLost', service: 'pmip', peer: mag1 });
  domain.trigger(mag1, { transaction: 9 });
  domain.runMs(100);
  assert.deepEqual([domain.updates.length, statuses(domain)], [2, [0, 0]]);
});

test('a second Trigger of the same MAG while the first is under way shares its PBU', () => {
  const domain = pmipDomain();
  domain.trigger(mag1, { transaction: 1 });
  domain.trigger(mag1, { transaction: 2 });
  domain.runMs(100);
  assert.deepEqual([statuses(domain), domain.updates.length], [[0, 0], 1]);
});

test('a MAG that is lost changes nothing by itself', () => {
  const domain = registered();
  domain.give(clientAddress, { kind: 'peerLost', service: 'pmip', peer: mag1 });
  domain.runMs(10_000);
  assert.deepEqual([domain.bindings(), domain.updates.length], [boundTo(1), 1]);
});

test('a binding that only a lost MAG vouches for is not renewed, unless the MAG is heard of again', () => {
  for (const returns of [false, true]) {
    const domain = pmipDomain({ client: { lifetimeS: 100 } });
    domain.settle(mag1);
    domain.give(clientAddress, { kind: 'peerLost', service: 'pmip', peer: mag1 });
    domain.runMs(70_000);
    assert.deepEqual(domain.bindings(), boundTo(1));
    if (returns) domain.trigger(mag1, { flags: { refresh: true } });
    domain.runMs(300_000);
    assert.deepEqual(domain.bindings(), returns ? boundTo(1) : []);
  }
});

test('a leaving is answered whatever becomes of the registration before it', () => {
  const refused = pmipDomain();
  refused.trigger(mag1, { home: mag3 });
  refused.trigger(mag1, { home: mag3, flags: detached });
  refused.runMs(3000);
  assert.deepEqual(statuses(refused), [131, 0]);
  const silent = pmipDomain();
  silent.lose = ofClient;
  silent.trigger(mag1);
  silent.trigger(mag1, { flags: detached });
  silent.runMs(60_000);
  assert.deepEqual(statuses(silent).sort(), [0, 132]);
});

test('a mobile that left, and nobody tells of, is de-registered after the delay', () => {
  const domain = registered();
  domain.trigger(mag1, { flags: detached, transaction: 5 });
  domain.runMs(900);
  assert.deepEqual([domain.bindings(), domain.updates.length], [boundTo(1), 1]);
  domain.runMs(200);
  assert.deepEqual([domain.bindings(), domain.updates.at(-1)?.message.lifetimeS], [[], 0]);
  const answer = domain.notified.at(-1);
  assert.deepEqual([answer?.to, answer?.transaction, answer?.status, answer?.contained], [mag1, 5, 0, 0]);
  assert.deepEqual([...(domain.nodes.get(clientAddress)?.stored ?? [])], []);
});

test('the new MAG that comes before the delay is over has the mobile; the old one is told so', () => {
  const domain = registered();
  domain.trigger(mag1, { flags: detached, transaction: 5 });
  domain.runMs(500);
  domain.settle(mag2);
  domain.runMs(5000);
  assert.deepEqual(domain.bindings(), boundTo(2));
  assert.deepEqual(statuses(domain), [0, 1, 1]);
});

test('a MAG that tells of a leaving after another has the mobile is told so, and nothing changes', () => {
  const domain = registered();
  domain.settle(mag2);
  assert.equal(domain.settle(mag1, { flags: detached }).status, 1);
  domain.runMs(5000);
  assert.deepEqual(domain.bindings(), boundTo(2));
  assert.equal(domain.settle(mag1, { flags: detached, identity: 'nobody@example.net' }).status, 0);
});

test('a mobile that leaves before its registration is answered is registered and then de-registered', () => {
  const domain = pmipDomain();
  domain.trigger(mag1);
  domain.trigger(mag1, { flags: detached });
  domain.runMs(3000);
  assert.deepEqual([statuses(domain), domain.bindings()], [[0, 0], []]);
});

test('a mobile that comes back while it is being de-registered is bound', () => {
  const domain = registered();
  domain.trigger(mag1, { flags: detached });
  domain.runMs(1002);
  domain.trigger(mag1);
  domain.runMs(1000);
  assert.deepEqual([domain.bindings(), statuses(domain)], [boundTo(1), [0, 1, 0]]);
});

test('one that comes back after it was de-registered begins above its old numbers', () => {
  const domain = registered();
  for (let i = 0; i < 20; i++) {
    domain.trigger(i % 2 === 0 ? mag2 : mag3);
    domain.runMs(50);
  }
  domain.trigger(mag3, { flags: detached });
  domain.runMs(1200);
  assert.deepEqual(domain.bindings(), []);
  assert.equal(domain.settle(mag1).status, 0);
  assert.ok(domain.acknowledgements.every(({ status }) => status === 0));
});

test('a refresh from where the mobile is renews the binding; from elsewhere it moves nothing', () => {
  const domain = registered();
  domain.settle(mag2);
  assert.equal(domain.settle(mag1, { flags: { refresh: true } }).status, 1);
  assert.deepEqual([domain.bindings(), domain.updates.length], [boundTo(2), 2]);
  assert.equal(domain.settle(mag2, { flags: { refresh: true } }).contained, 0);
  assert.equal(domain.updates.length, 3);
});

test('RFC 6275 §11.7.3: the client renews a binding before it ends, and tells the MAG for how long it has it', () => {
  const domain = pmipDomain({ client: { lifetimeS: 100 } });
  domain.settle(mag1);
  domain.runMs(79_000);
  assert.equal(domain.updates.length, 2);
  const told = domain.notified.at(-1);
  assert.deepEqual([told?.to, told?.transaction, told?.status, told?.contained], [mag1, 0, 0, 0]);
  domain.runMs(1_000_000);
  assert.deepEqual(domain.bindings(), boundTo(1));
});

test('RFC 6275 §11.8: a PBU is repeated with twice the patience and a new number each time; then the MAG is told that the LMA does not answer', () => {
  const domain = pmipDomain();
  domain.lose = ofClient;
  const sentAt: number[] = [];
  domain.trigger(mag1);
  for (let ms = 0; ms < 30_000; ms += 100) {
    if (domain.updates.length > sentAt.length) sentAt.push(ms);
    domain.runMs(100);
  }
  assert.deepEqual(sentAt, [0, 1500, 4500, 10_500]);
  const numbers = domain.updates.map(({ message }) => message.sequence);
  assert.deepEqual(new Set(numbers).size, 4);
  assert.deepEqual([statuses(domain), domain.updates.length], [[132], 4]);
  assert.deepEqual([...(domain.nodes.get(clientAddress)?.engine.views.bindings() ?? [])], []);
});

test('RFC 6275 §11.8: a move that the LMA does not answer is still tried for, until the LMA is back', () => {
  const domain = registered();
  domain.lose = ofClient;
  domain.trigger(mag2);
  domain.runMs(60_000);
  assert.deepEqual(statuses(domain, mag2), [132]);
  domain.lose = () => false;
  domain.runMs(33_000);
  assert.deepEqual(domain.bindings(), boundTo(2));
  const told = domain.notified.filter(({ to }) => to === mag2).at(-1);
  assert.deepEqual([told?.transaction, told?.status, told?.contained], [0, 0, 0]);
});

test('RFC 6275 §11.8: a MAG that asks again meanwhile is served at once', () => {
  const domain = registered();
  domain.lose = ofClient;
  domain.trigger(mag2);
  domain.runMs(60_000);
  domain.lose = () => false;
  assert.equal(domain.settle(mag2).status, 0);
});

test('the LMA’s refusal goes to the MAG in the container', () => {
  const domain = pmipDomain();
  const answer = domain.settle(mag1, { home: mag3 });
  assert.deepEqual([answer.status, answer.contained], [131, 132]);
  assert.equal(domain.settle(mag1, { home: aliceHome }).status, 0, 'nothing of it is left');
});

test('RFC 6275 §11.7.3: an LMA that remembers higher numbers is followed, at once and once', () => {
  const domain = registered();
  for (let i = 0; i < 20; i++) {
    domain.trigger(i % 2 === 0 ? mag2 : mag1);
    domain.runMs(50);
  }
  domain.nodes.get(clientAddress)?.stored.clear();
  domain.restart(clientAddress);
  const before = domain.updates.length;
  assert.equal(domain.settle(mag3).status, 0);
  assert.deepEqual([domain.bindings(), domain.updates.length - before], [boundTo(3), 2]);
  assert.equal(counter(domain, 'acknowledgements_135'), 1);
});

test('a stale 135 does not take the numbers back', () => {
  const domain = registered();
  const stale = domain.updates[0].message.sequence;
  domain.settle(mag2);
  domain.lose = ofClient;
  domain.trigger(mag3);
  const [acknowledgement] = domain.sent.filter(ofAnchor);
  assert.ok(
    acknowledgement.payload.kind === 'mobility' && acknowledgement.payload.message.kind === 'bindingAcknowledgement',
  );
  const message = { ...acknowledgement.payload.message, status: 135, sequence: stale };
  domain.give(clientAddress, {
    kind: 'packet',
    packet: { ...acknowledgement, payload: { kind: 'mobility', message } },
  });
  assert.equal(domain.updates.length, 3);
  domain.lose = () => false;
  domain.runMs(3000);
  assert.deepEqual(domain.bindings(), boundTo(3));
});

test('an acknowledgement of nobody, of another anchor, or of an earlier PBU counts for nothing', () => {
  const domain = registered();
  const [old] = domain.sent.filter(ofAnchor);
  domain.give(clientAddress, { kind: 'packet', packet: old });
  assert.equal(counter(domain, 'discarded_unaskedAcknowledgement'), 1);
  domain.lose = ofAnchor;
  domain.trigger(mag2);
  domain.give(clientAddress, { kind: 'packet', packet: old });
  assert.equal(counter(domain, 'discarded_acknowledgementSequence'), 1);
  domain.give(clientAddress, { kind: 'packet', packet: { ...old, source: mag3 } });
  assert.equal(counter(domain, 'discarded_unaskedAcknowledgement'), 2);
  assert.deepEqual(statuses(domain, mag2), []);
});

test('crash and restart between Trigger and PBAck: the outstanding PBU goes out again under a higher number, and its Trigger is answered', () => {
  const domain = registered();
  domain.lose = ofAnchor;
  domain.trigger(mag2, { transaction: 8 });
  domain.runMs(100);
  const before = domain.updates.at(-1)?.message.sequence ?? 0;
  domain.lose = () => false;
  domain.restart(clientAddress);
  domain.runMs(100);
  const after = domain.updates.at(-1)?.message;
  assert.equal(after?.sequence, (before + 1) & 0xffff);
  assert.equal(after && findOption(after.options, 'alternateCareOfAddress')?.careOfAddress, mag2);
  assert.deepEqual([domain.bindings(), statuses(domain, mag2)], [boundTo(2), [0]]);
  assert.deepEqual(statuses(domain).at(-1), 1, 'the MAG before is told as without the crash');
});

test('crash and restart with nothing outstanding: bindings stand, are renewed in time and move as before', () => {
  const domain = pmipDomain({ client: { lifetimeS: 100 } });
  domain.settle(mag1);
  domain.runMs(50_000);
  domain.restart(clientAddress);
  assert.equal(domain.updates.length, 1);
  domain.runMs(31_000);
  assert.deepEqual([domain.updates.length, domain.bindings()], [2, boundTo(1)]);
  domain.settle(mag2);
  assert.deepEqual(domain.bindings(), boundTo(2));
});

test('crash and restart while a mobile is leaving: it is de-registered all the same', () => {
  const domain = registered();
  domain.trigger(mag1, { flags: detached });
  domain.restart(clientAddress);
  domain.runMs(3000);
  assert.deepEqual([domain.bindings(), statuses(domain).at(-1)], [[], 0]);
});

test('restart of an LMA that forgot everything: the next PBU brings the binding back', () => {
  const domain = registered();
  domain.nodes.get(anchorAddress)?.stored.clear();
  domain.restart(anchorAddress);
  assert.deepEqual(domain.bindings(), []);
  assert.equal(domain.settle(mag2).status, 0);
  assert.deepEqual(domain.bindings(), boundTo(2));
});

test('an operator’s release ends the binding and says so to the MAG; a shutdown changes nothing', () => {
  const domain = registered();
  domain.give(clientAddress, { kind: 'command', command: { name: 'shutdown' } });
  domain.runMs(100);
  assert.deepEqual(domain.bindings(), boundTo(1));
  domain.give(clientAddress, { kind: 'command', command: { name: 'release', identity: 'alice@example.net' } });
  domain.runMs(100);
  assert.deepEqual([domain.bindings(), statuses(domain)], [[], [0, 128]]);
});

test('bounds: of all bindings, and of those of one MAG', () => {
  const domain = pmipDomain({ client: { maximumBindings: 3, maximumBindingsPerGateway: 2 } });
  const at = (gateway: typeof mag1, identity: string) =>
    domain.settle(gateway, { identity, home: home(identity) }).status;
  assert.deepEqual([at(mag1, 'a'), at(mag1, 'b'), at(mag1, 'c')], [0, 0, 128]);
  assert.deepEqual([at(mag2, 'c'), at(mag2, 'd')], [0, 128]);
  assert.deepEqual([at(mag1, 'c'), at(mag2, 'a'), at(mag1, 'c')], [128, 0, 0]);

  function home(identity: string) {
    return `${aliceHome.slice(0, 7)}${identity}` as typeof aliceHome;
  }
});
