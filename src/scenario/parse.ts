import { ConfigError } from '../base/errors.js';
import { parsed } from '../protocol/config.js';
import { type Path, readYaml, type YamlDocument } from './document.js';
import { ExpressionError, evaluate, known } from './expression.js';
import type { Scenario } from './model.js';
import { resolve } from './resolve.js';
import { scenarioSchema } from './schema.js';

export type ScenarioResult =
  | { readonly ok: true; readonly scenario: Scenario }
  | { readonly ok: false; readonly problems: readonly ConfigError[] };

export interface ParseOptions {
  /** For messages and the default name. */
  readonly file: string;
  /** `--set`: replaces parameters of the file by name. */
  readonly overrides?: Readonly<Record<string, number>>;
}

/** Reads the text of a scenario file and puts its parameters in. Reports every problem, each with file, line and path. */
export function parseScenario(text: string, options: ParseOptions): ScenarioResult {
  const document = readYaml(text, options.file);
  if (document.problems.length > 0) return { ok: false, problems: document.problems };
  const problems: ConfigError[] = [];
  const parameters = readParameters(document, options.overrides ?? {}, problems);
  const result = parsed(scenarioSchema(parameters, hasContinent(document)), document.value);
  if (!result.ok) problems.push(...result.problems.map(({ path, expected }) => document.problem(path, expected)));
  if (problems.length > 0 || !result.ok) return { ok: false, problems: inOrder(problems) };
  const scenario = resolve(result.config, { document, parameters, problems });
  return problems.length > 0 ? { ok: false, problems: inOrder(problems) } : { ok: true, scenario };
}

/** What it generates need not be written out. */
function hasContinent({ value }: YamlDocument): boolean {
  return typeof value === 'object' && value !== null && 'continent' in value;
}

/** `parameters:` in order, each a number or an expression of those above it; `overrides` win. */
function readParameters(
  document: YamlDocument,
  overrides: Readonly<Record<string, number>>,
  problems: ConfigError[],
): Record<string, number> {
  const given = (document.value as { parameters?: unknown } | null)?.parameters ?? {};
  const values: Record<string, number> = {};
  if (typeof given !== 'object' || Array.isArray(given)) {
    problems.push(document.problem(['parameters'], 'names with numbers'));
    return values;
  }
  for (const [name, entry] of Object.entries(given as Record<string, unknown>)) {
    const path = ['parameters', name];
    if (!/^[A-Za-z_]\w*$/.test(name)) problems.push(document.problem(path, 'a name of letters, digits and _'));
    values[name] = Object.hasOwn(overrides, name)
      ? overrides[name]
      : parameterValue(document, path, entry, values, problems);
  }
  for (const name of Object.keys(overrides))
    if (!Object.hasOwn(values, name))
      problems.push(
        new ConfigError({ file: '--set', path: name }, `a parameter of ${document.file}; ${known(values)}`),
      );
  return values;
}

function parameterValue(
  document: YamlDocument,
  path: Path,
  entry: unknown,
  above: Record<string, number>,
  problems: ConfigError[],
): number {
  if (typeof entry === 'number' && Number.isFinite(entry)) return entry;
  if (typeof entry === 'boolean') return entry ? 1 : 0;
  try {
    if (typeof entry === 'string') return evaluate(entry, above);
    problems.push(document.problem(path, `a number or an expression, not ${JSON.stringify(entry)}`));
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    problems.push(document.problem(path, error.message));
  }
  return 0;
}

function inOrder(problems: readonly ConfigError[]): ConfigError[] {
  return [...problems].sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
}
