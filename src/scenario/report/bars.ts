import type { SchemeResult } from '../result.js';
import { escapeHtml, formatMs } from './html.js';

const barHeight = 16;
const rowHeight = 24;
const left = 120;
const length = 640;
const right = 210;

/**
 * How long every scheme interrupted its mobile in one handover as bars: the gap beside its closed form as a tick, or the TCP
 * stall where no constant-rate flow went to the mobile. Empty where there is neither.
 */
export function interruptionBars(results: readonly SchemeResult[], handover: number): string {
  const all = results.map(result => result.handovers[handover]);
  if (all.some(({ lost }) => lost !== null)) return bars(results, all, 'gap');
  if (all.some(({ tcpStallMs }) => tcpStallMs !== null))
    return bars(
      results,
      all.map(one => ({ gapMs: one.tcpStallMs, closedFormMs: null })),
      'TCP stall',
    );
  return '';
}

interface Row {
  readonly gapMs: number | null;
  readonly closedFormMs: number | null;
}

function bars(results: readonly SchemeResult[], rows: readonly Row[], what: string): string {
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
    const text = barText(row, what);
    const end = row.gapMs === null ? left : x(Math.max(row.gapMs, row.closedFormMs ?? 0));
    return [
      `<text x="${left - 10}" y="${middle}" dy="0.35em" text-anchor="end">${escapeHtml(results[i].scheme)}</text>`,
      `<rect x="${left}" y="${y}" width="${row.gapMs === null ? 0 : x(row.gapMs) - left}" height="${barHeight}" rx="3" fill="var(--series-${i % 10})"/>`,
      tick,
      `<text x="${end + 10}" y="${middle}" dy="0.35em" class="soft">${text}</text>`,
    ].join('');
  });
  return `<svg class="bars" viewBox="0 0 ${left + length + right} ${height}" width="${left + length + right}" height="${height}" role="img" aria-label="${what} of each scheme in milliseconds"><line class="grid" x1="${left}" x2="${left}" y1="0" y2="${height}"/>${body.join('')}</svg>`;
}

function barText({ gapMs, closedFormMs }: Row, what: string): string {
  if (gapMs === null) return 'no packet comes any more';
  const paper = closedFormMs === null ? '' : `, on paper ${formatMs(closedFormMs)}`;
  return `${what} ${formatMs(gapMs)} ms${paper}`;
}
