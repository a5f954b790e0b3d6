import { type Logger, pino } from 'pino';
import type { Log } from '../linux/world.js';
import type { WorldConfig } from './config.js';
import { LogOutput } from './log-output.js';

/** Writes to standard output: a JSON object a line, or readable text. Lines that nobody takes are counted in the next one. */
export function createLog(config: WorldConfig['log'], role: string): Logger & Log {
  // Asking for the stream is what makes Node open a pipe without blocking.
  const output = new LogOutput(process.stdout.fd);
  let linesLost = 0;
  const options = {
    level: config.level,
    base: { role },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    mixin: () => (linesLost > 0 ? { linesLost } : {}),
  };
  const write = (line: string) => {
    linesLost = output.write(config.format === 'json' ? line : readable(line)) ? 0 : linesLost + 1;
  };
  return pino(options, { write });
}

/** `2006-05-12T10:00:00.000Z info mpa: binding created home=2001:db8::1/128`. */
export function readable(line: string): string {
  const { level, time, role, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const rest = Object.entries(fields).map(([name, value]) => ` ${name}=${word(value)}`);
  return `${time} ${level} ${role}: ${msg}${rest.join('')}\n`;
}

function word(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text);
}
