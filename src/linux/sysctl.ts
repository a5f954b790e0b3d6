import { readFileSync, writeFileSync } from 'node:fs';
import { hostError } from './ffi/libc.js';

/** Kernel parameters of this namespace, given back as they were found. */
export class Sysctls {
  readonly #found = new Map<string, string>();

  /** `net/ipv6/conf/all/forwarding`. Throws HostError. */
  set(name: string, value: string): void {
    const before = access(name, path => readFileSync(path, 'utf8')).trim();
    if (before === value) return;
    if (!this.#found.has(name)) this.#found.set(name, before);
    access(name, path => writeFileSync(path, value));
  }

  /** Undoes every `set`. A parameter that went away with its device is no error. */
  restore(): void {
    for (const [name, value] of this.#found) {
      try {
        access(name, path => writeFileSync(path, value));
      } catch {}
    }
    this.#found.clear();
  }
}

function access<T>(name: string, use: (path: string) => T): T {
  try {
    return use(`/proc/sys/${name}`);
  } catch (error) {
    throw hostError('sysctl', -((error as NodeJS.ErrnoException).errno ?? 0), name);
  }
}
