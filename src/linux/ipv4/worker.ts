import { parentPort, workerData } from 'node:worker_threads';
import { HostError } from '../../base/errors.js';
import { errno, readFile, sendTo, setSocketOption, waitReadable, writeFile } from '../ffi/libc.js';
import {
  biggestFor,
  decapsulated,
  describeOffload,
  ethernetOctets,
  offloadOctets,
  packetTooBig,
  typeOfService,
} from './encapsulation.js';
import { discovery, internetOption, ipv4SocketAddress, pathMtu } from './sockets.js';
import type { TunnelPlan } from './user-space.js';

/** The thread of a {@link UserSpaceDevice}: sleeps until a frame or a packet is there, and takes it to the other side. */

const { device, socket, event, linkAddress, node } = workerData as TunnelPlan;
const packetsPerTurn = 64;
const frame = new Uint8Array(offloadOctets + ethernetOctets + 0x10000);
const packet = new Uint8Array(0x10000);
const received = new Uint8Array(frame.length);
const start = offloadOctets + ethernetOctets;
const ethertypeIpv6 = 0x86dd;
received.set([...linkAddress, 2, 0, 0, 0, 0, 0, ethertypeIpv6 >> 8, ethertypeIpv6 & 0xff], offloadOctets);
const remotes = new Map<number, Uint8Array>();
let lastTypeOfService = 0;

for (let running = true; running; ) {
  const [stopping, frames, packets] = waitReadable([event, device, socket]);
  running = stopping === 'idle';
  if (running && frames !== 'idle') for (let i = 0; i < packetsPerTurn && encapsulate(); i++);
  if (running && packets !== 'idle') for (let i = 0; i < packetsPerTurn && decapsulate(); i++);
}
parentPort?.close();

/** Takes a frame from the device, if there is one, to whom its link-layer destination names. */
function encapsulate(): boolean {
  const length = readFile(device, frame);
  if (length === 0) return false;
  const isGroup = (frame[offloadOctets] & 1) !== 0;
  const isIpv6 = ((frame[start - 2] << 8) | frame[start - 1]) === ethertypeIpv6;
  if (isGroup || !isIpv6 || length < start + 40) return true;
  const inner = frame.subarray(start, length);
  const remote = remoteOf(frame);
  setTypeOfService(typeOfService(inner));
  if (!attempt(() => sendTo(socket, inner, remote))) return true;
  const biggest = biggestFor(pathMtu(remote));
  if (inner.length <= biggest) sendInFragments(inner, remote);
  else tellTooBig(inner, biggest);
  return true;
}

/** `struct sockaddr_in` of what is named by the last four octets of the frame's destination. */
function remoteOf(frame: Uint8Array): Uint8Array {
  const at = offloadOctets + 2;
  const address = frame.subarray(at, at + 4);
  const number = ((address[0] << 24) | (address[1] << 16) | (address[2] << 8) | address[3]) >>> 0;
  const known = remotes.get(number);
  if (known) return known;
  const made = ipv4SocketAddress(address);
  remotes.set(number, made);
  return made;
}

function setTypeOfService(value: number): void {
  if (value === lastTypeOfService) return;
  lastTypeOfService = value;
  setSocketOption(socket, internetOption.level, internetOption.typeOfService, value);
}

/** RFC 4213 §3.2.2: a path that does not carry IPv6's minimum MTU gets it in pieces. */
function sendInFragments(inner: Uint8Array, remote: Uint8Array): void {
  setSocketOption(socket, internetOption.level, internetOption.mtuDiscovery, discovery.never);
  attempt(() => sendTo(socket, inner, remote));
  setSocketOption(socket, internetOption.level, internetOption.mtuDiscovery, discovery.always);
}

function tellTooBig(inner: Uint8Array, mtu: number): void {
  const error = packetTooBig(inner, mtu, node);
  if (!error) return;
  packet.set(error);
  deliver(packet.subarray(0, error.length));
}

/** Takes a packet of IPv4 that the firewall let through, if there is one, and gives the kernel the one inside. */
function decapsulate(): boolean {
  const length = readFile(socket, packet);
  if (length === 0) return false;
  const inner = decapsulated(packet.subarray(0, length));
  if (inner) deliver(inner);
  return true;
}

function deliver(inner: Uint8Array): void {
  describeOffload(inner, received);
  received.set(inner, start);
  attempt(() => writeFile(device, received.subarray(0, start + inner.length)));
}

/** Where nothing is left of the path, or the device is down, packets are lost as on any link; true: it was too big. */
function attempt(action: () => void): boolean {
  try {
    action();
    return false;
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    return error.errno === errno.EMSGSIZE;
  }
}
