import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where the package lies: this file is dist/src/cli/files.js in it. */
const root = fileURLToPath(new URL('../../../', import.meta.url));

export function packageVersion(): string {
  return (JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { version: string }).version;
}

/** `file`, or the scenario of that name among those shipped; shown relative to where the user is. */
export function scenarioPath(file: string): string {
  if (existsSync(file) || /[/\\.]/.test(file)) return file;
  const shipped = `${root}scenarios/${file}.yaml`;
  return existsSync(shipped) ? relative(process.cwd(), shipped) || shipped : file;
}

/** uPlot as text, for a report that needs no network. */
export function plotLibrary(): { script: string; style: string } {
  const directory = dirname(createRequire(import.meta.url).resolve('uplot'));
  const read = (name: string) => readFileSync(`${directory}/${name}`, 'utf8');
  return { script: read('uPlot.iife.min.js'), style: read('uPlot.min.css') };
}
