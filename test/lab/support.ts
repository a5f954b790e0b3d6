import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { adjust, type LabAdjustments } from '../../src/lab/adjust.js';
import { namespaceOf, run, until } from '../../src/lab/host.js';
import { Lab } from '../../src/lab/lab.js';
import { missingPrerequisites } from '../../src/lab/prerequisites.js';
import type { Scheme } from '../../src/protocol/scheme.js';
import { schemeNamed } from '../../src/protocol/schemes.js';
import type { Scenario } from '../../src/scenario/model.js';
import { parseScenario } from '../../src/scenario/parse.js';

export const root = fileURLToPath(new URL('../../../', import.meta.url));
export const main = join(root, 'dist/src/cli/main.js');

/** Why no lab can run here: the `skip` of a test. With CI=true it runs, and fails. */
const missing = missingPrerequisites({ dhclient: 'isc-dhcp-client', nft: 'nftables', bird: 'bird2' });
const withoutLab = missing.length > 0 && process.env.CI !== 'true' ? missing.join('; ') : false;

/** A test with a directory of its own, gone when it ends. */
export function labTest(name: string, body: (directory: string) => Promise<void>): void {
  test(name, { skip: withoutLab }, async () => {
    if (missing.length > 0) throw new Error(missing.join('; '));
    const directory = mkdtempSync(join(tmpdir(), 'anchorage-lab-'));
    try {
      await body(directory);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
}

/** A network in a file of the repository. */
export function scenarioIn(path: string): Scenario {
  const file = join(root, path);
  const result = parseScenario(readFileSync(file, 'utf8'), { file });
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('\n'));
  return result.scenario;
}

/** The comparison's network, as the lab runs it, with so many mobiles. */
export function comparison(adjustments: LabAdjustments = {}, mobiles = 1): Scenario {
  const scenario = scenarioIn('scenarios/comparison.yaml');
  const more = Array.from({ length: mobiles - 1 }, (_, i) => i + 2).map(number => ({
    ...scenario.nodes.find(node => node.role === 'mobile')!,
    name: `mn${number}`,
    identity: `mn${number}@example.net`,
    linkAddress: `02:00:00:00:01:0${number}`,
  }));
  return adjust({ ...scenario, nodes: [...scenario.nodes, ...more] }, adjustments);
}

/** Runs `body` in a lab, which is gone afterwards. */
export async function withLab(
  { scheme, scenario, directory }: { scheme: string | Scheme; scenario: Scenario; directory: string },
  body: (lab: Lab) => Promise<void>,
): Promise<void> {
  const found = typeof scheme === 'string' ? schemeNamed(scheme)! : scheme;
  const lab = new Lab({ scheme: found, scenario, out: directory, main });
  try {
    await body(lab);
  } finally {
    await lab.stop();
  }
}

/** A ping that goes on, from a mobile to the correspondent. */
export class SteadyPing {
  readonly #file: string;
  readonly #lab: Lab;

  constructor(lab: Lab, mobile: string, directory: string) {
    this.#lab = lab;
    this.#file = join(directory, `${mobile}.ping`);
    const command = ['ping', '-n', '-i', '0.05', lab.plan.network.correspondents[0].address];
    lab.children.startLogged(namespaceOf(mobile), command, this.#file);
  }

  /** Answers so far. */
  get answers(): number {
    return readFileSync(this.#file, 'utf8').split('bytes from').length - 1;
  }

  /** Resolves when `more` further answers have come. */
  async goesOn(more = 10): Promise<void> {
    const before = this.answers;
    try {
      await until(`${more} more answers to ping`, () => this.answers >= before + more || undefined);
    } catch (error) {
      throw new Error(
        `${(error as Error).message}, having had ${this.answers - before}:\n${await knowledge(this.#lab)}`,
      );
    }
  }
}

/** One TCP connection that goes on, from a mobile to the correspondent or to another mobile: it is never made again. */
export class SteadyConnection {
  readonly #file: string;
  readonly #lab: Lab;

  private constructor(lab: Lab, file: string) {
    this.#lab = lab;
    this.#file = file;
  }

  static async start(
    lab: Lab,
    mobile: string,
    directory: string,
    { node, address } = lab.plan.network.correspondents[0],
  ): Promise<SteadyConnection> {
    const program = join(root, 'dist/test/lab/tcp-echo.js');
    const [served, file] = [join(directory, `${node}.echo`), join(directory, `${mobile}.echo`)];
    lab.children.startLogged(namespaceOf(node), [process.execPath, program, 'serve', echoPort], served);
    await until(
      'the server to listen',
      () => readFileSync(served, 'utf8').includes('listening') || undefined,
      patienceMs,
    );
    const client = [process.execPath, program, 'connect', address, echoPort];
    lab.children.startLogged(namespaceOf(mobile), client, file);
    const connection = new SteadyConnection(lab, file);
    await connection.goesOn();
    return connection;
  }

  /** Of the mobile's end. */
  get address(): string | undefined {
    return /^from (.*)$/m.exec(this.#said)?.[1];
  }

  /** Resolves when octets have come back that were sent after this call, as far as 20 more of them show that. */
  async goesOn(more = 20): Promise<void> {
    const before = this.#echoes;
    await until(
      'more echoes over the connection',
      async () => {
        const broken = /^broken.*$/m.exec(this.#said);
        if (broken) throw new Error(`${broken[0]}\n${await knowledge(this.#lab)}`);
        return this.#echoes >= before + more || undefined;
      },
      patienceMs,
    );
  }

  get #said(): string {
    return readFileSync(this.#file, 'utf8');
  }

  get #echoes(): number {
    return this.#said.split('echo').length - 1;
  }
}

/** A counter of a node's daemon. */
export async function counter(lab: Lab, node: string, name: string): Promise<number> {
  const rows = await lab.agent(node).ask({ command: 'show', topic: 'counters' });
  return Number(rows.find(({ counter }) => counter === name)?.value ?? 0);
}

/** Resolves when the home agent at `anchor` has the mobile at `router`: a care-of address of its links, or its own. */
export async function boundAt(lab: Lab, router: string, anchor = 'ha'): Promise<void> {
  const { prefix, address } = lab.plan.network.accessRouters.find(({ node }) => node === router)!;
  const onLink = prefix.replace(/::\/\d+$/, ':');
  const bound = async () =>
    (await lab.agent(anchor).ask({ command: 'show', topic: 'bindings' })).find(
      ({ careOf }) => careOf === address || String(careOf).startsWith(onLink),
    );
  await until(`${anchor} to have the mobile at ${router}`, bound, patienceMs);
}

const echoPort = '5210';
/** A connection that has lost much waits for longer and longer; and the machine may do much else. */
export const patienceMs = 120_000;

/** What daemons know of mobiles, as JSON a line: why nothing arrives. */
async function knowledge({ agents }: Lab): Promise<string> {
  const lines: string[] = [];
  for (const { agent, topic } of agents.flatMap(agent =>
    ['visitors', 'bindings', 'homes', 'cache', 'leases', 'registrations', 'correspondents', 'rules'].map(topic => ({
      agent,
      topic,
    })),
  )) {
    const rows = await agent.ask({ command: 'show', topic }).catch(() => []);
    lines.push(...rows.map(row => `${agent.node} ${topic} ${JSON.stringify(row)}`));
  }
  return lines.join('\n');
}

/** Everything a daemon may leave in the kernel of a node, but for a link-layer address: what it was before a crash is not known after. */
export async function kernelState(node: string): Promise<string> {
  const inside = (...command: string[]) => run('ip', ['netns', 'exec', namespaceOf(node), ...command]);
  const parts = [
    await inside('ip', '-6', 'rule'),
    await inside('ip', '-6', 'route', 'show', 'table', 'all'),
    await inside('ip', '-6', 'neighbour', 'show', 'nud', 'permanent'),
    (await inside('ip', '-br', 'link')).replace(/ ([0-9a-f]{2}:){5}[0-9a-f]{2} /g, ' '),
    await inside('nft', 'list', 'tables'),
    await inside('sysctl', '-a', '--pattern', 'net.ipv6.conf.*(forwarding|seg6_enabled|accept_ra$|addr_gen_mode)'),
  ];
  return parts.join('\n');
}

/** Routes of a node, in whatever table, that mention an address. */
export async function routesOf(node: string, address: string): Promise<string[]> {
  const all = await run('ip', ['-n', namespaceOf(node), '-6', 'route', 'show', 'table', 'all']);
  return all.split('\n').filter(line => line.includes(address));
}

export { until };
