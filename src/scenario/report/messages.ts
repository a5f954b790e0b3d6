import { formatAddress, formatIpv4 } from '../../base/address.js';
import { describePacket, type PacketDescription } from '../../sim/index.js';
import type { Plain } from '../../wire/codec/fields.js';
import { isIpv4 } from '../../wire/ipv4/header.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import { meaningOf } from '../../wire/names.js';

/** A signalling packet in words: the short name that ladders show, and all that a reader may want to know of it. */
export interface MessageText {
  readonly name: string;
  readonly detail: string;
}

const abbreviations: Readonly<Record<string, string>> = {
  'Proxy Binding Update': 'PBU',
  'Proxy Binding Acknowledgement': 'PBA',
  'Binding Update': 'BU',
  'Binding Acknowledgement': 'BA',
  'Binding Refresh Request': 'BRR',
  'Binding Error': 'BE',
  'Binding Revocation Indication': 'BRI',
  'Binding Revocation Acknowledgement': 'BRA',
  'Home Test Init': 'HoTI',
  'Care-of Test Init': 'CoTI',
  'Home Test': 'HoT',
  'Care-of Test': 'CoT',
  'Context Transfer Activate Request': 'CTAR',
  'Context Transfer Activate Acknowledge': 'CTAA',
  'Context Transfer Data': 'CTD',
  'Predictive Context Transfer Data': 'PCTD',
  'Context Transfer Data Reply': 'CTDR',
  'Context Transfer Cancel': 'CTC',
  'Context Transfer Request': 'CT-Req',
  'Router Solicitation': 'RS',
  'Router Advertisement': 'RA',
  'Neighbor Solicitation': 'NS',
  'Neighbor Advertisement': 'NA',
};

export function messageText(packet: Packet): MessageText {
  const description = describePacket(packet);
  const { name, source, innerSource, fields } = description;
  const status = fields?.status;
  const notes = [
    ...(typeof status === 'number' && status !== 0 ? [`status ${status}`] : []),
    ...(name === 'Proxy Binding Update' && fields?.lifetimeS === 0 ? ['lifetime 0'] : []),
    ...roleNotes(fields?.options),
    ...(name === 'Location Query' && fields?.operation === 2 ? ['answer'] : []),
    ...(name === 'Neighbor Solicitation' && (innerSource ?? source) === '::' ? ['DAD'] : []),
  ];
  const lines = [...linesOf(description), ...tunnelLines(packet)];
  return { name: [shortName(description), ...notes].join(', '), detail: lines.join('\n') };
}

/** `BU(BU)`: one behind another (draft-dommety §2.2.2). */
function shortName({ name, nested }: PacketDescription): string {
  const short = abbreviations[name] ?? name;
  return nested ? `${short}(${shortName(nested)})` : short;
}

function linesOf(description: PacketDescription): string[] {
  const { name, source, destination, innerSource, innerDestination, fields, nested } = description;
  const ends = `${innerSource ?? source} → ${innerDestination ?? destination}`;
  const [title, ...rest] = nested ? linesOf(nested) : [];
  const behind = title === undefined ? [] : [`behind it: ${title}`, ...rest.map(line => `  ${line}`)];
  return [name, ends, ...(fields ? fieldTexts(fields) : []), ...behind];
}

/** What distributed anchors say with an update that does not register (draft-chan). */
function roleNotes(options: Plain | undefined): string[] {
  if (!Array.isArray(options)) return [];
  return options.flatMap(option => {
    const content = isObject(option) ? option.content : undefined;
    if (content === undefined || !isObject(content) || content.kind !== 'distributedRole') return [];
    const { role } = content;
    const name = typeof role === 'number' ? meaningOf('distributedRole', 'role', role) : undefined;
    return [name?.toLowerCase() ?? `role ${role}`];
  });
}

/** The tunnels that a packet is in, from the outermost. */
function tunnelLines({ source, destination, payload }: Packet): string[] {
  if (payload.kind !== 'ipv6') return [];
  const ipv4 = isIpv4({ source, destination });
  const text = ipv4 ? formatIpv4 : formatAddress;
  const line = `in an ${ipv4 ? 'IPv4' : 'IPv6'} tunnel ${text(source)} → ${text(destination)}`;
  return [line, ...tunnelLines(payload.packet)];
}

/** A line a field or option; what is false or empty says nothing. */
function fieldTexts(fields: { readonly [name: string]: Plain }): string[] {
  return Object.entries(fields).flatMap(([name, value]) => {
    if (name === 'kind' || value === false || value === '') return [];
    if (Array.isArray(value)) return value.map(optionText);
    return [`${words(name)} ${plainText(value)}`];
  });
}

/** A vendor's option by what it says. */
function optionText(option: Plain): string {
  if (!isObject(option)) return plainText(option);
  if (option.kind === 'vendorSpecific' && option.content !== undefined) return optionText(option.content);
  return typeof option.kind === 'string' ? `${words(option.kind)}: ${plainText(option)}` : plainText(option);
}

function isObject(value: Plain): value is { readonly [name: string]: Plain } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function plainText(value: Plain): string {
  if (Array.isArray(value)) return value.map(plainText).join(' ');
  if (!isObject(value)) return String(value);
  return Object.entries(value)
    .filter(([name, inner]) => name !== 'kind' && inner !== false && !(Array.isArray(inner) && inner.length === 0))
    .map(([name, inner]) => (inner === true ? words(name) : `${words(name)} ${plainText(inner)}`))
    .join(', ');
}

/** `bindingCacheConfirmation` → `binding cache confirmation`. */
export function words(name: string): string {
  return name.replaceAll(/[A-Z]/g, letter => ` ${letter.toLowerCase()}`);
}
