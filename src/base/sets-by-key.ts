/** Sets of values, each found by a key that others may share; none is kept that is empty. */
export class SetsByKey<Key, Value> {
  readonly #sets = new Map<Key, Set<Value>>();

  /** As it stands: what is added or deleted while it is gone through shows. */
  of(key: Key): ReadonlySet<Value> {
    return this.#sets.get(key) ?? (none as ReadonlySet<Value>);
  }

  add(key: Key, value: Value): void {
    const there = this.#sets.get(key);
    if (there) there.add(value);
    else this.#sets.set(key, new Set([value]));
  }

  delete(key: Key, value: Value): void {
    const there = this.#sets.get(key);
    there?.delete(value);
    if (there?.size === 0) this.#sets.delete(key);
  }
}

const none: ReadonlySet<unknown> = new Set();
