import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { accessRouterPlacement } from '../protocol/access-router/placement.js';
import type { NetworkDescription, Placement, Scheme } from '../protocol/scheme.js';
import { schemeNamed } from '../protocol/schemes.js';
import { parseScenario } from './parse.js';
import { runScheme } from './run.js';
import { simulate } from './simulate.js';

const text = readFileSync('scenarios/comparison.yaml', 'utf8');
const tunnel = schemeNamed('mip6-tunnel') as Scheme;

/** Mobile IPv6 with role `ar` on every access router. */
const withRole: Scheme = {
  ...tunnel,
  place: network => [...tunnel.place(network), ...accessRouters(network)],
};

function accessRouters({ accessRouters, anchors }: NetworkDescription): Placement[] {
  const maps = anchors.map(({ address }) => ({ address, preference: 7 }));
  return accessRouters.map(router => accessRouterPlacement(router, maps));
}

function scenario(overrides: Readonly<Record<string, number>> = {}) {
  const parsed = parseScenario(text, { file: 'comparison.yaml', overrides });
  assert.ok(parsed.ok);
  return parsed.scenario;
}

test('scenario: an access router with role ar is to mobiles what one without a role is', () => {
  const settings: Readonly<Record<string, number>>[] = [
    { advertisementMinMs: 20_000, advertisementMaxMs: 20_000 },
    { dad: 1 },
  ];
  for (const overrides of settings) {
    const [plain, roled] = [tunnel, withRole].map(scheme => runScheme(scenario(overrides), scheme).result.handovers);
    assert.equal(roled.length, plain.length);
    for (const [i, handover] of roled.entries()) {
      assert.deepEqual(
        [handover.closedFormMs, handover.lost, handover.uplink?.lost],
        [plain[i].closedFormMs, plain[i].lost, plain[i].uplink?.lost],
      );
      assert.ok(
        Math.abs((handover.gapMs ?? 0) - (plain[i].gapMs ?? Number.NaN)) <= 1,
        `${handover.gapMs}, ${plain[i].gapMs}`,
      );
    }
  }
});

test('RFC 4140 §3, §7 [H4140-3-03, H4140-3-09, H4140-3.1-16]: in a scenario every access router of the domain advertises its MAPs', () => {
  const simulated = simulate(scenario(), withRole);
  simulated.simulation.run(3_000_000_000);
  const told = new Map<string, Set<number>>();
  for (const { node, event } of simulated.trace) {
    if (event.event !== 'message' || event.direction !== 'sent' || event.packet.payload.kind !== 'icmpv6') continue;
    const { message } = event.packet.payload;
    if (message.kind !== 'routerAdvertisement') continue;
    const count = message.options.filter(({ kind }) => kind === 'map').length;
    told.set(node, (told.get(node) ?? new Set()).add(count));
  }
  const { accessRouters: routers, anchors } = simulated.network;
  for (const { node } of routers) assert.deepEqual([...(told.get(node) ?? [])], [anchors.length], node);
});
