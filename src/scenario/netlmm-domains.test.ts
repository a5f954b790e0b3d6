import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { formatAddress, parseAddress } from '../base/address.js';
import { parsePrefix, prefixContains } from '../base/prefix.js';
import { milliseconds } from '../base/time.js';
import { mip6Tunnel } from '../protocol/mip6/scheme.js';
import { netlmm, netlmmContextTransfer } from '../protocol/netlmm/scheme.js';
import type { NetworkDescription, Placement, Scheme } from '../protocol/scheme.js';
import { rowsOf, type Simulation, type TraceRecord } from '../sim/index.js';
import { parseScenario } from './parse.js';
import { runScheme } from './run.js';

/** Each anchor with its access routers is a domain of its own; the home agent `ha` is the global mobility anchor of its mobiles. */
function domainsOf(local: Scheme): Scheme {
  return {
    ...mip6Tunnel,
    name: 'netlmm-domains',
    place: network => [
      ...network.anchors.flatMap(({ node }) => domain(local, network, node)),
      ...mip6Tunnel.place(network),
    ],
  };
}

/** The first anchor's PMIP client has a node of its own, the second's is on a MAG. */
function domain(local: Scheme, network: NetworkDescription, anchor: string): readonly Placement[] {
  return local.place({
    ...network,
    anchors: network.anchors.filter(({ node }) => node === anchor),
    accessRouters: network.accessRouters.filter(({ nearestAnchor }) => nearestAnchor === anchor),
    pmipClients: anchor === 'anchor1' ? network.pmipClients : [],
    mobiles: network.mobiles.map(mobile => ({ ...mobile, firstAccessRouter: undefined })),
  });
}

const stays = [
  { atMs: 4000.5, to: 'ar2' },
  { atMs: 6500.5, to: 'ar3' },
  { atMs: 10_000.5, to: 'ar1' },
  { atMs: 13_000.5, to: 'ar2' },
];
const text = readFileSync('scenarios/comparison.yaml', 'utf8')
  .replace(/ {2}- \{ mobile: mn, atMs: [46].*\n/g, '')
  .replace(
    'movement:\n',
    `movement:\n${stays.map(({ atMs, to }) => `  - { mobile: mn, atMs: ${atMs}, to: ${to}, l2GapMs: $l2GapMs }\n`).join('')}`,
  )
  .replace(/(movement:\n(?: .*\n)*?)( {2}- \{ mobile: mn, atMs: 0, .*\n)/, (_, before: string, first: string) =>
    before.replace('movement:\n', `movement:\n${first}`),
  )
  .replace('durationMs: 9000', 'durationMs: 16000')
  .replaceAll('stopMs: 8500', 'stopMs: 15500');

interface Roaming {
  /** Binding Updates that each node sent, in ms. */
  readonly updatesOf: (node: string) => readonly number[];
  /** pHoA: what the global mobility anchor knows at the end of each stay, which the mobile then has. */
  readonly careOfAddresses: readonly string[];
  readonly result: ReturnType<typeof runScheme>['result'];
}

function roam(local: Scheme): Roaming {
  const parsed = parseScenario(text, { file: 'comparison.yaml', overrides: { intervalMs: 10 } });
  assert.ok(parsed.ok, JSON.stringify(parsed));
  const careOfAddresses: string[] = [];
  const prepare = (simulation: Simulation) => {
    for (const atMs of [3500, 6000, 9500, 12_500, 15_500])
      simulation.schedule(milliseconds(atMs), () => {
        const careOf = rowsOf(simulation.nodes.get('ha')!, 'bindings')
          .map(row => String(row.careOf))
          .join();
        assert.ok(simulation.nodes.get('mn')?.addresses().map(formatAddress).includes(careOf), careOf);
        careOfAddresses.push(careOf);
      });
  };
  const { simulated, result } = runScheme(parsed.scenario, domainsOf(local), { prepare });
  const updatesOf = (node: string) =>
    simulated.trace.filter(record => isUpdateSentBy(record, node)).map(({ at }) => at / 1e6);
  return { updatesOf, careOfAddresses, result };
}

function isUpdateSentBy({ node, event }: TraceRecord, by: string): boolean {
  if (node !== by || event.event !== 'message' || event.direction !== 'sent') return false;
  const { payload } = event.packet;
  return payload.kind === 'mobility' && payload.message.kind === 'bindingUpdate';
}

for (const local of [netlmm, netlmmContextTransfer]) {
  test(`S02-3-02, S02-4.6-01, S02-4.6-02, S02-4.1-7-01: ${local.name}: a mobile that speaks Mobile IPv6 tells its global mobility anchor of each domain once, and of no MAG inside it`, () => {
    const { updatesOf, result } = roam(local);
    const [first, second, third, ...more] = updatesOf('mn');
    assert.ok(first < 4000 && second > 6500 && second < 9500 && third > 10_000 && third < 13_000, `${updatesOf('mn')}`);
    assert.deepEqual(more, []);
    // In the domains it is handled like any other: a Proxy Binding Update for each MAG that it comes to.
    assert.equal(updatesOf('client').length, 4);
    assert.equal(updatesOf('ar3').length, 1);
    const [within, between, back, again] = result.handovers;
    for (const { gapMs } of [within, again]) assert.ok(gapMs !== null && gapMs < 200);
    for (const { gapMs } of [between, back]) assert.ok(gapMs !== null && gapMs < 2500);
  });

  test(`S02-1-01, S02-2-08, S02-4.4-06: ${local.name}: inside a domain a mobile keeps its pHoA; where another LMA's prefix is advertised it has one of that`, () => {
    const { careOfAddresses } = roam(local);
    const [first, second, third, fourth, fifth] = careOfAddresses;
    assert.ok(prefixContains(parsePrefix('fd00:a:1::/64'), parseAddress(first)));
    assert.ok(prefixContains(parsePrefix('fd00:a:2::/64'), parseAddress(third)), third);
    assert.deepEqual([second, fourth, fifth], [first, first, first]);
  });
}
