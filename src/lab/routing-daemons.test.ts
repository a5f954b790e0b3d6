import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseScenario } from '../scenario/parse.js';
import { planLab } from './plan.js';
import { missingPrerequisites } from './prerequisites.js';
import { birdConfiguration } from './routing-daemons.js';

const missing = missingPrerequisites({ bird: 'bird2' });
const withoutBird = missing.length > 0 && process.env.CI !== 'true' ? missing.join('; ') : false;

function plan() {
  const file = 'scenarios/comparison.yaml';
  const result = parseScenario(readFileSync(file, 'utf8'), { file });
  assert.ok(result.ok);
  return planLab(result.scenario);
}

function configurationOf(name: string): string {
  const { nodes, ...rest } = plan();
  return birdConfiguration({ nodes, ...rest }, nodes.find(node => node.name === name)!);
}

test('lab routing: a router speaks OSPFv3 with those beside it, at the cost of the delay, and knows the way to hosts by itself', () => {
  const core = configurationOf('core');
  assert.deepEqual(
    [...core.matchAll(/interface "(eth\d)" \{ type ptp; cost (\d+);/g)].map(([, device, cost]) => [device, cost]),
    [
      ['eth0', '2001'],
      ['eth2', '1001'],
      ['eth3', '1001'],
    ],
  );
  assert.deepEqual(
    [...core.matchAll(/route (\S+) via (\S+);/g)].map(([, to, via]) => [to, via]),
    [['fd00::3/128', 'fe80::2:2%eth1']],
  );
  assert.doesNotMatch(configurationOf('anchor1'), / via /);
});

test('lab routing: no two routers have one identifier', () => {
  const identifiers = plan().nodes.map(({ name }) => /^router id (\S+);$/m.exec(configurationOf(name))![1]);
  assert.equal(new Set(identifiers).size, identifiers.length);
});

test('lab routing: BIRD takes the configuration of every node', { skip: withoutBird }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'anchorage-bird-'));
  try {
    for (const { name } of plan().nodes) {
      const file = join(directory, `${name}.conf`);
      writeFileSync(file, configurationOf(name));
      execFileSync('bird', ['-p', '-c', file]);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});
