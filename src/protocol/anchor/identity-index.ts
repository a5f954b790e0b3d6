const empty = 0;

/**
 * From identities to slots: open addressing over two integers an entry, its hash and its slot. A look-up among millions
 * reads one place in memory before it reads the binding itself; a Map reads five.
 */
export class IdentityIndex {
  readonly #identityOf: (slot: number) => string;
  /** Pairs: hash, and slot + 1; `empty` where there is none. */
  #pairs = new Int32Array(2 * 64);
  #size = 0;

  /** `identityOf` tells the identity of a slot that was added. */
  constructor(identityOf: (slot: number) => string) {
    this.#identityOf = identityOf;
  }

  get(identity: string): number | undefined {
    const at = this.#find(identity, hashOf(identity));
    return this.#pairs[at + 1] === empty ? undefined : this.#pairs[at + 1] - 1;
  }

  /** Adds, or leads an identity to another slot. */
  set(identity: string, slot: number): void {
    if (4 * ++this.#size > this.#pairs.length) this.#grow();
    const hash = hashOf(identity);
    const at = this.#find(identity, hash);
    if (this.#pairs[at + 1] !== empty) this.#size--;
    this.#pairs[at] = hash;
    this.#pairs[at + 1] = slot + 1;
  }

  delete(identity: string): void {
    let hole = this.#find(identity, hashOf(identity));
    if (this.#pairs[hole + 1] === empty) return;
    this.#size--;
    // What stands behind the hole and belongs at or before it moves up, so that no search ends too early.
    for (let at = this.#after(hole); this.#pairs[at + 1] !== empty; at = this.#after(at)) {
      const distance = (at - this.#start(this.#pairs[at])) & (this.#pairs.length - 1);
      if (distance < ((at - hole) & (this.#pairs.length - 1))) continue;
      this.#pairs[hole] = this.#pairs[at];
      this.#pairs[hole + 1] = this.#pairs[at + 1];
      hole = at;
    }
    this.#pairs[hole + 1] = empty;
  }

  /** Where the identity stands, or would. */
  #find(identity: string, hash: number): number {
    let at = this.#start(hash);
    while (this.#pairs[at + 1] !== empty) {
      if (this.#pairs[at] === hash && this.#identityOf(this.#pairs[at + 1] - 1) === identity) return at;
      at = this.#after(at);
    }
    return at;
  }

  #start(hash: number): number {
    return (2 * hash) & (this.#pairs.length - 1);
  }

  #after(at: number): number {
    return (at + 2) & (this.#pairs.length - 1);
  }

  #grow(): void {
    const before = this.#pairs;
    this.#pairs = new Int32Array(2 * before.length);
    for (let i = 0; i < before.length; i += 2) {
      if (before[i + 1] === empty) continue;
      let at = this.#start(before[i]);
      while (this.#pairs[at + 1] !== empty) at = this.#after(at);
      this.#pairs[at] = before[i];
      this.#pairs[at + 1] = before[i + 1];
    }
  }
}

/** FNV-1a with the finish of MurmurHash3, which spreads names that differ only at their end. */
function hashOf(identity: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < identity.length; i++) hash = Math.imul(hash ^ identity.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
