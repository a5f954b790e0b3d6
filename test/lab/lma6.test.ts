import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';
import { formatAddress } from '../../src/base/address.js';
import { namespaceOf, run } from '../../src/lab/host.js';
import type { Lab } from '../../src/lab/lab.js';
import { readyAddresses } from '../../src/lab/network.js';
import type { Row } from '../../src/protocol/contract.js';
import type { Placement, Scheme } from '../../src/protocol/scheme.js';
import { schemeNamed } from '../../src/protocol/schemes.js';
import type { Scenario } from '../../src/scenario/model.js';
import { decodePacket } from '../../src/wire/ipv6/codec.js';
import type { Packet } from '../../src/wire/ipv6/packet.js';
import { readCapture } from '../../src/wire/pcapng/reader.js';
import { comparison, counter, labTest, patienceMs, routesOf, SteadyConnection, until, withLab } from './support.js';

/** A scheme with its placements changed; undefined: not placed at all. */
function placing(name: string, change: (placement: Placement) => Placement['config'] | undefined): Scheme {
  const scheme = schemeNamed(name)!;
  const place: Scheme['place'] = network =>
    scheme.place(network).flatMap(placement => {
      const config = change(placement);
      return config ? [{ ...placement, config }] : [];
    });
  return { ...scheme, place };
}

function withParameters(scenario: Scenario, parameters: Scenario['parameters']): Scenario {
  return { ...scenario, parameters: { ...scenario.parameters, ...parameters } };
}

function rows(lab: Lab, node: string, topic: string): Promise<Row[]> {
  return lab.agent(node).ask({ command: 'show', topic });
}

/** The care-of address that the home agent has of a mobile, once it is as it should be. */
async function boundWith(lab: Lab, careOf: string): Promise<void> {
  const bound = async () => (await rows(lab, 'ha', 'bindings')).find(row => row.careOf === careOf);
  await until(`the home agent to have ${careOf}`, bound, patienceMs);
}

async function registered(lab: Lab, mobile = 'mn'): Promise<void> {
  const all = async () => {
    const found = await rows(lab, mobile, 'registrations');
    return (found.length > 0 && found.every(({ state }) => state === 'registered')) || undefined;
  };
  await until(`${mobile} to be registered`, all, patienceMs);
}

async function killed(lab: Lab, node: string): Promise<void> {
  await lab.agent(node).kill('SIGKILL');
  await lab.agent(node).start();
}

function* packetsOf(file: string): Generator<Packet> {
  for (const { bytes } of readCapture(readFileSync(file)))
    if (bytes[12] === 0x86 && bytes[13] === 0xdd) yield decodePacket(bytes, {}, 14);
}

/** Tunnelled packets that were seen there, as `outer source, outer destination`. */
function tunnelsIn(directory: string, link: string): Set<string> {
  const tunnelled = [...packetsOf(`${directory}/${link}.pcap`)].filter(({ payload }) => payload.kind === 'ipv6');
  return new Set(tunnelled.map(({ source, destination }) => `${formatAddress(source)}, ${formatAddress(destination)}`));
}

/** Those to the mobile's home address that it saw. */
function tunnelsTo(directory: string, home: string): string[] {
  return [...tunnelsIn(directory, 'mn')].filter(ends => ends.endsWith(`, ${home}`));
}

const stranger = 'mn2';

labTest(
  'lab: D02-2.1-Opt2-03, D02-2.1-Opt2-04, D02-1.1-07: a connection to an unmodified correspondent survives moves between agents on the link, and kill -9 of each daemon; a mobile whom they refuse gets nothing forwarded',
  async directory => {
    const scheme = placing('lma6-2', ({ role, config }) => {
      if (role === 'cn') return undefined;
      if (role !== 'lma6') return config;
      const profiles = [{ identity: 'mn@example.net' }];
      return { ...config, accessControl: true, aaa: { profiles } };
    });
    const scenario = withParameters(comparison({}, 2), { lmaAuthentication: 1 });
    await withLab({ scheme, scenario, directory }, async lab => {
      await lab.start();
      await lab.attach('mn', 'ar1');
      const [home] = await lab.addresses('mn');
      const connection = await SteadyConnection.start(lab, 'mn', directory);
      assert.equal(connection.address, home);
      for (const router of ['ar2', 'ar3']) {
        await lab.move('mn', router, 50);
        await boundWith(lab, lab.addressOf(router));
        await connection.goesOn();
      }
      await lab.attach(stranger, 'ar3');
      const [other] = await lab.addresses(stranger);
      const refused = async () => (await counter(lab, 'ar3', 'accessRejected')) > 0 || undefined;
      await until('a refusal', refused, patienceMs);
      for (const node of ['ar3', 'ha', 'mn']) {
        await killed(lab, node);
        await registered(lab);
        await connection.goesOn();
      }
      assert.deepEqual(await routesOf('ar3', other), [], 'nothing of who was refused');
      assert.notDeepEqual(await routesOf('ar3', home), []);
      const [onLink] = await until('an address of the link', async () => {
        const found = await readyAddresses(stranger, 'global');
        return found.length > 0 ? found : undefined;
      });
      for (const address of [other, onLink]) assert.equal(await answers(lab, stranger, address), 0, address);
      await lab.stop();
      assert.ok(tunnelsIn(directory, 'core-ha').has(`${lab.addressOf('ha')}, ${lab.addressOf('ar2')}`));
      assert.deepEqual(tunnelsTo(directory, home), [], 'the agent on the link delivers plainly');
      const sources = new Set([...packetsOf(`${directory}/core-cn.pcap`)].map(({ source }) => formatAddress(source)));
      assert.deepEqual(
        [home, other, onLink].map(address => sources.has(address)),
        [true, false, false],
      );
    });
  },
);

/** Echo replies to a host that asks the correspondent from that address. */
async function answers(lab: Lab, mobile: string, address: string): Promise<number> {
  const { address: correspondent } = lab.plan.network.correspondents[0];
  const command = `ping -c 3 -i 0.1 -W 1 -I ${address} ${correspondent} || true`;
  const report = await run('ip', ['netns', 'exec', namespaceOf(mobile), 'sh', '-c', command]);
  return Number(/(\d+) received/.exec(report)?.[1]);
}

labTest(
  'lab: D02-2.1-Opt3-04, D02-2.1-Opt3-05, D02-4.1-05: below one upper agent a move stays below it; the connection goes straight by way of the agents, through that, a move to another, and kill -9 of the upper one',
  async directory => {
    const scenario = withParameters(comparison(), { lmaRouteOptimisation: 1 });
    await withLab({ scheme: 'lma6-3', scenario, directory }, async lab => {
      await lab.start();
      await lab.attach('mn', 'ar1');
      const [home] = await lab.addresses('mn');
      const connection = await SteadyConnection.start(lab, 'mn', directory);
      const upper = lab.addressOf('anchor1');
      const straight = async (careOf: string) =>
        until(
          'the correspondent to know',
          async () => (await rows(lab, 'cn', 'correspondentBindings')).find(row => row.careOf === careOf),
          patienceMs,
        );
      await straight(upper);
      await connection.goesOn();
      const [before] = await rows(lab, 'ha', 'bindings');
      await lab.move('mn', 'ar2', 50);
      await below(lab, 'anchor1', 'ar2');
      await connection.goesOn();
      const [after] = await rows(lab, 'ha', 'bindings');
      assert.deepEqual(
        [after.careOf, after.sequence],
        [before.careOf, before.sequence],
        'the home agent heard nothing',
      );
      await killed(lab, 'anchor1');
      await registered(lab);
      await connection.goesOn();
      await lab.move('mn', 'ar3', 50);
      await boundWith(lab, lab.addressOf('anchor2'));
      await straight(lab.addressOf('anchor2'));
      await connection.goesOn();
      await lab.stop();
      assert.ok(tunnelsIn(directory, 'anchor1-ar2').has(`${upper}, ${lab.addressOf('ar2')}`));
      assert.deepEqual(tunnelsTo(directory, home), [], 'the agent on the link delivers plainly');
      const headers = [...packetsOf(`${directory}/core-cn.pcap`)].flatMap(packet => packet.headers ?? []);
      for (const kind of ['routingType2', 'destinationOptions'] as const)
        assert.ok(
          headers.some(header => header.kind === kind),
          kind,
        );
    });
  },
);

/** Resolves when the upper agent has the mobile at the agent of that router. */
async function below(lab: Lab, upper: string, router: string): Promise<void> {
  const careOf = lab.addressOf(router);
  const there = async () => (await rows(lab, upper, 'bindings')).find(row => row.careOf === careOf);
  await until(`${upper} to have the mobile at ${router}`, there, patienceMs);
}

/** The device and the link-local address of an end of the wire between two nodes. */
function endOf(lab: Lab, node: string, other: string) {
  const wire = lab.plan.wires.find(({ ends }) => ends.every(end => [node, other].includes(end.node)))!;
  return wire.ends.find(end => end.node === node)!;
}

function reconfigure(lab: Lab, node: string, change: (file: ConfigurationFile) => void): void {
  const { configFile } = lab.agent(node);
  const file = parse(readFileSync(configFile, 'utf8')) as ConfigurationFile;
  change(file);
  writeFileSync(configFile, stringify(file));
}
interface ConfigurationFile {
  readonly lma6: Record<string, unknown>;
  readonly ar: { agents: unknown[]; readonly links: unknown[] };
  readonly world: { links: Record<string, unknown> };
}

/** The agent tells the router below it, and only that tells mobiles. */
function relayAdvertisements(lab: Lab, upper: string, router: string): void {
  const [above, beneath] = [endOf(lab, upper, router), endOf(lab, router, upper)];
  const often = { intervalMs: { min: 300, max: 500 }, minimumSpacingMs: 100, routerLifetimeS: 0, insecure: true };
  reconfigure(lab, upper, ({ lma6, world }) => {
    world.links[above.device] = { device: above.device };
    lma6.advertise = { links: [{ name: above.device, ...often, routers: [beneath.address] }] };
  });
  reconfigure(lab, router, ({ ar, world }) => {
    world.links[beneath.device] = { device: beneath.device };
    ar.agents = [];
    ar.links.push({ name: beneath.device, ...often, discoverAgents: true, agentHoldMs: 60_000 });
  });
}

labTest(
  'lab: D02-2.1-Opt4-01, D02-2.1-Opt4-06: a mobile with a care-of address of its own hears of an agent from a router that heard of it; the connection survives moves, and kill -9 of agent and router',
  async directory => {
    const scheme = placing('lma6-4', ({ role, config }) => (role === 'cn' ? undefined : config));
    await withLab({ scheme, scenario: comparison(), directory }, async lab => {
      await lab.build();
      relayAdvertisements(lab, 'anchor1', 'ar1');
      await lab.startAgents();
      await lab.attach('mn', 'ar1');
      const connection = await SteadyConnection.start(lab, 'mn', directory);
      await boundWith(lab, lab.addressOf('anchor1'));
      for (const node of ['anchor1', 'ar1']) {
        await killed(lab, node);
        await registered(lab);
        await connection.goesOn();
      }
      await lab.move('mn', 'ar3', 50);
      await boundWith(lab, lab.addressOf('anchor2'));
      await connection.goesOn();
      await lab.stop();
      const ends = [...tunnelsIn(directory, 'mn')];
      const prefix = lab.plan.network.accessRouters[0].prefix.replace(/::\/\d+$/, ':');
      assert.ok(
        ends.some(pair => pair.startsWith(`${lab.addressOf('anchor1')}, ${prefix}`)),
        `tunnels to an address of the link among ${ends}`,
      );
    });
  },
);
