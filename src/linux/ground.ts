import type { HostError } from '../base/errors.js';
import type { LinkAddress } from '../base/link-address.js';
import type { Input, LinkId, Output } from '../protocol/contract.js';
import type { Packet } from '../wire/ipv6/packet.js';
import type { ForwardingOutput } from './forwarding.js';
import type { Received } from './receive-batch.js';
import type { TunnelMechanism } from './tunnels.js';

/** What arrives for a world. */
export interface Arrivals {
  packet(received: Received): void;
  /** Undefined for what cannot be decoded, which is counted. */
  decode(received: Received): Packet | undefined;
  logged(received: Received): void;
  /** Something else that the engine should hear of. */
  input(input: Input): void;
  /** The kernel would not take a packet back. */
  refused(error: HostError): void;
  /** Nothing is received any more. */
  ended(error: Error): void;
}

/** What an engine says of addresses, of prefixes and of flows. */
export type AddressOutput = Extract<
  Output,
  { kind: 'configure' | 'unconfigure' | 'proxy' | 'unproxy' | 'watch' | 'unwatch' | 'announce' | 'unannounce' }
>;

/** A packet on its way out, as values and as octets. */
export interface Departure {
  readonly packet: Packet;
  readonly bytes: Uint8Array;
  readonly link?: LinkId | undefined;
  readonly neighbour?: LinkAddress | undefined;
}

export interface GroundStatistics {
  readonly strangers: number;
  readonly spoofed: number;
  readonly parkingDropped: number;
  readonly parkedOctets: number;
  readonly rules: number;
}

/**
 * What a world stands on: everything of the kernel's that it holds, made in the constructor, given back by `remove`. A router's
 * kernel forwards by itself; at the end of the way, in a host, what the kernel cannot do is done in user space.
 */
export interface Ground {
  /** Names of links by the kernel's number of their device. */
  readonly links: ReadonlyMap<number, LinkId>;
  /** How packets come into tunnels. */
  readonly tunnels: TunnelMechanism | 'userSpace';
  readonly statistics: GroundStatistics;
  /** Returns when all of it stands. Throws HostError. */
  apply(changes: readonly ForwardingOutput[]): void;
  perform(output: AddressOutput): void;
  send(departure: Departure): void;
  /** Takes out what a predecessor installed and nobody has asked for since. */
  reconcile(): void;
  startReceiving(): void;
  stopReceiving(): Promise<void>;
  /** Throws the first failure, after everything was tried. */
  remove(): void;
}
