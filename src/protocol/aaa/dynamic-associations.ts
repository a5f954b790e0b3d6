import { type Address, formatAddress, tryParseAddress } from '../../base/address.js';
import { bytesToHex, hexToBytes } from '../../base/text.js';
import type { AssociationId, Environment, Output, StoredRecord } from '../contract.js';
import type { Association } from '../security/association.js';
import { Associations } from '../security/associations.js';
import type { EspKeys } from '../security/esp.js';
import { EspAssociation } from '../security/esp-association.js';
import type { EspDirection } from '../security/esp-channel.js';
import { storePrefix as countersPrefix } from '../security/secured.js';
import type { DeliveredKeys } from './key-attributes.js';

/** Which end of the associations a node is. */
export type End = 'client' | 'anchor';

/** An association made of delivered keys. */
export interface Dynamic {
  readonly name: AssociationId;
  readonly keys: DeliveredKeys;
  readonly association: EspAssociation;
  /** Home addresses that were registered under it. */
  readonly homes: Set<Address>;
}

const storePrefix = 'association/';

/** Associations made at run time: one for a mobile, or one for all of a client's, each replacing the one before it. */
export class DynamicAssociations {
  readonly all = new Associations();
  readonly #end: End;
  readonly #environment: Environment;
  /** By what they are for: a mobile has one with each of its anchors. */
  readonly #bySubject = new Map<string, Dynamic>();
  readonly #byInboundSpi = new Map<number, Dynamic>();
  readonly #byHome = new Map<Address, Dynamic>();
  readonly #byOutboundSpi = new Map<number, Dynamic>();

  constructor(end: End, environment: Environment) {
    this.#end = end;
    this.#environment = environment;
  }

  /** At a client the one for that mobile, or for all, with that anchor. */
  with(anchor: Address, mobile: string | undefined): Dynamic | undefined {
    return this.#bySubject.get(subjectAtClient(mobile, anchor));
  }

  /** At an anchor the one that address was registered under. */
  of(home: Address): Dynamic | undefined {
    return this.#byHome.get(home);
  }

  /** What a packet came under that the association `name` let in. */
  receiving(name: AssociationId): Dynamic | undefined {
    return this.#bySubject.get(name);
  }

  sendingUnder(spi: number): Dynamic | undefined {
    return this.#byOutboundSpi.get(spi);
  }

  has(association: Association): boolean {
    return this.#byInboundSpi.get(association.inboundSpi)?.association === association;
  }

  [Symbol.iterator](): Iterator<Dynamic> {
    return this.#bySubject.values();
  }

  add(keys: DeliveredKeys): Output[] {
    const former = this.#bySubject.get(this.#subjectOf(keys));
    const forgotten = former ? this.#remove(former) : [];
    const dynamic = this.#install(keys, former?.homes ?? new Set());
    return [...forgotten, this.#store(dynamic)];
  }

  /** `home` was registered under it. */
  pin(dynamic: Dynamic, home: Address): Output[] {
    if (this.#byHome.get(home) === dynamic) return [];
    const outputs: Output[] = [];
    const former = this.#byHome.get(home);
    if (former?.homes.delete(home)) outputs.push(this.#store(former));
    dynamic.homes.add(home);
    this.#byHome.set(home, dynamic);
    return [...outputs, this.#store(dynamic)];
  }

  /** Makes those stored, before their counters are restored; returns the records that are none of them. */
  restore(records: Iterable<StoredRecord>): StoredRecord[] {
    const others: StoredRecord[] = [];
    for (const record of records) {
      if (!record.key.startsWith(storePrefix)) others.push(record);
      else this.#restoreOne(record.value as Written);
    }
    return others;
  }

  #restoreOne({ keys, homes }: Written): void {
    const read = keysOf(keys);
    if (read) this.#install(read, new Set(homes.flatMap(text => tryParseAddress(text) ?? [])));
  }

  #install(keys: DeliveredKeys, homes: Set<Address>): Dynamic {
    const name = this.#nameOf(keys);
    const { outbound, inbound } = keys;
    const parameters = { name, peer: undefined, outbound, inbound };
    const association = new EspAssociation(parameters, this.#environment, `${countersPrefix}esp/${name}`);
    const dynamic = { name, keys, association, homes };
    this.#bySubject.set(this.#subjectOf(keys), dynamic);
    this.#byInboundSpi.set(inbound.spi, dynamic);
    this.#byOutboundSpi.set(outbound.spi, dynamic);
    for (const home of homes) this.#byHome.set(home, dynamic);
    this.all.add(association, undefined);
    return dynamic;
  }

  #remove({ keys, association, homes }: Dynamic): Output[] {
    this.all.remove(association);
    this.#bySubject.delete(this.#subjectOf(keys));
    this.#byInboundSpi.delete(keys.inbound.spi);
    this.#byOutboundSpi.delete(keys.outbound.spi);
    for (const home of homes) this.#byHome.delete(home);
    return association.forget();
  }

  #nameOf({ mobile, client, anchor }: DeliveredKeys): AssociationId {
    return mobile ?? formatAddress(this.#end === 'client' ? anchor : client);
  }

  #subjectOf(keys: DeliveredKeys): string {
    return this.#end === 'client' ? subjectAtClient(keys.mobile, keys.anchor) : this.#nameOf(keys);
  }

  #store({ keys, homes }: Dynamic): Output {
    const value: Written = { keys: written(keys), homes: [...homes].map(formatAddress) };
    const ends = [keys.client, keys.anchor].map(formatAddress).join('/');
    const key = `${storePrefix}${this.#end === 'client' ? ends : ''}${keys.mobile ?? ends}`;
    return { kind: 'store', key, value };
  }
}

function subjectAtClient(mobile: string | undefined, anchor: Address): string {
  return `${anchor} ${mobile ?? ''}`;
}

interface Written {
  readonly keys: WrittenKeys;
  readonly homes: readonly string[];
}

interface WrittenKeys {
  readonly mobile?: string;
  readonly client: string;
  readonly anchor: string;
  readonly home?: string;
  readonly outbound: WrittenDirection;
  readonly inbound: WrittenDirection;
}

type WrittenDirection = { readonly spi: number; readonly key: string } & (
  | { readonly cipher: 'aes-128-gcm'; readonly salt: string }
  | { readonly cipher: 'aes-128-cbc-hmac-sha-256-128'; readonly authenticationKey: string }
);

function written({ mobile, client, anchor, home, outbound, inbound }: DeliveredKeys): WrittenKeys {
  return {
    ...(mobile !== undefined && { mobile }),
    client: formatAddress(client),
    anchor: formatAddress(anchor),
    ...(home !== undefined && { home: formatAddress(home) }),
    outbound: writtenDirection(outbound),
    inbound: writtenDirection(inbound),
  };
}

function writtenDirection({ spi, keys }: EspDirection): WrittenDirection {
  const key = bytesToHex(keys.key);
  return keys.cipher === 'aes-128-gcm'
    ? { spi, key, cipher: keys.cipher, salt: bytesToHex(keys.salt) }
    : { spi, key, cipher: keys.cipher, authenticationKey: bytesToHex(keys.authenticationKey) };
}

function keysOf({ mobile, client, anchor, home, outbound, inbound }: WrittenKeys): DeliveredKeys | undefined {
  const ends = [tryParseAddress(client), tryParseAddress(anchor)] as const;
  if (ends[0] === undefined || ends[1] === undefined) return undefined;
  return {
    mobile,
    client: ends[0],
    anchor: ends[1],
    home: home === undefined ? undefined : tryParseAddress(home),
    outbound: directionOf(outbound),
    inbound: directionOf(inbound),
  };
}

function directionOf(direction: WrittenDirection): EspDirection {
  const key = hexToBytes(direction.key);
  const keys: EspKeys =
    direction.cipher === 'aes-128-gcm'
      ? { cipher: direction.cipher, key, salt: hexToBytes(direction.salt) }
      : { cipher: direction.cipher, key, authenticationKey: hexToBytes(direction.authenticationKey) };
  return { spi: direction.spi, keys };
}
