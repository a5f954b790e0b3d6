import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';

export interface Source {
  /** From the root of the repository. */
  readonly path: string;
  readonly text: string;
  /** `text` with comments, strings and regular expressions blanked, lines kept. */
  readonly code: string;
}

export const root = join(import.meta.dirname, '../../..');

/** Files below `folder` whose names end with one of `endings`, apart from what is installed or built. */
export function filesBelow(folder: string, ...endings: string[]): string[] {
  const found: string[] = [];
  for (const name of readdirSync(join(root, folder)).sort()) {
    if (['node_modules', 'dist', 'out', '.git'].includes(name)) continue;
    const path = join(folder, name);
    if (statSync(join(root, path)).isDirectory()) found.push(...filesBelow(path, ...endings));
    else if (endings.some(ending => name.endsWith(ending))) found.push(relative('.', path));
  }
  return found;
}

export function readSource(path: string): Source {
  const text = readFileSync(join(root, path), 'utf8');
  return { path, text, code: blank(text) };
}

const quoted =
  /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\$]|\$(?!\{))*`|(?<=[=(,:!&|?;{}\n]\s*)\/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n])+\/[a-z]*/g;

function blank(text: string): string {
  return text.replace(quoted, match => match.replace(/[^\n]/g, ' '));
}

export interface FunctionSpan {
  readonly name: string;
  readonly line: number;
  readonly lines: number;
}

/** Functions, methods and arrow functions with a body, by their braces. */
export function functionsOf(source: Source): FunctionSpan[] {
  const spans: FunctionSpan[] = [];
  const open: { start: number; name: string | undefined }[] = [];
  const code = source.code;
  let line = 1;
  for (let i = 0; i < code.length; i++) {
    if (code[i] === '\n') line++;
    else if (code[i] === '{') open.push({ start: line, name: functionName(code.slice(Math.max(0, i - 400), i)) });
    else if (code[i] === '}') {
      const span = open.pop();
      if (span?.name !== undefined) spans.push({ name: span.name, line: span.start, lines: line - span.start + 1 });
    }
  }
  return spans;
}

/** What the text before a brace declares: undefined where the brace opens no function. */
function functionName(before: string): string | undefined {
  if (/=>\s*$/.test(before)) return 'arrow function';
  const head = /(?:^|[\s*#])([A-Za-z_$][\w$]*)\s*(?:<[^<>]*>)?\s*\([^{}]*\)\s*(?::\s*[^{};=]+)?\s*$/.exec(
    before.slice(before.lastIndexOf('\n\n') + 1),
  );
  if (!head || ['if', 'for', 'while', 'switch', 'catch', 'with'].includes(head[1])) return undefined;
  return head[1];
}
