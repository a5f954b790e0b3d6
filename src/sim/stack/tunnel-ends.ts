import type { Address } from '../../base/address.js';
import type { TunnelEnd } from '../../protocol/contract.js';
import { PrefixTable } from './prefix-table.js';

/** Which tunnelled packets a node accepts: from whom, for which inner sources (RFC 6275 §10.4.5). */
export class TunnelEnds {
  readonly #byRemote = new Map<Address, Map<Address, PrefixTable<true>>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  admit({ local, remote, from }: TunnelEnd): void {
    let byLocal = this.#byRemote.get(remote);
    if (byLocal === undefined) {
      byLocal = new Map();
      this.#byRemote.set(remote, byLocal);
    }
    let sources = byLocal.get(local);
    if (sources === undefined) {
      sources = new PrefixTable();
      byLocal.set(local, sources);
    }
    if (sources.get(from) === undefined) this.#size++;
    sources.set(from, true);
  }

  unadmit({ local, remote, from }: TunnelEnd): void {
    const byLocal = this.#byRemote.get(remote);
    const sources = byLocal?.get(local);
    if (byLocal === undefined || sources === undefined || !sources.delete(from)) return;
    this.#size--;
    if (sources.size > 0) return;
    byLocal.delete(local);
    if (byLocal.size === 0) this.#byRemote.delete(remote);
  }

  admits(local: Address, remote: Address, innerSource: Address): boolean {
    return this.#byRemote.get(remote)?.get(local)?.lookup(innerSource) !== undefined;
  }
}
