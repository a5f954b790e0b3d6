import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { closeFile, createEvent, wake } from './ffi/libc.js';
import { packetsOf, type Received } from './receive-batch.js';

/** A descriptor to receive from: a socket with messages and their senders, or a device that gives a packet a read. */
export interface ReceiveSource {
  readonly fd: number;
  readonly kind: 'messages' | 'reads';
  receive(packet: Received): void;
}

/** What the receiving thread is started with. */
export interface ReceiverPlan {
  readonly sources: readonly Pick<ReceiveSource, 'fd' | 'kind'>[];
  readonly event: number;
  readonly inFlight: SharedArrayBuffer;
  readonly maximumInFlight: number;
}

const maximumInFlight = 64;

/** Receives from descriptors in a thread of its own and delivers on this one. The descriptors stay the caller's. */
export class Receiver {
  readonly #worker: Worker;
  readonly #event = createEvent();

  /** `failed` hears of an error that ended the thread. */
  constructor(sources: readonly ReceiveSource[], failed: (error: unknown) => void) {
    const inFlight = new SharedArrayBuffer(4);
    const counter = new Int32Array(inFlight);
    const plan: ReceiverPlan = {
      sources: sources.map(({ fd, kind }) => ({ fd, kind })),
      event: this.#event,
      inFlight,
      maximumInFlight,
    };
    this.#worker = new Worker(new URL('./receive-worker.js', import.meta.url), { workerData: plan });
    this.#worker.on('message', ({ source, bytes }: { source: number; bytes: Uint8Array }) => {
      Atomics.sub(counter, 0, 1);
      Atomics.notify(counter, 0);
      for (const packet of packetsOf(bytes)) sources[source].receive(packet);
    });
    this.#worker.on('error', failed);
  }

  /** Returns when the thread has ended and reads no more. */
  async stop(): Promise<void> {
    const ended = once(this.#worker, 'exit');
    wake(this.#event);
    await ended;
    closeFile(this.#event);
  }
}
