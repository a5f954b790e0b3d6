import { type Address, addressBytes, parseAddress } from '../base/address.js';
import { type LinkAddress, linkAddressBytes } from '../base/link-address.js';
import { maskAddress, type Prefix } from '../base/prefix.js';
import type { TunnelEnd } from '../protocol/contract.js';
import { protocol } from '../wire/ipv6/packet.js';
import { attributesOf, type Request, viewOf } from './netlink/message.js';
import * as nft from './netlink/nftables.js';
import type { NetlinkSocket } from './netlink/socket.js';

/** What the firewall has to know of a world. */
export interface FirewallScope {
  readonly table: string;
  readonly address: Address;
  /** Kernel numbers of access links. */
  readonly accessDevices: readonly number[];
  readonly protocols: readonly number[];
  readonly udpPorts: readonly number[];
  /** The log group that gets packets from sources without a route. */
  readonly logGroup: number;
}

/** Who may send from a prefix: the station that packets to it are given to. */
export interface Station {
  readonly prefix: Prefix;
  /** Six octets. */
  readonly linkAddress: LinkAddress;
}

/** Octets of a logged packet: its IPv6 header. */
const loggedOctets = 40;
const loggedPerSecond = 1000;
const strangers = 'strangers';
const spoofed = 'spoofed';
const ends = 'ends';
const endsId = 1000;
const sourceOffset = 8;
const destinationOffset = 24;
/** Of an Ethernet frame's source. */
const linkSourceOffset = 6;

/**
 * An nf_tables table of the world's own. It drops tunnelled packets whose outer source and inner source or destination do
 * not belong together (RFC 6275 §10.4.5, RFC 5213 §6.10.3), keeps the kernel's own stack silent where the engine speaks,
 * logs packets of access links whose source no rule covers and drops those from another station's address. It grows by an
 * element a tunnel end and an element a station's prefix, in hash sets.
 */
export class Firewall {
  readonly #socket: NetlinkSocket;
  readonly #scope: FirewallScope;
  /** Sets of tunnel ends that are there. */
  readonly #sets = new Set<string>();

  constructor(socket: NetlinkSocket, scope: FirewallScope) {
    this.#socket = socket;
    this.#scope = scope;
  }

  /** Puts the table in the place of whatever has its name, with these tunnel ends at these addresses and these stations, in one step. */
  install(admitted: Iterable<TunnelEnd>, locals: Iterable<Address>, stations: Iterable<Station>): void {
    const { table } = this.#scope;
    this.#sets.clear();
    nft.commit(this.#socket, [
      nft.newTable(table),
      nft.deleteTable(table),
      nft.newTable(table),
      nft.newCounter(table, strangers),
      nft.newCounter(table, spoofed),
      nft.newSet(table, ends, 16, endsId),
      ...this.#chains(),
      ...nft.addElements(table, ends, Array.from(locals, addressBytes)),
      ...this.#admissions([...admitted]),
      ...this.#welcome([...stations]),
    ]);
  }

  /** Changes who may send from where in one step. */
  changeStations(come: readonly Station[], gone: readonly Station[]): void {
    const leaving = gone.flatMap(station =>
      nft.deleteElements(this.#scope.table, stationSetName(station), [stationKey(station)]),
    );
    const requests = [...leaving, ...this.#welcome(come)];
    if (requests.length > 0) nft.commit(this.#socket, requests);
  }

  /** Changes tunnel ends in one step. An end may be in both lists; it is admitted then. */
  change(admitted: readonly TunnelEnd[], refused: readonly TunnelEnd[]): void {
    const requests = [...this.#refusals(refused), ...this.#admissions(admitted)];
    if (requests.length > 0) nft.commit(this.#socket, requests);
  }

  /** Accepts tunnelled packets for that address of this node at all. */
  addLocalEnd(local: Address): void {
    nft.commit(this.#socket, nft.addElements(this.#scope.table, ends, [addressBytes(local)]));
  }

  /** Tunnelled packets dropped because nobody admitted their sources. */
  get strangers(): number {
    return this.#count(strangers);
  }

  /** Packets of access links dropped because their source is another station's. */
  get spoofed(): number {
    return this.#count(spoofed);
  }

  #count(name: string): number {
    const answer = this.#socket.ask(nft.getCounter(this.#scope.table, name));
    const counter = attributesOf(attributesOf(answer.body, 4).get(4) ?? new Uint8Array());
    const packets = counter.get(2);
    return packets ? Number(viewOf(packets).getBigUint64(0)) : 0;
  }

  remove(): void {
    nft.commit(this.#socket, [nft.newTable(this.#scope.table), nft.deleteTable(this.#scope.table)]);
  }

  #chains(): Request[] {
    const { table, accessDevices } = this.#scope;
    const chains = [
      nft.newChain(table, 'unseen'),
      nft.newChain(table, 'stations'),
      nft.newChain(table, 'tunnelled'),
      nft.newChain(table, 'prerouting', nft.hook.prerouting),
      nft.newChain(table, 'input', nft.hook.localIn),
      nft.newChain(table, 'output', nft.hook.localOut),
    ];
    const rule = (chain: string, ...expressions: nft.Expression[]) => nft.newRule(table, chain, expressions, 'last');
    const drop = nft.verdict('drop');
    const destination = nft.payload(nft.payloadBase.network, destinationOffset, 16);
    const toNode = [destination, nft.compare('equal', addressBytes(this.#scope.address))];
    return [
      ...chains,
      rule('unseen', nft.limit(loggedPerSecond), nft.logTo(this.#scope.logGroup, loggedOctets)),
      rule('unseen', drop),
      rule('stations', nft.count(spoofed), drop),
      rule('tunnelled', nft.count(strangers), drop),
      rule('prerouting', ...layer4(protocol.ipv6), destination, nft.lookup(ends, endsId), jump('tunnelled')),
      ...accessDevices.flatMap(device => this.#accessRules(device, rule)),
      ...this.#scope.protocols.map(number => rule('input', ...toNode, ...layer4(number), drop)),
      ...this.#scope.udpPorts.map(port => rule('input', ...toNode, ...udpTo(port), drop)),
    ];
  }

  #accessRules(device: number, rule: (chain: string, ...expressions: nft.Expression[]) => Request): Request[] {
    const from = [nft.meta(nft.metaKey.inDevice), nft.compare('equal', deviceNumber(device))];
    const towards = [nft.meta(nft.metaKey.outDevice), nft.compare('equal', deviceNumber(device))];
    const source = nft.payload(nft.payloadBase.network, sourceOffset, 16);
    const drop = nft.verdict('drop');
    const returns = nft.verdict('return');
    const linkLocal = [
      source,
      nft.keepBits(prefixMask(10)),
      nft.compare('equal', addressBytes(parseAddress('fe80::'))),
    ];
    return [
      rule('prerouting', ...from, ...icmpv6Types(133, 137), drop),
      rule('prerouting', ...from, ...linkLocal, returns),
      rule('prerouting', ...from, source, nft.compare('equal', new Uint8Array(16)), returns),
      rule('prerouting', ...from, ...nft.sourceNotRoutedBack(), jump('unseen')),
      rule('prerouting', ...from, jump('stations')),
      ...this.#scope.udpPorts.map(port => rule('input', ...from, ...udpTo(port), drop)),
      rule('output', ...towards, ...icmpv6Types(130, 255), drop),
    ];
  }

  #welcome(stations: readonly Station[]): Request[] {
    return stations.flatMap(station => [
      ...this.#stationSetFor(station),
      ...nft.addElements(this.#scope.table, stationSetName(station), [stationKey(station)]),
    ]);
  }

  /** The hash set of stations whose prefixes have that length, and the rule that asks it, made when first needed. */
  #stationSetFor(station: Station): Request[] {
    const name = stationSetName(station);
    if (this.#sets.has(name)) return [];
    this.#sets.add(name);
    const { table } = this.#scope;
    const { length } = station.prefix;
    const id = 400 + length;
    const source = [
      nft.payload(nft.payloadBase.network, sourceOffset, 16),
      ...(length === 128 ? [] : [nft.keepBits(prefixMask(length))]),
    ];
    const sender = nft.payload(nft.payloadBase.link, linkSourceOffset, 6, 2);
    return [
      nft.newSet(table, name, 24, id, 'linkAddress'),
      nft.newRule(table, 'stations', [...source, sender, nft.lookup(name, id), nft.verdict('return')], 'first'),
    ];
  }

  #admissions(added: readonly TunnelEnd[]): Request[] {
    return groupBySet(added).flatMap(([set, keys]) => [
      ...this.#setFor(set),
      ...nft.addElements(this.#scope.table, set.name, keys),
    ]);
  }

  #refusals(refused: readonly TunnelEnd[]): Request[] {
    return groupBySet(refused).flatMap(([{ name }, keys]) =>
      this.#sets.has(name) ? nft.deleteElements(this.#scope.table, name, keys) : [],
    );
  }

  /** A hash set of ends whose inner prefixes have one length, and the rule that asks it, made when first needed. */
  #setFor({ name, id, offset, length }: EndSet): Request[] {
    if (this.#sets.has(name)) return [];
    this.#sets.add(name);
    const { table } = this.#scope;
    const octets = keyOctets(length);
    const inner = [
      nft.payload(nft.payloadBase.transport, offset, octets, 2),
      ...(length % 32 === 0 ? [] : [nft.keepBits(prefixMask(length).subarray(0, octets), 2)]),
    ];
    const pair = [nft.payload(nft.payloadBase.network, sourceOffset, 16), ...(length === 0 ? [] : inner)];
    return [
      nft.newSet(table, name, 16 + octets, id),
      nft.newRule(table, 'tunnelled', [...pair, nft.lookup(name, id), nft.verdict('return')], 'first'),
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
    ? { name: `from${from.length}`, id: 1 + from.length, offset: sourceOffset, length: from.length }
    : { name: `to${to.length}`, id: 200 + to.length, offset: destinationOffset, length: to.length };
}

function stationSetName({ prefix }: Station): string {
  return `station${prefix.length}`;
}

function stationKey({ prefix, linkAddress }: Station): Uint8Array {
  const key = new Uint8Array(24);
  key.set(addressBytes(prefix.address));
  key.set(linkAddressBytes(linkAddress), 16);
  return key;
}

function jump(chain: string): nft.Expression {
  return nft.verdict('jump', chain);
}

function layer4(number: number): nft.Expression[] {
  return [nft.meta(nft.metaKey.layer4), nft.compare('equal', Uint8Array.of(number))];
}

function icmpv6Types(low: number, high: number): nft.Expression[] {
  const type = nft.payload(nft.payloadBase.transport, 0, 1);
  const range = [nft.compare('atLeast', Uint8Array.of(low)), nft.compare('atMost', Uint8Array.of(high))];
  return [...layer4(protocol.icmpv6), type, ...range];
}

function udpTo(port: number): nft.Expression[] {
  const destinationPort = nft.payload(nft.payloadBase.transport, 2, 2);
  return [...layer4(protocol.udp), destinationPort, nft.compare('equal', nft.be16(port))];
}

/** Device numbers are the exception: in the machine's order. */
function deviceNumber(device: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(device).buffer);
}

/** Octets of an inner prefix in a key: whole registers of four. */
function keyOctets(length: number): number {
  return 4 * Math.ceil(length / 32);
}

function prefixMask(length: number): Uint8Array {
  return addressBytes(maskAddress(parseAddress('ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'), length));
}

function groupBySet(ends: readonly TunnelEnd[]): [set: EndSet, keys: Uint8Array[]][] {
  const groups = new Map<string, [EndSet, Uint8Array[]]>();
  for (const end of ends) {
    const set = setOf(end);
    const group = groups.get(set.name) ?? [set, []];
    group[1].push(elementKey(end.remote, end.from ?? end.to));
    groups.set(set.name, group);
  }
  return [...groups.values()];
}

function elementKey(remote: Address, inner: Prefix): Uint8Array {
  const key = new Uint8Array(16 + keyOctets(inner.length));
  key.set(addressBytes(remote));
  key.set(addressBytes(inner.address).subarray(0, keyOctets(inner.length)), 16);
  return key;
}
