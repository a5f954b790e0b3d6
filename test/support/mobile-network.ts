import { type Address, formatAddress as formatted, parseAddress } from '../../src/base/address.js';
import { autoconfiguredAddress } from '../../src/base/link-address.js';
import { parsePrefix, withInterfaceId } from '../../src/base/prefix.js';
import type { Environment } from '../../src/protocol/contract.js';
import { roles } from '../../src/protocol/roles.js';
import type { FlowRecord, Link, Node } from '../../src/sim/index.js';
import type { Packet } from '../../src/wire/ipv6/packet.js';
import type { MobilityMessage, MobilityMessageOf } from '../../src/wire/mobility/messages.js';
import { advertising, ms, type Observed, observed, on } from './network.js';

export const homePrefix = parsePrefix('fd00:c:1::/64');
export const homeAgentAddress = parseAddress('fd00:c:1::1');
export const correspondentAddress = parseAddress('fd00:5::5');

/** A home agent with its home link, two visited links, and a correspondent, around one core router. */
export interface MobileNetwork extends Observed {
  readonly homeAgent: Node;
  readonly correspondent: Node;
  readonly mobile: Node;
  readonly homeLink: Link;
  readonly visited: readonly [Link, Link];
  readonly homeAddress: Address;
  /** The mobile's care-of address on a visited link. */
  careOf(visited: 0 | 1): Address;
  move(atMs: number, to: Link | undefined): void;
  /** Mobility Headers as nodes sent them, `kind` only. */
  sent<K extends MobilityMessage['kind']>(kind: K): Sent<MobilityMessageOf<K>>[];
  /** A packet a millisecond. */
  traffic(direction: 'down' | 'up', fromMs: number, untilMs: number): FlowRecord;
  run(untilMs: number): void;
}

export interface Sent<M> {
  readonly atMs: number;
  readonly node: string;
  readonly packet: Packet;
  readonly message: M;
}

export interface Wanted {
  readonly routeOptimisation?: boolean;
  readonly dadTransmits?: number;
  readonly mobile?: Readonly<Record<string, unknown>>;
  readonly homeAgent?: Readonly<Record<string, unknown>>;
  /** Default: the home link is a link. */
  readonly virtualHome?: boolean;
  readonly withoutCorrespondentRole?: boolean;
  readonly optimistic?: boolean;
  /** How mobile and home agent protect signalling, as `own` sees it; absent: not at all. */
  readonly security?: (own: string, peer: string) => unknown;
}

export function create(name: string, config: unknown) {
  const role = roles.find(candidate => candidate.name === name);
  const parsed = role?.parse(config);
  if (!role || !parsed?.ok) throw new Error(`${name}: ${JSON.stringify(parsed)}`);
  return (environment: Environment) => role.create(parsed.config, environment);
}

export function mobileNetwork(wanted: Wanted = {}): MobileNetwork {
  const world = observed();
  const { simulation, records } = world;
  const core = simulation.addNode({ name: 'core', forwarding: true });
  const homeLink = simulation.addLink({ name: 'home', kind: 'access', delay: 1 * ms, isolated: false });
  const homeAgent = simulation.addNode({ name: 'ha', forwarding: true });
  const correspondent = simulation.addNode({ name: 'cn', addresses: [correspondentAddress] });
  const wire = (node: Node) => {
    const link = simulation.addLink({ name: `core-${node.name}`, kind: 'wire', delay: 5 * ms });
    core.attach(link, { name: link.name, autoconfigure: false });
    node.attach(link, { name: link.name, autoconfigure: false });
  };
  wire(homeAgent);
  wire(correspondent);
  homeAgent.attach(homeLink, { name: 'home0', addresses: [on('fd00:c:1::1/64')] });
  homeAgent.advertise('home0', advertising('fd00:c:1::/64', { unicastAnswers: true }));
  homeAgent.originate(homePrefix);
  const visit = (n: 1 | 2): Link => {
    const router = simulation.addNode({ name: `ar${n}`, forwarding: true });
    wire(router);
    const link = simulation.addLink({ name: `visited${n}`, kind: 'access', delay: 1 * ms });
    const prefix = visitedPrefix(n);
    router.attach(link, {
      name: 'ap0',
      addresses: [{ address: withInterfaceId(prefix, parseAddress('::1')), length: 64 }],
    });
    router.advertise('ap0', advertising(`fd00:b:${n}::/64`, { unicastAnswers: true }));
    router.originate(prefix);
    return link;
  };
  const visited = [visit(1), visit(2)] as const;
  const mobile = simulation.addNode({ name: 'mn', dadTransmits: wanted.dadTransmits ?? 0 });
  const port = mobile.attach(undefined, { name: 'wlan0', optimistic: wanted.optimistic });
  const homeAddress = autoconfiguredAddress(homePrefix, port.linkAddress);
  addRoles(wanted, { homeAgent, correspondent, mobile, homeAddress });
  simulation.computeRoutes();
  return {
    ...world,
    homeAgent,
    correspondent,
    mobile,
    homeLink,
    visited,
    homeAddress,
    careOf: n => autoconfiguredAddress(visitedPrefix(n === 0 ? 1 : 2), port.linkAddress),
    move: (atMs, to) => mobile.roam('wlan0', { at: atMs * ms, to }),
    sent: kind =>
      records.flatMap(({ at, node, event }) => {
        if (event.event !== 'message' || event.direction !== 'sent') return [];
        const message = messageOf(event.packet);
        return message?.kind === kind ? [{ atMs: at / ms, node, packet: event.packet, message: message as never }] : [];
      }),
    traffic(direction, fromMs, untilMs) {
      const ends =
        direction === 'down' ? { from: correspondent, to: homeAddress } : { from: mobile, to: correspondentAddress };
      return simulation.cbr({ ...ends, interval: 1 * ms, size: 100, start: fromMs * ms, stop: untilMs * ms });
    },
    run: untilMs => simulation.run(untilMs * ms),
  };
}

function addRoles(
  wanted: Wanted,
  {
    homeAgent,
    correspondent,
    mobile,
    homeAddress,
  }: Pick<MobileNetwork, 'homeAgent' | 'correspondent' | 'mobile' | 'homeAddress'>,
): void {
  const home = wanted.virtualHome ? {} : { homeLink: 'home0' };
  const ends = { mobile: formatted(homeAddress), homeAgent: 'fd00:c:1::1' };
  const protection = (own: string, peer: string) =>
    wanted.security ? { peers: [{ address: peer, security: wanted.security(own, peer) }] } : { insecure: true };
  const prefixes = ['fd00:c:1::/64'];
  const anchor = { address: ends.homeAgent, prefixes, ...protection(ends.homeAgent, ends.mobile) };
  homeAgent.addEngine(create('ha', { ...anchor, ...home, ...wanted.homeAgent }));
  if (!wanted.withoutCorrespondentRole) correspondent.addEngine(create('cn', {}));
  const own = { address: ends.mobile, homeAgent: ends.homeAgent, ...protection(ends.mobile, ends.homeAgent) };
  mobile.addEngine(create('mn', { ...own, routeOptimisation: wanted.routeOptimisation ?? false, ...wanted.mobile }));
}

function visitedPrefix(n: 1 | 2) {
  return parsePrefix(`fd00:b:${n}::/64`);
}

function messageOf({ payload }: Packet): MobilityMessage | undefined {
  if (payload.kind === 'ipv6') return messageOf(payload.packet);
  return payload.kind === 'mobility' ? payload.message : undefined;
}

/** How many of a flow's packets never arrived. */
export function lost(flow: FlowRecord): number {
  return flow.receivedAt.reduce((count, at) => count + Number(Number.isNaN(at)), 0);
}
