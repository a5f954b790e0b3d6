import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AnchorWorld,
  anchorAddress,
  environment,
  epochS,
  gateway1,
  gateway2,
  indicationIn,
  kinds,
  messagesIn,
} from '../../../test/support/anchor.js';
import { alice, assignedIn, bob, inquiry, lmap, lmapSettings, loA, registration } from '../../../test/support/lmap.js';
import { unspecified } from '../../base/address.js';
import { seconds } from '../../base/time.js';
import { createLmap } from './lmap.js';

test('gundavelli §3.1 [G00-3.1-11]: an LMAP says nothing of its own accord, and nothing to anybody but MPAs', () => {
  const world = lmap();
  world.update(registration({ lifetimeS: 3600 }));
  world.run(seconds(3599));
  assert.equal(world.sent.length, 1);
  assert.equal(world.engine.deadline, seconds(3600));
  for (const packet of world.sent) assert.equal(packet.destination, gateway1);
});

test('a restart: bindings, rules and what is left of their lifetimes come back, and no address goes out twice', () => {
  const before = lmap();
  before.now = seconds(100);
  before.update(registration({ lifetimeS: 60, sequence: 9 }));
  const given = assignedIn(before.update(registration({ lifetimeS: 20 }, unspecified, bob)))[0]?.address;
  before.runMs(30_000);
  const engine = createLmap(lmapSettings(), { ...environment(), clock: clockAt(epochS + 130) });
  const after = new AnchorWorld(engine);
  after.step({ kind: 'restored', records: before.records });
  assert.deepEqual(after.ruleTexts, ['2001:db8:a::7/128 → 2001:db8:1::1']);
  assert.deepEqual([...after.admitted], ['2001:db8:1::1 2001:db8:a::7/128']);
  assert.equal(engine.deadline, seconds(30));
  assert.equal(after.update(registration({ sequence: 9 }))?.status, 135);
  assert.equal(after.update(registration({ from: gateway2 }, loA, bob))?.status, 134);
  assert.equal(assignedIn(after.update(registration({}, unspecified, bob)))[0]?.address, given);
  after.run(seconds(30));
  assert.equal(after.rules.has('2001:db8:a::7/128'), false);
});

function clockAt(epoch: number) {
  return (now: number) => ({ seconds: epoch + Math.floor(now / 1e9), nanoseconds: now % 1e9 });
}

test('a restart: records that ended, that are damaged or of somebody else make no binding', () => {
  const before = lmap();
  before.update(registration({ lifetimeS: 60 }));
  const [record] = before.records;
  const world = new AnchorWorld(createLmap(lmapSettings(), { ...environment(), clock: clockAt(epochS + 61) }));
  world.step({
    kind: 'restored',
    records: [record, { key: 'binding/x', value: { homes: ['nonsense'] } }, { key: 'security/1', value: 1 }],
  });
  assert.deepEqual(world.ruleTexts, []);
  assert.deepEqual(world.traced, [{ event: 'discarded', reason: 'stored record binding/x' }]);
});

test('RFC 5846 §3.4.1: an operator takes a mobile away, and its MPA is told', () => {
  const world = lmap();
  world.update(registration());
  const outputs = world.step({ kind: 'command', command: { name: 'release', identity: alice } });
  assert.deepEqual(kinds(outputs), ['store', 'unforward', 'unadmit', 'trace', 'bindingRevocationIndication']);
  assert.equal(indicationIn(outputs)?.trigger, 1);
  assert.equal(world.stored.size, 0);
  assert.equal(world.update(inquiry({ sequence: 2 }))?.status, 141);
});

test('views and counters tell who is where, and how updates fared', () => {
  const world = lmap();
  world.update(registration());
  world.update(registration({ sequence: 2 }));
  world.update(registration({ from: gateway2 }));
  world.update(registration({ from: gateway2 }));
  world.update(registration({ from: gateway2, sequence: 2, lifetimeS: 0 }));
  world.update(inquiry({}, bob));
  assert.deepEqual(world.engine.counters, {
    initial_accepted: 1,
    refresh_accepted: 1,
    handoff_accepted: 1,
    revocations_sent: 1,
    refresh_denied_135: 1,
    deregistration_accepted: 1,
    initial_denied_141: 1,
  });
  const [row] = world.engine.views.bindings();
  assert.deepEqual([row.home, row.identity, row.careOf], ['2001:db8:a::7/128', alice, '2001:db8:2::1']);
  assert.equal(row.state, 'deregistered');
  assert.equal(row.ends, '2023-11-14T22:13:30.000Z');
  const [peer] = world.engine.views.peers();
  assert.deepEqual(peer, { name: undefined, address: '2001:db8:2::1', bindings: 1, accepted: 2, denied: 1 });
});

test('a gateway that sends more than its rate is not listened to until it has earned more', () => {
  const world = lmap({ updateRate: { perSecond: 2, burst: 2 }, peers: [{ address: gateway1 }] });
  assert.equal(world.update(registration({ sequence: 1 }))?.status, 0);
  assert.equal(world.update(registration({ sequence: 2 }))?.status, 0);
  assert.equal(world.update(registration({ sequence: 3 })), undefined);
  assert.equal(world.engine.counters.discarded_rate, 1);
  assert.equal(world.update(registration({ from: gateway2 }))?.status, 0);
  world.runMs(500);
  assert.equal(world.update(registration({ from: gateway1, sequence: 4 }))?.status, 0);
});

test('RFC 6275 §9.2: a message of an unknown type is answered with a Binding Error of status 2', () => {
  const world = lmap();
  const message = { kind: 'unknown', type: 99, data: new Uint8Array(2) } as const;
  const packet = {
    source: gateway1,
    destination: anchorAddress,
    hopLimit: 64,
    payload: { kind: 'mobility', message } as const,
  };
  assert.deepEqual(messagesIn(world.receive(packet)), [
    { kind: 'bindingError', status: 2, homeAddress: gateway1, options: [] },
  ]);
});
