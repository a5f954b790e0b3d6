import { parentPort, workerData } from 'node:worker_threads';
import { HostError } from '../base/errors.js';
import { errno, waitReadable } from './ffi/libc.js';
import { type SctpPart, SctpReceiver } from './ffi/sctp.js';
import type { SctpPlan } from './kernel-sctp.js';

/** The receiving thread of the kernel's SCTP: sleeps in poll() and hands over what came, part by part. */

const { fds, event, inFlight, maximumInFlight } = workerData as SctpPlan;
const pending = new Int32Array(inFlight);
const partOctets = 65536;
const receivers = fds.map(fd => new SctpReceiver(fd, partOctets));

for (;;) {
  const ready = waitReadable([...fds, event]);
  if (ready[fds.length] !== 'idle') break;
  fds.forEach((_, i) => {
    if (ready[i] !== 'idle') empty(i);
  });
}

function empty(index: number): void {
  for (let part = next(index); part; part = next(index)) {
    // What the main thread has not taken yet stays with the kernel, whose window closes.
    for (let count = Atomics.load(pending, 0); count >= maximumInFlight; count = Atomics.load(pending, 0))
      Atomics.wait(pending, 0, count, 1000);
    Atomics.add(pending, 0, 1);
    parentPort?.postMessage({ index, part });
  }
}

/** An error of one association is on the socket until it is read; that is all there is to do about it here. */
function next(index: number): SctpPart | undefined {
  for (;;)
    try {
      return receivers[index].receive();
    } catch (error) {
      if (!(error instanceof HostError) || error.errno === errno.EBADF) throw error;
    }
}
