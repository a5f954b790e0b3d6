import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import type { Scheme } from '../protocol/scheme.js';
import { schemeNamed, schemes } from '../protocol/schemes.js';
import type { Scenario } from '../scenario/model.js';
import { parseScenario } from '../scenario/parse.js';
import { scenarioPath } from './files.js';
import { UsageError } from './outcome.js';

/** What commands that run a scenario have in common. */
export interface ScenarioOptions {
  readonly set?: Readonly<Record<string, number>>;
  readonly seed?: number;
  readonly out?: string;
  readonly json?: boolean;
}

export function addScenarioOptions(command: Command): Command {
  return command
    .option('--set <name=value>', "set one of the scenario's parameters (repeatable)", collectSetting)
    .option('--seed <number>', 'seed of all randomness (default: the scenario’s)', parseSeed)
    .option('--out <directory>', 'where files go (default: out/ and the scenario’s name)')
    .option('--json', 'print data instead of a table');
}

/** Reads a scenario file, or one of ours by name. Throws UsageError with every problem. */
export function loadScenario(file: string, overrides: Readonly<Record<string, number>> = {}): Scenario {
  const path = scenarioPath(file);
  const result = parseScenario(readFile(path), { file: path, overrides });
  if (result.ok) return result.scenario;
  throw new UsageError(result.problems.map(problem => problem.message));
}

function readFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError([`${path}: a scenario file: ${(error as Error).message}`]);
  }
}

/** Throws UsageError listing the schemes there are. */
export function findScheme(name: string): Scheme {
  const scheme = schemeNamed(name);
  if (!scheme) throw new UsageError([`no scheme '${name}'; known: ${schemes.map(one => one.name).join(', ')}`]);
  return scheme;
}

function collectSetting(text: string, before: Readonly<Record<string, number>> = {}): Record<string, number> {
  const [, name, value] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  const number = Number(value);
  if (name === undefined || !Number.isFinite(number)) throw new InvalidArgumentError('wants name=number.');
  return { ...before, [name]: number };
}

function parseSeed(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('wants a whole number of at least 0.');
  return Number(text);
}
