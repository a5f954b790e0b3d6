import { formatAddress } from '../base/address.js';
import { unreachable } from '../base/errors.js';
import { formatLinkAddress } from '../base/link-address.js';
import { formatPrefix } from '../base/prefix.js';
import type { Log } from '../linux/world.js';
import type { TraceEvent } from '../protocol/trace.js';

/** A trace event as one line of a log: what an operator should hear of by default is `info`, trouble is `warn`. */
export function logTrace(log: Log, event: TraceEvent): void {
  const fields = traceFields(event);
  switch (event.event) {
    case 'binding':
      return log[event.change === 'refreshed' ? 'debug' : 'info'](fields, `binding ${event.change}`);
    case 'visitor':
      return log[visitorLevel(event.change)](fields, `visitor ${event.change}`);
    case 'map':
      return log[event.change === 'failed' ? 'warn' : 'info'](fields, `MAP ${event.change}`);
    case 'agent':
      return log.info(fields, `local mobility agent ${event.change}`);
    case 'handover':
      return log.info(fields, `handover ${event.change}`);
    case 'trigger':
      return log[event.change === 'refresh' ? 'debug' : 'info'](fields, `trigger: ${event.change}`);
    case 'location':
      return log[event.change === 'recorded' || event.change === 'previous' ? 'info' : 'debug'](
        fields,
        `location ${event.change}`,
      );
    case 'refused':
      return log.warn(fields, 'refused');
    case 'discarded':
      return log.debug(fields, 'discarded');
    case 'failed':
      return log.warn(fields, 'failed');
    default:
      return unreachable(event);
  }
}

function visitorLevel(change: string): 'debug' | 'info' | 'warn' {
  return change === 'rejected' ? 'warn' : change === 'advertised' || change === 'authenticated' ? 'debug' : 'info';
}

/** The event's parts, addresses as text, absent ones left out. */
function traceFields(event: TraceEvent): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(event))
    if (name !== 'event' && name !== 'change' && value !== undefined) fields[name] = value;
  if (event.event === 'binding') {
    fields.home = formatPrefix(event.home);
    if (event.careOf !== undefined) fields.careOf = formatAddress(event.careOf);
    if (event.previous !== undefined) fields.previous = formatAddress(event.previous);
  } else if (event.event === 'visitor') {
    fields.station = formatLinkAddress(event.station);
    if (event.address !== undefined) fields.address = formatAddress(event.address);
  } else if (event.event === 'handover') {
    fields.station = formatLinkAddress(event.station);
    if (event.previous !== undefined) fields.previous = formatAddress(event.previous);
    if (event.careOf !== undefined) fields.careOf = formatAddress(event.careOf);
    if (event.peer !== undefined) fields.peer = formatAddress(event.peer);
  } else if (event.event === 'trigger') {
    fields.gateway = formatAddress(event.gateway);
    if (event.address !== undefined) fields.address = formatAddress(event.address);
  } else if (event.event === 'location') {
    fields.home = formatPrefix(event.home);
    if (event.to !== undefined) fields.to = formatAddress(event.to);
    if (event.peer !== undefined) fields.peer = formatAddress(event.peer);
  } else if (event.event === 'map') fields.map = formatAddress(event.map);
  else if (event.event === 'agent') fields.agent = formatAddress(event.agent);
  else if (event.peer !== undefined) fields.peer = formatAddress(event.peer);
  return fields;
}
