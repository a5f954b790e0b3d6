import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AgentWorld,
  agentAt,
  coLocatedAt,
  type Heard,
  nestIn,
  nestsIn,
  routerAt,
  vendorIn,
} from '../../../../test/support/agent-world.js';
import { home } from '../../../../test/support/mobile-world.js';
import { type Address, parseAddress } from '../../../base/address.js';
import { second } from '../../../base/time.js';
import { effectiveSource, type Packet } from '../../../wire/ipv6/packet.js';
import { bindingAcknowledgementFlags, type MobilityMessage } from '../../../wire/mobility/messages.js';
import type { Output, Via } from '../../contract.js';
import { mobilityPacket } from '../../mobile/packets.js';
import { authorized, bindingManagementKey } from '../../mobile/tokens.js';

const correspondent = parseAddress('2001:db8:c::1');
const chain = (...numbers: number[]): Heard => ({ agents: numbers.map(agentAt) });
const homeToken = new Uint8Array(8).fill(1);
const careOfToken = new Uint8Array(8).fill(2);

const messagesIn = (outputs: readonly Output[]) =>
  outputs.flatMap(output =>
    output.kind === 'send' && output.packet.payload.kind === 'mobility'
      ? [{ packet: output.packet, message: output.packet.payload.message }]
      : [],
  );
function only<K extends MobilityMessage['kind']>(outputs: readonly Output[], kind: K) {
  const found = messagesIn(outputs).filter(({ message }) => message.kind === kind);
  assert.equal(found.length, 1, kind);
  return found[0] as { packet: Packet; message: Extract<MobilityMessage, { kind: K }> };
}
const straight = (outputs: readonly Output[]): (Via | undefined)[] =>
  outputs.flatMap(output => {
    if (output.kind === 'forward' && output.rule.to?.address === correspondent) return [output.rule.via];
    return output.kind === 'unforward' && output.to?.address === correspondent ? [undefined] : [];
  });

/** What comes to an agent's care-of address for the mobile, as the agent passes it on (draft-dommety §3.2.1). */
function through(agent: Address, packet: Packet): Packet {
  return { ...packet, headers: [{ kind: 'routingType2', segmentsLeft: 0, homeAddress: agent }] };
}

class Talk extends AgentWorld {
  constructor() {
    super({}, { routeOptimisation: true });
  }

  flow(): Output[] {
    return this.give({ kind: 'flow', source: home, destination: correspondent });
  }

  /** Both tests answered. */
  tested(agent: Address, outputs: readonly Output[]): Output[] {
    const homeTest = only(outputs, 'homeTestInit').message;
    const careOfTest = only(outputs, 'careOfTestInit').message;
    const answer = (kind: 'homeTest' | 'careOfTest', cookie: Uint8Array, keygenToken: Uint8Array) =>
      mobilityPacket(correspondent, home, { kind, nonceIndex: 3, cookie, keygenToken, options: [] });
    return this.give(
      { kind: 'packet', packet: answer('homeTest', homeTest.cookie, homeToken) },
      { kind: 'packet', packet: through(agent, answer('careOfTest', careOfTest.cookie, careOfToken)) },
    );
  }

  acknowledged(
    agent: Address,
    { message }: { message: Extract<MobilityMessage, { kind: 'bindingUpdate' }> },
  ): Output[] {
    const { sequence, lifetimeS } = message;
    const flags = bindingAcknowledgementFlags({});
    const answer = { kind: 'bindingAcknowledgement', status: 0, flags, sequence, lifetimeS, options: [] } as const;
    const key = bindingManagementKey(homeToken, careOfToken);
    const signed = authorized(answer, key, { careOf: agent, correspondent });
    return this.give({ kind: 'packet', packet: through(agent, mobilityPacket(correspondent, home, signed)) });
  }

  /** A correspondent that knows the mobile at that agent. */
  bound(agent: Address): Output[] {
    return this.acknowledged(agent, only(this.tested(agent, this.flow()), 'bindingUpdate'));
  }
}

test('D02-2.2.2-07, D02-2.2.2-08: the home agent’s update is nested; those to correspondents go from the agent’s care-of address, by themselves', () => {
  const world = new Talk();
  world.settle(1, [chain(1)]);
  const tests = world.flow();
  const updates = world.tested(agentAt(1), tests);
  const { packet, message } = only(updates, 'bindingUpdate');
  assert.deepEqual([packet.source, effectiveSource(packet), packet.destination], [agentAt(1), home, correspondent]);
  assert.equal(nestIn(updates).length, 1);
  assert.deepEqual([message.flags.homeRegistration, message.flags.acknowledge], [false, true]);
  assert.deepEqual(straight(updates), []);
  const answered = world.acknowledged(agentAt(1), { message });
  assert.deepEqual(straight(answered), [{ kind: 'routeOptimised', sourceCareOf: agentAt(1) }]);
});

test('draft-dommety §3.1: the care-of test is asked for through the agent whose address it is of, the home test through the home agent', () => {
  const world = new Talk();
  world.settle(1, [chain(1, 9)]);
  const tests = world.flow();
  const careOfTest = only(tests, 'careOfTestInit');
  assert.deepEqual([careOfTest.packet.source, careOfTest.packet.destination], [home, agentAt(9)]);
  assert.deepEqual(vendorIn(careOfTest.message, 'upstreamAgent')?.addresses, [correspondent]);
  const homeTest = only(tests, 'homeTestInit');
  assert.deepEqual([homeTest.packet.source, homeTest.packet.destination], [home, correspondent]);
});

test('D02-3.1-11: what comes through a routing header that shows the agent’s address is taken as sent to that, and no other address', () => {
  const world = new Talk();
  world.settle(1, [chain(1)]);
  const tests = world.flow();
  const { cookie } = only(tests, 'careOfTestInit').message;
  const test = { kind: 'careOfTest', nonceIndex: 3, cookie, keygenToken: careOfToken, options: [] } as const;
  const answer = mobilityPacket(correspondent, home, test);
  const discarded = () => world.engine.counters.discarded_unexpected ?? 0;
  world.give({ kind: 'packet', packet: answer });
  assert.equal(discarded(), 1);
  world.give({ kind: 'packet', packet: through(agentAt(2), answer) });
  assert.equal(discarded(), 2);
  world.give({ kind: 'packet', packet: through(agentAt(1), answer) });
  assert.equal(discarded(), 2);
});

test('D02-4.1-05: correspondents hear nothing of a move below the highest agent, and packets to them wait for it', () => {
  const world = new Talk();
  world.settle(1, [chain(1, 9)]);
  world.bound(agentAt(9));
  world.now = 5 * second;
  const moved = world.moveTo(2, [chain(2, 9)]);
  assert.deepEqual(straight(moved), [undefined]);
  const answered = world.agentAnswers(nestIn(moved));
  assert.deepEqual(straight(answered), [{ kind: 'routeOptimised', sourceCareOf: agentAt(9) }]);
  const others = [...moved, ...answered].filter(
    output => output.kind === 'send' && output.packet.destination === correspondent,
  );
  assert.deepEqual(others, []);
});

test('draft-dommety §3.1: at another agent correspondents are told the other address', () => {
  const world = new Talk();
  world.settle(1, [chain(1)]);
  world.bound(agentAt(1));
  world.now = 5 * second;
  const moved = world.moveTo(2, [chain(2)]);
  const answered = world.homeAnswers(nestIn(moved));
  assert.equal(only(answered, 'careOfTestInit').packet.destination, agentAt(2));
  const { packet } = only(world.tested(agentAt(2), answered), 'bindingUpdate');
  assert.equal(packet.source, agentAt(2));
});

test('draft-dommety §2.2.2: what goes to agents is no flow to be optimised', () => {
  const world = new Talk();
  world.settle(1, [chain(1, 9)]);
  for (const agent of [agentAt(1), agentAt(9)])
    assert.deepEqual(world.give({ kind: 'flow', source: home, destination: agent }), []);
});

test('draft-dommety §3.1: from the highest agent’s address packets go in a tunnel to it, from an own address or by way of those below', () => {
  const ways: [Heard, boolean, Via, Via | undefined][] = [
    [chain(1), false, { kind: 'tunnel', local: home, remote: agentAt(1) }, link(1)],
    [chain(1, 9), false, { kind: 'tunnel', local: home, remote: agentAt(9) }, link(1)],
    [{ ...chain(9), onLink: false }, true, { kind: 'tunnel', local: coLocatedAt(1), remote: agentAt(9) }, undefined],
    [
      { ...chain(8, 9), onLink: false },
      true,
      { kind: 'tunnel', local: home, remote: agentAt(9) },
      { kind: 'tunnel', local: coLocatedAt(1), remote: agentAt(8) },
    ],
  ];
  for (const [heard, own, fromTop, toTop] of ways) {
    const world = new Talk();
    const outputs = world.settle(1, [heard], own);
    const top = heard.agents.at(-1);
    const rule = (from: Address | undefined, to?: Address) =>
      outputs.flatMap(output =>
        output.kind === 'forward' && output.rule.from?.address === from && output.rule.to?.address === to
          ? [output.rule.via]
          : [],
      );
    assert.deepEqual(rule(top).at(-1), fromTop);
    assert.deepEqual(rule(home, top).at(-1), toTop);
    // Nothing of it is left where the mobile goes away.
    const gone = world.link(false);
    const left = gone.flatMap(output =>
      output.kind === 'unforward' ? [[output.from?.address, output.to?.address]] : [],
    );
    assert.ok(left.some(([from, to]) => from === top && to === undefined));
    assert.equal(nestsIn(gone).length, 0);
  }
});

function link(n: number): Via {
  return { kind: 'link', link: 'wlan0', router: routerAt(n) };
}
