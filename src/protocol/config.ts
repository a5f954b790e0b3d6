import { z } from 'zod';
import { type Address, isRoutableUnicast, parseAddress, tryParseAddress } from '../base/address.js';
import { type LinkAddress, parseLinkAddress } from '../base/link-address.js';
import { hostPrefix, type Prefix, parsePrefix } from '../base/prefix.js';
import { hexToBytes, utf8Bytes } from '../base/text.js';
import type { ConfigProblem, Parsed } from './scheme.js';

/**
 * Fields of configuration files: text in, typed values out, with problems that say what was expected. Sections are
 * `z.strictObject({...})`, so a key nobody reads is a problem.
 */
export const address = parsedText('an IPv6 address such as 2001:db8::1', tryParseAddress);

/** An address that packets can be sent to beyond its link. */
export const unicastAddress = parsedText('a unicast IPv6 address such as 2001:db8::1', text => {
  const value = tryParseAddress(text);
  return value !== undefined && isRoutableUnicast(value) ? value : undefined;
});

export const prefix = parsedText<Prefix>('an IPv6 prefix such as 2001:db8:1::/64, no bits set past its length', text =>
  unlessRangeError(() => parsePrefix(text)),
);

/** In its IPv4-mapped form. */
export const ipv4Address = parsedText('an IPv4 address such as 192.0.2.1', text => tryParseAddress(`::ffff:${text}`));
/** In its IPv4-mapped form. */
export const ipv4Prefix = parsedText<Prefix>(
  'an IPv4 prefix such as 192.0.2.0/24, no bits set past its length',
  text => {
    const [address, length] = text.split('/');
    return /^[\d.]+\/\d{1,2}$/.test(text)
      ? unlessRangeError(() => parsePrefix(`::ffff:${address}/${96 + Number(length)}`))
      : undefined;
  },
);

/** A prefix, or an address that stands for itself alone. */
export const prefixOrAddress = parsedText<Prefix>('an IPv6 prefix or address', text =>
  unlessRangeError(() => (text.includes('/') ? parsePrefix(text) : hostPrefix(parseAddress(text)))),
);

/** Six octets. */
export const linkAddress = parsedText<LinkAddress>('a link-layer address such as 02:00:00:00:00:01', text => {
  const value = unlessRangeError(() => parseLinkAddress(text));
  return value?.length === 6 ? value : undefined;
});

/** A Network Access Identifier (RFC 7542), up to 253 octets so that it fits a mobility option. */
export const identity = parsedText('a network access identifier such as host@example.net', text =>
  /^[\x21-\x7e]{1,253}$/.test(text) ? text : undefined,
);

/** A name of something in the same file. */
export const name = parsedText('a name', text => (text.trim() === text && text !== '' ? text : undefined));

/** Octets of key material; the problem never repeats what was given. */
export function secret(octets: number, what: string) {
  const expected = `${2 * octets} hex digits (${what})`;
  return z.string({ error: () => expected }).transform((text, context): Uint8Array => {
    if (text.length === 2 * octets && /^[0-9a-fA-F]*$/.test(text)) return hexToBytes(text);
    context.addIssue({ code: 'custom', message: expected });
    return z.NEVER;
  });
}

/** What two RADIUS nodes share (RFC 2865 §3), as text; the problem never repeats what was given. */
export const sharedSecret = z
  .string({ error: () => sharedSecretExpected })
  .regex(/^[\x20-\x7e]{16,128}$/, { error: () => sharedSecretExpected })
  .transform((text): Uint8Array => utf8Bytes(text));
const sharedSecretExpected = 'a shared secret of 16 to 128 characters';

/** From `low` to `high` octets as hex digits. */
export function octets(low: number, high: number, what: string) {
  return parsedText(`${2 * low} to ${2 * high} hex digits (${what})`, text =>
    /^([0-9a-fA-F]{2})*$/.test(text) && text.length >= 2 * low && text.length <= 2 * high
      ? hexToBytes(text)
      : undefined,
  );
}

/** An integer in low..high. */
export function integer(low: number, high: number, unit = '') {
  const expected = `an integer from ${low} to ${high}${unit && ` ${unit}`}`;
  const error = expecting(expected);
  return z.number({ error }).int({ error }).min(low, { error }).max(high, { error });
}

/** Milliseconds up to an hour, fractions allowed. */
export const durationMs = number(0, 3_600_000, 'milliseconds');
/** Seconds in a 16-bit lifetime field that counts units of four. */
export const lifetimeS = integer(4, 262_140, 'seconds');

/** A number in low..high. */
export function number(low: number, high: number, unit: string) {
  const error = expecting(`a number of ${unit} from ${low} to ${high}`);
  return z.number({ error }).min(low, { error }).max(high, { error });
}

export const flag = z.boolean({ error: expecting('true or false') });

/** One of `words`. */
export function choice<const T extends readonly [string, ...string[]]>(words: T) {
  return z.enum(words, { error: expecting(`one of ${words.join(', ')}`) });
}

/** What `input` says in the terms of `schema`, or every problem it has. */
export function parsed<T>(schema: z.ZodType<T>, input: unknown): Parsed<T> {
  const result = schema.safeParse(input, { error: describe });
  if (result.success) return { ok: true, config: result.data };
  return { ok: false, problems: result.error.issues.flatMap(problems) };
}

/**
 * `schema`, for a section that many configurations have in common: one that is frozen is read once, however many have it, and
 * what it says is one object.
 */
export function shared<S extends z.ZodType>(schema: S) {
  const known = new WeakMap<object, z.output<S>>();
  return z.unknown().transform((input, context): z.output<S> => {
    const isShared = typeof input === 'object' && input !== null && Object.isFrozen(input);
    const before = isShared ? known.get(input) : undefined;
    if (before !== undefined) return before;
    const result = parsed(schema, input);
    if (!result.ok) {
      for (const { path, expected } of result.problems)
        context.addIssue({ code: 'custom', path: [...path], message: expected });
      return z.NEVER;
    }
    if (isShared) known.set(input, result.config as z.output<S> & object);
    return result.config as z.output<S>;
  });
}

type Issue = z.core.$ZodIssue;
type RawIssue = z.core.$ZodRawIssue;

function problems(issue: Issue): ConfigProblem[] {
  const path = issue.path.map(part => (typeof part === 'symbol' ? String(part) : part));
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map(key => ({ path: [...path, key], expected: issue.message }));
  return [{ path, expected: issue.message }];
}

/** For what a schema has no words of its own. */
function describe(issue: RawIssue): string | undefined {
  if (issue.code === 'unrecognized_keys') return `no such key here${known(issue)}`;
  if (issue.code === 'invalid_type' && issue.expected === 'object')
    return expecting(`a section${known(issue)}`)({ input: issue.input });
  if (issue.code === 'invalid_type' && issue.expected === 'array') return expecting('a list')({ input: issue.input });
  if (issue.code === 'invalid_union' && Array.isArray(issue.options))
    return `one of ${issue.options.map(String).join(', ')}`;
  return undefined;
}

function known(issue: RawIssue): string {
  const shape = (issue.inst as { shape?: Record<string, unknown> } | undefined)?.shape;
  return shape ? `; keys are ${Object.keys(shape).join(', ')}` : '';
}

/** What to say of a value that is not what was `expected`. */
export function expecting(expected: string): (issue: { readonly input?: unknown }) => string {
  return issue => (issue.input === undefined ? `missing: ${expected}` : `${expected}, not ${shown(issue.input)}`);
}

/** A value that somebody wrote, for a message. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (Array.isArray(value)) return 'a list';
  return value !== null && typeof value === 'object' ? 'a section' : String(value);
}

function parsedText<T extends Address | Prefix | LinkAddress | Uint8Array | string>(
  expected: string,
  parse: (text: string) => T | undefined,
) {
  return z.string({ error: expecting(expected) }).transform((text, context): T => {
    const value = parse(text);
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: `${expected}, not '${text}'` });
    return z.NEVER;
  });
}

function unlessRangeError<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
