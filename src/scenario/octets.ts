import { innermost, isSignalling, tunnelOverheadOctets } from '../sim/index.js';
import type { Packet, Payload } from '../wire/ipv6/packet.js';

/** Counts what links carry, a call for each frame each link takes. */
export class OctetCounter {
  /** Octets of signalling packets, on every access link they crossed. */
  air = 0;
  /** The same, on every wire. */
  wired = 0;
  /** What tunnels add at most to data packets that reach a wire, by the payload that travels unchanged from end to end. */
  readonly #overheads = new Map<Payload, number>();

  count(kind: 'wire' | 'access', packet: Packet, octets: number): void {
    if (isSignalling(packet)) {
      if (kind === 'access') this.air += octets;
      else this.wired += octets;
      return;
    }
    if (kind === 'access') return;
    const { payload } = innermost(packet);
    const overhead = tunnelOverheadOctets(packet);
    if (overhead >= (this.#overheads.get(payload) ?? 0)) this.#overheads.set(payload, overhead);
  }

  /** Mean over data packets that reached a wire. */
  get tunnelOctetsPerPacket(): number {
    if (this.#overheads.size === 0) return 0;
    let sum = 0;
    for (const overhead of this.#overheads.values()) sum += overhead;
    return sum / this.#overheads.size;
  }
}
