import type { ScenarioText } from './generate.js';

/** `schedule` without what its failure does without, as far as `attempts` runs go. */
export function shrink<S extends { readonly scenario: ScenarioText }>(
  schedule: S,
  fails: (smaller: S) => boolean,
  attempts = 300,
): S {
  let left = attempts;
  let smallest = schedule;
  const keep = (scenario: ScenarioText): boolean => {
    if (left-- <= 0) return false;
    const smaller = { ...smallest, scenario };
    if (!fails(smaller)) return false;
    smallest = smaller;
    return true;
  };
  // The last is what agents and anchors have keys for.
  for (const mobile of mobilesOf(schedule.scenario))
    if (mobilesOf(smallest.scenario).length > 1) keep(withoutMobile(smallest.scenario, mobile));
  for (const part of ['faults', 'movement', 'traffic'] as const) thinOut(() => smallest.scenario, part, keep);
  return smallest;
}

/** Takes entries of a list out, many at once first, then one by one. */
function thinOut(
  scenario: () => ScenarioText,
  part: 'faults' | 'movement' | 'traffic',
  keep: (smaller: ScenarioText) => boolean,
): void {
  for (let size = scenario()[part].length; size >= 1; size = Math.floor(size / 2))
    for (let from = scenario()[part].length - size; from >= 0; from -= size) {
      const fewer = [...scenario()[part]];
      fewer.splice(from, size);
      keep({ ...scenario(), [part]: fewer });
    }
}

function mobilesOf({ nodes }: ScenarioText): string[] {
  return Object.keys(nodes).filter(name => nodes[name].role === 'mobile');
}

function withoutMobile(scenario: ScenarioText, name: string): ScenarioText {
  return {
    ...scenario,
    nodes: Object.fromEntries(Object.entries(scenario.nodes).filter(([node]) => node !== name)),
    movement: scenario.movement.filter(({ mobile }) => mobile !== name),
    traffic: scenario.traffic.filter(({ from, to }) => from !== name && to !== name),
    faults: scenario.faults.filter(fault => !('node' in fault && fault.node === name)),
  };
}
