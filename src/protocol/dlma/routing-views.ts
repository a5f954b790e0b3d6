import { formatAddress } from '../../base/address.js';
import { formatPrefix } from '../../base/prefix.js';
import type { Instant } from '../../base/time.js';
import { milliseconds } from '../anchor/records.js';
import type { Environment, Row } from '../contract.js';
import type { Domain } from './domain.js';
import type { Forwardings } from './forwardings.js';
import type { LocationCache } from './location-cache.js';

/** What an operator sees of mobility routing. */
export function* cacheRows(cache: LocationCache, environment: Environment): Generator<Row> {
  for (const { home, to, timestampMs, teller, pushed } of cache)
    yield {
      home: formatPrefix(home),
      to: formatAddress(to.address),
      kind: to.kind,
      since: new Date(timestampMs).toISOString(),
      teller: formatAddress(teller),
      pushed: pushed || undefined,
      ends: shown(cache.endOf(home), environment),
    };
}

export function* homeRows(forwardings: Forwardings, environment: Environment): Generator<Row> {
  for (const { home, kind, to, timestampMs, endsAt } of forwardings)
    yield {
      home: formatPrefix(home),
      as: kind,
      to: to && formatAddress(to.address),
      since: new Date(timestampMs).toISOString(),
      ends: shown(endsAt, environment),
    };
}

export function* domainRows({ entries }: Domain): Generator<Row> {
  for (const { name, prefixes, lma, allocation, location, routing } of entries)
    yield {
      name,
      prefixes: prefixes.map(formatPrefix).join(' '),
      lma: formatAddress(lma),
      allocation: formatAddress(allocation),
      location: formatAddress(location),
      routing: formatAddress(routing),
    };
}

function shown(instant: Instant | undefined, { clock }: Environment): string | undefined {
  return instant === undefined ? undefined : new Date(milliseconds(clock(instant))).toISOString();
}
