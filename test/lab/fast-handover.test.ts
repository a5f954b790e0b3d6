import assert from 'node:assert/strict';
import type { Lab } from '../../src/lab/lab.js';
import { comparison, labTest, SteadyConnection, until, withLab } from './support.js';

/** Registrations, Duplicate Address Detection and the daemons' work, on a machine that does much else. */
const patienceMs = 120_000;

async function counter(lab: Lab, node: string, name: string): Promise<number> {
  const rows = await lab.agent(node).ask({ command: 'show', topic: 'counters' });
  return Number(rows.find(({ counter }) => counter === name)?.value ?? 0);
}

async function boundAt(lab: Lab, router: string): Promise<void> {
  const { prefix } = lab.plan.network.accessRouters.find(({ node }) => node === router)!;
  const start = prefix.replace(/::\/\d+$/, ':');
  const bound = async () =>
    (await lab.agent('ha').ask({ command: 'show', topic: 'bindings' })).find(({ careOf }) =>
      String(careOf).startsWith(start),
    );
  await until(`the home agent to have the mobile at ${router}`, bound, patienceMs);
}

labTest(
  'lab: RFC 5568 §3: a handoff that was foretold is prepared by both routers, and the connection goes on',
  async directory => {
    await withLab({ scheme: 'fmip6', scenario: comparison(), directory }, async lab => {
      await lab.start();
      await lab.attach('mn', 'ar1');
      await boundAt(lab, 'ar1');
      const connection = await SteadyConnection.start(lab, 'mn', directory);
      await lab.foresee('mn', 'ar2');
      const prepared = async () => (await counter(lab, 'ar1', 'handoversPredictive')) > 0 || undefined;
      await until('the previous router to be told', prepared, patienceMs);
      await lab.move('mn', 'ar2', 50);
      await boundAt(lab, 'ar2');
      await connection.goesOn();
      assert.equal(await counter(lab, 'ar1', 'handoversPredictive'), 1);
      assert.equal(await counter(lab, 'ar1', 'handoversReactive'), 0);
    });
  },
);
