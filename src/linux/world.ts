import type { Address } from '../base/address.js';
import type { LinkAddress } from '../base/link-address.js';
import type { Instant } from '../base/time.js';
import type { Engine, Input, LinkId, OperatorCommand, Output, StoredRecord } from '../protocol/contract.js';
import type { TraceEvent } from '../protocol/trace.js';

/** A link of the engine and the kernel's device below it. */
export interface LinkBinding {
  /** The engine's name of it. */
  readonly name: LinkId;
  /** The kernel's: at most 15 characters. */
  readonly device: string;
  /** The link-layer address the device is to have while the world runs (the virtual MAC of gundavelli §6). */
  readonly linkAddress?: LinkAddress;
}

/** How packets are put into tunnels: by routes with seg6 encapsulation, or by routes over an `ip6tnl external` device. */
export type TunnelMechanism = 'seg6' | 'ip6tnl';

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
  /** The role's own address, for signalling and as its tunnel end. */
  readonly address: Address;
  readonly links: readonly LinkBinding[];
  readonly tunnels: 'auto' | TunnelMechanism;
  /** Number of the first of the three routing tables the world uses for itself; 0x9b00 when absent. */
  readonly table?: number;
  readonly store: Store;
  readonly log: Log;
  onTrace(event: TraceEvent, now: Instant): void;
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
  /** Rules that stand in the kernel. */
  readonly rules: number;
}

/** Runs one engine on this machine's kernel, in the network namespace of the calling thread. */
export class LinuxWorld {
  constructor(
    readonly engine: Engine,
    readonly options: WorldOptions,
  ) {}

  /** Opens sockets, restores the store's records into the engine, and replaces what a predecessor left in the kernel. Throws HostError. */
  async start(): Promise<void> {}

  /** Hands the engine 'shutdown', sends what it says, and takes everything out of the kernel again. */
  async stop(): Promise<void> {}

  command(command: OperatorCommand): void {
    this.handle({ kind: 'command', command });
  }

  /** Gives the engine an input from outside the network, at this instant: `attached`, `detached`, `profile`, … */
  handle(_input: Input): void {}

  /** Nanoseconds of the monotonic clock since this process began. */
  now(): Instant {
    return Number(process.hrtime.bigint());
  }

  get statistics(): WorldStatistics {
    return { packetsReceived: 0, packetsSent: 0, malformed: {}, hostErrors: {}, strangers: 0, rules: 0 };
  }
}
