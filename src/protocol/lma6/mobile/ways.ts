import type { Address } from '../../../base/address.js';
import { hostPrefix } from '../../../base/prefix.js';
import type { ForwardingRule, TunnelEnd, Via } from '../../contract.js';
import type { Attachment } from '../../mobile/movement.js';
import { type Chain, topOf } from './chain.js';

/** How far the registrations are that packets of a chain need. */
export interface ChainState {
  /** All agents know what they are to know. */
  readonly isEstablished: boolean;
  /** The home agent knows the highest: something may be sent from its address, and waits until it can go. */
  readonly isTold: boolean;
  /** Agents of before are told from the lowest one's address that the mobile has left. */
  readonly isEnding: boolean;
}

/** What is sent from the home address, to the lowest agent: by the link, or from the mobile's own address there. */
export function toLowest({ agents, coLocated }: Chain, { link, router }: Attachment): Via {
  if (coLocated === undefined) return { kind: 'link', link, router };
  return { kind: 'tunnel', local: coLocated, remote: agents[0].address };
}

/** How a mobile's own signalling, and what it sends from the care-of address that it shares, get to its agents (draft-dommety §3.1). */
export function rulesOf(
  chain: Chain,
  toLowest: Via,
  { isEstablished, isTold, isEnding }: ChainState,
  { home, parkOctets }: { readonly home: Address; readonly parkOctets: number },
): ForwardingRule[] {
  const { agents, coLocated } = chain;
  const [lowest] = agents;
  const top = topOf(chain);
  // From the home address, whatever other packets from there do meanwhile.
  const signalled = coLocated === undefined ? [lowest, top] : agents.length > 1 ? [top] : [];
  const rules: ForwardingRule[] = [...new Set(signalled)].map(({ address }) => ({
    to: hostPrefix(address),
    from: hostPrefix(home),
    via: toLowest,
  }));
  const local = agents.length === 1 ? (coLocated ?? home) : home;
  if (isEstablished) rules.push({ from: hostPrefix(top.address), via: { kind: 'tunnel', local, remote: top.address } });
  else if (isTold) rules.push({ from: hostPrefix(top.address), via: { kind: 'park', limitOctets: parkOctets } });
  if (isEnding && lowest !== top)
    rules.push({ from: hostPrefix(lowest.address), via: { kind: 'tunnel', local: home, remote: lowest.address } });
  return rules;
}

/** What comes down to an address of the mobile's own leaves the lowest agent's tunnel there. */
export function endsOf({ agents, coLocated }: Chain, home: Address): TunnelEnd[] {
  return coLocated === undefined ? [] : [{ local: coLocated, remote: agents[0].address, to: hostPrefix(home) }];
}
