import type { SchemeResult } from '../result.js';
import { escapeHtml, formatMs } from './html.js';

const barHeight = 16;
const rowHeight = 24;
const left = 120;
const length = 640;
const right = 210;

/** The gap of every scheme in one handover as bars, their closed forms as ticks. */
export function gapBars(results: readonly SchemeResult[], handover: number): string {
  const rows = results.map(result => result.handovers[handover]);
  const most = Math.max(1, ...rows.flatMap(row => [row.gapMs ?? 0, row.closedFormMs ?? 0]));
  const x = (ms: number) => left + (ms / most) * length;
  const height = rows.length * rowHeight + 8;
  const body = rows.map((row, i) => {
    const y = 4 + i * rowHeight;
    const middle = y + barHeight / 2;
    const tick =
      row.closedFormMs === null
        ? ''
        : `<line class="closed" x1="${x(row.closedFormMs)}" x2="${x(row.closedFormMs)}" y1="${y - 3}" y2="${y + barHeight + 3}"/>`;
    const text =
      row.gapMs === null
        ? 'no packet comes any more'
        : `${formatMs(row.gapMs)} ms, on paper ${formatMs(row.closedFormMs)}`;
    const end = row.gapMs === null ? left : x(Math.max(row.gapMs, row.closedFormMs ?? 0));
    return [
      `<text x="${left - 10}" y="${middle}" dy="0.35em" text-anchor="end">${escapeHtml(results[i].scheme)}</text>`,
      `<rect x="${left}" y="${y}" width="${row.gapMs === null ? 0 : x(row.gapMs) - left}" height="${barHeight}" rx="3" fill="var(--series-${i % 10})"/>`,
      tick,
      `<text x="${end + 10}" y="${middle}" dy="0.35em" class="soft">${text}</text>`,
    ].join('');
  });
  return `<svg class="bars" viewBox="0 0 ${left + length + right} ${height}" width="${left + length + right}" height="${height}" role="img" aria-label="Handover gap of each scheme in milliseconds"><line class="grid" x1="${left}" x2="${left}" y1="0" y2="${height}"/>${body.join('')}</svg>`;
}
