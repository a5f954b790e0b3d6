import type { Address } from '../../base/address.js';
import { HostError } from '../../base/errors.js';
import type { TunnelEnd } from '../../protocol/contract.js';
import { protocol } from '../../wire/ipv6/packet.js';
import { errno } from '../ffi/libc.js';
import { attributesOf, type Request, viewOf } from '../netlink/message.js';
import * as nft from '../netlink/nftables.js';
import type { NetlinkSocket } from '../netlink/socket.js';
import { EndSets } from './end-sets.js';
import { ipv4Octets } from './sockets.js';

const strangers = 'strangers';
const ends = 'ends';
const endsId = 1000;
const tunnelled = 'tunnelled';
const destinationOffset = 16;
const wholePacket = 0xffff;

/**
 * An nf_tables table of our own for IPv4. What is tunnelled to this node, put together where it came in pieces, passes where outer
 * source and inner source or destination belong together (RFC 4213 §3.6, RFC 6275 §10.4.5); the rest is dropped and counted, and
 * the engine hears of it where it wants to.
 */
export class Ipv4Firewall {
  readonly #socket: NetlinkSocket;
  readonly #table: string;
  /** Of the log that strangers' packets go to. */
  readonly #logGroup: number | undefined;
  readonly #sets: EndSets;
  #installed = false;

  constructor(socket: NetlinkSocket, table: string, logGroup: number | undefined) {
    this.#socket = socket;
    this.#table = table;
    this.#logGroup = logGroup;
    this.#sets = new EndSets(table, tunnelled);
  }

  /** Puts the table in the place of whatever has its name, in one step. */
  install(locals: Iterable<Address>, admitted: readonly TunnelEnd[]): void {
    const table = this.#table;
    this.#sets.clear();
    const drop = nft.verdict('drop');
    const destination = nft.payload(nft.payloadBase.network, destinationOffset, 4);
    const isTunnelled = [
      nft.meta(nft.metaKey.layer4),
      nft.compare('equal', Uint8Array.of(protocol.ipv6)),
      destination,
      nft.lookup(ends, endsId),
    ];
    const tell = this.#logGroup === undefined ? [] : [nft.logTo(this.#logGroup, wholePacket)];
    this.#commit([
      nft.newTable(table),
      nft.deleteTable(table),
      nft.newTable(table),
      nft.newCounter(table, strangers),
      nft.newSet(table, ends, 4, endsId, ['ipv4']),
      nft.newChain(table, tunnelled),
      // Only here what came in pieces is whole.
      nft.newChain(table, 'input', nft.hook.localIn),
      nft.newRule(table, tunnelled, [nft.count(strangers), ...tell, drop], 'last'),
      nft.newRule(table, 'input', [...isTunnelled, nft.verdict('jump', tunnelled)], 'last'),
      ...nft.addElements(table, ends, Array.from(locals, ipv4Octets)),
      ...this.#sets.admit(admitted),
    ]);
    this.#installed = true;
  }

  /** Whether somebody installed it, this world or the one before it. */
  get stands(): boolean {
    if (this.#installed) return true;
    try {
      this.#socket.ask(nft.ofIpv4(nft.getTable(this.#table)));
      return true;
    } catch (error) {
      if (error instanceof HostError && error.errno === errno.ENOENT) return false;
      throw error;
    }
  }

  change(admitted: readonly TunnelEnd[], refused: readonly TunnelEnd[]): void {
    if (!this.#installed) return;
    this.#commit([...this.#sets.refuse(refused), ...this.#sets.admit(admitted)]);
  }

  /** What is tunnelled to that address of this node has to be admitted from now on. */
  addLocalEnd(local: Address): void {
    if (this.#installed) this.#commit(nft.addElements(this.#table, ends, [ipv4Octets(local)]));
  }

  /** Packets dropped because nobody admitted them. */
  get strangers(): number {
    if (!this.#installed) return 0;
    const answer = this.#socket.ask(nft.ofIpv4(nft.getCounter(this.#table, strangers)));
    const counter = attributesOf(attributesOf(answer.body, 4).get(4) ?? new Uint8Array());
    const packets = counter.get(2);
    return packets ? Number(viewOf(packets).getBigUint64(0)) : 0;
  }

  remove(): void {
    this.#installed = false;
    this.#commit([nft.newTable(this.#table), nft.deleteTable(this.#table)]);
  }

  #commit(requests: readonly Request[]): void {
    if (requests.length > 0) nft.commit(this.#socket, requests.map(nft.ofIpv4));
  }
}
