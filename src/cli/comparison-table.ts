import type { HandoverResult, SchemeResult } from '../scenario/result.js';
import { type Group, groupedTable } from './table.js';

/** The comparison as people read it: a row a scheme, a group of columns a handover, at most 100 columns wide for two. */
export function comparisonTable(results: readonly SchemeResult[]): string {
  const handovers = results[0]?.handovers ?? [];
  const groups: Group[] = [
    { title: '', columns: [['scheme', ...results.map(result => result.scheme)]] },
    ...handovers.map((_, i) => handoverGroup(results.map(result => result.handovers[i]))),
    {
      title: 'signalling octets',
      columns: [
        ['air', ...results.map(result => count(result.airBytes))],
        ['wire', ...results.map(result => count(result.wiredBytes))],
      ],
    },
    { title: 'tunnel', columns: [['octets', ...results.map(result => result.tunnelBytesPerPacket.toFixed(1))]] },
    { title: 'path', columns: [['stretch', ...results.map(result => result.stretch?.toFixed(2) ?? '—')]] },
  ];
  return groupedTable(groups);
}

function handoverGroup(all: readonly HandoverResult[]): Group {
  const [{ from, to, kind }] = all;
  const flows = [
    ['gap ms', ...all.map(gapText)],
    ['on paper', ...all.map(one => one.closedFormMs?.toFixed(1) ?? '—')],
    ['lost', ...all.map(one => (one.lost === null ? '—' : count(one.lost)))],
  ];
  const stall = ['TCP stall ms', ...all.map(one => one.tcpStallMs?.toFixed(0) ?? '—')];
  return {
    title: `${from} → ${to}, ${kind === 'intra-anchor' ? 'same' : 'next'} anchor`,
    columns: [
      ...(all.some(one => one.lost !== null) ? flows : []),
      ...(all.some(one => one.tcpStallMs !== null) ? [stall] : []),
    ],
  };
}

function gapText({ gapMs, lost }: HandoverResult): string {
  if (lost === null) return '—';
  return gapMs === null ? 'breaks' : gapMs.toFixed(1);
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
