import type { Address } from '../base/address.js';
import type { Input } from '../protocol/contract.js';
import { headerOctets } from '../wire/ipv6/codec.js';
import { protocol } from '../wire/ipv6/packet.js';
import { loggedFlowOctets } from './flow-watch.js';
import { destinationOf, quotedChainOf, sourceOf } from './mobility-headers.js';
import { LogSocket, loggedOctets } from './sockets.js';

type FlowInput = Extract<Input, { kind: 'flow' }>;

/** Reads what a router's firewall logs of flows that begin (flow-watch.ts). */
export class FlowReports {
  readonly fd: number;
  readonly #log: LogSocket;
  readonly #endsAt: (local: Address) => boolean;
  readonly #tell: (input: FlowInput) => void;

  /** `endsAt`: whether tunnels end at that address of the node. */
  constructor(logGroup: number, endsAt: (local: Address) => boolean, tell: (input: FlowInput) => void) {
    this.#log = new LogSocket(logGroup, loggedFlowOctets);
    this.fd = this.#log.fd;
    this.#endsAt = endsAt;
    this.#tell = tell;
  }

  received(bytes: Uint8Array): void {
    for (const packet of loggedOctets(bytes)) {
      const flow = flowOf(packet, this.#endsAt);
      if (flow) this.#tell({ kind: 'flow', ...flow });
    }
  }

  close(): void {
    this.#log.close();
  }
}

/** The flow of a packet whose end may be missing; undefined where its addresses are. `endsAt`: whether tunnels end there. */
export function flowOf(
  packet: Uint8Array,
  endsAt: (local: Address) => boolean,
): Pick<Extract<Input, { kind: 'flow' }>, 'source' | 'destination' | 'via'> | undefined {
  const chain = quotedChainOf(packet);
  if (!chain) return undefined;
  const [source, destination] = [sourceOf(packet), destinationOf(packet)];
  if (chain.protocol !== protocol.ipv6 || !endsAt(destination)) return { source, destination };
  const inner = packet.subarray(chain.offset);
  if (inner.length < headerOctets) return undefined;
  return { source: sourceOf(inner), destination: destinationOf(inner), via: { local: destination, remote: source } };
}
