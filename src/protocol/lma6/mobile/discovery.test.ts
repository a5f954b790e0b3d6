import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agentAddress } from '../../../../test/support/agent-network.js';
import {
  correspondentAddress,
  create,
  homeAgentAddress,
  homePrefix,
  lost,
} from '../../../../test/support/mobile-network.js';
import { ms, observed } from '../../../../test/support/network.js';
import { allNodes, formatAddress, parseAddress } from '../../../base/address.js';
import { autoconfiguredAddress } from '../../../base/link-address.js';
import { parsePrefix } from '../../../base/prefix.js';
import type { Node } from '../../../sim/index.js';
import { agentsTold } from '../../../wire/icmpv6/agents.js';

const agent = agentAddress(1);
const quick = { intervalMs: { min: 900, max: 1000 }, minimumSpacingMs: 0 };

/**
 *   ha, cn --- core --- lma
 *               |       |
 *               +------ ar  ~~  mn       the router tells of the agent, which is on no link of the mobile, when it is asked
 */
function relayed() {
  const world = observed();
  const { simulation, records } = world;
  const add = (name: string, address: string) =>
    simulation.addNode({ name, forwarding: true, addresses: [parseAddress(address)] });
  const join = (a: Node, b: Node, delayMs: number) => {
    const link = simulation.addLink({ name: `${a.name}-${b.name}`, kind: 'wire', delay: delayMs * ms });
    for (const node of [a, b]) node.attach(link, { name: link.name, autoconfigure: false });
  };
  const core = add('core', 'fd00:f::1');
  const ha = add('ha', formatAddress(homeAgentAddress));
  const cn = simulation.addNode({ name: 'cn', addresses: [correspondentAddress] });
  const lma = add('lma', formatAddress(agent));
  const ar = add('ar', 'fd00:b::1');
  join(core, ha, 20);
  join(core, cn, 10);
  join(core, lma, 2);
  join(core, ar, 2);
  join(lma, ar, 1);
  ha.originate(homePrefix);
  const cell = simulation.addLink({ name: 'cell', kind: 'access', delay: 1 * ms });
  ar.attach(cell, { name: 'ap0', addresses: [{ address: parseAddress('fd00:b:1::1'), length: 64 }] });
  ar.originate(parsePrefix('fd00:b:1::/64'));
  const mobile = simulation.addNode({ name: 'mn', dadTransmits: 0 });
  const home = autoconfiguredAddress(homePrefix, mobile.attach(undefined, { name: 'wlan0' }).linkAddress);
  const homeAgent = formatAddress(homeAgentAddress);
  ha.addEngine(
    create('ha', { address: homeAgent, prefixes: ['fd00:c:1::/64'], insecure: true, localMobilityAgents: {} }),
  );
  const advertise = { links: [{ name: 'lma-ar', routerLifetimeS: 0, ...quick }] };
  lma.addEngine(create('lma6', { address: formatAddress(agent), insecure: true, advertise }));
  const links = [
    { name: 'lma-ar', routerLifetimeS: 0, discoverAgents: true, insecure: true, ...quick },
    { name: 'ap0', prefixes: [{ prefix: 'fd00:b:1::/64' }], solicited: { maximumDelayMs: 0, unicast: true } },
  ];
  ar.addEngine(create('ar', { address: 'fd00:b::1', insecure: true, links }));
  const agents = { address: formatAddress(home), homeAgent, insecure: true, links: ['wlan0'] };
  mobile.addEngine(create('mn', { ...agents, localMobilityAgents: { mode: 'onePhase' } }));
  simulation.computeRoutes();
  const told = (node: string, kind: string) =>
    records.flatMap(({ at, node: where, event }) => {
      if (where !== node || event.event !== 'message' || event.direction !== 'sent') return [];
      const { payload } = event.packet;
      const message = payload.kind === 'icmpv6' || payload.kind === 'mobility' ? payload.message : undefined;
      return message?.kind === kind ? [{ atMs: at / ms, packet: event.packet, message }] : [];
    });
  return { ...world, ha, cn, lma, mobile, cell, home, told };
}

test('D02-2.1-Opt4-02, D02-2.1-Opt4-01: a mobile that asks on its link is told of an agent that is not on it, and registers through it', () => {
  const { simulation, ha, cn, lma, mobile, cell, home, told } = relayed();
  mobile.roam('wlan0', { at: 200_000 * ms, to: cell });
  const flows = [
    simulation.cbr({ from: cn, to: home, interval: 10 * ms, size: 100, start: 205_000 * ms, stop: 206_000 * ms }),
    simulation.cbr({
      from: mobile,
      to: correspondentAddress,
      interval: 10 * ms,
      size: 100,
      start: 205_000 * ms,
      stop: 206_000 * ms,
    }),
  ];
  simulation.run(207_000 * ms);
  const [question] = told('mn', 'routerSolicitation');
  assert.equal(question?.atMs, 200_000);
  const answers = told('ar', 'routerAdvertisement').filter(({ atMs }) => atMs >= 200_000 && atMs < 201_000);
  const [answer, ...others] = answers.flatMap(({ packet, message }) =>
    message.kind === 'routerAdvertisement' && agentsTold(message.options).length > 0 ? [{ packet, message }] : [],
  );
  assert.ok(
    answer && answer.packet.destination !== allNodes && others.length === 0,
    'the answer and nothing before it',
  );
  const [{ chain, ownCareOfAddressNeeded }] = agentsTold(answer.message.options) as [
    ReturnType<typeof agentsTold>[number],
  ];
  assert.deepEqual([chain[0].address, ownCareOfAddressNeeded], [agent, true]);
  const [binding] = [...(ha.engines[0]?.views.bindings?.() ?? [])];
  assert.equal(binding?.careOf, formatAddress(agent));
  const [visit] = [...(lma.engines[0]?.views.bindings?.() ?? [])];
  assert.ok(visit?.home === formatAddress(home) && String(visit?.careOf).startsWith('fd00:b:1:'));
  assert.deepEqual(flows.map(lost), [0, 0]);
});

test('D02-2.1-Opt4-01: by the number that the router passes on the mobile learns that its agent has started anew, and registers again', () => {
  const { simulation, lma, cn, mobile, cell, home, told } = relayed();
  mobile.roam('wlan0', { at: 200_000 * ms, to: cell });
  lma.crash(230_000 * ms);
  lma.restart(231_000 * ms);
  const flow = { from: cn, to: home, interval: 10 * ms, size: 100, start: 235_000 * ms, stop: 236_000 * ms };
  const after = simulation.cbr(flow);
  simulation.run(240_000 * ms);
  const updates = told('mn', 'bindingUpdate').map(({ atMs }) => atMs);
  assert.deepEqual(
    updates.map(atMs => (atMs < 201_000 ? 'first' : atMs > 231_000 && atMs < 233_000 ? 'again' : atMs)),
    ['first', 'again'],
  );
  assert.equal(lost(after), 0);
});
