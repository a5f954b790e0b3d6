import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { adjust, type LabAdjustments } from '../lab/adjust.js';
import { experiment, type LabResult, type Quantiles } from '../lab/experiment.js';
import { announces } from '../lab/placements.js';
import { missingPrerequisites } from '../lab/prerequisites.js';
import type { TunnelMechanism } from '../linux/tunnels.js';
import { describeNetwork } from '../scenario/describe.js';
import { acrossDomains } from '../scenario/domains.js';
import { topologyOf } from '../scenario/topology.js';
import { outputDirectory } from './files.js';
import { exit, UsageError } from './outcome.js';
import { addScenarioOptions, findScheme, loadScenario, type ScenarioOptions } from './scenario-options.js';
import { textTable } from './table.js';

interface LabOptions extends ScenarioOptions, LabAdjustments {
  readonly scheme: string;
  readonly roams: number;
  readonly dwell?: number;
  readonly tunnels: 'auto' | TunnelMechanism;
}

/** `anchorage lab`: exit code 1 where something was not as it should be, 130 after Ctrl-C. */
export function register(program: Command): void {
  addScenarioOptions(program.command('lab'))
    .description(
      'run a scenario on network namespaces: real kernels, real daemons, an unmodified host where the scheme allows (as root)',
    )
    .argument('<scenario>', 'scenario file')
    .requiredOption('--scheme <name>', 'which scheme, see `anchorage schemes`')
    .option('--roams <n>', 'how many times the mobile moves', natural, 50)
    .option(
      '--dwell <ms>',
      'how long it stays at each access router; default: 500, or 4000 where it helps itself',
      natural,
    )
    .addOption(new Option('--addressing <mode>', 'how the mobile gets its address').choices(['slaac', 'dhcpv6']))
    .addOption(new Option('--tunnels <kind>', 'by which mechanism').choices(['auto', 'seg6', 'ip6tnl']).default('auto'))
    .addOption(new Option('--protection <kind>', 'of signalling').choices(['rfc4285', 'esp', 'insecure']))
    .action(lab);
}

async function lab(file: string, options: LabOptions): Promise<void> {
  const scenario = adjust(loadScenario(file, options.set), options);
  const scheme = acrossDomains(scenario, findScheme(options.scheme), topologyOf(scenario));
  const placements = scheme.place(describeNetwork(scenario));
  if (placements.length === 0) throw new UsageError([`scheme '${scheme.name}' has no daemons that a lab could run`]);
  const missing = missingPrerequisites({
    ...(options.addressing === 'dhcpv6' && { dhclient: 'isc-dhcp-client' }),
    ...(announces(placements) && { bird: 'bird2' }),
  });
  if (missing.length > 0) throw new UsageError(missing);
  const interruption = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interruption.abort());
  try {
    const result = await experiment({
      scenario,
      scheme,
      out: resolve(outputDirectory(options.out ?? `out/lab-${options.scheme}`)),
      main: fileURLToPath(new URL('./main.js', import.meta.url)),
      tunnels: options.tunnels,
      roams: options.roams,
      dwellMs: options.dwell,
      signal: interruption.signal,
      progress: text => process.stderr.write(`${text}\n`),
    });
    process.stdout.write(`${options.json ? JSON.stringify(result, null, 2) : describe(result)}\n`);
    process.exitCode = isGood(result) ? exit.ok : exit.failed;
  } catch (error) {
    if (!interruption.signal.aborted) throw error;
    process.stderr.write('interrupted; everything was taken away again\n');
    process.exitCode = interrupted;
  }
}

/** Exit code of programs that SIGINT ended. */
const interrupted = 130;

function natural(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('wants a whole number of at least 0.');
  return Number(text);
}

function isGood(result: LabResult): boolean {
  const { addressKept, checks, handovers, downlinkMs, uplinkMs } = result;
  const flowed = downlinkMs.count === handovers.length && uplinkMs.count === handovers.length;
  return addressKept && flowed && checks.every(({ ok }) => ok);
}

function describe(result: LabResult): string {
  const { tcp, ping } = result.traffic;
  const { lost, disordered } = result;
  const rows = [
    ['beyond the L2 gap', 'median ms', '95 % ms', 'packets lost', 'out of order'],
    ['downlink', ...numbers(result.downlinkMs), String(lost.down), String(disordered.down)],
    ['uplink', ...numbers(result.uplinkMs), String(lost.up), String(disordered.up)],
  ];
  return [
    `${result.mobile} ${result.addressKept ? 'kept' : 'DID NOT KEEP'} ${result.address} over ${result.handovers.length} moves, each ${result.l2GapMs} ms without a link`,
    textTable(rows, 'lrrrr').trimEnd(),
    ...(result.helpedMobile ? [`${result.mobile} ran a daemon of ours: ${result.scheme} needs the host's help`] : []),
    `TCP: ${tcp.octets} octets, at most ${tcp.secondsWithout.toFixed(1)} s without progress`,
    `ping: ${ping.received} of ${ping.sent} answered`,
    ...pathsOf(result),
    ...result.checks.map(({ name, ok, detail }) => `${ok ? 'ok  ' : 'FAIL'} ${name}: ${detail}`),
  ].join('\n');
}

/** Tunnels from the correspondent to each access router, where there are any: those of the first packet after a move, and of the last before the next. */
function pathsOf({ handovers }: LabResult): string[] {
  const lines = handovers.flatMap(({ to, downlink }) => {
    if (!downlink || downlink.first.length + downlink.last.length === 0) return [];
    const [first, last] = [downlink.first, downlink.last].map(path => path.join(', ') || 'none');
    return [`tunnels to ${to}: ${first === last ? first : `at first ${first}; then ${last}`}`];
  });
  return [...new Set(lines)];
}

function numbers({ median, p95 }: Quantiles): string[] {
  return [median, p95].map(value => value?.toFixed(1) ?? '–');
}
