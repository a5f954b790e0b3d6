import type { Address } from '../../base/address.js';
import { defaultHopLimit, type Packet, type TcpSegment } from '../../wire/ipv6/packet.js';
import type { Stack } from '../stack/stack.js';
import { TcpConnection, type TcpEvents } from './connection.js';

const noOctets = new Uint8Array(0);

/** The TCP of one node: connections by peer and ports. */
export class TcpHost {
  readonly #stack: Stack;
  readonly #connections = new Map<string, TcpConnection>();
  /** Ports that accept, and whom their connections report to. */
  readonly #listeners = new Map<number, TcpEvents>();

  constructor(stack: Stack) {
    this.#stack = stack;
  }

  listen(port: number, events: TcpEvents): void {
    this.#listeners.set(port, events);
  }

  connect(local: Address, localPort: number, peer: Address, peerPort: number, events: TcpEvents): TcpConnection {
    const connection = new TcpConnection(this.#stack, { local, localPort, peer, peerPort }, events);
    this.#connections.set(key(peer, peerPort, local, localPort), connection);
    connection.open();
    return connection;
  }

  receive(packet: Packet, segment: TcpSegment): void {
    const name = key(packet.source, segment.sourcePort, packet.destination, segment.destinationPort);
    const known = this.#connections.get(name);
    if (known !== undefined && !(known.state === 'closed' && segment.flags.syn)) return known.receive(segment);
    const events = this.#listeners.get(segment.destinationPort);
    if (events === undefined || !segment.flags.syn || segment.flags.ack) return this.#refuse(packet, segment);
    const ends = {
      local: packet.destination,
      localPort: segment.destinationPort,
      peer: packet.source,
      peerPort: segment.sourcePort,
    };
    const connection = new TcpConnection(this.#stack, ends, events);
    this.#connections.set(name, connection);
    connection.accept(segment);
  }

  /** RFC 9293 §3.10.7.1: a segment for no connection. */
  #refuse(packet: Packet, segment: TcpSegment): void {
    if (segment.flags.rst) return;
    const length = segment.data.length + (segment.flags.syn ? 1 : 0) + (segment.flags.fin ? 1 : 0);
    this.#stack.output({
      source: packet.destination,
      destination: packet.source,
      hopLimit: defaultHopLimit,
      payload: {
        kind: 'tcp',
        sourcePort: segment.destinationPort,
        destinationPort: segment.sourcePort,
        sequence: segment.flags.ack ? segment.acknowledgement : 0,
        acknowledgement: (segment.sequence + length) >>> 0,
        flags: { syn: false, ack: !segment.flags.ack, fin: false, rst: true, psh: false },
        window: 0,
        options: noOctets,
        data: noOctets,
      },
    });
  }
}

function key(peer: Address, peerPort: number, local: Address, localPort: number): string {
  return peer + local + String.fromCharCode(peerPort, localPort);
}
