import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { formatAddress } from '../../src/base/address.js';
import { adjust } from '../../src/lab/adjust.js';
import { namespaceOf, run } from '../../src/lab/host.js';
import type { Lab } from '../../src/lab/lab.js';
import { readProbe } from '../../src/lab/probe.js';
import { announcedTable } from '../../src/linux/announcements.js';
import type { Row } from '../../src/protocol/contract.js';
import { assertSeamless, roam } from './roaming.js';
import { labTest, patienceMs, SteadyConnection, scenarioIn, until, withLab } from './support.js';
import { echoes, sightings, tunnelsOf } from './tunnels.js';

const threeSites = () => scenarioIn('test/lab/three-sites.yaml');

function rows(lab: Lab, node: string, topic: string): Promise<Row[]> {
  return lab.agent(node).ask({ command: 'show', topic });
}

/** Resolves when the anchor has the mobile at that router, and the router knows so. */
async function anchored(lab: Lab, mobile: string, anchor: string, router: string): Promise<void> {
  const { identity } = lab.mobile(mobile).node;
  const careOf = lab.addressOf(router);
  const there = async () =>
    (await rows(lab, anchor, 'bindings')).some(row => row.identity === identity && row.careOf === careOf) &&
    (await rows(lab, router, 'visitors')).some(row => row.identity === identity && row.forwards !== '');
  await until(`${anchor} to have ${mobile} at ${router}`, there, patienceMs);
}

/** The node's next hop to an address, as its kernel has it. */
async function nextHop(node: string, address: string): Promise<string | undefined> {
  try {
    const route = await run('ip', ['-n', namespaceOf(node), '-6', 'route', 'get', address]);
    return /dev (\S+)/.exec(route)?.[1];
  } catch {
    return undefined;
  }
}

/** Resolves when `router` sends what is for that address towards its own wire to `neighbour`. */
async function leadsTo(lab: Lab, router: string, neighbour: string, address: string): Promise<void> {
  const wire = lab.plan.wires.find(({ ends }) => ends.every(({ node }) => [router, neighbour].includes(node)))!;
  const { device } = wire.ends.find(({ node }) => node === router)!;
  const leads = async () => (await nextHop(router, address)) === device;
  await until(`${router} to send what is for ${address} to ${neighbour}`, leads, patienceMs);
}

/** Packets of the probe that passed through a tunnel twice, on any wire. */
function goneRound(directory: string): string[] {
  const captures = readdirSync(directory).filter(file => file.endsWith('.pcap'));
  const passages = captures.flatMap(file =>
    readProbe(join(directory, file)).flatMap(({ direction, sequence, tunnel }) =>
      tunnel ? [`${direction} ${sequence}: ${file} ${formatAddress(tunnel.from)} > ${formatAddress(tunnel.to)}`] : [],
    ),
  );
  const seen = new Set<string>();
  return passages.filter(passage => seen.size === seen.add(passage).size);
}

/** Prefixes that the anchor tells the network's routing of. */
async function announced(anchor: string): Promise<string[]> {
  const routes = await run('ip', ['-n', namespaceOf(anchor), '-6', 'route', 'show', 'table', String(announcedTable)]);
  return [...routes.matchAll(/^blackhole (\S+)/gm)].map(([, prefix]) => prefix);
}

async function ping(from: string, to: string, count: number): Promise<void> {
  const words = ['ping', '-n', '-c', String(count), '-i', '0.2', '-W', '5', to];
  const said = await run('ip', ['netns', 'exec', namespaceOf(from), ...words]);
  assert.match(said, new RegExp(`${count} received`), said);
}

/** Attaches the mobile and resolves with its address, when all routers know that it is nearest at their own anchor. */
async function attach(lab: Lab, mobile: string, router: string): Promise<string> {
  await lab.attach(mobile, router);
  const [address] = await lab.addresses(mobile);
  for (const site of [1, 2, 3]) await leadsTo(lab, `r${site}`, `anchor${site}`, address);
  return address;
}

labTest(
  'lab: C03-2.3-15, C03-4.2-02, C03-4.2-03, C03-5.1-05, C03-5.1-06: packets to a host away from home are caught by the nearest LMA, the first goes by the home LMA, those after it straight; its connection goes on from site to site, and over kill -9 of each LMA',
  async directory => {
    await withLab({ scheme: 'dlma', scenario: threeSites(), directory }, async lab => {
      await lab.start();
      const home = await attach(lab, 'mn', 'ar1');
      for (const anchor of ['anchor1', 'anchor2', 'anchor3'])
        assert.deepEqual((await announced(anchor)).sort(), ['fd00:a:1::/48', 'fd00:a:2::/47']);
      await anchored(lab, 'mn', 'anchor1', 'ar1');
      await lab.move('mn', 'ar2', 50);
      await anchored(lab, 'mn', 'anchor2', 'ar2');
      await ping('cn', home, 5);
      const connection = await SteadyConnection.start(lab, 'mn', directory);
      for (const [router, anchor] of [
        ['ar4', 'anchor2'],
        ['ar3', 'anchor3'],
        ['ar1', 'anchor1'],
        ['ar2', 'anchor2'],
      ]) {
        await lab.move('mn', router, 50);
        await anchored(lab, 'mn', anchor, router);
        await connection.goesOn();
      }
      for (const anchor of ['anchor3', 'anchor2', 'anchor1']) {
        await lab.agent(anchor).kill('SIGKILL');
        await connection.goesOn();
        await lab.agent(anchor).start();
        await connection.goesOn();
      }
      await lab.move('mn', 'ar3', 50);
      await anchored(lab, 'mn', 'anchor3', 'ar3');
      await connection.goesOn();
      assert.equal(connection.address, home);
      assert.deepEqual(await lab.addresses('mn'), [home]);
      await lab.stop();
      const seen = sightings(lab);
      assert.deepEqual(tunnelsOf(lab, echoes(seen, home, 1)), [
        'anchor3 > anchor1',
        'anchor1 > anchor2',
        'anchor2 > ar2',
      ]);
      assert.deepEqual(tunnelsOf(lab, echoes(seen, home, 5)), ['anchor3 > anchor2', 'anchor2 > ar2']);
    });
  },
);

labTest(
  'lab: C03-5.3-01, C03-6.4-01: a connection from host to host goes on while both move, one after the other and at the same time',
  async directory => {
    await withLab({ scheme: 'dlma', scenario: threeSites(), directory }, async lab => {
      await lab.start();
      const homes = [await attach(lab, 'mn', 'ar1'), await attach(lab, 'mn2', 'ar2')];
      const connection = await SteadyConnection.start(lab, 'mn', directory, { node: 'mn2', address: homes[1] });
      for (const [router, router2] of [
        ['ar3', 'ar2'],
        ['ar3', 'ar1'],
        ['ar1', 'ar4'],
        ['ar2', 'ar3'],
        ['ar3', 'ar2'],
      ]) {
        await Promise.all([
          lab.placeOf('mn') !== router && lab.move('mn', router, 50),
          lab.placeOf('mn2') !== router2 && lab.move('mn2', router2, 50),
        ]);
        await connection.goesOn();
      }
      assert.deepEqual([...(await lab.addresses('mn')), ...(await lab.addresses('mn2'))], homes);
      await ping('mn', homes[1], 5);
      await connection.goesOn();
      await lab.stop();
      assert.deepEqual(tunnelsOf(lab, echoes(sightings(lab), homes[1], 5)), [
        'ar3 > anchor3',
        'anchor3 > anchor2',
        'anchor2 > ar2',
      ]);
    });
  },
);

labTest(
  'lab: C03-2.3-05, C03-4.2-03: when the LMA nearest to a correspondent fails, the network’s routing leads to the next, and the connection goes on',
  async directory => {
    await withLab({ scheme: 'dlma', scenario: threeSites(), directory }, async lab => {
      await lab.start();
      const home = await attach(lab, 'mn', 'ar1');
      const connection = await SteadyConnection.start(lab, 'mn', directory);
      await lab.cutPower('anchor3');
      await leadsTo(lab, 'r3', 'r2', home);
      await connection.goesOn();
      await ping('cn', home, 3);
      await lab.move('mn', 'ar2', 50);
      await connection.goesOn();
      await lab.stop();
      assert.ok(tunnelsOf(lab, echoes(sightings(lab), home, 1)).includes('anchor2 > anchor1'));
    });
  },
);

labTest(
  'lab: C03-5.1.1-02, C03-5.4-06: where tunnels are joined, an LMA sends what a correspondent has for a host straight to its MAG, and a MAG what a host has for another',
  async directory => {
    await withLab({ scheme: 'dlma-bypass', scenario: threeSites(), directory }, async lab => {
      await lab.start();
      const [home, home2] = [await attach(lab, 'mn', 'ar1'), await attach(lab, 'mn2', 'ar3')];
      await lab.move('mn', 'ar2', 50);
      await anchored(lab, 'mn', 'anchor2', 'ar2');
      const connection = await SteadyConnection.start(lab, 'mn', directory);
      await ping('cn', home, 10);
      await ping('mn', home2, 12);
      await lab.move('mn', 'ar4', 50);
      await connection.goesOn();
      await lab.move('mn', 'ar1', 50);
      await connection.goesOn();
      await lab.stop();
      const seen = sightings(lab);
      assert.deepEqual(tunnelsOf(lab, echoes(seen, home, 10)), ['anchor3 > ar2']);
      assert.deepEqual(tunnelsOf(lab, echoes(seen, home2, 12)), ['ar2 > ar3']);
    });
  },
);

labTest(
  'lab: C03-5.1-06, C03-5.1.3-05: `anchorage lab` shows that a host gets what is for it from site to site, and by which tunnels; none goes round',
  async directory => {
    const result = await roam('dlma', adjust(scenarioIn('scenarios/distributed.yaml'), {}), directory);
    await assertSeamless(result);
    const { to, downlink } = result.handovers[3];
    assert.equal(to, 'ar1');
    assert.deepEqual(downlink?.last, ['origin > visited', 'visited > ar1']);
    assert.deepEqual(goneRound(directory), []);
  },
);
