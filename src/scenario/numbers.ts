import { z } from 'zod';
import * as c from '../protocol/config.js';
import { ExpressionError, evaluate, type Parameters } from './expression.js';

/** In ms it is eleven days, so that nanoseconds and sums of them stay whole numbers. */
export const greatest = 1_000_000_000;

interface Range {
  /** 0 where not given. */
  readonly least?: number;
  /** {@link greatest} where not given. */
  readonly most?: number;
  /** More than 0. */
  readonly positive?: boolean;
  readonly integer?: boolean;
}

/** Schemas for numbers: written out, or as an expression of the parameters. `true` and `false` are 1 and 0. */
export function numbers(parameters: Parameters) {
  return (range: Range) =>
    z.unknown().transform((given, context): number => {
      const value = numberFrom(given, parameters);
      if (typeof value === 'number' && inRange(value, range)) return value;
      const tooGreat = typeof value === 'number' && value > greatest && range.most === undefined;
      const expected = tooGreat ? `a number of at most ${greatest}` : describeRange(range);
      context.addIssue({ code: 'custom', message: refusal(expected, given, value) });
      return z.NEVER;
    });
}

export type NumberSchemas = ReturnType<typeof numbers>;

/** Text: why there is no value. */
function numberFrom(given: unknown, parameters: Parameters): number | string | undefined {
  if (typeof given === 'boolean') return Number(given);
  if (typeof given !== 'string') return typeof given === 'number' ? given : undefined;
  try {
    return evaluate(given, parameters);
  } catch (error) {
    if (error instanceof ExpressionError) return error.message;
    throw error;
  }
}

function refusal(expected: string, given: unknown, value: number | string | undefined): string {
  if (given === undefined) return `missing: ${expected}`;
  if (typeof value === 'string') return value;
  return `${expected}, not ${typeof given === 'string' ? `${value} ('${given}')` : c.shown(given)}`;
}

function inRange(value: number, { least = 0, most = greatest, positive, integer }: Range): boolean {
  return value >= least && value <= most && (!positive || value > 0) && (!integer || Number.isInteger(value));
}

function describeRange({ least = 0, most, positive, integer }: Range): string {
  const what = integer ? 'a whole number' : 'a number';
  if (positive) return `${what} above 0`;
  if (most !== undefined) return `${what} from ${least} to ${most}`;
  return `${what} of at least ${least}`;
}
