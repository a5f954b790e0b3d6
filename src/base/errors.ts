/** Why bytes could not be decoded. */
export type DecodeCode =
  | 'truncated' // fewer octets than the layout needs
  | 'length' // a length field that contradicts the layout or what surrounds it
  | 'value' // a field outside its range
  | 'checksum'
  | 'version'
  | 'payload-proto' // RFC 6275 §9.2: Payload Proto is not 59
  | 'header-length' // RFC 6275 §9.2: Header Len too short for the message
  | 'unrecognised-option' // RFC 8200 §4.2: an option whose action bits forbid skipping it
  | 'nesting'; // deeper than a receiver is willing to go

/** The peer's fault. Caught once, in the receive loop, which counts and drops. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
  readonly code: DecodeCode;
  /** Octets from the start of what was given to the decoder. */
  readonly offset: number;
  readonly reason: string;
  #path: string[] = [];

  constructor(code: DecodeCode, offset: number, reason: string) {
    super(`${reason} (${code} at octet ${offset})`);
    this.code = code;
    this.offset = offset;
    this.reason = reason;
  }

  /** Names from the outermost structure to the field: `mobility.options[2].prefixLength`. */
  get path(): string {
    return this.#path.join('.').replaceAll('.[', '[');
  }

  /** Called while the error climbs out: `name` encloses what failed. */
  within(name: string): this {
    this.#path.unshift(name);
    this.message = `${this.path}: ${this.reason} (${this.code} at octet ${this.offset})`;
    return this;
  }
}

/** The user's fault: names the place and what was expected. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly file: string;
  readonly line: number | undefined;
  readonly path: string;
  readonly expected: string;

  constructor(place: { file: string; line?: number; path: string }, expected: string) {
    super(
      `${place.file}${place.line === undefined ? '' : `:${place.line}`}: ${place.path || '(document)'}: ${expected}`,
    );
    this.file = place.file;
    this.line = place.line;
    this.path = place.path;
    this.expected = expected;
  }
}

/** The machine's fault. */
export class HostError extends Error {
  override readonly name = 'HostError';
  readonly call: string;
  readonly errno: number;

  constructor(call: string, errno: number, detail: string) {
    super(`${call}: ${detail} (errno ${errno})`);
    this.call = call;
    this.errno = errno;
  }
}

/** A broken promise of our own code: never caught. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${message}`);
}

export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
