import type { Address } from '../../base/address.js';
import { type Dhcpv6Option, findDhcpv6Option } from '../../wire/dhcpv6/messages.js';
import { foreverS, statusCodes } from '../../wire/dhcpv6/options.js';

export interface Granted {
  readonly address: Address;
  readonly preferredLifetimeS: number;
  readonly validLifetimeS: number;
  /** Seconds until renewing and rebinding; 0xffffffff for never. */
  readonly t1S: number;
  readonly t2S: number;
}

/** What a server's answer says of one IA_NA: an address, or why there is none. */
export type Grant =
  | ({ readonly kind: 'granted' } & Granted)
  /** `code` of RFC 8415 §21.13. */
  | { readonly kind: 'refused'; readonly code: number }
  /** Every address in it has run out. */
  | { readonly kind: 'ended' };

/** `preferred` is taken where the answer has several. Undefined: the answer is about something else, or makes no sense. */
export function grantOf(
  options: readonly Dhcpv6Option[],
  iaid: number,
  preferred: Address | undefined,
): Grant | undefined {
  const top = findDhcpv6Option(options, 'statusCode')?.code ?? statusCodes.success;
  if (top !== statusCodes.success) return { kind: 'refused', code: top };
  const ia = options.find(option => option.kind === 'iaNa' && option.iaid === iaid);
  if (ia?.kind !== 'iaNa' || (ia.t1S > ia.t2S && ia.t2S > 0)) return undefined;
  for (const option of ia.options)
    if (option.kind === 'statusCode' && option.code !== statusCodes.success)
      return { kind: 'refused', code: option.code };
  const all = ia.options.filter(option => option.kind === 'iaAddress');
  const good = all.filter(o => o.validLifetimeS > 0 && o.preferredLifetimeS <= o.validLifetimeS);
  const chosen = good.find(({ address }) => address === preferred) ?? good[0];
  if (!chosen) return all.length > 0 ? { kind: 'ended' } : undefined;
  const { address, preferredLifetimeS, validLifetimeS } = chosen;
  const t1S = ia.t1S || share(preferredLifetimeS, 0.5);
  return {
    kind: 'granted',
    address,
    preferredLifetimeS,
    validLifetimeS,
    t1S,
    t2S: ia.t2S || Math.max(t1S, share(preferredLifetimeS, 0.8)),
  };
}

/** T1 and T2 are the client's choice where the server gives zero (§21.4). */
function share(lifetimeS: number, part: number): number {
  return lifetimeS === foreverS ? foreverS : Math.floor(lifetimeS * part);
}
