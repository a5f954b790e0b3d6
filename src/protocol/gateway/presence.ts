import { allNodes, isUnspecified, unspecified } from '../../base/address.js';
import type { Deadlines } from '../../base/deadlines.js';
import { type Instant, second } from '../../base/time.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import type { VisitorChange } from '../trace.js';
import { type Face, routerAdvertisement } from './access-link.js';
import type { GatewayConfig } from './config.js';
import type { Count } from './counters.js';
import type { Dialect } from './dialect.js';
import type { Turn } from './lifecycle.js';
import { type TimerKey, timerKey } from './timers.js';
import type { Visitor, VisitorList } from './visitor.js';

/** How the gateway shows itself to its stations, and tells of them. */
export class Presence {
  constructor(
    readonly config: GatewayConfig,
    readonly dialect: Dialect,
    readonly visitors: VisitorList,
    readonly timers: Deadlines<TimerKey>,
    readonly count: Count,
  ) {}

  /** A Router Advertisement, and again well before the station would forget its router. */
  advertise(visitor: Visitor, turn: Turn): void {
    const face = this.face(visitor, turn.now);
    if (!face || visitor.former) return;
    const destination = visitor.solicitor ?? visitor.linkLocal ?? unspecified;
    visitor.solicitor = undefined;
    visitor.advertised = true;
    this.count('advertisementsSent');
    this.timers.set(timerKey('advertise', visitor), turn.now + Math.floor((face.routerLifetimeS * second) / 3));
    this.trace(visitor, 'advertised', turn);
    this.toStation(visitor, routerAdvertisement(face, isUnspecified(destination) ? allNodes : destination), turn);
  }

  withdraw(visitor: Visitor, turn: Turn): void {
    const face = this.face(visitor);
    if (!face || !visitor.advertised || visitor.former) return;
    visitor.advertised = false;
    this.toStation(visitor, routerAdvertisement({ ...face, routerLifetimeS: 0 }, visitor.linkLocal ?? allNodes), turn);
  }

  /** How the gateway shows itself to that visitor; undefined: nothing is known to show. */
  face(visitor: Visitor, now?: Instant): Face | undefined {
    const { profile, prefix, anchor } = visitor;
    if (!profile || !prefix) return undefined;
    const modes = profile.addressing;
    return {
      linkAddress: profile.anchorLinkAddress ?? this.config.anchorLinkAddress,
      routers: [anchor, profile.gateway].filter(address => address !== undefined),
      prefix,
      deprecated: now === undefined ? [] : this.#deprecated(visitor, now),
      onLink: this.dialect.onLink,
      autonomous: modes.includes('slaac'),
      managed: modes.includes('dhcpv6'),
      otherConfiguration: modes.includes('dhcpv6') || (profile.dhcpServer ?? this.config.dhcpServer) !== undefined,
      routerLifetimeS: this.config.routerLifetimeS,
      mtu: this.config.mtu,
    };
  }

  /** draft-singh §4.4: what the mobile has from another anchor lasts for as long as that has granted. */
  #deprecated(visitor: Visitor, now: Instant): Face['deprecated'] {
    const formers = [...this.visitors.formersOf(visitor)].filter(former => former.prefix !== undefined);
    return formers.map(({ prefix, state, expiresAt = now }) => {
      const validLifetimeS = state === 'registered' ? Math.max(0, Math.floor((expiresAt - now) / second)) : 0;
      return { prefix: prefix!, validLifetimeS };
    });
  }

  toStation(visitor: Visitor, packet: Packet, turn: Turn): void {
    turn.outputs.push({ kind: 'send', packet, link: visitor.link, neighbour: visitor.station });
  }

  trace(visitor: Visitor, change: VisitorChange, turn: Turn, reason?: string): void {
    const { station, identity } = visitor;
    const address = visitor.candidate?.address ?? visitor.addresses[0];
    turn.outputs.push({
      kind: 'trace',
      event: {
        event: 'visitor',
        change,
        station,
        ...(identity && { identity }),
        ...(address && { address }),
        ...(reason && { reason }),
      },
    });
  }
}
