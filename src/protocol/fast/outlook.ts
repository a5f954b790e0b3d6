import { isLinkLocal } from '../../base/address.js';
import type { LinkAddress } from '../../base/link-address.js';
import type { Instant } from '../../base/time.js';
import type { ProxyRouterAdvertisement } from '../../wire/icmpv6/messages.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import type { Output } from '../contract.js';
import type { Attachment } from '../mobile/movement.js';
import { type Answered, answersOf, type RouterBehind } from './access-points.js';
import { ProxySolicitation } from './solicitation.js';

const maximumKnown = 256;

/** What a mobile node knows of access points around it, and how it comes to know it (RFC 5568 §6.1). */
export class Outlook {
  readonly #solicitation: ProxySolicitation;
  readonly #known = new Map<LinkAddress, RouterBehind>();

  constructor(identifier: number) {
    this.#solicitation = new ProxySolicitation(identifier);
  }

  get deadline(): Instant | undefined {
    return this.#solicitation.deadline;
  }

  routerAt(accessPoint: LinkAddress): RouterBehind | undefined {
    return this.#known.get(accessPoint);
  }

  /** Asks the router there about an access point, or about all. */
  ask(from: Attachment, accessPoint: LinkAddress | undefined, now: Instant, outputs: Output[]): void {
    const { link, careOf: source, linkAddress, router } = from;
    this.#solicitation.ask({ link, source, linkAddress, router, accessPoint }, now, outputs);
  }

  stop(): void {
    this.#solicitation.stop();
  }

  tick(now: Instant, outputs: Output[]): void {
    this.#solicitation.tick(now, outputs);
  }

  /** What an advertisement says, which is known from then on; undefined: it is from somewhere else, or answers nothing. */
  heard(
    { source, hopLimit }: Packet,
    message: ProxyRouterAdvertisement,
    place: Attachment | undefined,
    now: Instant,
  ): Answered[] | undefined {
    const isRouter = place !== undefined && isLinkLocal(place.router) ? source === place.router : isLinkLocal(source);
    if (hopLimit !== 255 || !isRouter) return undefined;
    if (message.identifier !== 0 && !this.#solicitation.isAnsweredBy(message.identifier)) return undefined;
    const answers = answersOf(message, now);
    for (const { accessPoint, answer } of answers)
      if (answer.kind === 'router') this.#learn(accessPoint, answer.router);
      else this.#known.delete(accessPoint);
    return answers;
  }

  #learn(accessPoint: LinkAddress, router: RouterBehind): void {
    if (this.#known.size >= maximumKnown && !this.#known.has(accessPoint)) this.#known.clear();
    this.#known.set(accessPoint, router);
  }
}
