import { readFileSync } from 'node:fs';
import type { Address } from '../base/address.js';
import { chainOf, destinationOf, sourceOf } from '../linux/mobility-headers.js';
import { protocol } from '../wire/ipv6/packet.js';
import { readCapture } from '../wire/pcapng/reader.js';
import { probePort } from './traffic.js';

/** One packet of the probe stream where it was captured. */
export interface ProbePacket {
  readonly direction: 'down' | 'up';
  readonly sequence: number;
  /** Wall clock, milliseconds since 1970. */
  readonly timeMs: number;
  /** Whose two ends the outermost header names; absent: it is in none. */
  readonly tunnel?: { readonly from: Address; readonly to: Address };
}

/** One move as the lab made it, in wall-clock milliseconds. */
export interface LabMove {
  readonly mobile: string;
  readonly from: string;
  readonly to: string;
  /** Its link to the old access router was taken down. */
  readonly downMs: number;
  /** Its link to the new one was about to come up. */
  readonly upMs: number;
}

/** What a move cost. Gaps are beyond the time without any link layer. */
export interface MoveResult extends LabMove {
  /** From the link's coming up to the first packet from the correspondent; undefined: none came before the next move. */
  readonly downlinkMs: number | undefined;
  /** From the link's coming up to the departure of the first packet that reached the correspondent. */
  readonly uplinkMs: number | undefined;
  /** Packets lost, those sent while there was no link layer included. */
  readonly lostDown: number;
  readonly lostUp: number;
}

/** Reads the probe's packets out of a capture, also out of tunnels: UDP, the sequence number third in iperf3's header. */
export function readProbe(file: string): ProbePacket[] {
  const packets: ProbePacket[] = [];
  for (const { bytes, time } of readCapture(readFileSync(file))) {
    const packet = bytes.subarray(ethernetOctets);
    const datagram = datagramIn(packet);
    if (!datagram || datagram.length < 20) continue;
    const view = new DataView(datagram.buffer, datagram.byteOffset);
    const down = view.getUint16(0) === probePort;
    if (!down && view.getUint16(2) !== probePort) continue;
    const timeMs = time.seconds * 1000 + time.nanoseconds / 1e6;
    const tunnel = isTunnelled(packet) && { tunnel: { from: sourceOf(packet), to: destinationOf(packet) } };
    packets.push({ direction: down ? 'down' : 'up', sequence: view.getUint32(16), timeMs, ...tunnel });
  }
  return packets;
}

function isTunnelled(packet: Uint8Array): boolean {
  return chainOf(packet)?.protocol === protocol.ipv6;
}

function datagramIn(packet: Uint8Array): Uint8Array | undefined {
  const chain = chainOf(packet);
  if (chain?.protocol === protocol.ipv6) return datagramIn(packet.subarray(chain.offset));
  return chain?.protocol === protocol.udp ? packet.subarray(chain.offset) : undefined;
}

const ethernetOctets = 14;

/** Gaps and losses of each move, from what the mobile's port and the correspondent's wire saw. */
export function measureMoves(
  moves: readonly LabMove[],
  seenAt: { readonly mobile: readonly ProbePacket[]; readonly correspondent: readonly ProbePacket[] },
): MoveResult[] {
  const down = seenAt.mobile.filter(({ direction }) => direction === 'down');
  const sentUp = seenAt.mobile.filter(({ direction }) => direction === 'up');
  const up = seenAt.correspondent.filter(({ direction }) => direction === 'up');
  const reached = new Set(up.map(({ sequence }) => sequence));
  return moves.map((move, i): MoveResult => {
    const endMs = moves[i + 1]?.downMs ?? Number.POSITIVE_INFINITY;
    const after = ({ timeMs }: ProbePacket) => timeMs >= move.upMs && timeMs < endMs;
    const first = (packet: ProbePacket | undefined) => packet && packet.timeMs - move.upMs;
    return {
      ...move,
      downlinkMs: first(down.find(after)),
      uplinkMs: first(sentUp.find(packet => after(packet) && reached.has(packet.sequence))),
      lostDown: lostBetween(down, move.downMs, endMs),
      lostUp: lostBetween(up, move.downMs, endMs),
    };
  });
}

/** Packets that came after one that was sent later. */
export function disordered(packets: readonly ProbePacket[], direction: ProbePacket['direction']): number {
  let latest = Number.NEGATIVE_INFINITY;
  let count = 0;
  for (const packet of packets) {
    if (packet.direction !== direction) continue;
    if (packet.sequence < latest) count++;
    latest = Math.max(latest, packet.sequence);
  }
  return count;
}

/** Sequence numbers missing between the last packet before `fromMs` and the last before `untilMs`. */
function lostBetween(packets: readonly ProbePacket[], fromMs: number, untilMs: number): number {
  const before = packets.findLast(({ timeMs }) => timeMs < fromMs);
  const during = packets.filter(({ timeMs }) => timeMs >= fromMs && timeMs < untilMs);
  if (before === undefined || during.length === 0) return 0;
  const last = during.reduce((most, { sequence }) => Math.max(most, sequence), before.sequence);
  return last - before.sequence - new Set(during.map(({ sequence }) => sequence)).size;
}

/** The value below which `share` of the values lie; undefined where there are none. */
export function quantile(values: readonly number[], share: number): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
}
