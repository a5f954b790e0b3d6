import type { Address } from '../base/address.js';
import { AF, bindSocket, closeFile, openSocket, setSocketOption, socketType } from './ffi/libc.js';
import { addressMessage, type DeviceAddress, dumpAddresses, parseAddressMessage } from './netlink/address.js';
import { type Link, linkMessage, parseLinkMessage, readLink } from './netlink/link.js';
import { type Message, messagesOf } from './netlink/message.js';
import { neighbourMessage, parseLostNeighbour } from './netlink/route.js';
import { type NetlinkSocket, netlinkAddress, netlinkProtocol } from './netlink/socket.js';

const groups = { link: 1, neighbour: 4, ipv6Address: 0x100 } as const;
const socketLevel = { level: 1, receiveBufferForce: 33 } as const;
const receiveBufferOctets = 8 << 20;

/** Hears what the kernel says of some devices. */
export interface LinkListener {
  readonly devices: Iterable<number>;
  link(state: Link): void;
  address(address: DeviceAddress, gone: boolean): void;
  /** A neighbour does not answer any more. */
  lost?(device: number, neighbour: Address): void;
}

/** The kernel's notices of links, addresses and neighbours. */
export class LinkMonitor {
  readonly fd: number;
  readonly #kernel: NetlinkSocket;
  readonly #listeners: readonly LinkListener[];

  /** Misses nothing from now on. Throws HostError. */
  constructor(kernel: NetlinkSocket, listeners: readonly LinkListener[]) {
    this.#kernel = kernel;
    this.#listeners = listeners;
    this.fd = openSocket(AF.netlink, socketType.raw | socketType.nonBlocking, netlinkProtocol.route);
    try {
      setSocketOption(this.fd, socketLevel.level, socketLevel.receiveBufferForce, receiveBufferOctets);
      bindSocket(this.fd, netlinkAddress(groups.link | groups.neighbour | groups.ipv6Address));
    } catch (error) {
      closeFile(this.fd);
      throw error;
    }
  }

  /** How things stand. */
  report(): void {
    for (const listener of this.#listeners)
      for (const device of listener.devices) listener.link(readLink(this.#kernel, device));
    for (const message of this.#kernel.dump(dumpAddresses())) this.#address(message, false);
  }

  /** What was read from `fd`. */
  changed(bytes: Uint8Array): void {
    for (const message of messagesOf(bytes)) this.#changed(message);
  }

  close(): void {
    closeFile(this.fd);
  }

  #changed(message: Message): void {
    switch (message.type) {
      case linkMessage.new:
        return this.#link(parseLinkMessage(message));
      case linkMessage.delete:
        return this.#link({ ...parseLinkMessage(message), hasCarrier: false });
      case addressMessage.new:
      case addressMessage.delete:
        return this.#address(message, message.type === addressMessage.delete);
      case neighbourMessage.new:
        return this.#neighbour(message);
    }
  }

  #link(state: Link): void {
    for (const listener of this.#concerned(state.index)) listener.link(state);
  }

  #address(message: Message, gone: boolean): void {
    const found = parseAddressMessage(message);
    if (found) for (const listener of this.#concerned(found.device)) listener.address(found, gone);
  }

  #neighbour(message: Message): void {
    const lost = parseLostNeighbour(message);
    if (lost) for (const listener of this.#concerned(lost.device)) listener.lost?.(lost.device, lost.address);
  }

  #concerned(device: number): LinkListener[] {
    return this.#listeners.filter(({ devices }) => [...devices].includes(device));
  }
}
