import { type Address, allNodes, parseAddress, unspecified } from '../base/address.js';
import type { LinkAddress } from '../base/link-address.js';
import type { Prefix } from '../base/prefix.js';
import { encodePacket } from '../wire/ipv6/codec.js';
import type { Packet } from '../wire/ipv6/packet.js';
import * as netlink from './netlink/address.js';
import { readLink } from './netlink/link.js';
import type { Request } from './netlink/message.js';
import { addRule, deleteRoute, deleteRule, type Rule, replaceRoute, type Target } from './netlink/route.js';
import type { NetlinkSocket } from './netlink/socket.js';

export interface HomeAddressesScope {
  readonly kernel: NetlinkSocket;
  /** The device that has what is on no link. */
  readonly tun: number;
  /** The routing table by which the kernel finds the source of what has none yet. */
  readonly table: number;
  readonly preference: number;
  multicast(packet: Uint8Array, device: number, group: Address): void;
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
  /** Devices by address, in the order they were configured. */
  readonly #homes = new Map<Address, number>();
  #rule: Rule | undefined;

  constructor(scope: HomeAddressesScope) {
    this.#scope = scope;
  }

  has(address: Address): boolean {
    return this.#homes.has(address);
  }

  /** On a device, or on none. Nothing is probed: a home agent may still be answering for it (RFC 6275 §11.5.5). */
  configure(address: Address, device = this.#scope.tun): void {
    const before = this.#homes.get(address);
    this.#homes.set(address, device);
    const isFirst = this.#homes.keys().next().value === address;
    const requests = [netlink.addAddress(device, address, isFirst ? 'preferred' : 'deprecated')];
    if (before !== undefined && before !== device) requests.push(netlink.deleteAddress(before, address));
    this.#scope.kernel.execute([...requests, ...this.#preference()]);
  }

  unconfigure(address: Address): void {
    const device = this.#homes.get(address);
    if (device === undefined) return;
    this.#homes.delete(address);
    this.#scope.kernel.execute([...this.#preference(), netlink.deleteAddress(device, address)]);
  }

  /** Tells all neighbours that the address is here (RFC 6275 §11.5.5). */
  announce(address: Address, device: number): void {
    const { linkAddress } = readLink(this.#scope.kernel, device);
    this.#scope.multicast(encodePacket(advertisementOf(address, linkAddress)), device, allNodes);
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
    const { tun, table, preference } = this.#scope;
    const [first] = this.#homes;
    const wanted = first?.[1] === tun ? { preference, from: first[0], table } : undefined;
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

  #leftovers(): Request[] {
    return this.#scope.kernel
      .dump(netlink.dumpAddresses())
      .map(netlink.parseAddressMessage)
      .flatMap(found =>
        found?.own && this.#homes.get(found.address) !== found.device
          ? [netlink.deleteAddress(found.device, found.address)]
          : [],
      );
  }
}

function advertisementOf(target: Address, address: LinkAddress): Packet {
  const message = {
    kind: 'neighbourAdvertisement',
    code: 0,
    flags: { router: false, solicited: false, override: true },
    target,
    options: [{ kind: 'targetLinkLayerAddress', address }],
  } as const;
  return { source: target, destination: allNodes, hopLimit: 255, payload: { kind: 'icmpv6', message } };
}
