/** Draws the plots with uPlot, which the page defines before; again where the page changes between light and dark or its width. */
export const script = `
'use strict';
const plots = JSON.parse(document.getElementById('plots').textContent);
const style = getComputedStyle(document.documentElement);
const dark = matchMedia('(prefers-color-scheme: dark)');
let drawn = [];
function axis(label) {
  const stroke = style.getPropertyValue('--soft');
  const grid = { stroke: style.getPropertyValue('--faint'), width: 1 };
  return { label, stroke, grid, ticks: grid, font: '12px system-ui', labelFont: '12px system-ui', labelSize: 20 };
}
function size(value) {
  return value >= 1e6 ? (value / 1e6).toFixed(1).replace(/\\.0$/, '') + ' M' : value >= 1e4 ? Math.round(value / 1e3) + ' k' : String(value);
}
function line(entry, i, plot) {
  const stroke = style.getPropertyValue('--series-' + (i % 10)).trim();
  const shared = { label: entry.name, stroke, value: (_, v) => (v === null || v === undefined ? '—' : plot.style === 'points' ? v.toFixed(2) : size(v)) };
  if (plot.style === 'steps') return { ...shared, width: 2, points: { show: false }, dash: i === 0 ? undefined : [10, 4 * i] };
  if (plot.style === 'lines') return { ...shared, width: 2, points: { show: true, size: 7, fill: stroke } };
  // Later schemes are drawn smaller, so that one that arrives at the same time does not hide another.
  const points = { show: true, size: Math.max(3, 7 - 2 * i), fill: i === 0 ? style.getPropertyValue('--panel').trim() : stroke, width: 1.5 };
  return { ...shared, width: 0, paths: () => null, points };
}
function draw() {
  for (const one of drawn) one.destroy();
  drawn = [...document.querySelectorAll('[data-plot]')].map(element => {
    const plot = plots[Number(element.dataset.plot)];
    return new uPlot({
      width: element.clientWidth,
      height: 280,
      scales: { x: { time: false } },
      cursor: { drag: { x: true, y: true } },
      axes: [axis(plot.xLabel), { ...axis(plot.yLabel), size: 56, values: (_, ticks) => ticks.map(size) }],
      series: [{ label: plot.xLabel }, ...plot.series.map((entry, i) => line(entry, i, plot))],
    }, [plot.x, ...plot.series.map(entry => entry.y)], element);
  });
}
let pending;
addEventListener('resize', () => { clearTimeout(pending); pending = setTimeout(draw, 150); });
dark.addEventListener('change', draw);
draw();
`;
