/** Columns under one title; each column is its heading and then its cells. */
export interface Group {
  readonly title: string;
  readonly columns: readonly (readonly string[])[];
}

/** Groups side by side as aligned text: the first column to the left, the others to the right. */
export function groupedTable(groups: readonly Group[]): string {
  const blocks = groups.filter(group => group.columns.length > 0).map((group, i) => block(group, i === 0));
  return linesOf(blocks);
}

/** Rows as aligned text; `alignment` has an `l` or an `r` a column, all to the left where it is left out. */
export function textTable(rows: readonly (readonly string[])[], alignment = ''): string {
  const columns = rows[0].map((_, column) =>
    aligned(
      rows.map(row => row[column] ?? ''),
      alignment[column] !== 'r',
    ),
  );
  return linesOf(columns);
}

/** A group's lines, all of one width: the title, then the columns. */
function block({ title, columns }: Group, left: boolean): string[] {
  const cells = columns.map(column => aligned(column, left));
  const body = cells[0].map((_, row) => cells.map(column => column[row]).join('  '));
  const room = Math.max(width(title), width(body[0]));
  return [title.padStart(room), ...body.map(line => line.padStart(room))];
}

function aligned(cells: readonly string[], left: boolean): string[] {
  const room = Math.max(...cells.map(width));
  return cells.map(cell => (left ? cell.padEnd(room) : cell.padStart(room)));
}

function linesOf(columns: readonly (readonly string[])[]): string {
  return columns[0]
    .map(
      (_, row) =>
        `${columns
          .map(column => column[row])
          .join('   ')
          .trimEnd()}\n`,
    )
    .join('');
}

function width(text: string): number {
  return [...text].length;
}
