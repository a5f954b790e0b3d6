import type { DomainSize, SignallingPoint } from '../growth.js';
import { escapeHtml, formatCount } from './html.js';
import type { Plot } from './plots.js';
import { again, type PlotLibrary, pageOf, plotFigure } from './sheet.js';

export interface GrowthPageOptions {
  /** What to type to get the same page. */
  readonly command: string;
  readonly version: string;
  readonly plotLibrary: PlotLibrary;
}

/** draft-chan §6.3 as a page: how signalling grows with mobiles, and how with anchors. */
export function growthPage(points: readonly SignallingPoint[], options: GrowthPageOptions): string {
  const plots: Plot[] = [];
  const figures = growthPlots(points).map(plot => plotFigure(plot, plots));
  return pageOf({
    title: 'Signalling of distributed anchors',
    plots,
    plotLibrary: options.plotLibrary,
    body: `<p class="soft">Mobility messages from the beginning to the end of a run, by whom it was that made them, however far they went: where each anchor is told of
the mobiles that it has packets for, and where every anchor is told of every mobile (draft-chan §6.3).</p>
<div class="plots">${figures.join('')}</div>
${table(points)}
${again(options.command)}
<p class="note">Anchorage ${escapeHtml(options.version)}</p>`,
  });
}

/** A plot for each of the two that is not always the same. */
export function growthPlots(points: readonly SignallingPoint[]): Plot[] {
  const most = { mobiles: mostOf(points, 'mobiles'), anchors: mostOf(points, 'anchors') };
  return [...plotOf(points, 'mobiles', 'anchors', most.anchors), ...plotOf(points, 'anchors', 'mobiles', most.mobiles)];
}

type Dimension = keyof DomainSize;

function mostOf(points: readonly SignallingPoint[], dimension: Dimension): number {
  return Math.max(...points.map(point => point[dimension]));
}

function plotOf(points: readonly SignallingPoint[], along: Dimension, fixed: Dimension, at: number): Plot[] {
  const shown = points.filter(point => point[fixed] === at).sort((a, b) => a[along] - b[along]);
  if (shown.length < 2) return [];
  const plot: Plot = {
    title: `${formatCount(at)} ${fixed}`,
    xLabel: along,
    yLabel: 'mobility messages',
    x: shown.map(point => point[along]),
    series: [
      { name: 'told where packets come from', y: shown.map(({ told }) => told) },
      { name: 'told to all', y: shown.map(({ toldAll }) => toldAll) },
    ],
    style: 'lines',
  };
  return [plot];
}

function table(points: readonly SignallingPoint[]): string {
  const rows = points.map(({ mobiles, anchors, told, toldAll }) => {
    const cells = [mobiles, anchors, told, toldAll].map(formatCount);
    const each = [told, toldAll].map(messages => (messages / mobiles).toFixed(1));
    return `<tr>${[...cells, ...each].map(cell => `<td>${cell}</td>`).join('')}</tr>`;
  });
  return `<div class="panel"><table>
<thead><tr><th rowspan="2">mobiles</th><th rowspan="2">anchors</th><th colspan="2">mobility messages</th><th colspan="2">a mobile</th></tr>
<tr><th>told</th><th>told to all</th><th>told</th><th>told to all</th></tr></thead>
<tbody>${rows.join('\n')}</tbody></table></div>`;
}
