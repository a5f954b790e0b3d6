import { readdirSync } from 'node:fs';
import type { Row } from '../protocol/contract.js';
import { ControlClient, type ControlRequest } from './control.js';

/** No daemon answers; the message says where we looked. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
}

/** Asks the daemon behind `socket`, or behind the only control socket there is. Throws Refusal and UnreachableError. */
export async function askDaemon(socket: string | undefined, request: ControlRequest): Promise<Row[]> {
  const path = socket ?? onlySocket(runDirectory);
  const client = await connect(path);
  try {
    return await client.ask(request);
  } finally {
    client.close();
  }
}

async function connect(path: string): Promise<ControlClient> {
  try {
    return await ControlClient.connect(path);
  } catch (error) {
    throw new UnreachableError(`${path}: ${reason((error as NodeJS.ErrnoException).code)}`);
  }
}

function reason(code: string | undefined): string {
  if (code === 'ENOENT') return 'no such socket; is the daemon running?';
  if (code === 'ECONNREFUSED') return 'nobody answers; the daemon ended without cleaning up';
  if (code === 'EACCES') return 'permission denied; run as the user the daemon runs as';
  return `cannot connect (${code})`;
}

const runDirectory = '/run/anchorage';

function onlySocket(directory: string): string {
  const sockets = filesIn(directory).filter(name => name.endsWith('.sock'));
  if (sockets.length === 1) return `${directory}/${sockets[0]}`;
  const found = sockets.length === 0 ? 'no control socket there' : `choose with --socket: ${sockets.join(', ')}`;
  throw new UnreachableError(`${directory}: ${found}`);
}

function filesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
