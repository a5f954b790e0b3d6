import type { Packet } from '../../wire/ipv6/packet.js';

/** Packets that wait, in order, for their rule to be replaced or their tunnel's end to be opened. */
export class ParkingPlace {
  readonly limitOctets: number;
  octets = 0;
  #waiting: { packet: Packet; hopLimit: number; octets: number }[] = [];

  constructor(limitOctets: number) {
    this.limitOctets = limitOctets;
  }

  /** False: no room. */
  add(packet: Packet, hopLimit: number, octets: number): boolean {
    if (this.octets + octets > this.limitOctets) return false;
    this.octets += octets;
    this.#waiting.push({ packet, hopLimit, octets });
    return true;
  }

  /** Everything, in order; the place is empty afterwards. */
  takeAll(): { packet: Packet; hopLimit: number; octets: number }[] {
    const all = this.#waiting;
    this.#waiting = [];
    this.octets = 0;
    return all;
  }
}
