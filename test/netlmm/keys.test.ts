import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAddress } from '../../src/base/address.js';
import { seededRandom } from '../../src/base/random.js';
import type { Placement, Scheme } from '../../src/protocol/scheme.js';
import { schemeNamed } from '../../src/protocol/schemes.js';
import { espHeader, open } from '../../src/protocol/security/esp.js';
import { describeNetwork } from '../../src/scenario/describe.js';
import type { Scenario } from '../../src/scenario/model.js';
import { parseScenario } from '../../src/scenario/parse.js';
import { simulate } from '../../src/scenario/simulate.js';
import { encodePacket } from '../../src/wire/ipv6/codec.js';
import type { Packet } from '../../src/wire/ipv6/packet.js';
import { Draw } from '../schedules/draw.js';
import type { MoveText } from '../schedules/generate.js';

const routers = ['ar1', 'ar2', 'ar3', 'ar4', 'ar5'];
const mobiles = ['mn1', 'mn2', 'mn3', 'mn4'];
const moves = 1000;

type Client = 'apart' | 'on a MAG';

function scenarioOf(client: Client, identities: Readonly<Record<string, string>> = {}): Scenario {
  const draw = new Draw(seededRandom(20260501, `keys ${client}`));
  const movement = mobiles.flatMap(mobile => roam(mobile, draw));
  const mobile = (name: string) => ({ role: 'mobile', ...(identities[name] && { identity: identities[name] }) });
  const wire = (from: string, to: string) => ({ between: [from, to], delayMs: draw.tenths(0.5, 10) });
  const nodes = (names: readonly string[], node: (name: string) => object) =>
    Object.fromEntries(names.map(name => [name, node(name)]));
  const text = {
    seed: 1,
    durationMs: Math.max(...movement.map(({ atMs }) => atMs)) + 5000,
    protection: 'esp',
    nodes: {
      core: { role: 'router' },
      cn: { role: 'correspondent' },
      ...nodes(['anchor1', 'anchor2'], () => ({ role: 'anchor' })),
      ...nodes(client === 'apart' ? ['client'] : [], () => ({ role: 'pmip-client' })),
      ...nodes(routers, () => ({ role: 'access' })),
      ...nodes(mobiles, mobile),
    },
    links: [
      ...['cn', 'anchor1', 'anchor2', ...(client === 'apart' ? ['client'] : [])].map(name => wire('core', name)),
      ...routers.map((name, i) => wire(i % 2 === 0 ? 'anchor1' : 'anchor2', name)),
      ...routers.map(access => ({ access, delayMs: 1 })),
    ],
    movement,
    traffic: mobiles.map(to => ({ kind: 'cbr', name: to, from: 'cn', to, intervalMs: 100, startMs: 5000 })),
  };
  const parsed = parseScenario(JSON.stringify(text), { file: 'keys' });
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.scenario;
}

/** A quarter of the moves, each to another router, half of them foreseen. */
function roam(mobile: string, draw: Draw): MoveText[] {
  let atMs = 0;
  let at = draw.pick(routers);
  const found: MoveText[] = [{ mobile, atMs, to: at }];
  while (found.length <= moves / mobiles.length) {
    at = draw.pick(routers.filter(router => router !== at));
    atMs = Math.round(10 * (atMs + draw.tenths(120, 900))) / 10;
    found.push({ mobile, atMs, to: at, l2GapMs: draw.pick([0, 5, 50]), predictedMs: draw.pick([0, 60]) });
  }
  return found;
}

/** The keys that protect a mobile's Binding Updates: octets, and as text. */
interface Key {
  readonly mobile: string;
  readonly forms: readonly Buffer[];
}

interface Security {
  readonly outbound: Direction;
  readonly inbound: Direction;
}
interface Direction {
  readonly spi: number;
  readonly key: string;
  readonly salt: string;
}
interface Peer {
  readonly address?: string;
  readonly identity?: string;
  readonly security: Security;
}

/** `peers` of a placement and of what is placed within it. */
function peersOf(config: unknown): Peer[] {
  if (typeof config !== 'object' || config === null) return [];
  return Object.entries(config).flatMap(([key, value]) => (key === 'peers' ? (value as Peer[]) : peersOf(value)));
}

function keysOf(placements: readonly Placement[]): Key[] {
  const own = placements.flatMap(({ config }) => peersOf(config).filter(({ identity }) => identity !== undefined));
  return own.map(({ identity, security: { outbound, inbound } }) => ({
    mobile: identity as string,
    forms: [outbound, inbound].flatMap(({ key }) => [
      Buffer.from(key, 'hex'),
      Buffer.from(key),
      Buffer.from(Buffer.from(key, 'hex').toString('base64')),
    ]),
  }));
}

interface Exchanged {
  /** Packets that MAGs sent or received, in the clear where they were protected. */
  readonly octets: readonly Buffer[];
  readonly keys: readonly Key[];
  readonly placements: readonly Placement[];
  readonly opened: number;
}

/** Everything between MAGs, and between them and PMIP clients, as it was on the wire and as both ends read it. */
function exchanged(schemeName: string, scenario: Scenario): Exchanged {
  const scheme = schemeNamed(schemeName) as Scheme;
  const network = describeNetwork(scenario);
  const placements = scheme.place(network);
  const agents = new Set([...network.accessRouters, ...network.pmipClients].map(({ address }) => address));
  const directions = new Map(
    placements.flatMap(({ config }) =>
      peersOf(config).flatMap(({ address, security }) =>
        address !== undefined && agents.has(address) ? [[security.inbound.spi, security.inbound] as const] : [],
      ),
    ),
  );
  const octets: Buffer[] = [];
  let opened = 0;
  const take = (packet: Packet) => {
    if (!agents.has(formatAddress(packet.source)) || !agents.has(formatAddress(packet.destination))) return;
    octets.push(Buffer.from(encodePacket(packet)));
    if (packet.payload.kind !== 'raw' || packet.payload.protocol !== 50) return;
    const { data } = packet.payload;
    const direction = directions.get(espHeader(data)?.spi ?? 0);
    assert.ok(direction, 'an association that both ends were given');
    const { key, salt } = direction;
    const content = open({ cipher: 'aes-128-gcm', key: Buffer.from(key, 'hex'), salt: Buffer.from(salt, 'hex') }, data);
    assert.ok(content);
    octets.push(Buffer.from(content.data));
    opened++;
  };
  const { simulation } = simulate(scenario, scheme, {
    prepare: ({ links }) => {
      for (const link of links.values())
        link.tap(({ packet }, _at, moment) => {
          if (moment === 'sent') take(packet);
        });
    },
  });
  simulation.run(scenario.durationMs * 1e6);
  return { octets, keys: keysOf(placements), placements, opened };
}

/** Whose keys stand in what was exchanged. */
function found({ octets, keys }: Exchanged): string[] {
  return keys
    .filter(({ forms }) => octets.some(one => forms.some(form => one.includes(form))))
    .map(({ mobile }) => mobile);
}

const cases = [
  ['netlmm', 'apart'],
  ['netlmm-ct', 'apart'],
  ['netlmm-ct', 'on a MAG'],
] as const;

for (const [scheme, client] of cases)
  test(`S02-4.2-02, S02-4.2-03, S02-3-07, S02-6-01: ${scheme}, PMIP client ${client}: in ${moves} random moves no octet that MAGs exchange is of a mobile's keys, which one node has`, () => {
    const run = exchanged(scheme, scenarioOf(client));
    assert.equal(new Set(run.keys.map(({ mobile }) => mobile)).size, mobiles.length);
    const holders = run.placements.filter(({ config }) =>
      peersOf(config).some(({ identity }) => identity !== undefined),
    );
    for (const mobile of mobiles)
      assert.equal(
        holders.filter(({ config }) => peersOf(config).some(({ identity }) => identity === `${mobile}@example.net`))
          .length,
        1,
      );
    // What they do say is there to be read: each move was told of.
    const named = run.octets.filter(octets => octets.includes('@example.net')).length;
    assert.ok(run.opened > moves && named > moves, `${run.opened} packets opened, ${named} name a mobile`);
    assert.deepEqual(found(run), []);
  });

test('a key that stood in a Trigger or a context would be found', () => {
  const scenario = scenarioOf('apart');
  const [{ security }] = peersOf(
    schemeNamed('netlmm-ct')
      ?.place(describeNetwork(scenario))
      .find(({ role }) => role === 'pmip-client')?.config,
  );
  // A mobile that is called by another's key, so that whatever names it gives that away.
  const identity = `${security.outbound.key}@example.net`;
  const few = scenarioOf('apart', { mn2: identity });
  assert.deepEqual(found(exchanged('netlmm-ct', few)), ['mn1@example.net']);
});
