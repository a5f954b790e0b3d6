import { type Address, parseAddress } from '../../src/base/address.js';
import { type Random, seededRandom } from '../../src/base/random.js';
import { type Instant, milliseconds, wallClockFrom } from '../../src/base/time.js';
import type { Engine, Input, MessageService, Output } from '../../src/protocol/contract.js';
import type { SctpSettings } from '../../src/protocol/sctp/settings.js';
import { withSctp } from '../../src/protocol/sctp/with-sctp.js';
import type { Packet } from '../../src/wire/ipv6/packet.js';
import { decodeSctp, encodeSctp, type SctpPacket } from '../../src/wire/sctp/packet.js';

export const left = parseAddress('2001:db8::1');
export const right = parseAddress('2001:db8::2');
export const oneWay = milliseconds(10);

type Heard = Extract<Input, { kind: 'message' | 'peerLost' }>;

/** An engine that remembers what it hears and says what it is told to. */
export class Speaker implements Engine {
  readonly interests = { protocols: [], accessLinks: [], udpPorts: [], services: ['pmip', 'cxtp'] } as const;
  readonly deadline = undefined;
  readonly views = {};
  readonly counters = {};
  readonly heard: Heard[] = [];
  readonly #say: Output[] = [];
  readonly #answer: (input: Heard) => Output[];

  constructor(answer: (input: Heard) => Output[] = () => []) {
    this.#answer = answer;
  }

  /** Said when anything is handled next. */
  say(service: MessageService, peer: Address, data: Uint8Array): void {
    this.#say.push({ kind: 'message', service, peer, data });
  }

  handle(input: Input): Output[] {
    const said = this.#say.splice(0);
    if (input.kind !== 'message' && input.kind !== 'peerLost') return said;
    this.heard.push(input);
    return [...said, ...this.#answer(input)];
  }

  /** The messages heard, as text. */
  get texts(): string[] {
    return this.heard.flatMap(input => (input.kind === 'message' ? [text(input.data)] : []));
  }

  get losses(): number {
    return this.heard.filter(({ kind }) => kind === 'peerLost').length;
  }
}

export interface Node {
  readonly address: Address;
  readonly speaker: Speaker;
  engine: Engine;
}

/** What becomes of a packet: when its copies arrive, in nanoseconds after now. */
export type Network = (packet: SctpPacket | undefined, from: Node) => readonly number[];

/** A layer below SCTP: its protection. */
export type Below = (engine: Engine, address: Address) => Engine;

/** Two nodes and the network between them, in virtual time. */
export class Pair {
  readonly a: Node;
  readonly b: Node;
  readonly sent: { readonly at: Instant; readonly from: Node; readonly packet: SctpPacket }[] = [];
  readonly traces: Extract<Output, { kind: 'trace' }>['event'][] = [];
  /** Every packet as it was sent, under ESP or not. */
  readonly wire: Packet[] = [];
  network: Network = () => [oneWay];
  now: Instant = 0;
  #arrivals: { at: Instant; order: number; to: Node; packet: Packet }[] = [];
  #order = 0;
  readonly #below: Below;

  constructor(
    seed = 1,
    settings: Partial<SctpSettings> = {},
    answer?: (input: Heard) => Output[],
    below: Below = engine => engine,
  ) {
    this.#below = below;
    this.a = this.#node(left, `a${seed}`, settings);
    this.b = this.#node(right, `b${seed}`, settings, answer);
  }

  #node(address: Address, stream: string, settings: Partial<SctpSettings>, answer?: (input: Heard) => Output[]): Node {
    const speaker = new Speaker(answer);
    return { address, speaker, engine: this.#start(speaker, { ...settings, address }, seededRandom(1, stream)) };
  }

  /** The node forgets everything but what its speaker has heard. */
  restart(node: Node, stream = 'anew', settings: Partial<SctpSettings> = {}): void {
    node.engine = this.#start(node.speaker, { ...settings, address: node.address }, seededRandom(2, stream));
  }

  #start(speaker: Speaker, settings: SctpSettings, random: Random): Engine {
    return this.#below(withSctp(speaker, settings, { random, clock: wallClockFrom(0) }), settings.address);
  }

  send(from: Node, data: string | Uint8Array, service: MessageService = 'pmip'): void {
    from.speaker.say(service, this.other(from).address, typeof data === 'string' ? octets(data) : data);
    this.give(from, { kind: 'tick' });
  }

  give(node: Node, input: Input): void {
    for (const output of node.engine.handle(input, this.now)) this.#perform(node, output);
  }

  /** A packet as if it came from the network. */
  inject(to: Node, packet: SctpPacket | Uint8Array, source = this.other(to).address): void {
    const data = packet instanceof Uint8Array ? packet : encodeSctp(packet);
    const payload = { kind: 'raw', protocol: 132, data } as const;
    this.give(to, { kind: 'packet', packet: { source, destination: to.address, hopLimit: 64, payload } });
  }

  other(node: Node): Node {
    return node === this.a ? this.b : this.a;
  }

  /** Until nothing happens any more, or so long. */
  run(duration: number): void {
    const end = this.now + duration;
    for (;;) {
      const next = this.#next();
      if (next === undefined || next > end) break;
      this.now = Math.max(this.now, next);
      const arrival = this.#arrivals[0];
      if (arrival && arrival.at <= this.now) {
        this.#arrivals.shift();
        this.give(arrival.to, { kind: 'packet', packet: arrival.packet });
      } else for (const node of [this.a, this.b]) this.#tick(node);
    }
    this.now = end;
  }

  #next(): Instant | undefined {
    const all = [this.#arrivals[0]?.at, this.a.engine.deadline, this.b.engine.deadline].filter(at => at !== undefined);
    return all.length === 0 ? undefined : Math.min(...all);
  }

  #tick(node: Node): void {
    const { deadline } = node.engine;
    if (deadline === undefined || deadline > this.now) return;
    this.give(node, { kind: 'tick' });
    const after = node.engine.deadline;
    if (after !== undefined && after <= this.now) throw new Error('a deadline stays in the past after its tick');
  }

  #perform(node: Node, output: Output): void {
    if (output.kind === 'trace') this.traces.push(output.event);
    if (output.kind !== 'send') return;
    const { payload } = output.packet;
    this.wire.push(output.packet);
    const packet = payload.kind === 'raw' && payload.protocol === 132 ? decodeSctp(payload.data) : undefined;
    if (packet) this.sent.push({ at: this.now, from: node, packet });
    for (const delay of this.network(packet, node))
      this.#arrivals.push({ at: this.now + delay, order: this.#order++, to: this.other(node), packet: output.packet });
    this.#arrivals.sort((x, y) => x.at - y.at || x.order - y.order);
  }
}

/** Loses, duplicates and delays at random. */
export function unreliable(random: Random, loss: number, duplication: number, spread: number): Network {
  const chance = () => random.uint32() / 0x1_0000_0000;
  return () => {
    const copies = chance() < loss ? 0 : chance() < duplication ? 2 : 1;
    return Array.from({ length: copies }, () => oneWay + Math.round(chance() * spread));
  };
}

export function octets(message: string): Uint8Array {
  return new TextEncoder().encode(message);
}

export function text(data: Uint8Array): string {
  return new TextDecoder().decode(data);
}
