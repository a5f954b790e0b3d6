import { type Address, allNodes, unspecified } from '../../base/address.js';
import { Deadlines } from '../../base/deadlines.js';
import type { LinkAddress } from '../../base/link-address.js';
import { type Random, uniform } from '../../base/random.js';
import { type Instant, milliseconds } from '../../base/time.js';
import type { NeighbourOption } from '../../wire/icmpv6/neighbour-options.js';
import type { Input, Output } from '../contract.js';
import { advertisement, advertisementPacket, finalAdvertisement } from './advertisement.js';
import type { AdvertisedLink } from './config.js';

/** RFC 4861 §10. */
const maximumInitialIntervalMs = 16_000;
const maximumInitialAdvertisements = 3;
const minimumDelayBetweenMs = 3000;
/** What strangers can make a router owe them. */
const maximumAnswers = 1000;

/** What an advertisement tells beside the link's own parameters. */
export type More = (now: Instant) => readonly NeighbourOption[];

interface Answer {
  readonly to: Address;
  readonly neighbour: LinkAddress | undefined;
}

/** Where the node is on the link. */
interface Place {
  readonly linkAddress: LinkAddress;
  readonly linkLocal: Address;
}

/** When a router advertises on one link (RFC 4861 §6.2.4 to §6.2.6). */
export class AdvertisingLink {
  readonly link: AdvertisedLink;
  sent = 0;
  #place: Place | undefined;
  readonly #random: Random;
  readonly #more: More;
  /** The next one for all, and answers to single stations. */
  readonly #timers = new Deadlines<'all' | Answer>();
  readonly #spacing: number;
  #initial = 0;
  #lastForAll: Instant = Number.NEGATIVE_INFINITY;

  constructor(link: AdvertisedLink, random: Random, more: More) {
    this.link = link;
    this.#random = random;
    this.#more = more;
    this.#spacing = milliseconds(link.minimumSpacingMs ?? Math.min(minimumDelayBetweenMs, link.intervalMs.min));
  }

  get deadline(): Instant | undefined {
    return this.#timers.next;
  }

  get up(): boolean {
    return this.#place !== undefined;
  }

  /** The link comes up, so that this interface begins to advertise, or goes down. */
  changed({ up, linkAddress, linkLocal }: Extract<Input, { kind: 'link' }>, now: Instant, outputs: Output[]): void {
    if (!up || linkLocal === undefined) {
      this.#place = undefined;
      for (const _ of this.#timers.takeDue(Number.POSITIVE_INFINITY));
      return;
    }
    const began = this.#place === undefined;
    this.#place = { linkAddress, linkLocal };
    if (!began) return;
    this.#initial = maximumInitialAdvertisements;
    this.#forAll(now, outputs);
  }

  /** RFC 4861 §6.2.6. */
  solicited(to: Address, neighbour: LinkAddress | undefined, now: Instant, outputs: Output[]): void {
    if (!this.#place) return;
    const { unicast, maximumDelayMs } = this.link.solicited;
    const delay = Math.round(uniform(this.#random, 0, milliseconds(maximumDelayMs)));
    if (!unicast) return this.#noLaterThan(now + delay, now, outputs);
    const answer = { to: to === unspecified ? allNodes : to, neighbour };
    if (delay === 0) this.#send(answer, now, outputs);
    else if (this.#timers.size < maximumAnswers) this.#timers.set(answer, now + delay);
  }

  /** A station that the link layer tells of need not ask. */
  attached(station: LinkAddress, now: Instant, outputs: Output[]): void {
    if (this.#place && this.link.onAttachment) this.#send({ to: allNodes, neighbour: station }, now, outputs);
  }

  /** What it tells has changed: RFC 4861 §6.2.4 lets it say so like an interface that begins to advertise. */
  news(now: Instant, outputs: Output[]): void {
    if (!this.#place) return;
    this.#initial = maximumInitialAdvertisements;
    this.#noLaterThan(now, now, outputs);
  }

  tick(now: Instant, outputs: Output[]): void {
    for (const due of this.#timers.takeDue(now)) {
      if (due === 'all') this.#forAll(now, outputs);
      else this.#send(due, now, outputs);
    }
  }

  /** RFC 4861 §6.2.5, with what is to be said of MAPs at the end. */
  cease(farewell: readonly NeighbourOption[], outputs: Output[]): void {
    if (!this.#place) return;
    const { linkAddress } = this.#place;
    for (const to of this.#audience())
      this.#give(to, undefined, finalAdvertisement(this.link, linkAddress, farewell), outputs);
    this.#place = undefined;
    for (const _ of this.#timers.takeDue(Number.POSITIVE_INFINITY));
  }

  /** For all at `at`, or as soon after it as MIN_DELAY_BETWEEN_RAS lets it. */
  #noLaterThan(at: Instant, now: Instant, outputs: Output[]): void {
    const allowed = Math.max(at, this.#lastForAll + this.#spacing);
    if (allowed <= now) return this.#forAll(now, outputs);
    const due = this.#timers.get('all');
    if (due === undefined || allowed < due) this.#timers.set('all', allowed);
  }

  #forAll(now: Instant, outputs: Output[]): void {
    this.#lastForAll = now;
    for (const to of this.#audience()) this.#send({ to, neighbour: undefined }, now, outputs);
    const { min, max } = this.link.intervalMs;
    const intervalMs = uniform(this.#random, min, max);
    this.#initial = Math.max(0, this.#initial - 1);
    const shortened = this.#initial > 0 ? Math.min(intervalMs, maximumInitialIntervalMs) : intervalMs;
    this.#timers.set('all', now + Math.max(1, milliseconds(shortened)));
  }

  #audience(): readonly Address[] {
    return this.link.routers.length > 0 ? this.link.routers : [allNodes];
  }

  #send({ to, neighbour }: Answer, now: Instant, outputs: Output[]): void {
    if (this.#place)
      this.#give(to, neighbour, advertisement(this.link, this.#place.linkAddress, this.#more(now)), outputs);
  }

  #give(
    to: Address,
    neighbour: LinkAddress | undefined,
    message: ReturnType<typeof advertisement>,
    outputs: Output[],
  ): void {
    if (!this.#place) return;
    this.sent++;
    const packet = advertisementPacket(this.#place.linkLocal, to, message);
    outputs.push({ kind: 'send', link: this.link.name, packet, ...(neighbour !== undefined && { neighbour }) });
  }
}
