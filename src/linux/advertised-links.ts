import { type Address, isLinkLocal } from '../base/address.js';
import type { Input, LinkId } from '../protocol/contract.js';
import type { LinkListener } from './link-monitor.js';
import { addressFlag, type DeviceAddress } from './netlink/address.js';
import type { Link } from './netlink/link.js';

/** Links on which the engine advertises: whether they are up, and this node's own address there. */
export class AdvertisedLinks implements LinkListener {
  readonly #links: ReadonlyMap<number, LinkId>;
  readonly #input: (input: Input) => void;
  readonly #states = new Map<number, Link>();
  /** Usable link-local addresses, the first to come first. */
  readonly #linkLocals = new Map<number, Set<Address>>();
  readonly #told = new Map<number, string>();
  readonly #addresses = new Map<string, Address>();
  readonly #changed: (addresses: readonly Address[]) => void;

  /** `changed` hears of all the node's addresses there when they change. */
  constructor(
    links: ReadonlyMap<number, LinkId>,
    input: (input: Input) => void,
    changed: (addresses: readonly Address[]) => void,
  ) {
    this.#links = links;
    this.#input = input;
    this.#changed = changed;
  }

  get devices(): Iterable<number> {
    return this.#links.keys();
  }

  link(state: Link): void {
    this.#states.set(state.index, state);
    this.#tell(state);
  }

  address({ device, address, flags }: DeviceAddress, gone: boolean): void {
    const key = `${device} ${address}`;
    if (gone ? this.#addresses.delete(key) : !this.#addresses.has(key)) {
      if (!gone) this.#addresses.set(key, address);
      this.#changed([...this.#addresses.values()]);
    }
    if (!isLinkLocal(address)) return;
    const usable = this.#linkLocals.get(device) ?? new Set();
    this.#linkLocals.set(device, usable);
    if (gone || flags & (addressFlag.tentative | addressFlag.detectionFailed)) usable.delete(address);
    else usable.add(address);
    const state = this.#states.get(device);
    if (state) this.#tell(state);
  }

  #tell({ index, hasCarrier: up, linkAddress }: Link): void {
    const [linkLocal] = this.#linkLocals.get(index) ?? [];
    const facts = `${up} ${linkAddress} ${linkLocal}`;
    if (this.#told.get(index) === facts) return;
    this.#told.set(index, facts);
    const link = this.#links.get(index) as LinkId;
    this.#input({ kind: 'link', link, up, linkAddress, ...(linkLocal !== undefined && { linkLocal }) });
  }
}
