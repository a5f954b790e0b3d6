import { type Address, addressFromBytes } from '../../base/address.js';
import { HostError } from '../../base/errors.js';
import { viewOf } from '../netlink/message.js';
import { internetSocketAddress } from '../sockets.js';
import {
  AF,
  addressOf,
  bindSocket,
  closeFile,
  errno,
  listenOn,
  openSocket,
  receiveMessage,
  sendMessage,
  setSocketOption,
  socketType,
} from './libc.js';

/** The kernel's SCTP by RFC 6458: one-to-many sockets. Structures as 64-bit Linux lays them out. */

const ipprotoSctp = 132;
const option = { rtoInfo: 0, associationInfo: 1, initMessage: 2, noDelay: 3, events: 11, receiveInfo: 32 } as const;
const v6Only = { level: 41, name: 26 } as const;
/** `enum sctp_cmsg_type`. */
const control = { sendInfo: 2, receiveInfo: 3 } as const;
const sendFlag = { unordered: 1, abort: 4 } as const;
const messageFlag = { endOfRecord: 0x80, notification: 0x8000 } as const;
const controlHeaderOctets = 16;
const sendInfoOctets = controlHeaderOctets + 16;
const receivedControlOctets = 128;
/** After `struct msghdr`: `struct iovec`, `struct sockaddr_in6`. */
const vectorAt = 56;
const nameAt = 72;
const nameOctets = 28;
const backlog = 128;

/** Times in milliseconds; those of `protocol/sctp/settings.ts`. */
export interface KernelTiming {
  readonly rtoInitial: number;
  readonly rtoMin: number;
  readonly rtoMax: number;
  readonly associationMaxRetrans: number;
  readonly maxInitRetransmits: number;
  readonly validCookieLife: number;
}

/** A socket of a service, bound and listening, with one stream each way. Throws HostError, also where the kernel has no SCTP. */
export function openSctp(address: Address, port: number, timing: KernelTiming): number {
  const fd = openSequenced();
  try {
    setSocketOption(fd, v6Only.level, v6Only.name, 1);
    setSocketOption(fd, ipprotoSctp, option.noDelay, 1);
    setSocketOption(fd, ipprotoSctp, option.receiveInfo, 1);
    const { rtoInitial, rtoMin, rtoMax } = timing;
    setSocketOption(fd, ipprotoSctp, option.rtoInfo, words(0, rtoInitial, rtoMax, rtoMin));
    const { associationMaxRetrans, maxInitRetransmits, validCookieLife } = timing;
    setSocketOption(fd, ipprotoSctp, option.associationInfo, words(0, associationMaxRetrans, 0, 0, validCookieLife));
    const initiation = Uint16Array.of(1, 1, maxInitRetransmits, rtoMax);
    setSocketOption(fd, ipprotoSctp, option.initMessage, new Uint8Array(initiation.buffer));
    // `struct sctp_event_subscribe`: changes of associations, nothing else.
    setSocketOption(fd, ipprotoSctp, option.events, Uint8Array.of(0, 1, 0, 0, 0, 0, 0, 0));
    bindSocket(fd, internetSocketAddress(address, 0, port));
    listenOn(fd, backlog);
    return fd;
  } catch (error) {
    closeFile(fd);
    throw error;
  }
}

function openSequenced(): number {
  try {
    return openSocket(AF.inet6, socketType.sequencedPacket | socketType.nonBlocking, ipprotoSctp);
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    const isMissing = error.errno === errno.EPROTONOSUPPORT || error.errno === errno.ESOCKTNOSUPPORT;
    if (!isMissing) throw error;
    throw new HostError('socket', error.errno, 'this kernel has no SCTP (modprobe sctp), or say transport: user');
  }
}

export interface Outgoing {
  readonly peer: Address;
  readonly port: number;
  readonly payloadProtocol: number;
  readonly unordered: boolean;
  readonly data: Uint8Array;
}

/** Sends a message, over an association that is made where there is none. Throws HostError. */
export function sendSctp(fd: number, { peer, port, payloadProtocol, unordered, data }: Outgoing): void {
  send(fd, internetSocketAddress(peer, 0, port), data, payloadProtocol, unordered ? sendFlag.unordered : 0);
}

/** Ends the association with the peer by an ABORT. Throws HostError where there is none. */
export function abortSctp(fd: number, peer: Address, port: number): void {
  send(fd, internetSocketAddress(peer, 0, port), new Uint8Array(0), 0, sendFlag.abort);
}

function send(fd: number, name: Uint8Array, data: Uint8Array, payloadProtocol: number, flags: number): void {
  const message = new MessageBuffer(data.length, sendInfoOctets);
  message.name.set(name);
  message.data.set(data);
  const { view, controlAt } = message;
  view.setBigUint64(controlAt, BigInt(sendInfoOctets), true);
  view.setInt32(controlAt + 8, ipprotoSctp, true);
  view.setInt32(controlAt + 12, control.sendInfo, true);
  view.setUint16(controlAt + controlHeaderOctets + 2, flags, true);
  view.setUint32(controlAt + controlHeaderOctets + 4, payloadProtocol);
  sendMessage(fd, message.header);
}

/** What recvmsg() gave: a part of a message or a notification. */
export interface SctpPart {
  readonly sender: Address;
  readonly senderPort: number;
  readonly data: Uint8Array;
  readonly payloadProtocol: number;
  readonly isNotification: boolean;
  /** Nothing of the message follows. */
  readonly isEnd: boolean;
}

/** Receives parts, each no longer than `room` octets. */
export class SctpReceiver {
  readonly #fd: number;
  readonly #message: MessageBuffer;

  constructor(fd: number, room: number) {
    this.#fd = fd;
    this.#message = new MessageBuffer(room, receivedControlOctets);
  }

  /** The next part; undefined when nothing waits. Throws HostError. */
  receive(): SctpPart | undefined {
    const message = this.#message;
    message.prepare();
    const octets = receiveMessage(this.#fd, message.header);
    if (octets === undefined) return undefined;
    const flags = message.view.getInt32(48, true);
    return {
      sender: addressFromBytes(message.name, 8),
      senderPort: (message.name[2] << 8) | message.name[3],
      data: message.data.slice(0, octets),
      payloadProtocol: payloadProtocolIn(message),
      isNotification: (flags & messageFlag.notification) !== 0,
      isEnd: (flags & messageFlag.endOfRecord) !== 0,
    };
  }
}

/** `struct sctp_rcvinfo`: stream, sequence number and flags stand before the identifier. */
function payloadProtocolIn({ view, controlAt }: MessageBuffer): number {
  const end = controlAt + Number(view.getBigUint64(40, true));
  for (let at = controlAt; at + controlHeaderOctets <= end; ) {
    const octets = Number(view.getBigUint64(at, true));
    if (octets < controlHeaderOctets) break;
    const isInfo = view.getInt32(at + 8, true) === ipprotoSctp && view.getInt32(at + 12, true) === control.receiveInfo;
    if (isInfo) return view.getUint32(at + controlHeaderOctets + 8);
    at += (octets + 7) & ~7;
  }
  return 0;
}

/** `struct msghdr` with its parts behind it, in one buffer that stays where it is. */
class MessageBuffer {
  readonly view: DataView;
  readonly header: Uint8Array;
  readonly name: Uint8Array;
  readonly data: Uint8Array;
  readonly controlAt = 112;
  readonly #controlOctets: number;

  constructor(dataOctets: number, controlOctets: number) {
    const dataAt = this.controlAt + controlOctets;
    this.header = new Uint8Array(new ArrayBuffer(dataAt + dataOctets));
    this.view = viewOf(this.header);
    this.name = this.header.subarray(nameAt, nameAt + nameOctets);
    this.data = this.header.subarray(dataAt);
    this.#controlOctets = controlOctets;
    const base = addressOf(this.header);
    this.view.setBigUint64(0, base + BigInt(nameAt), true);
    this.view.setBigUint64(16, base + BigInt(vectorAt), true);
    this.view.setBigUint64(24, 1n, true);
    this.view.setBigUint64(32, base + BigInt(this.controlAt), true);
    this.view.setBigUint64(vectorAt, base + BigInt(dataAt), true);
    this.view.setBigUint64(vectorAt + 8, BigInt(dataOctets), true);
    this.prepare();
  }

  /** The kernel changes the lengths it is given, so they are set before each call. */
  prepare(): void {
    this.view.setUint32(8, nameOctets, true);
    this.view.setBigUint64(40, BigInt(this.#controlOctets), true);
    this.view.setInt32(48, 0, true);
  }
}

const associationChange = 0x8001;
/** `enum sctp_sac_state`. */
const changes = ['up', 'lost', 'restarted', 'shutDown', 'notBegun'] as const;

/** What a notification says became of an association; undefined where it says something else. */
export function associationChangeOf(notification: Uint8Array): (typeof changes)[number] | undefined {
  if (notification.length < 20 || viewOf(notification).getUint16(0, true) !== associationChange) return undefined;
  return changes[viewOf(notification).getUint16(8, true)];
}

function words(...values: number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}
