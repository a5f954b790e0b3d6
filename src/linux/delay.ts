import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { type Duration, milliseconds } from '../base/time.js';
import { closeFile, createEvent, wake } from './ffi/libc.js';

/** How a cable treats frames, the same both ways. */
export interface LineQuality {
  /** One way, 0 or more. */
  readonly delayMs: number;
  /** Fraction of frames lost, 0 to 1. */
  readonly loss?: number;
  /** Of the loss. */
  readonly seed?: number;
}

/** A device to make: the path of a network namespace, and its name there. */
export interface LineEnd {
  readonly namespace: string;
  readonly device: string;
}

/** What the thread is started with. */
export interface LinePlan {
  readonly ends: readonly [LineEnd, LineEnd];
  readonly event: number;
  readonly delay: Duration;
  readonly loss: number;
  readonly seed: number;
}

/** A cable with a delay between two TAP devices, for kernels without netem: a thread that holds each frame for its time. */
export class DelayLine {
  /** Resolves when the line carries nothing any more: it was stopped, or a device of it was taken away. */
  readonly ended: Promise<unknown>;
  readonly #event: number;

  private constructor(worker: Worker, event: number) {
    this.ended = new Promise(resolve => worker.once('exit', resolve));
    this.#event = event;
  }

  /** Returns when both devices are there, still down. Throws HostError. */
  static async start(a: LineEnd, b: LineEnd, quality: LineQuality): Promise<DelayLine> {
    const event = createEvent();
    const delay = milliseconds(quality.delayMs);
    const plan: LinePlan = { ends: [a, b], event, delay, loss: quality.loss ?? 0, seed: quality.seed ?? 1 };
    const worker = new Worker(new URL('./delay-worker.js', import.meta.url), { workerData: plan });
    await once(worker, 'message');
    return new DelayLine(worker, event);
  }

  /** The devices are gone when it returns. */
  async stop(): Promise<void> {
    wake(this.#event);
    await this.ended;
    closeFile(this.#event);
  }
}
