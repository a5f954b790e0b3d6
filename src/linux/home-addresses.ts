import { type Address, allNodes, parseAddress, unspecified } from '../base/address.js';
import { type Prefix, prefixEquals } from '../base/prefix.js';
import { unsolicitedAdvertisement } from '../wire/icmpv6/unsolicited-advertisement.js';
import { encodePacket } from '../wire/ipv6/codec.js';
import * as netlink from './netlink/address.js';
import { readLink } from './netlink/link.js';
import type { Request } from './netlink/message.js';
import {
  addRule,
  deleteRoute,
  deleteRule,
  dumpedOrNone,
  dumpRoutes,
  ownProtocol,
  parseRoute,
  type Rule,
  replaceRoute,
  type Target,
} from './netlink/route.js';
import type { NetlinkSocket } from './netlink/socket.js';

export interface HomeAddressesScope {
  readonly kernel: NetlinkSocket;
  /** The device that has what is on no link. */
  readonly tun: number;
  /** Where the kernel finds the source of what has none yet: a routing table and the preference of the rule that asks it. */
  readonly first: RouteTable;
  /** Likewise for destinations that have an address of their own. */
  readonly chosen: RouteTable;
  multicast(packet: Uint8Array, device: number, group: Address): void;
}

export interface RouteTable {
  readonly table: number;
  readonly preference: number;
}

/** What an address is the first choice for; absent: for everything. */
export type SourceFor = readonly Prefix[] | undefined;

interface Home {
  readonly device: number;
  readonly sourceFor: SourceFor;
}

const everywhere: Prefix = { address: unspecified, length: 0 };
const linkLocals: Prefix = { address: parseAddress('fe80::'), length: 10 };

/**
 * Addresses that engines gave this node: on a link only at home, else on a device of our own, where applications keep them
 * through every move. The first is what an application gets that does not choose: a kernel without Mobile IPv6 knows
 * nothing of RFC 6724's rule 4, so a route for packets without a source leads over the device that has this address alone.
 */
export class HomeAddresses {
  readonly #scope: HomeAddressesScope;
  /** In the order they were configured. */
  readonly #homes = new Map<Address, Home>();
  #rule: Rule | undefined;

  constructor(scope: HomeAddressesScope) {
    this.#scope = scope;
  }

  has(address: Address): boolean {
    return this.#homes.has(address);
  }

  /** Those that are on no link. */
  get away(): ReadonlySet<Address> {
    return new Set([...this.#homes].flatMap(([address, { device }]) => (device === this.#scope.tun ? [address] : [])));
  }

  /** Rules of policy routing that stand for them. */
  get rules(): readonly Rule[] {
    const choices = [...this.#homes.values()].some(({ sourceFor = [] }) => sourceFor.length > 0);
    return [...(this.#rule ? [this.#rule] : []), ...(choices ? [this.#scope.chosen] : [])];
  }

  /** On a device, or on none. Nothing is probed: a home agent may still be answering for it (RFC 6275 §11.5.5). */
  configure(address: Address, device = this.#scope.tun, sourceFor?: SourceFor): void {
    const before = this.#homes.get(address);
    this.#homes.set(address, { device, sourceFor });
    const requests = [netlink.addAddress(device, address, sourceFor === undefined ? 'preferred' : 'deprecated')];
    if (before && before.device !== device) requests.push(netlink.deleteAddress(before.device, address));
    this.#scope.kernel.execute([...requests, ...this.#preference(), ...this.#choices(address, before?.sourceFor)]);
  }

  unconfigure(address: Address): void {
    const home = this.#homes.get(address);
    if (!home) return;
    this.#homes.delete(address);
    const requests = [...this.#preference(), ...this.#choices(address, home.sourceFor)];
    this.#scope.kernel.execute([...requests, netlink.deleteAddress(home.device, address)]);
  }

  /** Tells all neighbours that the address is here (RFC 6275 §11.5.5). */
  announce(address: Address, device: number): void {
    const { linkAddress } = readLink(this.#scope.kernel, device);
    this.#scope.multicast(
      encodePacket(unsolicitedAdvertisement({ target: address, override: true, linkAddress })),
      device,
      allNodes,
    );
  }

  /** Takes away what a predecessor left and nobody has asked for since. */
  reconcile(): void {
    this.#scope.kernel.execute(this.#leftovers());
  }

  remove(): void {
    this.#homes.clear();
    this.#scope.kernel.execute([...this.#preference(), ...this.#leftovers()]);
  }

  /** The first address, while it is on no link, is for what has no source. */
  #preference(): Request[] {
    const { tun, first } = this.#scope;
    const { table, preference } = first;
    const [address, home] = [...this.#homes].find(([, { sourceFor }]) => sourceFor === undefined) ?? [];
    const wanted = address !== undefined && home?.device === tun ? { preference, from: address, table } : undefined;
    if (wanted?.from === this.#rule?.from) return [];
    const before = this.#rule;
    this.#rule = wanted;
    const routes: [Prefix, Target][] = [
      [everywhere, { kind: 'device', device: tun }],
      [linkLocals, { kind: 'throw' }],
    ];
    return [
      ...(wanted ? [...routes.map(([to, target]) => replaceRoute({ to, table, target })), addRule(wanted)] : []),
      ...(before ? [deleteRule(before)] : []),
      ...(wanted ? [] : routes.map(([to]) => deleteRoute({ to, table }))),
    ];
  }

  /** Routes to where an address is the first choice; other sources that are routed so come out of our device as they went in. */
  #choices(address: Address, before: SourceFor = []): Request[] {
    const { tun, chosen } = this.#scope;
    const { table, preference } = chosen;
    const now = this.#homes.get(address)?.sourceFor ?? [];
    if (now.length === 0 && before.length === 0) return [];
    const target = { kind: 'device', device: tun, source: address } as const;
    return [
      ...before.filter(to => !now.some(one => prefixEquals(one, to))).map(to => deleteRoute({ to, table })),
      ...now.map(to => replaceRoute({ to, table, target })),
      ...(now.length > 0 ? [addRule({ preference, table })] : []),
    ];
  }

  #leftovers(): Request[] {
    const { kernel, chosen } = this.#scope;
    const wanted = [...this.#homes.values()].flatMap(({ sourceFor = [] }) => sourceFor);
    const routes = dumpedOrNone(kernel, dumpRoutes(chosen.table))
      .map(parseRoute)
      .filter(({ to, protocol }) => protocol === ownProtocol && !wanted.some(one => prefixEquals(one, to)));
    return [...routes.map(deleteRoute), ...(wanted.length === 0 ? [deleteRule(chosen)] : []), ...this.#addressesLeft()];
  }

  #addressesLeft(): Request[] {
    return this.#scope.kernel
      .dump(netlink.dumpAddresses())
      .map(netlink.parseAddressMessage)
      .flatMap(found =>
        found?.own && this.#homes.get(found.address)?.device !== found.device
          ? [netlink.deleteAddress(found.device, found.address)]
          : [],
      );
  }
}
