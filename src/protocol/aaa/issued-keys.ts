import { type Address, formatAddress, tryParseAddress } from '../../base/address.js';
import type { Random } from '../../base/random.js';
import { bytesToHex, hexToBytes } from '../../base/text.js';
import type { Environment, Output, Row, StoredRecord } from '../contract.js';
import { type CipherName, cipherNames, keyMaterial } from './key-material.js';

/** A key for one direction and the SPI it goes under. */
export interface KeyedDirection {
  readonly spi: number;
  readonly material: Uint8Array;
}

/** An association between a PMIP client and an anchor: for one mobile, or for all that the client serves. */
export interface IssuedKeys {
  /** Undefined: for all. */
  readonly mobile: string | undefined;
  readonly client: Address;
  readonly anchor: Address;
  readonly cipher: CipherName;
  readonly toAnchor: KeyedDirection;
  readonly toClient: KeyedDirection;
}

const storePrefix = 'key/';

/** The keys given to PMIP clients, remembered until the anchor asks for them (draft-singh Appendix C). */
export class IssuedKeysMemory {
  readonly #random: Random;
  readonly #bySpi = new Map<number, IssuedKeys>();
  /** The newest for a mobile at an anchor: those before it are nobody's any more. */
  readonly #newest = new Map<string, number>();

  constructor({ random }: Environment) {
    this.#random = random;
  }

  get size(): number {
    return this.#bySpi.size;
  }

  issue(purpose: Pick<IssuedKeys, 'mobile' | 'client' | 'anchor' | 'cipher'>): { keys: IssuedKeys; outputs: Output[] } {
    const direction = () => ({ spi: this.#freeSpi(), material: keyMaterial(purpose.cipher, this.#random) });
    const keys = { ...purpose, toAnchor: direction(), toClient: direction() };
    const former = this.#newest.get(subjectOf(keys));
    const outputs = former === undefined ? [] : this.#forget(former);
    this.#remember(keys);
    return { keys, outputs: [...outputs, { kind: 'store', key: storeKey(keys.toAnchor.spi), value: written(keys) }] };
  }

  /** The keys of that SPI, once: for that anchor, which heard it from that client. */
  take(spi: number, anchor: Address, client: Address): { keys: IssuedKeys; outputs: Output[] } | undefined {
    const keys = this.#bySpi.get(spi);
    if (keys?.anchor !== anchor || keys.client !== client) return undefined;
    return { keys, outputs: this.#forget(spi) };
  }

  restore(records: Iterable<StoredRecord>): void {
    for (const { key, value } of records) {
      const keys = key.startsWith(storePrefix) ? read(value) : undefined;
      if (keys) this.#remember(keys);
    }
  }

  /** Nothing of the keys themselves. */
  *rows(): Generator<Row> {
    for (const { mobile, client, anchor, cipher, toAnchor } of this.#bySpi.values())
      yield { mobile, client: formatAddress(client), anchor: formatAddress(anchor), cipher, spi: toAnchor.spi };
  }

  #remember(keys: IssuedKeys): void {
    this.#bySpi.set(keys.toAnchor.spi, keys);
    this.#newest.set(subjectOf(keys), keys.toAnchor.spi);
  }

  #forget(spi: number): Output[] {
    const keys = this.#bySpi.get(spi);
    if (!keys) return [];
    this.#bySpi.delete(spi);
    if (this.#newest.get(subjectOf(keys)) === spi) this.#newest.delete(subjectOf(keys));
    return [{ kind: 'store', key: storeKey(spi) }];
  }

  /** The upper half: numbers that people give by hand stand in the lower. */
  #freeSpi(): number {
    let spi: number;
    do spi = (this.#random.uint32() | 0x8000_0000) >>> 0;
    while (this.#bySpi.has(spi));
    return spi;
  }
}

function subjectOf({ mobile, client, anchor }: IssuedKeys): string {
  return mobile === undefined ? `${client} ${anchor}` : `${mobile} ${anchor}`;
}

function storeKey(spi: number): string {
  return `${storePrefix}${spi}`;
}

function written({ mobile, client, anchor, cipher, toAnchor, toClient }: IssuedKeys): unknown {
  const direction = ({ spi, material }: KeyedDirection) => ({ spi, material: bytesToHex(material) });
  const ends = { client: formatAddress(client), anchor: formatAddress(anchor) };
  return {
    ...(mobile !== undefined && { mobile }),
    ...ends,
    cipher,
    toAnchor: direction(toAnchor),
    toClient: direction(toClient),
  };
}

interface Written {
  readonly mobile?: string;
  readonly client: string;
  readonly anchor: string;
  readonly cipher: string;
  readonly toAnchor: { readonly spi: number; readonly material: string };
  readonly toClient: { readonly spi: number; readonly material: string };
}

function read(value: unknown): IssuedKeys | undefined {
  const { mobile, client, anchor, cipher, toAnchor, toClient } = value as Written;
  const ends = [tryParseAddress(client), tryParseAddress(anchor)] as const;
  const known = cipherNames.find(name => name === cipher);
  if (ends[0] === undefined || ends[1] === undefined || !known) return undefined;
  const direction = ({ spi, material }: Written['toAnchor']) => ({ spi, material: hexToBytes(material) });
  return {
    mobile,
    client: ends[0],
    anchor: ends[1],
    cipher: known,
    toAnchor: direction(toAnchor),
    toClient: direction(toClient),
  };
}
