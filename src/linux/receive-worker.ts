import { parentPort, workerData } from 'node:worker_threads';
import { HostError } from '../base/errors.js';
import { addressOf, type Readiness, readFile, receiveMessages, waitReadable } from './ffi/libc.js';
import { viewOf } from './netlink/message.js';
import { BatchWriter } from './receive-batch.js';
import type { ReceiverPlan } from './receiver.js';

/** The receiving thread: sleeps in poll(), empties what became readable, hands it over in batches. */

const { sources, event, inFlight, maximumInFlight } = workerData as ReceiverPlan;
const pending = new Int32Array(inFlight);
const batch = new BatchWriter();
const packetsPerCall = 64;
const octetsPerPacket = 2048;
const octetsPerRead = 65536;
const messageHeaderOctets = 64;
const nameOctets = 20;
const controlOctets = 64;
const checksumNotReady = 8;

/** Buffers for recvmmsg(): `struct mmsghdr` with its name, data and control parts, prepared once. */
class MessageBuffers {
  readonly headers = new Uint8Array(packetsPerCall * messageHeaderOctets);
  readonly names = new Uint8Array(packetsPerCall * nameOctets);
  readonly data = new Uint8Array(packetsPerCall * octetsPerPacket);
  readonly control = new Uint8Array(packetsPerCall * controlOctets);
  readonly #vectors = new Uint8Array(packetsPerCall * 16);
  readonly #view = viewOf(this.headers);

  constructor() {
    const vectors = viewOf(this.#vectors);
    for (let i = 0; i < packetsPerCall; i++) {
      vectors.setBigUint64(16 * i, addressOf(this.data) + BigInt(i * octetsPerPacket), true);
      vectors.setBigUint64(16 * i + 8, BigInt(octetsPerPacket), true);
    }
  }

  /** The kernel shortens the lengths it is given, so they are set before each call. */
  prepare(): void {
    for (let i = 0; i < packetsPerCall; i++) {
      const at = i * messageHeaderOctets;
      this.#view.setBigUint64(at, addressOf(this.names) + BigInt(i * nameOctets), true);
      this.#view.setUint32(at + 8, nameOctets, true);
      this.#view.setBigUint64(at + 16, addressOf(this.#vectors) + BigInt(16 * i), true);
      this.#view.setBigUint64(at + 24, 1n, true);
      this.#view.setBigUint64(at + 32, addressOf(this.control) + BigInt(i * controlOctets), true);
      this.#view.setBigUint64(at + 40, BigInt(controlOctets), true);
    }
  }

  /** Adds the first `count` messages to the batch. */
  collect(count: number): void {
    const names = viewOf(this.names);
    const control = viewOf(this.control);
    for (let i = 0; i < count; i++) {
      const length = this.#view.getUint32(i * messageHeaderOctets + 56, true);
      const controlLength = Number(this.#view.getBigUint64(i * messageHeaderOctets + 40, true));
      const name = i * nameOctets;
      const device = names.getUint32(name + 4, true);
      const neighbour = this.names.subarray(name + 12, name + 12 + Math.min(8, this.names[name + 11]));
      const status = controlLength >= 20 ? control.getUint32(i * controlOctets + 16, true) : 0;
      const start = i * octetsPerPacket;
      const packet = this.data.subarray(start, start + length);
      batch.add(packet, device, neighbour, (status & checksumNotReady) !== 0);
    }
  }
}

const buffers = new MessageBuffers();
const readBuffer = new Uint8Array(octetsPerRead);
const nobody = new Uint8Array();

function takeMessages(fd: number): boolean {
  buffers.prepare();
  const count = receiveMessages(fd, buffers.headers, packetsPerCall);
  buffers.collect(count);
  return count === packetsPerCall;
}

function takeReads(fd: number): boolean {
  for (let i = 0; i < packetsPerCall; i++) {
    const length = readFile(fd, readBuffer);
    if (length === 0) return false;
    batch.add(readBuffer.subarray(0, length), 0, nobody, false);
  }
  return true;
}

/** A main thread that does not keep up stops us here, and the kernel's queues overflow instead of our memory. */
function post(source: number): void {
  const bytes = batch.take();
  Atomics.add(pending, 0, 1);
  parentPort?.postMessage({ source, bytes }, [bytes.buffer]);
  for (let n = Atomics.load(pending, 0); n >= maximumInFlight; n = Atomics.load(pending, 0))
    Atomics.wait(pending, 0, n);
}

/** Reading takes a descriptor's error away; one that stays in error would have us turn here for ever. */
function checkErrors(index: number, ready: Readiness): void {
  errorsInARow[index] = ready === 'inError' ? errorsInARow[index] + 1 : 0;
  if (errorsInARow[index] > mostErrorsInARow)
    throw new HostError('poll', 0, `source ${index} is in error and does not say which`);
}

const mostErrorsInARow = 100;
const errorsInARow = sources.map(() => 0);
const descriptors = [event, ...sources.map(source => source.fd)];
for (let running = true; running; ) {
  const [stopping, ...ready] = waitReadable(descriptors);
  running = stopping === 'idle';
  sources.forEach(({ fd, kind }, index) => {
    checkErrors(index, ready[index]);
    if (!running || ready[index] === 'idle') return;
    const take = kind === 'messages' ? takeMessages : takeReads;
    for (let more = true; more; ) {
      more = take(fd);
      if (!batch.empty) post(index);
    }
  });
}
