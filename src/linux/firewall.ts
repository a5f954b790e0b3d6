import { type Address, addressBytes, parseAddress } from '../base/address.js';
import type { Prefix } from '../base/prefix.js';
import { protocol } from '../wire/ipv6/packet.js';
import { FlowWatch, type Watch } from './flow-watch.js';
import { attributesOf, type Request, viewOf } from './netlink/message.js';
import * as nft from './netlink/nftables.js';
import type { NetlinkSocket } from './netlink/socket.js';
import { SourceCheck, type SourceFact } from './source-check.js';
import { TransitCheck, type TransitFact } from './transit-check.js';
import { type AdmittedEnd, prefixMask, TunnelEndCheck } from './tunnel-end-check.js';

/** What the firewall has to know of a world. */
export interface FirewallScope {
  readonly table: string;
  /** Of the node, as far as its engine speaks for them. */
  readonly addresses: readonly Address[];
  /** Kernel numbers of access links. */
  readonly accessDevices: readonly number[];
  /** Kernel numbers of links through which stations send only what rules let pass, and the stack speaks with them. */
  readonly guardedDevices?: readonly number[];
  /** Kernel numbers of links that the engine advertises on. */
  readonly advertisedDevices?: readonly number[];
  /** Kernel number of the device that routes into tunnels lead over. */
  readonly tunnelDevice: number;
  readonly protocols: readonly number[];
  readonly udpPorts: readonly number[];
  /** Those of `protocols` that are the engine's also where they come out of tunnels. */
  readonly signalling: readonly number[];
  /** The log group that gets packets from sources that no rule covers. */
  readonly logGroup: number;
  /** That which gets the first packets of flows. */
  readonly flowLogGroup: number;
  /** The mark of what another anchor has intercepted, and the device by which that comes once more. */
  readonly intercepted: { readonly mark: number; readonly device: number };
}

/** Addresses of this node at which tunnels end, and from which routing headers lead on. */
export interface LocalEnds {
  readonly tunnels: ReadonlySet<Address>;
  readonly passing: ReadonlySet<Address>;
}

/** What changes: tunnel ends, an end in both lists being admitted; and what is known of sources, last what entered, and of packets on their way. */
export interface FirewallChange {
  readonly admitted?: readonly AdmittedEnd[];
  readonly refused?: readonly AdmittedEnd[];
  readonly entered?: readonly SourceFact[];
  readonly left?: readonly SourceFact[];
  readonly bound?: readonly TransitFact[];
  readonly unbound?: readonly TransitFact[];
}

/** Octets of a logged packet: its IPv6 header. */
const loggedOctets = 40;
const loggedPerSecond = 1000;
const strangers = 'strangers';
const spoofed = 'spoofed';
const unseen = 'unseen';
const own = 'own';
const ownId = 1001;
const sourceOffset = 8;
const destinationOffset = 24;

/**
 * An nf_tables table of the world's own. It drops tunnelled packets whose outer source and inner source or destination do
 * not belong together (RFC 6275 §10.4.5, RFC 5213 §6.10.3), keeps the kernel's own stack silent where the engine speaks,
 * and drops packets of access links whose source another station holds, or nobody: those it logs. It grows by an element a
 * tunnel end and a few for each rule of a station, in hash sets.
 */
export class Firewall {
  readonly #socket: NetlinkSocket;
  readonly #scope: FirewallScope;
  readonly #ends: TunnelEndCheck;
  readonly #sources: SourceCheck;
  readonly #transit: TransitCheck;
  readonly #flows: FlowWatch;
  #own: ReadonlySet<Address>;
  #installed = false;

  constructor(socket: NetlinkSocket, scope: FirewallScope) {
    this.#socket = socket;
    this.#scope = scope;
    this.#own = new Set(scope.addresses);
    const { table, intercepted } = scope;
    this.#ends = new TunnelEndCheck(table, [nft.count(strangers), nft.verdict('drop')], intercepted);
    this.#sources = new SourceCheck(scope.table, { spoofed, unseen });
    this.#transit = new TransitCheck(scope.table, scope.logGroup);
    this.#flows = new FlowWatch({ table, logGroup: scope.flowLogGroup, toLocalEnd: this.#ends.toLocalEnd });
  }

  /** Puts the table in the place of whatever has its name, with these tunnel ends at these addresses, in one step. */
  install(
    admitted: Iterable<AdmittedEnd>,
    locals: LocalEnds,
    facts: readonly SourceFact[],
    transit: readonly TransitFact[],
  ): void {
    const { table } = this.#scope;
    nft.commit(this.#socket, [
      nft.newTable(table),
      nft.deleteTable(table),
      nft.newTable(table),
      nft.newCounter(table, strangers),
      nft.newCounter(table, spoofed),
      nft.newSet(table, own, 16, ownId, ['ipv6']),
      ...this.#ends.install(locals),
      ...this.#chains(),
      ...nft.addElements(table, own, Array.from(this.#own, addressBytes)),
      ...this.#ends.add([...admitted]),
      ...this.#sources.add(facts),
      ...this.#transit.install(transit),
      ...this.#flows.install(),
    ]);
    this.#installed = true;
  }

  /** The engine speaks for these addresses from now on. */
  setOwn(addresses: ReadonlySet<Address>): void {
    const added = [...addresses].filter(address => !this.#own.has(address));
    const gone = [...this.#own].filter(address => !addresses.has(address));
    this.#own = addresses;
    if (!this.#installed || added.length + gone.length === 0) return;
    const { table } = this.#scope;
    nft.commit(this.#socket, [
      ...(gone.length > 0 ? nft.deleteElements(table, own, gone.map(addressBytes)) : []),
      ...(added.length > 0 ? nft.addElements(table, own, added.map(addressBytes)) : []),
    ]);
  }

  /** Does it in one step. */
  change({ admitted = [], refused = [], entered = [], left = [], bound = [], unbound = [] }: FirewallChange): void {
    const requests = [
      ...this.#ends.delete(refused),
      ...this.#ends.add(admitted),
      ...this.#sources.delete(left),
      ...this.#sources.add(entered),
      ...this.#transit.delete(unbound),
      ...this.#transit.add(bound),
    ];
    if (requests.length > 0) nft.commit(this.#socket, requests);
  }

  /** Accepts tunnelled packets for that address of this node at all. */
  addLocalEnd(local: Address): void {
    nft.commit(this.#socket, this.#ends.addLocalEnd(local));
  }

  /** Has routing headers followed at that address of this node at all. */
  addPassing(local: Address): void {
    nft.commit(this.#socket, this.#ends.addPassing(local));
  }

  /** The first packet of each flow there is logged from now on. */
  watch(watch: Watch): void {
    this.#commit(this.#flows.watch(watch));
  }

  unwatch(to: Prefix): void {
    this.#commit(this.#flows.unwatch(to));
  }

  /** What comes before `install` stands with it. */
  #commit(requests: readonly Request[]): void {
    if (this.#installed && requests.length > 0) nft.commit(this.#socket, requests);
  }

  /** Tunnelled packets dropped because nobody admitted their sources. */
  get strangers(): number {
    return this.#packets(strangers);
  }

  /** Packets of access links dropped because another station holds their source. */
  get spoofed(): number {
    return this.#packets(spoofed);
  }

  #packets(name: string): number {
    const answer = this.#socket.ask(nft.getCounter(this.#scope.table, name));
    const counter = attributesOf(attributesOf(answer.body, 4).get(4) ?? new Uint8Array());
    const packets = counter.get(2);
    return packets ? Number(viewOf(packets).getBigUint64(0)) : 0;
  }

  remove(): void {
    nft.commit(this.#socket, [nft.newTable(this.#scope.table), nft.deleteTable(this.#scope.table)]);
  }

  #chains(): Request[] {
    const { table, signalling, logGroup, accessDevices, guardedDevices = [], advertisedDevices = [] } = this.#scope;
    const chains = [
      nft.newChain(table, unseen),
      nft.newChain(table, spoofed),
      nft.newChain(table, 'prerouting', nft.hook.prerouting),
      nft.newChain(table, 'input', nft.hook.localIn),
      nft.newChain(table, 'output', nft.hook.localOut),
    ];
    const rule = (chain: string, ...expressions: nft.Expression[]) => nft.newRule(table, chain, expressions, 'last');
    const drop = nft.verdict('drop');
    const destination = nft.payload(nft.payloadBase.network, destinationOffset, 16);
    const toNode = [destination, nft.lookup(own, ownId)];
    return [
      ...chains,
      ...guardedDevices.flatMap(device => [
        rule(unseen, ...cameBy(device), ...this.#ends.toLocalEnd, nft.verdict('return')),
        rule(unseen, ...cameBy(device), ...nft.toThisNode, nft.verdict('return')),
        rule(unseen, ...cameBy(device), drop),
      ]),
      rule(unseen, nft.limit(loggedPerSecond), nft.logTo(this.#scope.logGroup, loggedOctets)),
      rule(unseen, drop),
      rule(spoofed, nft.count(spoofed), drop),
      ...this.#sources.install(),
      ...this.#ends.entrances.map(expressions => rule('prerouting', ...expressions)),
      // The packet socket has what comes straight; what comes out of a tunnel, unmarked, is routed to user space.
      ...signalling.map(number => rule('prerouting', ...toNode, ...layer4(number), ...nft.setMark(logGroup))),
      // RFC 4861 §8.2: who is behind a tunnel is no neighbour, though the kernel takes what it took out of one for a neighbour's.
      rule('output', ...towards(this.#scope.tunnelDevice), ...icmpv6Types(redirect, redirect), drop),
      ...accessDevices.flatMap(device => this.#accessRules(device, rule)),
      ...guardedDevices.flatMap(device => this.#guardRules(device, rule)),
      ...advertisedDevices.flatMap(device => this.#advertisedRules(device, rule)),
      ...this.#scope.protocols.filter(isOurs).map(number => rule('input', ...toNode, ...layer4(number), drop)),
      ...this.#scope.udpPorts.map(port => rule('input', ...toNode, ...udpTo(port), drop)),
    ];
  }

  /** What comes to the router's address on the link is the engine's as well. */
  #advertisedRules(device: number, rule: (chain: string, ...expressions: nft.Expression[]) => Request): Request[] {
    const toRouter = [
      ...cameBy(device),
      nft.payload(nft.payloadBase.network, destinationOffset, 16),
      nft.keepBits(prefixMask(10)),
      nft.compare('equal', addressBytes(parseAddress('fe80::'))),
    ];
    const ours = this.#scope.protocols.filter(isOurs);
    return ours.map(number => rule('input', ...toRouter, ...layer4(number), nft.verdict('drop')));
  }

  #accessRules(device: number, rule: (chain: string, ...expressions: nft.Expression[]) => Request): Request[] {
    const from = cameBy(device);
    const drop = nft.verdict('drop');
    return [
      rule('prerouting', ...from, ...icmpv6Types(133, 137), drop),
      ...this.#sourceRules(from, rule),
      ...this.#scope.udpPorts.map(port => rule('input', ...from, ...udpTo(port), drop)),
      rule('output', ...towards(device), ...icmpv6Types(130, 255), drop),
    ];
  }

  #guardRules(device: number, rule: (chain: string, ...expressions: nft.Expression[]) => Request): Request[] {
    const from = cameBy(device);
    return [
      rule('prerouting', ...from, ...icmpv6Types(133, 137), nft.verdict('return')),
      ...this.#sourceRules(from, rule),
    ];
  }

  #sourceRules(
    from: readonly nft.Expression[],
    rule: (chain: string, ...expressions: nft.Expression[]) => Request,
  ): Request[] {
    const source = nft.payload(nft.payloadBase.network, sourceOffset, 16);
    const returns = nft.verdict('return');
    const linkLocal = [
      source,
      nft.keepBits(prefixMask(10)),
      nft.compare('equal', addressBytes(parseAddress('fe80::'))),
    ];
    return [
      rule('prerouting', ...from, ...linkLocal, returns),
      rule('prerouting', ...from, source, nft.compare('equal', new Uint8Array(16)), returns),
      rule('prerouting', ...from, this.#sources.entrance),
    ];
  }
}

/** Of ICMPv6 the kernel has its own share. */
function isOurs(number: number): boolean {
  return number !== protocol.icmpv6;
}

function layer4(number: number): nft.Expression[] {
  return [nft.meta(nft.metaKey.layer4), nft.compare('equal', Uint8Array.of(number))];
}

function cameBy(device: number): nft.Expression[] {
  return [nft.meta(nft.metaKey.inDevice), nft.compare('equal', nft.deviceNumber(device))];
}

function towards(device: number): nft.Expression[] {
  return [nft.meta(nft.metaKey.outDevice), nft.compare('equal', nft.deviceNumber(device))];
}

const redirect = 137;
function icmpv6Types(low: number, high: number): nft.Expression[] {
  const type = nft.payload(nft.payloadBase.transport, 0, 1);
  const range = [nft.compare('atLeast', Uint8Array.of(low)), nft.compare('atMost', Uint8Array.of(high))];
  return [...layer4(protocol.icmpv6), type, ...range];
}

function udpTo(port: number): nft.Expression[] {
  const destinationPort = nft.payload(nft.payloadBase.transport, 2, 2);
  return [...layer4(protocol.udp), destinationPort, nft.compare('equal', nft.be16(port))];
}
