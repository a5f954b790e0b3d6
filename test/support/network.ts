import { type Address, parseAddress } from '../../src/base/address.js';
import { parsePrefix } from '../../src/base/prefix.js';
import { type Duration, type Instant, millisecond } from '../../src/base/time.js';
import type { Engine, Input, Interests, Output } from '../../src/protocol/contract.js';
import {
  type AdvertiseOptions,
  type DropReason,
  type Frame,
  type InterfaceOptions,
  type Link,
  type LinkOptions,
  type Node,
  type NodeOptions,
  Simulation,
  type TraceRecord,
} from '../../src/sim/index.js';
import type { Packet } from '../../src/wire/ipv6/packet.js';

export const ms = millisecond;

export function on(text: string): NonNullable<InterfaceOptions['addresses']>[number] {
  const [address, length] = text.split('/');
  return { address: parseAddress(address), length: Number(length) };
}

export interface Observed {
  readonly simulation: Simulation;
  readonly records: TraceRecord[];
  drops(): { node: string; reason: DropReason }[];
}

export function observed(seed = 1): Observed {
  const simulation = new Simulation({ seed });
  const records: TraceRecord[] = [];
  simulation.onTrace(record => records.push(record));
  const drops = () =>
    records.flatMap(({ node, event }) => (event.event === 'dropped' ? [{ node, reason: event.reason }] : []));
  return { simulation, records, drops };
}

/** Two hosts, a and b, on one link; detection of duplicates is off unless asked for. */
export interface Pair extends Observed {
  readonly a: Node;
  readonly b: Node;
  readonly link: Link;
}
export const addressA = parseAddress('fd00:1::a');
export const addressB = parseAddress('fd00:1::b');
export function pair(link: Partial<LinkOptions> = {}, node: Partial<NodeOptions> = {}): Pair {
  const world = observed();
  const { simulation } = world;
  const wire = simulation.addLink({ name: 'lan', kind: 'wire', delay: 1 * ms, ...link });
  const host = (name: string, address: Address) => {
    const made = simulation.addNode({ name, dadTransmits: 0, ...node });
    made.attach(wire, { name: 'eth0', addresses: [{ address, length: 64 }] });
    return made;
  };
  return { ...world, a: host('a', addressA), b: host('b', addressB), link: wire };
}

/** Hosts a (fd00:1::a) and b (fd00:2::b) on either side of a router. */
export interface Routed extends Pair {
  readonly router: Node;
  readonly left: Link;
  readonly right: Link;
}
export function routed(left: Partial<LinkOptions> = {}, right: Partial<LinkOptions> = {}): Routed {
  const world = observed();
  const { simulation } = world;
  const router = simulation.addNode({ name: 'router', forwarding: true });
  const a = simulation.addNode({ name: 'a', dadTransmits: 0 });
  const b = simulation.addNode({ name: 'b', dadTransmits: 0 });
  const leftLink = simulation.addLink({ name: 'left', kind: 'wire', delay: 2 * ms, ...left });
  const rightLink = simulation.addLink({ name: 'right', kind: 'wire', delay: 3 * ms, ...right });
  router.attach(leftLink, { name: 'left', addresses: [on('fd00:1::1/64')] });
  router.attach(rightLink, { name: 'right', addresses: [on('fd00:2::1/64')] });
  a.attach(leftLink, { name: 'eth0', addresses: [on('fd00:1::a/64')] });
  b.attach(rightLink, { name: 'eth0', addresses: [on('fd00:2::b/64')] });
  simulation.computeRoutes();
  return { ...world, router, a, b, link: leftLink, left: leftLink, right: rightLink };
}

/** A gateway with an access link and a mobile that is not on it yet. */
export interface Cell extends Observed {
  readonly gateway: Node;
  readonly cell: Link;
  readonly mobile: Node;
}
export function accessCell(link: Partial<LinkOptions> = {}, mobileOptions: Partial<NodeOptions> = {}): Cell {
  const world = observed();
  const { simulation } = world;
  const gateway = simulation.addNode({ name: 'gateway', forwarding: true });
  const cell = simulation.addLink({ name: 'cell', kind: 'access', delay: 1 * ms, ...link });
  gateway.attach(cell, { name: 'ap0', addresses: [on('fd00:a::1/64')] });
  const mobile = simulation.addNode({ name: 'mobile', identity: 'mobile@example.org', ...mobileOptions });
  mobile.attach(undefined, { name: 'wlan0' });
  return { ...world, gateway, cell, mobile };
}

export function advertising(prefix = 'fd00:a::/64', options: Partial<AdvertiseOptions> = {}): AdvertiseOptions {
  const { address, length } = parsePrefix(prefix);
  return {
    prefixes: [{ address, length }],
    minInterval: 1000 * ms,
    maxInterval: 1000 * ms,
    maxAnswerDelay: 0,
    minDelayBetween: 0,
    ...options,
  };
}

/** An engine that does what the test says. */
export class ScriptedEngine implements Engine {
  readonly interests: Interests;
  readonly inputs: { input: Input; at: Instant }[] = [];
  readonly counters = {};
  readonly views = {};
  deadline: Instant | undefined;
  readonly #answer: (input: Input, now: Instant, engine: ScriptedEngine) => Output[];

  constructor(
    interests: Partial<Interests> = {},
    answer: (input: Input, now: Instant, engine: ScriptedEngine) => Output[] = () => [],
  ) {
    this.interests = { protocols: [], accessLinks: [], udpPorts: [], ...interests };
    this.#answer = answer;
  }

  handle(input: Input, now: Instant): Output[] {
    this.inputs.push({ input, at: now });
    if (input.kind === 'tick') this.deadline = undefined;
    return this.#answer(input, now, this);
  }

  kinds(): string[] {
    return this.inputs.map(({ input }) => input.kind);
  }
}

/** An engine whose outputs a test gives while the simulation runs: `ask` performs them at once. */
export function puppet(node: Node, interests: Partial<Interests> = {}): (...outputs: Output[]) => void {
  let pending: Output[] = [];
  const engine = new ScriptedEngine(interests, () => pending.splice(0));
  node.addEngine(() => engine);
  return (...outputs) => {
    pending = outputs;
    node.stack?.engines.find(host => host.engine === engine)?.handle({ kind: 'tick' });
  };
}

export interface Seen {
  readonly at: Instant;
  readonly packet: Packet;
  readonly hopLimit: number;
  readonly frame: Frame;
}

/** Frames a link takes. */
export function sentOn(link: Link): Seen[] {
  const seen: Seen[] = [];
  link.tap((frame, at, moment) => {
    if (moment === 'sent') seen.push({ at, packet: frame.packet, hopLimit: frame.hopLimit, frame });
  });
  return seen;
}

/** ICMPv6 messages of one kind among what a link took. */
export function icmpv6(seen: readonly Seen[], kind: string): Seen[] {
  return seen.filter(({ packet }) => packet.payload.kind === 'icmpv6' && packet.payload.message.kind === kind);
}

/** A packet of `octets` in all that nobody listens for but UDP port 9's listener, where a test sets one. */
export function datagram(source: Address, destination: Address, octets = 100, hopLimit = 64): Packet {
  return {
    source,
    destination,
    hopLimit,
    payload: { kind: 'udp', sourcePort: 9, destinationPort: 9, data: new Uint8Array(octets - 48) },
  };
}

/** Datagrams that arrive at a node's UDP port 9. */
export function received(node: Node): { at: Instant; packet: Packet; hopLimit: number }[] {
  const arrivals: { at: Instant; packet: Packet; hopLimit: number }[] = [];
  node.stack?.delivery.udp.set(9, {
    onDatagram: (packet, _datagram, hopLimit) => arrivals.push({ at: node.simulation.now, packet, hopLimit }),
  });
  return arrivals;
}

export function at(simulation: Simulation, instant: Duration, happen: () => void): void {
  simulation.schedule(instant, happen);
}
