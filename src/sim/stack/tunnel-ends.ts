import { type Address, unspecified } from '../../base/address.js';
import type { TunnelEnd } from '../../protocol/contract.js';
import { effectiveSource, type Packet } from '../../wire/ipv6/packet.js';
import { ParkingPlace } from './parking.js';
import { PrefixTable } from './prefix-table.js';

/** What a tunnel may carry. */
interface Admitted {
  readonly from: PrefixTable<Admission>;
  readonly to: PrefixTable<Admission>;
}

/** What comes by an end. */
export interface Admission {
  readonly end: { readonly local: Address; readonly remote: Address };
  /** Rules that intercept are not for it. */
  readonly intercepted: boolean;
  /** Where it waits for the end to be admitted without. */
  readonly held?: ParkingPlace | undefined;
}

/** Which tunnelled packets a node accepts: from whom, for which inner sources or destinations (RFC 6275 §10.4.5). */
export class TunnelEnds {
  readonly #byRemote = new Map<Address, Map<Address, Admitted>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** In all that are held back. */
  get heldOctets(): number {
    let octets = 0;
    for (const { held } of this.#admissions()) octets += held?.octets ?? 0;
    return octets;
  }

  /** Those for what other anchors have intercepted: they are for whoever the anchors serve, and stand when nobody is there. */
  get intercepted(): number {
    let ends = 0;
    for (const { intercepted } of this.#admissions()) if (intercepted) ends++;
    return ends;
  }

  /** Returns what was held and now goes on. What is held already stays so, within its first limit, while it is to be held. */
  admit(end: TunnelEnd, hold?: { readonly limitOctets: number }, intercepted = false): ParkingPlace | undefined {
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
    const before = table.get(prefix);
    if (before === undefined) this.#size++;
    const held = hold && (before?.held ?? new ParkingPlace(hold.limitOctets));
    table.set(prefix, { end, intercepted, held });
    return held === undefined ? before?.held : undefined;
  }

  /** Returns what was held, which is lost. */
  unadmit(end: TunnelEnd): ParkingPlace | undefined {
    const { local, remote } = end;
    const byLocal = this.#byRemote.get(remote);
    const admitted = byLocal?.get(local);
    if (byLocal === undefined || admitted === undefined) return undefined;
    const table = tableOf(admitted, end);
    const prefix = end.from ?? end.to;
    const before = table.get(prefix);
    if (before === undefined) return undefined;
    table.delete(prefix);
    this.#size--;
    if (admitted.from.size + admitted.to.size === 0) {
      byLocal.delete(local);
      if (byLocal.size === 0) this.#byRemote.delete(remote);
    }
    return before.held;
  }

  /** Undefined: what comes that way is dropped. */
  admission(local: Address, remote: Address, innerSource: Address, innerDestination: Address): Admission | undefined {
    const admitted = this.#byRemote.get(remote)?.get(local);
    return admitted?.from.lookup(innerSource) ?? admitted?.to.lookup(innerDestination);
  }

  *#admissions(): Generator<Admission> {
    for (const byLocal of this.#byRemote.values())
      for (const { from, to } of byLocal.values()) for (const table of [from, to]) yield* table.values();
  }
}

/** What a node accepts, by how it comes (the contract's {@link TunnelEnd}). */
export class Ends {
  readonly tunnel = new TunnelEnds();
  /** Whose Home Address options are taken. */
  readonly homeAddressOption = new TunnelEnds();
  /** Who sends from a care-of address of this node, with which home address. */
  readonly sharedCareOf = new TunnelEnds();
  /** For whom packets come through routing headers. */
  readonly routingHeader = new TunnelEnds();

  of({ by = 'tunnel' }: TunnelEnd): TunnelEnds {
    return this[by];
  }

  get size(): number {
    return this.tunnel.size + this.homeAddressOption.size + this.sharedCareOf.size + this.routingHeader.size;
  }

  get heldOctets(): number {
    return this.tunnel.heldOctets;
  }

  /** Whether `inner` may come out of the tunnel that `outer` came by. */
  outOfTunnel(outer: Packet, inner: Packet): Admission | undefined {
    const { source: remote, destination: local } = outer;
    const admission = this.tunnel.admission(local, remote, inner.source, inner.destination);
    if (admission !== undefined || inner.source !== local || this.sharedCareOf.size === 0) return admission;
    const home = effectiveSource(inner);
    return home === local ? undefined : this.sharedCareOf.admission(local, remote, home, inner.destination);
  }

  /** Whether what comes to `local` through a routing header for `home` goes on to it. */
  leadsOn(local: Address, home: Address): boolean {
    return this.routingHeader.admission(local, unspecified, unspecified, home) !== undefined;
  }
}

function tableOf(admitted: Admitted, end: TunnelEnd): PrefixTable<Admission> {
  return end.from === undefined ? admitted.to : admitted.from;
}
