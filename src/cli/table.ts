/** Rows as aligned text; `alignment` has an `l` or an `r` a column. */
export function textTable(rows: readonly (readonly string[])[], alignment: string): string {
  const widths = Array.from({ length: alignment.length }, (_, column) =>
    Math.max(...rows.map(row => width(row[column] ?? ''))),
  );
  const line = (row: readonly string[]) =>
    widths
      .map((size, column) => {
        const cell = row[column] ?? '';
        const padding = ' '.repeat(size - width(cell));
        return alignment[column] === 'r' ? padding + cell : cell + padding;
      })
      .join('  ')
      .trimEnd();
  return `${rows.map(line).join('\n')}\n`;
}

function width(text: string): number {
  return [...text].length;
}
