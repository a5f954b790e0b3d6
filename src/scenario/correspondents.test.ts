import assert from 'node:assert/strict';
import { test } from 'node:test';
import { millisecond } from '../base/time.js';
import { schemeNamed } from '../protocol/schemes.js';
import { innermost } from '../sim/trace-format.js';
import { parseScenario } from './parse.js';
import { runScheme } from './run.js';

const mobiles = ['mn1', 'mn2'];

/** Each mobile moves once below one anchor while every correspondent sends to it. */
function scenarioWith(correspondents: number) {
  const names = Array.from({ length: correspondents }, (_, i) => `cn${i}`);
  const nodes = {
    core: { role: 'router' },
    ha: { role: 'home-agent' },
    anchor: { role: 'anchor' },
    ar1: { role: 'access', advertisementAnswerMs: 0 },
    ar2: { role: 'access', advertisementAnswerMs: 0 },
    ...Object.fromEntries(names.map(name => [name, { role: 'correspondent' }])),
    ...Object.fromEntries(mobiles.map(name => [name, { role: 'mobile' }])),
  };
  const wires = [
    ['core', 'ha'],
    ['core', 'anchor'],
    ['anchor', 'ar1'],
    ['anchor', 'ar2'],
    ...names.map(cn => ['core', cn]),
  ];
  const links = [
    ...wires.map(between => ({ between, delayMs: 5 })),
    ...['ar1', 'ar2'].map(access => ({ access, delayMs: 2 })),
  ];
  const movement = mobiles.flatMap(mobile => [
    { mobile, atMs: 0, to: 'ar1' },
    { mobile, atMs: 6000, to: 'ar2', l2GapMs: 20 },
  ]);
  const traffic = mobiles.flatMap(to =>
    names.map(from => ({ kind: 'cbr', name: `${from}-${to}`, from, to, intervalMs: 20, startMs: 3000, stopMs: 9500 })),
  );
  return JSON.stringify({ durationMs: 10_000, nodes, links, movement, traffic });
}

/** Mobility Headers on access links since the move, each a crossing of the radio. */
function signallingOverTheAir(scheme: string, correspondents: number): number {
  const parsed = parseScenario(scenarioWith(correspondents), { file: 'correspondents' });
  const found = schemeNamed(scheme);
  assert.ok(parsed.ok && found);
  let messages = 0;
  const { result } = runScheme(parsed.scenario, found, {
    prepare: simulation => {
      for (const link of simulation.links.values())
        link.tap((frame, at, moment) => {
          if (moment !== 'sent' || link.options.kind !== 'access' || at < 6000 * millisecond) return;
          if (innermost(frame.packet).payload.kind === 'mobility') messages++;
        });
    },
  });
  for (const { gapMs } of result.handovers) assert.ok(gapMs !== null);
  return messages;
}

test('RFC 4140 §1, §3: a move within a MAP’s domain costs two messages over the air for a mobile, however many correspondents it has', () => {
  for (const correspondents of [1, 4]) assert.equal(signallingOverTheAir('hmip6', correspondents), 2 * mobiles.length);
});

test('RFC 6275 §11.7.2: in Mobile IPv6 each correspondent costs a mobile six messages over the air', () => {
  for (const correspondents of [1, 4])
    assert.equal(signallingOverTheAir('mip6', correspondents), (2 + 6 * correspondents) * mobiles.length);
});
