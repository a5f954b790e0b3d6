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

const whole =
  /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|(?<=[=(,:!&|?;{}\n]\s*)\/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n])+\/[a-z]*/y;
const templateText = /(?:\\[\s\S]|[^`\\$]|\$(?!\{))*/y;

/** Blanks what is not code, keeping the expressions inside templates and every line break. */
function blank(text: string): string {
  let code = '';
  /** Open braces in each template expression we are inside of. */
  const depths: number[] = [];
  const skip = (pattern: RegExp, from: number): number => {
    pattern.lastIndex = from;
    const match = pattern.exec(text)?.[0] ?? '';
    code += match.replace(/[^\n]/g, ' ');
    return from + match.length;
  };
  const template = (from: number): number => {
    const end = skip(templateText, from);
    if (text[end] === '$') depths.push(0);
    code += text[end] === '$' ? '  ' : ' ';
    return end + (text[end] === '$' ? 2 : 1);
  };
  for (let i = 0; i < text.length; ) {
    const after = skip(whole, i);
    if (after > i) i = after;
    else if (text[i] === '`') {
      code += ' ';
      i = template(i + 1);
    } else if (text[i] === '}' && depths.at(-1) === 0) {
      depths.pop();
      code += ' ';
      i = template(i + 1);
    } else {
      if (text[i] === '{' && depths.length > 0) depths[depths.length - 1]++;
      if (text[i] === '}' && depths.length > 0) depths[depths.length - 1]--;
      code += text[i++];
    }
  }
  return code;
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
