import type { Address } from '../../base/address.js';
import type { Neighbour } from '../netlink/route.js';
import { ipv4Octets } from './sockets.js';

/** Where a route leads that takes packets into a tunnel; a neighbour has to stand as long as such routes do. */
export interface Way {
  readonly device: number;
  readonly gateway: Address;
  readonly neighbour?: Neighbour;
}

/** What makes tunnels of IPv6 in IPv4 from one address of this node, to whomever: the next hop of a route says to whom. */
export interface TunnelDevice {
  readonly index: number;
  wayTo(remote: Address): Way;
  /** What arrives is taken apart from now on. */
  startReceiving(ended: (error: Error) => void): void;
  stopReceiving(): Promise<void>;
  /** Takes the device away, and with it the routes over it. */
  remove(): void;
}

/** Letters by which the kernel's devices and ours are told apart. */
const letters = { sit: 's', userSpace: 'u' } as const;
export type Ipv4Mechanism = keyof typeof letters;

/** The kernel's name of the device for tunnels from there, by which a successor finds it. */
export function deviceName(mechanism: Ipv4Mechanism, local: Address): string {
  return `anch4${letters[mechanism]}-${Buffer.from(ipv4Octets(local)).toString('hex')}`;
}

export function isDeviceName(name: string): boolean {
  return /^anch4[su]-[0-9a-f]{8}$/.test(name);
}
