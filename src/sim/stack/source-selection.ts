import { type Address, isIpv4Mapped, isLinkLocal, isMulticast } from '../../base/address.js';
import { prefixContains } from '../../base/prefix.js';
import type { LocalAddress } from './addresses.js';
import type { IpInterface } from './ip-interface.js';

/**
 * RFC 6724 §5: of the destination's family, the scope of the destination, then preferred before deprecated (rule 3), a home address (rule 4), the outgoing interface's (rule 5),
 * the longest prefix in common (rule 8).
 */
export function selectSource(
  candidates: Iterable<LocalAddress>,
  destination: Address,
  outgoing: IpInterface | undefined,
): Address | undefined {
  if ((isLinkLocal(destination) || isMulticast(destination)) && outgoing !== undefined)
    return outgoing.sourceForDiscovery();
  let best: LocalAddress | undefined;
  for (const candidate of candidates)
    if (
      candidate.usable &&
      candidate.origin !== 'anycast' &&
      isIpv4Mapped(candidate.address) === isIpv4Mapped(destination) &&
      (best === undefined || better(candidate, best, destination, outgoing))
    )
      best = candidate;
  return best?.address;
}

function better(a: LocalAddress, b: LocalAddress, destination: Address, outgoing: IpInterface | undefined): boolean {
  if ((a.address === destination) !== (b.address === destination)) return a.address === destination;
  if (a.state !== b.state) return a.state === 'preferred';
  const wanted = homePreference(a, destination) - homePreference(b, destination);
  if (wanted !== 0) return wanted > 0;
  const onInterface = (local: LocalAddress) => outgoing !== undefined && local.ip === outgoing;
  if (onInterface(a) !== onInterface(b)) return onInterface(a);
  return commonBits(a.address, destination) > commonBits(b.address, destination);
}

/** RFC 6724 rule 4: a home address before others; one that is for some destinations comes first for those, last for the rest. */
function homePreference({ origin, sourceFor }: LocalAddress, destination: Address): number {
  if (origin !== 'home') return 1;
  if (sourceFor === undefined) return 2;
  return sourceFor.some(prefix => prefixContains(prefix, destination)) ? 3 : 0;
}

function commonBits(a: Address, b: Address): number {
  for (let i = 0; i < 8; i++) {
    const difference = a.charCodeAt(i) ^ b.charCodeAt(i);
    if (difference !== 0) return 16 * i + Math.clz32(difference) - 16;
  }
  return 128;
}
