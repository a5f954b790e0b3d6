import { addressBytes, parseAddress } from '../base/address.js';
import { type LinkAddress, linkAddressBytes } from '../base/link-address.js';
import { maskAddress, type Prefix, prefixKey } from '../base/prefix.js';
import type { ForwardingRule, LinkId } from '../protocol/contract.js';
import type { Request } from './netlink/message.js';
import * as nft from './netlink/nftables.js';

/**
 * Something the rules say of sources on access links (the contract's `accessLinks`): that a neighbour on a device sends from
 * a prefix, that some neighbour holds it, or that a rule with `from` alone covers it. An element of a set in the kernel.
 */
export interface SourceFact {
  readonly kind: 'sender' | 'held' | 'covered';
  readonly prefix: Prefix;
  /** Of a sender. */
  readonly station?: { readonly device: number; readonly linkAddress: LinkAddress };
  /** Equal for equal facts. */
  readonly key: string;
}

/** What a rule says of sources; devices of access links are the kernel's numbers. */
export function sourceFacts(
  { to, from, via }: ForwardingRule,
  accessDevices: ReadonlyMap<LinkId, number>,
): SourceFact[] {
  if (to === undefined && from !== undefined)
    return [{ kind: 'covered', prefix: from, key: `covered ${prefixKey(from)}` }];
  if (to === undefined || from !== undefined || via.kind !== 'link') return [];
  const device = accessDevices.get(via.link);
  // The kernel can tell the senders of Ethernet frames apart, and no others.
  if (device === undefined || via.neighbour?.length !== 6) return [];
  const station = { device, linkAddress: via.neighbour };
  const key = prefixKey(to);
  return [
    { kind: 'sender', prefix: to, station, key: `sender ${key}${device} ${via.neighbour}` },
    { kind: 'held', prefix: to, key: `held ${key}` },
  ];
}

const chain = 'sources';

/**
 * The chain that packets of access links go through, and its sets: three hash sets for each length of prefixes, with an
 * element a fact. It asks for the longest prefix first.
 */
export class SourceCheck {
  readonly #table: string;
  /** Chains for what is dropped: the address is another's, or nobody's. */
  readonly #verdicts: { readonly spoofed: string; readonly unseen: string };
  readonly #sets = new Map<string, SourceFact>();

  constructor(table: string, verdicts: { readonly spoofed: string; readonly unseen: string }) {
    this.#table = table;
    this.#verdicts = verdicts;
  }

  /** Makes the chain, without any sets. */
  install(): Request[] {
    this.#sets.clear();
    return [nft.newChain(this.#table, chain), ...this.#rules()];
  }

  /** Where packets of access links go. */
  get entrance(): nft.Expression {
    return nft.verdict('goto', chain);
  }

  add(facts: readonly SourceFact[]): Request[] {
    const groups = groupBySet(facts);
    const made: Request[] = [];
    for (const [name, [first]] of groups) {
      if (this.#sets.has(name)) continue;
      this.#sets.set(name, first);
      made.push(newSetFor(this.#table, name, first));
    }
    const elements = [...groups].flatMap(([name, group]) => nft.addElements(this.#table, name, group.map(keyOf)));
    return made.length > 0 ? [...made, ...this.#rules(), ...elements] : elements;
  }

  delete(facts: readonly SourceFact[]): Request[] {
    return [...groupBySet(facts)].flatMap(([name, group]) => nft.deleteElements(this.#table, name, group.map(keyOf)));
  }

  /** All rules of the chain in place of what there is. */
  #rules(): Request[] {
    const sets = [...this.#sets].sort(([, a], [, b]) => order(a) - order(b));
    const drop = [nft.verdict('goto', this.#verdicts.unseen)];
    const rules = [...sets.map(([name, fact]) => this.#rule(name, fact)), drop];
    return [
      nft.flushChain(this.#table, chain),
      ...rules.map(expressions => nft.newRule(this.#table, chain, expressions, 'last')),
    ];
  }

  #rule(name: string, fact: SourceFact): nft.Expression[] {
    const verdict = fact.kind === 'held' ? nft.verdict('goto', this.#verdicts.spoofed) : nft.verdict('return');
    return [...loadKey(fact), nft.lookup(name, setId(fact)), verdict];
  }
}

/** Holders before what is only covered, longest prefixes first, and of one length the sender before any other holder. */
function order({ kind, prefix }: SourceFact): number {
  const place = { sender: 0, held: 1, covered: 1000 }[kind];
  return place + 2 * (128 - prefix.length);
}

function groupBySet(facts: readonly SourceFact[]): Map<string, SourceFact[]> {
  const groups = new Map<string, SourceFact[]>();
  for (const fact of facts) {
    const name = `${fact.kind}${fact.prefix.length}`;
    const group = groups.get(name);
    if (group) group.push(fact);
    else groups.set(name, [fact]);
  }
  return groups;
}

const idsOf = { sender: 2000, held: 3000, covered: 4000 } as const;
function setId({ kind, prefix }: SourceFact): number {
  return idsOf[kind] + prefix.length;
}

const sourceOffset = 8;
const linkSourceOffset = 6;
/** Key of a sender: the masked source in four registers, its link-layer address in two, the device in one. */
const place = { linkAddress: 12, device: 14 } as const;
const keyOctets = { sender: 28, held: 16, covered: 16 } as const;

function newSetFor(table: string, name: string, fact: SourceFact): Request {
  const types: nft.KeyType[] = fact.kind === 'sender' ? ['ipv6', 'ethernet', 'device'] : ['ipv6'];
  return nft.newSet(table, name, keyOctets[fact.kind], setId(fact), types);
}

function loadKey({ kind, prefix }: SourceFact): nft.Expression[] {
  const source = nft.payload(nft.payloadBase.network, sourceOffset, 16);
  const masked = prefix.length === 128 ? [source] : [source, nft.keepBits(maskBytes(prefix.length))];
  if (kind !== 'sender') return masked;
  return [
    ...masked,
    nft.payload(nft.payloadBase.link, linkSourceOffset, 6, place.linkAddress),
    nft.meta(nft.metaKey.inDevice, place.device),
  ];
}

function keyOf({ kind, prefix, station }: SourceFact): Uint8Array {
  const key = new Uint8Array(keyOctets[kind]);
  key.set(addressBytes(prefix.address));
  if (station) {
    key.set(linkAddressBytes(station.linkAddress), 16);
    key.set(nft.deviceNumber(station.device), 24);
  }
  return key;
}

function maskBytes(length: number): Uint8Array {
  return addressBytes(maskAddress(parseAddress('ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'), length));
}
