import { type HandoverColumn, handoverColumns } from '../scenario/handover-columns.js';
import type { HandoverResult, SchemeResult } from '../scenario/result.js';
import { type Group, groupedTable } from './table.js';

/** The comparison as people read it: a row a scheme, a group of columns a handover or kind of handover; 100 columns wide for two. */
export function comparisonTable(results: readonly SchemeResult[]): string {
  const groups: Group[] = [
    { title: '', columns: [['scheme', ...results.map(result => result.scheme)]] },
    ...handoverColumns(results).map(handoverGroup),
    {
      title: 'signal octets',
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

function handoverGroup({ kind, title, many, of: all }: HandoverColumn): Group {
  const flows = [
    ['gap ms', ...all.map(gapText)],
    ['on paper', ...all.map(one => one.closedFormMs?.toFixed(1) ?? '—')],
    ['lost', ...all.map(one => (one.lost === null ? '—' : count(one.lost)))],
  ];
  const stall = ['TCP stall ms', ...all.map(one => one.tcpStallMs?.toFixed(0) ?? '—')];
  return {
    title: `${title}, ${kind === 'intra-anchor' ? 'same' : 'next'} anchor${many ? ', medians' : ''}`,
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
