import { type Command, InvalidArgumentError } from 'commander';
import { cuts, type SignallingPoint, signallingGrowth } from '../scenario/growth.js';
import { growthPage } from '../scenario/report/growth-page.js';
import { commandOptions, shellWord } from './compare.js';
import { outputDirectory, packageVersion, plotLibrary, writeOutput } from './files.js';
import { rerunWithLargeHeap } from './heap.js';
import { Progress } from './progress.js';
import { addScenarioOptions, findScheme, loadScenario, type ScenarioOptions } from './scenario-options.js';
import { textTable } from './table.js';

interface SignallingOptions extends ScenarioOptions {
  readonly scheme: string;
  readonly mobiles: readonly number[];
  readonly anchors: readonly number[];
}

export function register(program: Command): void {
  const command = program
    .command('signalling')
    .description(
      'count messages of domains of several sizes, anchors told where needed or all of all; write signalling.html',
    )
    .argument('[scenario]', 'a scenario file with parameters mobiles, anchors and dlmaPush', 'continent')
    .option('--scheme <name>', 'which scheme', 'dlma')
    .option('--mobiles <numbers>', 'separated by commas', counts, [1000, 2500, 5000, 10_000])
    .option('--anchors <numbers>', 'separated by commas', counts, [5, 10, 25, 50]);
  addScenarioOptions(command).action(signalling);
}

/** Mobiles by anchors: where all of these are told of more of those, V8's own choice of a heap may not do. */
const mostInSmallHeap = 200_000;

function signalling(file: string, options: SignallingOptions): void {
  const { mobiles, anchors, set } = options;
  if (Math.max(...mobiles) * Math.max(...anchors) > mostInSmallHeap && rerunWithLargeHeap()) return;
  const scheme = findScheme(options.scheme);
  const load = (size: Readonly<Record<string, number>>) => {
    const scenario = loadScenario(file, { ...set, ...size });
    return options.seed === undefined ? scenario : { ...scenario, seed: options.seed };
  };
  const directory = outputDirectory(options.out ?? 'out/signalling');
  const progress = new Progress();
  const points = signallingGrowth(load, scheme, cuts(mobiles, anchors), (size, share) =>
    progress.update(`${size.mobiles} mobiles, ${size.anchors} anchors: ${Math.floor(100 * share)} %`),
  );
  progress.end();
  const sizes = [`--mobiles ${mobiles.join()}`, `--anchors ${anchors.join()}`];
  const command = ['anchorage signalling', shellWord(file), ...sizes, ...commandOptions(options)].join(' ');
  const path = `${directory}/signalling.html`;
  writeOutput(path, growthPage(points, { command, version: packageVersion(), plotLibrary: plotLibrary() }));
  if (options.json) process.stdout.write(`${JSON.stringify(points, null, 2)}\n`);
  else process.stdout.write(`${table(points)}\n${path}\n`);
}

function table(points: readonly SignallingPoint[]): string {
  const rows = points.map(({ mobiles, anchors, told, toldAll }) => [
    ...[mobiles, anchors, told, toldAll].map(count => count.toLocaleString('en-US')),
    ...[told, toldAll].map(messages => (messages / mobiles).toFixed(1)),
  ]);
  return textTable([['mobiles', 'anchors', 'told', 'told to all', 'a mobile', 'to all'], ...rows], 'rrrrrr');
}

function counts(text: string): readonly number[] {
  const numbers = text.split(',').map(Number);
  if (!numbers.every(number => Number.isInteger(number) && number > 0))
    throw new InvalidArgumentError('wants whole numbers above 0, separated by commas.');
  return numbers;
}
