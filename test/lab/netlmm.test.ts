import assert from 'node:assert/strict';
import type { Lab } from '../../src/lab/lab.js';
import type { Scenario } from '../../src/scenario/model.js';
import { assertSeamless, roam } from './roaming.js';
import { boundAt, comparison, counter, labTest, patienceMs, SteadyConnection, until, withLab } from './support.js';

/** Without a node for the PMIP client: then it is on the MAG where the mobile first comes. */
function coLocated(scenario: Scenario): Scenario {
  const nodes = scenario.nodes.filter(({ role }) => role !== 'pmip-client');
  const has = (name: string) => nodes.some(node => node.name === name);
  return { ...scenario, nodes, links: scenario.links.filter(link => link.kind !== 'wire' || link.ends.every(has)) };
}

/** Where the PMIP client at `node` has the mobile. */
async function clientsView(lab: Lab, node: string): Promise<unknown> {
  const [binding, ...others] = await lab.agent(node).ask({ command: 'show', topic: 'bindings' });
  assert.deepEqual(others, []);
  return binding?.careOf;
}

async function connectionThroughMoves(lab: Lab, client: string, directory: string): Promise<void> {
  await lab.start();
  await lab.attach('mn', 'ar1');
  const addresses = await lab.addresses('mn');
  assert.equal(addresses.length, 1);
  const connection = await SteadyConnection.start(lab, 'mn', directory);
  for (const router of ['ar2', 'ar3', 'ar1']) {
    await lab.move('mn', router, 50);
    await boundAt(lab, router, 'anchor1');
    await connection.goesOn();
    assert.equal(await clientsView(lab, client), lab.addressOf(router));
  }
  assert.equal(connection.address, addresses[0]);
  assert.deepEqual(await lab.addresses('mn'), addresses);
}

labTest(
  'S02-1-01, S02-4.1-02, S02-4.2-1-01: the TCP connection of an unmodified Linux host goes on at every MAG; the PMIP client is apart',
  async directory => {
    await withLab({ scheme: 'netlmm', scenario: comparison(), directory }, lab =>
      connectionThroughMoves(lab, 'client', directory),
    );
  },
);

labTest(
  'S02-3-06, S02-4.2-01: the same where the PMIP client is at the MAG that the mobile first came to',
  async directory => {
    const scenario = coLocated(comparison({ protection: 'esp' }));
    await withLab({ scheme: 'netlmm', scenario, directory }, lab => connectionThroughMoves(lab, 'ar1', directory));
  },
);

labTest(
  'S02-4.1-2-01, S02-4.1-2-02, S02-4.1-2-03: a host with a stock DHCPv6 client gets its pHoA through the MAG, which learns it from the answer',
  async directory => {
    const scenario = comparison({ addressing: 'dhcpv6' });
    const result = await roam('netlmm', scenario, directory);
    await assertSeamless(result);
    assert.ok(result.address.startsWith('fd00:a:1:'), `${result.address} is of the prefix of anchor1`);
  },
);

labTest(
  'S02-4.2-1-02: a move that the link layer foresees: the context is at the new MAG before the host',
  async directory => {
    await withLab({ scheme: 'netlmm-ct', scenario: comparison(), directory }, async lab => {
      await lab.start();
      await lab.attach('mn', 'ar1');
      await lab.addresses('mn');
      const connection = await SteadyConnection.start(lab, 'mn', directory);
      await lab.foresee('mn', 'ar2');
      const received = async () => (await counter(lab, 'ar2', 'contextsReceived')) > 0 || undefined;
      await until('the context at the new MAG', received, patienceMs);
      await lab.move('mn', 'ar2', 50);
      await boundAt(lab, 'ar2', 'anchor1');
      await connection.goesOn();
      assert.equal(await counter(lab, 'ar2', 'contextsActivated'), 1);
    });
  },
);

labTest(
  'S02-AppD-04: after a move that nobody foresaw the new MAG asks the one whose access point the host names',
  async directory => {
    await withLab({ scheme: 'netlmm-ct', scenario: comparison(), directory }, async lab => {
      await lab.start();
      await lab.attach('mn', 'ar1');
      await lab.addresses('mn');
      const connection = await SteadyConnection.start(lab, 'mn', directory);
      await lab.move('mn', 'ar2', 50);
      await boundAt(lab, 'ar2', 'anchor1');
      await connection.goesOn();
      assert.equal(await counter(lab, 'ar1', 'contextRequestsReceived'), 1);
      assert.equal(await counter(lab, 'ar2', 'contextsActivated'), 1);
    });
  },
);

labTest(
  'S02-4.5-02, S02-AppD-05: with contexts and data from MAG to MAG less is lost than the time without a link alone costs',
  async directory => {
    const result = await roam('netlmm-ct', comparison(), directory);
    await assertSeamless(result);
    const { lost, handovers, l2GapMs } = result;
    // The probe has a packet each millisecond, and a busy machine may cost some.
    assert.ok(lost.down < (handovers.length * l2GapMs) / 2, `${lost.down} packets lost`);
  },
);

labTest(
  'lab: kill -9 of the PMIP client, the MAG and the home agent, one after the other: the connection goes on, and so do moves',
  async directory => {
    await withLab({ scheme: 'netlmm', scenario: comparison(), directory }, async lab => {
      await lab.start();
      await lab.attach('mn', 'ar1');
      const addresses = await lab.addresses('mn');
      const connection = await SteadyConnection.start(lab, 'mn', directory);
      const routers = ['ar1', 'ar2'];
      for (const [i, node] of ['client', 'ar1', 'anchor1', 'client', 'ar2'].entries()) {
        const agent = lab.agent(node);
        await agent.kill('SIGKILL');
        await connection.goesOn();
        await agent.start();
        const router = routers[(i + 1) % 2];
        await lab.move('mn', router, 50);
        await boundAt(lab, router, 'anchor1');
        await connection.goesOn();
        assert.deepEqual(await lab.addresses('mn'), addresses);
      }
    });
  },
);
