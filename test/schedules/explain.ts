import { generate, isProxyScheme, type Schedule, type SchemeName } from './generate.js';
import { generateMobiles, type MobileSchedule, type MobileSchemeName } from './generate-mobiles.js';
import { runSchedule } from './run.js';
import { runMobileSchedule } from './run-mobiles.js';
import { shrink } from './shrink.js';
import type { Offence } from './watched.js';

export type AnySchemeName = SchemeName | MobileSchemeName;

/** What the schedule of a seed broke, how to see it again and the least of it that breaks the same; undefined: nothing. */
export function failureOf(seed: number, scheme: AnySchemeName): string | undefined {
  if (isProxyScheme(scheme)) return failureIn(generate(seed, scheme), runSchedule);
  return failureIn(generateMobiles(seed, scheme), runMobileSchedule);
}

function failureIn<S extends Schedule | MobileSchedule>(
  schedule: S,
  run: (schedule: S) => Offence[],
): string | undefined {
  const offences = run(schedule);
  if (offences.length === 0) return undefined;
  const { seed, scheme } = schedule;
  const broken = new Set(offences.map(({ invariant }) => invariant));
  const smallest = shrink(schedule, smaller => run(smaller).some(({ invariant }) => broken.has(invariant)));
  return [
    `schedule ${seed} of ${scheme}:`,
    ...offences.map(({ invariant, node, detail }) => `  ${invariant} ${node}: ${detail}`),
    `again: npm run schedules -- --from ${seed} --count 1 --scheme ${scheme}`,
    'without what it does without:',
    ...linesOf(smallest),
  ].join('\n');
}

/** JSON, a line for each entry of its lists. */
function linesOf({ scenario, ...rest }: Schedule | MobileSchedule): string[] {
  const { nodes, links, movement, traffic, faults, ...others } = scenario;
  const lists = { nodes: Object.entries(nodes), links, movement, traffic, faults };
  return [
    `  ${JSON.stringify({ ...rest, ...others })}`,
    ...Object.entries(lists).flatMap(([name, entries]) => [
      `  ${name}`,
      ...entries.map(entry => `    ${JSON.stringify(entry)}`),
    ]),
  ];
}
