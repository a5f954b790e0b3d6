import type { Command } from 'commander';
import { schemes } from '../protocol/schemes.js';
import { textTable } from './table.js';

export function register(program: Command): void {
  program
    .command('schemes')
    .description('list the schemes there are')
    .option('--json', 'print data instead of a table')
    .action(({ json }: { json?: boolean }) => {
      const rows = schemes.map(({ name, title, document }) => ({ name, title, document }));
      process.stdout.write(
        json
          ? `${JSON.stringify(rows, null, 2)}\n`
          : textTable([['scheme', 'title', 'document'], ...rows.map(row => [row.name, row.title, row.document])]),
      );
    });
}
