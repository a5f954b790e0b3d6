import type { LinkAddress } from '../base/link-address.js';
import type { Prefix } from '../base/prefix.js';
import { seededRandom } from '../base/random.js';
import type { Duration, Instant } from '../base/time.js';
import type { Packet } from '../wire/ipv6/packet.js';
import { EventQueue, type EventTarget } from './event-queue.js';
import { Link } from './link.js';
import { linkAddressNumber, Node } from './node.js';
import type {
  CbrOptions,
  FlowRecord,
  LinkOptions,
  NodeOptions,
  PingOptions,
  PingRecord,
  SimulationOptions,
  TcpOptions,
  TcpRecord,
} from './options.js';
import { Routing } from './routing.js';
import type { DropReason, SimulationEvent, TraceRecord } from './trace.js';
import { CbrFlow } from './traffic/cbr.js';
import { PingFlow } from './traffic/ping.js';
import { TcpTransfer } from './traffic/transfer.js';

/** 2026-01-01T00:00:00Z. */
const defaultEpochS = 1_767_225_600;
/** IANA's dynamic ports, where traffic without a port of its own goes. */
const firstDynamicPort = 49_152;
const lastDynamicPort = 65_535;

interface Scheduled {
  happen: (() => void) | undefined;
}

const callbacks: EventTarget<Scheduled> = {
  onEvent(scheduled) {
    scheduled.happen?.();
  },
};

/** A network in virtual time. The same calls with the same seed give the same run, to the bit. */
export class Simulation {
  readonly seed: number;
  readonly epochS: number;
  readonly queue = new EventQueue();
  readonly nodes = new Map<string, Node>();
  readonly links = new Map<string, Link>();
  /** By their numbers. Their receivers need no socket, and outlive a crash. */
  readonly flows: CbrFlow[] = [];
  /** Whether anybody listens to the trace. */
  tracing = false;
  now: Instant = 0;
  readonly #routing = new Routing();
  readonly #listeners: ((record: TraceRecord) => void)[] = [];
  #linkAddresses = 0;
  #ports = firstDynamicPort;

  constructor(options: SimulationOptions) {
    this.seed = options.seed;
    this.epochS = options.epochS ?? defaultEpochS;
  }

  addNode(options: NodeOptions): Node {
    if (this.nodes.has(options.name)) throw new RangeError(`two nodes '${options.name}'`);
    const node = new Node(this, options);
    this.nodes.set(node.name, node);
    return node;
  }

  addLink(options: LinkOptions): Link {
    if (this.links.has(options.name)) throw new RangeError(`two links '${options.name}'`);
    const link = new Link(this, options, seededRandom(this.seed, `link ${options.name}`));
    this.links.set(link.name, link);
    return link;
  }

  nextLinkAddress(): LinkAddress {
    return linkAddressNumber(++this.#linkAddresses);
  }

  /** The dynamic ports in turn, over and over. */
  nextPort(): number {
    const port = this.#ports++;
    if (this.#ports > lastDynamicPort) this.#ports = firstDynamicPort;
    return port;
  }

  /** Shortest paths by delay to every originated prefix; once before `run`, and again after topology changes. */
  computeRoutes(): void {
    this.#routing.compute([...this.nodes.values()]);
  }

  installRoutes(node: Node): void {
    this.#routing.install(node);
  }

  /** From now on packets to `prefix` go to this node where no other that announces or originates it is nearer. */
  announce(node: Node, prefix: Prefix): void {
    this.#routing.announce(node, prefix);
  }

  unannounce(node: Node, prefix: Prefix): void {
    this.#routing.unannounce(node, prefix);
  }

  /** Everything that the node announces goes elsewhere. */
  silence(node: Node): void {
    this.#routing.silence(node);
  }

  /** Along shortest paths, one way, without serialization. Undefined: unreachable. */
  pathDelay(from: Node, to: Node): Duration | undefined {
    return this.#routing.delay(from, to);
  }

  cbr(options: CbrOptions): FlowRecord {
    return new CbrFlow(this, options);
  }

  ping(options: PingOptions): PingRecord {
    return new PingFlow(this, options);
  }

  tcp(options: TcpOptions): TcpRecord {
    return new TcpTransfer(this, options);
  }

  /** Returns a function that takes the event back. */
  schedule(at: Instant, happen: () => void): () => void {
    if (!(at >= this.now)) throw new RangeError(`${at} ns is before now, ${this.now} ns`);
    const scheduled: Scheduled = { happen };
    this.queue.push(at, callbacks, scheduled);
    return () => {
      scheduled.happen = undefined;
    };
  }

  onTrace(listener: (record: TraceRecord) => void): void {
    this.#listeners.push(listener);
    this.tracing = true;
  }

  trace(node: Node, event: SimulationEvent): void {
    for (const listener of this.#listeners) listener({ at: this.now, node: node.name, event });
  }

  dropped(node: Node, reason: DropReason, packet: Packet, link: string | undefined): void {
    node.drops[reason] = (node.drops[reason] ?? 0) + 1;
    if (this.tracing) this.trace(node, { event: 'dropped', reason, packet, link });
  }

  /** Everything up to and at `until`. */
  run(until: Instant): void {
    const { queue } = this;
    while (queue.nextAt <= until) {
      this.now = queue.nextAt;
      queue.runNext();
    }
    this.now = Math.max(this.now, until);
  }
}
