import assert from 'node:assert/strict';
import { boundAt, comparison, counter, labTest, patienceMs, SteadyConnection, until, withLab } from './support.js';

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
