import { type Address, formatAddress } from '../../base/address.js';
import type { Via } from '../contract.js';

/** One bidirectional tunnel, shared by all bindings that lead through it (RFC 5213 §5.6.1). */
export interface Tunnel {
  readonly via: Extract<Via, { kind: 'tunnel' }>;
  /** Its ends as text, for the records of its users. */
  readonly localText: string;
  readonly careOfText: string;
  /** Who uses it. */
  users: number;
}

/** The tunnels in use. One that nobody uses is forgotten. */
export class Tunnels {
  #byLocal = new Map<Address, Map<Address, Tunnel>>();

  /** The tunnel between two addresses, for one more user. */
  take(local: Address, remote: Address): Tunnel {
    const tunnel = this.#find(local, remote);
    tunnel.users++;
    return tunnel;
  }

  release(tunnel: Tunnel): void {
    if (--tunnel.users > 0) return;
    const { local, remote } = tunnel.via;
    const byRemote = this.#byLocal.get(local);
    byRemote?.delete(remote);
    if (byRemote?.size === 0) this.#byLocal.delete(local);
  }

  get size(): number {
    let size = 0;
    for (const byRemote of this.#byLocal.values()) size += byRemote.size;
    return size;
  }

  #find(local: Address, remote: Address): Tunnel {
    let byRemote = this.#byLocal.get(local);
    if (!byRemote) {
      byRemote = new Map();
      this.#byLocal.set(local, byRemote);
    }
    let tunnel = byRemote.get(remote);
    if (!tunnel) {
      const texts = { localText: formatAddress(local), careOfText: formatAddress(remote) };
      tunnel = { via: { kind: 'tunnel', local, remote }, ...texts, users: 0 };
      byRemote.set(remote, tunnel);
    }
    return tunnel;
  }
}
