import type { Address } from '../base/address.js';
import type { LinkAddress } from '../base/link-address.js';
import type { Duration, Instant } from '../base/time.js';
import type { AccessOutcome } from '../protocol/contract.js';
import type { Link } from './link.js';
import type { Node } from './node.js';

/** What a simulation is made of, as its users write it. Instants and durations are integer nanoseconds. */
export interface SimulationOptions {
  /** The same seed gives the same run, to the bit. */
  readonly seed: number;
  /** What wall clocks show at instant 0, in seconds since 1970; default 2026-01-01T00:00:00Z. */
  readonly epochS?: number;
}

export interface NodeOptions {
  readonly name: string;
  /** A router: forwards, ignores Router Advertisements, never autoconfigures. Default false: a host. */
  readonly forwarding?: boolean;
  /** NAI that access links give their gateway when the node attaches. */
  readonly identity?: string;
  /** What its wall clock is ahead by. */
  readonly clockSkew?: Duration;
  /** Addresses of the node itself, on no link; {@link Node.originate}d as /128. */
  readonly addresses?: readonly Address[];
  /** RFC 4862 §5.1 DupAddrDetectTransmits; 0 turns detection off. Default 1 on hosts, 0 on routers. */
  readonly dadTransmits?: number;
  /** RFC 4861 §6.3.7's random delay before the first Router Solicitation, at most; default 0. */
  readonly solicitationDelay?: Duration;
  /** RFC 4443 §2.4 (f): ICMPv6 errors a second, with as many at once; default 100, 0 for none at all. */
  readonly icmpErrorsPerSecond?: number;
  /** The AAA port, where no engine of the node answers `authenticate` itself. */
  readonly authenticate?: (request: AuthenticationRequest) => AuthenticationAnswer;
}

export interface AuthenticationRequest {
  readonly station?: LinkAddress;
  readonly identity?: string;
}
export interface AuthenticationAnswer {
  readonly delay: Duration;
  readonly outcome: AccessOutcome;
}

export interface LinkOptions {
  readonly name: string;
  /**
   * `wire`: every end hears every other. `access`: a gateway (the end that forwards) and stations that come and go, as in a
   * Wi-Fi cell; the gateway's engines hear of both.
   */
  readonly kind: 'wire' | 'access';
  /** What alone it carries: IPv4 (RFC 791) or IPv6; absent: both. */
  readonly family?: 4 | 6 | undefined;
  /** One way. */
  readonly delay: Duration;
  /** Bits a second of each transmitter; absent: no serialization time and no queue. */
  readonly rateBps?: number;
  /** Drop-tail limit of what waits or is being sent, in octets of frames; default 256 KiB. Only with a rate. */
  readonly queueOctets?: number;
  /** Probabilities, 0 to 1. */
  readonly loss?: number;
  readonly duplicate?: number;
  /** A frame is held back by `delay` with that probability, so that later ones overtake it. */
  readonly reorder?: { readonly probability: number; readonly delay: Duration };
  /** Octets of an IPv6 packet, at least 1280 (RFC 8200 §5); default 1500. */
  readonly mtu?: number;
  /** Whether nodes resolve neighbours with Neighbour Discovery, or know them; default: access yes, wire no. */
  readonly neighbourDiscovery?: boolean;
  /** Access: stations hear their gateway only (RFC 5213 §6.1's point-to-point model); default true. */
  readonly isolated?: boolean;
  /** RFC 5213 §8.5; default 4 (802.11) on access links. */
  readonly accessTechnology?: number;
}

export interface InterfaceOptions {
  readonly name: string;
  /** Default: 02:… from the order of creation. */
  readonly linkAddress?: LinkAddress;
  readonly addresses?: readonly InterfaceAddress[];
  /** Manual default gateway. */
  readonly gateway?: Address;
  /** Hosts: take Router Advertisements and form addresses from them; default true where `addresses` is empty. */
  readonly autoconfigure?: boolean;
  /** Hosts: `managed`: DHCPv6 when a Router Advertisement says M; default. `always`: at once when the link comes up. */
  readonly dhcpv6?: 'managed' | 'always' | 'never';
  /** DHCPv6 in two messages (RFC 8415 §21.14); default false. */
  readonly rapidCommit?: boolean;
  /** Hosts: run Duplicate Address Detection again when the link comes back; default false, as Linux. */
  readonly dadOnReattach?: boolean;
  /** Hosts: use stateless addresses while Duplicate Address Detection goes on (RFC 4429); default false. */
  readonly optimistic?: boolean;
}

export interface InterfaceAddress {
  readonly address: Address;
  /** Of the on-link prefix; 128 for none. */
  readonly length: number;
}

/** RFC 4861 §6.2.1, for a router's own stack on a link where no engine serves the stations. */
export interface AdvertiseOptions {
  readonly prefixes: readonly AdvertisedPrefix[];
  readonly minInterval: Duration;
  readonly maxInterval: Duration;
  /** Seconds; default 1800, 0: not a default router. */
  readonly routerLifetimeS?: number;
  readonly managed?: boolean;
  /** As a home agent, with its address in the prefix options (RFC 6275 §7.1, §7.2). */
  readonly homeAgent?: boolean;
  readonly currentHopLimit?: number;
  readonly mtu?: number;
  /** RFC 4861 §6.2.6 MAX_RA_DELAY_TIME before an answer to a solicitation; default 500 ms. */
  readonly maxAnswerDelay?: Duration;
  /** RFC 4861 §10 MIN_DELAY_BETWEEN_RAS of multicast ones; default 3 s. */
  readonly minDelayBetween?: Duration;
  /** Answer solicitations unicast. Default false. */
  readonly unicastAnswers?: boolean;
}
export interface AdvertisedPrefix {
  readonly address: Address;
  readonly length: number;
  readonly onLink?: boolean;
  readonly autonomous?: boolean;
  readonly validLifetimeS?: number;
  readonly preferredLifetimeS?: number;
}

/** Leaves the present link at `at` and is on `to` after `gap`; without `to` it stays away. */
export interface Movement {
  /** Default: now. */
  readonly at?: Instant;
  readonly to: Link | undefined;
  /** Default 0. */
  readonly gap?: Duration;
}

/** A move to `to` that the link layer foresees at `at`. */
export interface Foresight {
  /** Default: now. */
  readonly at?: Instant;
  readonly to: Link;
  /** Who is told: the mobile itself, or the router that serves it. Default: the mobile. */
  readonly by?: 'mobile' | 'network';
}

export type Destination = Node | Address;

export interface CbrOptions {
  readonly from: Node;
  /** A node: its first routable address at the time of each packet; nothing is sent while it has none. */
  readonly to: Destination;
  /** UDP port at both ends; default: the simulation's dynamic ports in turn. */
  readonly port?: number;
  readonly interval: Duration;
  /** UDP payload octets, at least 8. */
  readonly size: number;
  readonly start: Instant;
  /** No packet at or after this. */
  readonly stop: Instant;
}

/** A constant-rate UDP flow as both ends saw it; index is the sequence number. */
export interface FlowRecord {
  /** Packets handed to the sender's stack. */
  readonly sent: number;
  /** Distinct packets received. */
  readonly received: number;
  readonly duplicates: number;
  /** Packets whose sequence number was below one already received. */
  readonly reordered: number;
  /** When there was no address to send to or from. */
  readonly unsendable: number;
  /** Instants, `sent` of them. */
  readonly sentAt: readonly number[];
  /** Instants, `sent` of them; NaN: never (yet). */
  readonly receivedAt: readonly number[];
  /** Routers passed by the packet last received, tunnels counting as one. */
  readonly hops: number;
}

export interface PingOptions {
  readonly from: Node;
  readonly to: Destination;
  readonly interval: Duration;
  /** ICMPv6 data octets; default 56. */
  readonly size?: number;
  readonly start: Instant;
  readonly stop: Instant;
}

/** Echo requests and their replies; index is the sequence number. */
export interface PingRecord {
  readonly sent: number;
  readonly answered: number;
  readonly sentAt: readonly number[];
  /** NaN: no reply (yet). */
  readonly answeredAt: readonly number[];
}

export interface TcpOptions {
  readonly from: Node;
  readonly to: Destination;
  readonly port?: number;
  readonly start: Instant;
  /** Octets to transfer; absent: as many as fit until `stop`. */
  readonly octets?: number;
  readonly stop?: Instant;
}

/** A bulk transfer as its sender saw it. */
export interface TcpRecord {
  readonly state: string;
  readonly acknowledgedOctets: number;
  /** Growth of what is acknowledged: instants and the total at each, pairwise. */
  readonly acknowledgedAt: readonly Instant[];
  readonly acknowledged: readonly number[];
  readonly retransmissions: number;
  readonly timeouts: number;
  readonly fastRetransmits: number;
  /** Both directions closed. */
  readonly finishedAt: Instant | undefined;
}
