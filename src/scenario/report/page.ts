import { closedFormOf, handoversOf, type ScenarioHandover } from '../handovers.js';
import type { SchemeRun } from '../run.js';
import { interruptionBars } from './bars.js';
import { escapeHtml, formatMs } from './html.js';
import { ladderOf } from './ladder.js';
import { ladderSvg } from './ladder-svg.js';
import { handoverPlots, type Plot, pingPlots, transferPlots } from './plots.js';
import { again, type PlotLibrary, pageOf, plotFigure } from './sheet.js';
import { tabRules } from './style.js';
import { kindText, summaryTable } from './summary.js';

export interface ReportOptions {
  /** What to type to get the same report. */
  readonly command: string;
  readonly seed: number;
  readonly version: string;
  readonly plotLibrary: PlotLibrary;
}

/** One page that needs nothing else: results, ladders, plots, parameters and how to make it again. */
export function reportPage(runs: readonly SchemeRun[], options: ReportOptions): string {
  const [{ simulated }] = runs;
  const { scenario } = simulated;
  const handovers = handoversOf(scenario, simulated.network);
  const plots: Plot[] = [];
  const shown = handovers.slice(0, mostSections);
  const sections = shown.map((handover, i) => handoverSection(runs, handover, i, plots));
  const left = handovers.length - shown.length;
  const whole = wholeRunSection(runs, plots);
  return pageOf({
    title: scenario.title,
    rules: tabRules(runs.length),
    plots,
    plotLibrary: options.plotLibrary,
    body: `<p class="soft">${escapeHtml(scenario.description)}</p>
${summaryTable(runs.map(run => run.result))}
${sections.join('\n')}
${left > 0 ? `<p class="soft">${left} more handovers are in the table above, and one by one in what --json prints.</p>` : ''}
${whole}
${parameterSection(runs)}
${again(options.command)}
<p class="note">Anchorage ${escapeHtml(options.version)} · scenario ${escapeHtml(scenario.file)} · seed ${options.seed} · ${formatMs(scenario.durationMs / 1000)} s of virtual time</p>`,
  });
}

/** Handovers that are drawn: a page with more of them would be slow to open. */
const mostSections = 12;

function handoverSection(runs: readonly SchemeRun[], handover: ScenarioHandover, index: number, plots: Plot[]): string {
  const name = `${handover.mobile}: ${handover.from} → ${handover.to}`;
  const drawn = handoverPlots(runs, handover);
  const chart = interruptionBars(
    runs.map(run => run.result),
    index,
  );
  return `<section>
<h2>${escapeHtml(name)}</h2>
<p class="soft">${kindText(handover.kind)}, at ${formatMs(handover.atMs)} ms, ${formatMs(handover.l2GapMs)} ms without a link</p>
${chart === '' ? '' : `<div class="panel">${chart}</div>`}
<div class="plots">${drawn.map(plot => plotFigure(plot, plots)).join('')}</div>
${ladderTabs(runs, handover, index)}
</section>`;
}

const key = `<div class="key"><span style="color:var(--mobility)"><i></i>mobility signalling</span><span style="color:var(--neighbour)"><i></i>Neighbour Discovery, DHCPv6</span><span style="color:var(--data)"><i></i>last and first packet</span><span style="color:var(--mark)">● decisions</span><span>times are ms since the mobile left; hover for details</span></div>`;

function ladderTabs(runs: readonly SchemeRun[], handover: ScenarioHandover, index: number): string {
  // The first that keeps the session is the most worth seeing.
  const shown = Math.max(
    0,
    runs.findIndex(({ result }) => result.handovers[index].closedFormMs !== null),
  );
  const inputs = runs.map(
    ({ scheme }, i) =>
      `<input type="radio" name="ladder-${index}" id="ladder-${index}-${i}"${i === shown ? ' checked' : ''}><label for="ladder-${index}-${i}">${escapeHtml(scheme.name)}</label>`,
  );
  const tabs = runs.map(run => {
    const form = closedFormOf(run.scheme, handover, run.simulated);
    const label = `${run.scheme.name}: messages around the handover from ${handover.from} to ${handover.to}`;
    const paper = form
      ? `On paper the gap is ${formatMs(form.downlinkGapMs)} ms.`
      : 'The scheme promises nothing for this handover.';
    return `<div class="tab"><div class="panel">${ladderSvg(ladderOf(run, handover), label)}</div><p class="note">${escapeHtml(run.scheme.title)} (${escapeHtml(run.scheme.document)}). ${paper}</p></div>`;
  });
  return `<h3>Messages</h3>${key}<div class="tabs">${inputs.join('')}${tabs.join('')}</div>`;
}

function wholeRunSection(runs: readonly SchemeRun[], plots: Plot[]): string {
  const drawn = [...transferPlots(runs), ...pingPlots(runs)];
  if (drawn.length === 0) return '';
  return `<section><h2>The whole run</h2><div class="plots">${drawn.map(plot => plotFigure(plot, plots)).join('')}</div></section>`;
}

function parameterSection(runs: readonly SchemeRun[]): string {
  const entries = Object.entries(runs[0].simulated.scenario.parameters);
  if (entries.length === 0) return '';
  const rows = entries.map(([name, value]) => `<div><span>${escapeHtml(name)}</span><span>${value}</span></div>`);
  return `<h2>Parameters</h2><p class="soft">Any of them can be set: <code>--set name=value</code>.</p><div class="panel columns">${rows.join('')}</div>`;
}
