import type { HostError } from '../../base/errors.js';
import { utf8Text } from '../../base/text.js';
import {
  AF,
  bindSocket,
  closeFile,
  errno,
  hostError,
  openSocket,
  receive,
  sendTo,
  setSocketOption,
  socketType,
} from '../ffi/libc.js';
import { attributesOf, flag, type Message, messagesOf, type Request, RequestWriter, viewOf } from './message.js';

export const netlinkProtocol = { route: 0, netfilter: 12, generic: 16 } as const;

const messageType = { error: 2, done: 3 } as const;
const acknowledgementTlvs = 0x200;
const option = { level: 270, cappedAcknowledgement: 10, extendedAcknowledgement: 11, strictChecks: 12 } as const;
const socketLevel = { level: 1, receiveTimeout: 20, sendBufferForce: 32, receiveBufferForce: 33 } as const;
const requestsPerSend = 256;
const attempts = 100;

/** A conversation with the kernel: each call returns when the kernel has done what it says. */
export class NetlinkSocket {
  readonly #fd: number;
  readonly #writer = new RequestWriter();
  readonly #buffer = new Uint8Array(256 * 1024);
  #sequence = 0;

  /** In the network namespace of the calling thread. */
  constructor(protocol: number) {
    this.#fd = openSocket(AF.netlink, socketType.raw, protocol);
    bindSocket(this.#fd, netlinkAddress());
    setSocketOption(this.#fd, option.level, option.cappedAcknowledgement, 1);
    setSocketOption(this.#fd, option.level, option.extendedAcknowledgement, 1);
    setSocketOption(this.#fd, option.level, option.strictChecks, 1);
    setSocketOption(this.#fd, socketLevel.level, socketLevel.sendBufferForce, 64 << 20);
    setSocketOption(this.#fd, socketLevel.level, socketLevel.receiveBufferForce, 8 << 20);
    setSocketOption(this.#fd, socketLevel.level, socketLevel.receiveTimeout, fiveSeconds());
  }

  /** Runs requests in order, all of them whatever fails, then throws the first HostError that `accept` does not cover. */
  execute(requests: readonly Request[]): void {
    let failure: HostError | undefined;
    for (let at = 0; at < requests.length; at += requestsPerSend) {
      const error = this.#executeBatch(requests.slice(at, at + requestsPerSend));
      failure ??= error;
    }
    if (failure) throw failure;
  }

  /** What the kernel has of that kind. */
  dump(request: Request): Message[] {
    const sequence = ++this.#sequence;
    this.#writer.reset();
    this.#writer.request({ ...request, flags: (request.flags ?? 0) | flag.dump }, sequence, false);
    sendTo(this.#fd, this.#writer.view);
    const found: Message[] = [];
    for (;;) {
      for (const message of this.#receive()) {
        if (message.sequence !== sequence) continue;
        if (message.type === messageType.done) return found;
        if (message.type === messageType.error) throw failureOf(message, request) ?? new Error('an empty dump');
        found.push(message);
      }
    }
  }

  /** The one answer to a request. */
  ask(request: Request): Message {
    const sequence = ++this.#sequence;
    this.#writer.reset();
    this.#writer.request(request, sequence, false);
    sendTo(this.#fd, this.#writer.view);
    for (;;) {
      for (const message of this.#receive()) {
        if (message.sequence !== sequence) continue;
        if (message.type === messageType.error) throw failureOf(message, request) ?? new Error('an empty answer');
        return message;
      }
    }
  }

  /** Sends `open`, requests and `close` as the one transaction nf_tables commits or refuses whole. Throws HostError. */
  transact(open: Request, requests: readonly Request[], close: Request): void {
    const all = [open, ...requests, close];
    const first = this.#sequence + 1;
    const last = first + requests.length;
    this.#writer.reset();
    for (const request of all) {
      this.#sequence++;
      this.#writer.request(request, this.#sequence, this.#sequence === last);
    }
    sendTo(this.#fd, this.#writer.view);
    let failure: HostError | undefined;
    for (let done = false; !done; ) {
      for (const message of this.#receive()) {
        if (message.type !== messageType.error || message.sequence < first) continue;
        failure ??= failureOf(message, all[message.sequence - first]);
        done ||= message.sequence === last || message.sequence === first;
      }
    }
    if (failure) throw failure;
  }

  close(): void {
    closeFile(this.#fd);
  }

  /** A burst of routes gets ENOMEM now and then while the kernel's allocator catches up: those are asked for again. */
  #executeBatch(requests: readonly Request[]): HostError | undefined {
    let failure: HostError | undefined;
    let pending = requests;
    for (let attempt = 1; pending.length > 0; attempt++) {
      const again: Request[] = [];
      for (const [request, error] of this.#sendBatch(pending)) {
        if (error.errno === errno.ENOMEM && attempt < attempts) again.push(request);
        else if (!request.accept?.includes(error.errno)) failure ??= error;
      }
      pending = again;
      if (pending.length > 0) Atomics.wait(pauseCell, 0, 0, 1);
    }
    return failure;
  }

  #sendBatch(requests: readonly Request[]): [Request, HostError][] {
    const first = this.#sequence + 1;
    const last = this.#sequence + requests.length;
    this.#writer.reset();
    for (const request of requests) {
      this.#sequence++;
      this.#writer.request(request, this.#sequence, this.#sequence === last);
    }
    sendTo(this.#fd, this.#writer.view);
    const failures: [Request, HostError][] = [];
    for (;;) {
      for (const message of this.#receive()) {
        if (message.type !== messageType.error || message.sequence < first) continue;
        const request = requests[message.sequence - first];
        const error = failureOf(message, request);
        if (error) failures.push([request, error]);
        if (message.sequence === last) return failures;
      }
    }
  }

  *#receive(): Generator<Message> {
    const octets = receive(this.#fd, this.#buffer);
    yield* messagesOf(this.#buffer.slice(0, octets));
  }
}

const pauseCell = new Int32Array(new SharedArrayBuffer(4));

/** The kernel's complaint: its errno and its own words. */
function failureOf(message: Message, request: Request): HostError | undefined {
  const code = -viewOf(message.body).getInt32(0, true);
  if (code === 0) return undefined;
  const words = message.flags & acknowledgementTlvs ? attributesOf(message.body, 20).get(1) : undefined;
  const detail = words ? `${request.about}: ${utf8Text(words.subarray(0, words.length - 1))}` : request.about;
  return hostError('netlink', code, detail);
}

export function netlinkAddress(groups = 0): Uint8Array {
  const bytes = new Uint8Array(12);
  const view = viewOf(bytes);
  view.setUint16(0, AF.netlink, true);
  view.setUint32(8, groups, true);
  return bytes;
}

function fiveSeconds(): Uint8Array {
  const time = new Uint8Array(16);
  time[0] = 5;
  return time;
}
