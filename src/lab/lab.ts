import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { invariant } from '../base/errors.js';
import type { TunnelMechanism } from '../linux/tunnels.js';
import type { Scheme } from '../protocol/scheme.js';
import { describeNetwork } from '../scenario/describe.js';
import type { Scenario } from '../scenario/model.js';
import { Agent, type LabPaths } from './agents.js';
import { Air } from './air.js';
import { Captures } from './captures.js';
import { startDhcpClient } from './dhcp-client.js';
import { Children, runDirectory, until } from './host.js';
import { airNamespace, build, demolish, readyAddresses, switchOff, switchOn } from './network.js';
import { placeDaemons } from './placements.js';
import { type LabPlan, type PlannedMobile, type PlannedRadio, planLab } from './plan.js';
import type { LabMove } from './probe.js';
import { RoutingDaemons } from './routing-daemons.js';

export interface LabSetup {
  readonly scenario: Scenario;
  readonly scheme: Scheme;
  /** Receives configurations, logs and captures; logs and captures of an earlier run there go. */
  readonly out: string;
  /** The program's entry: `…/cli/main.js`. */
  readonly main: string;
  /** Of all daemons; `auto` when absent. */
  readonly tunnels?: 'auto' | TunnelMechanism;
}

/** A scenario on real kernels: namespaces, our daemons in the routers, and in the mobiles only where the scheme needs their help. */
export class Lab {
  readonly plan: LabPlan;
  readonly agents: readonly Agent[];
  readonly children = new Children();
  readonly captures: Captures;
  readonly #paths: LabPaths;
  readonly #routing: RoutingDaemons;
  readonly #places = new Map<string, PlannedRadio>();
  #air: Air | undefined;

  constructor({ scenario, scheme, out, main, tunnels }: LabSetup) {
    const placements = placeDaemons(scheme, describeNetwork(scenario));
    this.plan = planLab(scenario, placements);
    this.#paths = { out, main, run: runDirectory() };
    mkdirSync(out, { recursive: true });
    for (const name of readdirSync(out)) if (/\.(log|pcap)$/.test(name)) rmSync(join(out, name));
    mkdirSync(this.#paths.run, { recursive: true, mode: 0o700 });
    this.agents = placements.map(placement => new Agent(placement, this.plan, this.#paths, this.children, tunnels));
    this.captures = new Captures(this.plan, out);
    this.#routing = new RoutingDaemons(this.plan, this.#paths, this.children);
  }

  /** Makes the network and starts the daemons. Whatever happens, call `stop` afterwards. */
  async start(): Promise<void> {
    await this.build();
    await this.startAgents();
  }

  /** Makes the network. */
  async build(): Promise<void> {
    setPriority(routerPriority);
    await build(this.plan);
    this.#air = new Air(airNamespace());
    await this.captures.start(this.plan, this.children);
    await switchOn(this.plan.mobiles);
    await this.#routing.start();
  }

  async startAgents(): Promise<void> {
    await Promise.all(this.agents.map(agent => agent.start()));
  }

  /** The node goes down as if its power were cut, for good. */
  async cutPower(node: string): Promise<void> {
    for (const agent of this.agents) if (agent.node === node && agent.running) await agent.kill('SIGKILL');
    if (this.plan.announces) await this.#routing.kill(node);
    await switchOff(this.plan, node);
  }

  /** Ends every process of the run and takes every namespace away; again does no harm. */
  async stop(): Promise<void> {
    try {
      await this.#air?.close();
      this.#air = undefined;
      await this.children.stop();
      await this.captures.stop();
    } finally {
      await demolish('own');
    }
  }

  agent(node: string): Agent {
    const agent = this.agents.find(one => one.node === node);
    invariant(agent !== undefined, `no agent at ${node}`);
    return agent;
  }

  mobile(name: string): PlannedMobile {
    const mobile = this.plan.mobiles.find(({ node }) => node.name === name);
    invariant(mobile !== undefined, `no mobile ${name}`);
    return mobile;
  }

  /** The access router a mobile is at. */
  placeOf(mobile: string): string | undefined {
    return this.#places.get(mobile)?.router;
  }

  /** Takes the mobile's link down, and up again at `router` after `l2GapMs`; access points tell their routers of both. */
  async move(mobile: string, router: string, l2GapMs: number): Promise<LabMove> {
    const from = this.#places.get(mobile);
    const downMs = wallMs();
    const left = from && this.#leave(mobile, from);
    await new Promise(resolve => setTimeout(resolve, l2GapMs));
    await left;
    const upMs = await this.#arrive(mobile, router, from);
    return { mobile, from: from?.router ?? '', to: router, downMs, upMs };
  }

  /** The mobile's link layer foresees a move to `router`: its daemon is told, or where it has none the router it is at. */
  async foresee(mobile: string, router: string): Promise<void> {
    const { accessPoint } = this.#radioOf(router);
    const at = this.#places.get(mobile);
    if (accessPoint === undefined || at === undefined) return;
    const { linkAddress: station } = this.mobile(mobile).node;
    if (this.isHelped(mobile)) await this.agent(mobile).ask({ command: 'expect', link: 'wlan0', accessPoint });
    else await this.#tell(at, { command: 'expect', link: at.name, station, accessPoint });
  }

  /** The mobile comes to its first access router and asks there for whatever it needs. */
  async attach(mobile: string, router: string): Promise<void> {
    await this.move(mobile, router, 0);
    if (this.mobile(mobile).node.addressing === 'dhcpv6') await startDhcpClient(this.children, mobile, this.#paths.out);
  }

  async #leave(name: string, radio: PlannedRadio): Promise<void> {
    const mobile = this.mobile(name);
    this.#places.delete(name);
    await this.#air!.leave(mobile);
    await this.#tell(radio, { command: 'detach', link: radio.name, station: mobile.node.linkAddress });
  }

  async #arrive(name: string, router: string, from: PlannedRadio | undefined): Promise<number> {
    const mobile = this.mobile(name);
    const radio = this.#radioOf(router);
    const upMs = wallMs();
    await this.#air!.arrive(mobile, radio);
    const { linkAddress: station, identity } = mobile.node;
    const previous = from?.accessPoint !== undefined && { previousAccessPoint: from.accessPoint };
    await this.#tell(radio, { command: 'attach', link: radio.name, station, identity, ...previous });
    this.#places.set(name, radio);
    return upMs;
  }

  #radioOf(router: string): PlannedRadio {
    const radio = this.plan.radios.find(one => one.router === router);
    invariant(radio !== undefined, `${router} has no access link`);
    return radio;
  }

  /** As an access point would: a router that is down does not hear it. */
  async #tell({ router }: PlannedRadio, request: Parameters<Agent['ask']>[0]): Promise<void> {
    const agent = this.agents.find(({ node }) => node === router);
    if (agent?.running) await agent.ask(request);
  }

  isMobile(node: string): boolean {
    return this.plan.mobiles.some(mobile => mobile.node.name === node);
  }

  /** Whether a daemon of ours runs in the mobile. */
  isHelped(mobile: string): boolean {
    return this.agents.some(({ node }) => node === mobile);
  }

  /** The global addresses that the mobile's applications use: those its kernel has found unique, or its home address. */
  addresses(mobile: string): Promise<string[]> {
    const device = this.isHelped(mobile) ? ownDevice : 'wlan0';
    return until(`${mobile} to have an address`, async () => {
      const addresses = await readyAddresses(mobile, 'global', device);
      return addresses.length > 0 ? addresses : undefined;
    });
  }

  /** All that a node that does not move is known by. */
  addressesOf(node: string): string[] {
    const { address, moreAddresses } = this.plan.nodes.find(({ name }) => name === node)!;
    return [address, ...moreAddresses];
  }

  /** The address of a node that does not move. */
  addressOf(node: string): string {
    return this.plan.nodes.find(({ name }) => name === node)!.address;
  }
}

/** The device on which our daemon gives applications the home address. */
const ownDevice = 'anchorage';

/** Each router would be a machine of its own: nothing else that runs on this one is to slow them down. */
const routerPriority = -15;

/** The clock that captures are stamped with, finer than `Date.now`. */
function wallMs(): number {
  return performance.timeOrigin + performance.now();
}
