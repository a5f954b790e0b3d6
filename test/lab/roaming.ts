import assert from 'node:assert/strict';
import { experiment, type LabResult } from '../../src/lab/experiment.js';
import { labNamespaces } from '../../src/lab/host.js';
import { schemeNamed } from '../../src/protocol/schemes.js';
import type { Scenario } from '../../src/scenario/model.js';
import { main } from './support.js';

/** Four moves by `anchorage lab`'s own way. */
export async function roam(scheme: string, scenario: Scenario, directory: string): Promise<LabResult> {
  return experiment({
    scenario,
    scheme: schemeNamed(scheme)!,
    out: directory,
    main,
    roams: 4,
    dwellMs: 500,
    signal: new AbortController().signal,
    progress: () => {},
  });
}

/** What every run must show, whatever the scheme and the protection. */
export async function assertSeamless(result: LabResult): Promise<void> {
  assert.ok(result.addressKept, 'the mobile kept its one address');
  assert.equal(result.handovers.length, 4);
  for (const { to, downlinkMs, uplinkMs } of result.handovers) {
    assert.ok(downlinkMs !== undefined, `packets reached the mobile at ${to}`);
    assert.ok(uplinkMs !== undefined, `the mobile's packets arrived from ${to}`);
  }
  for (const { name, ok, detail } of result.checks) assert.ok(ok, `${name}: ${detail}`);
  assert.ok(result.traffic.tcp.octets > 500_000, 'TCP went on');
  assert.ok(result.traffic.ping.received > 0.8 * result.traffic.ping.sent, 'ping went on');
  assert.deepEqual(await labNamespaces('own'), [], 'the namespaces are gone');
}
