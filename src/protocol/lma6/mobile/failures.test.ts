import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AgentWorld,
  agentAt,
  careOfIn,
  coLocatedAt,
  type Heard,
  innermost,
  type Layer,
  nestIn,
  nestsIn,
} from '../../../../test/support/agent-world.js';
import { home, homeAgent } from '../../../../test/support/mobile-world.js';
import { formatAddress } from '../../../base/address.js';
import { type Instant, second } from '../../../base/time.js';
import { bindingAcknowledgementFlags } from '../../../wire/mobility/messages.js';
import type { Output } from '../../contract.js';
import { mobilityPacket } from '../../mobile/packets.js';

const chain = (...numbers: number[]): Heard => ({ agents: numbers.map(agentAt) });
const told = (nest: readonly Layer[]) => nest.map(layer => [layer.packet.destination, careOfIn(layer)]);
const uplink = (outputs: readonly Output[]) =>
  outputs
    .flatMap(output =>
      output.kind === 'forward' && output.rule.from?.address === home && !output.rule.to ? [output.rule.via.kind] : [],
    )
    .at(-1);
const failures = (outputs: readonly Output[]) =>
  outputs.flatMap(output => (output.kind === 'trace' && output.event.event === 'failed' ? [output.event.peer] : []));

/** The nests sent until then, with when each was. */
function sentUntil(world: AgentWorld, until: Instant): { at: number; nest: Layer[] }[] {
  return world.pass(until).flatMap(({ at, output }) => nestsIn([output]).map(nest => ({ at: at / second, nest })));
}

test('draft-dommety §3.2.1: a home agent that leaves two nested updates unanswered is told in two phases, and so from then on', () => {
  const world = new AgentWorld();
  const first = nestIn(world.moveTo(1, [chain(1)]));
  const sent = sentUntil(world, 10 * second);
  assert.deepEqual(
    [[0, first] as const, ...sent.map(({ at, nest }) => [at, nest] as const)]
      .slice(0, 3)
      .map(([at, nest]) => [at, told(nest)]),
    [
      [
        0,
        [
          [agentAt(1), agentAt(1)],
          [homeAgent, agentAt(1)],
        ],
      ],
      [
        1.5,
        [
          [agentAt(1), agentAt(1)],
          [homeAgent, agentAt(1)],
        ],
      ],
      [4.5, [[agentAt(1), agentAt(1)]]],
    ],
  );
  const [toAgent] = sent[1].nest;
  assert.equal(toAgent.update.flags.acknowledge, true);
  const [direct, ...none] = nestIn(world.answers(innermost(sent.at(-1)?.nest ?? [])));
  assert.deepEqual([direct.packet.source, direct.packet.destination, none.length], [agentAt(1), homeAgent, 0]);
  assert.equal(uplink(world.homeAnswersPlainly(direct)), 'link');
  // The next agent is told first, too.
  assert.deepEqual(told(nestIn(world.moveTo(2, [chain(2)]))), [[agentAt(2), agentAt(2)]]);
  // After an hour it may have learnt.
  sentUntil(world, 3700 * second);
  assert.deepEqual(told(nestIn(world.moveTo(3, [chain(3)])))[1], [homeAgent, agentAt(3)]);
});

test('draft-dommety §3.2.1: a mobile that moves on finds out, too, that nested updates are not answered; those it did not stay for do not count', () => {
  for (const stayS of [0.5, 2]) {
    const world = new AgentWorld();
    const nests: number[] = [];
    for (let n = 1; n <= 4; n++) {
      nests.push(nestIn(world.moveTo(n, [chain(n)])).length);
      world.pass(world.now + stayS * second);
      world.link(false);
      world.pass(world.now + 3 * second);
    }
    // Of the two at the first agent one had time to be answered, and then the first at the second.
    assert.deepEqual(nests, stayS < 1 ? [2, 2, 2, 2] : [2, 2, 1, 1]);
  }
});

test('draft-dommety §2.2: an agent that refuses is left alone: plain Mobile IPv6 where the mobile has an address, else the next', () => {
  const world = new AgentWorld();
  const nest = nestIn(world.moveTo(1, [chain(1, 9)], true));
  const refused = world.answers(nest[0], { status: 129 });
  assert.deepEqual(failures(refused), [agentAt(1)]);
  // The upper agent serves still, with the mobile's own address.
  assert.deepEqual(told(nestIn(refused)), [
    [agentAt(9), coLocatedAt(1)],
    [homeAgent, agentAt(9)],
  ]);
  const alone = world.answers(nestIn(refused)[0], { status: 129 });
  assert.deepEqual([innermost(nestIn(alone)).packet.source, nestIn(alone).length], [coLocatedAt(1), 1]);
  world.answers(innermost(nestIn(alone)));
  // A minute later they may have changed their minds.
  const later = sentUntil(world, 61 * second).map(({ nest }) => told(nest));
  assert.deepEqual(later[0], [
    [agentAt(1), agentAt(1)],
    [agentAt(9), agentAt(1)],
    [homeAgent, agentAt(9)],
  ]);
});

test('draft-dommety §2.2: with no address of its own a mobile whose agent refuses is nowhere until it has one', () => {
  const world = new AgentWorld();
  const nest = nestIn(world.moveTo(1, [chain(1)]));
  assert.deepEqual(nestsIn(world.answers(nest[0], { status: 130 })), []);
  const outputs = world.address('preferred', coLocatedAt(1));
  assert.equal(innermost(nestIn(outputs)).packet.source, coLocatedAt(1));
});

test('RFC 6275 §11.8: an agent that does not answer is asked again later and later, then left for plain Mobile IPv6', () => {
  const world = new AgentWorld({ mode: 'twoPhase' });
  const outputs = world.moveTo(1, [chain(1)], true);
  assert.equal(nestsIn(outputs).length, 1);
  const seen = world.pass(20 * second);
  const toAgent = seen.filter(({ output }) =>
    nestsIn([output]).some(([{ packet }]) => packet.destination === agentAt(1)),
  );
  assert.deepEqual(
    toAgent.map(({ at }) => at / second),
    [1, 3],
  );
  const all = seen.map(({ output }) => output);
  assert.deepEqual(failures(all), [agentAt(1)]);
  const direct = seen.find(({ output }) => nestsIn([output]).some(([{ packet }]) => packet.destination === homeAgent));
  assert.equal((direct?.at ?? 0) / second, 7);
});

test('draft-dommety §4: of a chain that does not answer each agent is asked by itself, so that it shows which one it is', () => {
  const world = new AgentWorld();
  world.settle(1, [chain(1, 8, 9)]);
  world.moveTo(2, [chain(2, 8, 9)]);
  const sent = sentUntil(world, 7 * second);
  const [lowest] = sent.at(-1)?.nest ?? [];
  assert.deepEqual(told(sent.at(-1)?.nest ?? []), [[agentAt(2), agentAt(2)]]);
  const next = nestIn(world.answers(lowest));
  assert.deepEqual(told(next), [
    [agentAt(2), agentAt(2)],
    [agentAt(8), agentAt(2)],
  ]);
  const gone = world.pass(15 * second).map(({ output }) => output);
  assert.deepEqual(failures(gone), [agentAt(8)]);
  // Without it the one above it serves.
  assert.deepEqual(told(nestsIn(gone).at(-1) ?? []).slice(0, 2), [
    [agentAt(2), agentAt(2)],
    [agentAt(9), agentAt(2)],
  ]);
});

test('draft-dommety §2.2.1: an agent that has started anew is told again, and the home agent is not; after 0xffff comes 256', () => {
  const world = new AgentWorld();
  const heard = (sequence: number) => [{ ...chain(1, 9), sequence }];
  world.settle(1, heard(0xfffe));
  assert.deepEqual(nestsIn(world.hear(1, heard(0xffff))), []);
  assert.deepEqual(nestsIn(world.hear(1, heard(256))), []);
  const restarted = world.hear(1, heard(0));
  assert.deepEqual(told(nestIn(restarted)), [[agentAt(1), agentAt(1)]]);
  assert.equal(uplink(restarted), 'park');
  assert.equal(uplink(world.agentAnswers(nestIn(restarted))), 'link');
  assert.deepEqual(nestsIn(world.hear(1, heard(1))), []);
});

test('draft-dommety §2.2.1: where the home agent has not answered either, both are told again', () => {
  const world = new AgentWorld();
  world.moveTo(1, [{ ...chain(1), sequence: 7 }]);
  const again = nestIn(world.hear(1, [{ ...chain(1), sequence: 0 }]));
  assert.deepEqual(told(again), [
    [agentAt(1), agentAt(1)],
    [homeAgent, agentAt(1)],
  ]);
});

test('draft-dommety §2.2: what the home agent’s renewal carries renews the agents; its answer is the only one', () => {
  const world = new AgentWorld();
  world.settle(1, [{ ...chain(1, 9), lifetimeS: 400 }]);
  const [renewal, ...others] = sentUntil(world, 300.5 * second);
  assert.deepEqual([renewal.at, others.length], [300, 0]);
  assert.deepEqual(told(renewal.nest), [
    [agentAt(1), agentAt(1)],
    [agentAt(9), agentAt(1)],
    [homeAgent, agentAt(9)],
  ]);
  world.homeAnswers(renewal.nest);
  assert.equal(sentUntil(world, 600 * second)[0].at, 600);
});

test('draft-dommety §2.2: in two phases each chain is renewed by itself, and the home agent’s binding ends with it', () => {
  const world = new AgentWorld({ mode: 'twoPhase' });
  const nest = nestIn(world.moveTo(1, [{ ...chain(1, 9), lifetimeS: 400 }]));
  world.now = second;
  const [direct] = nestIn(world.agentAnswers(nest, { lifetimeS: 200 }));
  assert.equal(direct.update.lifetimeS, 199);
  world.homeAnswersPlainly(direct);
  const [renewal] = sentUntil(world, 101 * second);
  // Half of what the highest granted.
  assert.deepEqual([renewal.at, renewal.nest.length, innermost(renewal.nest).packet.destination], [100, 2, agentAt(9)]);
});

test('draft-dommety §2.2: an agent whose binding ends unrenewed carries nothing more', () => {
  const world = new AgentWorld({ mode: 'twoPhase', attempts: 100 });
  const nest = nestIn(world.moveTo(1, [{ ...chain(1), lifetimeS: 40 }]));
  const [direct] = nestIn(world.agentAnswers(nest));
  world.homeAnswersPlainly(direct);
  const until = (at: Instant) => uplink(world.pass(at).map(({ output }) => output));
  assert.equal(until(39 * second), undefined);
  assert.equal(until(41 * second), 'park');
});

test('RFC 6275 §11.7.3: an agent’s number counts where ours is not the next, for one request once', () => {
  const world = new AgentWorld({ mode: 'twoPhase' });
  const [first] = nestIn(world.moveTo(1, [chain(1)]));
  const [again] = nestIn(world.answers(first, { status: 135, sequence: 4711 }));
  assert.equal(again.update.sequence, 4712);
  assert.deepEqual(nestsIn(world.answers(again, { status: 135, sequence: 99 })), []);
  const nested = new AgentWorld();
  const nest = nestIn(nested.moveTo(1, [chain(1)]));
  const both = nestIn(nested.answers(nest[0], { status: 135, sequence: 4711 }));
  assert.deepEqual([both[0].update.sequence, both[1].packet.destination], [4712, homeAgent]);
});

test('D02-6-01: what an agent says counts only under its association', () => {
  const world = new AgentWorld({ mode: 'twoPhase' }, { insecure: false });
  const nest = nestIn(world.moveTo(1, [chain(1)]));
  assert.deepEqual(nestsIn(world.agentAnswers(nest)), []);
  assert.equal(world.engine.counters.discarded_unprotected, 1);
  const untrusted = new AgentWorld({ trusts: agent => agent !== agentAt(1) });
  const plain = nestIn(untrusted.moveTo(1, [chain(1)], true));
  assert.deepEqual([plain.length, innermost(plain).packet.source], [1, coLocatedAt(1)]);
});

test('D02-2.2.1-10: of several agents on one link the first that serves is used, and the next where that one does not', () => {
  const world = new AgentWorld();
  const nest = nestIn(world.moveTo(1, [chain(1), chain(2)]));
  assert.equal(nest[0].packet.destination, agentAt(1));
  assert.equal(nestIn(world.answers(nest[0], { status: 130 }))[0].packet.destination, agentAt(2));
});

test('D02-2.2.1-10: routers on one link that are agents, each heard while the other is, do not have the mobile to and fro', () => {
  const world = new AgentWorld();
  world.settle(1, [chain(1)]);
  const taken = nestIn(world.hear(2, [chain(2)]));
  assert.equal(taken[0].packet.destination, agentAt(2));
  world.homeAnswers(taken);
  // What is left to say is to the one that is not used any more.
  for (const { nest } of sentUntil(world, 10 * second)) assert.deepEqual(told(nest), [[agentAt(1), undefined]]);
  for (let round = 0; round < 5; round++) {
    assert.deepEqual(nestsIn(world.hear(1, [chain(1)])), []);
    assert.deepEqual(nestsIn(world.hear(2, [chain(2)])), []);
  }
  const rows = [...world.engine.views.registrations()];
  assert.equal(rows[0].careOf, formatAddress(agentAt(2)));
});

test('draft-dommety §4.1: an agent that may have heard of another place is told again where the mobile comes back', () => {
  const world = new AgentWorld();
  world.settle(1, [chain(1, 9)]);
  world.now = 5 * second;
  world.moveTo(2, [chain(2, 9)]);
  const back = world.moveTo(1, [chain(1, 9)]);
  assert.deepEqual(told(nestIn(back)), [
    [agentAt(1), agentAt(1)],
    [agentAt(9), agentAt(1)],
  ]);
});

test('RFC 6275 §9.5.4: an agent’s acknowledgement that does not end at the home address is none', () => {
  const world = new AgentWorld({ mode: 'twoPhase' });
  const [first] = nestIn(world.moveTo(1, [{ ...chain(9), onLink: false }], true));
  const flags = bindingAcknowledgementFlags({});
  const { sequence, lifetimeS } = first.update;
  const message = { kind: 'bindingAcknowledgement', status: 0, flags, sequence, lifetimeS, options: [] } as const;
  const straight = mobilityPacket(agentAt(9), coLocatedAt(1), message);
  assert.deepEqual(nestsIn(world.give({ kind: 'packet', packet: straight })), []);
  assert.equal(nestsIn(world.answers(first)).length, 1);
});
