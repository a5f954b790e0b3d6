import { parentPort, workerData } from 'node:worker_threads';
import { HostError } from '../base/errors.js';
import { seededRandom, uniform } from '../base/random.js';
import type { Instant } from '../base/time.js';
import { monotonicNow } from './clock.js';
import type { LineEnd, LinePlan } from './delay.js';
import { closeFile, enterNetworkNamespace, openFile, readFile, waitReadable, writeFile } from './ffi/libc.js';
import { openDevice } from './tun.js';

/** The thread of a {@link DelayLine}: sleeps until a frame arrives or the oldest one is due. */

const { ends, event, delay, loss, seed } = workerData as LinePlan;
const random = seededRandom(seed);
const framesPerTurn = 64;
/** Frames under way in one direction before new ones are dropped, as a queue would. */
const longestQueue = 100_000;
const buffer = new Uint8Array(65536);

/** Frames on their way, oldest first; `head` counts those that have left. */
interface Direction {
  readonly from: number;
  readonly to: number;
  frames: Uint8Array[];
  due: Instant[];
  head: number;
}

function open({ namespace, device }: LineEnd): number {
  const fd = openFile(namespace, { readOnly: true });
  enterNetworkNamespace(fd);
  closeFile(fd);
  return openDevice(device, 'tap');
}

/** Throws HostError where the device is gone; one that is down has no frames. */
function take(direction: Direction): void {
  for (let i = 0; i < framesPerTurn; i++) {
    const length = readFile(direction.from, buffer);
    if (length === 0) return;
    if (loss > 0 && uniform(random, 0, 1) < loss) continue;
    if (direction.frames.length - direction.head >= longestQueue) continue;
    direction.frames.push(buffer.slice(0, length));
    direction.due.push(monotonicNow() + delay);
  }
}

function deliver(direction: Direction, now: Instant): void {
  const { frames, due } = direction;
  while (direction.head < frames.length && due[direction.head] <= now) write(direction.to, frames[direction.head++]);
  if (direction.head === frames.length || direction.head > 1024) {
    frames.splice(0, direction.head);
    due.splice(0, direction.head);
    direction.head = 0;
  }
}

/** A device that is down takes no frames, which is no reason to end. */
function write(fd: number, frame: Uint8Array): void {
  try {
    writeFile(fd, frame);
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
  }
}

const [a, b] = ends.map(open);
const directions: Direction[] = [
  { from: a, to: b, frames: [], due: [], head: 0 },
  { from: b, to: a, frames: [], due: [], head: 0 },
];
parentPort?.postMessage('ready');
for (let running = true; running; ) running = turn();
closeFile(a);
closeFile(b);

/** Waits for something to do and does it; false: that was the last of it. */
function turn(): boolean {
  const next = Math.min(...directions.map(({ due, head }) => due[head] ?? Number.POSITIVE_INFINITY));
  const timeout = Number.isFinite(next) ? Math.max(0, next - monotonicNow()) : undefined;
  const [stopping, ...ready] = waitReadable([event, a, b], timeout);
  try {
    directions.forEach((direction, i) => {
      if (ready[i] !== 'idle') take(direction);
    });
  } catch (error) {
    if (error instanceof HostError) return false;
    throw error;
  }
  const now = monotonicNow();
  for (const direction of directions) deliver(direction, now);
  return stopping === 'idle';
}
