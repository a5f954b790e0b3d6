import type { Command } from 'commander';
import { type ControlRequest, Refusal } from '../daemon/control.js';
import { askDaemon, UnreachableError } from '../daemon/ctl.js';
import type { Row } from '../protocol/contract.js';
import { exit } from './outcome.js';
import { textTable } from './table.js';

interface CtlOptions {
  readonly socket?: string;
  readonly json?: boolean;
}

/** `anchorage ctl`: exit code 1 where the daemon refuses, 3 where none answers. */
export function register(program: Command): void {
  const ctl = program
    .command('ctl')
    .description('ask or tell a running daemon')
    .option('--socket <path>', 'its control socket; default: the only one in /run/anchorage')
    .option('--json', 'print data instead of tables');
  const ask = (request: ControlRequest, nothing: string) => run(ctl.opts<CtlOptions>(), request, nothing);
  ctl
    .command('show')
    .description('what the daemon knows')
    .argument('<topic>', 'bindings, visitors, peers, maps, associations, keys, counters, rules')
    .action((topic: string) => ask({ command: 'show', topic }, `no ${topic}`));
  ctl
    .command('release')
    .description("take a mobile's state away, telling those who hold it")
    .argument('<identity>', 'its network access identifier')
    .action((identity: string) => ask({ command: 'release', identity }, `${identity} released`));
  ctl
    .command('reanchor')
    .description("take a gateway's mobile to another anchor: it gets an address of that one's prefix")
    .argument('<identity>', 'its network access identifier')
    .argument('<anchor>', 'address of the anchor')
    .argument('[prefix]', "the mobile's prefix there; without it: the anchor's /64")
    .action((identity: string, anchor: string, prefix?: string) =>
      ask(
        { command: 'reanchor', identity, anchor, ...(prefix !== undefined && { prefix }) },
        `${identity} goes to ${anchor}`,
      ),
    );
  ctl
    .command('relocate')
    .description("have a gateway's mobile registered by another PMIP client")
    .argument('<identity>', 'its network access identifier')
    .argument('<client>', 'address of one of its pmipClients')
    .action((identity: string, client: string) =>
      ask({ command: 'relocate', identity, client }, `${identity} goes to PMIP client ${client}`),
    );
  registerMaps(ctl, ask);
  ctl
    .command('reload')
    .description('read the configuration again: all of it applies, or nothing')
    .action(() => ask({ command: 'reload' }, 'configuration reloaded'));
  registerStations(ctl, ask);
}

type Ask = (request: ControlRequest, nothing: string) => Promise<void>;

function registerMaps(ctl: Command, ask: Ask): void {
  const map = ctl.command('map').description('what is advertised of a MAP');
  map
    .command('prefer')
    .description('its preference, until the daemon ends')
    .argument('<address>', 'of the MAP')
    .argument('[preference]', '0 (no new mobiles) to 15; without it: as configured', Number)
    .action((address: string, preference?: number) =>
      ask(
        { command: 'prefer', map: address, ...(preference !== undefined && { preference }) },
        `preference of ${address} ${preference ?? 'as configured'}`,
      ),
    );
  map
    .command('withdraw')
    .description('advertise it with a lifetime of zero: mobiles go elsewhere')
    .argument('<address>', 'of the MAP')
    .action((address: string) => ask({ command: 'withdraw', map: address }, `${address} withdrawn`));
  map
    .command('restore')
    .description('advertise it again')
    .argument('<address>', 'of the MAP')
    .action((address: string) => ask({ command: 'restore', map: address }, `${address} restored`));
}

/** What the link layer knows. */
function registerStations(ctl: Command, ask: Ask): void {
  ctl
    .command('attach')
    .description("say that a station's link came up, as an access point would")
    .argument('<link>', 'name of the access link')
    .argument('<station>', 'link-layer address')
    .option('--identity <nai>', 'who the station said it is')
    .option('--from <access-point>', 'link-layer address of the one it says it comes from')
    .action((link: string, station: string, { from, ...options }: { identity?: string; from?: string }) =>
      ask(
        { command: 'attach', link, station, ...options, ...(from !== undefined && { previousAccessPoint: from }) },
        `${station} attached`,
      ),
    );
  ctl
    .command('detach')
    .description("say that a station's link went down")
    .argument('<link>', 'name of the access link')
    .argument('<station>', 'link-layer address')
    .action((link: string, station: string) => ask({ command: 'detach', link, station }, `${station} detached`));
  ctl
    .command('expect')
    .description('say that a handoff is near, for a prepared one: of this mobile node, or of a station of this router')
    .argument('<link>', 'name of the link')
    .argument('<access-point>', 'link-layer address of the one it will go to')
    .option('--station <address>', 'link-layer address')
    .action((link: string, accessPoint: string, options: { station?: string }) =>
      ask({ command: 'expect', link, accessPoint, ...options }, `handoff to ${accessPoint} expected`),
    );
}

async function run(options: CtlOptions, request: ControlRequest, nothing: string): Promise<void> {
  try {
    const rows = await askDaemon(options.socket, request);
    process.stdout.write(options.json ? `${JSON.stringify(rows, null, 2)}\n` : formatRows(rows, nothing));
  } catch (error) {
    if (!(error instanceof UnreachableError || error instanceof Refusal)) throw error;
    process.exitCode = error instanceof UnreachableError ? unreachable : exit.failed;
    const problems = error instanceof Refusal ? error.problems : [];
    process.stderr.write(`${[...problems, error.message].join('\n')}\n`);
  }
}

/** Exit code where no daemon answers. */
const unreachable = 3;

/** Rows as a table with a column for every key that occurs; `nothing` where there are none. */
export function formatRows(rows: readonly Row[], nothing: string): string {
  if (rows.length === 0) return `${nothing}\n`;
  const columns = [...new Set(rows.flatMap(row => Object.keys(row)))];
  const cells = rows.map(row => columns.map(column => String(row[column] ?? '')));
  return textTable([columns, ...cells], 'l'.repeat(columns.length));
}
