#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import * as compare from './compare.js';
import * as ctl from './ctl.js';
import * as decode from './decode-command.js';
import { packageVersion } from './files.js';
import * as lab from './lab.js';
import { reportFailure, stopQuietlyOnClosedPipe } from './outcome.js';
import * as roles from './roles.js';
import * as run from './run.js';
import * as schemes from './schemes.js';
import * as signalling from './signalling.js';

/** One module a command. */
const commands = [compare, run, signalling, lab, decode, roles, ctl, schemes];

async function main(argv: readonly string[]): Promise<void> {
  stopQuietlyOnClosedPipe();
  const program = new Command('anchorage')
    .description('Localized IPv6 mobility: one protocol core, in a simulator and on Linux routers')
    .version(packageVersion())
    .showHelpAfterError('(see --help)')
    .exitOverride();
  for (const { register } of commands) register(program);
  try {
    await program.parseAsync(argv);
  } catch (error) {
    process.exitCode = error instanceof CommanderError ? usageExit(error) : reportFailure(error);
  }
}

/** Commander has printed what there is to say; what is wrong with a command line exits with 2. */
function usageExit(error: CommanderError): number {
  return error.exitCode === 0 ? 0 : 2;
}

await main(process.argv);
