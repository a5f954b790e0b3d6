import { type Address, isLinkLocal, unspecified } from '../../base/address.js';
import { autoconfiguredAddress, type LinkAddress } from '../../base/link-address.js';
import { type Prefix, prefixKey, prefixOf } from '../../base/prefix.js';
import { uniform } from '../../base/random.js';
import { type Instant, millisecond, second } from '../../base/time.js';
import type { RouterAdvertisement } from '../../wire/icmpv6/messages.js';
import type { NeighbourOptionOf } from '../../wire/icmpv6/neighbour-options.js';
import type { EventTarget } from '../event-queue.js';
import { LocalAddress } from './addresses.js';
import type { IpInterface } from './ip-interface.js';
import { routerSolicitation } from './messages.js';
import { LinkPath } from './routes.js';

/** RFC 4861 §10. */
const maxRouterSolicitations = 3;
const routerSolicitationInterval = 4 * second;
/** RFC 4862 §5.5.3 (e). */
const twoHours = 7200 * second;
const infiniteLifetimeS = 0xffffffff;

type PrefixInformation = NeighbourOptionOf<'prefixInformation'>;

interface DefaultRouter {
  readonly path: LinkPath;
  until: Instant;
  /** Neighbour Discovery found nobody there (RFC 4861 §6.3.6). */
  unreachable: boolean;
}

/** What a timer of this host is for. */
type Timer =
  | { readonly kind: 'solicit'; readonly generation: number }
  | { readonly kind: 'router'; readonly address: Address }
  | { readonly kind: 'prefix'; readonly key: string };

/** The host's side of RFC 4861 §6.3 and RFC 4862 §5.5: routers, prefixes and addresses from Router Advertisements. */
export class Autoconfiguration implements EventTarget<Timer> {
  /** Called when an advertisement says M (RFC 4861 §4.2). */
  onManaged: () => void = () => {};
  readonly #ip: IpInterface;
  readonly #routers = new Map<Address, DefaultRouter>();
  readonly #onLink = new Map<string, { prefix: Prefix; until: Instant }>();
  #solicitations = 0;
  #generation = 0;
  /** A router has been heard since the link came up. */
  #answered = false;

  constructor(ip: IpInterface) {
    this.#ip = ip;
  }

  /** Default routers, in the order they were learnt. */
  get routers(): readonly Address[] {
    return [...this.#routers.keys()];
  }

  /** RFC 4861 §6.3.6: a router that answers, else any, in the order learnt. */
  defaultPath(): LinkPath | undefined {
    let any: LinkPath | undefined;
    for (const { path, unreachable } of this.#routers.values()) {
      if (!unreachable) return path;
      any ??= path;
    }
    return any;
  }

  /** RFC 4861 §6.3.7: solicits at once, or within the configured delay, once there is an address to solicit from. */
  linkUp(): void {
    this.#solicitations = 0;
    this.#answered = false;
    this.#generation++;
    const longest = this.#ip.stack.node.options.solicitationDelay ?? 0;
    const delay = longest === 0 ? 0 : Math.round(uniform(this.#ip.stack.random, 0, longest));
    if (this.#ip.linkLocal.usable && delay === 0) this.#solicit();
    else if (this.#ip.linkLocal.usable) this.#after(delay, { kind: 'solicit', generation: this.#generation });
  }

  linkLocalReady(): void {
    if (this.#generation > 0 && this.#solicitations === 0 && !this.#answered) this.#solicit();
  }

  #solicit(): void {
    this.#solicitations++;
    const source = this.#ip.sourceForDiscovery() ?? unspecified;
    this.#ip.sendSignalling(routerSolicitation(source, this.#ip.port.linkAddress));
    if (this.#solicitations < maxRouterSolicitations)
      this.#after(routerSolicitationInterval, { kind: 'solicit', generation: this.#generation });
  }

  onEvent(timer: Timer): void {
    if (!this.#ip.stack.alive) return;
    const now = this.#ip.stack.now;
    switch (timer.kind) {
      case 'solicit':
        if (timer.generation === this.#generation) this.#solicit();
        return;
      case 'router': {
        const router = this.#routers.get(timer.address);
        if (router !== undefined && router.until <= now) this.forgetRouter(timer.address);
        return;
      }
      case 'prefix': {
        const known = this.#onLink.get(timer.key);
        if (known !== undefined && known.until <= now) this.#forgetPrefix(timer.key, known.prefix);
        return;
      }
    }
  }

  /** RFC 4861 §6.3.4. The receiver has checked hop limit and source. */
  advertised(from: Address, message: RouterAdvertisement): void {
    const { neighbours } = this.#ip;
    this.#generation++;
    this.#answered = true;
    if (message.currentHopLimit > 0) this.#ip.hopLimit = message.currentHopLimit;
    if (message.reachableTimeMs > 0) neighbours.baseReachableTime = message.reachableTimeMs * millisecond;
    if (message.retransTimerMs > 0) neighbours.retransTimer = message.retransTimerMs * millisecond;
    for (const option of message.options) {
      if (option.kind === 'sourceLinkLayerAddress') neighbours.learn(from, option.address as LinkAddress, true);
      if (option.kind === 'mtu') this.#takeMtu(option.mtu);
    }
    this.#takeRouter(from, message.routerLifetimeS);
    this.#ip.tellEngines({ kind: 'router', link: this.#ip.port.name, router: from, advertisement: message });
    for (const option of message.options) if (option.kind === 'prefixInformation') this.#takePrefix(option);
    if (message.flags.managed) this.onManaged();
  }

  /** RFC 4861 §6.3.4: between the least MTU of IPv6 and the link's own. */
  #takeMtu(mtu: number): void {
    if (mtu >= 1280 && mtu <= (this.#ip.port.link?.mtu ?? 0)) this.#ip.mtu = mtu;
  }

  #takeRouter(address: Address, lifetimeS: number): void {
    if (lifetimeS === 0) return this.forgetRouter(address);
    const until = this.#ip.stack.now + lifetimeS * second;
    const known = this.#routers.get(address);
    if (known === undefined)
      this.#routers.set(address, { path: new LinkPath(this.#ip, address), until, unreachable: false });
    else {
      known.until = until;
      known.unreachable = false;
    }
    this.#after(lifetimeS * second, { kind: 'router', address });
    this.#ip.stack.routes.forgetAnswers();
  }

  forgetRouter(address: Address): void {
    if (this.#routers.delete(address)) this.#ip.stack.routes.neighbourGone(address);
  }

  routerUnreachable(address: Address): void {
    const router = this.#routers.get(address);
    if (router === undefined) return;
    router.unreachable = true;
    // Later in the order than routers nothing is known of, so that a dead one is tried last.
    this.#routers.delete(address);
    this.#routers.set(address, router);
    this.#ip.stack.routes.forgetAnswers();
    this.#ip.tellEngines({ kind: 'router', link: this.#ip.port.name, router: address });
  }

  #takePrefix(option: PrefixInformation): void {
    const prefix = prefixOf(option.prefix, option.length);
    if (isLinkLocal(prefix.address)) return;
    if (option.flags.onLink) this.#takeOnLink(prefix, option.validLifetimeS);
    if (option.flags.autonomous) this.#takeAutonomous(prefix, option);
  }

  #takeOnLink(prefix: Prefix, validLifetimeS: number): void {
    const key = prefixKey(prefix);
    if (validLifetimeS === 0) return this.#forgetPrefix(key, prefix);
    const until = this.#until(validLifetimeS);
    this.#onLink.set(key, { prefix, until });
    if (!this.#ip.stack.routes.hasRoute(prefix))
      this.#ip.stack.routes.setRoute(prefix, new LinkPath(this.#ip, undefined));
    if (until !== Number.POSITIVE_INFINITY) this.#after(validLifetimeS * second, { kind: 'prefix', key });
  }

  #forgetPrefix(key: string, prefix: Prefix): void {
    if (this.#onLink.delete(key)) this.#ip.stack.routes.deleteRoute(prefix);
  }

  /** RFC 4862 §5.5.3. */
  #takeAutonomous(prefix: Prefix, { preferredLifetimeS, validLifetimeS }: PrefixInformation): void {
    if (preferredLifetimeS > validLifetimeS || prefix.length !== 64) return;
    const { life, port, stack } = this.#ip;
    const address = autoconfiguredAddress(prefix, port.linkAddress);
    // RFC 6275 §11.5.5: a home address is its engine's, at home as well.
    if (stack.homes.has(address)) return;
    const known = this.#ip.owned(address);
    const preferredUntil = this.#until(preferredLifetimeS);
    const validUntil = this.#until(validLifetimeS);
    if (known === undefined) {
      if (validLifetimeS === 0 || this.#ip.linkLocal.state === 'duplicate') return;
      const probes = this.#ip.discovers ? stack.dadTransmits : 0;
      life.add(new LocalAddress(address, this.#ip, 'stateless'), probes, { preferredUntil, validUntil });
    } else if (known.origin === 'stateless') {
      life.refresh(known, { preferredUntil, validUntil: this.#boundedValid(known, validUntil) });
    }
  }

  /** RFC 4862 §5.5.3 (e): nobody unauthenticated makes an address end within two hours. */
  #boundedValid(known: LocalAddress, offered: Instant): Instant {
    const soonest = this.#ip.stack.now + twoHours;
    if (offered > soonest || offered > known.validUntil) return offered;
    return known.validUntil <= soonest ? known.validUntil : soonest;
  }

  #until(lifetimeS: number): Instant {
    return lifetimeS === infiniteLifetimeS ? Number.POSITIVE_INFINITY : this.#ip.stack.now + lifetimeS * second;
  }

  #after(delay: number, timer: Timer): void {
    this.#ip.stack.queue.push(this.#ip.stack.now + delay, this, timer);
  }
}
