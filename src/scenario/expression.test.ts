import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExpressionError, evaluate } from './expression.js';

const parameters = { a: 5, bMs: 2.5 };

test('expressions have the usual precedence', () => {
  for (const [text, value] of [
    ['12', 12],
    ['1e3', 1000],
    ['$a', 5],
    ['$a + 2 * $bMs', 10],
    ['($a + 2) * $bMs', 17.5],
    ['10 - 2 - 3', 5],
    ['8 / 2 / 2', 2],
    ['-$a + 6', 1],
    ['2*-3', -6],
  ] as const)
    assert.equal(evaluate(text, parameters), value, text);
});

test('what is no expression says what was expected', () => {
  for (const [text, expected] of [
    ['', /a number or a \$name at the end/],
    ['$', /a number or a \$name, not '\$'/],
    ['$b', /'\$b' is none; known: a, bMs/],
    ['$constructor', /'\$constructor' is none/],
    ['a', /a number or a \$name, not 'a'/],
    ['1 2', /an operator, not '2'/],
    ['(1', /'\)' in '\(1'/],
    ['1 +', /at the end/],
    ['1 / 0', /a finite number/],
  ] as const)
    assert.throws(
      () => evaluate(text, parameters),
      (error: unknown) => error instanceof ExpressionError && expected.test(error.message),
      text,
    );
});
