import {
  closeSync,
  existsSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import type { StoredRecord } from '../protocol/contract.js';

/** The state on disk cannot be used; the message says what to do about it. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  constructor(
    readonly path: string,
    problem: string,
  ) {
    super(`${path}: ${problem}; repair it from a copy, or move it away to start without state`);
  }
}

/**
 * What a role must know after a restart, one file a role. Every change is a transaction in the page cache once the call
 * returns, so `kill -9` loses nothing; it reaches the disk within a second or so, since a handover cannot wait for one. What
 * a crash of the whole machine may have torn is therefore not used again.
 */
export class StateStore {
  readonly path: string;
  /** Where the state went that a crash of the machine may have torn. */
  readonly setAside: string | undefined;
  readonly #root: RootDatabase;
  readonly #records: Database<unknown, string>;
  readonly #file: number;
  readonly #timer: NodeJS.Timeout;
  #dirty = false;

  /** Creates what is not there. Throws StoreError where the file is not a store of `role`. */
  constructor(path: string, role: string) {
    this.path = path;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    this.setAside = setAsideTorn(path);
    checkFile(path);
    try {
      this.#root = open({ path, noSubdir: true, encoding: 'json', maxDbs: 2, noSync: true });
      this.#records = this.#root.openDB<unknown, string>({ name: 'records', encoding: 'json' });
    } catch (error) {
      throw new StoreError(path, `not readable (${(error as Error).message})`);
    }
    const problem = this.#claim(role);
    if (problem !== undefined) {
      void this.#root.close();
      throw new StoreError(path, problem);
    }
    this.#file = openSync(path, 'r');
    writeFileSync(openMark(path), bootIdentity(), { flush: true });
    this.#timer = setInterval(() => this.#flush(), flushIntervalMs);
    this.#timer.unref();
  }

  /** May be gone through more than once. */
  records(): Iterable<StoredRecord> {
    return { [Symbol.iterator]: () => this.#read() };
  }

  put(key: string, value: unknown): void {
    this.#root.transactionSync(() => void this.#records.put(key, value));
    this.#dirty = true;
  }

  remove(key: string): void {
    this.#root.transactionSync(() => void this.#records.remove(key));
    this.#dirty = true;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#root.close();
    fdatasyncSync(this.#file);
    closeSync(this.#file);
    rmSync(openMark(this.path));
  }

  #flush(): void {
    if (!this.#dirty) return;
    this.#dirty = false;
    fdatasync(this.#file, error => {
      if (error) throw new StoreError(this.path, `cannot be written (${error.message})`);
    });
  }

  *#read(): Generator<StoredRecord> {
    try {
      for (const { key, value } of this.#records.getRange()) yield { key, value };
    } catch (error) {
      throw new StoreError(this.path, `a record is damaged (${(error as Error).message})`);
    }
  }

  /** Says in the file whose it is, or what speaks against using it. */
  #claim(role: string): string | undefined {
    const about = this.#root.get('about') as { schema?: unknown; role?: unknown } | undefined;
    if (about === undefined) this.#root.transactionSync(() => void this.#root.put('about', { schema, role }));
    else if (about.role !== role) return `holds the state of '${about.role}', not of '${role}'`;
    else if (about.schema !== schema) return `has schema ${about.schema}; this version reads schema ${schema}`;
    return undefined;
  }
}

/** Rises when records of earlier versions can no longer be read. */
const schema = 1;

const flushIntervalMs = 1000;

/** Stands beside a store while it is open, and says under which boot of the machine it was opened. */
function openMark(path: string): string {
  return `${path}.open`;
}

function bootIdentity(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8');
}

/** A store that was open when the machine went down goes out of the way. */
function setAsideTorn(path: string): string | undefined {
  const mark = openMark(path);
  if (!existsSync(mark) || readFileSync(mark, 'utf8') === bootIdentity() || !existsSync(path)) return undefined;
  renameSync(path, `${path}.torn`);
  return `${path}.torn`;
}

/** The engine maps the file into memory and would die on one that is cut off or not its own: look before it does. */
function checkFile(path: string): void {
  const file = openIfThere(path);
  if (file === undefined) return;
  try {
    const size = fstatSync(file).size;
    if (size === 0) return;
    const page = Buffer.alloc(8192);
    if (readSync(file, page, 0, page.length, 0) < page.length) throw new StoreError(path, 'is cut off');
    for (const meta of [page, page.subarray(4096)]) {
      if (meta.readUInt32LE(24) !== lmdbMagic) throw new StoreError(path, 'is not a state store');
      const lastPage = Number(meta.readBigUInt64LE(0x90));
      if (size < (lastPage + 1) * 4096) throw new StoreError(path, 'is cut off');
    }
  } finally {
    closeSync(file);
  }
}

const lmdbMagic = 0xbeefc0de;

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new StoreError(path, `not readable (${(error as Error).message})`);
  }
}
