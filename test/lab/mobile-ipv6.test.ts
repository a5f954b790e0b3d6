import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';
import { type Address, formatAddress, parseAddress } from '../../src/base/address.js';
import { parsePrefix, prefixContains, prefixOf } from '../../src/base/prefix.js';
import { namespaceOf, run } from '../../src/lab/host.js';
import type { Lab } from '../../src/lab/lab.js';
import type { Row } from '../../src/protocol/contract.js';
import type { Placement, Scheme } from '../../src/protocol/scheme.js';
import { schemeNamed } from '../../src/protocol/schemes.js';
import { placedTunnel } from '../../src/protocol/security/placement.js';
import { decodePacket } from '../../src/wire/ipv6/codec.js';
import { type Packet, protocol } from '../../src/wire/ipv6/packet.js';
import { readCapture } from '../../src/wire/pcapng/reader.js';
import { assertCleanCapture } from '../oracle/tshark.js';
import { comparison, labTest, patienceMs, SteadyConnection, until, withLab } from './support.js';

/** The first row of a daemon's topic for which `is` holds, once there is one. */
function row(lab: Lab, node: string, topic: string, what: string, is: (row: Row) => boolean): Promise<Row> {
  const found = async () => (await lab.agent(node).ask({ command: 'show', topic })).find(is);
  return until(`${node} to show ${what}`, found, patienceMs);
}

/** Whether an address is of an access router's own prefix. */
function isAt(lab: Lab, router: string, address: unknown): boolean {
  const { prefix } = lab.plan.network.accessRouters.find(({ node }) => node === router)!;
  return typeof address === 'string' && address.startsWith(prefix.replace(/::\/\d+$/, ':'));
}

function atRouter(lab: Lab, router: string) {
  return ({ careOf }: Row) => isAt(lab, router, careOf);
}

/** Resolves when the home agent, or the MAP in front of it, knows that the mobile is there. */
async function moved(lab: Lab, router: string, anchor: string): Promise<void> {
  await lab.move('mn', router, 50);
  await row(lab, anchor, 'bindings', `a binding at ${router}`, atRouter(lab, router));
}

function* packetsOf(file: string): Generator<Packet> {
  for (const { bytes } of readCapture(readFileSync(file)))
    if (bytes[12] === 0x86 && bytes[13] === 0xdd) yield decodePacket(bytes, {}, 14);
}

function assertAllClean(lab: Lab): void {
  const busy = lab.captures.captures.filter(({ name }) => !/^(ar1-ar2|client-anchor1)$/.test(name));
  for (const { file } of busy) assertCleanCapture(file);
}

labTest(
  'lab: RFC 6275 §11.3: a TCP connection from the home address survives moves, straight to its correspondent after each',
  async directory => {
    const scenario = comparison();
    await withLab({ scheme: 'mip6', scenario, directory }, async lab => {
      await lab.start();
      await lab.attach('mn', 'ar1');
      const [home] = await lab.addresses('mn');
      const connection = await SteadyConnection.start(lab, 'mn', directory);
      assert.equal(connection.address, home, 'what an application gets that does not choose');
      for (const router of ['ar2', 'ar3', 'ar1']) {
        await moved(lab, router, 'ha');
        await row(lab, 'cn', 'correspondentBindings', `a binding at ${router}`, atRouter(lab, router));
        await connection.goesOn();
        assert.deepEqual(await lab.addresses('mn'), [home]);
      }
      await lab.stop();
      const headers = [...packetsOf(`${directory}/core-cn.pcap`)]
        .filter(({ payload }) => payload.kind === 'tcp')
        .flatMap(packet => packet.headers ?? []);
      assert.ok(
        headers.some(({ kind }) => kind === 'routingType2'),
        'with a type 2 routing header to the mobile',
      );
      assert.ok(
        headers.some(({ kind }) => kind === 'destinationOptions'),
        'with a Home Address option from it',
      );
      assertAllClean(lab);
    });
  },
);

labTest(
  'lab: RFC 4140 §6.1, §12 [H4140-6.1-17] [H4140-6.1-25]: a TCP connection survives moves within a MAP domain and between two; nobody outside learns where the mobile is',
  async directory => {
    const scenario = comparison();
    await withLab({ scheme: 'hmip6', scenario, directory }, async lab => {
      await lab.start();
      await lab.attach('mn', 'ar1');
      const [home] = await lab.addresses('mn');
      const connection = await SteadyConnection.start(lab, 'mn', directory);
      assert.equal(connection.address, home);
      const regional = async () => (await lab.agent('ha').ask({ command: 'show', topic: 'bindings' }))[0]?.careOf;
      const first = await regional();
      await moved(lab, 'ar2', 'anchor1');
      await connection.goesOn();
      assert.equal(await regional(), first, 'the home agent heard nothing of a move within the domain');
      await moved(lab, 'ar3', 'anchor2');
      await row(lab, 'ha', 'bindings', 'another regional address', ({ careOf }) => careOf !== first);
      await connection.goesOn();
      await moved(lab, 'ar1', 'anchor1');
      await row(lab, 'ha', 'bindings', 'the first regional address', ({ careOf }) => careOf === first);
      await connection.goesOn();
      assert.deepEqual(await lab.addresses('mn'), [home]);
      await lab.stop();
      assertPrivate(lab, ['core-cn', 'core-ha'], directory);
      assertAllClean(lab);
    });
  },
);

/** RFC 4140 §12: no packet there has an address of an access link anywhere in it. */
function assertPrivate(lab: Lab, links: readonly string[], directory: string): void {
  const prefixes = lab.plan.network.accessRouters.map(({ prefix }) => parsePrefix(prefix));
  for (const link of links)
    for (const { bytes } of readCapture(readFileSync(`${directory}/${link}.pcap`))) {
      const text = Buffer.from(bytes).toString('latin1');
      for (const { address, length } of prefixes)
        assert.ok(!text.includes(octetsOf(address, length)), `${link} shows an address of ${formatAddress(address)}`);
    }
}

function octetsOf(address: Address, length: number): string {
  const octets = [...address].flatMap(unit => [unit.charCodeAt(0) >> 8, unit.charCodeAt(0) & 0xff]);
  return Buffer.from(octets.slice(0, length / 8)).toString('latin1');
}

/** A scheme with the configurations of some roles changed. */
function configured(name: string, change: (placement: Placement) => Placement['config']): Scheme {
  const scheme = schemeNamed(name)!;
  const place: Scheme['place'] = network =>
    scheme.place(network).map(placement => ({ ...placement, config: change(placement) }));
  return { ...scheme, place };
}

/** Faster than RFC 4140 §10 would have it, and still slow enough for a machine that is busy. */
const failureDetection = { intervalMs: 2000, retryIntervalMs: 2000, retries: 2 };

/** The MAP's machine still routes, but there is no MAP any more. */
async function killMap(lab: Lab, node: string): Promise<void> {
  await lab.agent(node).kill('SIGTERM');
  for (const address of lab.addressesOf(node).slice(1))
    await run('ip', ['-n', namespaceOf(node), '-6', 'address', 'del', `${address}/128`, 'dev', 'lo']);
}

labTest(
  'lab: RFC 4140 §7.2, §10 [H4140-7.2-08] [H4140-10-08]: without its MAP, and without another, a mobile falls back to Mobile IPv6; its connection goes on',
  async directory => {
    const scheme = configured('hmip6', ({ role, config }) =>
      role === 'ar' ? { ...config, failureDetection } : config,
    );
    await withLab({ scheme, scenario: comparison(), directory }, async lab => {
      await lab.start();
      await lab.attach('mn', 'ar1');
      const connection = await SteadyConnection.start(lab, 'mn', directory);
      await killMap(lab, 'anchor1');
      await row(lab, 'ha', 'bindings', 'the on-link care-of address', atRouter(lab, 'ar1'));
      await connection.goesOn();
    });
  },
);

labTest(
  'lab: RFC 4140 §7.2, §10 [H4140-7.2-06] [H4140-10-03] [H4140-10-04] [H4140-10-05]: without its MAP a mobile registers with the other one that is advertised',
  async directory => {
    let other = '';
    const scheme = configured('hmip6', ({ role, node, config }) => {
      if (role === 'map' && node === 'anchor2') other = String(config.address);
      if (role === 'map') return { ...config, localPrefixes: ['fd00:b::/32'], neighbourPrefixes: [] };
      return role === 'ar' ? { ...config, failureDetection } : config;
    });
    const both = {
      ...scheme,
      place: (network: Parameters<Scheme['place']>[0]) => {
        const placements = scheme.place(network);
        return placements.map(placement =>
          placement.role === 'ar' ? { ...placement, config: withSecondMap(placement.config, other) } : placement,
        );
      },
    };
    await withLab({ scheme: both, scenario: comparison(), directory }, async lab => {
      await lab.start();
      await lab.attach('mn', 'ar1');
      const connection = await SteadyConnection.start(lab, 'mn', directory);
      const [before] = await lab.agent('ha').ask({ command: 'show', topic: 'bindings' });
      await killMap(lab, 'anchor1');
      const domain = prefixOf(parseAddress(other), 64);
      await row(lab, 'ha', 'bindings', 'a regional address at the other MAP', ({ careOf }) =>
        prefixContains(domain, parseAddress(String(careOf))),
      );
      await row(lab, 'anchor2', 'bindings', 'the mobile at the first access router', atRouter(lab, 'ar1'));
      assert.notEqual(before.careOf, undefined);
      await connection.goesOn();
    });
  },
);

function withSecondMap(config: Placement['config'], address: string): Placement['config'] {
  const maps = config.maps as readonly { readonly address: string }[];
  return maps.some(map => map.address === address) ? config : { ...config, maps: [...maps, { address, distance: 2 }] };
}

/** A home agent with a second foot, on the first access router's link: that is the home link, and the address is of its prefix. */
function atHomeOnFirstLink(): { readonly scheme: Scheme; readonly home: string } {
  const home = 'fd00:b:1::66';
  const scheme = schemeNamed('mip6-tunnel')!;
  const place: Scheme['place'] = network => {
    const placements = scheme.place(network);
    const before = String(placements.find(({ role }) => role === 'mn')!.config.address);
    const { prefix } = network.accessRouters.find(({ node }) => node === 'ar1')!;
    return placements.map(placement => {
      const config = JSON.parse(JSON.stringify(placement.config).replaceAll(before, home));
      return {
        ...placement,
        config: placement.role === 'ha' ? { ...config, prefixes: [prefix], homeLink: 'home' } : config,
      };
    });
  };
  return { scheme: { ...scheme, place }, home };
}

async function addHomeLink(lab: Lab): Promise<void> {
  const { bridge } = lab.plan.radios.find(({ router }) => router === 'ar1')!;
  await run('ip', [
    'link',
    'add',
    'home',
    'netns',
    namespaceOf('ha'),
    'type',
    'veth',
    'peer',
    'name',
    'home',
    'netns',
    namespaceOf('air'),
  ]);
  await run('ip', ['-n', namespaceOf('air'), 'link', 'set', 'home', 'master', bridge, 'up']);
  await run('ip', ['-n', namespaceOf('ha'), 'link', 'set', 'home', 'up']);
  await run('ip', ['-n', namespaceOf('ha'), '-6', 'address', 'add', 'fd00:b:1::2/64', 'dev', 'home', 'nodad']);
  const { configFile } = lab.agent('ha');
  const file = parse(readFileSync(configFile, 'utf8')) as { world: { links: Record<string, unknown> } };
  file.world.links.home = { device: 'home' };
  writeFileSync(configFile, stringify(file));
}

labTest(
  'lab: RFC 6275 §10.4.1, §11.5.5: a connection goes on while the mobile comes home and leaves again; its home agent stands in for it on the home link',
  async directory => {
    const { scheme, home } = atHomeOnFirstLink();
    await withLab({ scheme, scenario: comparison(), directory }, async lab => {
      await lab.build();
      await addHomeLink(lab);
      await lab.startAgents();
      await lab.attach('mn', 'ar2');
      assert.deepEqual(await lab.addresses('mn'), [home]);
      const connection = await SteadyConnection.start(lab, 'mn', directory);
      assert.equal(connection.address, home);
      const own = await run('ip', [
        '-n',
        namespaceOf('ha'),
        '-6',
        'route',
        'show',
        'table',
        'local',
        'type',
        'anycast',
      ]);
      assert.match(own, /fd00:b:1:0:fdff:ffff:ffff:fffe dev home/, 'RFC 2526: the home agents’ anycast address');
      const proxied = async () => {
        const text = await run('ip', ['-n', namespaceOf('ha'), '-6', 'neigh', 'show', 'proxy']);
        return text.includes(home);
      };
      for (let round = 0; round < 2; round++) {
        assert.ok(await proxied(), 'the home agent stands in');
        await lab.move('mn', 'ar1', 50);
        const bindings = () => lab.agent('ha').ask({ command: 'show', topic: 'bindings' });
        const gone = async () => (await bindings()).every(({ state }) => state !== 'registered') || undefined;
        await until('the binding to go', gone, patienceMs);
        assert.ok(!(await proxied()), 'nobody stands in for it at home');
        await connection.goesOn();
        await moved(lab, 'ar2', 'ha');
        await connection.goesOn();
      }
    });
  },
);

/** The scheme with ESP in tunnel mode between mobile and home agent for what goes on to third parties. */
function withProtectedTunnel(name: string): Scheme {
  return configured(name, ({ role, config }) => {
    if (role !== 'ha' && role !== 'mn') return config;
    const peers = config.peers as readonly { readonly address: string; readonly security: object }[];
    const own = String(config.address);
    const changed = peers.map(peer => ({
      ...peer,
      security: { ...peer.security, tunnel: placedTunnel(own, peer.address) },
    }));
    return { ...config, peers: changed };
  });
}

labTest(
  'lab: RFC 6275 §5.2.5: tests by way of the home agent go in ESP, and nobody reads them on the way',
  async directory => {
    const scenario = comparison({ protection: 'esp' });
    await withLab({ scheme: withProtectedTunnel('mip6'), scenario, directory }, async lab => {
      await lab.start();
      await lab.attach('mn', 'ar1');
      const connection = await SteadyConnection.start(lab, 'mn', directory);
      await row(lab, 'cn', 'correspondentBindings', 'a binding at ar1', atRouter(lab, 'ar1'));
      await moved(lab, 'ar2', 'ha');
      await row(lab, 'cn', 'correspondentBindings', 'a binding at ar2', atRouter(lab, 'ar2'));
      await connection.goesOn();
      await lab.stop();
      const radio = [...packetsOf(`${directory}/mn.pcap`)];
      const inTunnels = radio.flatMap(({ payload }) => (payload.kind === 'ipv6' ? [payload.packet.payload.kind] : []));
      assert.ok(!inTunnels.includes('mobility'), 'no Mobility Header in a tunnel in the clear');
      assert.ok(radio.some(({ payload }) => payload.kind === 'raw' && payload.protocol === protocol.esp));
      assertAllClean(lab);
    });
  },
);
