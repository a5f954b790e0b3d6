import { spawnSync } from 'node:child_process';
import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';

const limitFlag = '--max-old-space-size';
/** Of each half of V8's young generation: most of what a simulation allocates is a packet's, and gone before it is collected. */
const youngFlag = '--max-semi-space-size=128';

/**
 * Runs this command again with three quarters of the machine's memory as its heap, since V8 takes 4 GB at the most unless it is told.
 * Returns whether it did: then all is done. Who has set the limit keeps it.
 */
export function rerunWithLargeHeap(): boolean {
  const given = [...process.execArgv, process.env.NODE_OPTIONS ?? ''];
  if (given.some(flags => flags.includes(limitFlag))) return false;
  const heapMB = Math.floor((0.75 * Math.min(totalmem(), process.constrainedMemory() || totalmem())) / 2 ** 20);
  if (getHeapStatistics().heap_size_limit / 2 ** 20 >= heapMB) return false;
  const flags = [...process.execArgv, `${limitFlag}=${heapMB}`, youngFlag];
  const { status, signal, error } = spawnSync(process.execPath, [...flags, ...process.argv.slice(1)], {
    stdio: 'inherit',
  });
  if (error) throw error;
  if (signal) throw new Error(`ended by ${signal}, with a heap of ${heapMB} MB`);
  process.exitCode = status ?? 1;
  return true;
}
