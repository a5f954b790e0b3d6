import { type Address, formatAddress } from '../base/address.js';
import { formatLinkAddress, type LinkAddress } from '../base/link-address.js';
import { formatPrefix, type Prefix } from '../base/prefix.js';
import { second } from '../base/time.js';
import type { TraceRecord } from '../sim/index.js';
import type { Packet } from '../wire/ipv6/packet.js';
import { messageText } from './report/messages.js';

/** A record as a line of JSON without its end: addresses as text, packets in words, `at` in seconds. */
export function traceLine({ at, node, event }: TraceRecord): string {
  return JSON.stringify({ at: at / second, node, ...textual(event) });
}

/** What the fields of events hold, by name. */
const texts: Readonly<Record<string, (value: never) => unknown>> = {
  careOf: (value: Address) => formatAddress(value),
  previous: (value: Address) => formatAddress(value),
  peer: (value: Address) => formatAddress(value),
  address: (value: Address) => formatAddress(value),
  home: (value: Prefix) => formatPrefix(value),
  station: (value: LinkAddress) => formatLinkAddress(value),
  packet: packetSummary,
};

function textual(event: TraceRecord['event']): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(event).map(([name, value]) => {
      const text = Object.hasOwn(texts, name) && value !== undefined ? texts[name] : undefined;
      return [name, text ? text(value as never) : value];
    }),
  );
}

function packetSummary(packet: Packet): Record<string, unknown> {
  const inner = packet.payload.kind === 'ipv6' ? { inner: packetSummary(packet.payload.packet) } : messageText(packet);
  return { source: formatAddress(packet.source), destination: formatAddress(packet.destination), ...inner };
}
