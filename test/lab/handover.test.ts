import assert from 'node:assert/strict';
import type { LabAdjustments } from '../../src/lab/adjust.js';
import { experiment, type LabResult } from '../../src/lab/experiment.js';
import { labNamespaces } from '../../src/lab/host.js';
import { schemeNamed } from '../../src/protocol/schemes.js';
import { assertCleanCapture } from '../oracle/tshark.js';
import { comparison, labTest, main } from './support.js';

async function roam(scheme: string, adjustments: LabAdjustments, directory: string): Promise<LabResult> {
  return experiment({
    scenario: comparison(adjustments),
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
async function assertSeamless(result: LabResult): Promise<void> {
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

labTest('lab: a Linux host with SLAAC roams between MPAs that signal with RFC 4285', async directory => {
  const result = await roam('lmm', { protection: 'rfc4285' }, directory);
  await assertSeamless(result);
  for (const link of ['ar1-radio', 'ar2-radio', 'anchor1-ar1', 'anchor1-ar2'])
    assertCleanCapture(`${directory}/${link}.pcap`);
});

labTest('lab: a Linux host with a stock DHCPv6 client roams between MPAs that signal with ESP', async directory => {
  await assertSeamless(await roam('lmm', { addressing: 'dhcpv6', protection: 'esp' }, directory));
});

labTest('lab: a Linux host roams between MAGs of RFC 5213', async directory => {
  await assertSeamless(await roam('pmip6', {}, directory));
});
