import { type Address, addressBytes } from '../base/address.js';
import { protocol } from '../wire/ipv6/packet.js';
import type { Request } from './netlink/message.js';
import * as nft from './netlink/nftables.js';
import type { NetlinkSocket } from './netlink/socket.js';

const ends = 'ends';
const endsId = 1;
const homes = 'homes';
const homesId = 2;
/** Enough to hear of every flow that goes on. */
const loggedPerSecond = 200;
export const loggedOctets = 40;
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
  readonly #homes = new Set<Address>();
  readonly #logGroup: number;

  /** `device`: the kernel's number of the one that user space gives packets back by; `logGroup` gets what comes to home addresses by others. */
  constructor(
    socket: NetlinkSocket,
    table: string,
    { protocols, device, logGroup }: { protocols: readonly number[]; device: number; logGroup: number },
  ) {
    this.#socket = socket;
    this.#table = table;
    this.#protocols = protocols;
    this.#device = device;
    this.#logGroup = logGroup;
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
      nft.newSet(table, homes, addressOctets, homesId, ['ipv6']),
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
      rule(
        destination,
        nft.lookup(homes, homesId),
        nft.limit(loggedPerSecond),
        nft.logTo(this.#logGroup, loggedOctets),
      ),
      ...nft.addElements(table, ends, Array.from(this.#ends, addressBytes)),
    ]);
  }

  /** Whether all packets with destination options go to user space: some hold the Home Address option. */
  get takesOptions(): boolean {
    return this.#protocols.includes(protocol.destinationOptions);
  }

  /** Tunnelled packets to these addresses are for user space. */
  setEnds(wanted: ReadonlySet<Address>): void {
    this.#setTo(wanted, this.#ends, ends);
  }

  /** Of packets to these the log group gets some. */
  setHomes(wanted: ReadonlySet<Address>): void {
    this.#setTo(wanted, this.#homes, homes);
  }

  #setTo(wanted: ReadonlySet<Address>, known: Set<Address>, name: string): void {
    const added = [...wanted].filter(address => !known.has(address));
    const gone = [...known].filter(address => !wanted.has(address));
    const requests: Request[] = [
      ...(added.length > 0 ? nft.addElements(this.#table, name, added.map(addressBytes)) : []),
      ...(gone.length > 0 ? nft.deleteElements(this.#table, name, gone.map(addressBytes)) : []),
    ];
    for (const address of added) known.add(address);
    for (const address of gone) known.delete(address);
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
