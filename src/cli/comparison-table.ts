import type { HandoverResult, SchemeResult } from '../scenario/result.js';
import { textTable } from './table.js';

/** The comparison as people read it: a row a scheme, a group of columns a handover, at most 100 columns wide for two. */
export function comparisonTable(results: readonly SchemeResult[]): string {
  const handovers = results[0]?.handovers ?? [];
  const stalls = handovers.some((_, i) => results.some(({ handovers: all }) => all[i].tcpStallMs !== null));
  const perHandover = ['gap ms', 'on paper', 'lost', ...(stalls ? ['tcp stall'] : [])];
  const titles = handovers.map(
    ({ from, to, kind }) => `${from} → ${to}, ${kind === 'intra-anchor' ? 'same' : 'next'} anchor`,
  );
  const head = [
    [
      '',
      ...titles.flatMap(title => [title, ...perHandover.slice(1).map(() => '')]),
      'signalling',
      'octets',
      'tunnel',
      'path',
    ],
    ['scheme', ...handovers.flatMap(() => perHandover), 'air', 'wire', 'octets', 'stretch'],
  ];
  const rows = results.map(result => [
    result.scheme,
    ...result.handovers.flatMap(handover => handoverCells(handover, stalls)),
    count(result.airBytes),
    count(result.wiredBytes),
    result.tunnelBytesPerPacket.toFixed(1),
    result.stretch === null ? '—' : result.stretch.toFixed(2),
  ]);
  return grouped(head[0], [head[1], ...rows], perHandover.length, handovers.length);
}

function handoverCells({ gapMs, closedFormMs, lost, tcpStallMs }: HandoverResult, stalls: boolean): string[] {
  const gap = lost === null ? '—' : gapMs === null ? 'breaks' : gapMs.toFixed(1);
  const cells = [gap, closedFormMs === null ? '—' : closedFormMs.toFixed(1), lost === null ? '—' : count(lost)];
  return stalls ? [...cells, tcpStallMs === null ? '—' : tcpStallMs.toFixed(1)] : cells;
}

/** Puts the groups' titles above their columns. */
function grouped(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  size: number,
  groups: number,
): string {
  const alignment = `l${'r'.repeat(rows[0].length - 1)}`;
  const body = textTable(rows, alignment);
  const widths = rows[0].map((_, column) => Math.max(...rows.map(row => [...row[column]].length)));
  const titleLine = [''.padEnd(widths[0])];
  for (let group = 0; group < groups; group++) {
    const first = 1 + group * size;
    const room = widths.slice(first, first + size).reduce((sum, one) => sum + one + 2, -2);
    titleLine.push(titles[first].slice(0, room).padStart(room));
  }
  for (let column = 1 + groups * size; column < widths.length; column++) titleLine.push('');
  return `${titleLine.join('  ').trimEnd()}\n${body}`;
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
