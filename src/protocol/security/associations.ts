import type { Address } from '../../base/address.js';
import type { Instant } from '../../base/time.js';
import type { AssociationId, Input, Output } from '../contract.js';
import type { Association } from './association.js';

type PacketInput = Extract<Input, { kind: 'packet' }>;
type Send = Extract<Output, { kind: 'send' }>;

/** The associations of a node. A peer is known by its address, or by its name and the SPI of what it sends. */
export class Associations {
  readonly #byAddress = new Map<Address, Association>();
  readonly #byName = new Map<AssociationId, Association>();
  readonly #bySpi = new Map<number, readonly Association[]>();
  /** Of peers known by their address, for answers to what they send about others. */
  readonly #namesOfAddresses = new Map<AssociationId, Association>();
  /** SPIs of peers known by their address: they belong to somebody. */
  readonly #spisOfAddresses = new Set<number>();

  add(association: Association, address: Address | undefined): void {
    const { name, inboundSpi } = association;
    if (address !== undefined) {
      this.#byAddress.set(address, association);
      this.#namesOfAddresses.set(name, association);
      this.#spisOfAddresses.add(inboundSpi);
      return;
    }
    this.#byName.set(name, association);
    this.#bySpi.set(inboundSpi, [...this.withSpi(inboundSpi), association]);
  }

  /** One that is known by its name. */
  remove(association: Association): void {
    const { name, inboundSpi } = association;
    const others = this.withSpi(inboundSpi).filter(other => other !== association);
    if (others.length > 0) this.#bySpi.set(inboundSpi, others);
    else this.#bySpi.delete(inboundSpi);
    if (this.#byName.get(name) === association) this.#byName.delete(name);
  }

  at(address: Address): Association | undefined {
    return this.#byAddress.get(address);
  }

  named(name: AssociationId): Association | undefined {
    return this.#byName.get(name) ?? this.#namesOfAddresses.get(name);
  }

  /** Those of peers without an address whose packets bear that SPI. */
  withSpi(spi: number): readonly Association[] {
    return this.#bySpi.get(spi) ?? [];
  }

  isSpiKnown(spi: number): boolean {
    return this.#bySpi.has(spi) || this.#spisOfAddresses.has(spi);
  }

  *[Symbol.iterator](): Generator<Association> {
    yield* this.#byAddress.values();
    for (const associations of this.#bySpi.values()) yield* associations;
  }
}

/** Where associations come from that no configuration names (draft-singh Appendix C). */
export interface Keyring {
  /** Those of the configuration and those it adds and removes. */
  readonly associations: Associations;
  /** The one that a packet to a peer goes out under. */
  forOutgoing(output: Send, peer: Address): Association | undefined;
  /** What to do about a packet that needs an association there is none of; undefined: nothing can be done. */
  missing(output: Send, now: Instant): Output[] | undefined;
  /** What to do about ESP under an SPI of nobody; undefined: nothing can be done. */
  unknown(input: PacketInput, now: Instant): Output[] | undefined;
  /** Whether what came under that association may come from it: `false`, or `later`, after it was asked. */
  admits(association: AssociationId, input: PacketInput, now: Instant): Admission;
}

export interface Admission {
  readonly admitted: boolean | 'later';
  readonly outputs: Output[];
}
