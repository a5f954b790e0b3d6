import { formatAddress, isUnspecified } from '../../base/address.js';
import { formatLinkAddress } from '../../base/link-address.js';
import { formatPrefix, prefixOf } from '../../base/prefix.js';
import type { Icmpv6Message } from '../../wire/icmpv6/messages.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import { protocol } from '../../wire/ipv6/packet.js';
import type { MobilityMessage } from '../../wire/mobility/messages.js';
import type { MobilityOption } from '../../wire/mobility/options.js';
import { innermost } from '../octets.js';

/** A signalling packet in words: the short name that ladders show and what a reader may want to know of it. */
export interface MessageText {
  readonly name: string;
  readonly detail: string;
}

const dhcpNames: Readonly<Record<number, string>> = {
  1: 'Solicit',
  2: 'Advertise',
  3: 'Request',
  4: 'Confirm',
  5: 'Renew',
  6: 'Rebind',
  7: 'Reply',
  8: 'Release',
  9: 'Decline',
  11: 'Information-request',
  12: 'Relay-forward',
  13: 'Relay-reply',
};

export function messageText(packet: Packet): MessageText {
  const inner = innermost(packet);
  const { payload } = inner;
  switch (payload.kind) {
    case 'mobility':
      return { name: mobilityName(payload.message), detail: mobilityDetail(payload.message) };
    case 'icmpv6':
      return { name: icmpv6Name(payload.message, inner), detail: icmpv6Detail(payload.message) };
    case 'udp':
      return { name: dhcpNames[payload.data[0]] ?? 'DHCPv6', detail: 'DHCPv6' };
    case 'raw':
      return { name: payload.protocol === protocol.esp ? 'ESP' : `protocol ${payload.protocol}`, detail: '' };
    default:
      return { name: payload.kind, detail: '' };
  }
}

function mobilityName(message: MobilityMessage): string {
  switch (message.kind) {
    case 'bindingUpdate': {
      const update = message.lifetimeS === 0 ? 'BU, lifetime 0' : 'BU';
      return message.flags.proxy ? `P${update}` : update;
    }
    case 'bindingAcknowledgement': {
      const name = message.flags.proxy ? 'PBA' : 'BA';
      return message.status === 0 ? name : `${name}, status ${message.status}`;
    }
    case 'bindingRefreshRequest':
      return 'BRR';
    case 'bindingError':
      return 'BE';
    case 'bindingRevocationIndication':
      return 'BRI';
    case 'bindingRevocationAcknowledgement':
      return 'BRA';
    case 'homeTestInit':
      return 'HoTI';
    case 'careOfTestInit':
      return 'CoTI';
    case 'homeTest':
      return 'HoT';
    case 'careOfTest':
      return 'CoT';
    case 'unknown':
      return `MH ${message.type}`;
  }
}

function mobilityDetail(message: MobilityMessage): string {
  const parts: string[] = [];
  if ('status' in message) parts.push(`status ${message.status}`);
  if ('sequence' in message) parts.push(`sequence ${message.sequence}`);
  if ('lifetimeS' in message) parts.push(`lifetime ${message.lifetimeS} s`);
  if ('flags' in message) {
    const set = Object.entries(message.flags).flatMap(([flag, on]) => (on ? [flag] : []));
    if (set.length > 0) parts.push(`flags ${set.join(' ')}`);
  }
  if ('options' in message) parts.push(...message.options.map(optionText));
  return parts.join(' · ');
}

function optionText(option: MobilityOption): string {
  switch (option.kind) {
    case 'mobileNodeIdentifier':
      return `NAI ${option.identifier}`;
    case 'homeNetworkPrefix':
      return `home network prefix ${formatPrefix(prefixOf(option.address, option.length))}`;
    case 'alternateCareOfAddress':
      return `alternate care-of address ${formatAddress(option.careOfAddress)}`;
    case 'handoffIndicator':
      return `handoff indicator ${option.indicator}`;
    case 'accessTechnologyType':
      return `access technology ${option.type}`;
    case 'mobileNodeLinkLayerIdentifier':
      return `link-layer identifier ${formatLinkAddress(option.identifier)}`;
    case 'vendorSpecific':
      return words(option.content.kind === 'other' ? 'vendorSpecific' : option.content.kind);
    default:
      return words(option.kind);
  }
}

function icmpv6Name(message: Icmpv6Message, packet: Packet): string {
  switch (message.kind) {
    case 'routerSolicitation':
      return 'RS';
    case 'routerAdvertisement':
      return 'RA';
    case 'neighbourSolicitation':
      return isUnspecified(packet.source) ? 'NS (DAD)' : 'NS';
    case 'neighbourAdvertisement':
      return 'NA';
    default:
      return words(message.kind);
  }
}

function icmpv6Detail(message: Icmpv6Message): string {
  switch (message.kind) {
    case 'neighbourSolicitation':
    case 'neighbourAdvertisement':
      return `target ${formatAddress(message.target)}`;
    case 'routerAdvertisement': {
      const prefixes = message.options.flatMap(option =>
        option.kind === 'prefixInformation' ? [`prefix ${formatPrefix(prefixOf(option.prefix, option.length))}`] : [],
      );
      return [`router lifetime ${message.routerLifetimeS} s`, ...prefixes].join(' · ');
    }
    default:
      return '';
  }
}

/** `bindingCacheConfirmation` → `binding cache confirmation`. */
export function words(name: string): string {
  return name.replaceAll(/[A-Z]/g, letter => ` ${letter.toLowerCase()}`);
}
