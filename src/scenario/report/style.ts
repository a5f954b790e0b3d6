/** Colours of schemes in the order of the table, for light and for dark pages; told apart by shape where they overlap. */
export const seriesColours: readonly (readonly [light: string, dark: string])[] = [
  ['#0b6bcb', '#5aa9f5'],
  ['#c2410c', '#fb923c'],
  ['#6d28d9', '#b794f6'],
  ['#047857', '#34d399'],
  ['#be185d', '#f472b6'],
  ['#a16207', '#facc15'],
  ['#0e7490', '#22d3ee'],
  ['#4d7c0f', '#a3e635'],
  ['#475569', '#cbd5e1'],
  ['#7c2d12', '#fdba74'],
  ['#9f1239', '#fda4af'],
  ['#1e3a8a', '#93c5fd'],
];

const series = (index: 0 | 1) => seriesColours.map((pair, i) => `--series-${i}: ${pair[index]};`).join(' ');
const light = `color-scheme: light; --page: #fbfbfa; --panel: #ffffff; --ink: #1b1f24; --soft: #5d6670; --faint: #dfe3e8;
  --away: #e5484d; --waiting: #f2b33d; --mobility: #0b6bcb; --neighbour: #7a8590; --data: #047857; --mark: #6d28d9; ${series(0)}`;
const dark = `color-scheme: dark; --page: #14171b; --panel: #1b1f25; --ink: #e6e9ed; --soft: #9aa4af; --faint: #323942;
  --away: #e5484d; --waiting: #c98a1b; --mobility: #5aa9f5; --neighbour: #8b96a2; --data: #34d399; --mark: #b794f6; ${series(1)}`;

export const style = `
:root { ${light} }
@media (prefers-color-scheme: dark) { :root { ${dark} } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 8px; text-wrap: balance; }
h2 { font-size: 19px; margin: 44px 0 4px; }
h3 { font-size: 15px; margin: 24px 0 8px; }
p { margin: 4px 0 12px; max-width: 78ch; }
.soft, caption, .note { color: var(--soft); }
.note { font-size: 13px; }
code, pre { font: 13px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
pre { background: var(--panel); border: 1px solid var(--faint); border-radius: 8px; padding: 10px 14px; overflow-x: auto; margin: 8px 0; }
.panel { background: var(--panel); border: 1px solid var(--faint); border-radius: 10px; padding: 14px 16px; margin: 12px 0; overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100%; }
th, td { padding: 7px 10px; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--faint); }
th { font-weight: 600; font-size: 13px; color: var(--soft); vertical-align: bottom; }
tbody th, th:first-child, td.text { text-align: left; }
tbody th { color: var(--ink); font-size: 15px; }
tbody th small { display: block; white-space: normal; max-width: 24ch; line-height: 1.3; }
tbody tr:last-child > * { border-bottom: 0; }
thead tr:first-child th[colspan] { text-align: center; }
td small, th small { color: var(--soft); font-size: 12.5px; font-weight: 400; }
.break { color: var(--away); }
.swatch { display: inline-block; width: 10px; height: 10px; border-radius: 3px; margin-right: 8px; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(480px, 100%), 1fr)); gap: 12px; }
.plot { margin: 0; }
.plot h3 { margin: 0 0 6px; }
.tabs > input { position: absolute; opacity: 0; }
.tabs > label { display: inline-block; padding: 6px 14px; border-radius: 8px; cursor: pointer; color: var(--soft); border: 1px solid transparent; }
.tabs > input:checked + label { background: var(--panel); color: var(--ink); border-color: var(--faint); font-weight: 600; }
.tabs > input:focus-visible + label { outline: 2px solid var(--mobility); }
.tabs > .tab { display: none; }
dl { display: grid; grid-template-columns: max-content max-content; gap: 2px 24px; margin: 0; }
.columns { columns: 3 260px; column-gap: 40px; }
.columns div { display: flex; justify-content: space-between; break-inside: avoid; border-bottom: 1px solid var(--faint); padding: 3px 0; font-variant-numeric: tabular-nums; }
svg { display: block; font: 12px system-ui, "DejaVu Sans", sans-serif; fill: var(--ink); }
svg text { fill: var(--ink); }
.bars .closed { stroke: var(--ink); stroke-width: 2; }
.bars .soft { fill: var(--soft); }
.bars .grid { stroke: var(--faint); }
.ladder .lane line { stroke: var(--soft); stroke-opacity: .55; }
.ladder .lane text { font-weight: 600; font-size: 13px; }
.ladder .axis line { stroke: var(--faint); }
.ladder .axis text { fill: var(--soft); font-size: 11px; }
.ladder .away rect { fill: var(--away); opacity: .5; }
.ladder .waiting rect { fill: var(--waiting); opacity: .55; }
.ladder .away text, .ladder .waiting text { fill: var(--soft); font-size: 11px; }
.ladder .item line { stroke: var(--of); stroke-width: 1.6; }
.ladder .item .head { fill: var(--of); }
.ladder .item .cross { stroke: var(--of); stroke-width: 1.6; fill: none; }
.ladder .item circle { fill: var(--of); stroke: var(--panel); stroke-width: 1.5; }
.ladder .item .caption { fill: var(--of); font-size: 11px; font-weight: 600; paint-order: stroke; stroke: var(--panel); stroke-width: 4px; stroke-linejoin: round; }
.ladder .item .leader { stroke: var(--faint); fill: none; }
.ladder .item .row { font-size: 12px; }
.ladder .item .time, .ladder .item .what { fill: var(--soft); font-variant-numeric: tabular-nums; }
.ladder .item .name { font-weight: 600; fill: var(--of); }
.ladder .mobility { --of: var(--mobility); }
.ladder .neighbour { --of: var(--neighbour); }
.ladder .data { --of: var(--data); }
.ladder .data line { stroke-dasharray: 5 4; }
.ladder .mark { --of: var(--mark); }
.ladder .item:hover line, .ladder .item:hover .leader { stroke-width: 3; stroke: var(--of); }
.ladder .item:hover circle { r: 6px; }
.ladder:has(.item:hover) .item:not(:hover) { opacity: .3; }
.key { display: flex; flex-wrap: wrap; gap: 4px 20px; font-size: 13px; color: var(--soft); margin: 4px 0; }
.key i { display: inline-block; width: 18px; height: 0; border-top: 2px solid; vertical-align: middle; margin-right: 6px; }
.u-legend { font-size: 13px; text-align: left !important; color: var(--ink); }
.u-legend th, .u-legend td { border: 0; padding: 1px 4px; white-space: nowrap; color: var(--ink); }
@media print { .tabs > .tab { display: block; } .tabs > label { display: none; } }
`;

/** Shows the tab whose radio button is chosen; one rule a position, since CSS cannot count for us. */
export function tabRules(most: number): string {
  return Array.from(
    { length: most },
    (_, i) => `.tabs > input:nth-of-type(${i + 1}):checked ~ .tab:nth-of-type(${i + 1}) { display: block; }`,
  ).join('\n');
}
