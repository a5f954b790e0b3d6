import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../base/address.js';
import { parseLinkAddress } from '../base/link-address.js';
import { hostPrefix } from '../base/prefix.js';
import type { TraceEvent } from '../protocol/trace.js';
import { readable } from './log.js';
import { logTrace } from './trace-log.js';

test('log: a readable line has time, level, role and message first, then fields, quoted where they need it', () => {
  const line = JSON.stringify({
    level: 'info',
    time: 'T',
    role: 'mpa',
    home: '2001:db8::1/128',
    why: 'not now',
    msg: 'binding created',
  });
  assert.equal(readable(line), 'T info mpa: binding created home=2001:db8::1/128 why="not now"\n');
});

test('log: trace events are its source, addresses as text, trouble as warnings', () => {
  const heard: unknown[] = [];
  const at = (level: string) => (fields: object, message: string) => heard.push([level, message, fields]);
  const log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  const home = hostPrefix(parseAddress('2001:db8::1'));
  const peer = parseAddress('2001:db8::2');
  const events: TraceEvent[] = [
    { event: 'binding', change: 'created', home, careOf: peer, lifetimeS: 8 },
    { event: 'binding', change: 'refreshed', home },
    { event: 'visitor', change: 'rejected', station: parseLinkAddress('02:00:00:00:00:01'), reason: 'unknown' },
    { event: 'refused', peer, status: 128, reason: 'no' },
    { event: 'discarded', peer, reason: 'malformed' },
    { event: 'failed', reason: 'silence' },
  ];
  for (const event of events) logTrace(log, event);
  assert.deepEqual(heard, [
    ['info', 'binding created', { home: '2001:db8::1/128', careOf: '2001:db8::2', lifetimeS: 8 }],
    ['debug', 'binding refreshed', { home: '2001:db8::1/128' }],
    ['warn', 'visitor rejected', { station: '02:00:00:00:00:01', reason: 'unknown' }],
    ['warn', 'refused', { peer: '2001:db8::2', status: 128, reason: 'no' }],
    ['debug', 'discarded', { peer: '2001:db8::2', reason: 'malformed' }],
    ['warn', 'failed', { reason: 'silence' }],
  ]);
});
