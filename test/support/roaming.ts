import { formatPrefix } from '../../src/base/prefix.js';
import { seconds } from '../../src/base/time.js';
import type { BindingAcknowledgement } from '../../src/wire/mobility/messages.js';
import { findOption } from '../../src/wire/mobility/options.js';
import { handoffIndicator } from '../../src/wire/mobility/status.js';
import { type Carried, type DlmaDomain, linkOf, revocationAnswer } from './dlma-domain.js';

export interface Site {
  readonly mag: string;
  readonly lma: string;
}

/** How long a registration lasts, and how soon a gateway begins anew after a refusal. */
const lifetimeS = 40;
const retryS = 2;

/** A mobile, and what gateways do for it (RFC 5213 §6.9): they repeat, refresh, and let go. */
export class Roamer {
  readonly identity: string;
  readonly interface: string;
  site: Site | undefined;
  /** What its gateway was granted; undefined: nothing yet. */
  homes: readonly string[] | undefined;
  registered = false;
  /** How often a gateway was told that the mobile it has is gone. */
  revokedHere = 0;
  readonly #domain: DlmaDomain;
  readonly #wish: readonly string[] | undefined;
  /** Counts what it began: what is older is over. */
  #turn = 0;
  #handoff: number = handoffIndicator.newInterface;

  /** `wish`: what its profile says that its home is. */
  constructor(domain: DlmaDomain, identity: string, link: string, wish?: readonly string[]) {
    this.#domain = domain;
    this.identity = identity;
    this.interface = link;
    this.#wish = wish;
  }

  attach(site: Site): void {
    this.site = site;
    this.#register();
  }

  /** `noticed`: its gateway says so. */
  detach(noticed: boolean): void {
    const { site } = this;
    this.#turn++;
    if (noticed && site) this.#update(site, { lifetimeS: 0, handoff: handoffIndicator.unknown });
    this.site = undefined;
    this.registered = false;
  }

  /** Something has arrived at a gateway that may be about this mobile. */
  hear({ to: mag, from: lma, packet }: Carried): void {
    const { payload } = packet;
    if (payload.kind !== 'mobility') return;
    const { message } = payload;
    if (message.kind === 'bindingAcknowledgement' && mag === this.site?.mag) this.#acknowledged(message);
    if (message.kind !== 'bindingRevocationIndication') return;
    const prefixes = message.options.flatMap(o => (o.kind === 'homeNetworkPrefix' ? [formatPrefix(o)] : []));
    if (findOption(message.options, 'mobileNodeIdentifier')?.identifier !== this.identity) return;
    if (!prefixes.every(prefix => this.homes?.includes(prefix))) return;
    const isHere = mag === this.site?.mag && lma === this.site.lma;
    // RFC 5846 §9.1: a gateway that is registering it knows better.
    this.#domain.send(revocationAnswer({ mag, message }, lma, isHere && !this.registered ? 132 : 0));
    if (!isHere || !this.registered) return;
    this.revokedHere++;
    this.registered = false;
    this.#later(retryS, () => this.#register());
  }

  #register(): void {
    this.registered = false;
    this.#handoff = this.homes ? handoffIndicator.betweenGateways : handoffIndicator.newInterface;
    this.#repeat(++this.#turn, 1);
  }

  #repeat(turn: number, waitS: number): void {
    if (turn !== this.#turn || !this.site) return;
    this.#update(this.site, { lifetimeS, handoff: this.#handoff });
    this.#domain.after(seconds(waitS), () => this.#repeat(turn, Math.min(32, 2 * waitS)));
  }

  #update(site: Site, how: { readonly lifetimeS: number; readonly handoff: number }): void {
    const { identity, interface: link } = this;
    this.#domain.update({ ...site, identity, interface: link, homes: this.homes ?? this.#wish, ...how });
  }

  #acknowledged({ status, options }: BindingAcknowledgement): void {
    if (findOption(options, 'mobileNodeIdentifier')?.identifier !== this.identity) return;
    if (findOption(options, 'mobileNodeLinkLayerIdentifier')?.identifier !== linkOf(this.interface)) return;
    if (findOption(options, 'handoffIndicator')?.indicator !== this.#handoff) return;
    const turn = ++this.#turn;
    if (status >= 128) {
      this.#later(retryS, () => this.#register());
      return;
    }
    this.registered = true;
    this.homes = options.flatMap(o => (o.kind === 'homeNetworkPrefix' ? [formatPrefix(o)] : []));
    this.#domain.after(seconds(lifetimeS / 2), () => {
      if (turn !== this.#turn) return;
      this.#handoff = handoffIndicator.noChange;
      this.#repeat(++this.#turn, 1);
    });
  }

  #later(s: number, act: () => void): void {
    const turn = ++this.#turn;
    this.#domain.after(seconds(s), () => {
      if (turn === this.#turn && this.site) act();
    });
  }
}
