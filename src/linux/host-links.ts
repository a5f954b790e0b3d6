import { type Address, allRouters, isLinkLocal, unspecified } from '../base/address.js';
import type { AddressState, Input, LinkId } from '../protocol/contract.js';
import { encodePacket } from '../wire/ipv6/codec.js';
import type { Packet } from '../wire/ipv6/packet.js';
import type { LinkListener } from './link-monitor.js';
import { addressFlag, type DeviceAddress } from './netlink/address.js';
import type { Link } from './netlink/link.js';

/** RFC 4861 §10: RTR_SOLICITATION_INTERVAL and MAX_RTR_SOLICITATIONS. */
const solicitationIntervalMs = 4000;
const maximumSolicitations = 3;

export interface HostLinksScope {
  /** By the kernel's number. */
  readonly links: ReadonlyMap<number, LinkId>;
  input(input: Input): void;
  /** Sends an IPv6 packet in a frame to a group. */
  multicast(packet: Uint8Array, device: number, group: Address): void;
}

/** Links on which this node is a host: their state, the addresses that the kernel formed, routers that answer no more. */
export class HostLinks implements LinkListener {
  readonly #scope: HostLinksScope;
  readonly #states = new Map<number, Link>();
  readonly #solicitations = new Map<number, NodeJS.Timeout>();

  constructor(scope: HostLinksScope) {
    this.#scope = scope;
  }

  get devices(): Iterable<number> {
    return this.#scope.links.keys();
  }

  /** A link that goes and comes back at once is told of once, when it is back; its count of changes gives it away. */
  link(state: Link): void {
    const before = this.#states.get(state.index);
    this.#states.set(state.index, state);
    const same = before?.hasCarrier === state.hasCarrier;
    const isNews = before?.carrierChanges !== state.carrierChanges || before.linkAddress !== state.linkAddress;
    if (same && !(isNews && state.hasCarrier)) return;
    if (same) this.#tell(state, false);
    this.#tell(state, state.hasCarrier);
    this.advertised(state.index);
    if (state.hasCarrier) this.#solicit(state.index, 1);
  }

  address({ device, address, flags, global, own }: DeviceAddress, gone: boolean): void {
    if (!global || own || flags & addressFlag.temporary) return;
    const state = gone ? 'gone' : stateOf(flags);
    this.#scope.input({ kind: 'address', link: this.#name(device), address, state });
  }

  lost(device: number, neighbour: Address): void {
    if (isLinkLocal(neighbour)) this.#scope.input({ kind: 'router', link: this.#name(device), router: neighbour });
  }

  /** A router has been heard there: nobody needs to be asked any more. */
  advertised(device: number): void {
    clearTimeout(this.#solicitations.get(device));
  }

  close(): void {
    for (const timer of this.#solicitations.values()) clearTimeout(timer);
  }

  #tell({ index, linkAddress }: Link, up: boolean): void {
    this.#scope.input({ kind: 'link', link: this.#name(index), up, linkAddress });
  }

  #name(device: number): LinkId {
    return this.#scope.links.get(device) as LinkId;
  }

  /** The kernel does not ask again when only the link below was gone. From no address: a link-local one may be on trial. */
  #solicit(device: number, attempt: number): void {
    this.#scope.multicast(encodePacket(solicitation), device, allRouters);
    if (attempt === maximumSolicitations) return;
    const again = setTimeout(() => this.#solicit(device, attempt + 1), solicitationIntervalMs);
    this.#solicitations.set(device, again);
  }
}

const solicitation: Packet = {
  source: unspecified,
  destination: allRouters,
  hopLimit: 255,
  payload: { kind: 'icmpv6', message: { kind: 'routerSolicitation', code: 0, options: [] } },
};

function stateOf(flags: number): AddressState {
  const { detectionFailed, tentative, optimistic, deprecated } = addressFlag;
  if (flags & detectionFailed) return 'duplicate';
  if (flags & optimistic) return 'optimistic';
  if (flags & tentative) return 'tentative';
  return flags & deprecated ? 'deprecated' : 'preferred';
}
