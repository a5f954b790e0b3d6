import { type Address, formatAddress, parseAddress } from '../../src/base/address.js';
import { autoconfiguredAddress } from '../../src/base/link-address.js';
import { parsePrefix } from '../../src/base/prefix.js';
import type { FlowRecord, Link, Node } from '../../src/sim/index.js';
import type { Packet } from '../../src/wire/ipv6/packet.js';
import { correspondentAddress, create, homeAgentAddress, homePrefix } from './mobile-network.js';
import { ms, type Observed, observed } from './network.js';

export interface WantedAgents {
  /** Of agents 1, 2, … each with a link of its own: what is behind `linkConnected`, which they are unless it says otherwise. */
  readonly agents: readonly Readonly<Record<string, unknown>>[];
  /** Agent 9 behind the core. */
  readonly upper?: boolean;
  /** Those the routers tell of, the lowest first, by number; default: each of itself, then agent 9 where there is one. */
  readonly chains?: readonly (readonly number[])[];
  readonly zone?: number;
  readonly mobile?: Readonly<Record<string, unknown>>;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly plainHomeAgent?: boolean;
  readonly routeOptimisation?: boolean;
  /** Interfaces of the mobile. */
  readonly interfaces?: readonly string[];
}

export interface AgentNetwork extends Observed {
  readonly homeAddress: Address;
  readonly mobile: Node;
  readonly homeAgent: Node;
  readonly correspondent: Node;
  /** By number. */
  readonly agents: ReadonlyMap<number, Node>;
  readonly links: readonly Link[];
  move(atMs: number, link: number | undefined, port?: string): void;
  traffic(direction: 'down' | 'up', fromMs: number, untilMs: number): FlowRecord;
  run(untilMs: number): void;
  /** Packets that reach a node, outermost as they came. */
  seenAt(node: string): Packet[];
  rows(node: Node, view: string): readonly Readonly<Record<string, unknown>>[];
}

export function agentAddress(n: number): Address {
  return parseAddress(`fd00:a:${n}::1`);
}

/** Agents with links of their own around one core router, a home agent without a link and a correspondent. */
export function agentNetwork(wanted: WantedAgents): AgentNetwork {
  const world = observed();
  const { simulation, records } = world;
  const core = simulation.addNode({ name: 'core', forwarding: true });
  const wire = (node: Node, delayMs = 5) => {
    const link = simulation.addLink({ name: `core-${node.name}`, kind: 'wire', delay: delayMs * ms });
    core.attach(link, { name: link.name, autoconfigure: false });
    node.attach(link, { name: link.name, autoconfigure: false });
  };
  const homeAgent = simulation.addNode({ name: 'ha', forwarding: true, addresses: [homeAgentAddress] });
  wire(homeAgent, 20);
  homeAgent.originate(homePrefix);
  const correspondent = simulation.addNode({ name: 'cn', addresses: [correspondentAddress] });
  wire(correspondent, 10);
  const agents = new Map<number, Node>();
  const links: Link[] = [];
  const told = (n: number) => wanted.chains?.[n - 1] ?? (wanted.upper ? [n, 9] : [n]);
  for (const [i, section] of wanted.agents.entries()) {
    const n = i + 1;
    const node = simulation.addNode({ name: `lma${n}`, forwarding: true, addresses: [agentAddress(n)] });
    wire(node, 2);
    const link = simulation.addLink({ name: `visited${n}`, kind: 'access', delay: 1 * ms });
    const prefix = parsePrefix(`fd00:b:${n}::/64`);
    const own = parseAddress(`fd00:b:${n}::1`);
    node.attach(link, { name: 'ap0', addresses: [{ address: own, length: 64 }] });
    node.originate(prefix);
    const { linkConnected = true, advertised = {}, ...others } = section;
    const chain = told(n).map(agent => ({ address: formatAddress(agentAddress(agent)) }));
    const isOwn = linkConnected === true && told(n)[0] === n;
    const announced = { chain, linkConnected: isOwn, ...(wanted.zone !== undefined && { zone: wanted.zone }) };
    const advertise = {
      links: [
        { name: 'ap0', prefixes: [{ prefix: `fd00:b:${n}::/64` }], solicited: { maximumDelayMs: 0, unicast: true } },
      ],
      agents: told(n).length > 0 ? [{ ...announced, ...(advertised as object) }] : [],
    };
    const config = { address: formatAddress(agentAddress(n)), insecure: true, links: ['ap0'], advertise, ...others };
    node.addEngine(create('lma6', config));
    agents.set(n, node);
    links.push(link);
  }
  if (wanted.upper) {
    const node = simulation.addNode({ name: 'lma9', forwarding: true, addresses: [agentAddress(9)] });
    wire(node, 2);
    node.addEngine(create('lma6', { address: formatAddress(agentAddress(9)), insecure: true }));
    agents.set(9, node);
  }
  const mobile = simulation.addNode({ name: 'mn', dadTransmits: 0 });
  const names = wanted.interfaces ?? ['wlan0'];
  const [port] = names.map(name => mobile.attach(undefined, { name }));
  const homeAddress = autoconfiguredAddress(homePrefix, port.linkAddress);
  const knows = wanted.plainHomeAgent ? {} : { localMobilityAgents: {} };
  const ends = { address: 'fd00:c:1::1', prefixes: ['fd00:c:1::/64'] };
  homeAgent.addEngine(create('ha', { ...ends, insecure: true, ...knows }));
  correspondent.addEngine(create('cn', knows));
  mobile.addEngine(
    create('mn', {
      address: formatAddress(homeAddress),
      homeAgent: ends.address,
      insecure: true,
      routeOptimisation: wanted.routeOptimisation ?? false,
      links: names,
      localMobilityAgents: { mode: 'onePhase', ...wanted.settings },
      ...wanted.mobile,
    }),
  );
  simulation.computeRoutes();
  return {
    ...world,
    homeAddress,
    mobile,
    homeAgent,
    correspondent,
    agents,
    links,
    move: (atMs, link, name = 'wlan0') =>
      mobile.roam(name, { at: atMs * ms, to: link === undefined ? undefined : links[link - 1] }),
    traffic(direction, fromMs, untilMs) {
      const flow =
        direction === 'down' ? { from: correspondent, to: homeAddress } : { from: mobile, to: correspondentAddress };
      return simulation.cbr({ ...flow, interval: 1 * ms, size: 100, start: fromMs * ms, stop: untilMs * ms });
    },
    run: untilMs => simulation.run(untilMs * ms),
    seenAt: name =>
      records.flatMap(({ node, event }) =>
        node === name && event.event === 'message' && event.direction === 'received' ? [event.packet] : [],
      ),
    rows: (node, view) => [...(node.engines[0].views[view]?.() ?? [])],
  };
}
