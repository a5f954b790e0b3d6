import type { Address } from '../../src/base/address.js';
import { innermost, type Link } from '../../src/sim/index.js';
import { streamOctets } from '../../src/sim/tcp/stream.js';
import { decodePacket, encodePacket } from '../../src/wire/ipv6/codec.js';

/** What of TCP streams a node has been handed by some links, read from the octets of the frames. */
export interface DeliveredStream {
  /** Octets from the first on that have all come. */
  readonly complete: number;
  /** Octets that are not those that stand at their place in the stream. */
  readonly wrong: number;
}

/** Follows what comes for `receiver` on `links` from now on: one stream, from one sender. */
export function followStream(links: readonly Link[], receiver: string, from: Address): DeliveredStream {
  const state = { complete: 0, wrong: 0 };
  let first: number | undefined;
  const segments = new Map<number, Uint8Array>();
  const advance = () => {
    for (let data = segments.get(state.complete); data !== undefined; data = segments.get(state.complete)) {
      segments.delete(state.complete);
      state.complete += data.length;
    }
  };
  for (const link of links)
    link.tap((frame, _at, moment, node) => {
      if (moment !== 'delivered' || node !== receiver) return;
      const { payload, source } = innermost(decodePacket(encodePacket(frame.packet)));
      if (payload.kind !== 'tcp' || source !== from) return;
      if (payload.flags.syn) first = (payload.sequence + 1) >>> 0;
      if (first === undefined || payload.data.length === 0) return;
      const offset = (payload.sequence - first) >>> 0;
      const meant = streamOctets(offset, payload.data.length);
      payload.data.forEach((octet, i) => {
        if (octet !== meant[i]) state.wrong++;
      });
      if (offset >= state.complete) segments.set(offset, payload.data);
      advance();
    });
  return state;
}
