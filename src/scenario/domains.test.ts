import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { lmm } from '../protocol/lmm/scheme.js';
import { mip6Tunnel } from '../protocol/mip6/scheme.js';
import type { NetworkDescription, Placement, Scheme } from '../protocol/scheme.js';
import { parseScenario } from './parse.js';
import { runScheme } from './run.js';

/** Each anchor with its access routers is a domain of its own, and its mobiles go between domains by Mobile IPv6. */
const domains: Scheme = {
  ...mip6Tunnel,
  name: 'domains',
  place: network => [...network.anchors.flatMap(({ node }) => domain(network, node)), ...mip6Tunnel.place(network)],
};

function domain(network: NetworkDescription, anchor: string): readonly Placement[] {
  return lmm.place({
    ...network,
    anchors: network.anchors.filter(({ node }) => node === anchor),
    accessRouters: network.accessRouters.filter(({ nearestAnchor }) => nearestAnchor === anchor),
    mobiles: network.mobiles.map(mobile => ({ ...mobile, firstAccessRouter: undefined })),
  });
}

test('gundavelli §3.2, §8, §8.4 [G00-3.2-02, G00-8-03, G00-8.4-01]: within a domain nothing of Mobile IPv6 is sent; into another the mobile registers the address it has there, and its connections on the home address go on', () => {
  const text = readFileSync('scenarios/comparison.yaml', 'utf8');
  const parsed = parseScenario(text, { file: 'comparison.yaml', overrides: { intervalMs: 10 } });
  assert.ok(parsed.ok);
  const { simulated, result } = runScheme(parsed.scenario, domains);
  const updates = simulated.trace.filter(
    ({ node, event }) =>
      node === 'mn' &&
      event.event === 'message' &&
      event.direction === 'sent' &&
      event.packet.payload.kind === 'mobility' &&
      event.packet.payload.message.kind === 'bindingUpdate',
  );
  const atMs = updates.map(({ at }) => at / 1e6);
  assert.equal(atMs.length, 2, 'one a domain');
  assert.ok(atMs[0] < 4000 && atMs[1] > 6500);
  const [within, between] = result.handovers;
  // What lmm takes by itself, and what a new address and the home agent take.
  assert.ok(within.gapMs !== null && within.gapMs < 100);
  assert.ok(between.gapMs !== null && between.gapMs > 1000);
});
