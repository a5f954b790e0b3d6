import { ConfigError, HostError } from '../base/errors.js';

/** Exit codes of all commands. */
export const exit = { ok: 0, failed: 1, usage: 2 } as const;

/** Everything wrong with what the user wrote, one line each. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'));
  }
}

/** Says on stderr what went wrong, plainly where it is not our fault, and returns the exit code. */
export function reportFailure(error: unknown): number {
  if (error instanceof UsageError || error instanceof ConfigError) {
    process.stderr.write(`${error.message}\n`);
    return exit.usage;
  }
  const plain = error instanceof HostError || isSystemError(error);
  process.stderr.write(`${error instanceof Error ? (plain ? error.message : error.stack) : String(error)}\n`);
  return exit.failed;
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && 'syscall' in error;
}

/** `anchorage … | head` ends as other programs do. */
export function stopQuietlyOnClosedPipe(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(exit.ok);
      throw error;
    });
}
