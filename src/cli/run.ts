import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import type { Command } from 'commander';
import { type CaptureSink, captureLinks } from '../scenario/capture.js';
import { runScheme } from '../scenario/run.js';
import { traceLine } from '../scenario/trace-line.js';
import { commandOptions, writeReport } from './compare.js';
import { comparisonTable } from './comparison-table.js';
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
  const directory = options.out ?? `out/${scenario.name}-${scheme.name}`;
  mkdirSync(directory, { recursive: true });
  const capture = fileSink(`${directory}/capture.pcapng`);
  const progress = new Progress();
  const done = runScheme(scenario, scheme, {
    seed: options.seed,
    prepare: simulation => captureLinks(simulation, capture.write),
    progress: (doneMs, totalMs) => progress.update(`${scheme.name}: ${Math.floor((100 * doneMs) / totalMs)} %`),
  });
  progress.end();
  capture.close();
  writeTrace(`${directory}/trace.jsonl`, done.simulated.trace.map(traceLine));
  const command = ['anchorage run', scenario.file, ...commandOptions(options)].join(' ');
  writeReport([done], { scenario, directory, command, seed: options.seed });
  if (options.json) process.stdout.write(`${JSON.stringify(done.result, null, 2)}\n`);
  else
    process.stdout.write(
      `${scenario.title}\n\n${comparisonTable([done.result])}\n${directory}/: report.html, trace.jsonl, capture.pcapng\n`,
    );
}

/** Writes through a buffer: a capture is many small blocks. */
function fileSink(path: string): { write: CaptureSink; close(): void } {
  const file = openSync(path, 'w');
  const buffer = new Uint8Array(1 << 20);
  let used = 0;
  const flush = () => {
    for (let offset = 0; offset < used; ) offset += writeSync(file, buffer, offset, used - offset);
    used = 0;
  };
  return {
    write(bytes) {
      if (used + bytes.length > buffer.length) flush();
      buffer.set(bytes, used);
      used += bytes.length;
    },
    close() {
      flush();
      closeSync(file);
    },
  };
}

function writeTrace(path: string, lines: readonly string[]): void {
  const sink = fileSink(path);
  const encoder = new TextEncoder();
  for (const line of lines) sink.write(encoder.encode(`${line}\n`));
  sink.close();
}
