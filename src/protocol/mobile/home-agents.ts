import { type Address, isRoutableUnicast } from '../../base/address.js';
import type { Prefix } from '../../base/prefix.js';
import type { Random } from '../../base/random.js';
import { type Instant, second } from '../../base/time.js';
import type { Icmpv6MessageOf } from '../../wire/icmpv6/messages.js';
import { defaultHopLimit } from '../../wire/ipv6/packet.js';
import type { Output } from '../contract.js';
import { BackOff } from './back-off.js';
import { homeAgentsAnycast } from './home-agents-anycast.js';

export interface HomeAgentsSettings {
  /** Undefined: to be found. */
  readonly homeAgent?: Address | undefined;
  readonly homePrefix: Prefix;
  /** Whether home agents are asked for, where none is known or none serves (RFC 6275 §11.4.1). */
  readonly homeAgentDiscovery: boolean;
  /** Whether there is a security association with that home agent, or none is wanted. */
  readonly trusts: (homeAgent: Address) => boolean;
}

/** INITIAL_DHAAD_TIMEOUT and DHAAD_RETRIES of RFC 6275 §12. */
const initialTimeout = 3 * second;
const retries = 4;
/** After requests that nobody answered, or answers that helped nobody. */
const pause = 60 * second;

/** The home agents a mobile node may register with, and how it finds more (RFC 6275 §11.4.1). */
export class HomeAgents {
  readonly #settings: HomeAgentsSettings;
  readonly #random: Random;
  readonly #backOff = new BackOff();
  /** In the order to try them; the first is the present one. */
  #candidates: readonly Address[];
  /** The request whose answer counts. */
  #identifier: number | undefined;
  #notBefore: Instant = 0;

  constructor(settings: HomeAgentsSettings, random: Random) {
    this.#settings = settings;
    this.#random = random;
    this.#candidates = settings.homeAgent === undefined ? [] : [settings.homeAgent];
  }

  get deadline(): Instant | undefined {
    return this.#backOff.deadline;
  }

  /** Undefined: none is known. */
  get current(): Address | undefined {
    return this.#candidates[0];
  }

  /** The present one does not serve: the next, in the order they were told, or one to be asked for. */
  failed(now: Instant): void {
    const [failed, ...others] = this.#candidates;
    const { homeAgentDiscovery, homeAgent } = this.#settings;
    if (failed === undefined) return;
    if (others.length > 0 || homeAgentDiscovery) this.#candidates = others;
    // Nobody who knows better answered last time: not at once again.
    if (others.length === 0 && failed !== homeAgent) this.#notBefore = now + pause;
  }

  /** Asks, from a care-of address, where none is known. */
  follow(careOf: Address | undefined, now: Instant, outputs: Output[]): void {
    if (this.current !== undefined || careOf === undefined) return this.#stop();
    if (this.#backOff.deadline !== undefined) return;
    if (now < this.#notBefore) return this.#backOff.hold(this.#notBefore);
    this.#identifier = this.#random.uint32() & 0xffff;
    this.#backOff.start(initialTimeout, now);
    this.#ask(careOf, outputs);
  }

  tick(careOf: Address | undefined, now: Instant, outputs: Output[]): void {
    if (!this.#backOff.isDue(now)) return;
    if (this.#identifier === undefined || careOf === undefined) return this.#backOff.stop();
    if (this.#backOff.sent > retries) return this.#resign(now);
    this.#backOff.again(now);
    this.#ask(careOf, outputs);
  }

  /** Whether it answers the request. */
  replied({ identifier, homeAgents }: Icmpv6MessageOf<'homeAgentDiscoveryReply'>, now: Instant): boolean {
    if (this.#identifier === undefined || identifier !== this.#identifier) return false;
    this.#candidates = homeAgents.filter(address => isRoutableUnicast(address) && this.#settings.trusts(address));
    if (this.#candidates.length > 0) this.#stop();
    else this.#resign(now);
    return true;
  }

  /** Nobody helps: for a while it is what the configuration says, or nobody. */
  #resign(now: Instant): void {
    const { homeAgent } = this.#settings;
    this.#candidates = homeAgent === undefined ? [] : [homeAgent];
    this.#notBefore = now + pause;
    this.#stop();
  }

  #stop(): void {
    this.#identifier = undefined;
    this.#backOff.stop();
  }

  #ask(careOf: Address, outputs: Output[]): void {
    const message = { kind: 'homeAgentDiscoveryRequest', code: 0, identifier: this.#identifier as number } as const;
    const destination = homeAgentsAnycast(this.#settings.homePrefix);
    const payload = { kind: 'icmpv6', message } as const;
    outputs.push({ kind: 'send', packet: { source: careOf, destination, hopLimit: defaultHopLimit, payload } });
  }
}
