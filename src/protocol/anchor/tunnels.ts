import { type Address, formatAddress, isIpv4Mapped } from '../../base/address.js';
import { hostPrefix } from '../../base/prefix.js';
import type { Output, Via } from '../contract.js';
import type { Update } from './update.js';

/** One bidirectional tunnel, shared by all bindings that lead through it (RFC 5213 §5.6.1). */
export interface Tunnel {
  readonly via: Extract<Via, { kind: 'tunnel' }>;
  /** Between whom, whatever it goes by: the anchor's address for signalling, and the care-of address. */
  readonly local: Address;
  readonly careOf: Address;
  /** The same as text, for the records of its users. */
  readonly localText: string;
  readonly careOfText: string;
  /** Who uses it. */
  users: number;
}

/** Where a tunnel through IPv4 ends, both IPv4-mapped (draft-dommety §3.3). */
export interface Ipv4Ends {
  readonly local: Address;
  readonly remote: Address;
}

/**
 * The tunnels in use. One that nobody uses is forgotten. Through one of IPv4 goes also what the two ends themselves say to each
 * other: there may be no IPv6 between them. Of a care-of address there is only one such.
 */
export class Tunnels {
  readonly #ipv4Address: Address | undefined;
  readonly #byLocal = new Map<Address, Map<string, Tunnel>>();
  readonly #ofIpv4 = new Map<Address, Tunnel>();

  /** `ipv4Address`: where those through IPv4 end here; undefined: there are none. */
  constructor(ipv4Address?: Address) {
    this.#ipv4Address = ipv4Address;
  }

  /** The tunnel between two addresses, for one more user. */
  take(local: Address, careOf: Address, ipv4: Ipv4Ends | undefined, outputs: Output[]): Tunnel {
    const tunnel = this.#find(local, careOf, ipv4);
    if (tunnel.users++ === 0 && ipv4) this.#join(tunnel, outputs);
    return tunnel;
  }

  release(tunnel: Tunnel, outputs: Output[]): void {
    if (--tunnel.users > 0) return;
    const { via, local, careOf } = tunnel;
    const others = this.#byLocal.get(local);
    others?.delete(keyOf(careOf, isOfIpv4(tunnel) ? via : undefined));
    if (others?.size === 0) this.#byLocal.delete(local);
    if (isOfIpv4(tunnel)) this.#part(tunnel, outputs);
  }

  /** Where the tunnel for a Binding Update, which has `current`, ends if it goes through IPv4, as the update asks for (draft-dommety §3.3). */
  ipv4For({ careOf, options }: Update, current: Tunnel | undefined): Ipv4Ends | undefined {
    return options.ipv4Tunnel ? this.ipv4Ends(careOf, options.ipv4CareOf, current) : undefined;
  }

  /** Undefined also where another user says that the care-of address is elsewhere: nobody may lead others' packets away. */
  ipv4Ends(careOf: Address, remote: Address | undefined, current: Tunnel | undefined): Ipv4Ends | undefined {
    const local = this.#ipv4Address;
    if (local === undefined || remote === undefined || !isUnicastIpv4(remote)) return undefined;
    const ends = { local, remote };
    const known = this.#ofIpv4.get(careOf);
    const isFree = known === undefined || hasEnds(known, ends) || (known === current && known.users === 1);
    return isFree ? ends : undefined;
  }

  /** What `say` sends to the care-of address of a Binding Update goes by IPv4 where that is what it asks for. */
  reaching(update: Update, current: Tunnel | undefined, outputs: Output[], say: () => void): void {
    const ipv4 = this.ipv4For(update, current);
    const tunnel = ipv4 && this.take(update.destination, update.careOf, ipv4, outputs);
    say();
    if (tunnel) this.release(tunnel, outputs);
  }

  get size(): number {
    let size = 0;
    for (const tunnels of this.#byLocal.values()) size += tunnels.size;
    return size;
  }

  #find(local: Address, careOf: Address, ipv4: Ipv4Ends | undefined): Tunnel {
    let tunnels = this.#byLocal.get(local);
    if (!tunnels) {
      tunnels = new Map();
      this.#byLocal.set(local, tunnels);
    }
    const key = keyOf(careOf, ipv4);
    let tunnel = tunnels.get(key);
    if (!tunnel) {
      const via = { kind: 'tunnel', local: ipv4?.local ?? local, remote: ipv4?.remote ?? careOf } as const;
      const texts = { localText: formatAddress(local), careOfText: formatAddress(careOf) };
      tunnel = { via, local, careOf, ...texts, users: 0 };
      tunnels.set(key, tunnel);
    }
    return tunnel;
  }

  #join(tunnel: Tunnel, outputs: Output[]): void {
    const { via, careOf } = tunnel;
    this.#ofIpv4.set(careOf, tunnel);
    outputs.push({ kind: 'forward', rule: { to: hostPrefix(careOf), via } });
    outputs.push({ kind: 'admit', end: { local: via.local, remote: via.remote, from: hostPrefix(careOf) } });
  }

  #part(tunnel: Tunnel, outputs: Output[]): void {
    const { via, careOf } = tunnel;
    outputs.push({ kind: 'unadmit', end: { local: via.local, remote: via.remote, from: hostPrefix(careOf) } });
    if (this.#ofIpv4.get(careOf) !== tunnel) return;
    this.#ofIpv4.delete(careOf);
    outputs.push({ kind: 'unforward', to: hostPrefix(careOf) });
  }
}

export function isOfIpv4({ via, careOf }: Tunnel): boolean {
  return via.remote !== careOf;
}

/** Whether it ends there; undefined: whether it goes through IPv6. */
export function hasEnds(tunnel: Tunnel, ipv4: Ipv4Ends | undefined): boolean {
  const { via } = tunnel;
  return ipv4 ? via.local === ipv4.local && via.remote === ipv4.remote : !isOfIpv4(tunnel);
}

/** Neither of "this" network, nor loopback, nor a group's or a reserved one. */
function isUnicastIpv4(address: Address): boolean {
  const first = address.charCodeAt(6) >> 8;
  return isIpv4Mapped(address) && first > 0 && first !== 127 && first < 224;
}

function keyOf(careOf: Address, ipv4: Ipv4Ends | undefined): string {
  return ipv4 ? careOf + ipv4.local + ipv4.remote : careOf;
}
