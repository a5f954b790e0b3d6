import { type Address, formatAddress } from '../../src/base/address.js';
import { milliseconds } from '../../src/base/time.js';
import { homeAddressOf } from '../../src/protocol/mobile/placement.js';
import type { NetworkDescription } from '../../src/protocol/scheme.js';
import type { FlowRecord, Frame, Simulation } from '../../src/sim/index.js';
import { FlowDatagram } from '../../src/sim/traffic/cbr.js';
import type { Packet } from '../../src/wire/ipv6/packet.js';
import type { MobilityMessage } from '../../src/wire/mobility/messages.js';
import { messageName } from '../../src/wire/names.js';

/** A packet on one link. */
export interface Hop {
  readonly atMs: number;
  /** Nodes. */
  readonly from: string;
  readonly to: string;
  readonly link: string;
  readonly packet: Packet;
}

/** Every packet that a link delivered: what paths are read off. Made before a simulation runs, in `prepare`. */
export class Paths {
  readonly hops: Hop[] = [];
  /** Addresses as text. */
  readonly #names: ReadonlyMap<string, string>;

  constructor(simulation: Simulation, names: ReadonlyMap<string, string>) {
    this.#names = names;
    for (const link of simulation.links.values())
      link.tap((frame, at, moment, node) => {
        if (moment === 'delivered') this.#note(frame, at, node, link.name);
      });
  }

  #note({ sender, packet }: Frame, at: number, to: string, link: string): void {
    this.hops.push({ atMs: at / 1e6, from: sender.node.name, to, link, packet });
  }

  /** The way of the first packet of a flow that was sent at `afterMs` or later: a line for each link, `from→to: headers`. */
  ofFlow(flow: FlowRecord, afterMs: number): string[] {
    const sequence = Array.from(flow.sentAt).findIndex(at => at >= milliseconds(afterMs));
    const isIt = ({ payload }: Packet) =>
      payload instanceof FlowDatagram && payload.flow === flow && payload.sequence === sequence;
    return this.lines(({ packet }) => layersOf(packet).some(isIt));
  }

  /** The ways of mobility messages of that kind, at any depth, within a time. */
  ofMessages(kind: MobilityMessage['kind'], fromMs: number, untilMs: number): string[] {
    const isIt = ({ payload }: Packet) => payload.kind === 'mobility' && payload.message.kind === kind;
    return this.lines(({ atMs, packet }) => atMs >= fromMs && atMs < untilMs && layersOf(packet).some(isIt));
  }

  lines(wanted: (hop: Hop) => boolean): string[] {
    return this.hops.filter(wanted).map(({ from, to, packet }) => `${from}→${to}: ${this.describe(packet)}`);
  }

  /** `source > destination`, what headers say, and what is inside: `[…]` tunnelled, `{…}` behind a message. */
  describe(packet: Packet): string {
    const { source, destination, headers = [], payload } = packet;
    const words = [`${this.#name(source)} > ${this.#name(destination)}`];
    for (const header of headers) {
      if (header.kind === 'routingType2')
        words.push(`${header.segmentsLeft > 0 ? 'routed to' : 'routed by'} ${this.#name(header.homeAddress)}`);
      if (header.kind === 'destinationOptions')
        for (const option of header.options)
          if (option.kind === 'homeAddress') words.push(`home ${this.#name(option.address)}`);
    }
    if (payload.kind === 'ipv6') words.push(`[${this.describe(payload.packet)}]`);
    if (payload.kind === 'mobility') {
      words.push(nameOf(payload.message));
      if (payload.nested) words.push(`{${this.describe(payload.nested)}}`);
    }
    return words.join(' ');
  }

  #name(address: Address): string {
    return this.#names.get(formatAddress(address)) ?? formatAddress(address);
  }
}

/** Whose addresses are whose: a mobile's home address is called like it, its address on a link `mn@ar1`. */
export function namesOf({ homeAgents, anchors, accessRouters, correspondents, mobiles }: NetworkDescription) {
  const nodes = [...homeAgents, ...anchors, ...accessRouters, ...correspondents];
  const names = new Map(nodes.map(({ node, address }) => [address, node]));
  for (const mobile of mobiles) {
    for (const { prefix } of homeAgents.slice(0, 1)) names.set(homeAddressOf(prefix, mobile), mobile.node);
    for (const { node, prefix } of accessRouters) names.set(homeAddressOf(prefix, mobile), `${mobile.node}@${node}`);
  }
  return names;
}

/** A lifetime of zero ends what others began. */
function nameOf(message: MobilityMessage): string {
  const ends = 'lifetimeS' in message && message.lifetimeS === 0;
  return `${messageName(message.kind, [])}${ends ? ' for 0 s' : ''}`;
}

/** From the outside in, through tunnels and behind messages. */
export function layersOf(packet: Packet): Packet[] {
  const { payload } = packet;
  if (payload.kind === 'ipv6') return [packet, ...layersOf(payload.packet)];
  if (payload.kind === 'mobility' && payload.nested) return [packet, ...layersOf(payload.nested)];
  return [packet];
}
