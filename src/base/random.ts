/** A source of randomness. Worlds provide it: seeded in the simulator, the kernel's in a daemon. */
export interface Random {
  /** Uniform integer in 0..2^32-1. */
  uint32(): number;
}

/** Uniform in [low, high). */
export function uniform(random: Random, low: number, high: number): number {
  return low + (high - low) * (random.uint32() / 0x1_0000_0000);
}

/** Uniform integer in 0..bound-1. */
export function below(random: Random, bound: number): number {
  return Math.floor((random.uint32() / 0x1_0000_0000) * bound);
}

export function randomBytes(random: Random, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i += 4) {
    const word = random.uint32();
    for (let j = 0; j < 4 && i + j < length; j++) bytes[i + j] = (word >>> (8 * j)) & 0xff;
  }
  return bytes;
}

/** sfc32: small, fast and good; the same numbers for the same seed on every machine. `stream` separates users of one seed. */
export function seededRandom(seed: number, stream = ''): Random {
  let a = seed >>> 0;
  let b = Math.floor(seed / 0x1_0000_0000) >>> 0;
  let c = 0x9e3779b9;
  for (let i = 0; i < stream.length; i++) c = Math.imul(c ^ stream.charCodeAt(i), 0x01000193) >>> 0;
  let counter = 1;
  const random: Random = {
    uint32() {
      const t = (((a + b) | 0) + counter) | 0;
      counter = (counter + 1) | 0;
      a = b ^ (b >>> 9);
      b = (c + (c << 3)) | 0;
      c = (c << 21) | (c >>> 11);
      c = (c + t) | 0;
      return t >>> 0;
    },
  };
  for (let i = 0; i < 15; i++) random.uint32();
  return random;
}
