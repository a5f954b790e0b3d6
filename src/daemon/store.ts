import { closeSync, fstatSync, mkdirSync, openSync, readSync } from 'node:fs';
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

/** What a role must know after a restart, one file a role: a synchronous transaction a change, so that `kill -9` loses nothing. */
export class StateStore {
  readonly path: string;
  readonly #root: RootDatabase;
  readonly #records: Database<unknown, string>;

  /** Creates what is not there. Throws StoreError where the file is not a store of `role`. */
  constructor(path: string, role: string) {
    this.path = path;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    checkFile(path);
    try {
      this.#root = open({ path, noSubdir: true, encoding: 'json', maxDbs: 2 });
      this.#records = this.#root.openDB<unknown, string>({ name: 'records', encoding: 'json' });
    } catch (error) {
      throw new StoreError(path, `not readable (${(error as Error).message})`);
    }
    const problem = this.#claim(role);
    if (problem === undefined) return;
    void this.#root.close();
    throw new StoreError(path, problem);
  }

  /** May be gone through more than once. */
  records(): Iterable<StoredRecord> {
    return { [Symbol.iterator]: () => this.#read() };
  }

  put(key: string, value: unknown): void {
    this.#root.transactionSync(() => void this.#records.put(key, value));
  }

  remove(key: string): void {
    this.#root.transactionSync(() => void this.#records.remove(key));
  }

  async close(): Promise<void> {
    await this.#root.close();
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
