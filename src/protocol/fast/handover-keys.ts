import type { Address } from '../../base/address.js';
import { autoconfiguredAddress, type LinkAddress } from '../../base/link-address.js';
import { prefixOf } from '../../base/prefix.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import type { FastBindingUpdate } from '../../wire/mobility/messages.js';
import { isNewer } from '../anchor/validate.js';
import type { Output, StoredRecord } from '../contract.js';
import { authorizationOf, type HandoverKey, isAuthorized } from './authorization.js';

/** A mobile's key, as its router knows it. */
export interface MobileKey extends HandoverKey {
  /** The mobile's own: the key speaks for the addresses that it forms from it. */
  readonly linkAddress: LinkAddress;
}

/** Who sent a Fast Binding Update, or why it does not count. */
export type KeyVerdict =
  | { readonly kind: 'valid'; readonly key: MobileKey }
  /** The key is right, and its mobile has to know what was wrong. */
  | { readonly kind: 'refused'; readonly key: MobileKey; readonly cause: 'foreignAddress' }
  | { readonly kind: 'refused'; readonly key: MobileKey; readonly cause: 'replayed'; readonly last: number }
  | { readonly kind: 'discarded'; readonly cause: 'unauthenticated' };

const storePrefix = 'handoverKey/';

/** The handover keys of a router: a Fast Binding Update moves the traffic of none but its sender (RFC 5568 §6.2.2, §10). */
export class HandoverKeys {
  readonly #keys: ReadonlyMap<number, MobileKey>;
  /** The last sequence number by SPI, kept longer than any binding: what was heard once never counts again. */
  readonly #last = new Map<number, number>();

  constructor(keys: readonly MobileKey[]) {
    this.#keys = new Map(keys.map(key => [key.spi, key]));
  }

  judge(packet: Packet, message: FastBindingUpdate, received: Uint8Array | undefined, ends: Ends): KeyVerdict {
    const key = this.#keys.get(authorizationOf(message)?.spi ?? -1);
    const { careOf, home } = ends;
    if (!key || !isAuthorized(message, received, key, { careOf, router: packet.destination }))
      return { kind: 'discarded', cause: 'unauthenticated' };
    if (home !== autoconfiguredAddress(prefixOf(home, 64), key.linkAddress))
      return { kind: 'refused', key, cause: 'foreignAddress' };
    const last = this.#last.get(key.spi);
    if (last !== undefined && !isNewer(message.sequence, last))
      return { kind: 'refused', key, cause: 'replayed', last };
    return { kind: 'valid', key };
  }

  /** An update counted. */
  used({ spi }: MobileKey, sequence: number, outputs: Output[]): void {
    this.#last.set(spi, sequence);
    outputs.push({ kind: 'store', key: `${storePrefix}${spi}`, value: sequence });
  }

  restore(records: Iterable<StoredRecord>): void {
    for (const { key, value } of records)
      if (key.startsWith(storePrefix) && typeof value === 'number')
        this.#last.set(Number(key.slice(storePrefix.length)), value);
  }
}

interface Ends {
  /** The new care-of address. */
  readonly careOf: Address;
  /** The previous one, which packets are for. */
  readonly home: Address;
}
