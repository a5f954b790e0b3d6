import assert from 'node:assert/strict';
import { comparison, kernelState, labTest, routesOf, SteadyPing, until, withLab } from './support.js';

labTest(
  'lab: kill -9 of the MPA and of the LMAP; traffic flows again without the host doing anything',
  async directory => {
    await withLab({ scheme: 'lmm', scenario: comparison(), directory }, async lab => {
      await lab.start();
      await lab.attach('mn', 'ar1');
      const [address] = await lab.addresses('mn');
      const ping = new SteadyPing(lab, 'mn', directory);
      await until('the first answer', () => ping.answers > 0 || undefined);
      const rules = async (node: string) =>
        (await lab.agent(node).ask({ command: 'show', topic: 'rules' })).map(row => JSON.stringify(row)).sort();
      const before = { ar1: await rules('ar1'), anchor1: await rules('anchor1') };
      for (const nodes of [['ar1'], ['anchor1'], ['ar1', 'anchor1']] as const) {
        await Promise.all(nodes.map(node => lab.agent(node).kill('SIGKILL')));
        await ping.goesOn();
        await Promise.all(nodes.map(node => lab.agent(node).start()));
        await ping.goesOn();
        assert.deepEqual(await lab.addresses('mn'), [address]);
      }
      assert.deepEqual({ ar1: await rules('ar1'), anchor1: await rules('anchor1') }, before);
      await lab.move('mn', 'ar2', 50);
      await ping.goesOn();
      const bindings = await lab.agent('anchor1').ask({ command: 'show', topic: 'bindings' });
      assert.equal(bindings.length, 1);
    });
  },
);

labTest('lab: an MPA that was down while its visitor left has no route for it once it is back', async directory => {
  await withLab({ scheme: 'lmm', scenario: comparison(), directory }, async lab => {
    await lab.start();
    await lab.attach('mn', 'ar1');
    const [address] = await lab.addresses('mn');
    const ping = new SteadyPing(lab, 'mn', directory);
    await until('the first answer', () => ping.answers > 0 || undefined);
    assert.notDeepEqual(await routesOf('ar1', address), []);
    await lab.agent('ar1').kill('SIGKILL');
    await lab.move('mn', 'ar2', 50);
    await ping.goesOn();
    await lab.agent('ar1').start();
    await until('the stale route to go', async () => (await routesOf('ar1', address)).length === 0 || undefined);
    await ping.goesOn();
    const [binding] = await lab.agent('anchor1').ask({ command: 'show', topic: 'bindings' });
    assert.ok(Object.values(binding).includes(lab.addressOf('ar2')), JSON.stringify(binding));
  });
});

labTest('lab: no address is given out twice over kill -9 of every daemon', async directory => {
  const scenario = comparison({ addressing: 'dhcpv6' }, 2);
  await withLab({ scheme: 'lmm', scenario, directory }, async lab => {
    await lab.start();
    await lab.attach('mn', 'ar1');
    const first = await lab.addresses('mn');
    await Promise.all(lab.agents.map(agent => agent.kill('SIGKILL')));
    await Promise.all(lab.agents.map(agent => agent.start()));
    await lab.attach('mn2', 'ar1');
    const second = await lab.addresses('mn2');
    assert.deepEqual(await lab.addresses('mn'), first);
    assert.notDeepEqual(second, first);
    for (const mobile of ['mn', 'mn2']) await new SteadyPing(lab, mobile, directory).goesOn();
  });
});

labTest(
  'lab: a daemon takes everything out of the kernel at its end, also what it installed before a crash',
  async directory => {
    await withLab({ scheme: 'lmm', scenario: comparison(), directory }, async lab => {
      await lab.build();
      const nodes = ['ar1', 'anchor1'];
      const before = await Promise.all(nodes.map(kernelState));
      await lab.startAgents();
      await lab.attach('mn', 'ar1');
      const [address] = await lab.addresses('mn');
      await new SteadyPing(lab, 'mn', directory).goesOn();
      for (const node of nodes) {
        await lab.agent(node).kill('SIGKILL');
        assert.notDeepEqual(await routesOf(node, address), [], 'forwarding goes on while the daemon is away');
        await lab.agent(node).start();
      }
      for (const node of nodes) await lab.agent(node).kill('SIGTERM');
      assert.deepEqual(await Promise.all(nodes.map(kernelState)), before);
    });
  },
);
