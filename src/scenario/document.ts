import {
  type Document,
  isMap,
  isNode,
  isPair,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
} from 'yaml';
import { ConfigError } from '../base/errors.js';

export type Path = readonly (string | number)[];

/** A YAML file as data, with the way back from a path to its line. */
export interface YamlDocument {
  readonly file: string;
  readonly value: unknown;
  /** Syntax errors; `value` is then worthless. */
  readonly problems: readonly ConfigError[];
  /** The line of the thing at `path`, or of what of it exists. */
  lineOf(path: Path): number;
  /** A problem at `path`, on its line. */
  problem(path: Path, expected: string): ConfigError;
}

/** Reads `text`, the contents of `file`. Never throws for what the text holds. */
export function readYaml(text: string, file: string): YamlDocument {
  const lines = new LineCounter();
  // The parser's own check compares each key of a map with all before it.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  const lineAt = (offset: number) => lines.linePos(offset).line;
  const problemAt = (offset: number, expected: string) =>
    new ConfigError({ file, line: lineAt(offset), path: '' }, expected);
  const problems = [
    ...document.errors.map(({ code, message, pos }) =>
      problemAt(pos[0], code === 'MULTIPLE_DOCS' ? 'one YAML document, not several' : `valid YAML: ${message}`),
    ),
    ...repeatedKeys(document).map(offset => problemAt(offset, 'valid YAML: Map keys must be unique')),
  ];
  let value: unknown;
  if (problems.length === 0)
    try {
      value = document.toJS({ maxAliasCount: 100 });
    } catch (error) {
      problems.push(new ConfigError({ file, path: '' }, `valid YAML: ${(error as Error).message}`));
    }
  const lineOf = (path: Path) => lineAt(offsetOf(document.contents, path));
  return {
    file,
    value,
    problems,
    lineOf,
    problem: (path, expected) => new ConfigError({ file, line: lineOf(path), path: formatPath(path) }, expected),
  };
}

/** Where keys stand that a map has already. */
function repeatedKeys(document: Document): number[] {
  const offsets: number[] = [];
  visit(document, {
    Map(_, map) {
      const seen = new Set<string>();
      for (const { key } of map.items) {
        if (!isNode(key)) continue;
        if (seen.has(String(key))) offsets.push(key.range?.[0] ?? 0);
        seen.add(String(key));
      }
    },
  });
  return offsets;
}

/** Where the thing at `path` begins, or what of it exists: a key of a map counts as the beginning of its value. */
function offsetOf(root: Node | null, path: Path): number {
  let node: unknown = root;
  let offset = root?.range?.[0] ?? 0;
  for (const step of path) {
    if (isMap(node)) {
      const pair = (node.items as Pair[]).find(item => keyOf(item) === String(step));
      if (!pair) break;
      offset = isNode(pair.key) ? (pair.key.range?.[0] ?? offset) : offset;
      node = pair.value;
    } else if (isSeq(node)) {
      const item = node.items[Number(step)];
      if (!isNode(item)) break;
      offset = item.range?.[0] ?? offset;
      node = item;
    } else break;
  }
  return offset;
}

function keyOf(pair: unknown): string | undefined {
  if (!isPair(pair)) return undefined;
  return isNode(pair.key) ? String(pair.key) : String(pair.key);
}

/** `links[2].delayMs`. */
export function formatPath(path: Path): string {
  return path.map((step, i) => (typeof step === 'number' ? `[${step}]` : i === 0 ? step : `.${step}`)).join('');
}
