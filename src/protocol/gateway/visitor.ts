import type { Address } from '../../base/address.js';
import { formatLinkAddress, type LinkAddress } from '../../base/link-address.js';
import type { Prefix } from '../../base/prefix.js';
import { SetsByKey } from '../../base/sets-by-key.js';
import type { Instant } from '../../base/time.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import type { AddressingMode, Handoff, LinkId, Profile } from '../contract.js';
import type { State } from './transitions.js';

/** One attached station (gundavelli §7.1, RFC 5213 §6.1). */
export interface Visitor {
  /** Names its timers; never used twice. */
  readonly id: number;
  readonly link: LinkId;
  /** Its MAC address. */
  readonly station: LinkAddress;
  /** What it keeps from an anchor it had before (draft-singh §4.4): the station's own entry is another one. */
  readonly former: boolean;
  state: State;
  accessTechnology: number;
  handoff: Handoff;
  /** Where it came from, if it said so. */
  previousAccessPoint: LinkAddress | undefined;
  /** What the link layer said, before AAA did. */
  claimedIdentity: string | undefined;
  /** Of the outstanding `authenticate`. */
  transaction: number | undefined;
  profile: Profile | undefined;
  /** NAI, from AAA. */
  identity: string | undefined;
  /** Who sends its Binding Updates, where that is not the gateway (draft-singh §4.1-3). */
  pmipClient: Address | undefined;
  /** Tunnel destination: the destination address of its Binding Updates. */
  anchor: Address | undefined;
  /** LNP or HNP, from AAA or anchor. */
  prefix: Prefix | undefined;
  /** LoAs as the anchor has them, the first one first. */
  addresses: readonly Address[];
  /** As the anchor has it, in its IPv4-mapped form. */
  ipv4Address: Address | undefined;
  /** An address it showed that the anchor has not agreed to yet. */
  candidate: Candidate | undefined;
  /** Until then no address of it is registered: one has just been refused. */
  learnsAfter: Instant;
  /** By DHCPv6, of which the server has not said yet that it has them. */
  givenBack: GivenBack | undefined;
  /** Its own address on the link, as far as it has been heard. */
  linkLocal: Address | undefined;
  /** Last Sequence Number sent for it; its low 16 bits were on the wire. */
  sequence: number | undefined;
  request: Request | undefined;
  /** Granted. */
  lifetimeS: number | undefined;
  expiresAt: Instant | undefined;
  /** What the world was told to forward for it. */
  served: Served | undefined;
  /** What the world keeps while it is being registered: packets from those prefixes and, through that anchor's tunnel, to them. */
  parked: Parked | undefined;
  /** It took this gateway for its router. */
  advertised: boolean;
  /** Probes sent since it last spoke; undefined: none is out. */
  probes: number | undefined;
  /** Another gateway has registered it since: it is again if it turns out to be here. */
  contested: boolean;
  /** Source of a Router Solicitation not answered yet. */
  solicitor: Address | undefined;
  /** What else it asked before there was anything to say. */
  readonly waiting: Packet[];
}

/** A Binding Update without an answer. */
export interface Request {
  readonly purpose: Purpose;
  /** Of its first transmission; later ones count up. */
  readonly firstSequence: number;
  /** Of the last. */
  sentAt: Instant;
  transmissions: number;
  /** It repeats one that was refused. */
  insisted: boolean;
  /** Status of a refusal that may be of a copy, and why. */
  refusal: string | undefined;
}

/** `confirm` asks for what the anchor knows, `register` says what the gateway knows. */
export type Purpose = 'confirm' | 'register' | 'refresh' | 'deregister';

export interface Candidate {
  readonly address: Address;
  /** `manual` also for what only a packet showed. */
  readonly learnt: AddressingMode;
}

export interface GivenBack {
  readonly transaction: number;
  readonly addresses: readonly Address[];
}

export interface Served {
  /** LoA/128, or HNP. */
  readonly prefixes: readonly Prefix[];
  readonly anchor: Address;
}

export interface Parked {
  readonly prefixes: readonly Prefix[];
  readonly anchor: Address | undefined;
}

/** One entry an attached station; found by station, by NAI and by its addresses. */
export class VisitorList {
  #byId = new Map<number, Visitor>();
  #byStation = new Map<string, Visitor>();
  readonly #formers = new SetsByKey<string, Visitor>();
  readonly #byIdentity = new SetsByKey<string, Visitor>();
  #byAddress = new Map<Address, Visitor>();
  readonly #byLinkLocal = new SetsByKey<string, Visitor>();
  #nextId = 1;

  get size(): number {
    return this.#byId.size;
  }

  [Symbol.iterator](): Iterator<Visitor> {
    return this.#byId.values();
  }

  add(link: LinkId, station: LinkAddress): Visitor {
    const visitor = newVisitor(this.#nextId++, link, station);
    this.#byId.set(visitor.id, visitor);
    this.#byStation.set(stationKey(link, station), visitor);
    return visitor;
  }

  /** Another entry for the station, of what it had before. */
  addFormer(link: LinkId, station: LinkAddress): Visitor {
    const visitor = newVisitor(this.#nextId++, link, station, true);
    this.#byId.set(visitor.id, visitor);
    this.#formers.add(stationKey(link, station), visitor);
    return visitor;
  }

  /** What a station keeps from before. */
  formersOf({ link, station }: Pick<Visitor, 'link' | 'station'>): ReadonlySet<Visitor> {
    return this.#formers.of(stationKey(link, station));
  }

  remove(visitor: Visitor): void {
    this.identify(visitor, undefined);
    this.setAddresses(visitor, []);
    this.setLinkLocal(visitor, undefined);
    this.#byId.delete(visitor.id);
    const key = stationKey(visitor.link, visitor.station);
    if (visitor.former) this.#formers.delete(key, visitor);
    else this.#byStation.delete(key);
  }

  byId(id: number): Visitor | undefined {
    return this.#byId.get(id);
  }

  byStation(link: LinkId, station: LinkAddress): Visitor | undefined {
    return this.#byStation.get(stationKey(link, station));
  }

  /** By {@link stationKey}. */
  byKey(key: string): Visitor | undefined {
    return this.#byStation.get(key);
  }

  byIdentity(identity: string): Iterable<Visitor> {
    return this.#byIdentity.of(identity);
  }

  /** Whose local address that is. */
  byAddress(address: Address): Visitor | undefined {
    return this.#byAddress.get(address);
  }

  identify(visitor: Visitor, identity: string | undefined): void {
    if (visitor.identity === identity) return;
    if (visitor.identity !== undefined) this.#byIdentity.delete(visitor.identity, visitor);
    visitor.identity = identity;
    if (identity !== undefined) this.#byIdentity.add(identity, visitor);
  }

  /** Who on that link says that it has that link-local address. */
  byLinkLocal(link: LinkId, address: Address): Iterable<Visitor> {
    return this.#byLinkLocal.of(linkLocalKey(link, address));
  }

  setLinkLocal(visitor: Visitor, address: Address | undefined): void {
    const { link, linkLocal } = visitor;
    if (linkLocal !== undefined) this.#byLinkLocal.delete(linkLocalKey(link, linkLocal), visitor);
    visitor.linkLocal = address;
    if (address !== undefined) this.#byLinkLocal.add(linkLocalKey(link, address), visitor);
  }

  setAddresses(visitor: Visitor, addresses: readonly Address[]): void {
    for (const address of visitor.addresses)
      if (this.#byAddress.get(address) === visitor) this.#byAddress.delete(address);
    visitor.addresses = addresses;
    for (const address of addresses) this.#byAddress.set(address, visitor);
  }
}

/** A Map key: an address is code units of its own, and always as many. */
function linkLocalKey(link: LinkId, address: Address): string {
  return address + link;
}

function newVisitor(id: number, link: LinkId, station: LinkAddress, former = false): Visitor {
  return {
    id,
    link,
    station,
    former,
    state: 'authenticating',
    accessTechnology: 0,
    handoff: 'unknown',
    previousAccessPoint: undefined,
    claimedIdentity: undefined,
    transaction: undefined,
    profile: undefined,
    identity: undefined,
    pmipClient: undefined,
    anchor: undefined,
    prefix: undefined,
    addresses: [],
    ipv4Address: undefined,
    candidate: undefined,
    learnsAfter: 0,
    givenBack: undefined,
    linkLocal: undefined,
    sequence: undefined,
    request: undefined,
    lifetimeS: undefined,
    expiresAt: undefined,
    served: undefined,
    parked: undefined,
    advertised: false,
    probes: undefined,
    contested: false,
    solicitor: undefined,
    waiting: [],
  };
}

/** A station on a link: a Map key, and the Interface-ID that a DHCPv6 server sends back. */
export function stationKey(link: LinkId, station: LinkAddress): string {
  return `${link}/${formatLinkAddress(station)}`;
}
