import { readFileSync } from 'node:fs';
import { type Address, formatAddress } from '../../src/base/address.js';
import type { Lab } from '../../src/lab/lab.js';
import { decodePacket } from '../../src/wire/ipv6/codec.js';
import type { Packet } from '../../src/wire/ipv6/packet.js';
import { readCapture } from '../../src/wire/pcapng/reader.js';

/** A packet on a wire, in a tunnel or plain: the outer ends, and what is innermost. */
export interface Sighting {
  readonly timeMs: number;
  readonly wire: string;
  readonly source: Address;
  readonly destination: Address;
  readonly tunnelled: boolean;
  readonly inner: Packet;
}

/** Every IPv6 packet that the wires of a lab that has stopped carried, in the order they were seen. */
export function sightings(lab: Lab): Sighting[] {
  return lab.captures.captures
    .filter(({ kind }) => kind === 'wire')
    .flatMap(({ name, file }) => [...sightingsIn(name, file)])
    .sort((a, b) => a.timeMs - b.timeMs);
}

function* sightingsIn(wire: string, file: string): Generator<Sighting> {
  for (const { bytes, time } of readCapture(readFileSync(file))) {
    if (bytes[12] !== 0x86 || bytes[13] !== 0xdd) continue;
    const packet = decodePacket(bytes, {}, 14);
    const { source, destination } = packet;
    let inner = packet;
    while (inner.payload.kind === 'ipv6') inner = inner.payload.packet;
    const timeMs = time.seconds * 1000 + time.nanoseconds / 1e6;
    yield { timeMs, wire, source, destination, tunnelled: inner !== packet, inner };
  }
}

/** The tunnels that these went through, in order, each once: `anchor3 > anchor1`. */
export function tunnelsOf(lab: Lab, seen: readonly Sighting[]): string[] {
  const names = new Map(lab.plan.nodes.map(({ name, address }) => [address, name]));
  const name = (address: Address) => names.get(formatAddress(address)) ?? formatAddress(address);
  const tunnels = seen
    .filter(({ tunnelled }) => tunnelled)
    .map(({ source, destination }) => `${name(source)} > ${name(destination)}`);
  return [...new Set(tunnels)];
}

/** Echo requests of that number to that address. */
export function echoes(seen: readonly Sighting[], to: string, sequence: number): Sighting[] {
  return seen.filter(({ inner: { destination, payload } }) => {
    if (payload.kind !== 'icmpv6' || payload.message.kind !== 'echoRequest') return false;
    return payload.message.sequence === sequence && formatAddress(destination) === to;
  });
}
