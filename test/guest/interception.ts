import assert from 'node:assert/strict';
import { once } from 'node:events';
import { namespaceTest, until } from '../../src/linux/testing.js';
import {
  buildAnchors,
  checkFlows,
  checkInterception,
  forward,
  home,
  rules,
  startAnchors,
  tunnel,
} from '../support/linux-anchors.js';
import { marks } from '../support/linux-checks.js';
import { ping } from '../support/linux-row.js';

/** What guest.test.ts runs in the guest: anchors that tell apart what others have intercepted, where tunnels are made by ip6tnl. */

namespaceTest('interception with ip6tnl', async (namespaces, context) => {
  buildAnchors(namespaces);
  const before = marks(namespaces, 'second');
  const worlds = await startAnchors(namespaces, 'ip6tnl');
  let { second } = worlds;

  await context.test('the tunnels are those that were asked for', () => {
    assert.match(second.words, /world started .*tunnels: 'ip6tnl'/);
  });
  await context.test('what an anchor has intercepted no other intercepts again', () =>
    checkInterception(namespaces, second),
  );
  await context.test('flows are told of with the tunnel that they came by', () => checkFlows(namespaces, worlds));
  await context.test('what was intercepted and had to wait for its rule is still not intercepted', async () => {
    await second.perform(forward(home, { kind: 'park', limitOctets: 100_000 }));
    const pinging = namespaces.spawn('correspondent', 'ping', ['-c3', '-i0.1', '-W60', '2001:db8:a::5']);
    await until('all parked', async () => (await second.statistics()).parkedOctets === 3 * 104);
    await second.perform(forward(home, tunnel('second', 'gateway')));
    assert.deepEqual(await once(pinging, 'close'), [0, null]);
  });
  await context.test(
    'restart: packets are told apart while no world runs, and by the next one, with seg6',
    async () => {
      await second.kill();
      assert.equal(ping(namespaces, 'correspondent', '2001:db8:a::5'), 3);
      second = await second.again(rules.second, { tunnels: 'seg6' });
      await checkInterception(namespaces, second);
    },
  );
  await context.test('restart: back to ip6tnl', async () => {
    await second.kill();
    second = await second.again(rules.second);
    await checkInterception(namespaces, second);
  });
  await context.test('stop: nothing is left', async () => {
    await second.stop();
    assert.equal(marks(namespaces, 'second'), before);
  });
});
