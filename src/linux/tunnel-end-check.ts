import { type Address, addressBytes, parseAddress } from '../base/address.js';
import { maskAddress } from '../base/prefix.js';
import type { TunnelEnd } from '../protocol/contract.js';
import { headerOctets } from '../wire/ipv6/codec.js';
import { protocol } from '../wire/ipv6/packet.js';
import type { Request } from './netlink/message.js';
import * as nft from './netlink/nftables.js';

const chains = { tunnelled: 'tunnelled', nested: 'nested', second: 'second', routed: 'routed' } as const;
const ends = 'ends';
const endsId = 1000;
const passing = 'passing';
const passingId = 1002;
const { network, transport } = nft.payloadBase;
/** In an IPv6 header. */
const nextHeaderOffset = 6;
const sourceOffset = 8;
const destinationOffset = 24;
/** Of RFC 6275's two headers, §6.3 as senders align it, §6.4: their octets, and where their address is. */
const additionOctets = 24;
const additionAddress = 8;
/** Registers of an address each: where the key of a set begins, and what follows. */
const key = [8, 12, 16] as const;

/** What comes by it may be marked as intercepted by another anchor (the contract's `intercepted`). */
export type AdmittedEnd = TunnelEnd & { readonly intercepted?: true };

/**
 * Lets tunnelled packets through whose addresses an engine admitted (RFC 6275 §10.4.5, RFC 5213 §6.10.3), and takes what
 * comes through a type 2 routing header on to whom it is for: the kernel's own stack knows no home address. A hash set for
 * each kind of end and length of prefix, an element an end.
 *
 * It looks into a tunnel in a tunnel, too: the kernel takes both apart in one go, and nobody is asked in between.
 */
export class TunnelEndCheck {
  readonly #table: string;
  /** What becomes of strangers' packets. */
  readonly #refuse: readonly nft.Expression[];
  readonly #intercepted: { readonly mark: number; readonly device: number };
  readonly #sets = new Map<string, EndSet>();

  /** `intercepted`: the mark of such packets, and the device by which those come again that had to wait. */
  constructor(
    table: string,
    refuse: readonly nft.Expression[],
    intercepted: { readonly mark: number; readonly device: number },
  ) {
    this.#table = table;
    this.#refuse = refuse;
    this.#intercepted = intercepted;
  }

  /** Makes the chains, for ends at these addresses, and admits nobody. */
  install(locals: { tunnels: Iterable<Address>; passing: Iterable<Address> }): Request[] {
    this.#sets.clear();
    const table = this.#table;
    const last = (chain: string, expressions: readonly nft.Expression[]) =>
      nft.newRule(table, chain, expressions, 'last');
    return [
      nft.newSet(table, ends, 16, endsId, ['ipv6']),
      nft.newSet(table, passing, 16, passingId, ['ipv6']),
      ...Object.values(chains).map(chain => nft.newChain(table, chain)),
      last(chains.tunnelled, this.#refuse),
      // RFC 2473 §4.1: a third tunnel to this node is nothing that anybody means.
      last(chains.nested, [...tunnelTo(0), ...tunnelTo(1), ...this.#refuse]),
      last(chains.nested, [...tunnelTo(0), nft.verdict('goto', chains.second)]),
      last(chains.second, this.#refuse),
      last(chains.routed, this.#refuse),
      ...nft.addElements(table, ends, Array.from(locals.tunnels, addressBytes)),
      ...nft.addElements(table, passing, Array.from(locals.passing, addressBytes)),
    ];
  }

  /** The rules by which packets that come in come here. */
  get entrances(): readonly (readonly nft.Expression[])[] {
    const destination = nft.payload(network, destinationOffset, 16);
    const routed = [...octetsAre(network, nextHeaderOffset, [protocol.routing]), destination];
    const tunnelled = [nft.meta(nft.metaKey.layer4), nft.compare('equal', Uint8Array.of(protocol.ipv6)), destination];
    return [
      [...routed, nft.lookup(passing, passingId), nft.verdict('jump', chains.routed)],
      [...tunnelled, nft.lookup(ends, endsId), nft.verdict('jump', chains.tunnelled)],
    ];
  }

  /** Goes on only with what is for an address at which tunnels end; for such a one the kernel knows other routes than to itself. */
  get toLocalEnd(): readonly nft.Expression[] {
    return [nft.payload(network, destinationOffset, 16), nft.lookup(ends, endsId)];
  }

  /** There may be tunnels that end at that address of this node. */
  addLocalEnd(local: Address): Request[] {
    return nft.addElements(this.#table, ends, [addressBytes(local)]);
  }

  /** Routing headers may lead on from that address of this node. */
  addPassing(local: Address): Request[] {
    return nft.addElements(this.#table, passing, [addressBytes(local)]);
  }

  add(admitted: readonly AdmittedEnd[]): Request[] {
    return groupBySet(admitted).flatMap(([set, keys]) => [
      ...this.#setFor(set),
      ...nft.addElements(this.#table, set.name, keys),
    ]);
  }

  delete(refused: readonly AdmittedEnd[]): Request[] {
    return groupBySet(refused).flatMap(([{ name }, keys]) =>
      this.#sets.has(name) ? nft.deleteElements(this.#table, name, keys) : [],
    );
  }

  /** A set and the rules that ask it, made when first needed. */
  #setFor(set: EndSet): Request[] {
    if (this.#sets.has(set.name)) return [];
    const firstIntercepted =
      set.kind === 'intercepted' && ![...this.#sets.values()].some(({ kind }) => kind === set.kind);
    this.#sets.set(set.name, set);
    const table = this.#table;
    const first = (chain: string, expressions: readonly nft.Expression[]) =>
      nft.newRule(table, chain, expressions, 'first');
    const isIn = nft.lookup(set.name, set.id);
    const made = nft.newSet(table, set.name, set.keyOctets, set.id, set.types);
    if (set.kind === 'routed') return [made, first(chains.routed, [...loadRouted(set), isIn, ...passOn])];
    const second = set.kind === 'intercepted' ? [] : loadTunnelled(set, 1);
    return [
      made,
      ...(firstIntercepted ? [first('prerouting', this.#again)] : []),
      ...this.#tunnelled(),
      ...second.map(load => first(chains.second, [...load, isIn, nft.verdict('return')])),
    ];
  }

  /** All rules of the chain for tunnelled packets in place of what there is: where ends differ in what they do the longest prefix counts. */
  #tunnelled(): Request[] {
    const sets = [...this.#sets.values()].filter(({ kind }) => kind !== 'routed').sort((a, b) => order(a) - order(b));
    const rules = sets.flatMap(set => loadTunnelled(set, 0).map(load => [...load, ...this.#admit(set)]));
    return [
      nft.flushChain(this.#table, chains.tunnelled),
      ...[...rules, this.#refuse].map(expressions => nft.newRule(this.#table, chains.tunnelled, expressions, 'last')),
    ];
  }

  #admit({ kind, name, id }: EndSet): nft.Expression[] {
    const mark = kind === 'intercepted' ? nft.setMark(this.#intercepted.mark) : [];
    return [nft.lookup(name, id), ...mark, nft.verdict('goto', chains.nested)];
  }

  /** What had to wait in user space comes in a tunnel again, and nobody else can send by that device. */
  get #again(): nft.Expression[] {
    const { mark, device } = this.#intercepted;
    return [
      nft.meta(nft.metaKey.inDevice),
      nft.compare('equal', nft.deviceNumber(device)),
      ...nft.setMark(mark),
      nft.verdict('return'),
    ];
  }
}

/** What names a source comes first, and then the longest destination. */
function order({ kind, length }: EndSet): number {
  return kind === 'from' || kind === 'shared' ? 0 : 129 - length;
}

/** Tunnel ends that are asked for in the same way, and their home prefixes of one length. */
interface EndSet {
  readonly name: string;
  readonly id: number;
  readonly kind: 'from' | 'to' | 'shared' | 'routed' | 'intercepted';
  /** Of the home prefixes. */
  readonly length: number;
  readonly keyOctets: number;
  readonly types: readonly nft.KeyType[];
}

const idsOf = { from: 1, to: 200, shared: 400, routed: 600, intercepted: 800 } as const;

function setOf(end: AdmittedEnd): EndSet {
  const kind = kindOf(end);
  const { length } = end.from ?? end.to;
  const addresses = addressesOf(end).map(() => 'ipv6' as const);
  const keyOctets = addresses.length * 16 + prefixOctets(length);
  const types = [...addresses, ...prefixTypes(length)];
  return { name: `${kind}${length}`, id: idsOf[kind] + length, kind, length, keyOctets, types };
}

function kindOf({ by, from, intercepted }: AdmittedEnd): EndSet['kind'] {
  if (by === 'sharedCareOf') return 'shared';
  if (by === 'routingHeader') return 'routed';
  if (intercepted) return 'intercepted';
  return from ? 'from' : 'to';
}

/** What stands before the home prefix in a key. */
function addressesOf(end: TunnelEnd): readonly Address[] {
  const { local, remote, by } = end;
  if (by === 'sharedCareOf') return [remote, local];
  return [by === 'routingHeader' ? local : remote];
}

function groupBySet(list: readonly AdmittedEnd[]): [set: EndSet, keys: Uint8Array[]][] {
  const groups = new Map<string, [EndSet, Uint8Array[]]>();
  for (const end of list) {
    const set = setOf(end);
    const group = groups.get(set.name) ?? [set, []];
    group[1].push(keyOf(end, set));
    groups.set(set.name, group);
  }
  return [...groups.values()];
}

function keyOf(end: TunnelEnd, { keyOctets, length }: EndSet): Uint8Array {
  const bytes = new Uint8Array(keyOctets);
  const addresses = addressesOf(end);
  for (const [i, address] of addresses.entries()) bytes.set(addressBytes(address), 16 * i);
  const { address } = end.from ?? end.to;
  bytes.set(addressBytes(address).subarray(0, prefixOctets(length)), 16 * addresses.length);
  return bytes;
}

/** Octets of a prefix in a key: whole registers of four. */
function prefixOctets(length: number): number {
  return 4 * Math.ceil(length / 32);
}

/** As nft's programs can print them. */
function prefixTypes(length: number): nft.KeyType[] {
  const octets = prefixOctets(length);
  return octets === 16 ? ['ipv6'] : Array.from({ length: octets / 4 }, () => 'mark');
}

/** Loads the key of a tunnelled packet, of the tunnel itself or of the one in it, in each of the ways it may look. */
function loadTunnelled(set: EndSet, level: 0 | 1): nft.Expression[][] {
  const inner = level * headerOctets;
  const remote =
    level === 0 ? nft.payload(network, sourceOffset, 16, key[0]) : nft.payload(transport, sourceOffset, 16, key[0]);
  if (set.kind !== 'shared') {
    const offset = inner + (set.kind === 'from' ? sourceOffset : destinationOffset);
    return [[remote, ...loadPrefix(transport, offset, set.length, key[1])]];
  }
  const source = nft.payload(transport, inner + sourceOffset, 16, key[1]);
  const options = inner + headerOctets;
  const behindRouting = options + additionOctets;
  const { routing, destinationOptions } = protocol;
  return [
    { at: options, chain: octetsAre(transport, inner + nextHeaderOffset, [destinationOptions]) },
    {
      at: behindRouting,
      chain: [
        ...octetsAre(transport, inner + nextHeaderOffset, [routing]),
        ...octetsAre(transport, options, [destinationOptions, 2, 2]),
      ],
    },
  ].map(({ at, chain }) => [
    ...chain,
    ...octetsAre(transport, at + 2, paddedHomeAddressOption),
    remote,
    source,
    ...loadPrefix(transport, at + additionAddress, set.length, key[2]),
  ]);
}
/** Four octets of padding bring the option to where it is to stand (RFC 6275 §6.3). */
const paddedHomeAddressOption = [1, 2, 0, 0, 0xc9, 16];

function loadRouted({ length }: EndSet): nft.Expression[] {
  return [
    ...octetsAre(network, headerOctets + 1, [2, 2, 1]),
    nft.payload(network, destinationOffset, 16, key[0]),
    ...loadPrefix(network, headerOctets + additionAddress, length, key[1]),
  ];
}

/**
 * RFC 8200 §4.4: the header's address and the destination change places, and no segment is left. No checksum changes: an
 * upper layer's counts the final destination.
 */
const passOn: readonly nft.Expression[] = [
  nft.payload(network, destinationOffset, 16, key[0]),
  nft.payload(network, headerOctets + additionAddress, 16, key[1]),
  nft.writePayload(network, destinationOffset, 16, key[1]),
  nft.writePayload(network, headerOctets + additionAddress, 16, key[0]),
  nft.constant(Uint8Array.of(0), key[2]),
  nft.writePayload(network, headerOctets + 3, 1, key[2]),
  nft.verdict('return'),
];

/** Goes on with a packet in whose tunnel, or in the tunnel in that one, another one to this node begins. */
function tunnelTo(level: 0 | 1): nft.Expression[] {
  const inner = level * headerOctets;
  return [
    ...octetsAre(transport, inner + nextHeaderOffset, [protocol.ipv6]),
    nft.payload(transport, inner + destinationOffset, 16),
    nft.lookup(ends, endsId),
  ];
}

function octetsAre(base: number, offset: number, octets: readonly number[]): nft.Expression[] {
  return [nft.payload(base, offset, octets.length), nft.compare('equal', Uint8Array.from(octets))];
}

function loadPrefix(base: number, offset: number, length: number, into: number): nft.Expression[] {
  const octets = prefixOctets(length);
  if (octets === 0) return [];
  const load = nft.payload(base, offset, octets, into);
  return length % 32 === 0 ? [load] : [load, nft.keepBits(prefixMask(length).subarray(0, octets), into)];
}

/** The first octets of a mask of that length. */
export function prefixMask(length: number): Uint8Array {
  return addressBytes(maskAddress(parseAddress('ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'), length));
}
