import { addressBytes } from '../base/address.js';
import { type Prefix, prefixKey } from '../base/prefix.js';
import { utf8Bytes } from '../base/text.js';
import { type Duration, millisecond } from '../base/time.js';
import type { Output } from '../protocol/contract.js';
import { protocol } from '../wire/ipv6/packet.js';
import type { Request } from './netlink/message.js';
import * as nft from './netlink/nftables.js';
import { prefixMask } from './tunnel-end-check.js';

export type Watch = Omit<Extract<Output, { kind: 'watch' }>, 'kind'>;

export interface FlowWatchScope {
  readonly table: string;
  /** The log group that gets the first packet of each flow, as far as its addresses go. */
  readonly logGroup: number;
  /** Goes on only with what is for an address at which tunnels end. */
  readonly toLocalEnd: readonly nft.Expression[];
}

/** Of a logged packet: both headers of a tunnelled one, and what may stand between them. */
export const loggedFlowOctets = 128;

const chains = { arriving: 'flows', own: 'ownflows', plain: 'plainflows', tunnelled: 'tunnelledflows' } as const;
/** After what drops strangers' packets. */
const priority = nft.rawPriority + 10;
/** What the names of the devices begin with by which packets come a second time. */
const secondTime = 'anchorage';
const loggedPerSecond = 10_000;
/** So many flows are told apart at once; more begin unheard until others are forgotten. */
const maximumFlows = 262_144;
/** Of a watch that does not say when a flow is told of again. */
const hour: Duration = 3_600_000 * millisecond;
const sourceOffset = 8;
const destinationOffset = 24;
/** Registers of a flow's key: two or three addresses. */
const key = [8, 12, 16] as const;

/** Watches that tell flows apart in the same way, and forget them after the same time. */
interface Kind {
  readonly id: number;
  readonly each: 'flow' | 'destination';
  readonly againAfter: Duration;
}
interface Watched {
  readonly to: Prefix;
  readonly kind: Kind;
}

/**
 * Reports flows as they begin (the contract's `watch`) without any packet leaving its way: the kernel keeps a set of flows that it
 * forgets one by one when their time is over, and copies the addresses of a packet whose flow is not in it to a log group. Two
 * lookups in hash tables for a packet to a watched prefix, one for each length of such prefixes for any other.
 *
 * A flow is told of under a watch of a part of the prefix, too, when that begins; one that was told of under another watch of the same
 * kind and length, unwatched since, is told of again when its time is over.
 */
export class FlowWatch {
  readonly #scope: FlowWatchScope;
  readonly #watched = new Map<string, Watched>();
  readonly #kinds: Kind[] = [];
  /** Sets of watched prefixes in the kernel: a kind and a length each. */
  readonly #sets = new Map<string, { readonly kind: Kind; readonly length: number }>();
  #chainsStand = false;

  constructor(scope: FlowWatchScope) {
    this.#scope = scope;
  }

  /** Into a table that is new. */
  install(): Request[] {
    this.#sets.clear();
    this.#chainsStand = false;
    return [...this.#watched.values()].flatMap(watched => this.#add(watched));
  }

  watch({ to, each = 'flow', againAfter = hour }: Watch): Request[] {
    const kind = this.#kindOf(each, againAfter);
    const standing = this.#watched.get(prefixKey(to));
    const before = this.unwatch(to);
    this.#watched.set(prefixKey(to), { to, kind });
    const anew = standing?.kind === kind ? nft.flushSet(this.#scope.table, seenName(kind, to.length)) : [];
    return [...before, ...this.#add({ to, kind }), ...anew];
  }

  unwatch(to: Prefix): Request[] {
    const standing = this.#watched.get(prefixKey(to));
    if (!standing) return [];
    this.#watched.delete(prefixKey(to));
    return nft.deleteElements(this.#scope.table, watchedName(standing.kind, to.length), [addressBytes(to.address)]);
  }

  #kindOf(each: Kind['each'], againAfter: Duration): Kind {
    const known = this.#kinds.find(kind => kind.each === each && kind.againAfter === againAfter);
    if (known) return known;
    const kind = { id: this.#kinds.length, each, againAfter };
    this.#kinds.push(kind);
    return kind;
  }

  #add({ to, kind }: Watched): Request[] {
    return [
      ...this.#chains(),
      ...this.#setFor(kind, to.length),
      ...nft.addElements(this.#scope.table, watchedName(kind, to.length), [addressBytes(to.address)]),
    ];
  }

  #chains(): Request[] {
    if (this.#chainsStand) return [];
    this.#chainsStand = true;
    const { table, toLocalEnd } = this.#scope;
    const last = (chain: string, ...expressions: nft.Expression[]) => nft.newRule(table, chain, expressions, 'last');
    const isTunnel = [nft.meta(nft.metaKey.layer4), nft.compare('equal', Uint8Array.of(protocol.ipv6))];
    return [
      nft.newChain(table, chains.plain),
      nft.newChain(table, chains.tunnelled),
      nft.newChain(table, chains.arriving, nft.hook.prerouting, priority),
      nft.newChain(table, chains.own, nft.hook.localOut, priority),
      last(
        chains.arriving,
        nft.meta(nft.metaKey.inDeviceName),
        nft.compare('equal', utf8Bytes(secondTime)),
        nft.verdict('return'),
      ),
      last(chains.arriving, ...isTunnel, ...toLocalEnd, nft.verdict('goto', chains.tunnelled)),
      last(chains.arriving, nft.verdict('goto', chains.plain)),
      last(chains.own, nft.verdict('goto', chains.plain)),
    ];
  }

  /** The set of watched prefixes of that length, and what is done with packets to one of them. */
  #setFor(kind: Kind, length: number): Request[] {
    const name = watchedName(kind, length);
    if (this.#sets.has(name)) return [];
    this.#sets.set(name, { kind, length });
    const { table } = this.#scope;
    return [
      this.#seen(kind, length),
      nft.newSet(table, name, 16, watchedId(kind, length), ['ipv6']),
      ...ways.flatMap(way => [...this.#remember(kind, length, way), ...this.#dispatch(way)]),
    ];
  }

  #seen(kind: Kind, length: number): Request {
    const addresses = addressesOf(kind);
    const types = Array.from({ length: addresses }, () => 'ipv6' as const);
    const timeoutMs = Math.max(1, Math.round(kind.againAfter / millisecond));
    const keys = { octets: 16 * addresses, id: seenId(kind, length), types };
    return nft.newDynamicSet(this.#scope.table, seenName(kind, length), { ...keys, timeoutMs, size: maximumFlows });
  }

  /** What is done with a flow that is not in the set: it is logged if it can be remembered. */
  #remember(kind: Kind, length: number, way: Way): Request[] {
    const { table, logGroup } = this.#scope;
    const chain = chainName(kind, length, way);
    const flow = loadFlow(kind, way);
    const [name, id] = [seenName(kind, length), seenId(kind, length)];
    const isKnown = [...flow, nft.lookup(name, id, key[0]), nft.verdict('return')];
    const log = nft.logTo(logGroup, loggedFlowOctets);
    const begins = [nft.limit(loggedPerSecond), ...flow, nft.addToSet(name, id, key[0]), log];
    return [nft.newChain(table, chain), ...[isKnown, begins].map(rule => nft.newRule(table, chain, rule, 'last'))];
  }

  /** All rules of the chain in place of what there is: the longest prefix counts. */
  #dispatch(way: Way): Request[] {
    const { table } = this.#scope;
    const rules = [...this.#sets.values()]
      .sort((a, b) => b.length - a.length)
      .map(({ kind, length }) => [
        nft.payload(innerHeader[way], destinationOffset, 16),
        ...(length < 128 ? [nft.keepBits(prefixMask(length))] : []),
        nft.lookup(watchedName(kind, length), watchedId(kind, length)),
        nft.verdict('goto', chainName(kind, length, way)),
      ]);
    return [nft.flushChain(table, chains[way]), ...rules.map(rule => nft.newRule(table, chains[way], rule, 'last'))];
  }
}

/** Where a packet's own header is, or that of the one in the tunnel. */
const innerHeader = { plain: nft.payloadBase.network, tunnelled: nft.payloadBase.transport } as const;
type Way = keyof typeof innerHeader;
const ways = ['plain', 'tunnelled'] as const;

function addressesOf({ each }: Kind): 2 | 3 {
  return each === 'flow' ? 2 : 3;
}

/** Source and destination, or the destination and the tunnel that the packet came by, if by one. */
function loadFlow({ each }: Kind, way: Way): nft.Expression[] {
  const base = innerHeader[way];
  const [first, second, third] = key;
  const destination = (into: number) => nft.payload(base, destinationOffset, 16, into);
  if (each === 'flow') return [nft.payload(base, sourceOffset, 16, first), destination(second)];
  const outer = (at: number, into: number) =>
    way === 'plain' ? nft.constant(new Uint8Array(16), into) : nft.payload(nft.payloadBase.network, at, 16, into);
  return [destination(first), outer(destinationOffset, second), outer(sourceOffset, third)];
}

function chainName({ id }: Kind, length: number, way: Way): string {
  return `${way}${id}x${length}`;
}

function seenName({ id }: Kind, length: number): string {
  return `seen${id}x${length}`;
}

function watchedName({ id }: Kind, length: number): string {
  return `watched${id}x${length}`;
}

function watchedId({ id }: Kind, length: number): number {
  return 10_000 + 200 * id + length;
}

function seenId({ id }: Kind, length: number): number {
  return 20_000 + 200 * id + length;
}
