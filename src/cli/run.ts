import type { Command } from 'commander';
import { nodesWithRole } from '../scenario/model.js';
import { runScheme } from '../scenario/run.js';
import { Capture, traceLine } from '../sim/index.js';
import { commandOptions, shellWord, writeReport } from './compare.js';
import { comparisonTable } from './comparison-table.js';
import { outputDirectory, writeOutput } from './files.js';
import { rerunWithLargeHeap } from './heap.js';
import { Progress } from './progress.js';
import { addScenarioOptions, findScheme, loadScenario, type ScenarioOptions } from './scenario-options.js';
import { printTotals } from './totals.js';

export function register(program: Command): void {
  const command = program
    .command('run')
    .description(
      'run a scenario under one scheme; write trace.jsonl, capture.pcapng and report.html, or only print totals',
    )
    .argument('<scenario>', 'a scenario file, or the name of one of ours')
    .requiredOption('--scheme <name>', 'which scheme; see `anchorage schemes`')
    .option('--totals', `keep sums alone, write no files; always so with more than ${mostRecorded} mobiles`);
  addScenarioOptions(command).action(run);
}

/** Of mobiles: a trace and a capture of more of them would not fit into memory. */
const mostRecorded = 1000;
/** Of mobiles: more of them may not fit into the heap that V8 takes by itself. */
const mostInSmallHeap = 20_000;

function run(file: string, options: ScenarioOptions & { scheme: string; totals?: true }): void {
  const startedAt = performance.now();
  const scenario = loadScenario(file, options.set);
  const scheme = findScheme(options.scheme);
  const mobiles = nodesWithRole(scenario, 'mobile').length;
  if (mobiles > mostInSmallHeap && rerunWithLargeHeap()) return;
  if (options.totals || mobiles > mostRecorded) return printTotals(scenario, scheme, { ...options, startedAt });
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
