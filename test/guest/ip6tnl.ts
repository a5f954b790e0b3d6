import assert from 'node:assert/strict';
import type { Namespaces } from '../../src/linux/namespaces.js';
import { namespaceTest } from '../../src/linux/testing.js';
import {
  checkPlainTunnels,
  checkStrangers,
  checkTunnelErrors,
  hasStale,
  leaveStale,
  marks,
} from '../support/linux-checks.js';
import { type BothWorlds, buildRow, kill, pingBothWays, startWorlds } from '../support/linux-row.js';

/** What guest.test.ts runs in the guest: one row of worlds through its life, since each start of a process takes seconds there. */

const agents = ['anchor', 'gateway'] as const;

namespaceTest('tunnels by ip6tnl', async (namespaces, context) => {
  buildRow(namespaces);
  const state = () => agents.map(namespace => marks(namespaces, namespace));
  const before = state();
  let worlds = await startWorlds(namespaces, { tunnels: 'ip6tnl' });

  await context.test('what the configuration asks for is taken and said', () => {
    assert.deepEqual(chosen(worlds), ['ip6tnl', 'ip6tnl']);
    assert.match(
      routes(namespaces),
      /encap ip6 id 0 src 2001:db8:b::1 dst 2001:db8:b::2 hoplimit 64 .*dev anchorage-ip6/,
    );
  });
  await context.test('gundavelli §7.3 [G00-7.3-02]: all traffic takes the tunnel, in plain IPv6 in IPv6', () =>
    checkPlainTunnels(namespaces),
  );
  await context.test('RFC 6275 §10.4.5: strangers are dropped and counted', () =>
    checkStrangers(namespaces, worlds.anchorWorld),
  );
  await context.test('RFC 2473 §8: an error about a tunnelled packet is told to its source, once', () =>
    checkTunnelErrors(namespaces),
  );
  await context.test(
    'restart: traffic flows without a world; auto takes seg6 where the kernel has it, over what was left',
    async () => {
      await leaveStale(namespaces, worlds);
      await kill(worlds);
      pingBothWays(namespaces);
      worlds = await startWorlds(namespaces, { tunnels: 'auto' });
      assert.deepEqual(chosen(worlds), ['seg6', 'seg6']);
      pingBothWays(namespaces);
      for (const namespace of agents) {
        assert.ok(!hasStale(namespaces, namespace));
        assert.doesNotMatch(namespaces.run(namespace, 'ip', 'link'), /anchorage-ip6/);
      }
    },
  );
  await context.test('restart: ip6tnl takes over what seg6 left', async () => {
    await leaveStale(namespaces, worlds);
    await kill(worlds);
    worlds = await startWorlds(namespaces, { tunnels: 'ip6tnl' });
    pingBothWays(namespaces);
    for (const namespace of agents) assert.ok(!hasStale(namespaces, namespace));
    assert.doesNotMatch(routes(namespaces), /seg6/);
  });
  await context.test('stop: nothing of ours is left', async () => {
    await Promise.all([worlds.anchorWorld.stop(), worlds.gatewayWorld.stop()]);
    assert.deepEqual(state(), before);
  });
});

function chosen({ anchorWorld, gatewayWorld }: BothWorlds): (string | undefined)[] {
  return [anchorWorld, gatewayWorld].map(world => /world started .*tunnels: '(\w+)'/.exec(world.words)?.[1]);
}

function routes(namespaces: Namespaces): string {
  return namespaces.run('anchor', 'ip', '-6', 'route', 'show', 'table', 'all');
}
