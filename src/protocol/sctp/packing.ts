import type { Instant } from '../../base/time.js';
import type { Chunk } from '../../wire/sctp/chunks.js';
import { chunkOctets, sctpHeaderOctets } from '../../wire/sctp/packet.js';
import type { Outbound } from './outbound.js';
import { maximumPacketOctets } from './settings.js';

/** RFC 9260 §6.10: control chunks, then DATA, in packets as full as they may be; with `once` DATA goes into the first alone. */
export function packed(
  control: readonly Chunk[],
  outbound: Outbound | undefined,
  once: boolean,
  now: Instant,
): Chunk[][] {
  const packets: Chunk[][] = [];
  let chunks: Chunk[] = [];
  let room = maximumPacketOctets - sctpHeaderOctets;
  const close = () => {
    packets.push(chunks);
    outbound?.packetSent();
    chunks = [];
    room = maximumPacketOctets - sctpHeaderOctets;
  };
  for (const chunk of control) {
    const octets = chunkOctets(chunk);
    if (octets > room && chunks.length > 0) close();
    chunks.push(chunk);
    room -= octets;
  }
  while (outbound) {
    const data = outbound.next(room, now);
    if (data) {
      chunks.push(data);
      room -= chunkOctets(data);
    } else if (chunks.length === 0 || once) break;
    else close();
  }
  if (chunks.length > 0) close();
  return packets;
}
