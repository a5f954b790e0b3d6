import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from './outcome.js';

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

/** Makes the directory that `--out` names, before there is anything to lose. Throws UsageError. */
export function outputDirectory(directory: string): string {
  try {
    makeDirectory(resolve(directory));
    accessSync(directory, constants.W_OK);
  } catch (error) {
    throw new UsageError([`--out ${directory}: a directory that can be written: ${(error as Error).message}`]);
  }
  return directory;
}

/** Parents first and one by one: where /proc is above, Node's own recursion never ends. */
function makeDirectory(path: string): void {
  if (existsSync(path)) {
    // Refuses what is there and no directory.
    readdirSync(path);
    return;
  }
  makeDirectory(dirname(path));
  mkdirSync(path);
}

/** Writes a file whole or not at all. */
export function writeOutput(path: string, content: string | Uint8Array): void {
  const part = `${path}.part`;
  try {
    writeFileSync(part, content);
    renameSync(part, path);
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
}
