import { handoverColumns } from '../handover-columns.js';
import type { ScenarioHandover } from '../handovers.js';
import type { HandoverResult, SchemeResult } from '../result.js';
import { escapeHtml, formatCount, formatMs } from './html.js';

interface Column {
  /** HTML. */
  readonly heading: string;
  cell(handover: HandoverResult): string;
}

const flowColumns: readonly Column[] = [
  { heading: 'gap <small>(on paper), ms</small>', cell: gapCell },
  { heading: 'lost', cell: ({ lost }) => (lost === null ? '—' : formatCount(lost)) },
];
const stallColumn: Column = { heading: 'TCP stall, <small>ms</small>', cell: ({ tcpStallMs }) => formatMs(tcpStallMs) };

/** The results as a table: a row a scheme, for each handover or kind of handover what its traffic has something for. */
export function summaryTable(results: readonly SchemeResult[]): string {
  const handovers = handoverColumns(results);
  const columns = handovers.map(handover => columnsOf(handover.of));
  const groups = handovers.map(
    ({ title, kind, many }, i) =>
      `<th colspan="${columns[i].length}">${escapeHtml(title)}<br><small>${kindText(kind)}${many ? '; medians' : ''}</small></th>`,
  );
  const headings = columns.flat().map(({ heading }) => `<th>${heading}</th>`);
  const rows = results.map((result, i) => {
    const cells = handovers.flatMap(({ of }, j) => columns[j].map(column => column.cell(of[i])));
    return `<tr>${schemeCell(result, i)}${[...cells, ...totals(result)].map(cell => `<td>${cell}</td>`).join('')}</tr>`;
  });
  return `<div class="panel"><table>
<thead><tr><th rowspan="2">scheme</th>${groups.join('')}<th colspan="2">signalling<br><small>octets × links</small></th><th rowspan="2">tunnel<br><small>octets a packet</small></th><th rowspan="2">path<br>stretch</th><th rowspan="2">out of<br>order</th><th rowspan="2">dupli-<br>cates</th></tr>
<tr>${headings.join('')}<th>air</th><th>wire</th></tr></thead>
<tbody>${rows.join('\n')}</tbody></table></div>
${note(columns.flat())}`;
}

export function kindText(kind: ScenarioHandover['kind']): string {
  return kind === 'intra-anchor' ? 'within the anchor’s domain' : 'to another anchor’s domain';
}

function columnsOf(all: readonly HandoverResult[]): readonly Column[] {
  const columns = all.some(({ lost }) => lost !== null) ? [...flowColumns] : [];
  if (all.some(({ tcpStallMs }) => tcpStallMs !== null)) columns.push(stallColumn);
  return columns.length > 0 ? columns : flowColumns;
}

function schemeCell({ scheme, title }: SchemeResult, index: number): string {
  return `<th scope="row"><span class="swatch" style="background:var(--series-${index % 10})"></span>${escapeHtml(scheme)}<small>${escapeHtml(title)}</small></th>`;
}

function totals(result: SchemeResult): string[] {
  return [
    formatCount(result.airBytes),
    formatCount(result.wiredBytes),
    result.tunnelBytesPerPacket.toFixed(1),
    result.stretch?.toFixed(2) ?? '—',
    formatCount(result.outOfOrder),
    formatCount(result.duplicates),
  ];
}

function gapCell({ gapMs, closedFormMs, lost }: HandoverResult): string {
  const gap = lost === null ? '—' : gapMs === null ? '<span class="break">breaks</span>' : formatMs(gapMs);
  return `${gap} <small>(${formatMs(closedFormMs)})</small>`;
}

function note(columns: readonly Column[]): string {
  const sentences = [
    ...(columns.includes(flowColumns[0])
      ? [
          'Gap: from leaving the old access link to the first packet that arrives on the new one.',
          'On paper: the scheme’s closed form for this network’s delays; a dash where it promises nothing.',
          'Lost: packets to the mobile that never arrived, from its leaving to its next move.',
        ]
      : []),
    ...(columns.includes(stallColumn) ? ['TCP stall: the longest time without an acknowledgement of new octets.'] : []),
  ];
  return `<p class="note">${sentences.join(' ')}</p>`;
}
