import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import type { Scheme } from '../../src/protocol/scheme.js';
import { parseScenario } from '../../src/scenario/parse.js';
import { runScheme } from '../../src/scenario/run.js';
import { Capture } from '../../src/sim/index.js';

const directory = mkdtempSync(join(tmpdir(), 'anchorage-'));
after(() => rmSync(directory, { recursive: true }));

/** What is left of a continent. */
const village = {
  anchors: 4,
  accessRouters: 8,
  mobiles: 16,
  correspondents: 2,
  durationMs: 40_000,
  arrivalMs: 2000,
  callMs: 10_000,
};

/** Runs a shipped scenario with few packets, into a capture. */
export function captured(scenario: string, scheme: Scheme, protection: string) {
  const text = readFileSync(`scenarios/${scenario}`, 'utf8').replace(
    /^durationMs:/m,
    `protection: ${protection}\ndurationMs:`,
  );
  const few = scenario === 'continent.yaml' ? village : { intervalMs: 20, radioMbps: 1 };
  const overrides = Object.fromEntries(
    Object.entries(few).filter(([name]) => new RegExp(`^ {2}${name}:`, 'm').test(text)),
  );
  const parsed = parseScenario(text, { file: scenario, overrides });
  assert.ok(parsed.ok);
  let capture: Capture | undefined;
  const run = runScheme(parsed.scenario, scheme, {
    prepare: simulation => {
      capture = new Capture(simulation);
    },
  });
  assert.ok(capture);
  const file = join(directory, `${scenario}-${scheme.name}-${protection}.pcapng`);
  writeFileSync(file, capture.bytes());
  return { file, frames: capture.frames, run };
}
