import type { Address } from '../base/address.js';
import type { LinkAddress } from '../base/link-address.js';
import type { Prefix } from '../base/prefix.js';
import type { Random } from '../base/random.js';
import type { Duration, Instant, WallClock } from '../base/time.js';
import type { RouterAdvertisement } from '../wire/icmpv6/messages.js';
import type { Packet } from '../wire/ipv6/packet.js';
import type { TraceEvent } from './trace.js';

/** A link of this node, by the name the node gives it: `eth0`. */
export type LinkId = string;

/**
 * What whole messages go over SCTP for, in order and none lost: `pmip` between gateways and PMIP clients (draft-singh §4.9.3),
 * `cxtp` between gateways (RFC 4067 §3.1).
 */
export type MessageService = 'pmip' | 'cxtp';

/** What a world lends its engines. */
export interface Environment {
  readonly random: Random;
  readonly clock: WallClock;
}

/**
 * A protocol participant. It owns no socket, no clock and no randomness; a world feeds it and does what it asks, in the
 * order it asks. After `handle` returned for a tick at `now`, `deadline` lies after `now`.
 */
export interface Engine {
  readonly interests: Interests;
  handle(input: Input, now: Instant): Output[];
  /** When to call `handle({ kind: 'tick' }, deadline)` next. */
  readonly deadline: Instant | undefined;
  /** What an operator may look at, by topic: `bindings`, `visitors`. Rows are plain data, addresses as text. */
  readonly views: Readonly<Record<string, () => Iterable<Row>>>;
  /** Counts since the start, by name: metrics and `show counters`. */
  readonly counters: Readonly<Record<string, number>>;
}

export type Row = Readonly<Record<string, string | number | boolean | undefined>>;

/** What a world delivers to the engine of what arrives at the node. */
export interface Interests {
  /**
   * Next Header numbers: packets sent to an address of the node whose upper layer is one of them. 41: tunnelled packets that
   * no `admit` lets in; 60: packets with a Home Address option that none lets in.
   */
  readonly protocols: readonly number[];
  /**
   * Links whose stations the engine serves: it answers their Neighbour Discovery and DHCPv6 in the stack's stead.
   *
   * What a station sends through the node from a global source passes only where the rules say that it may. The longest
   * `to` rule via an access link and a neighbour that covers the source says who holds it: the packet passes from that
   * neighbour on that link, and is dropped and counted from any other. A source that nobody holds passes where a rule
   * with `from` alone covers it (it is parked while its station is being registered); if none does, the packet is
   * dropped and its source `seen`.
   */
  readonly accessLinks: readonly LinkId[];
  /** UDP datagrams sent to an address of the node. */
  readonly udpPorts: readonly number[];
  /** Links on which a router's engine hears of the routers beside it: `router`. */
  readonly monitoredLinks?: readonly LinkId[];
  /** Addresses shared with others of its kind (RFC 4291 §2.6): packets to them are for the engine, none is sent from them. */
  readonly anycastAddresses?: readonly Address[];
  /** Services it speaks: it hears the messages of peers that begin, and can send to any. */
  readonly services?: readonly MessageService[];
  /**
   * It registers addresses of others as if they were its own (draft-singh §4.1): Mobility Headers to an address of the node
   * through a type 2 routing header reach it whatever home address that names, unless a tunnel end takes them on.
   */
  readonly registersOthers?: boolean;
  /** It takes Binding Updates and acknowledgements that a packet follows (draft-dommety §2.2.2); others get none of them (RFC 6275 §9.2). */
  readonly nestedUpdates?: boolean;
  /**
   * Links through which stations send only what the rules let pass, as on `accessLinks`, while the stack answers their Neighbour
   * Discovery: a local mobility agent controls access (draft-dommety §1.1 C). Of sources that nobody holds it does not hear.
   */
  readonly guardedLinks?: readonly LinkId[];
  /** The node is a host. Of these links the engine hears their state, the node's addresses, and of routers there. */
  readonly hostLinks?: readonly LinkId[];
  /**
   * Links on which the engine sends the node's Router Advertisements (RFC 4861 §6.2) in place of the world: the stack, radvd.
   * It hears of the link's state and of stations that come and go where the link layer tells, and of what arrives there the
   * Router Solicitations, Router Advertisements and Neighbour Advertisements, after the stack has learnt from them. The
   * stack stays the authority for addresses and neighbours.
   */
  readonly advertisedLinks?: readonly LinkId[];
}

export type Input =
  /** A packet for the engine arrived, from that neighbour, protected by that association. */
  | {
      readonly kind: 'packet';
      readonly packet: Packet;
      readonly link?: LinkId;
      readonly neighbour?: LinkAddress;
      readonly association?: AssociationId;
    }
  | { readonly kind: 'tick' }
  /** A whole message of a service arrived from a peer. */
  | {
      readonly kind: 'message';
      readonly service: MessageService;
      readonly peer: Address;
      readonly data: Uint8Array;
    }
  /** What was sent to a peer, and had not arrived, is lost: it went down, started anew, or cannot be reached. */
  | { readonly kind: 'peerLost'; readonly service: MessageService; readonly peer: Address }
  /** What was to go out under that association to that peer did not: whoever has the keys refuses them (draft-singh Appendix C). */
  | { readonly kind: 'unkeyed'; readonly association: AssociationId; readonly peer: Address; readonly reason: string }
  /**
   * A station's link came up (association, link-layer trigger). `identity` where the link already knows it, an NAI;
   * `previousAccessPoint` where the station says which it comes from (IEEE 802.11 reassociation).
   */
  | {
      readonly kind: 'attached';
      readonly link: LinkId;
      readonly station: LinkAddress;
      readonly identity?: string;
      readonly accessTechnology: number;
      readonly handoff?: Handoff;
      readonly previousAccessPoint?: LinkAddress;
    }
  | { readonly kind: 'detached'; readonly link: LinkId; readonly station: LinkAddress }
  /**
   * A station of an access link sent a packet from an address that nobody holds and no rule covers; it was dropped. Of an
   * address that another station holds the engine does not hear: nothing may come of it.
   */
  | { readonly kind: 'seen'; readonly link: LinkId; readonly station: LinkAddress; readonly address: Address }
  /** A host link or an advertised one came up or went down: a link-layer trigger. `linkLocal`: the node's own address there; `accessPoint`: what a host's is through. */
  | {
      readonly kind: 'link';
      readonly link: LinkId;
      readonly up: boolean;
      readonly linkAddress: LinkAddress;
      readonly linkLocal?: Address;
      readonly accessPoint?: LinkAddress;
    }
  /** The link layer expects a handoff to that access point soon: of this node, or of that station of its own (RFC 4140 Appendix A). */
  | {
      readonly kind: 'handoffExpected';
      readonly link: LinkId;
      readonly accessPoint: LinkAddress;
      readonly station?: LinkAddress;
    }
  /** What became of an address that the node's stack formed on a host link. */
  | { readonly kind: 'address'; readonly link: LinkId; readonly address: Address; readonly state: AddressState }
  /** A router of a host link, or of a monitored one, advertised itself; without an advertisement: it does not answer any more (RFC 4861 §7.3). */
  | {
      readonly kind: 'router';
      readonly link: LinkId;
      readonly router: Address;
      readonly advertisement?: RouterAdvertisement;
    }
  /** Whether `proxy` found the address free, and so has it now. */
  | { readonly kind: 'proxied'; readonly link: LinkId; readonly address: Address; readonly unique: boolean }
  /** The answer to `authenticate`. */
  | { readonly kind: 'profile'; readonly transaction: number; readonly outcome: AccessOutcome }
  /** The first packet of a flow to a watched prefix, and the tunnel by which it came to this node, if by one. */
  | {
      readonly kind: 'flow';
      readonly source: Address;
      readonly destination: Address;
      readonly via?: { readonly local: Address; readonly remote: Address };
    }
  /** What was stored before a restart, before anything else arrives. */
  | { readonly kind: 'restored'; readonly records: Iterable<StoredRecord> }
  | { readonly kind: 'command'; readonly command: OperatorCommand };

/** RFC 4862 §5.4, §5.5.4; `optimistic`: RFC 4429. `gone` for one that was taken away. */
export type AddressState = 'tentative' | 'optimistic' | 'preferred' | 'deprecated' | 'duplicate' | 'gone';

/** How a station came: RFC 5213 §8.4. */
export type Handoff = 'newInterface' | 'betweenInterfaces' | 'betweenGateways' | 'unknown';

/** The security association that protected a packet, by the name of its configuration. */
export type AssociationId = string;

export interface StoredRecord {
  readonly key: string;
  /** JSON. */
  readonly value: unknown;
}

export type OperatorCommand =
  /** Take a mobile's state away, telling those who hold it. */
  | { readonly name: 'release'; readonly identity: string }
  /** Take a mobile to another anchor, of whose prefix it gets an address (draft-singh §4.4). */
  | { readonly name: 'reanchor'; readonly identity: string; readonly anchor: Address; readonly prefix?: Prefix }
  /** Have a mobile registered by another PMIP client from now on (draft-singh appendix E.1). */
  | { readonly name: 'relocate'; readonly identity: string; readonly client: Address }
  /** What is advertised of a MAP (RFC 4140 §7.1.1, §10): its preference, 0 to 15, or the configured one again. */
  | { readonly name: 'prefer'; readonly map: Address; readonly preference: number | undefined }
  /** Advertise a MAP with a lifetime of zero, until `restore` (RFC 4140 §10). */
  | { readonly name: 'withdraw'; readonly map: Address }
  | { readonly name: 'restore'; readonly map: Address }
  /** The node is going down: say what peers should know. */
  | { readonly name: 'shutdown' };

export type Output =
  /**
   * Send; through `link` to `neighbour` where they are given (the stack resolves neither then), else as routes say.
   * `association` protects it where the destination does not tell which one does. `relayed`: somebody else's, who has protected
   * it; it goes on as it came, and where its destination says: rules by source alone are not for it.
   */
  | {
      readonly kind: 'send';
      readonly packet: Packet;
      readonly link?: LinkId;
      readonly neighbour?: LinkAddress;
      readonly association?: AssociationId;
      readonly relayed?: true;
    }
  /** Send a whole message to a peer: an association is made where there is none. */
  | {
      readonly kind: 'message';
      readonly service: MessageService;
      readonly peer: Address;
      readonly data: Uint8Array;
    }
  /** Add a rule, or replace the one with the same `to`, `from` and `intercepts`. */
  | { readonly kind: 'forward'; readonly rule: ForwardingRule }
  | { readonly kind: 'unforward'; readonly to?: Prefix; readonly from?: Prefix; readonly intercepts?: true }
  /**
   * Accept packets from `remote` that are tunnelled, or carry a Home Address option, whose inner source lies in `from`, or
   * whose inner destination lies in `to`. Others are dropped (RFC 6275 §9.3.1, §10.4.5, RFC 5213 §6.10.3). With `hold` what
   * comes is kept, up to so many octets, until the end is admitted without, and then goes on in order; Linux does not hold.
   * `intercepted`: an anchor has intercepted what comes: it goes by the rule that names its destination and does not intercept, or is
   * dropped where there is none (draft-chan §4.4, last rule); no rule by source alone and no route is for it.
   */
  | {
      readonly kind: 'admit';
      readonly end: TunnelEnd;
      readonly hold?: { readonly limitOctets: number };
      readonly intercepted?: true;
    }
  | { readonly kind: 'unadmit'; readonly end: TunnelEnd }
  /**
   * Take a home address as the node's own: on no link, or on `link`, and tell all neighbours there if `announce` says so
   * (RFC 6275 §11.5.5). Nothing is probed. It is the first choice for a source (RFC 6724 rule 4), or only for
   * destinations in `sourceFor` where that is given (RFC 4140 §6.5).
   */
  | {
      readonly kind: 'configure';
      readonly address: Address;
      readonly link?: LinkId;
      readonly announce?: boolean;
      readonly sourceFor?: readonly Prefix[];
    }
  | { readonly kind: 'unconfigure'; readonly address: Address }
  /** Stand in for an address on a link: Duplicate Address Detection if asked for, then Neighbour Advertisements (RFC 6275 §10.4.1); `proxied` answers. */
  | { readonly kind: 'proxy'; readonly link: LinkId; readonly address: Address; readonly detect: boolean }
  | { readonly kind: 'unproxy'; readonly link: LinkId; readonly address: Address }
  /**
   * Report flows to that prefix as they begin, the node's own included; asked again, all of them anew. A flow is what goes from
   * one address to another, or with `each: 'destination'` what goes to one address and came by the same tunnel, or by none. It
   * is reported again with the first packet after `againAfter`.
   */
  | {
      readonly kind: 'watch';
      readonly to: Prefix;
      readonly each?: 'flow' | 'destination';
      readonly againAfter?: Duration;
    }
  | { readonly kind: 'unwatch'; readonly to: Prefix }
  /** Tell the network's routing that packets to that prefix may come here: to the nearest of all who announce it, anycast (draft-chan §4.2). */
  | { readonly kind: 'announce'; readonly prefix: Prefix }
  | { readonly kind: 'unannounce'; readonly prefix: Prefix }
  /** Ask the AAA port who that is, by its link-layer address where the asker sees it, by the identity it gave, or by both; `profile` answers. */
  | {
      readonly kind: 'authenticate';
      readonly transaction: number;
      readonly link?: LinkId;
      readonly station?: LinkAddress;
      readonly identity?: string;
    }
  /** Keep across restarts; without a value: forget. Done before what follows it. */
  | { readonly kind: 'store'; readonly key: string; readonly value?: unknown }
  | { readonly kind: 'trace'; readonly event: TraceEvent };

export type Via =
  /**
   * IPv6 in IPv6, or in IPv4 where both ends are IPv4-mapped. With `exceptMobility` Mobility Headers that others sent go to
   * the engine instead, which protects them its own way (RFC 6275 §5.2.5).
   */
  | {
      readonly kind: 'tunnel';
      readonly local: Address;
      readonly remote: Address;
      readonly exceptMobility?: boolean;
    }
  /** To the neighbour, or to whom Neighbour Discovery finds for `router`, or else for the destination. */
  | { readonly kind: 'link'; readonly link: LinkId; readonly neighbour?: LinkAddress; readonly router?: Address }
  /** RFC 6275 §6.3, §6.4: from a care-of address with a Home Address option, to a care-of address through a type 2 routing header, or both. */
  | { readonly kind: 'routeOptimised'; readonly sourceCareOf?: Address; readonly destinationCareOf?: Address }
  /** Keep up to `limitOctets` until the rule is replaced, then send on what was kept, in order. */
  | { readonly kind: 'park'; readonly limitOctets: number }
  | { readonly kind: 'drop' };

/**
 * Packets to `to` and from `from` (at least one is given) go that way. The longest `to` wins, then the longest `from`, and a
 * prefix that is not given is the shortest. But for packets that arrive over an access link any rule with a `from` comes before
 * all without: what a mobile sends goes to its anchor even where its correspondent is at the same gateway (gundavelli §7.3;
 * RFC 5213 §6.10.3 with EnableMAGLocalRouting 0), and what comes from the anchor, by `to`, to the mobile.
 */
export interface ForwardingRule {
  readonly to?: Prefix;
  readonly from?: Prefix;
  readonly via: Via;
  /** A second copy goes this way: bicasting. */
  readonly copy?: Via;
  /**
   * Of a rule by source alone: it is for what came over these links, out of a tunnel, or is the node's own, and not for what passes
   * the node on its way from somewhere else. Absent: for all.
   */
  readonly over?: readonly LinkId[];
  /**
   * Only for packets that no other anchor has intercepted (`admit` says which those are): the first on their way sends them to
   * one that knows more (draft-chan §2.1). Such a rule has a `to`, and comes before one with the same prefixes that takes all.
   */
  readonly intercepts?: true;
}

/** An anchor knows its mobiles by what they send, a gateway by what is for them. */
export type TunnelEnd = { readonly local: Address; readonly remote: Address } & (
  | { readonly from: Prefix; readonly to?: undefined; readonly by?: 'tunnel' | undefined }
  | { readonly to: Prefix; readonly from?: undefined; readonly by?: 'tunnel' | undefined }
  /** What comes with the home address in a Home Address option. */
  | { readonly from: Prefix; readonly to?: undefined; readonly by: 'homeAddressOption' }
  /**
   * What the mobile at `remote` tunnels to be sent on from `local` itself, a care-of address that it shares with others, with
   * its home address in a Home Address option (draft-dommety §3.1).
   */
  | { readonly from: Prefix; readonly to?: undefined; readonly by: 'sharedCareOf' }
  /**
   * What comes to `local`, from whomever (`remote` is unspecified), through a type 2 routing header for an address in `to`: it goes
   * on to that address, and the header, used up, shows `local` (draft-dommety §3.1, §3.2.1).
   */
  | { readonly to: Prefix; readonly from?: undefined; readonly by: 'routingHeader' }
);

/** What the AAA port says of a station that asks for access. */
export type AccessOutcome =
  | { readonly kind: 'accepted'; readonly profile: Profile }
  | { readonly kind: 'rejected'; readonly reason: string };

/** What a domain knows of a mobile (gundavelli §6, §7; RFC 5213 §4.2). */
export interface Profile {
  /** NAI. */
  readonly identity: string;
  /** The anchor's address for signalling and tunnels; undefined: the gateway's own nearest. */
  readonly anchor?: Address;
  /** Link-layer address the anchor is shown with on access links. */
  readonly anchorLinkAddress?: LinkAddress;
  /** The mobile's prefix: LNP or HNP. */
  readonly prefix?: Prefix;
  /** The mobile's address: LoA. */
  readonly address?: Address;
  /** The one of IPv4 that it has besides, in its IPv4-mapped form (draft-singh appendix E.2). */
  readonly ipv4Address?: Address;
  /** The default gateway, where it is not the anchor. */
  readonly gateway?: Address;
  readonly dhcpServer?: Address;
  /** Ways the mobile may get an address. */
  readonly addressing: readonly AddressingMode[];
  /** Whether RFC 5213 service is offered at all. */
  readonly proxyRegistration?: boolean;
}
export type AddressingMode = 'slaac' | 'dhcpv6' | 'manual';
