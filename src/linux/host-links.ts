import { type Address, allRouters, isLinkLocal, unspecified } from '../base/address.js';
import type { AddressState, Input, LinkId } from '../protocol/contract.js';
import { encodePacket } from '../wire/ipv6/codec.js';
import type { Packet } from '../wire/ipv6/packet.js';
import { AF, bindSocket, closeFile, openSocket, setSocketOption, socketType } from './ffi/libc.js';
import * as address from './netlink/address.js';
import * as link from './netlink/link.js';
import { type Message, messagesOf } from './netlink/message.js';
import { neighbourMessage, parseLostNeighbour } from './netlink/route.js';
import { type NetlinkSocket, netlinkAddress, netlinkProtocol } from './netlink/socket.js';

const groups = { link: 1, neighbour: 4, ipv6Address: 0x100 } as const;
const socketLevel = { level: 1, receiveBufferForce: 33 } as const;
/** RFC 4861 §10: RTR_SOLICITATION_INTERVAL and MAX_RTR_SOLICITATIONS. */
const solicitationIntervalMs = 4000;
const maximumSolicitations = 3;

export interface HostLinksParts {
  readonly kernel: NetlinkSocket;
  /** By the kernel's number. */
  readonly links: ReadonlyMap<number, LinkId>;
  input(input: Input): void;
  /** Sends an IPv6 packet in a frame to a group. */
  multicast(packet: Uint8Array, device: number, group: Address): void;
}

/** What the kernel says of the links on which this node is a host: their state, its addresses, routers that answer no more. */
export class HostLinks {
  readonly fd: number;
  readonly #parts: HostLinksParts;
  readonly #states = new Map<number, link.Link>();
  readonly #solicitations = new Map<number, NodeJS.Timeout>();

  /** Hears of changes from now on. */
  constructor(parts: HostLinksParts) {
    this.#parts = parts;
    this.fd = openSocket(AF.netlink, socketType.raw | socketType.nonBlocking, netlinkProtocol.route);
    try {
      setSocketOption(this.fd, socketLevel.level, socketLevel.receiveBufferForce, 8 << 20);
      bindSocket(this.fd, netlinkAddress(groups.link | groups.neighbour | groups.ipv6Address));
    } catch (error) {
      closeFile(this.fd);
      throw error;
    }
  }

  /** How things stand. */
  report(): void {
    for (const device of this.#parts.links.keys()) this.#linkChanged(link.readLink(this.#parts.kernel, device));
    for (const message of this.#parts.kernel.dump(address.dumpAddresses())) this.#addressChanged(message);
  }

  /** What was read from `fd`. */
  changed(bytes: Uint8Array): void {
    for (const message of messagesOf(bytes)) this.#changed(message);
  }

  /** A router has been heard on that link: nobody needs to be asked any more. */
  advertised(device: number): void {
    clearTimeout(this.#solicitations.get(device));
  }

  close(): void {
    for (const timer of this.#solicitations.values()) clearTimeout(timer);
    closeFile(this.fd);
  }

  #changed(message: Message): void {
    switch (message.type) {
      case link.linkMessage.new:
        return this.#linkChanged(link.parseLinkMessage(message));
      case link.linkMessage.delete:
        return this.#linkChanged({ ...link.parseLinkMessage(message), hasCarrier: false });
      case address.addressMessage.new:
      case address.addressMessage.delete:
        return this.#addressChanged(message);
      case neighbourMessage.new:
        return this.#neighbourChanged(message);
    }
  }

  /** A link that goes and comes back at once is told of once, when it is back; its count of changes gives it away. */
  #linkChanged(state: link.Link): void {
    const name = this.#parts.links.get(state.index);
    if (name === undefined) return;
    const before = this.#states.get(state.index);
    this.#states.set(state.index, state);
    const same = before !== undefined && before.hasCarrier === state.hasCarrier;
    if (same && before.carrierChanges === state.carrierChanges && before.linkAddress === state.linkAddress) return;
    if (same && !state.hasCarrier) return;
    const { linkAddress } = state;
    const tell = (up: boolean) => this.#parts.input({ kind: 'link', link: name, up, linkAddress });
    if (same) tell(false);
    tell(state.hasCarrier);
    clearTimeout(this.#solicitations.get(state.index));
    if (state.hasCarrier) this.#solicit(state.index, 1);
  }

  /** The kernel does not ask again when only the link below was gone. From no address: a link-local one may be on trial. */
  #solicit(device: number, attempt: number): void {
    const message = { kind: 'routerSolicitation', code: 0, options: [] } as const;
    const packet: Packet = {
      source: unspecified,
      destination: allRouters,
      hopLimit: 255,
      payload: { kind: 'icmpv6', message },
    };
    this.#parts.multicast(encodePacket(packet), device, allRouters);
    if (attempt === maximumSolicitations) return;
    const again = setTimeout(() => this.#solicit(device, attempt + 1), solicitationIntervalMs);
    this.#solicitations.set(device, again);
  }

  #addressChanged(message: Message): void {
    const found = address.parseAddressMessage(message);
    const name = found && this.#parts.links.get(found.device);
    if (!found || name === undefined || !found.global || found.own) return;
    if (found.flags & address.addressFlag.temporary) return;
    const state = message.type === address.addressMessage.delete ? 'gone' : stateOf(found.flags);
    this.#parts.input({ kind: 'address', link: name, address: found.address, state });
  }

  #neighbourChanged(message: Message): void {
    const lost = parseLostNeighbour(message);
    const name = lost && this.#parts.links.get(lost.device);
    if (lost && name !== undefined && isLinkLocal(lost.address))
      this.#parts.input({ kind: 'router', link: name, router: lost.address });
  }
}

function stateOf(flags: number): AddressState {
  const { detectionFailed, tentative, optimistic, deprecated } = address.addressFlag;
  if (flags & detectionFailed) return 'duplicate';
  if (flags & optimistic) return 'optimistic';
  if (flags & tentative) return 'tentative';
  return flags & deprecated ? 'deprecated' : 'preferred';
}
