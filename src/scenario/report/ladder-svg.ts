import { escapeHtml } from './html.js';
import type { Arrow, Ladder, LadderItem } from './ladder.js';

const leastLaneGap = 118;
const mostLaneGap = 190;
/** Fills the page where there are few lanes. */
const pageWidth = 1160;
const left = 74;
const top = 46;
const rowHeight = 17;
const labelWidth = 430;
const characterWidth = 6.3;
const leastHeight = 520;

interface Layout {
  readonly ladder: Ladder;
  readonly width: number;
  readonly bottom: number;
  x(lane: string): number;
  y(ms: number): number;
}

/** The ladder as an SVG element. Colours are the page's CSS variables. */
export function ladderSvg(ladder: Ladder, label: string): string {
  const layout = layOut(ladder);
  const rows = labelRows(layout);
  const height = Math.max(layout.bottom, (rows.at(-1) ?? 0) + rowHeight) + 16;
  const taken: Box[] = [];
  return [
    `<svg class="ladder" viewBox="0 0 ${layout.width} ${height}" width="${layout.width}" height="${height}" role="img" aria-label="${escapeHtml(label)}">`,
    gapBands(layout),
    axis(layout),
    ...ladder.lanes.map(lane => laneSvg(lane, layout)),
    ...ladder.items.map((item, i) => itemSvg(item, rows[i], layout, taken)),
    '</svg>',
  ].join('\n');
}

function layOut(ladder: Ladder): Layout {
  const { fromMs, untilMs, lanes } = ladder;
  const length = Math.max(leastHeight, ladder.items.length * rowHeight);
  const laneGap = Math.min(Math.max((pageWidth - left - labelWidth) / lanes.length, leastLaneGap), mostLaneGap);
  const columns = new Map(lanes.map((lane, i) => [lane, left + laneGap / 2 + i * laneGap]));
  return {
    ladder,
    width: left + lanes.length * laneGap + labelWidth,
    bottom: top + length,
    x: lane => columns.get(lane) ?? left,
    y: ms => top + ((Math.min(Math.max(ms, fromMs), untilMs) - fromMs) / (untilMs - fromMs)) * length,
  };
}

/** Where each item's line of text stands: beside its time, or as soon after as there is room. */
function labelRows({ ladder, y }: Layout): number[] {
  let next = top;
  return ladder.items.map(item => {
    const row = Math.max(next, y(item.atMs));
    next = row + rowHeight;
    return row;
  });
}

function laneSvg(lane: string, { x, bottom }: Layout): string {
  const at = x(lane);
  return `<g class="lane"><line x1="${at}" x2="${at}" y1="${top - 8}" y2="${bottom}"/><text x="${at}" y="${top - 18}" text-anchor="middle">${escapeHtml(lane)}</text></g>`;
}

function axis({ ladder, y, width }: Layout): string {
  const span = ladder.untilMs - ladder.fromMs;
  const step = [5, 10, 20, 25, 50, 100, 200, 500].find(candidate => span / candidate <= 14) ?? 1000;
  const ticks: string[] = [];
  for (let ms = Math.ceil(ladder.fromMs / step) * step; ms <= ladder.untilMs; ms += step) {
    const at = y(ms).toFixed(1);
    ticks.push(
      `<line x1="${left - 6}" x2="${width - labelWidth}" y1="${at}" y2="${at}"/><text x="${left - 10}" y="${at}" dy="0.35em" text-anchor="end">${ms > 0 ? `+${ms}` : ms}</text>`,
    );
  }
  return `<g class="axis"><text x="${left - 10}" y="${top - 18}" text-anchor="end">ms</text>${ticks.join('')}</g>`;
}

/** On the mobile's lane: without a link, then with one but without packets. */
function gapBands({ ladder, x, y }: Layout): string {
  const at = x(ladder.mobile);
  const band = (name: string, fromMs: number, untilMs: number, text: string) => {
    const height = y(untilMs) - y(fromMs);
    if (height <= 0) return '';
    const middle = y(fromMs) + height / 2;
    const caption =
      height > characterWidth * text.length
        ? `<text transform="translate(${at - 13} ${middle}) rotate(-90)" text-anchor="middle">${escapeHtml(text)}</text>`
        : '';
    return `<g class="${name}"><rect x="${at - 9}" width="18" y="${y(fromMs)}" height="${height}"/>${caption}</g>`;
  };
  const away = band('away', 0, ladder.l2GapMs, 'no link');
  if (ladder.gapMs === undefined) return away;
  const waiting = ladder.gapMs === null ? 'no packet comes' : 'no packet yet';
  return away + band('waiting', ladder.l2GapMs, ladder.gapMs ?? ladder.untilMs, waiting);
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

function itemSvg(item: LadderItem, row: number, layout: Layout, taken: Box[]): string {
  const { x, y, width } = layout;
  const edge = width - labelWidth;
  const what =
    item.kind === 'mark' ? item.node : item.to === undefined ? `${item.from} → nobody` : `${item.from} → ${item.to}`;
  const at = y(item.atMs);
  const drawn =
    item.kind === 'mark' ? `<circle cx="${x(item.node)}" cy="${at}" r="4"/>` : arrowSvg(item, layout, taken);
  return [
    `<g class="item ${item.kind === 'mark' ? 'mark' : item.style}">`,
    `<title>${escapeHtml(`${time(item.atMs)} ms  ${item.name}  ${what}\n${item.detail}`)}</title>`,
    drawn,
    `<path class="leader" d="M${edge - 8} ${at}L${edge + 14} ${row}"/>`,
    `<text class="row" x="${edge + 18}" y="${row}" dy="0.35em"><tspan class="time">${time(item.atMs)}</tspan><tspan x="${edge + 84}" class="name">${escapeHtml(clip(item.name, 24))}</tspan><tspan x="${edge + 240}" class="what">${escapeHtml(clip(what, 30))}</tspan></text>`,
    '</g>',
  ].join('');
}

function arrowSvg(arrow: Arrow, { x, y, ladder }: Layout, taken: Box[]): string {
  const x1 = x(arrow.from);
  const y1 = y(arrow.atMs);
  const lost = arrow.to === undefined;
  const x2 = lost ? x1 + (x1 > x(ladder.mobile) ? -26 : 26) : x(arrow.to as string);
  const y2 = y(arrow.arrivalMs);
  const line = `<line x1="${x1}" y1="${y1.toFixed(1)}" x2="${x2}" y2="${y2.toFixed(1)}"/>`;
  const head = lost
    ? `<path d="M${x2 - 4} ${y2 - 4}l8 8m0 -8l-8 8" class="cross"/>`
    : `<path d="${headPath(x1, y1, x2, y2)}" class="head"/>`;
  const box = { x: (x1 + x2) / 2, y: (y1 + y2) / 2 - 5, width: arrow.name.length * characterWidth };
  if (lost || box.width > Math.abs(x2 - x1) + 20 || taken.some(other => overlap(other, box))) return line + head;
  taken.push(box);
  return `${line}${head}<text x="${box.x}" y="${box.y.toFixed(1)}" text-anchor="middle" class="caption">${escapeHtml(arrow.name)}</text>`;
}

/** A triangle whose tip is the second point. */
function headPath(x1: number, y1: number, x2: number, y2: number): string {
  const length = Math.hypot(x2 - x1, y2 - y1) || 1;
  const [ux, uy] = [(x2 - x1) / length, (y2 - y1) / length];
  const [bx, by] = [x2 - 8 * ux, y2 - 8 * uy];
  const corner = (side: number) => `${(bx - side * 3.5 * uy).toFixed(1)} ${(by + side * 3.5 * ux).toFixed(1)}`;
  return `M${x2} ${y2.toFixed(1)}L${corner(1)}L${corner(-1)}Z`;
}

function overlap(a: Box, b: Box): boolean {
  return Math.abs(a.y - b.y) < 12 && Math.abs(a.x - b.x) < (a.width + b.width) / 2 + 4;
}

function time(ms: number): string {
  return `${ms < 0 ? '−' : '+'}${Math.abs(ms).toFixed(2)}`;
}

function clip(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
