import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { invariant } from '../base/errors.js';
import { announcedTable } from '../linux/announcements.js';
import type { LabPaths } from './agents.js';
import { type Children, end, namespaceOf, run, until } from './host.js';
import type { LabPlan, PlannedNode, WireEnd } from './plan.js';

/** BIRD 2 in every router of a network in which daemons announce prefixes: OSPFv3 (RFC 5340) leads to the nearest who does (draft-chan §4.2). */
export class RoutingDaemons {
  readonly #plan: LabPlan;
  readonly #paths: LabPaths;
  readonly #children: Children;
  readonly #processes = new Map<string, ChildProcess>();

  constructor(plan: LabPlan, paths: LabPaths, children: Children) {
    this.#plan = plan;
    this.#paths = paths;
    this.#children = children;
  }

  /** Resolves when every router knows the way to every node. */
  async start(): Promise<void> {
    if (!this.#plan.announces) return;
    const routers = this.#plan.nodes.filter(({ forwards }) => forwards);
    for (const router of routers) this.#start(router);
    await Promise.all(routers.map(router => this.#knowsTheOthers(router)));
  }

  async kill(node: string): Promise<void> {
    const daemon = this.#processes.get(node);
    invariant(daemon !== undefined, `no routing daemon at ${node}`);
    await end(daemon, 10_000, 'SIGKILL');
  }

  #start(node: PlannedNode): void {
    const file = `${this.#paths.out}/${node.name}.bird.conf`;
    writeFileSync(file, birdConfiguration(this.#plan, node));
    const command = ['bird', '-f', '-c', file, '-s', `${this.#paths.run}/${node.name}.bird.sock`];
    const log = `${this.#paths.out}/${node.name}.bird.log`;
    this.#processes.set(node.name, this.#children.startLogged(namespaceOf(node.name), command, log));
  }

  async #knowsTheOthers(node: PlannedNode): Promise<void> {
    const wanted = this.#plan.nodes.filter(({ name }) => name !== node.name).map(({ address }) => address);
    await until(`${node.name} to know the way to all others`, async () => {
      const routes = await run('ip', ['-n', namespaceOf(node.name), '-6', 'route', 'show', 'proto', 'bird']);
      const known = new Set(routes.split('\n').map(line => line.split(' ')[0]));
      return wanted.every(address => known.has(address));
    });
  }
}

/** Its ways to hosts it knows by itself, all others by OSPF: what its wires' delays in the scenario say is the shortest. */
export function birdConfiguration(plan: LabPlan, node: PlannedNode): string {
  const wires = plan.wires
    .filter(({ family }) => family !== 4)
    .flatMap(({ ends: [a, b], delayMs }) => {
      if (a.node === node.name) return [{ near: a, far: b, delayMs }];
      return b.node === node.name ? [{ near: b, far: a, delayMs }] : [];
    });
  const hosts = plan.nodes.filter(({ forwards }) => !forwards);
  const between = wires.filter(({ far }) => hosts.every(({ name }) => name !== far.node));
  return `log stderr all;
router id 0.0.0.${plan.nodes.indexOf(node) + 1};
protocol device {}
ipv6 table announced;
protocol kernel announcements {
  kernel table ${announcedTable};
  learn;
  scan time 1;
  ipv6 { table announced; import all; export none; };
}
# A prefix announced here is announced whoever else does: no way learnt from others is better.
protocol pipe {
  table master6;
  peer table announced;
  import filter { preference = 200; accept; };
  export none;
}
# Its own addresses, and prefixes on its access links.
protocol direct {
  ipv6;
  interface "lo", "radio*";
}
protocol static {
  ipv6;
${wires.flatMap(({ near, far }) => hosts.filter(({ name }) => name === far.node).map(host => wayToHost(host, near, far))).join('')}}
protocol kernel {
  ipv6 { import none; export filter { if source = RTS_DEVICE || proto = "announcements" then reject; krt_prefsrc = ${node.address}; accept; }; };
}
protocol ospf v3 {
  ecmp no;
  ipv6 { import all; export filter { ospf_metric1 = 1; accept; }; };
  area 0 {
${between.map(({ near, delayMs }) => ospfInterface(near, delayMs)).join('')}  };
}
`;
}

function wayToHost({ address, moreAddresses }: PlannedNode, near: WireEnd, far: WireEnd): string {
  return [address, ...moreAddresses].map(to => `  route ${to}/128 via ${far.address}%${near.device};\n`).join('');
}

/** Of ways that take equally long the one with fewer hops. */
function ospfInterface({ device }: WireEnd, delayMs: number): string {
  const cost = Math.min(65_535, 1 + Math.round(delayMs * 100));
  return `    interface "${device}" { type ptp; cost ${cost}; hello 1; dead 4; };\n`;
}
