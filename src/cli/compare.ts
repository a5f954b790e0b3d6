import type { Command } from 'commander';
import { schemes } from '../protocol/schemes.js';
import type { Scenario } from '../scenario/model.js';
import { reportPage } from '../scenario/report/page.js';
import { runScheme, type SchemeRun } from '../scenario/run.js';
import { comparisonTable } from './comparison-table.js';
import { outputDirectory, packageVersion, plotLibrary, writeOutput } from './files.js';
import { Progress } from './progress.js';
import { addScenarioOptions, findScheme, loadScenario, type ScenarioOptions } from './scenario-options.js';

export function register(program: Command): void {
  const command = program
    .command('compare')
    .description('run a scenario under every scheme; print a table and write a report')
    .argument('[scenario]', 'a scenario file, or the name of one of ours', 'comparison')
    .option('--scheme <names>', 'only these, separated by commas (default: all)');
  addScenarioOptions(command).action(compare);
}

function compare(file: string, options: ScenarioOptions & { scheme?: string }): void {
  const scenario = loadScenario(file, options.set);
  const chosen = options.scheme === undefined ? schemes : [...new Set(options.scheme.split(','))].map(findScheme);
  const directory = outputDirectory(options.out ?? `out/${scenario.name}`);
  const progress = new Progress();
  const runs = chosen.map(scheme =>
    runScheme(scenario, scheme, {
      seed: options.seed,
      progress: (doneMs, totalMs) => progress.update(`${scheme.name}: ${Math.floor((100 * doneMs) / totalMs)} %`),
    }),
  );
  progress.end();
  const command = ['anchorage compare', shellWord(file), ...commandOptions(options)].join(' ');
  const report = writeReport(runs, { scenario, directory, command, seed: options.seed });
  const results = runs.map(run => run.result);
  if (options.json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
  else process.stdout.write(`${scenario.title}\n\n${comparisonTable(results)}\nreport: ${report}\n`);
}

/** As a shell reads it back. */
export function shellWord(text: string): string {
  return /^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** The options as one would type them again. */
export function commandOptions(options: ScenarioOptions & { scheme?: string }): string[] {
  return [
    ...(options.scheme === undefined ? [] : [`--scheme ${options.scheme}`]),
    ...Object.entries(options.set ?? {}).map(([name, value]) => `--set ${name}=${value}`),
    ...(options.seed === undefined ? [] : [`--seed ${options.seed}`]),
  ];
}

/** Returns the path of the report. */
export function writeReport(
  runs: readonly SchemeRun[],
  place: { scenario: Scenario; directory: string; command: string; seed: number | undefined },
): string {
  const page = reportPage(runs, {
    command: place.command,
    seed: place.seed ?? place.scenario.seed,
    version: packageVersion(),
    plotLibrary: plotLibrary(),
  });
  const path = `${place.directory}/report.html`;
  writeOutput(path, page);
  return path;
}
