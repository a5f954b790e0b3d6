import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatRows } from './ctl.js';

test('ctl: rows are a table with a column for every key', () => {
  assert.equal(formatRows([], 'no bindings'), 'no bindings\n');
  const rows = [
    { identity: 'a@example.net', lifetimeS: 4 },
    { identity: 'b', proxy: true, lifetimeS: 400 },
  ];
  assert.equal(
    formatRows(rows, ''),
    ['identity       lifetimeS  proxy', 'a@example.net  4', 'b              400        true', ''].join('\n'),
  );
});
