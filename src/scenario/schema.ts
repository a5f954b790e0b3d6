import { z } from 'zod';
import { tryParseAddress } from '../base/address.js';
import { parseLinkAddress } from '../base/link-address.js';
import { parsePrefix } from '../base/prefix.js';
import { ExpressionError, evaluate, type Parameters } from './expression.js';

/** The form of a scenario file once its parameters have values: every number may be an expression of them. */
export function scenarioSchema(parameters: Parameters) {
  const number = numbers(parameters);
  return object({
    name: z
      .string()
      .regex(/^[a-z0-9-]+$/, 'a name of a-z, 0-9 and -')
      .optional(),
    title: z.string().optional(),
    description: z.string().default(''),
    seed: number({ integer: true }).default(1),
    durationMs: number({ positive: true }),
    protection: z.enum(['rfc4285', 'esp', 'insecure']).default('rfc4285'),
    /** Read before the rest; see `parametersSchema`. */
    parameters: z.unknown(),
    nodes: z.record(z.string(), nodeSchema(number)),
    links: z.array(linkSchema(number)),
    movement: z.array(moveSchema(number)).default([]),
    traffic: z.array(trafficSchema(number)).default([]),
    faults: z.array(faultSchema(number)).default([]),
  });
}
export type ScenarioFile = z.output<ReturnType<typeof scenarioSchema>>;
export type NodeEntry = ScenarioFile['nodes'][string];
export type LinkEntry = ScenarioFile['links'][number];

type NumberSchemas = ReturnType<typeof numbers>;

function nodeSchema(number: NumberSchemas) {
  const address = z
    .string()
    .refine(text => tryParseAddress(text) !== undefined, 'an IPv6 address')
    .optional();
  const prefix = z.string().refine(succeeds(parsePrefix), 'an IPv6 prefix without bits past its length').optional();
  return z.discriminatedUnion('role', [
    object({ role: z.literal('router'), address }),
    object({ role: z.literal('correspondent'), address }),
    object({ role: z.literal('dhcp-server'), address }),
    object({ role: z.literal('anchor'), address, prefix }),
    object({ role: z.literal('home-agent'), address, prefix }),
    object({
      role: z.literal('access'),
      address,
      prefix,
      advertisementMinMs: number({ positive: true }).default(200_000),
      advertisementMaxMs: number({ positive: true }).default(600_000),
    }),
    object({
      role: z.literal('mobile'),
      identity: z
        .string()
        .regex(/^[^\s@]+(@[^\s@]+)?$/, 'an NAI such as mobile@example.net')
        .optional(),
      linkAddress: z
        .string()
        .refine(text => succeeds(parseLinkAddress)(text) && text.length === 17, 'six octets such as 02:00:00:00:00:01')
        .optional(),
      addressing: z.enum(['slaac', 'dhcpv6', 'manual']).default('slaac'),
      duplicateAddressDetection: flag(number).default(true),
    }),
  ]);
}

function linkSchema(number: NumberSchemas) {
  const probability = number({ most: 1 });
  const parameters = {
    name: z.string().min(1, 'a name').optional(),
    delayMs: number({}),
    rateMbps: number({ positive: true }).optional(),
    queueOctets: number({ positive: true }).optional(),
    loss: probability.default(0),
    duplication: probability.default(0),
    reordering: probability.default(0),
    reorderDelayMs: number({}).default(1),
    mtu: number({ least: 1280, most: 65535, integer: true }).default(1500),
  };
  return z.union([
    object({ between: z.tuple([z.string(), z.string()], 'two node names'), ...parameters }),
    object({ access: z.string('the name of an access router'), ...parameters }),
  ]);
}

function moveSchema(number: NumberSchemas) {
  return object({
    mobile: z.string(),
    atMs: number({}),
    to: z.string("an access router, an access link or 'away'"),
    l2GapMs: number({}).default(0),
  });
}

function trafficSchema(number: NumberSchemas) {
  const flow = {
    name: z.string().min(1, 'a name').optional(),
    from: z.string(),
    to: z.string(),
    startMs: number({}).default(0),
    stopMs: number({}).optional(),
  };
  const packets = {
    intervalMs: number({ positive: true }),
    payloadOctets: number({ least: 16, most: 65000, integer: true }).default(160),
  };
  return z.discriminatedUnion('kind', [
    object({ kind: z.literal('cbr'), ...flow, ...packets }),
    object({ kind: z.literal('ping'), ...flow, ...packets }),
    object({ kind: z.literal('tcp'), ...flow, octets: number({ positive: true, integer: true }).optional() }),
  ]);
}

function faultSchema(number: NumberSchemas) {
  const span = { link: z.string(), fromMs: number({}), untilMs: number({}) };
  return z.discriminatedUnion('kind', [
    object({ kind: z.literal('loss'), ...span, probability: number({ most: 1 }) }),
    object({ kind: z.literal('partition'), ...span }),
    object({ kind: z.literal('crash'), node: z.string(), atMs: number({}), restartMs: number({}).optional() }),
    object({ kind: z.literal('clockSkew'), node: z.string(), skewMs: number({ least: Number.NEGATIVE_INFINITY }) }),
  ]);
}

/** An object that refuses keys it does not know and says which it knows. */
function object<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: issue => (issue.code === 'unrecognized_keys' ? `one of ${Object.keys(shape).join(', ')}` : undefined),
  });
}

interface Range {
  /** 0 where not given. */
  readonly least?: number;
  readonly most?: number;
  /** More than 0. */
  readonly positive?: boolean;
  readonly integer?: boolean;
}

/** Schemas for numbers: written out, or as an expression of the parameters. */
function numbers(parameters: Parameters) {
  return (range: Range) =>
    z.unknown().transform((given, context): number => {
      const refuse = (expected: string) => {
        context.issues.push({ code: 'custom', message: expected, input: given });
        return z.NEVER;
      };
      try {
        const value = typeof given === 'string' ? evaluate(given, parameters) : given;
        if (typeof value === 'number' && inRange(value, range)) return value;
        return refuse(`${describeRange(range)}, not ${describe(given, value)}`);
      } catch (error) {
        if (error instanceof ExpressionError) return refuse(error.message);
        throw error;
      }
    });
}

function inRange(value: number, { least = 0, most = Number.POSITIVE_INFINITY, positive, integer }: Range): boolean {
  return value >= least && value <= most && (!positive || value > 0) && (!integer || Number.isInteger(value));
}

function describeRange({ least = 0, most, positive, integer }: Range): string {
  const what = integer ? 'a whole number' : 'a number';
  if (positive) return `${what} above 0`;
  if (most !== undefined) return `${what} from ${least} to ${most}`;
  return Number.isFinite(least) ? `${what} of at least ${least}` : what;
}

function describe(given: unknown, value: unknown): string {
  if (given === undefined) return 'nothing';
  return typeof given === 'string' ? `${value} ('${given}')` : JSON.stringify(given);
}

/** `true`, `false`, or an expression that is not zero. */
function flag(number: NumberSchemas) {
  return z.union([z.boolean(), number({}).transform(value => value !== 0)], 'true, false or a $name');
}

function succeeds(parse: (text: string) => unknown): (text: string) => boolean {
  return text => {
    try {
      parse(text);
      return true;
    } catch {
      return false;
    }
  };
}
