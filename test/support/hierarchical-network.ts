import { type Address, formatAddress, parseAddress } from '../../src/base/address.js';
import { autoconfiguredAddress } from '../../src/base/link-address.js';
import { parsePrefix, withInterfaceId } from '../../src/base/prefix.js';
import type { EngineFactory, FlowRecord, Link, Node } from '../../src/sim/index.js';
import type { Packet } from '../../src/wire/ipv6/packet.js';
import type { MobilityMessage } from '../../src/wire/mobility/messages.js';
import { create } from './mobile-network.js';
import { ms, type Observed, observed, on } from './network.js';

/** MAP `n` is `fd00:a:n::1`, access router `n` has `fd00:b:n::/64` on its link, correspondent `n` is `fd00:5::n`. */
export const mapAddress = (n: number): string => `fd00:a:${n}::1`;
export const correspondentAddress = (n: number): Address => parseAddress(`fd00:5::${n}`);
export const homeAgentAddress = parseAddress('fd00:c:1::1');

export interface Wanted {
  /** For each access router the MAPs it advertises, by number, the farthest first. */
  readonly maps: readonly (readonly number[])[];
  readonly correspondents?: number;
  /** Access router `n` is MAP `n` itself; `maps` says how many there are and is not advertised. */
  readonly flat?: boolean;
  /** Further keys of role `mn`. */
  readonly mobile?: Readonly<Record<string, unknown>>;
  readonly hierarchySettings?: Readonly<Record<string, unknown>>;
  readonly failureDetection?: Readonly<Record<string, unknown>>;
}

/** A home agent, correspondents, MAPs and access routers, 5 ms around one core router. */
export interface HierarchicalNetwork extends Observed {
  readonly mobile: Node;
  readonly maps: ReadonlyMap<number, Node>;
  readonly correspondents: readonly Node[];
  readonly homeAddress: Address;
  /** By access router, counted from 1. */
  air(n: number): Link;
  wire(node: string): Link;
  onLink(n: number): Address;
  regional(map: number): Address;
  move(atMs: number, accessRouter: number): void;
  traffic(correspondent: number, direction: 'down' | 'up', fromMs: number, untilMs: number): FlowRecord;
  /** What makes a node a correspondent. */
  correspondentRole(): EngineFactory;
  /** A node that knows nothing of mobility, on `core-plain`. */
  addPlain(address: string): Node;
  run(untilMs: number): void;
}

export function hierarchicalNetwork(wanted: Wanted): HierarchicalNetwork {
  const world = observed();
  const { simulation } = world;
  const core = simulation.addNode({ name: 'core', forwarding: true });
  const join = (node: Node): Node => {
    const link = simulation.addLink({ name: `core-${node.name}`, kind: 'wire', delay: 5 * ms });
    for (const end of [core, node]) end.attach(link, { name: link.name, autoconfigure: false });
    return node;
  };
  const add = (name: string, address: string, forwarding = true) =>
    join(simulation.addNode({ name, forwarding, addresses: [parseAddress(address)] }));
  const homeAgent = add('ha', 'fd00:c:1::1');
  homeAgent.originate(parsePrefix('fd00:c:1::/64'));
  homeAgent.addEngine(create('ha', { address: 'fd00:c:1::1', prefixes: ['fd00:c:1::/64'], insecure: true }));
  const correspondents = Array.from({ length: wanted.correspondents ?? 1 }, (_, i) => {
    const correspondent = add(`cn${i + 1}`, formatAddress(correspondentAddress(i + 1)), false);
    correspondent.addEngine(create('cn', {}));
    return correspondent;
  });
  const separate = wanted.flat ? [] : new Set(wanted.maps.flat());
  const maps = new Map([...separate].map(n => [n, addMap(add(`map${n}`, mapAddress(n)), n)]));
  for (const [i, advertised] of wanted.maps.entries()) addAccessRouter(join, world, i + 1, advertised, wanted);
  const mobile = simulation.addNode({ name: 'mn', dadTransmits: 0 });
  const port = mobile.attach(undefined, { name: 'wlan0' });
  const home = autoconfiguredAddress(parsePrefix('fd00:c:1::/64'), port.linkAddress);
  mobile.addEngine(
    create('mn', {
      address: formatAddress(home),
      homeAgent: 'fd00:c:1::1',
      insecure: true,
      hierarchy: 'distance',
      hierarchySettings: wanted.hierarchySettings ?? {},
      ...wanted.mobile,
    }),
  );
  simulation.computeRoutes();
  const link = (name: string) => simulation.links.get(name) as Link;
  const formed = (prefix: string) => autoconfiguredAddress(parsePrefix(prefix), port.linkAddress);
  return {
    ...world,
    mobile,
    maps,
    correspondents,
    homeAddress: home,
    air: n => link(`air${n}`),
    wire: name => link(`core-${name}`),
    onLink: n => formed(`fd00:b:${n}::/64`),
    regional: n => formed(`fd00:a:${n}::/64`),
    move: (atMs, n) => mobile.roam('wlan0', { at: atMs * ms, to: link(`air${n}`) }),
    traffic(n, direction, fromMs, untilMs) {
      const correspondent = correspondents[n - 1];
      const ends =
        direction === 'down'
          ? { from: correspondent, to: home }
          : { from: mobile, to: correspondent.primaryAddress() as Address };
      return simulation.cbr({ ...ends, interval: 10 * ms, size: 100, start: fromMs * ms, stop: untilMs * ms });
    },
    correspondentRole: () => create('cn', {}),
    addPlain(address) {
      const plain = add('plain', address, false);
      simulation.computeRoutes();
      return plain;
    },
    run: untilMs => simulation.run(untilMs * ms),
  };
}

function addMap(node: Node, n: number): Node {
  node.originate(parsePrefix(`fd00:a:${n}::/64`));
  const config = { address: mapAddress(n), prefixes: [`fd00:a:${n}::/64`], neighbourPrefixes: 'any', insecure: true };
  node.addEngine(create('map', config));
  return node;
}

function addAccessRouter(
  join: (node: Node) => Node,
  { simulation }: Observed,
  n: number,
  others: readonly number[],
  { failureDetection, flat }: Wanted,
): void {
  const advertised = flat ? [n] : others;
  const addresses = flat ? { addresses: [parseAddress(mapAddress(n))] } : {};
  const router = join(simulation.addNode({ name: `ar${n}`, forwarding: true, ...addresses }));
  if (flat) addMap(router, n);
  const link = simulation.addLink({ name: `air${n}`, kind: 'access', delay: 1 * ms, isolated: false });
  const prefix = parsePrefix(`fd00:b:${n}::/64`);
  const address = withInterfaceId(prefix, parseAddress('::1'));
  router.attach(link, { name: 'ap0', addresses: [on(`${formatAddress(address)}/64`)] });
  router.originate(prefix);
  router.addEngine(
    create('ar', {
      address: formatAddress(address),
      insecure: true,
      links: [
        {
          name: 'ap0',
          prefixes: [{ prefix: `fd00:b:${n}::/64` }],
          intervalMs: { min: 1000, max: 1000 },
          minimumSpacingMs: 30,
          solicited: { unicast: true, maximumDelayMs: 0 },
        },
      ],
      maps: advertised.map((map, i) => ({ address: mapAddress(map), distance: advertised.length - i })),
      ...(failureDetection && { failureDetection }),
    }),
  );
}

/** From the outside in: the packet, what it carries, and so on. */
export function layers(packet: Packet): Packet[] {
  return packet.payload.kind === 'ipv6' ? [packet, ...layers(packet.payload.packet)] : [packet];
}

/** The Mobility Header at the inside of a packet. */
export function mobilityIn(packet: Packet): MobilityMessage | undefined {
  const payload = layers(packet).at(-1)?.payload;
  return payload?.kind === 'mobility' ? payload.message : undefined;
}
