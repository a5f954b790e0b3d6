import { prefixKey } from '../base/prefix.js';
import type { ForwardingRule, Output, TunnelEnd, Via } from './contract.js';

/** What tells rules and tunnel ends apart, and whether one says what another does: for all who keep what they have declared. */

export type RuleName = Pick<ForwardingRule, 'to' | 'from' | 'intercepts'>;

/** Equal for rules of which one takes the other's place. */
export function ruleKey({ to, from, intercepts }: RuleName): string {
  return `${to ? prefixKey(to) : ''} ${from ? prefixKey(from) : ''} ${intercepts ? 'intercepts' : ''}`;
}

/** What takes a rule away. */
export function withdrawn({ to, from, intercepts }: RuleName): Output {
  return { kind: 'unforward', ...(to && { to }), ...(from && { from }), ...(intercepts && { intercepts }) };
}

/** Equal for tunnel ends that are one. */
export function tunnelEndKey(end: TunnelEnd): string {
  const what = `${end.by ?? 'tunnel'} ${end.from ? 'from' : 'to'}`;
  return `${end.local}${end.remote} ${what} ${prefixKey(end.from ?? end.to)}`;
}

/** A parking place that is there stays: what is in it would be sent on by another. */
export function isSameVia(a: Via | undefined, b: Via): boolean {
  switch (b.kind) {
    case 'tunnel':
      return (
        a?.kind === b.kind && a.local === b.local && a.remote === b.remote && a.exceptMobility === b.exceptMobility
      );
    case 'link':
      return a?.kind === b.kind && a.link === b.link && a.neighbour === b.neighbour && a.router === b.router;
    case 'routeOptimised':
      return a?.kind === b.kind && a.sourceCareOf === b.sourceCareOf && a.destinationCareOf === b.destinationCareOf;
    case 'park':
    case 'drop':
      return a?.kind === b.kind;
  }
}
