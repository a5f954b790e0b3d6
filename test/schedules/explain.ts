import { generate, type Schedule, type SchemeName } from './generate.js';
import { runSchedule } from './run.js';
import { shrink } from './shrink.js';
import type { Offence } from './watched.js';

/** What the schedule of a seed broke, how to see it again and the least of it that breaks the same; undefined: nothing. */
export function failureOf(seed: number, scheme: SchemeName): string | undefined {
  const schedule = generate(seed, scheme);
  const offences = runSchedule(schedule);
  return offences.length === 0 ? undefined : explain(schedule, offences);
}

function explain(schedule: Schedule, offences: readonly Offence[]): string {
  const { seed, scheme } = schedule;
  const broken = new Set(offences.map(({ invariant }) => invariant));
  const smallest = shrink(schedule, smaller => runSchedule(smaller).some(({ invariant }) => broken.has(invariant)));
  return [
    `schedule ${seed} of ${scheme}:`,
    ...offences.map(({ invariant, node, detail }) => `  ${invariant} ${node}: ${detail}`),
    `again: npm run schedules -- --from ${seed} --count 1 --scheme ${scheme}`,
    'without what it does without:',
    ...linesOf(smallest),
  ].join('\n');
}

/** JSON, a line for each entry of its lists. */
function linesOf({ scenario, ...rest }: Schedule): string[] {
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
