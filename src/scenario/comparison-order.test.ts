import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { schemeNamed } from '../protocol/schemes.js';
import { parseScenario } from './parse.js';
import { runScheme } from './run.js';

const text = readFileSync('scenarios/comparison.yaml', 'utf8');

/** The gaps and losses of the default scenario's two handovers. */
function handoversOf(name: string) {
  const scheme = schemeNamed(name);
  const parsed = parseScenario(text, { file: 'comparison.yaml' });
  assert.ok(parsed.ok && scheme);
  return runScheme(parsed.scenario, scheme).result.handovers.map(({ gapMs, lost }) => {
    assert.ok(gapMs !== null && lost !== null, name);
    return { gapMs, lost };
  });
}

test('RFC 4140 §1, RFC 5568 §1: in the default scenario fast handovers are far shorter than HMIPv6’s, and those shorter than Mobile IPv6’s', () => {
  for (const [fast, hierarchical, plain] of [
    ['fmip6', 'hmip6', 'mip6'],
    ['fhmip6', 'hmip6', 'mip6'],
    ['fhmip6', 'hmip6-tunnel', 'mip6-tunnel'],
  ].map(names => names.map(handoversOf)))
    for (const i of [0, 1]) {
      assert.ok(10 * fast[i].gapMs < hierarchical[i].gapMs && hierarchical[i].gapMs < plain[i].gapMs);
      assert.ok(fast[i].lost === 0 && hierarchical[i].lost < plain[i].lost);
    }
});
