import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type AnchorWorld,
  anchorAddress,
  bindingUpdatePacket,
  gateway1,
  gateway2,
  gateway3,
  indicationIn,
  kinds,
  messagesIn,
  nai,
  revocationAcknowledgement,
  timestamp,
} from '../../../test/support/anchor.js';
import {
  accessTechnology,
  alice,
  assignedIn,
  bob,
  inquiry,
  lmap,
  loA,
  loB,
  registration,
} from '../../../test/support/lmap.js';
import { parseAddress } from '../../base/address.js';
import { milliseconds, seconds } from '../../base/time.js';
import { findOption } from '../../wire/mobility/options.js';

test('gundavelli §6.4, §3.1 [G00-6.4-02, G00-6.4-04, G00-3.1-10, G00-9.1-04]: a move is one answer to the new MPA and one revocation to the old, after the rules', () => {
  const world = lmap();
  world.update(registration());
  const outputs = world.receive(bindingUpdatePacket(registration({ from: gateway2 })));
  assert.deepEqual(kinds(outputs), [
    'store',
    'forward',
    'admit',
    'trace',
    'bindingAcknowledgement',
    'bindingRevocationIndication',
  ]);
  const indication = outputs.at(-1);
  assert.ok(indication?.kind === 'send');
  assert.deepEqual([indication.packet.source, indication.packet.destination], [anchorAddress, gateway1]);
  const message = indicationIn(outputs);
  assert.deepEqual(message?.flags, { proxy: true, ipv4HomeAddressOnly: false, global: false });
  assert.equal(message?.trigger, 4);
  assert.deepEqual(message?.options, [nai(alice), { kind: 'homeNetworkPrefix', address: loA, length: 128 }]);
});

test('RFC 5846 §5.1: the trigger tells whether the access technology changed', () => {
  const trigger = (before: number | undefined, after: number | undefined) => {
    const world = lmap();
    const option = (type: number | undefined) => (type === undefined ? [] : [accessTechnology(type)]);
    world.update(registration({ options: option(before) }));
    return indicationIn(world.receive(bindingUpdatePacket(registration({ from: gateway2, options: option(after) }))))
      ?.trigger;
  };
  assert.deepEqual([trigger(4, 4), trigger(4, 5), trigger(undefined, 4), trigger(4, undefined)], [2, 3, 4, 4]);
});

test('RFC 5846 §8.1: the indication names the care-of address where the gateway signals from another', () => {
  const world = lmap();
  const careOfAddress = parseAddress('2001:db8:1::9');
  world.update(registration({ options: [{ kind: 'alternateCareOfAddress', careOfAddress }] }));
  const message = indicationIn(world.receive(bindingUpdatePacket(registration({ from: gateway2 }))));
  assert.deepEqual(message && findOption(message.options, 'alternateCareOfAddress'), {
    kind: 'alternateCareOfAddress',
    careOfAddress,
  });
});

test('gundavelli §6.4 [G00-6.4-05], RFC 5846 §6.3: the revocation is sent again after 1 s, given up after 2 s more, and then nothing of the old MPA is left', () => {
  const world = lmap();
  world.update(registration());
  const first = indicationIn(world.receive(bindingUpdatePacket(registration({ from: gateway2 }))));
  const before = world.sent.length;
  world.runMs(999);
  assert.equal(world.sent.length, before);
  world.runMs(1);
  const again = world.sent.at(-1)?.payload;
  assert.deepEqual(again?.kind === 'mobility' && again.message, first);
  world.runMs(2000);
  assert.equal(world.sent.length, before + 1);
  assert.deepEqual(world.traced.at(-1), {
    event: 'failed',
    peer: gateway1,
    identity: alice,
    reason: 'revocation not answered',
  });
  assert.deepEqual([...world.admitted], ['2001:db8:2::1 2001:db8:a::7/128']);
});

test('RFC 5846 §6.2.2: an acknowledgement ends the revocation; one that matches nothing outstanding is dropped', () => {
  const world = lmap();
  world.update(registration());
  const sequence = indicationIn(world.receive(bindingUpdatePacket(registration({ from: gateway2 }))))?.sequence ?? 0;
  world.receive(revocationAcknowledgement(gateway2, sequence));
  world.receive(revocationAcknowledgement(gateway1, (sequence + 1) & 0xffff));
  assert.equal(world.engine.counters.discarded_revocationSequence, 2);
  world.receive(revocationAcknowledgement(gateway1, sequence));
  assert.equal(world.engine.counters.revocations_answered_0, 1);
  const before = world.sent.length;
  world.runMs(5000);
  assert.equal(world.sent.length, before);
  world.receive(revocationAcknowledgement(gateway1, sequence));
  assert.equal(world.engine.counters.discarded_revocationSequence, 3);
});

test('RFC 5846 §5.2: "MN is attached" from the previous MPA is traced and changes no binding', () => {
  const world = lmap();
  world.update(registration());
  const sequence = indicationIn(world.receive(bindingUpdatePacket(registration({ from: gateway2 }))))?.sequence ?? 0;
  world.receive(revocationAcknowledgement(gateway1, sequence, 132));
  assert.equal(world.traced.at(-1)?.event, 'failed');
  assert.equal(world.ruleTexts[0], '2001:db8:a::7/128 → 2001:db8:2::1');
});

test('gundavelli §6.4: a mobile that is back at its previous MPA is not revoked there any more', () => {
  const world = lmap();
  world.update(registration({ sequence: 1 }));
  world.update(registration({ from: gateway2, sequence: 50 }));
  world.update(registration({ sequence: 2 }));
  const before = world.sent.length;
  world.receive(revocationAcknowledgement(gateway2, sequenceOfLastIndication(world)));
  world.runMs(5000);
  assert.equal(world.sent.length, before);
  assert.deepEqual([...world.admitted], ['2001:db8:1::1 2001:db8:a::7/128']);
});

function sequenceOfLastIndication(world: AnchorWorld): number {
  const messages = messagesIn(world.sent.map(packet => ({ kind: 'send', packet })));
  const indication = messages.findLast(m => m.kind === 'bindingRevocationIndication');
  return indication?.kind === 'bindingRevocationIndication' ? indication.sequence : -1;
}

test('gundavelli §7.3: what a mobile sent through its previous MPA is let in for a moment after the move', () => {
  const world = lmap();
  world.update(registration());
  world.update(registration({ from: gateway2 }));
  assert.equal(world.admitted.size, 2);
  world.runMs(999);
  assert.equal(world.admitted.size, 2);
  world.runMs(1);
  assert.deepEqual([...world.admitted], ['2001:db8:2::1 2001:db8:a::7/128']);
});

test('RFC 6275 §9.5.1: sequence numbers of the serving MPA count modulo 2^16; 135 carries the last accepted one', () => {
  const world = lmap();
  world.update(registration({ sequence: 15 }));
  for (const sequence of [15, 0, 32783, 65535]) {
    const acknowledgement = world.update(registration({ sequence }));
    assert.deepEqual([acknowledgement?.status, acknowledgement?.sequence], [135, 15]);
  }
  assert.equal(world.update(registration({ sequence: 32782 }))?.status, 0);
});

test('gundavelli §6.4: a late update of the previous MPA does not take the binding back', () => {
  const world = lmap();
  world.update(registration({ sequence: 100 }));
  world.update(registration({ from: gateway2, sequence: 7 }));
  assert.equal(world.update(registration({ sequence: 100 }))?.status, 135);
  assert.equal(world.update(registration({ sequence: 99 }))?.sequence, 100);
  assert.equal(world.ruleTexts[0], '2001:db8:a::7/128 → 2001:db8:2::1');
  assert.equal(world.update(registration({ sequence: 101 }))?.status, 0);
});

test('RFC 5213 §5.5 at an LMAP: timestamps order the updates of all MPAs', () => {
  const world = lmap();
  world.now = seconds(10);
  world.update(registration({ options: [timestamp(world.now)] }));
  world.update(registration({ from: gateway2, sequence: 1, options: [timestamp(world.now + milliseconds(20))] }));
  const late = world.update(registration({ sequence: 2, options: [timestamp(world.now + milliseconds(10))] }));
  assert.equal(late?.status, 157);
  assert.deepEqual(late && findOption(late.options, 'timestamp'), timestamp(world.now));
  assert.equal(
    world.update(registration({ sequence: 3, options: [timestamp(world.now + milliseconds(20))] }))?.status,
    156,
  );
  assert.equal(world.update(registration({ options: [timestamp(world.now + milliseconds(400))] }))?.status, 156);
  assert.equal(world.ruleTexts[0], '2001:db8:a::7/128 → 2001:db8:2::1');
  const back = world.update(registration({ from: gateway3, options: [timestamp(world.now + milliseconds(30))] }));
  assert.deepEqual(back && findOption(back.options, 'timestamp'), timestamp(world.now + milliseconds(30)));
});

test('RFC 6275 §10.3.2: only the MPA that has the mobile de-registers it; the address is kept for 10 s', () => {
  const world = lmap();
  world.update(registration());
  assert.equal(world.update(registration({ from: gateway2, lifetimeS: 0 }))?.status, 133);
  assert.equal(world.update(registration({ lifetimeS: 0 }, loB, bob))?.status, 133);
  const acknowledgement = world.update(registration({ sequence: 2, lifetimeS: 0 }));
  assert.deepEqual([acknowledgement?.status, acknowledgement?.lifetimeS], [0, 0]);
  assert.deepEqual(world.ruleTexts, []);
  assert.equal(world.update(registration({ from: gateway2 }, loA, bob))?.status, 134);
  world.runMs(9_999);
  assert.equal(world.stored.size, 1);
  world.runMs(1);
  assert.equal(world.stored.size, 0);
  assert.equal(world.admitted.size, 0);
  assert.equal(world.engine.deadline, undefined);
  assert.equal(world.update(registration({ from: gateway2 }, loA, bob))?.status, 0);
});

test('RFC 6275 §10.3.2: after de-registration a late update is still late, a new one brings the binding back', () => {
  const world = lmap();
  world.update(registration({ sequence: 5 }));
  world.update(registration({ sequence: 7, lifetimeS: 0 }));
  assert.equal(world.update(registration({ sequence: 6 }))?.status, 135);
  const acknowledgement = world.update(inquiry({ from: gateway2 }));
  assert.equal(assignedIn(acknowledgement)[0]?.address, loA);
  assert.equal(indicationIn(world.sent.map(packet => ({ kind: 'send', packet }))), undefined);
  world.runMs(20_000);
  assert.deepEqual(world.ruleTexts, ['2001:db8:a::7/128 → 2001:db8:2::1']);
});
