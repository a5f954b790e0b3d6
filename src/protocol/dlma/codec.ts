import { isUnspecified, unspecified } from '../../base/address.js';
import { hostPrefix, type Prefix, prefixOf } from '../../base/prefix.js';
import {
  type BindingAcknowledgement,
  type BindingUpdate,
  bindingAcknowledgementFlags,
  bindingUpdateFlags,
  type LocationQuery,
  locationOperation,
  type MobilityMessage,
} from '../../wire/mobility/messages.js';
import { findOption, type MobilityOption, type MobilityOptionOf } from '../../wire/mobility/options.js';
import { distributedRole } from '../../wire/mobility/vendor.js';
import type { Locator, Message, SessionKey } from './messages.js';

/**
 * The document defines no formats (§8): each message is a Proxy Binding Update or its acknowledgement (RFC 5213), told from a
 * gateway's by the address of an anchor or by a role in it, or the query of §6.2 and its answer. Undefined: it is none of them.
 */
export function readMessage(message: MobilityMessage): Message | undefined {
  switch (message.kind) {
    case 'bindingUpdate':
      return message.flags.proxy ? readUpdate(message) : undefined;
    case 'bindingAcknowledgement':
      return message.flags.proxy ? readAcknowledgement(message) : undefined;
    case 'locationQuery':
      return message.operation === locationOperation.query ? readQuery(message) : readReply(message);
    default:
      return undefined;
  }
}

export function writeMessage(message: Message): MobilityMessage {
  const { sequence } = message;
  switch (message.kind) {
    case 'registration':
      return update(message, true, message.lifetimeS, [
        ...said(message),
        ...anchorage(message),
        ...ofSession(message),
        ...stamped(message),
      ]);
    case 'registered':
      return acknowledgement(message, message.lifetimeS, [
        ...said(message),
        ...anchorage({ ...message.previous, linkLocal: message.linkLocal }),
        ...stamped(message),
      ]);
    case 'allocation':
      return update(message, true, message.lifetimeS, [role('allocation'), ...said(message), ...ofSession(message)]);
    case 'allocated':
      return acknowledgement(message, 0, [role('allocation'), ...said(message)]);
    case 'handover': {
      const options = [role('handover'), ...said(message), ...anchorage(message), ...stamped(message)];
      return update(message, true, message.lifetimeS, options);
    }
    case 'handoverAnswer':
      return acknowledgement(message, 0, [role('handover'), ...said(message)]);
    case 'location': {
      const options = [...message.homes.map(prefixOption), locator(message.to), ...stamped(message)];
      const lifetimeS = wholeUnits(message.lifetimeS);
      if (message.replies)
        return { kind: 'locationQuery', operation: locationOperation.answer, sequence, lifetimeS, options };
      return update(message, message.answered, lifetimeS, [role('location'), ...options]);
    }
    case 'locationAnswer':
      return acknowledgement(message, 0, [role('location'), ...message.homes.map(prefixOption)]);
    case 'bypass': {
      const { homes, source, gateway } = message;
      const prefixes = [...homes.map(prefixOption), gatewayOption(gateway), ...(source ? [prefixOption(source)] : [])];
      return update(message, false, message.lifetimeS, [role('bypass'), ...prefixes, ...stamped(message)]);
    }
    case 'query': {
      const options = [prefixOption(hostPrefix(message.home))];
      return { kind: 'locationQuery', operation: locationOperation.query, sequence, lifetimeS: 0, options };
    }
  }
}

function readUpdate({ sequence, lifetimeS, flags, options }: BindingUpdate): Message | undefined {
  const about = { sequence, lifetimeS, identity: identityIn(options), homes: homesIn(options) };
  const timestampMs = timestampIn(options);
  const { anchor, gateway, linkLocal } = placeIn(options);
  switch (roleIn(options)) {
    case undefined:
    case distributedRole.handover: {
      if (!isComplete(about) || anchor === undefined || timestampMs === undefined) return undefined;
      const place = { timestampMs, anchor, ...known({ gateway, linkLocal }) };
      if (roleIn(options) === distributedRole.handover) return { kind: 'handover', ...about, ...place };
      return { kind: 'registration', ...about, ...place, ...known({ session: sessionIn(options) }) };
    }
    case distributedRole.location:
      return readLocation({ sequence, lifetimeS, options }, flags.acknowledge);
    case distributedRole.bypass:
      return readBypass({ sequence, lifetimeS, options });
    case distributedRole.allocation:
      return isComplete(about)
        ? { kind: 'allocation', ...about, ...known({ session: sessionIn(options) }) }
        : undefined;
    default:
      return undefined;
  }
}

function readAcknowledgement({ sequence, status, lifetimeS, options }: BindingAcknowledgement): Message | undefined {
  const about = { sequence, status, identity: identityIn(options), homes: homesIn(options) };
  switch (roleIn(options)) {
    case undefined:
      return readRegistered({ ...about, lifetimeS }, options);
    case distributedRole.handover:
      return isComplete(about) ? { kind: 'handoverAnswer', ...about } : undefined;
    case distributedRole.location:
      return { kind: 'locationAnswer', sequence, status, homes: about.homes };
    case distributedRole.allocation:
      return isComplete(about) ? { kind: 'allocated', ...about } : undefined;
    default:
      return undefined;
  }
}

function readRegistered(
  about: { sequence: number; status: number; lifetimeS: number; identity: string | undefined; homes: Prefix[] },
  options: readonly MobilityOption[],
): Message | undefined {
  const timestampMs = timestampIn(options);
  if (!isComplete(about) || timestampMs === undefined) return undefined;
  const { anchor, gateway, linkLocal } = placeIn(options);
  const previous = anchor === undefined ? undefined : { anchor, ...known({ gateway }) };
  return { kind: 'registered', ...about, timestampMs, ...known({ linkLocal, previous }) };
}

type Fields = Pick<BindingUpdate, 'sequence' | 'lifetimeS' | 'options'>;

function readLocation({ sequence, lifetimeS, options }: Fields, answered: boolean): Message | undefined {
  const homes = homesIn(options);
  const timestampMs = timestampIn(options);
  const { anchor, gateway } = placeIn(options);
  const address = gateway ?? anchor;
  if (homes.length === 0 || timestampMs === undefined || address === undefined) return undefined;
  const to: Locator = { kind: gateway === undefined ? 'anchor' : 'gateway', address };
  return { kind: 'location', sequence, homes, to, timestampMs, lifetimeS, answered };
}

/** Prefixes before the gateway's address are where packets go, the one behind it is where they come from. */
function readBypass({ sequence, lifetimeS, options }: Fields): Message | undefined {
  const at = options.findIndex(({ kind }) => kind === 'gatewayAddress');
  const homes = homesIn(options.slice(0, at));
  const [source] = homesIn(options.slice(at));
  const timestampMs = timestampIn(options);
  const { gateway } = placeIn(options);
  if (homes.length === 0 || gateway === undefined || timestampMs === undefined) return undefined;
  return { kind: 'bypass', sequence, homes, ...known({ source }), gateway, timestampMs, lifetimeS };
}

function readQuery({ sequence, options }: LocationQuery): Message | undefined {
  const home = homesIn(options).find(({ length }) => length === 128);
  return home && { kind: 'query', sequence, home: home.address };
}

function readReply(message: LocationQuery): Message | undefined {
  const location = message.operation === locationOperation.answer ? readLocation(message, false) : undefined;
  return location?.kind === 'location' ? { ...location, replies: true } : undefined;
}

function update(
  { sequence }: Message,
  acknowledge: boolean,
  lifetimeS: number,
  options: readonly MobilityOption[],
): BindingUpdate {
  const flags = bindingUpdateFlags({ acknowledge, homeRegistration: true, proxy: true });
  return { kind: 'bindingUpdate', sequence, flags, lifetimeS: wholeUnits(lifetimeS), options };
}

function acknowledgement(
  { sequence, status }: { readonly sequence: number; readonly status: number },
  lifetimeS: number,
  options: readonly MobilityOption[],
): BindingAcknowledgement {
  const flags = bindingAcknowledgementFlags({ proxy: true });
  return { kind: 'bindingAcknowledgement', status, flags, sequence, lifetimeS: wholeUnits(lifetimeS), options };
}

/** A lifetime stands in units of four seconds: what is left of one is never nothing. */
function wholeUnits(lifetimeS: number): number {
  return 4 * Math.min(0xffff, Math.ceil(lifetimeS / 4));
}

/** No home is an all-zero one: give it one (RFC 5213 §5.3.1). */
function said({ identity, homes }: { identity: string; homes: readonly Prefix[] }): MobilityOption[] {
  const prefixes = homes.length === 0 ? [{ address: unspecified, length: 0 }] : homes;
  return [{ kind: 'mobileNodeIdentifier', subtype: 1, identifier: identity }, ...prefixes.map(prefixOption)];
}

interface Place {
  readonly anchor?: Prefix['address'] | undefined;
  readonly gateway?: Prefix['address'] | undefined;
  readonly linkLocal?: Prefix['address'] | undefined;
}

function anchorage({ anchor, gateway, linkLocal }: Place): MobilityOption[] {
  const options: MobilityOption[] = [];
  if (anchor !== undefined) options.push(anchorOption(anchor));
  if (gateway !== undefined) options.push(gatewayOption(gateway));
  if (linkLocal !== undefined) options.push({ kind: 'linkLocalAddress', address: linkLocal });
  return options;
}

function placeIn(options: readonly MobilityOption[]): Place {
  return {
    anchor: findOption(options, 'localMobilityAnchorAddress')?.address,
    gateway: findOption(options, 'gatewayAddress')?.address,
    linkLocal: findOption(options, 'linkLocalAddress')?.address,
  };
}

function ofSession({ session }: { readonly session?: SessionKey }): MobilityOption[] {
  if (!session) return [];
  const { handoff, accessTechnology, linkIdentifier } = session;
  const options: MobilityOption[] = [
    { kind: 'handoffIndicator', indicator: handoff },
    { kind: 'accessTechnologyType', type: accessTechnology },
  ];
  if (linkIdentifier !== undefined) options.push({ kind: 'mobileNodeLinkLayerIdentifier', identifier: linkIdentifier });
  return options;
}

function sessionIn(options: readonly MobilityOption[]): SessionKey | undefined {
  const handoff = findOption(options, 'handoffIndicator')?.indicator;
  const accessTechnology = findOption(options, 'accessTechnologyType')?.type;
  if (handoff === undefined || accessTechnology === undefined) return undefined;
  const linkIdentifier = findOption(options, 'mobileNodeLinkLayerIdentifier')?.identifier;
  return { handoff, accessTechnology, ...known({ linkIdentifier }) };
}

function locator({ kind, address }: Locator): MobilityOption {
  return kind === 'anchor' ? anchorOption(address) : gatewayOption(address);
}

function anchorOption(address: Prefix['address']): MobilityOption {
  return { kind: 'localMobilityAnchorAddress', code: 1, address };
}

function gatewayOption(address: Prefix['address']): MobilityOption {
  return { kind: 'gatewayAddress', length: 128, address };
}

function prefixOption({ address, length }: Prefix): MobilityOptionOf<'homeNetworkPrefix'> {
  return { kind: 'homeNetworkPrefix', length, address };
}

function homesIn(options: readonly MobilityOption[]): Prefix[] {
  const homes: Prefix[] = [];
  for (const option of options)
    if (option.kind === 'homeNetworkPrefix' && !isUnspecified(option.address))
      homes.push(prefixOf(option.address, option.length));
  return homes;
}

/** Units of 1/65536 seconds are finer than milliseconds: none is lost. */
function stamped({ timestampMs }: { readonly timestampMs: number }): MobilityOption[] {
  const seconds = Math.floor(timestampMs / 1000);
  const fraction = Math.round(((timestampMs - 1000 * seconds) * 0x1_0000) / 1000);
  return [{ kind: 'timestamp', seconds, fraction }];
}

/** Later is no date (ECMA-262 §21.4.1.1), nor a number of milliseconds that others can be told from. */
const latestMs = 8.64e15;

function timestampIn(options: readonly MobilityOption[]): number | undefined {
  const option = findOption(options, 'timestamp');
  if (!option) return undefined;
  const timestampMs = option.seconds * 1000 + Math.round((option.fraction * 1000) / 0x1_0000);
  return timestampMs <= latestMs ? timestampMs : undefined;
}

function role(name: keyof typeof distributedRole): MobilityOption {
  return { kind: 'vendorSpecific', content: { kind: 'distributedRole', role: distributedRole[name] } };
}

function roleIn(options: readonly MobilityOption[]): number | undefined {
  for (const option of options)
    if (option.kind === 'vendorSpecific' && option.content.kind === 'distributedRole') return option.content.role;
  return undefined;
}

function identityIn(options: readonly MobilityOption[]): string | undefined {
  for (const option of options)
    if (option.kind === 'mobileNodeIdentifier' && option.subtype === 1 && option.identifier !== '')
      return option.identifier;
  return undefined;
}

function isComplete<T extends { readonly identity: string | undefined }>(said: T): said is T & { identity: string } {
  return said.identity !== undefined;
}

/** Without the keys that nothing is known for. */
function known<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}
