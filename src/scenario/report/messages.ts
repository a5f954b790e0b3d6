import { describePacket } from '../../sim/index.js';
import type { Plain } from '../../wire/codec/fields.js';
import type { Packet } from '../../wire/ipv6/packet.js';

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
  const { name, source, destination, innerSource, innerDestination, fields } = describePacket(packet);
  const from = innerSource ?? source;
  const status = fields?.status;
  const notes = [
    ...(typeof status === 'number' && status !== 0 ? [`status ${status}`] : []),
    ...(name === 'Proxy Binding Update' && fields?.lifetimeS === 0 ? ['lifetime 0'] : []),
    ...(name === 'Neighbor Solicitation' && from === '::' ? ['DAD'] : []),
  ];
  const parts = [name, `${from} → ${innerDestination ?? destination}`, ...(fields ? fieldTexts(fields) : [])];
  return { name: [abbreviations[name] ?? name, ...notes].join(', '), detail: parts.join('\n') };
}

/** A line a field or option; what is false or empty says nothing. */
function fieldTexts(fields: { readonly [name: string]: Plain }): string[] {
  return Object.entries(fields).flatMap(([name, value]) => {
    if (name === 'kind' || value === false || value === '') return [];
    if (Array.isArray(value)) return value.map(item => `${optionName(item)}${plainText(item)}`);
    return [`${words(name)} ${plainText(value)}`];
  });
}

function optionName(option: Plain): string {
  const kind = typeof option === 'object' && option !== null && 'kind' in option ? option.kind : undefined;
  return typeof kind === 'string' ? `${words(kind)}: ` : '';
}

function plainText(value: Plain): string {
  if (Array.isArray(value)) return value.map(plainText).join(' ');
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.entries(value)
    .filter(([name, inner]) => name !== 'kind' && inner !== false)
    .map(([name, inner]) => (inner === true ? words(name) : `${words(name)} ${plainText(inner)}`))
    .join(', ');
}

/** `bindingCacheConfirmation` → `binding cache confirmation`. */
export function words(name: string): string {
  return name.replaceAll(/[A-Z]/g, letter => ` ${letter.toLowerCase()}`);
}
