import type { Role } from '../protocol/scheme.js';
import { Refusal } from './control.js';
import { Daemon } from './daemon.js';
import { notifyServiceManager } from './notify.js';

/** Runs `role` until SIGTERM or SIGINT; SIGHUP reloads. Throws what `Daemon.start` throws. A world that fails ends the process. */
export async function runDaemon(role: Role, file: string): Promise<void> {
  const daemon = await Daemon.start(role, file);
  process.on('SIGHUP', () => reload(daemon));
  notifyServiceManager('--ready');
  void daemon.failed.then(() => endAsIs(daemon));
  await terminated();
  notifyServiceManager('--stopping');
  await daemon.stop();
}

/** As a crash would: what is stored and what the kernel forwards stays for the process that the service manager starts next. */
function endAsIs(daemon: Daemon): never {
  daemon.log.error({}, 'ending, to be started again');
  process.exit(1);
}

function reload(daemon: Daemon): void {
  try {
    daemon.reload();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    for (const problem of error.problems) daemon.log.error({}, problem);
    daemon.log.error({}, `reload refused: ${error.message}`);
  }
}

/** The first of the signals that ask for an orderly end; a second one gets the default and ends the process at once. */
function terminated(): Promise<void> {
  return new Promise(resolve => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
  });
}
