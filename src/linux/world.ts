import { type Address, formatAddress } from '../base/address.js';
import { DecodeError, HostError } from '../base/errors.js';
import type { LinkAddress } from '../base/link-address.js';
import { type Instant, millisecond } from '../base/time.js';
import type { Engine, Input, LinkId, OperatorCommand, Output, StoredRecord } from '../protocol/contract.js';
import type { TraceEvent } from '../protocol/trace.js';
import { decodeIpv4Packet, decodePacket, encodePacket, payloadProtocol } from '../wire/ipv6/codec.js';
import { effectiveSource, isSctp, type Packet, protocol } from '../wire/ipv6/packet.js';
import { completeChecksum } from '../wire/sctp/packet.js';
import { monotonicNow } from './clock.js';
import { EndNode } from './end-node.js';
import type { ForwardingOutput } from './forwarding.js';
import type { Arrivals, Ground, GroundStatistics } from './ground.js';
import { Host } from './host.js';
import type { Ipv4Mechanism } from './ipv4/device.js';
import { KernelSctp } from './kernel-sctp.js';
import type { Received } from './receive-batch.js';
import { loggedPackets } from './sockets.js';
import { relayedTunnelError } from './tunnel-errors.js';
import type { TunnelMechanism } from './tunnels.js';

/** A link of the engine and the kernel's device below it. */
export interface LinkBinding {
  /** The engine's name of it. */
  readonly name: LinkId;
  /** The kernel's: at most 15 characters. */
  readonly device: string;
  /** The link-layer address the device is to have while the world runs (the virtual MAC of gundavelli §6). */
  readonly linkAddress?: LinkAddress;
}

/** Where an engine's `store` outputs go. What `put` and `remove` did survives `kill -9` of the process once they return. */
export interface Store {
  records(): Iterable<StoredRecord>;
  put(key: string, value: unknown): void;
  remove(key: string): void;
}

/** What a world says to an operator. */
export interface Log {
  debug(fields: Readonly<Record<string, unknown>>, message: string): void;
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

export interface WorldOptions {
  /** The role's own address, for signalling and as its tunnel end. A device of a router has it; a host may have none of its own. */
  readonly address?: Address | undefined;
  readonly links: readonly LinkBinding[];
  readonly tunnels: 'auto' | TunnelMechanism;
  /** Where tunnels of IPv4 end, IPv4-mapped, that the engine is to hear of before it admits any. */
  readonly ipv4Address?: Address | undefined;
  /** How tunnels of IPv4 are made; 'auto' when absent. */
  readonly ipv4Tunnels?: 'auto' | Ipv4Mechanism;
  /** Number of the first of the routing tables the world uses for itself; 0x9b00 when absent. */
  readonly table?: number;
  readonly store: Store;
  readonly log: Log;
  onTrace(event: TraceEvent, now: Instant): void;
  /** The world is deaf: a device of its own was taken away, say. What it installed stands, for whoever starts next. */
  onFailure(error: Error): void;
  /** Hears of every packet the engine gets and sends. */
  onPacket?(direction: 'received' | 'sent', packet: Packet, link: LinkId | undefined, now: Instant): void;
  /** Answers `authenticate`; the daemon calls `handle({ kind: 'profile', … })` when it knows. Absent: every request is rejected. */
  authenticate?(request: Extract<Output, { kind: 'authenticate' }>): void;
}

/** Counts since the start. */
export interface WorldStatistics {
  readonly packetsReceived: number;
  readonly packetsSent: number;
  /** Packets that could not be decoded, by DecodeCode. */
  readonly malformed: Readonly<Record<string, number>>;
  /** Calls the kernel refused while the world ran, by name of the call. */
  readonly hostErrors: Readonly<Record<string, number>>;
  /** Tunnelled packets from strangers, dropped. */
  readonly strangers: number;
  /** Packets of stations from addresses that other stations hold, dropped. */
  readonly spoofed: number;
  /** Packets that found their parking queue full. */
  readonly parkingDropped: number;
  /** Octets of packets that are parked now. */
  readonly parkedOctets: number;
  /** Rules that stand in the kernel. */
  readonly rules: number;
}

const nothing: GroundStatistics = { strangers: 0, spoofed: 0, parkingDropped: 0, parkedOctets: 0, rules: 0 };
/** setTimeout() counts in 31 bits. */
const longestTimeoutMs = 0x7fffffff;
/** An engine that breaks its contract must not have the machine to itself. */
const brokenEnginePatienceMs = 1000;

/**
 * Runs one engine on this machine's kernel, in the network namespace of the calling thread; one world a namespace, because
 * the outer source of seg6 tunnels is a setting of the namespace.
 */
export class LinuxWorld {
  readonly engine: Engine;
  readonly options: WorldOptions;
  #ground: Ground | undefined;
  #sctp: KernelSctp | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #inputs: Input[] = [];
  #busy = false;
  readonly #malformed: Record<string, number> = {};
  readonly #hostErrors: Record<string, number> = {};
  #packetsReceived = 0;
  #packetsSent = 0;
  /** When the engine last had a tick: its deadline lies after that. */
  #tickedAt: Instant = Number.NEGATIVE_INFINITY;

  constructor(engine: Engine, options: WorldOptions) {
    this.engine = engine;
    this.options = options;
  }

  /** Opens sockets, restores the store's records into the engine, and replaces what a predecessor left in the kernel. Throws HostError. */
  async start(): Promise<void> {
    const ground = this.#stand();
    this.#ground = ground;
    try {
      this.#sctp = this.#openSctp();
      this.handle({ kind: 'restored', records: this.options.store.records() });
      ground.reconcile();
      ground.startReceiving();
    } catch (error) {
      this.#ground = undefined;
      await this.#sctp?.close();
      ground.remove();
      throw error;
    }
    const address = this.options.address && formatAddress(this.options.address);
    this.options.log.info({ address, tunnels: ground.tunnels, rules: ground.statistics.rules }, 'world started');
  }

  /** Hands the engine 'shutdown', sends what it says, and takes everything out of the kernel again. */
  async stop(): Promise<void> {
    const ground = this.#ground;
    if (!ground) return;
    this.command({ name: 'shutdown' });
    await this.#sctp?.close();
    await ground.stopReceiving();
    this.#ground = undefined;
    clearTimeout(this.#timer);
    ground.remove();
    this.options.log.info({}, 'world stopped');
  }

  command(command: OperatorCommand): void {
    this.handle({ kind: 'command', command });
  }

  /** Gives the engine an input from outside the network, at this instant: `attached`, `detached`, `profile`, … */
  handle(input: Input): void {
    this.#inputs.push(input);
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let next = this.#inputs.shift(); next; next = this.#inputs.shift()) {
        const now = this.now();
        this.#perform(this.engine.handle(next, now), now);
      }
    } finally {
      this.#busy = false;
    }
    this.#setTimer();
  }

  /** Nanoseconds of the monotonic clock since this process began. */
  now(): Instant {
    return monotonicNow();
  }

  get statistics(): WorldStatistics {
    return {
      packetsReceived: this.#packetsReceived,
      packetsSent: this.#packetsSent,
      malformed: this.#malformed,
      hostErrors: this.#hostErrors,
      ...(this.#ground?.statistics ?? nothing),
    };
  }

  #stand(): Ground {
    const arrivals: Arrivals = {
      packet: received => this.#received(received),
      decode: received => this.#decoded(received),
      logged: received => this.#logged(received),
      input: input => this.handle(input),
      refused: error => this.#refused(error),
      ended: error => this.#ended(error),
    };
    const { interests } = this.engine;
    const { address } = this.options;
    if (interests.hostLinks) return new EndNode(this.options, interests, arrivals);
    if (address === undefined) throw new HostError('address', 0, 'a router needs an address of its own');
    return new Host({ ...this.options, address }, interests, arrivals);
  }

  /** An engine that leaves SCTP to the world says which services it speaks. */
  #openSctp(): KernelSctp | undefined {
    const { services = [] } = this.engine.interests;
    if (services.length === 0) return undefined;
    const { address } = this.options;
    if (address === undefined) throw new HostError('address', 0, 'SCTP of the kernel needs an address of the node');
    return new KernelSctp(
      address,
      services,
      input => this.handle(input),
      error => this.#ended(error),
    );
  }

  /** In the engine's order: what stands in the kernel and in the store stands there before a packet says so. */
  #perform(outputs: readonly Output[], now: Instant): void {
    let changes: ForwardingOutput[] = [];
    const flush = () => {
      const pending = changes;
      changes = [];
      if (pending.length > 0) this.#attempt(() => this.#ground?.apply(pending));
    };
    for (const output of outputs) {
      switch (output.kind) {
        case 'forward':
        case 'unforward':
        case 'admit':
        case 'unadmit':
          changes.push(output);
          break;
        case 'send':
          flush();
          this.#attempt(() => this.#send(output, now));
          break;
        case 'message':
          flush();
          this.#attempt(() => this.#sctp?.send(output.service, output.peer, output.data));
          break;
        case 'store':
          if (output.value === undefined) this.options.store.remove(output.key);
          else this.options.store.put(output.key, output.value);
          break;
        case 'authenticate':
          this.#authenticate(output);
          break;
        case 'trace':
          this.options.onTrace(output.event, now);
          break;
        case 'watch':
        case 'unwatch':
        case 'announce':
        case 'unannounce':
        case 'configure':
        case 'unconfigure':
        case 'proxy':
        case 'unproxy':
          flush();
          this.#attempt(() => this.#ground?.perform(output));
          break;
      }
    }
    flush();
  }

  #authenticate(request: Extract<Output, { kind: 'authenticate' }>): void {
    if (this.options.authenticate) return this.options.authenticate(request);
    const outcome = { kind: 'rejected', reason: 'nobody answers for access here' } as const;
    this.handle({ kind: 'profile', transaction: request.transaction, outcome });
  }

  #send({ packet, link, neighbour }: Extract<Output, { kind: 'send' }>, now: Instant): void {
    if (!this.#ground) return;
    this.#ground.send({ packet, bytes: encodePacket(packet), link, neighbour });
    this.#packetsSent++;
    this.options.onPacket?.('sent', packet, link, now);
  }

  /** The one place that catches what a peer sent wrong. */
  #decoded(received: Received): Packet | undefined {
    try {
      const { partialChecksum } = received;
      const decode = received.bytes[0] >> 4 === 4 ? decodeIpv4Packet : decodePacket;
      const packet = decode(received.bytes, { partialChecksums: partialChecksum, mobilityOctets: true });
      if (partialChecksum && isSctp(packet.payload)) completeChecksum(packet.payload.data);
      return packet;
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#malformed[error.code] = (this.#malformed[error.code] ?? 0) + 1;
      this.options.log.debug({ error: error.message }, 'malformed packet');
      return undefined;
    }
  }

  #received(received: Received): void {
    this.#packetsReceived++;
    const packet = this.#decoded(received);
    if (!packet) return;
    const link = this.#ground?.links.get(received.device);
    const relayed = this.#relayedTunnelError(packet);
    if (relayed) return this.#attempt(() => this.#send({ kind: 'send', packet: relayed }, this.now()));
    if (this.#isNobodys(packet, link)) return;
    if (!this.#isWanted(packet)) return;
    this.options.onPacket?.('received', packet, link, this.now());
    const neighbour = received.neighbour.length > 0 ? received.neighbour : undefined;
    this.handle({ kind: 'packet', packet, ...(link && { link }), ...(neighbour && { neighbour }) });
  }

  /** What stands behind extension headers only shows once they are decoded. */
  #isWanted(packet: Packet): boolean {
    const { payload } = packet;
    const { protocols, udpPorts, nestedUpdates = false } = this.engine.interests;
    if (payload.kind === 'mobility' && payload.nested && !nestedUpdates) return false;
    if (effectiveSource(packet) !== packet.source && protocols.includes(protocol.destinationOptions)) return true;
    if (payload.kind === 'udp') return udpPorts.includes(payload.destinationPort);
    return payload.kind === 'icmpv6' || protocols.includes(payloadProtocol(payload));
  }

  /** ICMPv6 of which the engine wants to hear no more than Neighbour Discovery, and the kernel hears anyway. */
  #isNobodys({ payload }: Packet, link: LinkId | undefined): boolean {
    if (payload.kind !== 'icmpv6' || this.engine.interests.protocols.includes(protocol.icmpv6)) return false;
    const { accessLinks, advertisedLinks = [] } = this.engine.interests;
    return link === undefined || ![...accessLinks, ...advertisedLinks].includes(link) || 'packet' in payload.message;
  }

  /** RFC 2473 §8. An ip6tnl device tells of them itself. */
  #relayedTunnelError(error: Packet): Packet | undefined {
    if (this.#ground?.tunnels !== 'seg6' || this.options.address === undefined) return undefined;
    return relayedTunnelError(error, this.options.address);
  }

  #logged(received: Received): void {
    for (const { device, neighbour, source } of loggedPackets(received.bytes)) {
      const link = this.#ground?.links.get(device);
      if (link !== undefined) this.handle({ kind: 'seen', link, station: neighbour, address: source });
    }
  }

  #setTimer(): void {
    clearTimeout(this.#timer);
    const { deadline } = this.engine;
    if (deadline === undefined || !this.#ground) return;
    this.#timer = setTimeout(() => this.#tick(), this.#patienceMs(deadline));
  }

  #patienceMs(deadline: Instant): number {
    if (deadline > this.#tickedAt)
      return Math.min(longestTimeoutMs, Math.max(0, Math.ceil((deadline - this.now()) / millisecond)));
    this.options.log.error({ deadline }, 'the engine left its deadline in the past');
    return brokenEnginePatienceMs;
  }

  #tick(): void {
    const now = this.now();
    const { deadline } = this.engine;
    if (deadline === undefined || deadline > now) return this.#setTimer();
    this.#tickedAt = now;
    this.handle({ kind: 'tick' });
  }

  /** The kernel may refuse one thing without the world going down: counted, logged, and the engine's own timers try again. */
  #attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
      this.#refused(error);
    }
  }

  #refused({ call, message }: HostError): void {
    this.#hostErrors[call] = (this.#hostErrors[call] ?? 0) + 1;
    this.options.log.error({ error: message }, 'the kernel refused');
  }

  #ended(error: Error): void {
    this.options.log.error({ error: error.message }, 'nothing is received any more');
    this.options.onFailure(error);
  }
}
