import { type Address, formatAddress, parseAddress } from '../../base/address.js';
import { formatLinkAddress, type LinkAddress, parseLinkAddress } from '../../base/link-address.js';
import { formatPrefix, type Prefix, parsePrefix } from '../../base/prefix.js';
import type { WallTime } from '../../base/time.js';
import { type Binding, homesOf } from './binding-cache.js';
import { isOfIpv4 } from './tunnels.js';

const keyStart = 'binding/';

/** What survives a restart of a binding, as JSON; what is as in an empty binding is left out. */
export interface BindingRecord {
  readonly identity: string;
  readonly homes: readonly string[];
  readonly local: string;
  readonly careOf: string;
  /** Of a tunnel through IPv4. */
  readonly ipv4CareOf?: string;
  readonly peer: string;
  readonly sequence: number;
  readonly lifetimeS: number;
  /** When it ends: milliseconds since 1970. */
  readonly endsAtMs: number;
  readonly deregistered?: true;
  readonly timestamp?: number;
  readonly previousPeer?: string;
  readonly previousSequence?: number;
  readonly accessTechnology?: number;
  readonly linkIdentifier?: string;
  readonly linkLocal?: string;
  /** What the dialect's forwarding needs to know (`BindingForwarding.recordOf`). */
  readonly forwarding?: unknown;
}

/** A record read back. */
export interface RestoredBinding {
  readonly identity: string;
  readonly homes: readonly Prefix[];
  readonly local: Address;
  readonly careOf: Address;
  readonly ipv4CareOf: Address | undefined;
  readonly peer: string;
  readonly sequence: number;
  readonly lifetimeS: number;
  readonly endsAtMs: number;
  readonly state: Binding['state'];
  readonly timestamp: number;
  readonly previousPeer: Address | undefined;
  readonly previousSequence: number;
  readonly accessTechnology: number;
  readonly linkIdentifier: LinkAddress | undefined;
  readonly linkLocal: Address | undefined;
  readonly forwarding: unknown;
}

export function recordKey(binding: Binding): string {
  return keyStart + formatPrefix({ address: binding.home, length: binding.homeLength });
}

/** Where a record is kept, made of the text it holds already. */
export function keyOf(record: BindingRecord): string {
  return keyStart + record.homes[0];
}

export function isBindingKey(key: string): boolean {
  return key.startsWith(keyStart);
}

export function recordOf(binding: Binding, endsAtMs: number, forwarding?: unknown): BindingRecord {
  const { tunnel, peer, sequence, lifetimeS } = binding;
  const record: Mutable<BindingRecord> = {
    identity: binding.identity,
    homes: homesOf(binding).map(formatPrefix),
    local: tunnel.localText,
    careOf: tunnel.careOfText,
    peer: peer.text,
    sequence,
    lifetimeS,
    endsAtMs,
  };
  if (isOfIpv4(tunnel)) record.ipv4CareOf = formatAddress(tunnel.via.remote);
  if (binding.state === 'deregistered') record.deregistered = true;
  if (binding.timestamp !== 0) record.timestamp = binding.timestamp;
  if (binding.previousPeer !== undefined) {
    record.previousPeer = formatAddress(binding.previousPeer);
    record.previousSequence = binding.previousSequence;
  }
  if (binding.accessTechnology !== 0) record.accessTechnology = binding.accessTechnology;
  if (binding.linkIdentifier !== undefined) record.linkIdentifier = formatLinkAddress(binding.linkIdentifier);
  if (binding.linkLocal !== undefined) record.linkLocal = formatAddress(binding.linkLocal);
  if (forwarding !== undefined) record.forwarding = forwarding;
  return record;
}
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Undefined for what no anchor of ours wrote. */
export function readRecord(value: unknown): RestoredBinding | undefined {
  try {
    return restored(value as BindingRecord);
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) return undefined;
    throw error;
  }
}

function restored(record: BindingRecord): RestoredBinding | undefined {
  const homes = record.homes.map(parsePrefix);
  const numbers = [record.sequence, record.lifetimeS, record.endsAtMs, record.timestamp ?? 0];
  if (
    homes.length === 0 ||
    typeof record.identity !== 'string' ||
    typeof record.peer !== 'string' ||
    !numbers.every(Number.isFinite)
  )
    return undefined;
  return {
    identity: record.identity,
    homes,
    local: parseAddress(record.local),
    careOf: parseAddress(record.careOf),
    ipv4CareOf: optional(record.ipv4CareOf, parseAddress),
    peer: record.peer,
    sequence: record.sequence,
    lifetimeS: record.lifetimeS,
    endsAtMs: record.endsAtMs,
    state: record.deregistered ? 'deregistered' : 'registered',
    timestamp: record.timestamp ?? 0,
    previousPeer: optional(record.previousPeer, parseAddress),
    previousSequence: record.previousSequence ?? 0,
    accessTechnology: record.accessTechnology ?? 0,
    linkIdentifier: optional(record.linkIdentifier, parseLinkAddress),
    linkLocal: optional(record.linkLocal, parseAddress),
    forwarding: record.forwarding,
  };
}

function optional<T>(text: string | undefined, parse: (text: string) => T): T | undefined {
  return text === undefined ? undefined : parse(text);
}

export function milliseconds(time: WallTime): number {
  return time.seconds * 1000 + Math.floor(time.nanoseconds / 1_000_000);
}
