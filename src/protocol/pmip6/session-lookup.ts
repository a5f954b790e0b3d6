import type { Address } from '../../base/address.js';
import { isUnspecified } from '../../base/address.js';
import type { LinkAddress } from '../../base/link-address.js';
import type { Prefix } from '../../base/prefix.js';
import { handoffIndicator, bindingStatus as status } from '../../wire/mobility/status.js';
import { type Binding, type BindingCache, homesOf } from '../anchor/binding-cache.js';
import { discarded, refused, type Verdict } from '../anchor/validate.js';

/** Which mobility session a Proxy Binding Update is about (RFC 5213 §5.4.1). */
export type Session =
  | { readonly kind: 'new' }
  | { readonly kind: 'existing'; readonly binding: Binding }
  /** An existing one, once its gateway let it go; a new one if it does not (§5.4.1.2 rule 4, §5.4.1.3 rule 3). */
  | { readonly kind: 'awaited'; readonly binding: Binding }
  | { readonly kind: 'none'; readonly verdict: Verdict };

/** What the lookup goes by. */
export interface SessionKeys {
  readonly identity: string;
  /** Home Network Prefix options with a value. */
  readonly prefixes: readonly Prefix[];
  readonly accessTechnology: number;
  /** Undefined: absent, or all zero. */
  readonly linkIdentifier: LinkAddress | undefined;
  readonly handoff: number;
  readonly careOf: Address;
  readonly deregistration: boolean;
}

/** RFC 5213 §5.4.1, its three cases in order. */
export function lookupSession(cache: BindingCache, keys: SessionKeys): Session {
  if (keys.prefixes.length > 0) return byPrefix(cache, keys);
  if (keys.linkIdentifier !== undefined) return byInterface(cache, keys, keys.linkIdentifier);
  return byIdentity(cache, keys);
}

/** §5.4.1.1. */
function byPrefix(cache: BindingCache, keys: SessionKeys): Session {
  const binding = firstHolder(cache, keys.prefixes);
  if (!binding) return newSession(keys);
  if (binding.identity !== keys.identity) return none(othersPrefix);
  if (!sameSet(homesOf(binding), keys.prefixes))
    return none(refused(status.prefixSetsDoNotMatch, 'not all home network prefixes of the session'));
  return updates(binding, keys) ? { kind: 'existing', binding } : newSession(keys);
}

/** §5.4.1.1 rule 5. */
function updates(binding: Binding, keys: SessionKeys): boolean {
  const sameTechnology = binding.accessTechnology === keys.accessTechnology;
  const { linkIdentifier } = keys;
  if (linkIdentifier !== undefined && binding.linkIdentifier === linkIdentifier && sameTechnology) return true;
  if (keys.handoff === handoffIndicator.betweenInterfaces) return true;
  if (linkIdentifier === undefined && binding.linkIdentifier === undefined && sameTechnology)
    if (keys.handoff === handoffIndicator.betweenGateways) return true;
  return sameTechnology && binding.tunnel.careOf === keys.careOf;
}

/** §5.4.1.2. */
function byInterface(cache: BindingCache, keys: SessionKeys, linkIdentifier: LinkAddress): Session {
  const binding = cache.byInterface(keys.identity, keys.accessTechnology, linkIdentifier);
  if (binding) return { kind: 'existing', binding };
  const only = cache.onlyOneOf(keys.identity);
  if (only && keys.handoff === handoffIndicator.betweenInterfaces) return { kind: 'existing', binding: only };
  if (only && keys.handoff === handoffIndicator.unknown) return awaited(only, keys);
  return newSession(keys);
}

/** §5.4.1.3. */
function byIdentity(cache: BindingCache, keys: SessionKeys): Session {
  const only = cache.onlyOneOf(keys.identity);
  const { handoff } = keys;
  if (only && (handoff === handoffIndicator.betweenInterfaces || handoff === handoffIndicator.betweenGateways))
    return { kind: 'existing', binding: only };
  if (only && handoff === handoffIndicator.unknown) return awaited(only, keys);
  return newSession(keys);
}

/** Nothing is waited for where the old gateway has let go already, nor by that gateway when it lets go. */
function awaited(binding: Binding, keys: SessionKeys): Session {
  const wait = binding.state === 'registered' && !keys.deregistration;
  return { kind: wait ? 'awaited' : 'existing', binding };
}

export const othersPrefix = refused(
  status.notAuthorizedForHomeNetworkPrefix,
  'a home network prefix of another mobile node',
);
/** A de-registration without a session is ignored. */
export const noSession = discarded('noSession');

function newSession(keys: SessionKeys): Session {
  return keys.deregistration ? none(noSession) : { kind: 'new' };
}

function none(verdict: Verdict): Session {
  return { kind: 'none', verdict };
}

function firstHolder(cache: BindingCache, prefixes: readonly Prefix[]): Binding | undefined {
  for (const prefix of prefixes) {
    const binding = cache.byHome(prefix);
    if (binding) return binding;
  }
  return undefined;
}

function sameSet(a: readonly Prefix[], b: readonly Prefix[]): boolean {
  return a.length === b.length && a.every(p => b.some(q => p.address === q.address && p.length === q.length));
}

/** Prefixes with a value, as far as their length says. */
export function isAllZero(prefix: Prefix): boolean {
  return isUnspecified(prefix.address);
}
