import { type Address, addressBytes } from '../base/address.js';
import { protocol } from '../wire/ipv6/packet.js';
import type { Request } from './netlink/message.js';
import * as nft from './netlink/nftables.js';
import type { NetlinkSocket } from './netlink/socket.js';

const ends = 'ends';
const endsId = 1;
const destinationOffset = 24;
const addressOctets = 16;
const routingTypeOffset = 2;
const routingType2 = 2;

/**
 * Keeps a host's own stack silent where user space takes the packet: it would answer a type 2 routing header, a Home Address
 * option, a Mobility Header or a tunnelled packet with an ICMPv6 error.
 */
export class HostFirewall {
  readonly #socket: NetlinkSocket;
  readonly #table: string;
  readonly #protocols: readonly number[];
  readonly #device: number;
  readonly #ends = new Set<Address>();

  /** `device`: the kernel's number of the one that user space gives packets back by. */
  constructor(socket: NetlinkSocket, table: string, protocols: readonly number[], device: number) {
    this.#socket = socket;
    this.#table = table;
    this.#protocols = protocols;
    this.#device = device;
  }

  /** Puts the table in the place of whatever has its name, in one step. */
  install(): void {
    const table = this.#table;
    const drop = nft.verdict('drop');
    const rule = (...expressions: nft.Expression[]) => nft.newRule(table, 'input', expressions, 'last');
    const destination = nft.payload(nft.payloadBase.network, destinationOffset, addressOctets);
    nft.commit(this.#socket, [
      nft.newTable(table),
      nft.deleteTable(table),
      nft.newTable(table),
      nft.newSet(table, ends, addressOctets, endsId, ['ipv6']),
      nft.newChain(table, 'input', nft.hook.localIn),
      rule(nft.meta(nft.metaKey.inDevice), nft.compare('equal', nft.deviceNumber(this.#device)), nft.verdict('return')),
      ...this.#silenced.map(number => rule(...upperLayer(number), drop)),
      rule(...upperLayer(protocol.ipv6), destination, nft.lookup(ends, endsId), drop),
      rule(
        nft.extensionHeader(protocol.routing, routingTypeOffset, 1),
        nft.compare('equal', Uint8Array.of(routingType2)),
        drop,
      ),
      ...(this.takesOptions ? [rule(nft.extensionHeader(protocol.destinationOptions, 0, 1), drop)] : []),
      ...nft.addElements(table, ends, Array.from(this.#ends, addressBytes)),
    ]);
  }

  /** Whether all packets with destination options go to user space: some hold the Home Address option. */
  get takesOptions(): boolean {
    return this.#protocols.includes(protocol.destinationOptions);
  }

  /** Tunnelled packets to these addresses are for user space. */
  setEnds(wanted: ReadonlySet<Address>): void {
    const added = [...wanted].filter(address => !this.#ends.has(address));
    const gone = [...this.#ends].filter(address => !wanted.has(address));
    const requests: Request[] = [
      ...(added.length > 0 ? nft.addElements(this.#table, ends, added.map(addressBytes)) : []),
      ...(gone.length > 0 ? nft.deleteElements(this.#table, ends, gone.map(addressBytes)) : []),
    ];
    for (const address of added) this.#ends.add(address);
    for (const address of gone) this.#ends.delete(address);
    if (requests.length > 0) nft.commit(this.#socket, requests);
  }

  remove(): void {
    nft.commit(this.#socket, [nft.newTable(this.#table), nft.deleteTable(this.#table)]);
  }

  /** The kernel has its own share of ICMPv6. */
  get #silenced(): number[] {
    const shared: readonly number[] = [protocol.icmpv6, protocol.ipv6, protocol.destinationOptions];
    return this.#protocols.filter(number => !shared.includes(number));
  }
}

function upperLayer(number: number): nft.Expression[] {
  return [nft.meta(nft.metaKey.layer4), nft.compare('equal', Uint8Array.of(number))];
}
