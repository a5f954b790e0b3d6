import type { Address } from '../../base/address.js';
import { Reader, Writer } from '../../wire/codec/buffer.js';
import { fixedHeaderOctets } from '../../wire/ipv6/codec.js';
import { defaultHopLimit, type Packet, type UdpDatagram } from '../../wire/ipv6/packet.js';
import type { EventTarget } from '../event-queue.js';
import type { Node } from '../node.js';
import type { CbrOptions, Destination, FlowRecord } from '../options.js';
import type { Simulation } from '../simulation.js';
import { Series } from './series.js';

const udpOctets = 8;
const leastSize = 8;

/**
 * A datagram of a flow. Its octets (the numbers of the flow and of the packet in four octets each, then zeros) are made
 * only where somebody reads them.
 */
export class FlowDatagram implements UdpDatagram {
  readonly kind = 'udp';
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly flow: CbrFlow;
  readonly sequence: number;

  constructor(flow: CbrFlow, sequence: number) {
    this.sourcePort = flow.port;
    this.destinationPort = flow.port;
    this.flow = flow;
    this.sequence = sequence;
  }

  get data(): Uint8Array {
    const writer = new Writer(this.flow.options.size);
    writer.u32(this.flow.number);
    writer.u32(this.sequence);
    writer.reserve(this.flow.options.size - leastSize);
    return writer.finish();
  }
}

/** A constant-rate flow: sender, receiver and record. */
export class CbrFlow implements FlowRecord, EventTarget<undefined> {
  readonly options: CbrOptions;
  readonly port: number;
  /** Among the flows of its simulation. */
  readonly number: number;
  sent = 0;
  received = 0;
  duplicates = 0;
  reordered = 0;
  unsendable = 0;
  hops = 0;
  readonly #simulation: Simulation;
  readonly #sentAt = new Series();
  readonly #receivedAt = new Series();
  #highest = -1;

  constructor(simulation: Simulation, options: CbrOptions) {
    if (options.size < leastSize) throw new RangeError(`a flow's datagrams have at least ${leastSize} octets`);
    if (!(options.interval > 0)) throw new RangeError(`a flow's interval is positive, not ${options.interval}`);
    this.#simulation = simulation;
    this.options = options;
    this.port = options.port ?? simulation.nextPort();
    this.number = simulation.flows.push(this) - 1;
    if (options.start < options.stop) simulation.queue.push(options.start, this, undefined);
  }

  get sentAt(): readonly number[] {
    return this.#sentAt.view(this.sent);
  }

  get receivedAt(): readonly number[] {
    return this.#receivedAt.view(this.sent);
  }

  /** The next packet is due. */
  onEvent(): void {
    const { now } = this.#simulation;
    const { interval, stop } = this.options;
    if (now + interval < stop) this.#simulation.queue.push(now + interval, this, undefined);
    this.#send();
  }

  #send(): void {
    const { from, to, size } = this.options;
    const { stack } = from;
    const destination = resolve(to);
    const source = destination === undefined ? undefined : stack?.sourceFor(destination);
    if (stack === undefined || destination === undefined || source === undefined) {
      this.unsendable++;
      return;
    }
    const sequence = this.sent++;
    this.#sentAt.set(sequence, this.#simulation.now);
    const packet: Packet = {
      source,
      destination,
      hopLimit: defaultHopLimit,
      payload: new FlowDatagram(this, sequence),
    };
    stack.output(packet, fixedHeaderOctets(packet) + udpOctets + size);
  }

  /** Whether packets that are `node`'s own are for this flow's receiver there: any node, where the flow goes to an address. */
  isReceivedAt(node: Node): boolean {
    const { to } = this.options;
    return typeof to === 'string' || to === node;
  }

  onArrival({ sequence }: FlowDatagram, hopLimit: number): void {
    if (sequence >= this.sent) return;
    if (this.#receivedAt.has(sequence)) {
      this.duplicates++;
      return;
    }
    this.#receivedAt.set(sequence, this.#simulation.now);
    this.received++;
    this.hops = defaultHopLimit - hopLimit;
    if (sequence < this.#highest) this.reordered++;
    else this.#highest = sequence;
  }
}

/** The flow's datagram that `datagram` is, also where it was bytes on its way: in fragments, in ESP. */
export function flowDatagram(flows: readonly CbrFlow[], datagram: UdpDatagram): FlowDatagram | undefined {
  if (datagram instanceof FlowDatagram) return datagram;
  if (flows.length === 0 || datagram.data.length < leastSize) return undefined;
  const reader = new Reader(datagram.data);
  const flow = flows[reader.u32()];
  if (flow?.port !== datagram.destinationPort || flow.options.size !== datagram.data.length) return undefined;
  return new FlowDatagram(flow, reader.u32());
}

/** A node's first routable address as things stand. */
export function resolve(to: Destination): Address | undefined {
  return typeof to === 'string' ? to : to.primaryAddress();
}
