import { Worker } from 'node:worker_threads';
import type { Address } from '../base/address.js';
import { HostError } from '../base/errors.js';
import { millisecond } from '../base/time.js';
import type { Input, MessageService } from '../protocol/contract.js';
import { defaultTiming, maximumMessageOctets } from '../protocol/sctp/settings.js';
import { sctpServices } from '../wire/sctp/services.js';
import { closeFile, createEvent, wake } from './ffi/libc.js';
import { abortSctp, associationChangeOf, openSctp, type SctpPart, sendSctp } from './ffi/sctp.js';

/** What the receiving thread is started with. */
export interface SctpPlan {
  readonly fds: readonly number[];
  readonly event: number;
  readonly inFlight: SharedArrayBuffer;
  readonly maximumInFlight: number;
}

type ServiceInput = Extract<Input, { kind: 'message' | 'peerLost' }>;

const maximumInFlight = 64;
const maximumPartialMessages = 1024;

/** Carries the messages of services over the SCTP of this kernel: a one-to-many socket a service (RFC 6458 §3). */
export class KernelSctp {
  readonly #sockets: readonly { readonly service: MessageService; readonly fd: number }[];
  readonly #hear: (input: ServiceInput) => void;
  readonly #event: number;
  readonly #ended: Promise<unknown>;
  /** Messages that came in parts, up to now. */
  readonly #partial = new Map<string, Uint8Array[]>();

  /** Throws HostError. `ended` hears of an error after which nothing is received any more. */
  constructor(
    address: Address,
    services: readonly MessageService[],
    hear: (input: ServiceInput) => void,
    ended: (error: Error) => void,
  ) {
    this.#hear = hear;
    this.#sockets = openAll(address, services);
    this.#event = createEvent();
    const inFlight = new SharedArrayBuffer(4);
    const counter = new Int32Array(inFlight);
    const fds = this.#sockets.map(({ fd }) => fd);
    const plan: SctpPlan = { fds, event: this.#event, inFlight, maximumInFlight };
    const worker = new Worker(new URL('./kernel-sctp-worker.js', import.meta.url), { workerData: plan });
    worker.on('message', ({ index, part }: { index: number; part: SctpPart }) => {
      Atomics.sub(counter, 0, 1);
      Atomics.notify(counter, 0);
      this.#received(this.#sockets[index].service, part);
    });
    worker.on('error', ended);
    this.#ended = new Promise(resolve => worker.once('exit', resolve));
  }

  /** Throws HostError where the kernel does not take it; then all that was sent to the peer counts as lost. */
  send(service: MessageService, peer: Address, data: Uint8Array): void {
    const { port, payloadProtocol, unordered } = sctpServices[service];
    const fd = this.#socketOf(service);
    try {
      sendSctp(fd, { peer, port, payloadProtocol, unordered, data });
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
      this.#abort(service, peer);
      this.#hear({ kind: 'peerLost', service, peer });
      throw error;
    }
  }

  /** The kernel ends the associations by itself, after what was sent has arrived. */
  async close(): Promise<void> {
    wake(this.#event);
    await this.#ended;
    for (const { fd } of this.#sockets) closeFile(fd);
    closeFile(this.#event);
  }

  #received(service: MessageService, part: SctpPart): void {
    const { port, payloadProtocol } = sctpServices[service];
    const peer = part.sender;
    if (part.isNotification) {
      const change = associationChangeOf(part.data);
      if (change === undefined || change === 'up') return;
      this.#partial.delete(`${service} ${peer}`);
      return this.#hear({ kind: 'peerLost', service, peer });
    }
    const data = this.#whole(service, part);
    if (data && part.payloadProtocol === payloadProtocol && part.senderPort === port)
      this.#hear({ kind: 'message', service, peer, data });
  }

  /** The kernel may hand a long message over in parts, one message of a peer at a time. */
  #whole(service: MessageService, { sender, data, isEnd }: SctpPart): Uint8Array | undefined {
    const key = `${service} ${sender}`;
    const parts = this.#partial.get(key);
    if (isEnd && !parts) return data;
    const all = [...(parts ?? []), data];
    const octets = all.reduce((sum, { length }) => sum + length, 0);
    this.#partial.delete(key);
    if (octets > maximumMessageOctets || this.#partial.size >= maximumPartialMessages) {
      this.#abort(service, sender);
      return undefined;
    }
    if (isEnd) return Buffer.concat(all);
    this.#partial.set(key, all);
    return undefined;
  }

  /** That there is no such association any more is as good. */
  #abort(service: MessageService, peer: Address): void {
    try {
      abortSctp(this.#socketOf(service), peer, sctpServices[service].port);
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
    }
  }

  #socketOf(service: MessageService): number {
    const socket = this.#sockets.find(candidate => candidate.service === service);
    if (!socket) throw new HostError('sendmsg', 0, `the engine does not say that it speaks ${service}`);
    return socket.fd;
  }
}

function openAll(address: Address, services: readonly MessageService[]) {
  const { rtoInitial, rtoMin, rtoMax, validCookieLife, ...counts } = defaultTiming;
  const times = { rtoInitial, rtoMin, rtoMax, validCookieLife };
  const inMs = Object.fromEntries(Object.entries(times).map(([name, time]) => [name, time / millisecond]));
  const timing = { ...counts, ...(inMs as typeof times) };
  const sockets: { service: MessageService; fd: number }[] = [];
  try {
    for (const service of services)
      sockets.push({ service, fd: openSctp(address, sctpServices[service].port, timing) });
    return sockets;
  } catch (error) {
    for (const { fd } of sockets) closeFile(fd);
    throw error;
  }
}
