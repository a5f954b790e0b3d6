import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { formatAddress } from '../base/address.js';
import type { Placement, Scheme } from '../protocol/scheme.js';
import { schemes } from '../protocol/schemes.js';
import { placedSecurity, placedTunnel } from '../protocol/security/placement.js';
import { innermost } from '../sim/index.js';
import type { Packet } from '../wire/ipv6/packet.js';
import { parseScenario } from './parse.js';
import { runScheme, type SchemeRun } from './run.js';

const agentSchemes = schemes.filter(({ name }) => ['lma6-2', 'lma6-3', 'lma6-4'].includes(name));

function run(
  scheme: Scheme,
  protection: string,
  faults: string,
  parameters: Readonly<Record<string, number>>,
): SchemeRun {
  const text = readFileSync('scenarios/comparison.yaml', 'utf8');
  const changed = text.replace(/^durationMs:/m, `protection: ${protection}\n${faults}durationMs:`);
  const parsed = parseScenario(changed, { file: 'comparison.yaml', overrides: { intervalMs: 20, ...parameters } });
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return runScheme(parsed.scenario, scheme);
}

for (const scheme of agentSchemes)
  test(`RFC 4285 §6, draft-dommety §3.2.1: ${scheme.name} serves a mobile although one of its nodes has another time`, () => {
    const expected = careOfAddresses(run(scheme, 'rfc4285', '', {}));
    for (const node of ['ar1', 'ar2', 'anchor1', 'anchor2', 'ha', 'mn']) {
      const faults = `faults: [{ kind: clockSkew, node: ${node}, skewMs: 60000 }]\n`;
      const skewed = run(scheme, 'rfc4285', faults, {});
      assert.deepEqual(careOfAddresses(skewed), expected, `another time at ${node}`);
      for (const { lost, from, to } of skewed.result.handovers)
        assert.ok(lost !== null, `another time at ${node}: nothing comes after ${from} → ${to}`);
    }
  });

/** What each node has been told, in order. */
function careOfAddresses({ simulated }: SchemeRun): Record<string, string[]> {
  const told: Record<string, string[]> = {};
  for (const { node, event } of simulated.trace) {
    if (event.event !== 'binding' || event.careOf === undefined) continue;
    const careOf = formatAddress(event.careOf);
    told[node] ??= [];
    if (told[node].at(-1) !== careOf) told[node].push(careOf);
  }
  return told;
}

/** A scheme whose mobiles and home agent have keys of ESP in tunnel mode for each other. */
function withTunnelKeys(scheme: Scheme): Scheme {
  const keyed = ({ node, role, config }: Placement): Placement => {
    if (role !== 'ha' && role !== 'mn') return { node, role, config };
    const own = String(config.address);
    const peers = (config.peers as { address: string }[]).map(({ address }) => {
      const security = placedSecurity('esp', own, address);
      const isPair = role === 'ha' || address === config.homeAgent;
      return { address, security: isPair ? { ...security, tunnel: tunnelOf(own, address) } : security };
    });
    return { node, role, config: { ...config, peers } };
  };
  return { ...scheme, place: network => scheme.place(network).map(keyed) };
}

function tunnelOf(own: string, peer: string) {
  return { ...placedTunnel(own, peer), end: 'homeAddress' };
}

for (const scheme of agentSchemes)
  test(`RFC 6275 §5.2.5, draft-dommety §3.1: with ${scheme.name} home tests pass agents in ESP that ends at the home address`, () => {
    const { simulated } = run(withTunnelKeys(scheme), 'esp', '', { lmaRouteOptimisation: 1 });
    const said = simulated.trace.flatMap(({ node, event }) => {
      if (event.event !== 'message' || event.direction !== 'sent') return [];
      const { payload }: Packet = innermost(event.packet);
      return payload.kind === 'mobility' ? [`${node} ${payload.message.kind}`] : [];
    });
    const tests = new Set(said.filter(text => text.includes('homeTest')));
    assert.deepEqual([...tests].sort(), ['cn homeTest', 'ha homeTestInit']);
    assert.ok(said.includes('mn careOfTestInit') && said.includes('cn bindingAcknowledgement'));
  });
