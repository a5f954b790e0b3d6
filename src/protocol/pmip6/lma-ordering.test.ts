import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bindingUpdatePacket,
  gateway1,
  gateway2,
  indicationIn,
  messagesIn,
  revocationAcknowledgement,
  timestamp,
} from '../../../test/support/anchor.js';
import { alice, asked, lma, prefixesIn, request } from '../../../test/support/lma.js';
import { milliseconds, seconds } from '../../base/time.js';
import type { BindingAcknowledgement } from '../../wire/mobility/messages.js';
import { findOption } from '../../wire/mobility/options.js';

const prefixA = '2001:db8:a:1::/64';
const prefixes = [prefixA];

function timestampIn(acknowledgement: BindingAcknowledgement | undefined) {
  return acknowledgement && findOption(acknowledgement.options, 'timestamp');
}

test('RFC 5213 §5.5 rules 5 and 7: a valid timestamp is returned, and the sequence number beside it ignored', () => {
  const world = lma();
  world.now = seconds(5);
  world.update(request({ prefixes, sequence: 9, extra: [timestamp(world.now)] }));
  const later = timestamp(world.now + milliseconds(1));
  const acknowledgement = world.update(request({ prefixes, sequence: 9, extra: [later] }));
  assert.deepEqual([acknowledgement?.status, acknowledgement?.sequence], [0, 9]);
  assert.deepEqual(timestampIn(acknowledgement), later);
});

test('RFC 5213 §5.5 rules 6 and 9: more than 300 ms from the clock is status 156, with the time of the anchor', () => {
  const world = lma();
  world.now = seconds(5);
  for (const ms of [-301, 301]) {
    const acknowledgement = world.update(request({ extra: [timestamp(world.now + milliseconds(ms))] }));
    assert.equal(acknowledgement?.status, 156);
    assert.deepEqual(timestampIn(acknowledgement), timestamp(world.now));
  }
  assert.equal(world.update(request({ extra: [timestamp(world.now - milliseconds(299))] }))?.status, 0);
});

test('RFC 5213 §5.5 rule 8: lower than accepted before is status 157, with the time of the anchor', () => {
  const world = lma();
  world.now = seconds(5);
  world.update(request({ prefixes, extra: [timestamp(world.now)] }));
  world.update(request({ from: gateway2, prefixes, handoff: 3, extra: [timestamp(world.now + milliseconds(20))] }));
  const late = world.update(request({ prefixes, extra: [timestamp(world.now + milliseconds(10))] }));
  assert.equal(late?.status, 157);
  assert.deepEqual(timestampIn(late), timestamp(world.now));
  const same = world.update(request({ prefixes, extra: [timestamp(world.now + milliseconds(20))] }));
  assert.equal(same?.status, 156);
  assert.deepEqual(world.ruleTexts, [`${prefixA} → 2001:db8:2::1`]);
});

test('RFC 5213 §5.5 rule 6: timestamps that mobile nodes generate are compared with each other only', () => {
  const world = lma({ mobileNodeGeneratedTimestamps: true });
  world.now = seconds(5);
  assert.equal(world.update(request({ prefixes, extra: [timestamp(seconds(1))] }))?.status, 0);
  assert.equal(world.update(request({ prefixes, extra: [timestamp(0)] }))?.status, 157);
});

test('RFC 5213 §5.3.1 rule 9 comes before rule 10: a stale update without a prefix is status 156, not 158', () => {
  const world = lma();
  world.now = seconds(5);
  assert.equal(world.update(request({ prefixes: [], extra: [timestamp(0)] }))?.status, 156);
});

test('RFC 5213 §5.5, sequence numbers: without a timestamp they count for the session, whichever gateway sends', () => {
  const world = lma();
  world.update(request({ prefixes, sequence: 10 }));
  const acknowledgement = world.update(request({ from: gateway2, prefixes, sequence: 10, handoff: 3 }));
  assert.deepEqual([acknowledgement?.status, acknowledgement?.sequence], [135, 10]);
  assert.equal(timestampIn(acknowledgement), undefined);
  assert.equal(world.update(request({ from: gateway2, prefixes, sequence: 11, handoff: 3 }))?.status, 0);
});

test('RFC 5213 §5.4.1.3 rule 3: an update of unknown handoff waits for the de-registration, then takes the session over', () => {
  const world = lma();
  const given = prefixesIn(world.update(asked()));
  assert.equal(world.update(asked({ from: gateway2, sequence: 2, handoff: 4 })), undefined);
  world.runMs(1000);
  const outputs = world.receive(
    bindingUpdatePacket(request({ prefixes: given, sequence: 3, lifetimeS: 0, handoff: 4 })),
  );
  const [first, second] = messagesIn(outputs).filter(m => m.kind === 'bindingAcknowledgement');
  assert.deepEqual([first.lifetimeS, first.status], [0, 0]);
  assert.deepEqual(prefixesIn(second), given);
  assert.deepEqual(world.ruleTexts, [`${given[0]} → 2001:db8:2::1`]);
  assert.equal(world.engine.deadline, seconds(2));
});

test('RFC 5213 §5.4.1.3 rule 3: without a de-registration within 1500 ms it makes a new session', () => {
  const world = lma();
  const given = prefixesIn(world.update(asked()));
  world.update(asked({ from: gateway2, sequence: 2, handoff: 4 }));
  world.runMs(1499);
  assert.equal(world.sent.length, 1);
  world.runMs(1);
  assert.equal(world.sent.length, 2);
  assert.equal(world.ruleTexts.length, 2);
  assert.ok(world.ruleTexts.includes(`${given[0]} → 2001:db8:1::1`));
});

test('RFC 5213 §5.4.1.3 rule 3: a repeated update waits no longer than the first; configuration can do without the wait', () => {
  const world = lma();
  world.update(asked());
  world.update(asked({ from: gateway2, sequence: 2, handoff: 4 }));
  world.runMs(1000);
  world.update(asked({ from: gateway2, sequence: 3, handoff: 4 }));
  world.runMs(500);
  assert.equal(world.ruleTexts.length, 2);
  const impatient = lma({ newSessionDelay: 0 });
  impatient.update(asked());
  assert.equal(impatient.update(asked({ from: gateway2, sequence: 2, handoff: 4 }))?.status, 0);
  assert.equal(impatient.ruleTexts.length, 2);
});

test('RFC 5213 §5.4.1.3: a held update that was in order when it came stays so when a younger de-registration frees the session', () => {
  const world = lma();
  world.now = seconds(5);
  const given = prefixesIn(world.update(asked({ extra: [timestamp(world.now)] })));
  world.update(asked({ from: gateway2, handoff: 4, extra: [timestamp(world.now + milliseconds(1))] }));
  world.runMs(800);
  world.update(request({ prefixes: given, lifetimeS: 0, handoff: 4, extra: [timestamp(world.now)] }));
  assert.deepEqual(world.ruleTexts, [`${given[0]} → 2001:db8:2::1`]);
});

const revocation = { initialDelay: seconds(1), maximumDelay: seconds(2), maximumRetries: 1 };

test('RFC 5846 §8.1: instead of waiting the anchor asks the previous gateway; its success frees the session', () => {
  const world = lma({ revocation });
  const given = prefixesIn(world.update(asked()));
  const indication = indicationIn(
    world.receive(bindingUpdatePacket(asked({ from: gateway2, sequence: 2, handoff: 4 }))),
  );
  assert.equal(indication?.trigger, 4);
  world.receive(revocationAcknowledgement(gateway1, indication?.sequence ?? -1));
  assert.deepEqual(world.ruleTexts, [`${given[0]} → 2001:db8:2::1`]);
});

test('RFC 5846 §8.1: "MN is attached" means another interface: a new session at once', () => {
  const world = lma({ revocation });
  world.update(asked());
  const indication = indicationIn(
    world.receive(bindingUpdatePacket(asked({ from: gateway2, sequence: 2, handoff: 4 }))),
  );
  world.receive(revocationAcknowledgement(gateway1, indication?.sequence ?? -1, 132));
  assert.equal(world.ruleTexts.length, 2);
  assert.equal([...world.engine.views.bindings()].filter(row => row.identity === alice).length, 2);
});
