import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { checkHandovers, type Paper, readyMs, type Setting } from '../../test/support/random-networks.js';
import { parseAddress } from '../base/address.js';
import { prefixContains, prefixOf } from '../base/prefix.js';
import type { Scheme } from '../protocol/scheme.js';
import { schemeNamed } from '../protocol/schemes.js';
import type { Node, Simulation } from '../sim/index.js';
import { innermost } from '../sim/trace-format.js';
import { effectiveSource, type Packet } from '../wire/ipv6/packet.js';
import { parseScenario } from './parse.js';
import type { HandoverResult } from './result.js';
import { runScheme } from './run.js';

const settings = 20;

/** w + a and w + h of `reference`, the latter by the anchor. */
const toAnchorMs = ({ radioMs, accessMs }: Setting) => radioMs + accessMs;
const toHomeMs = (setting: Setting) => toAnchorMs(setting) + setting.backhaulMs + setting.homeMs;
const straightMs = (setting: Setting) => toAnchorMs(setting) + setting.backhaulMs + setting.correspondentMs;

function symmetric(downMs: number): Paper {
  return { downMs, downLostMs: downMs };
}

/** `reference`: MIPv6 bidirectional tunnel, I + 2(w+h). */
function tunnelled(setting: Setting): Paper {
  return symmetric(readyMs(setting) + 2 * toHomeMs(setting));
}

/** What route optimisation takes after the home agent's answer: 2(w+h+g) + 2(w+c). */
function routeOptimisationMs(setting: Setting): number {
  const { homeMs, correspondentMs } = setting;
  return 2 * (toHomeMs(setting) + homeMs + correspondentMs) + 2 * straightMs(setting);
}

/** `reference`: MIPv6 route optimised, I + 2(w+h) + 2(w+h+g) + 2(w+c). */
function routeOptimised(setting: Setting): Paper {
  return symmetric(readyMs(setting) + 2 * toHomeMs(setting) + routeOptimisationMs(setting));
}

/** `reference`: HMIPv6 intra-MAP, I + 2(w+a); the second handover is to another MAP's domain. */
function hierarchical(beyond: (setting: Setting) => Paper) {
  return (setting: Setting, { to }: HandoverResult) =>
    to === 'ar3' ? beyond(setting) : symmetric(readyMs(setting) + 2 * toAnchorMs(setting));
}

/** `reference`: HMIPv6 inter-MAP, old MAP forwards, I + 2(w+a+s). Its own packets were on their way for w + a only. */
function forwarded(setting: Setting): Paper {
  const toPreviousMs = toAnchorMs(setting) + 2 * setting.backhaulMs;
  const ready = readyMs(setting);
  return { downMs: ready + 2 * toPreviousMs, downLostMs: ready + toPreviousMs + toAnchorMs(setting) };
}

/** `reference`: HMIPv6 inter-MAP, HA updated, I + 2(w+a) + DAD + 2(w+h), where DAD is the MAP's. */
function homeAgentUpdated(setting: Setting): Paper {
  return symmetric(readyMs(setting) + 2 * toAnchorMs(setting) + 1000 * setting.mapDad + 2 * toHomeMs(setting));
}

/** The same where packets come straight from the correspondent. */
function correspondentUpdated(setting: Setting): Paper {
  return symmetric(homeAgentUpdated(setting).downMs + routeOptimisationMs(setting));
}

const alone = (dad: number) => ({ previousMap: 0, mapDad: dad });
const forwards = 'RFC 4140 §6.1, §8 [H4140-3-06] [H4140-6.1-22] [H4140-6.1-23] [H4140-8-03]';
const onPaper = [
  { name: 'mip6-tunnel', document: 'RFC 6275', paper: tunnelled },
  { name: 'mip6', document: 'RFC 6275', paper: routeOptimised },
  { name: 'hmip6-tunnel', document: forwards, paper: hierarchical(forwarded) },
  { name: 'hmip6', document: forwards, paper: hierarchical(forwarded) },
  {
    name: 'hmip6-tunnel',
    document: 'RFC 4140 §6.1 [H4140-6.1-06], without the previous MAP',
    paper: hierarchical(homeAgentUpdated),
    fixed: alone,
  },
  {
    name: 'hmip6',
    document: 'RFC 4140 §6.1 [H4140-6.1-06], without the previous MAP',
    paper: hierarchical(correspondentUpdated),
    fixed: alone,
  },
];

for (const { name, document, paper, fixed } of onPaper)
  for (const dad of [1, 0])
    test(`${document}: ${name}: gap and loss of ${settings / 2} random networks are those on paper, ${dad ? 'with' : 'without'} DAD, signalling in ${dad ? 'RFC 4285 options' : 'ESP'}; the mobile loses nothing that it sends`, () => {
      checkHandovers(name, dad, settings / 2, paper, fixed?.(dad));
    });

for (const { name, paper } of onPaper.slice(1, 4))
  test(`RFC 4429 §3.3: ${name}: with optimistic detection of duplicates the gap is that without any`, () => {
    checkHandovers(name, 1, 3, paper, { optimistic: 1 });
  });

for (const name of ['mip6', 'hmip6'])
  for (const protection of ['rfc4285', 'esp'])
    test(`RFC 6275 §9, §11: ${name}: two mobiles that talk to each other and move, signalling in ${protection}: each is told where the other is, packets go straight, and all that is sent on a link that is there arrives`, () => {
      const text = readFileSync('scenarios/comparison.yaml', 'utf8')
        .replace('durationMs:', `protection: ${protection}\ndurationMs:`)
        .replace(
          '\nlinks:',
          '\n  mn2: { role: mobile, identity: mn2@example.net, duplicateAddressDetection: 0 }\nlinks:',
        )
        .replace('\nmovement:', '\nmovement:\n  - { mobile: mn2, atMs: 0, to: ar2 }')
        .replaceAll('from: cn, to: mn,', 'from: mn2, to: mn,')
        .replaceAll('from: mn, to: cn,', 'from: mn, to: mn2,');
      const parsed = parseScenario(text, { file: 'comparison.yaml', overrides: { dad: 0 } });
      assert.ok(parsed.ok, JSON.stringify(parsed));
      const { simulated, result } = runScheme(parsed.scenario, schemeNamed(name) as Scheme);
      const { simulation } = simulated;
      for (const mobile of ['mn', 'mn2']) {
        const [engine] = (simulation.nodes.get(mobile) as Node).engines;
        assert.deepEqual(
          [...engine.views.correspondents()].map(({ state }) => state),
          ['bound'],
        );
        assert.equal([...engine.views.correspondentBindings()].length, 1);
      }
      const [uplink] = result.handovers.map(handover => handover.uplink);
      assert.equal(uplink?.lost, 0);
      const last = simulated.flows.map(({ record }) => ('receivedAt' in record ? record.receivedAt.at(-1) : undefined));
      assert.ok(last.every(at => at !== undefined && !Number.isNaN(at)));
    });

test('RFC 4140 §12.1 [H4140-12.1-07] [H4140-12.1-09] [H4140-12.1-10] [H4140-12.1-15] [H4140-12.1-16] [H4140-12-02]: local Binding Updates go in ESP in transport mode, the RCoA as home address, after no test of it; what applications send goes in the clear', () => {
  const text = readFileSync('scenarios/comparison.yaml', 'utf8').replace('durationMs:', 'protection: esp\ndurationMs:');
  const parsed = parseScenario(text, { file: 'comparison.yaml', overrides: { dad: 0 } });
  assert.ok(parsed.ok);
  const toMap: Packet[] = [];
  const map = parseAddress('fd00:a:1::1');
  const prepare = ({ links }: Simulation) => {
    for (const link of links.values())
      if (link.options.kind === 'access')
        link.tap(({ packet }, _, moment) => {
          if (moment === 'sent' && packet.destination === map) toMap.push(packet);
        });
  };
  const { simulated } = runScheme(parsed.scenario, schemeNamed('hmip6-tunnel') as Scheme, { prepare });
  const [first, ...others] = toMap;
  assert.ok(first.payload.kind === 'raw' && first.payload.protocol === 50);
  const regional = effectiveSource(first);
  assert.ok(prefixContains(prefixOf(map, 64), regional) && first.source !== regional);
  const kinds = new Set(others.map(({ payload }) => (payload.kind === 'ipv6' ? 'tunnel' : payload.kind)));
  assert.deepEqual(kinds, new Set(['tunnel', 'raw']));
  const tests = simulated.trace.filter(
    ({ event }) => event.event === 'message' && innermost(event.packet).payload.kind === 'mobility',
  );
  assert.equal(tests.length, 0, 'nothing unprotected');
});
