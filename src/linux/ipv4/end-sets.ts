import { type Address, addressBytes } from '../../base/address.js';
import type { Prefix } from '../../base/prefix.js';
import type { TunnelEnd } from '../../protocol/contract.js';
import type { Request } from '../netlink/message.js';
import * as nft from '../netlink/nftables.js';
import { prefixMask } from '../tunnel-end-check.js';
import { ipv4Octets } from './sockets.js';

/** Where addresses are: the outer one in the header of IPv4, the inner ones behind it. */
const outerSource = 12;
const inner = { source: 8, destination: 24 } as const;
/** Of the inner address in a key, behind the one register of the outer address. */
const innerRegister = 9;
const outerOctets = 4;

/**
 * Sets of a firewall's table that hold which outer source belongs to which inner source or destination (RFC 4213 §3.6), and rules
 * of a chain that let such packets return from it: a set and a rule for each length of prefix.
 */
export class EndSets {
  readonly #table: string;
  readonly #chain: string;
  /** Those that are there. */
  readonly #names = new Set<string>();

  constructor(table: string, chain: string) {
    this.#table = table;
    this.#chain = chain;
  }

  /** The table is new. */
  clear(): void {
    this.#names.clear();
  }

  admit(ends: readonly TunnelEnd[]): Request[] {
    return groupBySet(ends).flatMap(([set, keys]) => [
      ...this.#setFor(set),
      ...nft.addElements(this.#table, set.name, keys),
    ]);
  }

  refuse(ends: readonly TunnelEnd[]): Request[] {
    return groupBySet(ends).flatMap(([{ name }, keys]) =>
      this.#names.has(name) ? nft.deleteElements(this.#table, name, keys) : [],
    );
  }

  /** Made when first needed. */
  #setFor({ name, id, offset, length }: EndSet): Request[] {
    if (this.#names.has(name)) return [];
    this.#names.add(name);
    const octets = prefixOctets(length);
    const mask = length % 32 === 0 ? [] : [nft.keepBits(prefixMask(length).subarray(0, octets), innerRegister)];
    const innerPart = [nft.payload(nft.payloadBase.transport, offset, octets, innerRegister), ...mask];
    const key = [nft.payload(nft.payloadBase.network, outerSource, outerOctets), ...(length === 0 ? [] : innerPart)];
    return [
      nft.newSet(this.#table, name, outerOctets + octets, id, length === 0 ? ['ipv4'] : ['ipv4', 'ipv6']),
      nft.newRule(this.#table, this.#chain, [...key, nft.lookup(name, id), nft.verdict('return')], 'first'),
    ];
  }
}

/** Tunnel ends that one rule can ask for: by inner source or by inner destination, of one length. */
interface EndSet {
  readonly name: string;
  readonly id: number;
  /** Of the inner address. */
  readonly offset: number;
  readonly length: number;
}

function setOf({ from, to }: TunnelEnd): EndSet {
  return from
    ? { name: `from${from.length}`, id: 1 + from.length, offset: inner.source, length: from.length }
    : { name: `to${to.length}`, id: 200 + to.length, offset: inner.destination, length: to.length };
}

function groupBySet(ends: readonly TunnelEnd[]): [set: EndSet, keys: Uint8Array[]][] {
  const groups = new Map<string, [EndSet, Uint8Array[]]>();
  for (const end of ends) {
    const set = setOf(end);
    const group = groups.get(set.name) ?? [set, []];
    group[1].push(keyOf(end.remote, end.from ?? end.to));
    groups.set(set.name, group);
  }
  return [...groups.values()];
}

function keyOf(remote: Address, prefix: Prefix): Uint8Array {
  const octets = prefixOctets(prefix.length);
  const key = new Uint8Array(outerOctets + octets);
  key.set(ipv4Octets(remote));
  key.set(addressBytes(prefix.address).subarray(0, octets), outerOctets);
  return key;
}

/** Octets of a prefix in a key: whole registers of four. */
function prefixOctets(length: number): number {
  return 4 * Math.ceil(length / 32);
}
