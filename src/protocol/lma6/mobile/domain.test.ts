import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agentAddress, agentNetwork } from '../../../../test/support/agent-network.js';
import { correspondentAddress, homeAgentAddress, lost } from '../../../../test/support/mobile-network.js';
import { ms, sentOn } from '../../../../test/support/network.js';
import { formatAddress } from '../../../base/address.js';
import type { Packet } from '../../../wire/ipv6/packet.js';

const modes = ['onePhase', 'twoPhase', 'relayed'] as const;
const careOfAt = (world: ReturnType<typeof agentNetwork>, node = world.homeAgent) =>
  world.rows(node, 'bindings').map(({ careOf }) => careOf);
const isData = ({ payload }: Packet) => payload.kind === 'udp';
/** What the home agent or the correspondent was sent, and when, that is no data. */
const heardBy = (world: ReturnType<typeof agentNetwork>, name: string) =>
  world.records.flatMap(({ at, node, event }) =>
    node === name && event.event === 'message' && event.direction === 'received' ? [at / ms] : [],
  );

test('D02-1.1-01, D02-3.1-01: in every mode, below one agent or two, nothing is lost while the mobile stays, and the home agent has the highest', () => {
  for (const mode of modes)
    for (const upper of [false, true]) {
      const world = agentNetwork({ agents: [{}, {}], upper, settings: { mode } });
      world.move(100, 1);
      world.move(4000, 2);
      const flows = [1000, 5000].flatMap(at => [
        world.traffic('down', at, at + 1000),
        world.traffic('up', at, at + 1000),
      ]);
      world.run(9000);
      assert.deepEqual(flows.map(lost), [0, 0, 0, 0], `${mode} ${upper}`);
      assert.deepEqual(careOfAt(world), [formatAddress(agentAddress(upper ? 9 : 2))]);
      assert.deepEqual(world.drops(), []);
    }
});

test('D02-4.1-05, D02-4.2-02: of a move below the same highest agent the home agent hears nothing, in a static hierarchy or a dynamic one', () => {
  for (const hierarchy of [{ upper: true }, { zone: 7 }])
    for (const mode of modes) {
      const world = agentNetwork({ agents: [{}, {}], settings: { mode }, ...hierarchy });
      world.move(100, 1);
      world.move(4000, 2);
      const flow = world.traffic('down', 5000, 6000);
      world.run(9000);
      const told = heardBy(world, 'ha');
      assert.ok(told.length > 0 && told.every(at => at < 1000), `${mode}: ${told}`);
      assert.equal(lost(flow), 0);
    }
});

test('D02-1.1-01, D02-7-01: a move takes the way to the home agent and back once in one phase; in two phases the way to the agent, too', () => {
  // Link 1 ms; agent to core 2 ms, core to home agent 20 ms; solicitation and advertisement 2 ms.
  const firstAfter = { onePhase: 2 + 23 + 23, twoPhase: 2 + 2 + 23 + 23 };
  for (const mode of ['onePhase', 'twoPhase'] as const) {
    const world = agentNetwork({ agents: [{}, {}], settings: { mode } });
    world.move(100, 1);
    world.move(4000, 2);
    const flow = world.traffic('down', 3000, 6000);
    world.run(9000);
    const first = flow.receivedAt.map(at => at / ms).find(at => at > 4000);
    // One that came to the home agent before it knew is a millisecond ahead of the first that did not.
    const late = (first ?? 0) - 4000 - firstAfter[mode];
    assert.ok(late >= 0 && late <= 1, `${mode}: ${first}`);
  }
});

test('D02-3.1-11, D02-3.1-12: with a binding at the correspondent the agent’s address stands in the routing header and the mobile’s as destination; without one they come as sent', () => {
  const world = agentNetwork({ agents: [{}], routeOptimisation: true });
  const air = sentOn(world.links[0]);
  world.move(100, 1);
  const flow = world.traffic('down', 1000, 3000);
  world.run(4000);
  const down = air
    .map(({ packet }) => packet)
    .filter(packet => isData(packet) && packet.source === correspondentAddress);
  assert.equal(lost(flow), 0);
  assert.ok(down.every(({ destination }) => destination === world.homeAddress));
  assert.equal(down[0].headers, undefined);
  assert.deepEqual(down.at(-1)?.headers, [{ kind: 'routingType2', segmentsLeft: 0, homeAddress: agentAddress(1) }]);
  assert.deepEqual(
    world.rows(world.correspondent, 'correspondentBindings').map(({ careOf }) => careOf),
    [formatAddress(agentAddress(1))],
  );
});

test('D02-2.2.2-08: what the mobile sends to a correspondent that knows it leaves the agent from the agent’s address', () => {
  for (const upper of [false, true]) {
    const world = agentNetwork({ agents: [{}, {}], upper, routeOptimisation: true });
    const wire = sentOn(world.correspondent.interfaces[0].link!);
    world.move(100, 1);
    const flow = world.traffic('up', 1000, 3000);
    world.move(3500, 2);
    const later = world.traffic('up', 5000, 6000);
    world.run(7000);
    const top = agentAddress(upper ? 9 : 2);
    const last = wire
      .map(({ packet }) => packet)
      .filter(packet => packet.destination === correspondentAddress && isData(packet))
      .at(-1);
    assert.equal(last?.source, top);
    assert.deepEqual([lost(flow), lost(later)], [0, 0]);
  }
});

test('draft-dommety §3.2.1: at a plain home agent the mobile is registered in two phases, through the agent, and its packets go', () => {
  const world = agentNetwork({ agents: [{}, {}], plainHomeAgent: true });
  world.move(100, 1);
  const flow = world.traffic('down', 8000, 9000);
  world.move(10_000, 2);
  const later = world.traffic('up', 11_000, 12_000);
  world.run(13_000);
  assert.deepEqual([lost(flow), lost(later)], [0, 0]);
  assert.deepEqual(careOfAt(world), [formatAddress(agentAddress(2))]);
});

test('D02-3.1-02, D02-2.2.1-07: with an address of its own behind the agent the mobile gets its packets through the agent’s tunnel', () => {
  const kinds = [
    { settings: { careOf: 'coLocated' } },
    { agents: [{ linkConnected: false }, { linkConnected: false }] },
  ];
  for (const kind of kinds)
    for (const mode of modes) {
      const { settings = {}, agents = [{}, {}] } = kind as { settings?: object; agents?: object[] };
      const world = agentNetwork({ agents: agents as never, upper: true, settings: { mode, ...settings } });
      const air = sentOn(world.links[1]);
      world.move(100, 1);
      world.move(4000, 2);
      const flows = (['down', 'up'] as const).map(direction => world.traffic(direction, 5000, 6000));
      world.run(9000);
      assert.deepEqual(flows.map(lost), [0, 0], mode);
      const tunnelled = air.filter(({ packet }) => packet.payload.kind === 'ipv6' && isData(packet.payload.packet));
      assert.equal(tunnelled.length, 2000);
      assert.deepEqual(careOfAt(world), [formatAddress(agentAddress(9))]);
    }
});

test('D02-4.2-09: nothing of an old hierarchy is left at agents or at the mobile once another stands', () => {
  const world = agentNetwork({ agents: [{}, {}, {}], zone: 7 });
  world.move(100, 1);
  world.move(3000, 2);
  world.move(6000, 3);
  world.run(30_000);
  const registered = [...world.agents].filter(([, node]) =>
    world.rows(node, 'bindings').some(({ state }) => state === 'registered'),
  );
  assert.deepEqual(
    registered.map(([n]) => n),
    [1, 3],
  );
  assert.deepEqual(
    world.rows(world.mobile, 'registrations').map(({ peer }) => peer),
    [homeAgentAddress, agentAddress(1), agentAddress(3)].map(formatAddress),
  );
});

test('D02-1-01: from agents to a link without one, and back, the mobile is a plain Mobile IPv6 node there', () => {
  const world = agentNetwork({ agents: [{}, {}], chains: [[1], []] });
  world.move(100, 1);
  world.move(4000, 2);
  const flow = world.traffic('down', 5000, 6000);
  world.move(7000, 1);
  const back = world.traffic('up', 8000, 9000);
  world.run(10_000);
  assert.deepEqual([lost(flow), lost(back)], [0, 0]);
  assert.deepEqual(careOfAt(world), [formatAddress(agentAddress(1))]);
});

test('D02-1.1-05: with two links up the mobile goes to the more wanted one before the other is gone, and loses nothing; below one highest agent the home agent hears nothing of it', () => {
  for (const hierarchy of [{ upper: true }, { zone: 7 }, {}])
    for (const mode of modes) {
      const agents = [{}, {}];
      const world = agentNetwork({ agents, settings: { mode }, interfaces: ['wlan0', 'wlan1'], ...hierarchy });
      world.move(100, 1, 'wlan1');
      world.move(4000, 2, 'wlan0');
      world.move(4500, undefined, 'wlan1');
      const flows = (['down', 'up'] as const).map(direction => world.traffic(direction, 3000, 6000));
      world.run(7000);
      assert.deepEqual(flows.map(lost), [0, 0], mode);
      const told = heardBy(world, 'ha').filter(at => at > 4000);
      assert.equal(told.length > 0, Object.keys(hierarchy).length === 0, `${mode}: ${told}`);
    }
});
