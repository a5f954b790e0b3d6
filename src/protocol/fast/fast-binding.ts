import { type Address, formatAddress } from '../../base/address.js';
import { formatLinkAddress, type LinkAddress } from '../../base/link-address.js';
import { hostPrefix } from '../../base/prefix.js';
import type { ForwardingRule, LinkId, Row, TunnelEnd } from '../contract.js';
import type { MobileKey } from './handover-keys.js';
import type { Attempts } from './timing.js';

/** A mobile as the link below it knows it. */
export interface Station {
  readonly link: LinkId;
  readonly neighbour: LinkAddress;
}

/** Where the answer to a Fast Binding Update goes, and what it repeats of it. */
export interface Reply {
  readonly source: Address;
  /** The address of this node that it was sent to. */
  readonly local: Address;
  readonly station: Station | undefined;
  readonly sequence: number;
}

/** How packets reach a mobile that is about to move, or has moved. */
export interface Way {
  /** The address it has there: a new one, or the previous one behind a tunnel between routers. */
  readonly careOf: Address;
  readonly rule: ForwardingRule;
  readonly end: TunnelEnd;
}

/** A mobile whose packets for `home` go to another access router for a while. */
export interface FastBinding {
  readonly home: Address;
  /** Where it was. */
  readonly previous: Address;
  /** What it asked for. */
  readonly careOf: Address;
  /** The address of this node that it knows. */
  readonly local: Address;
  /** The new access router. */
  readonly router: Address;
  readonly key: MobileKey;
  readonly predictive: boolean;
  readonly simultaneous: boolean;
  /** Sequence number of the Handover Initiate. */
  readonly askedAs: number;
  readonly attempts: Attempts;
  reply: Reply;
  lifetimeS: number;
  /** Undefined: the new access router has not answered. */
  way: Way | undefined;
}

/** Straight into a tunnel to the new care-of address. */
export function wayToNew(binding: FastBinding, careOf: Address): Way {
  const { home, local } = binding;
  return {
    careOf,
    rule: { to: hostPrefix(home), via: { kind: 'tunnel', local, remote: careOf } },
    end: { local, remote: careOf, from: hostPrefix(home) },
  };
}

/** Into a tunnel to the new access router, which has a host route for the previous care-of address (RFC 5568 §6.2.1.2). */
export function wayToPrevious({ previous, router }: FastBinding, local: Address): Way {
  return {
    careOf: previous,
    rule: { to: hostPrefix(previous), via: { kind: 'tunnel', local, remote: router } },
    end: { local, remote: router, from: hostPrefix(previous) },
  };
}

export function rowOf({ home, careOf, router, key, predictive, way, lifetimeS }: FastBinding): Row {
  return {
    home: formatAddress(home),
    careOf: formatAddress(way?.careOf ?? careOf),
    router: formatAddress(router),
    station: formatLinkAddress(key.linkAddress),
    mode: predictive ? 'predictive' : 'reactive',
    state: way ? 'forwarding' : 'asking',
    lifetimeS,
  };
}
