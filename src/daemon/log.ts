import { type Logger, pino } from 'pino';
import type { Log } from '../linux/world.js';
import type { WorldConfig } from './config.js';

/** Writes to standard output: a JSON object a line, or readable text. */
export function createLog(config: WorldConfig['log'], role: string): Logger & Log {
  const options = {
    level: config.level,
    base: { role },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  if (config.format === 'json') return pino(options, pino.destination({ dest: 1, sync: true }));
  return pino(options, { write: line => void process.stdout.write(readable(line)) });
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
