import type { Address } from '../../base/address.js';
import type { TunnelEnd } from '../../protocol/contract.js';
import { PrefixTable } from './prefix-table.js';

/** What a tunnel may carry. */
interface Admitted {
  readonly from: PrefixTable<true>;
  readonly to: PrefixTable<true>;
}

/** Which tunnelled packets a node accepts: from whom, for which inner sources or destinations (RFC 6275 §10.4.5). */
export class TunnelEnds {
  readonly #byRemote = new Map<Address, Map<Address, Admitted>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  admit(end: TunnelEnd): void {
    const { local, remote } = end;
    let byLocal = this.#byRemote.get(remote);
    if (byLocal === undefined) {
      byLocal = new Map();
      this.#byRemote.set(remote, byLocal);
    }
    let admitted = byLocal.get(local);
    if (admitted === undefined) {
      admitted = { from: new PrefixTable(), to: new PrefixTable() };
      byLocal.set(local, admitted);
    }
    const table = tableOf(admitted, end);
    const prefix = end.from ?? end.to;
    if (table.get(prefix) === undefined) this.#size++;
    table.set(prefix, true);
  }

  unadmit(end: TunnelEnd): void {
    const { local, remote } = end;
    const byLocal = this.#byRemote.get(remote);
    const admitted = byLocal?.get(local);
    if (byLocal === undefined || admitted === undefined || !tableOf(admitted, end).delete(end.from ?? end.to)) return;
    this.#size--;
    if (admitted.from.size + admitted.to.size > 0) return;
    byLocal.delete(local);
    if (byLocal.size === 0) this.#byRemote.delete(remote);
  }

  admits(local: Address, remote: Address, innerSource: Address, innerDestination: Address): boolean {
    const admitted = this.#byRemote.get(remote)?.get(local);
    return (
      admitted !== undefined &&
      (admitted.from.lookup(innerSource) !== undefined || admitted.to.lookup(innerDestination) !== undefined)
    );
  }
}

function tableOf(admitted: Admitted, end: TunnelEnd): PrefixTable<true> {
  return end.from === undefined ? admitted.to : admitted.from;
}
