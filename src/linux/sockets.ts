import {
  type Address,
  addressBytes,
  addressFromBytes,
  formatAddress,
  isLinkLocal,
  isMulticast,
} from '../base/address.js';
import { type LinkAddress, linkAddressFromBytes, writeLinkAddress } from '../base/link-address.js';
import { AF, bindSocket, closeFile, openSocket, sendTo, setSocketOption, socketType } from './ffi/libc.js';
import { attributesOf, messagesOf, RequestWriter, viewOf } from './netlink/message.js';
import { be32, netfilterHeader } from './netlink/nftables.js';
import { netlinkAddress, netlinkProtocol } from './netlink/socket.js';
import { filterOption } from './packet-filter.js';

const ethertypeIpv6 = 0x86dd;
const socketLevel = { level: 1, attachFilter: 26, receiveBufferForce: 33, mark: 36 } as const;
const packetLevel = { level: 263, addMembership: 1, auxiliaryData: 8, allMulticast: 2 } as const;
const receiveBufferOctets = 8 << 20;

/** IPv6 packets below the kernel's stack: what the filter takes arrives with its sender, and frames go where we say. */
export class PacketSocket {
  readonly fd: number;

  /** `allMulticastDevices`: where groups that the node has not joined are heard, too. */
  constructor(program: Uint8Array, allMulticastDevices: readonly number[] = []) {
    this.fd = openSocket(AF.packet, socketType.datagram, 0);
    try {
      setSocketOption(this.fd, socketLevel.level, socketLevel.attachFilter, filterOption(program));
      setSocketOption(this.fd, socketLevel.level, socketLevel.receiveBufferForce, receiveBufferOctets);
      setSocketOption(this.fd, packetLevel.level, packetLevel.auxiliaryData, 1);
      for (const device of allMulticastDevices)
        setSocketOption(this.fd, packetLevel.level, packetLevel.addMembership, allMulticastOn(device));
      bindSocket(this.fd, linkSocketAddress(0, '' as LinkAddress));
    } catch (error) {
      closeFile(this.fd);
      throw error;
    }
  }

  /** Takes other packets from now on. */
  setFilter(program: Uint8Array): void {
    setSocketOption(this.fd, socketLevel.level, socketLevel.attachFilter, filterOption(program));
  }

  /** Sends an IPv6 packet in a frame from the device's link-layer address to `neighbour`. */
  send(packet: Uint8Array, device: number, neighbour: LinkAddress): void {
    sendTo(this.fd, packet, linkSocketAddress(device, neighbour));
  }

  close(): void {
    closeFile(this.fd);
  }
}

/** `struct sockaddr_ll`. */
function linkSocketAddress(device: number, neighbour: LinkAddress): Uint8Array {
  const bytes = new Uint8Array(20);
  const view = viewOf(bytes);
  view.setUint16(0, AF.packet, true);
  view.setUint16(2, ethertypeIpv6);
  view.setUint32(4, device, true);
  bytes[11] = neighbour.length;
  writeLinkAddress(neighbour, bytes, 12);
  return bytes;
}

/** `struct packet_mreq`: Neighbour Solicitations for addresses we do not have reach us. */
function allMulticastOn(device: number): Uint8Array {
  const bytes = new Uint8Array(16);
  viewOf(bytes).setUint32(0, device, true);
  viewOf(bytes).setUint16(4, packetLevel.allMulticast, true);
  return bytes;
}

const rawProtocol = 255;
const ipv6Level = { level: 41, joinAnycast: 27, freeBind: 78 } as const;

/** Sends whole IPv6 packets of ours along the kernel's routes. */
export class RoutedSocket {
  readonly #fd: number;

  /** Throws HostError EADDRNOTAVAIL where `address` is none of this node's, unless `anySource`. `device` is that of a link-local one. */
  constructor(address: Address, { anySource = false, device = 0, mark = 0 } = {}) {
    this.#fd = openSocket(AF.inet6, socketType.raw, rawProtocol);
    try {
      if (anySource) setSocketOption(this.#fd, ipv6Level.level, ipv6Level.freeBind, 1);
      if (mark > 0) setSocketOption(this.#fd, socketLevel.level, socketLevel.mark, mark);
      bindSocket(this.#fd, internetSocketAddress(address, isLinkLocal(address) ? device : 0), formatAddress(address));
    } catch (error) {
      closeFile(this.#fd);
      throw error;
    }
  }

  /** Until it is closed the node has that anycast address, on a device or on any. Throws HostError. */
  joinAnycast(address: Address, device: number): void {
    const request = new Uint8Array(20);
    request.set(addressBytes(address));
    viewOf(request).setUint32(16, device, true);
    setSocketOption(this.#fd, ipv6Level.level, ipv6Level.joinAnycast, request);
  }

  /** `device` counts where the destination has link scope. */
  send(packet: Uint8Array, destination: Address, device = 0): void {
    const scope = isLinkLocal(destination) || isMulticast(destination) ? device : 0;
    sendTo(this.#fd, packet, internetSocketAddress(destination, scope));
  }

  close(): void {
    closeFile(this.#fd);
  }
}

const maximumSources = 64;

/** Sends whole IPv6 packets along the kernel's routes, from whatever source they have: each has a socket, since routes may go by it. */
export class RoutedSockets {
  readonly #mark: number;
  readonly #sockets = new Map<string, RoutedSocket>();

  /** The packets bear that mark. */
  constructor(mark: number) {
    this.#mark = mark;
  }

  /** `device` counts where an address has link scope. */
  send(packet: Uint8Array, device = 0): void {
    this.#from(addressFromBytes(packet, 8), device).send(packet, addressFromBytes(packet, 24), device);
  }

  close(): void {
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }

  #from(source: Address, device: number): RoutedSocket {
    const key = isLinkLocal(source) ? `${source}${device}` : source;
    const known = this.#sockets.get(key);
    if (known) return known;
    if (this.#sockets.size >= maximumSources) this.close();
    const socket = new RoutedSocket(source, { anySource: true, device, mark: this.#mark });
    this.#sockets.set(key, socket);
    return socket;
  }
}

/** `struct sockaddr_in6`. */
export function internetSocketAddress(address: Address, scope: number, port = 0): Uint8Array {
  const bytes = new Uint8Array(28);
  viewOf(bytes).setUint16(0, AF.inet6, true);
  viewOf(bytes).setUint16(2, port);
  bytes.set(addressBytes(address), 8);
  viewOf(bytes).setUint32(24, scope, true);
  return bytes;
}

/** A packet the firewall logged: who sent it on which device. */
export interface LoggedPacket {
  readonly device: number;
  readonly neighbour: LinkAddress;
  readonly source: Address;
  readonly destination: Address;
}

const logSubsystem = 4 << 8;
const logMessage = { packet: logSubsystem, configure: logSubsystem | 1 } as const;
const logAttribute = { inputDevice: 4, sender: 8, payload: 9 } as const;

/** Reads a log group of the firewall. */
export class LogSocket {
  readonly fd: number;

  constructor(group: number, copiedOctets: number) {
    this.fd = openSocket(AF.netlink, socketType.raw | socketType.nonBlocking, netlinkProtocol.netfilter);
    try {
      bindSocket(this.fd, netlinkAddress());
      setSocketOption(this.fd, socketLevel.level, socketLevel.receiveBufferForce, receiveBufferOctets);
      const writer = new RequestWriter();
      const header = netfilterHeader(AF.inet6, group);
      const bind = [1, Uint8Array.of(1)] as const;
      const copyPacket = [2, Uint8Array.of(...be32(copiedOctets), 2, 0)] as const;
      const about = `log group ${group}`;
      writer.request({ type: logMessage.configure, header, attributes: [bind], about }, 1, false);
      writer.request({ type: logMessage.configure, header, attributes: [copyPacket], about }, 2, false);
      sendTo(this.fd, writer.view);
    } catch (error) {
      closeFile(this.fd);
      throw error;
    }
  }

  close(): void {
    closeFile(this.fd);
  }
}

/** Whole packets, of any protocol, in what was read from a {@link LogSocket}. */
export function* loggedOctets(bytes: Uint8Array): Generator<Uint8Array> {
  for (const message of messagesOf(bytes)) {
    const payload = message.type === logMessage.packet && attributesOf(message.body, 4).get(logAttribute.payload);
    if (payload) yield payload;
  }
}

/** The packets in what was read from a {@link LogSocket}. */
export function* loggedPackets(bytes: Uint8Array): Generator<LoggedPacket> {
  for (const message of messagesOf(bytes)) {
    if (message.type !== logMessage.packet) continue;
    const found = attributesOf(message.body, 4);
    const device = found.get(logAttribute.inputDevice);
    const sender = found.get(logAttribute.sender);
    const payload = found.get(logAttribute.payload);
    if (!device || !sender || !payload || payload.length < 40) continue;
    const length = Math.min(8, viewOf(sender).getUint16(0));
    yield {
      device: viewOf(device).getUint32(0),
      neighbour: linkAddressFromBytes(sender, 4, length),
      source: addressFromBytes(payload, 8),
      destination: addressFromBytes(payload, 24),
    };
  }
}
