/** Values of `$name`s. */
export type Parameters = Readonly<Record<string, number>>;

/** Why an expression has no value: what was expected in its place. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError';
}

/**
 * The value of `$accessMs`, `2 * ($radioMs + $accessMs)` or `12`: numbers, `$names`, `+ - * /` and parentheses.
 * Throws ExpressionError.
 */
export function evaluate(text: string, parameters: Parameters): number {
  const tokens = text.match(/\$?[A-Za-z_]\w*|\d+(\.\d+)?(e[+-]?\d+)?|\S/g) ?? [];
  let at = 0;

  const primary = (): number => {
    const token = tokens[at++];
    if (token === undefined) throw new ExpressionError(`a number or a $name at the end of '${text}'`);
    if (token === '-') return -primary();
    if (token === '(') {
      const value = sum();
      if (tokens[at++] !== ')') throw new ExpressionError(`')' in '${text}'`);
      return value;
    }
    if (/^\d/.test(token)) return Number(token);
    if (token.startsWith('$') && token.length > 1) return parameter(token.slice(1), parameters);
    throw new ExpressionError(`a number or a $name, not '${token}' in '${text}'`);
  };
  const product = (): number => {
    let value = primary();
    while (tokens[at] === '*' || tokens[at] === '/')
      value = tokens[at++] === '*' ? value * primary() : value / primary();
    return value;
  };
  const sum = (): number => {
    let value = product();
    while (tokens[at] === '+' || tokens[at] === '-')
      value = tokens[at++] === '+' ? value + product() : value - product();
    return value;
  };

  const value = sum();
  if (at < tokens.length) throw new ExpressionError(`an operator, not '${tokens[at]}' in '${text}'`);
  if (!Number.isFinite(value)) throw new ExpressionError(`a finite number, '${text}' is ${value}`);
  return value;
}

function parameter(name: string, parameters: Parameters): number {
  if (!Object.hasOwn(parameters, name))
    throw new ExpressionError(`a parameter, '$${name}' is none; ${known(parameters)}`);
  return parameters[name];
}

/** For messages: which names there are. */
export function known(parameters: Parameters): string {
  const names = Object.keys(parameters);
  return names.length === 0 ? 'the scenario has none' : `known: ${names.join(', ')}`;
}
