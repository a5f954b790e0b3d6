import assert from 'node:assert/strict';
import type { Namespaces } from '../../src/linux/namespaces.js';
import { namespaceTest, until } from '../../src/linux/testing.js';
import { marks } from '../support/linux-checks.js';
import {
  checkCongestion,
  checkIpv4Strangers,
  checkOuterHeader,
  checkPathMtu,
  checkPlainIpv4,
  checkTransfer,
} from '../support/linux-ipv4-checks.js';
import { buildIpv4Row, startIpv4Gateway, startIpv4Worlds } from '../support/linux-ipv4-row.js';
import { type BothWorlds, kill, ping, pingBothWays } from '../support/linux-row.js';

/** What guest.test.ts runs in the guest: one row of worlds through its life, since each start of a process takes seconds there. */

const agents = ['anchor', 'gateway'] as const;

namespaceTest('tunnels of IPv4 by sit', async (namespaces, context) => {
  buildIpv4Row(namespaces);
  const state = () => agents.map(namespace => marks(namespaces, namespace));
  const before = state();
  let worlds = await startIpv4Worlds(namespaces);

  await context.test('auto takes the sit of a kernel that has it, and says so', () => {
    for (const { words } of [worlds.anchorWorld, worlds.gatewayWorld]) assert.match(words, /ipv4Tunnels: 'sit'/);
    assert.match(devices(namespaces), /anch4s-c0000201@NONE: .*sit/s);
    assert.doesNotMatch(devices(namespaces), /anch4u/);
  });
  await context.test('RFC 4213 §3: the core carries IPv6 in IPv4 and nothing else', async () => {
    await theWay(namespaces);
    await checkPlainIpv4(namespaces);
  });
  await context.test('§3.2.2, §3.3, §3.5: the outer header', () => checkOuterHeader(namespaces));
  await context.test('§3.6: strangers are dropped, counted and told', () =>
    checkIpv4Strangers(namespaces, worlds.anchorWorld),
  );
  await context.test('RFC 6040 §4.2: marks of congestion', () => checkCongestion(namespaces));
  await context.test('§3.2.2: packets that are too big', () => checkPathMtu(namespaces));
  await context.test('TCP both ways', () => checkTransfer(namespaces, '1M'));
  await context.test('restart: traffic flows without a world; what user space makes takes over', async () => {
    await kill(worlds);
    pingBothWays(namespaces);
    worlds = await startIpv4Worlds(namespaces, { ipv4Tunnels: 'userSpace' });
    await theWay(namespaces);
    pingBothWays(namespaces);
    assert.doesNotMatch(devices(namespaces), /anch4s/);
  });
  await context.test('TCP both ways between a kernel that puts segments together and a thread of ours', async () => {
    worlds = await restartGateway(namespaces, worlds);
    await theWay(namespaces);
    await checkTransfer(namespaces, '1M');
  });
  await context.test('stop: nothing of ours is left', async () => {
    await Promise.all([worlds.anchorWorld.stop(), worlds.gatewayWorld.stop()]);
    assert.deepEqual(state(), before);
  });
});

/** Resolves when packets pass: a thread takes its time to begin. */
async function theWay(namespaces: Namespaces): Promise<void> {
  await until('the way', () => ping(namespaces, 'correspondent', '2001:db8:a::5', 1) === 1);
}

function devices(namespaces: Namespaces): string {
  return agents.map(namespace => namespaces.run(namespace, 'ip', '-d', 'link')).join('');
}

/** Has the gateway's tunnels made by the kernel, while the anchor's are made by a thread. */
async function restartGateway(namespaces: Namespaces, { anchorWorld, gatewayWorld }: BothWorlds): Promise<BothWorlds> {
  await gatewayWorld.kill();
  return { anchorWorld, gatewayWorld: await startIpv4Gateway(namespaces, { ipv4Tunnels: 'sit' }) };
}
