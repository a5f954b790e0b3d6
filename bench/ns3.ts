import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type SharedTopology, type SimulatorResult, sharedTopology } from './simulator.js';

const run = promisify(execFile);

export type Ns3Result =
  | ({ readonly kind: 'measured' } & SimulatorResult)
  | { readonly kind: 'absent'; readonly reason: string };

const modules = ['core', 'network', 'internet', 'csma', 'point-to-point', 'applications'].map(name => `ns3-${name}`);
/** The build keeps `bench` one folder deeper than the sources. */
const program = fileURLToPath(new URL('../../bench/ns3/anchorage.cc', import.meta.url));

/** The same network in ns-3 (Debian: libns3-dev), built for the occasion; says so where it is not installed. */
export async function benchNs3(topology: SharedTopology = sharedTopology): Promise<Ns3Result> {
  let flags: string[];
  try {
    const { stdout } = await run('pkg-config', ['--cflags', '--libs', ...modules]);
    // Debian's list also names libraries of ns-3's own by files that only their -dev packages have.
    flags = stdout.split(/\s+/).filter(flag => /^-I\/|^-lns3/.test(flag));
    await run('g++', ['--version']);
  } catch {
    return { kind: 'absent', reason: 'ns-3 is not installed: no libns3-dev, pkg-config or g++' };
  }
  const folder = await mkdtemp(join(tmpdir(), 'anchorage-ns3-'));
  try {
    const binary = join(folder, 'anchorage');
    await run('g++', ['-O2', '-std=c++17', program, '-o', binary, ...flags]);
    const { stdout } = await run(binary, [
      `--gateways=${topology.gateways}`,
      `--hostsPerGateway=${topology.hostsPerGateway}`,
      `--packetsPerSecond=${topology.packetsPerSecond}`,
      `--simulatedS=${topology.simulatedS}`,
    ]);
    const { deliveredPackets, wallS, events } = JSON.parse(stdout) as {
      deliveredPackets: number;
      wallS: number;
      events: number;
    };
    return {
      kind: 'measured',
      deliveredPackets,
      wallS,
      events,
      deliveredPerSecond: deliveredPackets / wallS,
      eventsPerSecond: events / wallS,
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}
