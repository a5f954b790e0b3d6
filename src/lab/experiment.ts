import { setTimeout as pause } from 'node:timers/promises';
import { type Address, formatAddress } from '../base/address.js';
import type { NetworkDescription, Scheme } from '../protocol/scheme.js';
import { closedFormOf, handoversOf } from '../scenario/handovers.js';
import type { Scenario } from '../scenario/model.js';
import { topologyOf } from '../scenario/topology.js';
import { type Check, checkCaptures } from './checks.js';
import { Lab, type LabSetup } from './lab.js';
import { disordered, type LabMove, type MoveResult, measureMoves, quantile, readProbe } from './probe.js';
import { type DownlinkPaths, downlinkPaths } from './probe-paths.js';
import { Traffic, type TrafficReport } from './traffic.js';

export interface ExperimentOptions extends LabSetup {
  readonly roams: number;
  /** How long the mobile stays at each access router; absent: long enough for its kernel to form an address there. */
  readonly dwellMs?: number | undefined;
  readonly signal: AbortSignal;
  progress(text: string): void;
}

/** What `anchorage lab` reports. Gaps are beyond the time without any link layer. */
export interface LabResult {
  readonly scheme: string;
  readonly mobile: string;
  readonly address: string;
  /** A daemon of ours ran in the mobile: the scheme needs the host's help. */
  readonly helpedMobile: boolean;
  /** The same at the end as at the beginning, and no other beside it. */
  readonly addressKept: boolean;
  readonly l2GapMs: number;
  readonly handovers: readonly (MoveResult & { readonly downlink: DownlinkPaths | undefined })[];
  readonly downlinkMs: Quantiles;
  readonly uplinkMs: Quantiles;
  /** Probe packets, one a millisecond each way. */
  readonly lost: { readonly down: number; readonly up: number };
  /** Of the probe packets those that came after one that was sent later. */
  readonly disordered: { readonly down: number; readonly up: number };
  readonly traffic: TrafficReport;
  readonly checks: readonly Check[];
}

export interface Quantiles {
  /** Handovers after which packets flowed. */
  readonly count: number;
  readonly median: number | undefined;
  readonly p95: number | undefined;
}

/** Takes the first mobile through its access routers while packets flow, and says what that cost. */
export async function experiment(options: ExperimentOptions): Promise<LabResult> {
  const lab = new Lab(options);
  try {
    options.progress('making namespaces, starting daemons');
    await lab.start();
    const course = await roam(lab, options);
    const tunnels = await tunnelsDeclared(lab);
    options.progress('stopping');
    await lab.stop();
    options.progress('reading captures');
    return report(course, tunnels, lab, options);
  } finally {
    await lab.stop();
  }
}

const unhelpedDwellMs = 500;
/** The kernel keeps packets for tcpdump that long. */
const captureDelayMs = 1000;
/** Duplicate Address Detection takes the kernel two seconds at the most. */
const helpedDwellMs = 4000;

interface Course {
  readonly mobile: string;
  readonly correspondent: string;
  readonly address: string;
  readonly addressKept: boolean;
  readonly moves: readonly LabMove[];
  readonly traffic: TrafficReport;
}

async function roam(lab: Lab, options: ExperimentOptions): Promise<Course> {
  const { signal, progress } = options;
  const { name } = lab.plan.mobiles[0].node;
  const correspondent = lab.plan.network.correspondents[0];
  const routers = routersToVisit(options.scenario, options.scheme, lab.plan.network, name);
  const gapMs = l2GapMs(options.scenario);
  const predictedMs = Math.max(0, ...options.scenario.movement.map(move => move.predictedMs));
  await lab.attach(name, routers[0]);
  const [address] = await lab.addresses(name);
  signal.throwIfAborted();
  progress(`${name} has ${address}`);
  const traffic = new Traffic(options.out);
  await traffic.start(lab.children, name, correspondent);
  const dwellMs = options.dwellMs ?? (lab.isHelped(name) ? helpedDwellMs : unhelpedDwellMs);
  const moves: LabMove[] = [];
  for (let i = 1; i <= options.roams; i++) {
    await pause(dwellMs, undefined, { signal });
    const router = routers[i % routers.length];
    progress(`roam ${i} of ${options.roams}: to ${router}`);
    if (predictedMs > 0) {
      await lab.foresee(name, router);
      await pause(predictedMs, undefined, { signal });
    }
    moves.push(await lab.move(name, router, gapMs));
  }
  await pause(Math.max(dwellMs, 1000), undefined, { signal });
  const kept = await lab.addresses(name);
  const measured = await traffic.stop();
  await pause(captureDelayMs, undefined, { signal });
  return {
    mobile: name,
    correspondent: correspondent.node,
    address,
    addressKept: kept.length === 1 && kept[0] === address,
    moves,
    traffic: measured,
  };
}

/** The access routers the scenario takes the mobile to, those left out between which the scheme loses the session. */
function routersToVisit(scenario: Scenario, scheme: Scheme, network: NetworkDescription, mobile: string): string[] {
  const world = { scenario, network, topology: topologyOf(scenario) };
  const handovers = handoversOf(scenario, network).filter(handover => handover.mobile === mobile);
  const kept = handovers.filter(handover => closedFormOf(scheme, handover, world) !== undefined);
  const visited = (kept.length > 0 ? kept : handovers).flatMap(({ from, to }) => [from, to]);
  const first = network.mobiles.find(({ node }) => node === mobile)?.firstAccessRouter;
  return [...new Set([...(first === undefined ? [] : [first]), ...visited])];
}

function l2GapMs({ movement }: Scenario): number {
  return Math.max(0, ...movement.map(move => move.l2GapMs));
}

async function tunnelsDeclared(lab: Lab): Promise<boolean> {
  for (const agent of lab.agents)
    for (const { via } of await agent.ask({ command: 'show', topic: 'rules' }))
      if (String(via).startsWith('tunnel')) return true;
  return false;
}

function report(course: Course, tunnels: boolean, lab: Lab, { scenario, scheme }: ExperimentOptions): LabResult {
  const { mobile, address, addressKept, traffic } = course;
  const captures = lab.captures.captures;
  const file = (name: string) => captures.find(capture => capture.name === name)!.file;
  const wire = lab.plan.wires.find(({ ends }) => ends.some(({ node }) => node === course.correspondent))!;
  const seenAt = { mobile: readProbe(file(mobile)), correspondent: readProbe(file(wire.name)) };
  const wires = captures.filter(({ kind }) => kind === 'wire').flatMap(({ file }) => readProbe(file));
  const names = new Map(lab.plan.nodes.flatMap(({ name }) => lab.addressesOf(name).map(address => [address, name])));
  const nameOf = (address: Address) => names.get(formatAddress(address)) ?? formatAddress(address);
  const paths = downlinkPaths(course.moves, { mobile: seenAt.mobile, wires }, nameOf);
  const handovers = measureMoves(course.moves, seenAt).map((move, i) => ({ ...move, downlink: paths[i] }));
  return {
    scheme: scheme.name,
    mobile,
    address,
    helpedMobile: lab.isHelped(mobile),
    addressKept,
    l2GapMs: l2GapMs(scenario),
    handovers,
    downlinkMs: quantiles(handovers.map(handover => handover.downlinkMs)),
    uplinkMs: quantiles(handovers.map(handover => handover.uplinkMs)),
    lost: { down: sum(handovers.map(({ lostDown }) => lostDown)), up: sum(handovers.map(({ lostUp }) => lostUp)) },
    disordered: { down: disordered(seenAt.mobile, 'down'), up: disordered(seenAt.correspondent, 'up') },
    traffic,
    checks: checkCaptures(captures, {
      protection: scenario.protection,
      tunnels,
      helpedMobiles: lab.isHelped(mobile),
      agents: new Set(lab.agents.flatMap(({ node }) => (lab.isMobile(node) ? [] : lab.addressesOf(node)))),
    }),
  };
}

function quantiles(values: readonly (number | undefined)[]): Quantiles {
  const known = values.filter(value => value !== undefined);
  return { count: known.length, median: quantile(known, 0.5), p95: quantile(known, 0.95) };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
