import { formatAddress, parseAddress } from '../base/address.js';
import { invariant } from '../base/errors.js';
import { parsePrefix, withInterfaceId } from '../base/prefix.js';
import type { NetworkDescription, Placement } from '../protocol/scheme.js';
import { describeNetwork } from '../scenario/describe.js';
import { isMobile, type MobileNode, type Scenario, type ScenarioNode } from '../scenario/model.js';
import { announces, routesAccessLinks } from './placements.js';

/** A scenario as namespaces, devices, addresses and routes: everything to be made, in names of `ip`. */
export interface LabPlan {
  readonly network: NetworkDescription;
  /** Daemons announce prefixes, so that routers run a routing protocol (`routing-daemons.ts`) instead of having routes by hand. */
  readonly announces: boolean;
  /** All but the mobiles. */
  readonly nodes: readonly PlannedNode[];
  readonly wires: readonly PlannedWire[];
  readonly radios: readonly PlannedRadio[];
  readonly mobiles: readonly PlannedMobile[];
}

export interface PlannedNode {
  readonly name: string;
  readonly address: string;
  /** Others that its daemons are known by, in prefixes that are routed to it. */
  readonly moreAddresses: readonly string[];
  /** Where it speaks IPv4. */
  readonly ipv4Address?: string;
  readonly forwards: boolean;
  /** By hand; none where a routing daemon finds them. */
  readonly routes: readonly PlannedRoute[];
  /** Those of IPv4. */
  readonly ipv4Routes: readonly PlannedRoute[];
}

export interface PlannedRoute {
  readonly to: string;
  readonly via: string;
  readonly device: string;
}

type Family = 4 | 6;

export interface WireEnd {
  readonly node: string;
  readonly device: string;
  /** Link-local, the next hop of the other end; for IPv4 as well, of its link-local ones (RFC 3927). */
  readonly address: string;
  readonly ipv4Address: string;
}
export interface PlannedWire {
  readonly name: string;
  readonly mtu: number;
  /** What it has in the scenario, and makes ways longer or shorter; the namespaces' have none. */
  readonly delayMs: number;
  /** What alone it carries. */
  readonly family?: Family | undefined;
  readonly ends: readonly [WireEnd, WireEnd];
}

/** An access link: a bridge in the air, the access router's device on one of its ports. */
export interface PlannedRadio {
  readonly name: string;
  readonly router: string;
  readonly device: string;
  readonly mtu: number;
  readonly bridge: string;
  readonly routerPort: string;
  /** Link-layer address of the access point that leads to it. */
  readonly accessPoint?: string;
  /** Of the router's device, where it stands for the access point. */
  readonly linkAddress?: string;
  /** The router's own there, with the length of the prefix that is on the link. */
  readonly address?: string;
}

export interface PlannedMobile {
  readonly node: MobileNode;
  /** The far end of its `wlan0`, in the air. */
  readonly port: string;
}

export function planLab(scenario: Scenario, placements: readonly Placement[] = []): LabPlan {
  const network = describeNetwork(scenario);
  const wires = planWires(scenario);
  return {
    network,
    announces: announces(placements),
    nodes: scenario.nodes.flatMap(node =>
      isMobile(node)
        ? []
        : [
            {
              name: node.name,
              address: node.address,
              moreAddresses: addressesOf(node.name, placements).filter(address => address !== node.address),
              forwards: forwards(node),
              ...(node.ipv4Address !== undefined && { ipv4Address: node.ipv4Address }),
              routes: announces(placements) && forwards(node) ? [] : routesOf(node.name, scenario, network, wires),
              ipv4Routes: ipv4RoutesOf(node.name, scenario, wires),
            },
          ],
    ),
    wires,
    radios: scenario.links
      .filter(link => link.kind === 'access')
      .map(({ name, router, mtu }, i) => ({
        name,
        router,
        mtu,
        device: `radio${i}`,
        bridge: `cell${i}`,
        routerPort: `router${i}`,
        ...accessPointOf(network, router, name),
        ...(routesAccessLinks(placements, router) && {
          address: addressIn(network, router),
          linkAddress: accessPointOf(network, router, name).accessPoint,
        }),
      })),
    mobiles: scenario.nodes.filter(isMobile).map((node, i) => ({ node, port: `mobile${i}` })),
  };
}

function forwards({ role }: ScenarioNode): boolean {
  return role !== 'correspondent' && role !== 'dhcp-server';
}

function addressesOf(node: string, placements: readonly Placement[]): string[] {
  const own = placements.filter(placement => placement.node === node).map(({ config }) => config.address);
  return [...new Set(own.filter(address => typeof address === 'string'))];
}

function accessPointOf({ accessRouters }: NetworkDescription, router: string, link: string): { accessPoint?: string } {
  const { links, accessPoints = [] } = accessRouters.find(({ node }) => node === router)!;
  return { accessPoint: accessPoints[links.indexOf(link)] };
}

/** The first of its prefix. */
function addressIn({ accessRouters }: NetworkDescription, router: string): string {
  const prefix = parsePrefix(accessRouters.find(({ node }) => node === router)!.prefix);
  return `${formatAddress(withInterfaceId(prefix, parseAddress('::1')))}/${prefix.length}`;
}

function planWires(scenario: Scenario): PlannedWire[] {
  const used = new Map<string, number>();
  const end = (node: string, link: number, side: number): WireEnd => {
    const n = used.get(node) ?? 0;
    used.set(node, n + 1);
    const ipv4Address = `169.254.${link + 1}.${side + 1}`;
    return { node, device: `eth${n}`, address: `fe80::${(link + 1).toString(16)}:${side + 1}`, ipv4Address };
  };
  return scenario.links
    .filter(link => link.kind === 'wire')
    .map(({ name, mtu, delayMs, family, ends }, i) => ({
      name,
      mtu,
      delayMs,
      family,
      ends: [end(ends[0], i, 0), end(ends[1], i, 1)],
    }));
}

/** Towards every address and every prefix of the network, by the way the simulator's routers would choose. */
function routesOf(
  node: string,
  scenario: Scenario,
  network: NetworkDescription,
  wires: readonly PlannedWire[],
): PlannedNode['routes'] {
  const prefixes = [...network.anchors, ...network.accessRouters, ...network.homeAgents];
  const addresses = scenario.nodes.filter(one => !isMobile(one));
  const targets = [
    ...addresses.map(one => ({ to: `${one.address}/128`, at: one.name })),
    ...prefixes.map(one => ({ to: one.prefix, at: one.node })),
  ];
  return targets
    .filter(({ at }) => at !== node)
    .flatMap(({ to, at }) => {
      const next = nextHop(node, at, scenario, wires, 6);
      return next ? [{ to, via: next.far.address, device: next.near.device }] : [];
    });
}

/** Towards every node that speaks IPv4. */
function ipv4RoutesOf(node: string, scenario: Scenario, wires: readonly PlannedWire[]): PlannedRoute[] {
  return scenario.nodes.flatMap(other => {
    if (isMobile(other) || other.ipv4Address === undefined || other.name === node) return [];
    const next = nextHop(node, other.name, scenario, wires, 4);
    return next ? [{ to: `${other.ipv4Address}/32`, via: next.far.ipv4Address, device: next.near.device }] : [];
  });
}

interface Hop {
  readonly near: WireEnd;
  readonly far: WireEnd;
}

/** The first wire of the path with the least delay that carries the family, of those the one with the fewest hops; undefined: there is none. */
function nextHop(
  from: string,
  to: string,
  scenario: Scenario,
  all: readonly PlannedWire[],
  family: Family,
): Hop | undefined {
  const wires = all.filter(wire => (wire.family ?? family) === family);
  const cost = new Map([[to, 0]]);
  const hops = (node: string) =>
    wires.flatMap(({ delayMs, ends: [a, b] }): (Hop & { costMs: number })[] => {
      const costMs = delayMs + hopCostMs;
      if (a.node === node) return [{ near: a, far: b, costMs }];
      return b.node === node ? [{ near: b, far: a, costMs }] : [];
    });
  const through = (hop: Hop & { costMs: number }) => (cost.get(hop.far.node) ?? Number.POSITIVE_INFINITY) + hop.costMs;
  for (let round = 0; round < scenario.nodes.length; round++)
    for (const { name } of scenario.nodes)
      for (const hop of hops(name))
        if (through(hop) < (cost.get(name) ?? Number.POSITIVE_INFINITY)) cost.set(name, through(hop));
  const best = hops(from).sort((a, b) => through(a) - through(b))[0];
  invariant(cost.has(from) || wires.length < all.length, `no path from ${from} to ${to}`);
  return cost.has(from) ? best : undefined;
}

/** Less than any delay that matters, so that of equal paths the shorter one wins. */
const hopCostMs = 1e-6;
