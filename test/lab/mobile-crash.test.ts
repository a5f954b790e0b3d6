import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { namespaceOf, run } from '../../src/lab/host.js';
import type { Lab } from '../../src/lab/lab.js';
import { comparison, labTest, SteadyConnection, until, withLab } from './support.js';

/** Whatever of ours stands in the kernel of a node, a line each. */
async function ours(node: string): Promise<string[]> {
  const inside = async (...command: string[]) => {
    const text = await run('ip', ['netns', 'exec', namespaceOf(node), ...command]);
    return text.split('\n').map(line => line.trim());
  };
  const rules = (await inside('ip', '-6', 'rule')).filter(line => !/^(0|32766):/.test(line) && line !== '');
  const routes = (await inside('ip', '-6', 'route', 'show', 'table', 'all')).filter(line =>
    /proto 155|dev anchorage/.test(line),
  );
  const devices = (await inside('ip', '-br', 'link')).filter(line => line.startsWith('anchorage'));
  const tables = (await inside('nft', 'list', 'tables')).filter(line => line !== '');
  return [...rules, ...routes, ...devices, ...tables];
}

async function addressesOf(node: string): Promise<string> {
  return run('ip', ['-n', namespaceOf(node), '-6', 'address']);
}

async function registered(lab: Lab): Promise<void> {
  const rows = () => lab.agent('mn').ask({ command: 'show', topic: 'registrations' });
  const all = async () => (await rows()).every(({ state }) => state === 'registered') || undefined;
  await until('the mobile to be registered', all, 120_000);
}

labTest(
  'lab: kill -9 of the mobile node, its correspondent, its MAP and its home agent: once they are back the connection goes on',
  async directory => {
    await withLab({ scheme: 'hmip6', scenario: comparison(), directory }, async lab => {
      await lab.start();
      await lab.attach('mn', 'ar1');
      const addresses = await lab.addresses('mn');
      const connection = await SteadyConnection.start(lab, 'mn', directory);
      for (const node of ['mn', 'cn', 'anchor1', 'ha', 'ar1']) {
        await lab.agent(node).kill('SIGKILL');
        assert.notDeepEqual(await ours(node), [], `the kernel of ${node} goes on`);
        await lab.agent(node).start();
        await registered(lab);
        await connection.goesOn();
        assert.deepEqual(await lab.addresses('mn'), addresses);
      }
      await lab.move('mn', 'ar2', 50);
      await connection.goesOn();
    });
  },
);

labTest('lab: the daemons of Mobile IPv6 take everything out of the kernel at their end', async directory => {
  await withLab({ scheme: 'hmip6', scenario: comparison(), directory }, async lab => {
    await lab.build();
    const nodes = ['mn', 'cn', 'anchor1', 'ha', 'ar1'];
    await lab.startAgents();
    await lab.attach('mn', 'ar1');
    const [home] = await lab.addresses('mn');
    await SteadyConnection.start(lab, 'mn', directory);
    await lab.agent('mn').kill('SIGKILL');
    await lab.agent('mn').start();
    for (const node of nodes) {
      assert.notDeepEqual(await ours(node), [], node);
      await lab.agent(node).kill('SIGTERM');
      assert.deepEqual(await ours(node), [], node);
    }
    const left = await addressesOf('mn');
    assert.ok(!left.includes(home), left);
  });
});

labTest(
  'lab: a mobile node that is killed and comes back with another home address leaves nothing of the first',
  async directory => {
    await withLab({ scheme: 'mip6-tunnel', scenario: comparison(), directory }, async lab => {
      await lab.start();
      await lab.attach('mn', 'ar1');
      const [home] = await lab.addresses('mn');
      await registered(lab);
      const agent = lab.agent('mn');
      await agent.kill('SIGKILL');
      const other = home.replace(/[0-9a-f]+$/, 'b');
      writeFileSync(agent.configFile, readFileSync(agent.configFile, 'utf8').replaceAll(home, other));
      await agent.start();
      assert.deepEqual(await lab.addresses('mn'), [other]);
      const text = [...(await ours('mn')), await addressesOf('mn')].join('\n');
      assert.ok(text.includes(other), text);
      assert.ok(!text.includes(home), text);
    });
  },
);
