import { type Address, addressBytes, formatIpv4 } from '../../base/address.js';
import { protocol } from '../../wire/ipv6/packet.js';
import {
  AF,
  bindSocket,
  closeFile,
  connectSocket,
  openSocket,
  sendTo,
  setSocketOption,
  socketOption,
  socketType,
} from '../ffi/libc.js';
import { viewOf } from '../netlink/message.js';

export const internetOption = { level: 0, typeOfService: 1, timeToLive: 2, mtuDiscovery: 10, mtu: 14 } as const;
/** Values of `mtuDiscovery`: whether the Don't Fragment bit is set. */
export const discovery = { never: 0, always: 2 } as const;
const socketLevel = { level: 1, receiveBufferForce: 33, sendBufferForce: 32 } as const;
const bufferOctets = 8 << 20;
const timeToLive = 64;

/** The four octets of an IPv4-mapped address. */
export function ipv4Octets(address: Address): Uint8Array {
  return addressBytes(address).subarray(12);
}

/** `struct sockaddr_in`. */
export function ipv4SocketAddress(octets: Uint8Array, port = 0): Uint8Array {
  const bytes = new Uint8Array(16);
  viewOf(bytes).setUint16(0, AF.inet, true);
  viewOf(bytes).setUint16(2, port);
  bytes.set(octets, 4);
  return bytes;
}

/** Sends and receives what protocol 41 carries from and to `local`. Throws HostError EADDRNOTAVAIL where this node does not have it. */
export function openTunnelSocket(local: Address): number {
  const fd = openSocket(AF.inet, socketType.raw | socketType.nonBlocking, protocol.ipv6);
  try {
    setSocketOption(fd, internetOption.level, internetOption.mtuDiscovery, discovery.always);
    setSocketOption(fd, internetOption.level, internetOption.timeToLive, timeToLive);
    for (const name of [socketLevel.receiveBufferForce, socketLevel.sendBufferForce])
      setSocketOption(fd, socketLevel.level, name, bufferOctets);
    bindSocket(fd, ipv4SocketAddress(ipv4Octets(local)), formatIpv4(local));
    return fd;
  } catch (error) {
    closeFile(fd);
    throw error;
  }
}

const wholePackets = 255;
/** Sends a packet of IPv4, header and all, along the kernel's routes. Throws HostError. */
export function sendIpv4(bytes: Uint8Array): void {
  const fd = openSocket(AF.inet, socketType.raw, wholePackets);
  try {
    sendTo(fd, bytes, ipv4SocketAddress(bytes.subarray(16, 20)));
  } finally {
    closeFile(fd);
  }
}

/** As far as the kernel knows, of the way to whom that `struct sockaddr_in` names. */
export function pathMtu(remote: Uint8Array): number {
  const fd = openSocket(AF.inet, socketType.datagram, 0);
  try {
    connectSocket(fd, remote);
    return socketOption(fd, internetOption.level, internetOption.mtu);
  } finally {
    closeFile(fd);
  }
}
