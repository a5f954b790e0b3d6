import type { Address } from '../../base/address.js';
import type { LinkAddress } from '../../base/link-address.js';
import { type Prefix, prefixContains } from '../../base/prefix.js';
import type { NeighbourOption } from '../../wire/icmpv6/neighbour-options.js';
import { addressCode, linkLayerAddressCode as code } from '../../wire/mobility/status.js';

/** What an access router knows of an access point in reach of its own (RFC 5568 §2: the AP-ID, AR-Info tuple). */
export interface KnownAccessPoint {
  /** The access point's identifier: its link-layer address. */
  readonly accessPoint: LinkAddress;
  readonly router: KnownRouter;
}

export interface KnownRouter {
  /** For Handover Initiate. */
  readonly address: Address;
  /** On the link below the access point: what mobiles use. */
  readonly linkRouter: Address;
  readonly linkAddress: LinkAddress;
  /** On that link. */
  readonly prefix: Prefix;
  readonly fastHandover: boolean;
  /** Whether mobiles have to ask a DHCP server there. */
  readonly dhcp: boolean;
  /** MAPs that serve there (RFC 4140 Appendix A: the proxy advertisement has the MAP option). */
  readonly maps: readonly KnownMap[];
}

export interface KnownMap {
  readonly address: Address;
  readonly distance: number;
  readonly preference: number;
  readonly rcoaRequired: boolean;
  readonly validLifetimeS: number;
}

/** An answer to a question about access points: RFC 5568 §6.1.2's Code and options. */
export interface Neighbours {
  readonly code: number;
  readonly options: readonly NeighbourOption[];
}

/** The access points that a router knows. */
export class Neighbourhood {
  readonly #known: ReadonlyMap<LinkAddress, KnownRouter>;
  readonly #own: ReadonlySet<LinkAddress>;

  /** `own`: access points of the router's own links. */
  constructor(known: readonly KnownAccessPoint[], own: readonly LinkAddress[]) {
    this.#known = new Map(known.map(({ accessPoint, router }) => [accessPoint, router]));
    this.#own = new Set(own);
  }

  at(accessPoint: LinkAddress): KnownRouter | undefined {
    return this.#known.get(accessPoint);
  }

  /** The router on whose link `careOf` is: the longest prefix (RFC 5568 §4). */
  serving(careOf: Address): KnownRouter | undefined {
    let best: KnownRouter | undefined;
    for (const router of this.#known.values())
      if (prefixContains(router.prefix, careOf) && router.prefix.length > (best?.prefix.length ?? -1)) best = router;
    return best;
  }

  isRouter(address: Address): boolean {
    for (const router of this.#known.values()) if (router.address === address) return true;
    return false;
  }

  /** What is known of `asked`, or of all: as many as fit in `octets`. */
  describe(asked: readonly LinkAddress[] | 'all', octets: number): Neighbours {
    const points = asked === 'all' ? [...this.#known.keys()] : asked;
    const tuples = points.map(point => this.#tuple(point));
    const fitting = asked === 'all' ? fittingIn(octets, tuples) : tuples;
    return { code: codeOf(fitting), options: fitting.flatMap(({ options }) => options) };
  }

  #tuple(point: LinkAddress): Tuple {
    const simple = (kind: number): Tuple => ({ dhcp: false, options: [linkLayer(kind, point)] });
    if (this.#own.has(point)) return simple(code.sameInterface);
    const router = this.#known.get(point);
    if (!router) return simple(code.noPrefixInformation);
    if (!router.fastHandover) return simple(code.noFastHandover);
    const { linkAddress, linkRouter, prefix, dhcp, maps } = router;
    const options: NeighbourOption[] = [
      linkLayer(code.newAccessPoint, point),
      linkLayer(code.newAccessRouter, linkAddress),
      ipAddress(addressCode.newAccessRouter, linkRouter, 128),
      ipAddress(addressCode.newAccessRouterPrefix, prefix.address, prefix.length),
      ...maps.map(mapOption),
    ];
    return { router, dhcp, options };
  }
}

interface Tuple {
  readonly router?: KnownRouter;
  readonly dhcp: boolean;
  readonly options: readonly NeighbourOption[];
}

/** RFC 5568 §6.1.2; 5 goes for the whole message, so it is said where all of it needs DHCP. */
function codeOf(tuples: readonly Tuple[]): number {
  const informed = tuples.filter(({ router }) => router !== undefined);
  if (informed.length === 0) return 2;
  if (informed.length < tuples.length) return 3;
  return informed.every(({ dhcp }) => dhcp) ? 5 : 0;
}

/** Link-layer addresses take 16 octets, all else 24. */
function fittingIn(octets: number, tuples: readonly Tuple[]): Tuple[] {
  const sizeOf = (option: NeighbourOption) => (option.kind === 'linkLayerAddress' ? 16 : 24);
  let left = octets;
  return tuples.filter(({ options }) => {
    left -= options.reduce((sum, option) => sum + sizeOf(option), 0);
    return left >= 0;
  });
}

function mapOption({ address, distance, preference, rcoaRequired, validLifetimeS }: KnownMap): NeighbourOption {
  return { kind: 'map', place: { distance, preference }, flags: { rcoaRequired }, validLifetimeS, address };
}

export function linkLayer(kind: number, address: LinkAddress): NeighbourOption {
  return { kind: 'linkLayerAddress', code: kind, address };
}

export function ipAddress(kind: number, address: Address, prefixLength: number): NeighbourOption {
  return { kind: 'ipAddressPrefix', code: kind, prefixLength, address };
}
