import type { Address } from '../../base/address.js';
import { Reader, Writer } from '../../wire/codec/buffer.js';
import { defaultHopLimit, type Packet, type UdpDatagram } from '../../wire/ipv6/packet.js';
import type { EventTarget } from '../event-queue.js';
import type { Node } from '../node.js';
import type { CbrOptions, Destination, FlowRecord } from '../options.js';
import type { Simulation } from '../simulation.js';
import { Series } from './series.js';

const headersOctets = 48;
const leastSize = 8;

/**
 * A datagram of a flow. Its octets (the flow's port and the sequence number in four octets each, then zeros) are made only where
 * somebody reads them.
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
    writer.u32(this.flow.port);
    writer.u32(this.sequence);
    writer.reserve(this.flow.options.size - leastSize);
    return writer.finish();
  }
}

/** A constant-rate flow: sender, receiver and record. */
export class CbrFlow implements FlowRecord, EventTarget<undefined> {
  readonly options: CbrOptions;
  readonly port: number;
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
  /** Of a flow to an address. */
  #receivers: readonly Node[] = [];

  constructor(simulation: Simulation, options: CbrOptions) {
    if (options.size < leastSize) throw new RangeError(`a flow's datagrams have at least ${leastSize} octets`);
    if (!(options.interval > 0)) throw new RangeError(`a flow's interval is positive, not ${options.interval}`);
    this.#simulation = simulation;
    this.options = options;
    this.port = options.port ?? simulation.nextPort();
    if (options.start < options.stop) simulation.queue.push(options.start, this, undefined);
  }

  get sentAt(): Float64Array {
    return this.#sentAt.view(this.sent);
  }

  get receivedAt(): Float64Array {
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
    this.#listen(destination);
    const sequence = this.sent++;
    this.#sentAt.set(sequence, this.#simulation.now);
    const packet: Packet = {
      source,
      destination,
      hopLimit: defaultHopLimit,
      payload: new FlowDatagram(this, sequence),
    };
    stack.output(packet, headersOctets + size);
  }

  /** The receiver listens where the flow goes now: at the node named, or at every node that has the address. */
  #listen(destination: Address): void {
    const { to } = this.options;
    if (typeof to !== 'string') return this.#listenAt(to);
    if (this.#receivers.length === 0)
      this.#receivers = [...this.#simulation.nodes.values()].filter(node => node.stack?.isOwn(destination));
    for (const node of this.#receivers) this.#listenAt(node);
  }

  /** Again after a restart: what listened before went with its stack. */
  #listenAt(node: Node): void {
    const { udp } = node.stack?.delivery ?? {};
    if (udp !== undefined && udp.get(this.port) !== this) udp.set(this.port, this);
  }

  onDatagram(_packet: Packet, datagram: UdpDatagram, hopLimit: number): void {
    const sequence = datagram instanceof FlowDatagram ? datagram.sequence : sequenceOf(datagram.data);
    if (sequence === undefined || sequence >= this.sent) return;
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

/** Of a datagram that was bytes on its way: fragments, ESP. */
function sequenceOf(data: Uint8Array): number | undefined {
  if (data.length < leastSize) return undefined;
  return new Reader(data, 4).u32();
}

/** A node's first routable address as things stand. */
export function resolve(to: Destination): Address | undefined {
  return typeof to === 'string' ? to : to.primaryAddress();
}
