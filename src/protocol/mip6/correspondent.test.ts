import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  careOf,
  cookie,
  elsewhere,
  home,
  own,
  updatePacket,
  CorrespondentWorld as World,
} from '../../../test/support/correspondent.js';
import { parseAddress } from '../../base/address.js';
import { hostPrefix } from '../../base/prefix.js';
import { seconds } from '../../base/time.js';
import { bindingUpdateFlags } from '../../wire/mobility/messages.js';
import { fromMobile, mobilityPacket } from '../mobile/packets.js';
import { isAuthorized } from '../mobile/tokens.js';

test('RFC 6275 §9.4.3, §9.4.4: tests are answered to where they came from, cookie and nonce index with them, and leave nothing', () => {
  const world = new World();
  const answer = world.test(home, 'homeTestInit');
  assert.equal(answer.kind, 'homeTest');
  assert.deepEqual(answer.cookie, cookie);
  assert.deepEqual([world.sent()?.source, world.sent()?.destination, world.sent()?.headers], [own, home, undefined]);
  assert.deepEqual([...world.engine.views.correspondentBindings()], []);
  assert.equal(world.engine.deadline, undefined);
});

test('RFC 6275 §9.4.1, §9.4.2: a test message with a Home Address option is not answered', () => {
  const world = new World();
  for (const kind of ['homeTestInit', 'careOfTestInit'] as const)
    assert.deepEqual(world.receive(fromMobile(careOf, home, own, { kind, cookie, options: [] })), []);
});

test('RFC 6275 §9.5.2, §9.3.1, §9.3.2: an authorized update makes rule and admission, then a proved answer by the routing header', () => {
  const world = new World();
  const r = world.routability(home, careOf);
  const answer = world.update(r);
  assert.equal(answer?.status, 0);
  assert.ok(answer && isAuthorized(answer, undefined, r.key, { careOf, correspondent: own }));
  assert.deepEqual(world.sent()?.headers, [{ kind: 'routingType2', segmentsLeft: 1, homeAddress: home }]);
  assert.deepEqual(world.outputs.slice(0, 2), [
    { kind: 'admit', end: { local: own, remote: careOf, from: hostPrefix(home), by: 'homeAddressOption' } },
    {
      kind: 'forward',
      rule: { to: hostPrefix(home), from: hostPrefix(own), via: { kind: 'routeOptimised', destinationCareOf: careOf } },
    },
  ]);
});

test('RFC 6275 §12: a binding lives for no more than 420 s, and then everything of it goes', () => {
  const world = new World();
  const answer = world.update(world.routability(home, careOf), { lifetimeS: 3600 });
  assert.equal(answer?.lifetimeS, 420);
  assert.deepEqual(world.tick(410), ['watch']);
  assert.equal(world.engine.deadline, seconds(420));
  assert.deepEqual(world.tick(420), ['unwatch', 'unforward', 'unadmit', 'trace']);
  assert.deepEqual(world.engine.handle({ kind: 'tick' }, seconds(420 + 240)), []);
  assert.equal(world.engine.deadline, undefined);
});

test('RFC 6275 §9.5.1, §15.4: forged, re-sourced and tampered updates are dropped without an answer', () => {
  const world = new World();
  const r = world.routability(home, careOf);
  const forged = { ...r, key: new Uint8Array(20) };
  assert.equal(world.update(forged), undefined, 'another key');
  assert.equal(world.update(r, {}, { careOf: elsewhere }), undefined, 'a care-of address that was not tested');
  assert.equal(world.update(r, {}, { home: elsewhere }), undefined, 'a home address that was not tested');
  assert.equal(world.update(r, {}, { signedFor: elsewhere }), undefined, 'an authenticator for another address');
  assert.equal(world.update(r, { options: [] }), undefined, 'no nonce indices');
  const packet = updatePacket(r, {}, {});
  const message = packet.payload.kind === 'mobility' && packet.payload.message;
  assert.ok(message && message.kind === 'bindingUpdate');
  assert.deepEqual(
    world.receive({ ...packet, payload: { kind: 'mobility', message: { ...message, sequence: 9 } } }),
    [],
  );
  assert.equal(world.engine.counters.discarded_authorization, 5);
  assert.equal(world.engine.counters.discarded_nonceIndices, 1);
  assert.deepEqual([...world.engine.views.correspondentBindings()], []);
});

test('RFC 6275 §9.5.1: a replayed or older update is answered with 135 and the last sequence number, to who has the key only', () => {
  const world = new World();
  const r = world.routability(home, careOf);
  world.update(r, { sequence: 10 });
  for (const sequence of [10, 9, 10 - 0x7fff + 0x10000]) {
    const answer = world.update(r, { sequence });
    assert.deepEqual([answer?.status, answer?.sequence], [135, 10]);
  }
  assert.equal(world.update({ ...r, key: new Uint8Array(20) }, { sequence: 10 }), undefined);
  assert.equal(world.update(r, { sequence: 11 })?.status, 0);
});

test('RFC 6275 §9.5.1: expired nonces are named by 136, 137 and 138', () => {
  const world = new World();
  const old = world.routability(home, careOf);
  world.now = seconds(240);
  const fresh = world.routability(home, careOf);
  assert.equal(world.update(old)?.status, 138);
  assert.equal(world.update({ ...fresh, homeNonceIndex: old.homeNonceIndex })?.status, 136);
  assert.equal(world.update({ ...fresh, careOfNonceIndex: old.careOfNonceIndex })?.status, 137);
  assert.equal(world.update(fresh)?.status, 0);
});

test('RFC 6275 §9.5.3: a lifetime of zero under the home token alone deletes the binding, and not under both tokens', () => {
  const world = new World();
  const r = world.routability(home, careOf);
  world.update(r);
  assert.equal(world.update({ ...r, deletionKey: r.key }, { lifetimeS: 0, sequence: 2 }), undefined);
  const answer = world.update(r, { lifetimeS: 0, sequence: 2 });
  assert.deepEqual([answer?.status, answer?.lifetimeS], [0, 0]);
  assert.deepEqual(
    world.outputs.map(({ kind }) => kind),
    ['unforward', 'unadmit', 'trace', 'send'],
  );
});

test('RFC 6275 §5.2.8: an update from before a deletion, replayed, does not bring the binding back', () => {
  const world = new World();
  const r = world.routability(home, careOf);
  world.update(r);
  world.update(r, { lifetimeS: 0, sequence: 2 });
  assert.deepEqual([world.update(r)?.status, world.update(r, { lifetimeS: 0, sequence: 2 })?.status], [135, 135]);
  world.engine.handle({ kind: 'tick' }, seconds(239));
  world.now = seconds(239);
  assert.equal(world.update(r)?.status, 135);
  assert.equal(world.update(r, { sequence: 3 })?.status, 0);
});

test('RFC 6275 §9.5.1: a home registration is refused with 131', () => {
  const world = new World();
  const flags = bindingUpdateFlags({ acknowledge: true, homeRegistration: true });
  assert.equal(world.update(world.routability(home, careOf), { flags })?.status, 131);
});

test('RFC 6275 §9.5.4: an accepted update without A is not answered', () => {
  const world = new World();
  assert.equal(world.update(world.routability(home, careOf), { flags: bindingUpdateFlags({}) }), undefined);
  assert.equal([...world.engine.views.correspondentBindings()].length, 1);
});

test('RFC 6275 §9.5.5, §6.1.2: a binding that is used is asked to be refreshed ten seconds before it ends, once, through the routing header', () => {
  const world = new World();
  world.update(world.routability(home, careOf));
  assert.deepEqual(world.engine.handle({ kind: 'flow', source: own, destination: home }, seconds(100)), []);
  assert.deepEqual(world.tick(390), ['watch']);
  const flow = { kind: 'flow', source: own, destination: home } as const;
  const outputs = world.engine.handle(flow, seconds(391));
  assert.deepEqual(
    outputs.map(({ kind }) => kind),
    ['unwatch', 'send'],
  );
  const [, sent] = outputs;
  assert.ok(sent.kind === 'send' && sent.packet.payload.kind === 'mobility');
  assert.equal(sent.packet.payload.message.kind, 'bindingRefreshRequest');
  assert.deepEqual(
    [sent.packet.destination, sent.packet.headers],
    [careOf, [{ kind: 'routingType2', segmentsLeft: 1, homeAddress: home }]],
  );
  assert.deepEqual(world.engine.handle(flow, seconds(392)), []);
  assert.equal(world.engine.counters.refreshes_requested, 1);
});

test('RFC 6275 §9.5.5: a binding that was refreshed in time is watched anew before its new end', () => {
  const world = new World();
  world.update(world.routability(home, careOf));
  world.tick(390);
  world.update(world.routability(home, careOf), { sequence: 2 });
  assert.ok(world.outputs.some(({ kind }) => kind === 'unwatch'));
  assert.equal(world.engine.deadline, seconds(390 + 390));
});

test('RFC 6275 §9.6, §5.2.8: a full cache gives up what was heard of longest ago, once no old update can be replayed for it, and refuses until then', () => {
  const world = new World(2);
  const others = ['2001:db8:1::8', '2001:db8:1::9'].map(parseAddress);
  world.update(world.routability(home, careOf));
  world.tick(100);
  world.update(world.routability(others[0], careOf), {}, { home: others[0] });
  world.tick(239);
  const early = world.routability(others[1], careOf);
  assert.equal(world.update(early, {}, { home: others[1] })?.status, 130);
  world.tick(240);
  assert.equal(world.update(early, {}, { home: others[1] })?.status, 0);
  const homes = [...world.engine.views.correspondentBindings()].map(row => row.home);
  assert.deepEqual(homes, ['2001:db8:1::8', '2001:db8:1::9']);
});

test('RFC 6275 §9.5.4: refusals to whoever has no key are sent at a measured rate, those with one always', () => {
  const world = new World();
  const old = world.routability(home, careOf);
  world.tick(240);
  const fresh = world.routability(home, careOf);
  let refusals = 0;
  for (let i = 0; i < 200; i++) refusals += Number(world.update(old) !== undefined);
  assert.ok(refusals <= 100, `${refusals}`);
  assert.ok((world.engine.counters.discarded_rate ?? 0) >= 100);
  assert.equal(world.update(fresh)?.status, 0);
  assert.equal(world.update(fresh)?.status, 135);
});

test('RFC 6275 §5.2.2: a node key and nonces of its own: the tokens of one correspondent are none at another, nor after a restart', () => {
  const world = new World();
  const other = new World(10, 4);
  assert.notEqual(other.update(world.routability(home, careOf))?.status ?? 128, 0);
  assert.deepEqual([...other.engine.views.correspondentBindings()], []);
});

test('RFC 6275 §9.5.5: there is room for so many bindings and no more; those there are may move', () => {
  const world = new World(1);
  assert.equal(world.update(world.routability(home, careOf))?.status, 0);
  const other = parseAddress('2001:db8:1::8');
  assert.equal(world.update(world.routability(other, careOf), {}, { home: other })?.status, 130);
  const moved = world.routability(home, elsewhere);
  assert.equal(world.update(moved, { sequence: 2 }, { careOf: elsewhere })?.status, 0);
  assert.deepEqual(world.outputs[0], {
    kind: 'unadmit',
    end: { local: own, remote: careOf, from: hostPrefix(home), by: 'homeAddressOption' },
  });
});

test('RFC 6275 §9.3.3: a Home Address option without a binding is answered with Binding Error 1, an unknown MH Type with 2; not without limit', () => {
  const world = new World();
  const stray = {
    ...fromMobile(careOf, home, own, { kind: 'unknown', type: 99, data: new Uint8Array(2) }),
    payload: { kind: 'udp', sourcePort: 1, destinationPort: 2, data: new Uint8Array(0) },
  } as const;
  assert.deepEqual(world.receive(stray), [{ kind: 'bindingError', status: 1, homeAddress: home, options: [] }]);
  assert.deepEqual([world.sent()?.destination, world.sent()?.headers], [careOf, undefined]);
  const unknown = mobilityPacket(careOf, own, { kind: 'unknown', type: 99, data: new Uint8Array(2) });
  assert.deepEqual(world.receive(unknown), [{ kind: 'bindingError', status: 2, homeAddress: careOf, options: [] }]);
  let answers = 0;
  for (let i = 0; i < 200; i++) answers += world.receive(stray).length;
  assert.equal(answers, 98);
});
