import { formatLinkAddress, type LinkAddress, parseLinkAddress } from '../../base/link-address.js';
import {
  findAttribute,
  type OwnAttribute,
  ownAttributes,
  type RadiusAttribute,
  vendorSpecific,
} from '../../wire/radius/attributes.js';
import { serviceTypes, wirelessPort } from '../../wire/radius/messages.js';
import type { AddressingMode, Profile } from '../contract.js';
import type { Applicant } from './directory.js';

/** What a gateway asks of a station: it is there, may it stay (RFC 2865 §5.6, RFC 6572 §5.1). */
export function applicationAttributes({ station, identity }: Applicant): RadiusAttribute[] {
  const text = station && stationText(station);
  const name = identity ?? text;
  return [
    ...(name === undefined ? [] : [{ kind: 'userName', name } as const]),
    ...(text === undefined ? [] : [{ kind: 'callingStationId', station: text } as const]),
    { kind: 'serviceType', service: serviceTypes.callCheck },
    { kind: 'nasPortType', type: wirelessPort },
  ];
}

/** Who asks; a station that gave no identity has its link-layer address for a name. */
export function applicantOf(attributes: readonly RadiusAttribute[]): Applicant | undefined {
  const text = findAttribute(attributes, 'callingStationId')?.station;
  const station = text === undefined ? undefined : stationOf(text);
  const identity = findAttribute(attributes, 'userName')?.name;
  if (station === undefined) return text !== undefined || identity === undefined ? undefined : { identity };
  return identity === undefined || stationOf(identity) === station ? { station } : { station, identity };
}

/** A profile as RFC 6572 §4 says it, and in our own attributes what that has no words for. */
export function profileAttributes(profile: Profile): RadiusAttribute[] {
  const { identity, anchor, prefix, address, dhcpServer } = profile;
  const attributes: RadiusAttribute[] = [
    { kind: 'userName', name: identity },
    { kind: 'mobileNodeIdentifier', identifier: identity },
  ];
  if (anchor !== undefined) attributes.push({ kind: 'homeLma', address: anchor });
  if (prefix !== undefined) attributes.push({ kind: 'homeNetworkPrefix', prefix });
  if (address !== undefined) attributes.push({ kind: 'framedIpv6Address', address });
  if (dhcpServer !== undefined) attributes.push({ kind: 'homeDhcp6Server', address: dhcpServer });
  return [...attributes, ...vendorSpecific({ kind: 'own', attributes: ownProfile(profile) })];
}

function ownProfile({ anchorLinkAddress, gateway, addressing, proxyRegistration }: Profile): OwnAttribute[] {
  const has = (mode: AddressingMode) => addressing.includes(mode);
  const own: OwnAttribute[] = [
    { kind: 'addressing', modes: { slaac: has('slaac'), dhcpv6: has('dhcpv6'), manual: has('manual') } },
  ];
  if (anchorLinkAddress !== undefined) own.push({ kind: 'anchorLinkAddress', address: anchorLinkAddress });
  if (gateway !== undefined) own.push({ kind: 'gateway', address: gateway });
  if (proxyRegistration !== undefined) own.push({ kind: 'proxyRegistration', allowed: proxyRegistration ? 1 : 0 });
  return own;
}

/** What a server that has never heard of our attributes says is enough; `asked` is who the station said it is. */
export function profileOf(attributes: readonly RadiusAttribute[], asked: string | undefined): Profile | undefined {
  const identity =
    findAttribute(attributes, 'mobileNodeIdentifier')?.identifier ??
    findAttribute(attributes, 'userName')?.name ??
    asked;
  if (identity === undefined) return undefined;
  const profile: Writable<Profile> = { identity, addressing: ['slaac'] };
  const anchor = findAttribute(attributes, 'homeLma')?.address;
  if (anchor !== undefined) profile.anchor = anchor;
  const prefix =
    findAttribute(attributes, 'homeNetworkPrefix')?.prefix ?? findAttribute(attributes, 'framedIpv6Prefix')?.prefix;
  if (prefix !== undefined) profile.prefix = prefix;
  const address = findAttribute(attributes, 'framedIpv6Address')?.address;
  if (address !== undefined) profile.address = address;
  const dhcpServer = findAttribute(attributes, 'homeDhcp6Server')?.address;
  if (dhcpServer !== undefined) profile.dhcpServer = dhcpServer;
  for (const attribute of ownAttributes(attributes)) readOwn(attribute, profile);
  return profile;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function readOwn(attribute: OwnAttribute, profile: Writable<Profile>): void {
  switch (attribute.kind) {
    case 'anchorLinkAddress':
      profile.anchorLinkAddress = attribute.address;
      break;
    case 'gateway':
      profile.gateway = attribute.address;
      break;
    case 'addressing':
      profile.addressing = (['slaac', 'dhcpv6', 'manual'] as const).filter(mode => attribute.modes[mode]);
      break;
    case 'proxyRegistration':
      profile.proxyRegistration = attribute.allowed !== 0;
      break;
    default:
  }
}

/** RFC 3580 §3.21: upper case, hyphens. */
function stationText(station: LinkAddress): string {
  return formatLinkAddress(station).toUpperCase().replaceAll(':', '-');
}

/** A link-layer address in any of the ways access points write it. */
function stationOf(text: string): LinkAddress | undefined {
  const digits = text.replaceAll(/[-:.]/g, '');
  if (!/^[0-9a-fA-F]{12}$/.test(digits)) return undefined;
  return parseLinkAddress((digits.match(/../g) as string[]).join(':').toLowerCase());
}
