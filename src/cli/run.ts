import type { Command } from 'commander';
import { runScheme } from '../scenario/run.js';
import { Capture, traceLine } from '../sim/index.js';
import { commandOptions, shellWord, writeReport } from './compare.js';
import { comparisonTable } from './comparison-table.js';
import { outputDirectory, writeOutput } from './files.js';
import { Progress } from './progress.js';
import { addScenarioOptions, findScheme, loadScenario, type ScenarioOptions } from './scenario-options.js';

export function register(program: Command): void {
  const command = program
    .command('run')
    .description('run a scenario under one scheme; write trace.jsonl, capture.pcapng and report.html')
    .argument('<scenario>', 'a scenario file, or the name of one of ours')
    .requiredOption('--scheme <name>', 'which scheme; see `anchorage schemes`');
  addScenarioOptions(command).action(run);
}

function run(file: string, options: ScenarioOptions & { scheme: string }): void {
  const scenario = loadScenario(file, options.set);
  const scheme = findScheme(options.scheme);
  const directory = outputDirectory(options.out ?? `out/${scenario.name}-${scheme.name}`);
  let capture: Capture | undefined;
  const progress = new Progress();
  const done = runScheme(scenario, scheme, {
    seed: options.seed,
    prepare: simulation => {
      capture = new Capture(simulation);
    },
    progress: (doneMs, totalMs) => progress.update(`${scheme.name}: ${Math.floor((100 * doneMs) / totalMs)} %`),
  });
  progress.end();
  if (capture) writeOutput(`${directory}/capture.pcapng`, capture.bytes());
  writeOutput(`${directory}/trace.jsonl`, `${done.simulated.trace.map(traceLine).join('\n')}\n`);
  const command = ['anchorage run', shellWord(file), ...commandOptions(options)].join(' ');
  writeReport([done], { scenario, directory, command, seed: options.seed });
  if (options.json) process.stdout.write(`${JSON.stringify(done.result, null, 2)}\n`);
  else
    process.stdout.write(
      `${scenario.title}\n\n${comparisonTable([done.result])}\n${directory}/: report.html, trace.jsonl, capture.pcapng\n`,
    );
}
