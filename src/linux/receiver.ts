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
  readonly #ended: Promise<unknown>;
  readonly #event = createEvent();

  /** `ended` hears of an error that ended the thread, once; nothing is received any more. */
  constructor(sources: readonly ReceiveSource[], ended: (error: Error) => void) {
    const inFlight = new SharedArrayBuffer(4);
    const counter = new Int32Array(inFlight);
    const plan: ReceiverPlan = {
      sources: sources.map(({ fd, kind }) => ({ fd, kind })),
      event: this.#event,
      inFlight,
      maximumInFlight,
    };
    const worker = new Worker(new URL('./receive-worker.js', import.meta.url), { workerData: plan });
    worker.on('message', ({ source, bytes }: { source: number; bytes: Uint8Array }) => {
      Atomics.sub(counter, 0, 1);
      Atomics.notify(counter, 0);
      for (const packet of packetsOf(bytes)) sources[source].receive(packet);
    });
    worker.on('error', ended);
    this.#ended = new Promise(resolve => worker.once('exit', resolve));
  }

  /** Returns when the thread has ended and reads no more. */
  async stop(): Promise<void> {
    wake(this.#event);
    await this.#ended;
    closeFile(this.#event);
  }
}
