import { type Address, formatAddress } from '../../src/base/address.js';
import { formatLinkAddress } from '../../src/base/link-address.js';
import { formatPrefix, type Prefix } from '../../src/base/prefix.js';
import type { TunnelEnd, Via } from '../../src/protocol/contract.js';

/** What a rule is for. */
export function ruleKey({
  to,
  from,
  intercepts,
}: {
  readonly to?: Prefix;
  readonly from?: Prefix;
  readonly intercepts?: true;
}): string {
  return [to && `to ${formatPrefix(to)}`, from && `from ${formatPrefix(from)}`, intercepts && 'intercepts']
    .filter(Boolean)
    .join(' ');
}

export function endKey({ local, remote, from, to, by }: TunnelEnd): string {
  const key = `${text(local)} ${text(remote)} ${ruleKey(from ? { from } : { to })}`;
  return by === undefined || by === 'tunnel' ? key : `${key} by ${by}`;
}

export function viaText(via: Via): string {
  switch (via.kind) {
    case 'tunnel':
      return `tunnel ${text(via.local)} ${text(via.remote)}`;
    case 'link':
      return `link ${via.link} ${textOf(via.neighbour)}`;
    case 'routeOptimised':
      return `${via.kind} ${[via.sourceCareOf, via.destinationCareOf]
        .flatMap(careOf => careOf ?? [])
        .map(text)
        .join(' ')}`;
    case 'park':
    case 'drop':
      return via.kind;
  }
}

function text(address: Address): string {
  return formatAddress(address);
}

function textOf(neighbour: Extract<Via, { kind: 'link' }>['neighbour']): string {
  return neighbour === undefined ? '' : formatLinkAddress(neighbour);
}
