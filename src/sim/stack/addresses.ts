import type { Address } from '../../base/address.js';
import type { Prefix } from '../../base/prefix.js';
import type { Duration, Instant } from '../../base/time.js';
import type { EventTarget } from '../event-queue.js';
import type { AddressChange } from '../trace.js';
import type { IpInterface } from './ip-interface.js';
import { duplicateAddressProbe } from './messages.js';

/** RFC 4862 §5.4, §5.5.4. `duplicate`: somebody else has it, and it is never used. */
export type AddressState = 'tentative' | 'optimistic' | 'preferred' | 'deprecated' | 'duplicate';
/** `home`: a mobile node's (RFC 6275); `proxy`: stood in for, and not the node's own; `anycast`: never a source. */
export type AddressOrigin = 'manual' | 'linkLocal' | 'stateless' | 'dhcpv6' | 'home' | 'proxy' | 'anycast';

/** An address of the node. */
export class LocalAddress {
  readonly address: Address;
  /** Undefined: of the node itself. */
  readonly ip: IpInterface | undefined;
  readonly origin: AddressOrigin;
  state: AddressState = 'preferred';
  /** A home address that is the first choice for these destinations, and the last for others. */
  sourceFor: readonly Prefix[] | undefined;
  preferredUntil: Instant = Number.POSITIVE_INFINITY;
  validUntil: Instant = Number.POSITIVE_INFINITY;
  /** Counts what makes timers obsolete. */
  generation = 0;

  constructor(address: Address, ip: IpInterface | undefined, origin: AddressOrigin) {
    this.address = address;
    this.ip = ip;
    this.origin = origin;
  }

  /** Duplicate Address Detection is not through. */
  get underTest(): boolean {
    return this.state === 'tentative' || this.state === 'optimistic';
  }

  /** Whether packets may be sent from it and are taken for it. */
  get usable(): boolean {
    return this.state === 'preferred' || this.state === 'deprecated' || this.state === 'optimistic';
  }
}

export interface Lifetimes {
  readonly preferredUntil: Instant;
  readonly validUntil: Instant;
}

interface Timer {
  readonly local: LocalAddress;
  readonly generation: number;
  /** Probes sent of Duplicate Address Detection; undefined: a lifetime's timer. */
  readonly probes?: number;
}

/** The life of an interface's addresses: detection of duplicates, then preferred, deprecated, gone. */
export class AddressLife implements EventTarget<Timer> {
  readonly #ip: IpInterface;

  constructor(ip: IpInterface) {
    this.#ip = ip;
  }

  /** Adds an address, after Duplicate Address Detection where `probes` is not 0. */
  add(local: LocalAddress, probes: number, lifetimes?: Lifetimes): void {
    this.#ip.addresses.push(local);
    this.#ip.stack.registerAddress(local);
    if (lifetimes) this.#setLifetimes(local, lifetimes);
    if (probes > 0) this.detect(local, probes);
    else this.#assign(local);
  }

  /** RFC 4862 §5.4: tentative, or usable with care (RFC 4429 §3.3), until `probes` solicitations, RetransTimer apart, stayed without an answer. */
  detect(local: LocalAddress, probes: number): void {
    local.state = this.#ip.optimistic && local.origin === 'stateless' ? 'optimistic' : 'tentative';
    local.generation++;
    this.#changed(local, local.state);
    this.onEvent({ local, generation: local.generation, probes });
  }

  /** RFC 4862 §5.5.3 (e): both lifetimes as the document's rules left them. */
  refresh(local: LocalAddress, lifetimes: Lifetimes): void {
    this.#setLifetimes(local, lifetimes);
    if (local.underTest || local.state === 'duplicate') return;
    local.generation++;
    this.#age(local);
  }

  /** RFC 4862 §5.4.5. */
  duplicate(local: LocalAddress): void {
    local.state = 'duplicate';
    local.generation++;
    this.#changed(local, 'duplicate');
    this.#ip.addressDuplicate(local);
  }

  remove(local: LocalAddress): void {
    local.generation++;
    const { addresses } = this.#ip;
    const at = addresses.indexOf(local);
    if (at >= 0) addresses.splice(at, 1);
    this.#ip.stack.unregisterAddress(local);
    this.#changed(local, 'removed');
  }

  onEvent({ local, generation, probes }: Timer): void {
    if (!this.#ip.stack.alive || local.generation !== generation) return;
    if (probes === undefined) return this.#age(local);
    if (probes === 0) return this.#assign(local);
    this.#ip.sendSignalling(duplicateAddressProbe(local.address));
    this.#after(this.#ip.neighbours.retransTimer, { local, generation, probes: probes - 1 });
  }

  #assign(local: LocalAddress): void {
    local.state = 'preferred';
    this.#changed(local, 'configured');
    this.#age(local);
    this.#ip.addressAssigned(local);
  }

  #setLifetimes(local: LocalAddress, { preferredUntil, validUntil }: Lifetimes): void {
    local.preferredUntil = preferredUntil;
    local.validUntil = validUntil;
  }

  /** Moves an assigned address to where its lifetimes say, and waits for what comes next. */
  #age(local: LocalAddress): void {
    const now = this.#ip.stack.now;
    if (now >= local.validUntil) return this.remove(local);
    const state = now >= local.preferredUntil ? 'deprecated' : 'preferred';
    if (state !== local.state) {
      local.state = state;
      this.#changed(local, state);
    }
    const next = state === 'preferred' ? local.preferredUntil : local.validUntil;
    if (next !== Number.POSITIVE_INFINITY) this.#after(next - now, { local, generation: local.generation });
  }

  #after(delay: Duration, timer: Timer): void {
    this.#ip.stack.queue.push(this.#ip.stack.now + delay, this, timer);
  }

  #changed(local: LocalAddress, change: AddressChange): void {
    const { stack } = this.#ip;
    stack.addressesChanged();
    this.#ip.addressChanged(local, change);
    if (stack.simulation.tracing)
      stack.trace({ event: 'address', change, interface: this.#ip.port.name, address: local.address });
  }
}
