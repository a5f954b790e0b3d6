import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AgentWorld,
  agentAt,
  careOfIn,
  coLocatedAt,
  type Heard,
  innermost,
  nestIn,
  nestsIn,
  routerAt,
  vendorIn,
} from '../../../../test/support/agent-world.js';
import { home, homeAgent } from '../../../../test/support/mobile-world.js';
import { hostPrefix } from '../../../base/prefix.js';
import { seededRandom } from '../../../base/random.js';
import { second, wallClockFrom } from '../../../base/time.js';
import { effectiveSource } from '../../../wire/ipv6/packet.js';
import type { Output, Via } from '../../contract.js';
import { mobileNode } from '../../mobile-node-role.js';

const onLink = (n: number): Heard => ({ agents: [agentAt(n)] });
const above = (n: number): Heard => ({ agents: [agentAt(n)], onLink: false });

/** The rules that were put out, last of each kind. */
function viaOf(outputs: readonly Output[], from: typeof home, to?: typeof home): Via | undefined {
  let via: Via | undefined;
  for (const output of outputs)
    if (output.kind === 'forward' && output.rule.from?.address === from && output.rule.to?.address === to)
      via = output.rule.via;
  return via;
}
const uplink = (outputs: readonly Output[]) => viaOf(outputs, home)?.kind;
const endsIn = (outputs: readonly Output[]) => outputs.flatMap(output => (output.kind === 'admit' ? [output.end] : []));
const neighbourDiscovery = (outputs: readonly Output[]) =>
  outputs.filter(output => output.kind === 'send' && output.packet.payload.kind === 'icmpv6');

test('D02-1.1-01, D02-2.2.1-06, D02-2.1-Opt2-02, D02-3.1-06, D02-3.1-08: where C is clear the agent’s address is told at once, with no address of the mobile’s own', () => {
  const world = new AgentWorld();
  const outputs = world.moveTo(1, [onLink(1)]);
  const [outer, inner, ...more] = nestIn(outputs);
  assert.equal(more.length, 0);
  assert.deepEqual(
    [outer.packet.source, outer.packet.destination, outer.packet.headers],
    [home, agentAt(1), undefined],
  );
  assert.deepEqual([inner.packet.source, inner.packet.destination, inner.packet.headers], [home, homeAgent, undefined]);
  assert.deepEqual([careOfIn(outer), careOfIn(inner)], [agentAt(1), agentAt(1)]);
  assert.deepEqual([outer.update.flags.homeRegistration, outer.update.flags.acknowledge], [false, false]);
  assert.deepEqual([inner.update.flags.homeRegistration, inner.update.flags.acknowledge], [true, true]);
  assert.deepEqual(vendorIn(outer.update, 'upstreamAgent')?.addresses, [homeAgent]);
  // Its way to the agent is there, and nothing of an address on the link.
  const link = { kind: 'link', link: 'wlan0', router: routerAt(1) };
  assert.deepEqual(viaOf(outputs, home, agentAt(1)), link);
  assert.deepEqual([neighbourDiscovery(outputs), endsIn(outputs)], [[], []]);
  const answered = world.homeAnswers([outer, inner]);
  assert.deepEqual(viaOf(answered, home), link);
  assert.deepEqual(endsIn(answered), []);
});

test('D02-2.2.1-07: where C is set the mobile waits for an address of its own, and tells the agent that', () => {
  const world = new AgentWorld();
  assert.deepEqual(nestsIn(world.moveTo(1, [above(9)])), []);
  const outputs = world.address('preferred', coLocatedAt(1));
  const [outer, inner] = nestIn(outputs);
  assert.deepEqual([outer.packet.source, effectiveSource(outer.packet)], [coLocatedAt(1), home]);
  assert.deepEqual([inner.packet.source, inner.packet.headers], [home, undefined]);
  assert.deepEqual([careOfIn(outer), careOfIn(inner)], [coLocatedAt(1), agentAt(9)]);
  assert.deepEqual(endsIn(outputs), [{ local: coLocatedAt(1), remote: agentAt(9), to: hostPrefix(home) }]);
  const answered = world.homeAnswers([outer, inner]);
  assert.deepEqual(viaOf(answered, home), { kind: 'tunnel', local: coLocatedAt(1), remote: agentAt(9) });
});

test('D02-2.2-02, D02-1.1-03, D02-7-01, D02-3.2.1-08: one transmission tells both; the home agent’s answer stands for the agent’s', () => {
  const world = new AgentWorld();
  const outputs = world.moveTo(1, [onLink(1)]);
  const nest = nestIn(outputs);
  assert.equal(innermost(nest).packet.destination, homeAgent);
  const answered = world.homeAnswers(nest);
  assert.equal(uplink(answered), 'link');
  assert.deepEqual(nestsIn(answered), []);
  const states = [...world.engine.views.registrations()].map(({ peer, state }) => [peer, state]);
  assert.deepEqual(states, [
    ['2001:db8:1::1', 'registered'],
    ['2001:db8:a:1::1', 'registered'],
  ]);
});

test('D02-2.2-03, D02-App-1-01: in two phases the home agent is told once the agent has answered, from the agent’s care-of address', () => {
  const world = new AgentWorld({ mode: 'twoPhase' });
  const outputs = world.moveTo(1, [onLink(1)]);
  const [first, ...more] = nestIn(outputs);
  assert.deepEqual([first.packet.destination, first.update.flags.acknowledge, more.length], [agentAt(1), true, 0]);
  assert.equal(uplink(outputs), 'park');
  const answered = world.answers(first);
  const [second, ...others] = nestIn(answered);
  assert.deepEqual([second.packet.source, effectiveSource(second.packet)], [agentAt(1), home]);
  assert.deepEqual([second.packet.destination, careOfIn(second), others.length], [homeAgent, agentAt(1), 0]);
  assert.equal(second.update.flags.homeRegistration, true);
  // By the tunnel to the agent, which sends it on from its own address.
  assert.deepEqual(viaOf(answered, agentAt(1)), { kind: 'tunnel', local: home, remote: agentAt(1) });
  assert.equal(uplink(answered), undefined);
  assert.equal(uplink(world.homeAnswersPlainly(second)), 'link');
});

test('D02-2.2-03: in two phases the chain’s updates go nested, and the home agent’s after the highest has answered', () => {
  const world = new AgentWorld({ mode: 'twoPhase' });
  const nest = nestIn(world.moveTo(1, [{ agents: [agentAt(1), agentAt(2)] }]));
  assert.deepEqual(
    nest.map(({ packet, update }) => [packet.destination, update.flags.acknowledge]),
    [
      [agentAt(1), false],
      [agentAt(2), true],
    ],
  );
  const [home2] = nestIn(world.agentAnswers(nest));
  assert.deepEqual([home2.packet.source, home2.packet.destination], [agentAt(2), homeAgent]);
});

test('draft-dommety appendix, 2: relayed, the agent is asked to register the mobile, and its answer is the home agent’s', () => {
  const world = new AgentWorld({ mode: 'relayed' });
  const nest = nestIn(world.moveTo(1, [{ agents: [agentAt(1), agentAt(2)] }]));
  assert.deepEqual(
    nest.map(({ packet, update }) => [packet.destination, vendorIn(update, 'upstreamAgent')?.flags.relay]),
    [
      [agentAt(1), false],
      [agentAt(2), true],
    ],
  );
  assert.equal(innermost(nest).update.flags.acknowledge, true);
  const answered = world.agentAnswers(nest, { lifetimeS: 100 });
  assert.equal(uplink(answered), 'link');
  assert.deepEqual(nestsIn(answered), []);
  // Renewed the same way, while the home agent's binding lasts.
  const renewed = world.pass(90 * second).flatMap(({ output }) => nestsIn([output]));
  assert.equal(vendorIn(innermost(renewed[0]).update, 'upstreamAgent')?.flags.relay, true);
});

test('draft-dommety appendix, 2: relayed, a home agent that does not accept the agent leaves the mobile to another way', () => {
  const world = new AgentWorld({ mode: 'relayed' });
  const nest = nestIn(world.moveTo(1, [onLink(1)], true));
  const [direct] = nestIn(world.agentAnswers(nest, { status: 129 }));
  assert.deepEqual([direct.packet.source, direct.packet.destination], [coLocatedAt(1), homeAgent]);
});

test('D02-3.1-02: a co-located care-of address can be registered through an agent that is on the link', () => {
  const world = new AgentWorld({ careOf: 'coLocated' });
  assert.deepEqual(nestsIn(world.moveTo(1, [onLink(1)])), []);
  const outputs = world.address('preferred', coLocatedAt(1));
  const [outer, inner] = nestIn(outputs);
  assert.deepEqual(
    [outer.packet.source, outer.packet.destination, careOfIn(outer)],
    [coLocatedAt(1), agentAt(1), coLocatedAt(1)],
  );
  assert.deepEqual([inner.packet.destination, careOfIn(inner)], [homeAgent, agentAt(1)]);
});

test('D02-3.1-04: `careOf: direct` passes agents by, and tells the home agent a co-located care-of address', () => {
  const parsed = mobileNode.parse({
    address: '2001:db8:1::7',
    homeAgent: '2001:db8:1::1',
    insecure: true,
    localMobilityAgents: { mode: 'onePhase', careOf: 'direct' },
  });
  assert.ok(parsed.ok);
  const environment = { random: seededRandom(1), clock: wallClockFrom(1_767_225_600) };
  const world = Object.assign(new AgentWorld(), { engine: mobileNode.create(parsed.config, environment) });
  world.moveTo(1, [onLink(1)]);
  const [direct, ...nested] = nestIn(world.address('preferred', coLocatedAt(1)));
  assert.deepEqual([direct.packet.source, direct.packet.destination, nested.length], [coLocatedAt(1), homeAgent, 0]);
});

test('D02-1-01, D02-3.1-01: where no agent is, it is a plain Mobile IPv6 node, and again one where none is left', () => {
  const world = new AgentWorld();
  const outputs = world.moveTo(1, [], true);
  const [direct, ...nested] = nestIn(outputs);
  assert.deepEqual([direct.packet.source, effectiveSource(direct.packet), nested.length], [coLocatedAt(1), home, 0]);
  const answered = world.answers(direct);
  assert.deepEqual(viaOf(answered, home), { kind: 'tunnel', local: coLocatedAt(1), remote: homeAgent });
  assert.deepEqual(endsIn(outputs), [{ local: coLocatedAt(1), remote: homeAgent, to: hostPrefix(home) }]);

  const through = world.moveTo(2, [onLink(2)]);
  world.homeAnswers(nestIn(through));
  const away = world.moveTo(3, [], true);
  assert.deepEqual([innermost(nestIn(away)).packet.source, nestIn(away).length], [coLocatedAt(3), 1]);
  const settled = world.answers(innermost(nestIn(away)));
  assert.deepEqual(viaOf(settled, home), { kind: 'tunnel', local: coLocatedAt(3), remote: homeAgent });
});

test('D02-2.1-Opt4-03: an agent that the mobile simply knows serves where none is advertised', () => {
  const world = new AgentWorld({ agents: [{ address: agentAt(8) }, { address: agentAt(9) }] });
  const nest = nestIn(world.moveTo(1, [], true));
  assert.deepEqual(
    nest.map(layer => [layer.packet.destination, careOfIn(layer)]),
    [
      [agentAt(8), coLocatedAt(1)],
      [agentAt(9), agentAt(8)],
      [homeAgent, agentAt(9)],
    ],
  );
  const advertised = nestIn(world.moveTo(2, [onLink(2)]));
  assert.deepEqual(
    advertised.map(({ packet }) => packet.destination),
    [agentAt(2), homeAgent],
  );
});

test('D02-2.2.1-05: no agent is asked for more than the Binding Lifetime that it advertises, nor is the home agent', () => {
  const world = new AgentWorld();
  const nest = nestIn(world.moveTo(1, [{ agents: [agentAt(1), agentAt(2)], lifetimeS: 203 }]));
  assert.deepEqual(
    nest.map(({ update }) => update.lifetimeS),
    [200, 200, 200],
  );
  // One that takes no bindings of any length is no agent to use.
  const none = world.moveTo(2, [{ agents: [agentAt(2)], lifetimeS: 3 }], true);
  assert.deepEqual(
    nestIn(none).map(({ packet }) => packet.source),
    [coLocatedAt(2)],
  );
});

test('draft-dommety §3.1: at a link with an agent, what the home agent’s tunnel carried comes to the home address: no end of that tunnel is the mobile’s', () => {
  const world = new AgentWorld();
  const outputs = world.settle(1, [onLink(1)]);
  assert.deepEqual(endsIn(outputs), []);
});

test('localMobilityAgents: what does not go together is said, with its place', () => {
  const section = { address: '2001:db8:1::7', insecure: true, localMobilityAgents: { mode: 'onePhase' } };
  const problemsOf = (changes: object) => {
    const parsed = mobileNode.parse({ ...section, ...changes });
    return parsed.ok ? [] : parsed.problems.map(({ path }) => path.join('.'));
  };
  const homeAgent = '2001:db8:1::1';
  assert.deepEqual(problemsOf({ homeAgent }), []);
  assert.deepEqual(problemsOf({}), ['homeAgent']);
  assert.deepEqual(problemsOf({ homeAgent, hierarchy: 'nearest' }), ['hierarchy']);
  assert.deepEqual(problemsOf({ homeAgent, fastHandover: { handoverKeys: [] } }).includes('fastHandover'), true);
  const wrong = { mode: 'threePhase', careOf: 'mine', homeAgentIpv4: '10.0.0', agents: [{ address: 'fe80::1' }] };
  assert.deepEqual(problemsOf({ homeAgent, localMobilityAgents: wrong }).sort(), [
    'localMobilityAgents.agents.0.address',
    'localMobilityAgents.careOf',
    'localMobilityAgents.homeAgentIpv4',
    'localMobilityAgents.mode',
  ]);
});
