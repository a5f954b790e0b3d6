import type { Command } from 'commander';
import { ConfigErrors } from '../daemon/daemon.js';
import { runDaemon } from '../daemon/run.js';
import { roles } from '../protocol/roles.js';
import type { Role } from '../protocol/scheme.js';
import { UsageError } from './outcome.js';

/** A command for each role: `anchorage mpa --config FILE`. */
export function register(program: Command): void {
  for (const role of roles.values())
    program
      .command(role.name)
      .description(`${role.title}, as a daemon`)
      .requiredOption('--config <file>', `YAML file with sections '${role.name}' and 'world'`)
      .action(({ config }: { config: string }) => run(role, config));
}

async function run(role: Role, file: string): Promise<void> {
  try {
    await runDaemon(role, file);
  } catch (error) {
    throw error instanceof ConfigErrors ? new UsageError(error.problems.map(({ message }) => message)) : error;
  }
}
