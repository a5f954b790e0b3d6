import type { Address } from '../base/address.js';
import type { Request } from './netlink/message.js';
import * as netlink from './netlink/route.js';

/** Permanent entries of the kernel's neighbour caches, as long as rules lead to them: it never asks for those neighbours. */
export class Neighbours {
  /** How many rules go to each. */
  readonly #uses = new Map<string, number>();

  has(neighbour: Omit<netlink.Neighbour, 'linkAddress'>): boolean {
    return this.#uses.has(keyOf(neighbour));
  }

  /** One more rule leads there; returns what that asks of the kernel. */
  retain(neighbour: netlink.Neighbour | undefined): Request[] {
    if (!neighbour) return [];
    const key = keyOf(neighbour);
    const uses = this.#uses.get(key) ?? 0;
    this.#uses.set(key, uses + 1);
    return uses === 0 ? [netlink.replaceNeighbour(neighbour)] : [];
  }

  /** One rule less; returns the neighbour when that was the last one. */
  release(neighbour: netlink.Neighbour | undefined): netlink.Neighbour[] {
    if (!neighbour) return [];
    const key = keyOf(neighbour);
    const uses = (this.#uses.get(key) ?? 1) - 1;
    if (uses > 0) {
      this.#uses.set(key, uses);
      return [];
    }
    this.#uses.delete(key);
    return [neighbour];
  }

  clear(): void {
    this.#uses.clear();
  }
}

function keyOf({ device, address }: { readonly device: number; readonly address: Address }): string {
  return `${device} ${address}`;
}
