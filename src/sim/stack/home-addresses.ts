import { type Address, allNodes } from '../../base/address.js';
import type { Prefix } from '../../base/prefix.js';
import { LocalAddress } from './addresses.js';
import type { IpInterface } from './ip-interface.js';
import { neighbourAdvertisement } from './messages.js';
import type { Stack } from './stack.js';

/** The home addresses of a mobile node: its own wherever it is, on a link only at home (RFC 6275 §11). */
export class HomeAddresses {
  readonly #stack: Stack;
  readonly #homes = new Map<Address, LocalAddress>();

  constructor(stack: Stack) {
    this.#stack = stack;
  }

  has(address: Address): boolean {
    return this.#homes.has(address);
  }

  /** Whether it is a home address that is on no link. */
  isAway(address: Address): boolean {
    const home = this.#homes.get(address);
    return home !== undefined && home.ip === undefined;
  }

  /** On `ip`, or on no link. Without probes: a home agent may still be answering for it (RFC 6275 §11.5.5). */
  configure(address: Address, ip: IpInterface | undefined, sourceFor?: readonly Prefix[]): void {
    this.#takeOffLinks(address);
    const local = new LocalAddress(address, ip, 'home');
    local.sourceFor = sourceFor;
    this.#homes.set(address, local);
    if (sourceFor === undefined) this.#stack.registerHome(local);
    else {
      this.#stack.registerAddress(local);
      this.#stack.addressesChanged();
    }
    if (ip === undefined) return;
    ip.addresses.push(local);
  }

  announce(address: Address, ip: IpInterface | undefined): void {
    if (ip === undefined) return;
    const { linkAddress } = ip.port;
    ip.sendSignalling(
      neighbourAdvertisement({ source: address, destination: allNodes, target: address, linkAddress, router: false }),
    );
  }

  unconfigure(address: Address): void {
    const local = this.#homes.get(address);
    if (local === undefined) return;
    this.#takeOffLinks(address);
    this.#homes.delete(address);
    this.#stack.unregisterAddress(local);
    this.#stack.addressesChanged();
  }

  #takeOffLinks(address: Address): void {
    for (const ip of this.#stack.interfaces) {
      const held = ip.owned(address);
      if (held !== undefined) ip.life.remove(held);
    }
  }
}
