import { type Address, allNodes, unspecified } from '../../base/address.js';
import type { LinkAddress } from '../../base/link-address.js';
import { type Prefix, prefixContains } from '../../base/prefix.js';
import { uniform } from '../../base/random.js';
import { type Instant, millisecond, second } from '../../base/time.js';
import type { NeighbourOption } from '../../wire/icmpv6/neighbour-options.js';
import type { EventTarget } from '../event-queue.js';
import type { AdvertiseOptions } from '../options.js';
import type { IpInterface } from './ip-interface.js';
import { icmpv6Packet } from './messages.js';

/** RFC 4861 §10. */
const maxInitialInterval = 16 * second;
const maxInitialAdvertisements = 3;
const defaultMaxAnswerDelay = 500 * millisecond;
const defaultMinDelayBetween = 3 * second;
const defaultValidLifetimeS = 2_592_000;
const defaultPreferredLifetimeS = 604_800;

/** A router that advertises on one interface (RFC 4861 §6.2), unless an engine does. */
export class Advertiser implements EventTarget<{ readonly at: Instant }> {
  readonly #ip: IpInterface;
  readonly #options: AdvertiseOptions;
  #lastMulticast: Instant = Number.NEGATIVE_INFINITY;
  #sent = 0;
  /** The event that is meant; others are obsolete. */
  #due: Instant | undefined;

  constructor(ip: IpInterface, options: AdvertiseOptions) {
    this.#ip = ip;
    this.#options = options;
    this.#multicast();
  }

  /** RFC 4861 §6.2.6: after a random delay, not more often than MIN_DELAY_BETWEEN_RAS where it goes to all. */
  solicited(from: Address, linkAddress: LinkAddress): void {
    if (this.#ip.advertised) return;
    const longest = this.#options.maxAnswerDelay ?? defaultMaxAnswerDelay;
    const delay = longest === 0 ? 0 : Math.round(uniform(this.#ip.stack.random, 0, longest));
    if (this.#options.unicastAnswers) {
      const to = from === unspecified ? allNodes : from;
      const answer = () => this.#ip.sendSignalling(this.#advertisement(to), linkAddress);
      return delay === 0 ? answer() : this.#ip.stack.after(delay, answer);
    }
    const earliest = this.#lastMulticast + (this.#options.minDelayBetween ?? defaultMinDelayBetween);
    const at = Math.max(this.#ip.stack.now + delay, earliest);
    if (this.#due === undefined || at < this.#due) this.#arm(at);
  }

  onEvent({ at }: { readonly at: Instant }): void {
    if (this.#ip.stack.alive && this.#due === at && !this.#ip.advertised) this.#multicast();
  }

  #multicast(): void {
    const { now, random } = this.#ip.stack;
    const { minInterval, maxInterval } = this.#options;
    this.#lastMulticast = now;
    this.#sent++;
    this.#ip.sendSignalling(this.#advertisement(allNodes));
    let interval = Math.round(uniform(random, minInterval, maxInterval));
    if (this.#sent < maxInitialAdvertisements) interval = Math.min(interval, maxInitialInterval);
    this.#arm(now + interval);
  }

  #arm(at: Instant): void {
    this.#due = at;
    this.#ip.stack.queue.push(at, this, { at });
  }

  #advertisement(to: Address) {
    const {
      routerLifetimeS = 1800,
      managed = false,
      homeAgent = false,
      currentHopLimit = 64,
      mtu,
      prefixes,
    } = this.#options;
    const options: NeighbourOption[] = [{ kind: 'sourceLinkLayerAddress', address: this.#ip.port.linkAddress }];
    if (mtu !== undefined) options.push({ kind: 'mtu', mtu });
    for (const prefix of prefixes)
      options.push({
        kind: 'prefixInformation',
        length: prefix.length,
        flags: { onLink: prefix.onLink ?? true, autonomous: prefix.autonomous ?? true, routerAddress: homeAgent },
        validLifetimeS: prefix.validLifetimeS ?? defaultValidLifetimeS,
        preferredLifetimeS: prefix.preferredLifetimeS ?? defaultPreferredLifetimeS,
        prefix: (homeAgent ? this.#addressOn(prefix) : undefined) ?? prefix.address,
      });
    return icmpv6Packet(this.#ip.linkLocal.address, to, 255, {
      kind: 'routerAdvertisement',
      code: 0,
      currentHopLimit,
      flags: { managed, other: false, homeAgent },
      routerLifetimeS,
      reachableTimeMs: 0,
      retransTimerMs: 0,
      options,
    });
  }

  #addressOn(prefix: Prefix): Address | undefined {
    return this.#ip.addresses.find(({ address, origin }) => origin === 'manual' && prefixContains(prefix, address))
      ?.address;
  }
}
