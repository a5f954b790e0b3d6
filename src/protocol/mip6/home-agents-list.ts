import type { Address } from '../../base/address.js';
import { Deadlines } from '../../base/deadlines.js';
import { below, type Random } from '../../base/random.js';
import { type Instant, seconds } from '../../base/time.js';
import type { RouterAdvertisement } from '../../wire/icmpv6/messages.js';
import { findNeighbourOption } from '../../wire/icmpv6/neighbour-options.js';

/** A home agent as others see it. */
export interface HomeAgentEntry {
  /** 0 to 65535; higher is preferred. */
  readonly preference: number;
  /** Its global addresses on the home link. */
  readonly addresses: readonly Address[];
}

/** Routers of one link that are remembered: a link has a handful, and whoever invents more gets no further. */
const maximumLearnt = 64;

/** The home agents of a home link: configured ones, itself among them, and those that advertise themselves (RFC 6275 §10.1, §10.5.1). */
export class HomeAgentsList {
  readonly #configured: readonly HomeAgentEntry[];
  /** By link-local address. */
  readonly #learnt = new Map<Address, HomeAgentEntry>();
  readonly #ends = new Deadlines<Address>();

  constructor(configured: readonly HomeAgentEntry[]) {
    this.#configured = configured;
  }

  get deadline(): Instant | undefined {
    return this.#ends.next;
  }

  /** RFC 6275 §10.5.1: without H, or with a lifetime of zero, the router is none, or none any more. */
  advertised(router: Address, advertisement: RouterAdvertisement, now: Instant): void {
    const information = findNeighbourOption(advertisement.options, 'homeAgentInformation');
    const lifetimeS = information?.lifetimeS ?? advertisement.routerLifetimeS;
    if (!advertisement.flags.homeAgent || lifetimeS === 0) return this.#forget(router);
    const known = this.#learnt.get(router);
    if (!known && this.#learnt.size >= maximumLearnt) return;
    const addresses = new Set([...(known?.addresses ?? []), ...addressesIn(advertisement)]);
    this.#learnt.set(router, { preference: information?.preference ?? 0, addresses: [...addresses] });
    this.#ends.set(router, now + seconds(lifetimeS));
  }

  /** The router does not answer any more (RFC 4861 §7.3). */
  gone(router: Address): void {
    this.#forget(router);
  }

  tick(now: Instant): void {
    for (const router of this.#ends.takeDue(now)) this.#learnt.delete(router);
  }

  /** Up to `limit` addresses, the most preferred home agents' first, in a new order each time where preferences are equal. */
  addresses(limit: number, random: Random): Address[] {
    const entries = shuffled([...this.#configured, ...this.#learnt.values()], random);
    entries.sort((a, b) => b.preference - a.preference);
    const addresses = new Set(entries.flatMap(entry => shuffled(entry.addresses, random)));
    return [...addresses].slice(0, limit);
  }

  *[Symbol.iterator](): Iterator<HomeAgentEntry> {
    yield* this.#configured;
    yield* this.#learnt.values();
  }

  #forget(router: Address): void {
    this.#learnt.delete(router);
    this.#ends.clear(router);
  }
}

/** RFC 6275 §7.2: with R the option holds a whole address of the router. */
function addressesIn({ options }: RouterAdvertisement): Address[] {
  return options.flatMap(option =>
    option.kind === 'prefixInformation' && option.flags.routerAddress ? [option.prefix] : [],
  );
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = below(random, i + 1);
    [result[i], result[j]] = [result[j], result[i]];
  }
  return result;
}
