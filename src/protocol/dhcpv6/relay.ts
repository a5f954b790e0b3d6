import type { Address } from '../../base/address.js';
import type { LinkAddress } from '../../base/link-address.js';
import { utf8Bytes, utf8Text } from '../../base/text.js';
import {
  type Dhcpv6Message,
  type Dhcpv6Option,
  findDhcpv6Option,
  hopCountLimit,
  isRelayMessage,
  type RelayMessage,
} from '../../wire/dhcpv6/messages.js';

/** Where a message to be relayed came from, and what the relay agent knows of the client. */
export interface RelayedClient {
  /** An address on the client's prefix, the LNP: the server picks the pool by it (gundavelli §6.3-3). */
  readonly linkAddress: Address;
  /** Its IPv6 source. */
  readonly peer: Address;
  /** The link it came from: comes back as Interface-ID. */
  readonly link: string;
  readonly station?: LinkAddress;
  /** NAI, as Subscriber-ID. */
  readonly identity?: string;
}

/**
 * A Relay-forward around what a client, or another relay agent, sent (RFC 8415 §19.1). Undefined for what a relay agent
 * does not pass on: answers, and messages that have been through too many.
 */
export function relayForward(message: Dhcpv6Message, client: RelayedClient): RelayMessage | undefined {
  if (message.kind === 'relayReply' || message.kind === 'advertise' || message.kind === 'reply') return undefined;
  if (message.kind === 'reconfigure') return undefined;
  const hopCount = isRelayMessage(message) ? message.hopCount + 1 : 0;
  if (hopCount > hopCountLimit) return undefined;
  const options: Dhcpv6Option[] = [
    { kind: 'relayMessage', message },
    { kind: 'interfaceId', id: utf8Bytes(client.link) },
  ];
  if (client.identity !== undefined) options.push({ kind: 'subscriberId', id: client.identity });
  if (client.station !== undefined)
    options.push({ kind: 'clientLinkLayerAddress', hardwareType: 1, address: client.station });
  return { kind: 'relayForward', hopCount, linkAddress: client.linkAddress, peerAddress: client.peer, options };
}

export interface RelayedAnswer {
  /** For the client, or the next relay agent. */
  readonly message: Dhcpv6Message;
  /** Where it goes. */
  readonly peer: Address;
  /** The Interface-ID: the link given to {@link relayForward}. */
  readonly link: string | undefined;
  /** What the answer does to the client's addresses. */
  readonly leases: readonly LeaseNews[];
}

export type LeaseNews =
  | { readonly kind: 'leased'; readonly address: Address; readonly validLifetimeS: number }
  /** The server took it back. */
  | { readonly kind: 'ended'; readonly address: Address };

/** What a Relay-reply carries (RFC 8415 §19.2); undefined where it carries nothing. */
export function relayedAnswer(reply: Dhcpv6Message): RelayedAnswer | undefined {
  if (reply.kind !== 'relayReply') return undefined;
  const message = findDhcpv6Option(reply.options, 'relayMessage')?.message;
  if (!message) return undefined;
  const id = findDhcpv6Option(reply.options, 'interfaceId')?.id;
  return { message, peer: reply.peerAddress, link: id && utf8Text(id), leases: leasesIn(message) };
}

/** Addresses that a Reply gives and takes; an Advertise only offers. */
export function leasesIn(message: Dhcpv6Message): LeaseNews[] {
  if (message.kind !== 'reply') return [];
  const news: LeaseNews[] = [];
  for (const ia of message.options)
    if (ia.kind === 'iaNa')
      for (const option of ia.options)
        if (option.kind === 'iaAddress') {
          const { address, validLifetimeS } = option;
          news.push(validLifetimeS > 0 ? { kind: 'leased', address, validLifetimeS } : { kind: 'ended', address });
        }
  return news;
}

/** Addresses that a Release or Decline gives back. */
export function addressesGivenBack(message: Dhcpv6Message): Address[] {
  if (message.kind !== 'release' && message.kind !== 'decline') return [];
  return message.options.flatMap(ia =>
    ia.kind === 'iaNa' ? ia.options.flatMap(option => (option.kind === 'iaAddress' ? [option.address] : [])) : [],
  );
}
