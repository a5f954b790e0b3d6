import type { Packet } from '../../wire/ipv6/packet.js';

export interface Waiting {
  readonly packet: Packet;
  readonly hopLimit: number;
  readonly octets: number;
  /** It came from an anchor that had intercepted it. */
  readonly intercepted: boolean;
}

/** Packets that wait, in order, for their rule to be replaced or their tunnel's end to be opened. */
export class ParkingPlace {
  readonly limitOctets: number;
  octets = 0;
  #waiting: Waiting[] = [];

  constructor(limitOctets: number) {
    this.limitOctets = limitOctets;
  }

  /** False: no room. */
  add(packet: Packet, hopLimit: number, octets: number, intercepted = false): boolean {
    if (this.octets + octets > this.limitOctets) return false;
    this.octets += octets;
    this.#waiting.push({ packet, hopLimit, octets, intercepted });
    return true;
  }

  /** Everything, in order; the place is empty afterwards. */
  takeAll(): readonly Waiting[] {
    const all = this.#waiting;
    this.#waiting = [];
    this.octets = 0;
    return all;
  }
}
