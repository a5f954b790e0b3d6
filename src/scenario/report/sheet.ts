import { escapeHtml, scriptJson } from './html.js';
import type { Plot } from './plots.js';
import { script } from './script.js';
import { style } from './style.js';

/** uPlot's script and style sheet: the pure layer reads no files. */
export interface PlotLibrary {
  readonly script: string;
  readonly style: string;
}

/** One page that needs nothing else. `body` and `rules`, of style, stand as they are; `plots` are those that the body has figures for. */
export function pageOf(sheet: {
  readonly title: string;
  readonly body: string;
  readonly rules?: string;
  readonly plots: readonly Plot[];
  readonly plotLibrary: PlotLibrary;
}): string {
  const { title, body, rules = '', plots, plotLibrary } = sheet;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)} · Anchorage</title>
<style>${plotLibrary.style}${style}${rules}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
${body}
</main>
<script type="application/json" id="plots">${scriptJson(plots)}</script>
<script>${plotLibrary.script}</script>
<script>${script}</script>
</body>
</html>
`;
}

/** Where a plot is drawn, which is put to the others. */
export function plotFigure(plot: Plot, plots: Plot[]): string {
  plots.push(plot);
  return `<figure class="panel plot"><h3>${escapeHtml(plot.title)}</h3><div data-plot="${plots.length - 1}"></div></figure>`;
}

/** How to come by the page once more. */
export function again(command: string): string {
  return `<h2>Make it again</h2>
<p>The same scenario and seed give the same run, to the bit.</p>
<pre>${escapeHtml(command)}</pre>`;
}
