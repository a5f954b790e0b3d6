import type { Address } from '../../base/address.js';
import { aggregate } from '../../base/aggregate.js';
import { Deadlines } from '../../base/deadlines.js';
import { invariant } from '../../base/errors.js';
import { type Prefix, prefixCovers, prefixOf } from '../../base/prefix.js';
import { earliest, type Instant, second, seconds } from '../../base/time.js';
import { protocol } from '../../wire/ipv6/packet.js';
import { findOption } from '../../wire/mobility/options.js';
import { handoffIndicator } from '../../wire/mobility/status.js';
import type { Engine, Environment, Input, Interests, LinkId, Output } from '../contract.js';
import { mobilityPacket } from '../gateway/binding-updates.js';
import type { Turn } from '../gateway/lifecycle.js';
import { Overlay } from '../gateway/overlay.js';
import { noTransfers, type Transfers, type Visits } from '../gateway/transfers.js';
import type { Visitor } from '../gateway/visitor.js';
import type { BypassSettings } from './bypass-config.js';
import { readMessage, writeMessage } from './codec.js';
import { againAfter, Departed, type Departure, type Next } from './departed.js';
import { type BypassTimer, DirectPaths } from './direct-paths.js';
import type { Message } from './messages.js';

/** What a gateway's configuration says of it. */
export interface BypassingGateway {
  /** Of its messages, and its end of tunnels. */
  readonly address: Address;
  readonly accessLinks: readonly { readonly name: LinkId }[];
  readonly bypass: BypassSettings;
}

/**
 * A gateway that LMAs leave themselves out for (draft-chan §5.1.1 to §5.1.3, §5.4): any LMA may tunnel to it what is for its
 * visitors, and other gateways what theirs send them; its LMA says which of its visitors' packets go straight to which gateway.
 * `gateway` makes it, with the part that is told of its visitors.
 */
export function withBypass(
  config: BypassingGateway,
  environment: Environment,
  gateway: (transfers: (visits: Visits) => Transfers) => Engine,
): Engine {
  const made: { bypassing?: Bypassing } = {};
  const engine = gateway(visits => {
    made.bypassing = new Bypassing(config, environment, visits);
    return made.bypassing.transfers;
  });
  invariant(made.bypassing !== undefined, 'a gateway asks for its transfers once');
  return new BypassedGateway(engine, made.bypassing, config);
}

/** Gives each of the two its inputs, and puts together what they want of the world. */
class BypassedGateway implements Engine {
  readonly interests: Interests;
  readonly views: Engine['views'];
  readonly #gateway: Engine;
  readonly #bypassing: Bypassing;
  readonly #accessLinks: readonly LinkId[];
  readonly #overlay = new Overlay(0);
  #started = false;

  constructor(gateway: Engine, bypassing: Bypassing, { accessLinks }: BypassingGateway) {
    this.#gateway = gateway;
    this.#bypassing = bypassing;
    this.#accessLinks = accessLinks.map(({ name }) => name);
    const { interests } = gateway;
    this.interests = { ...interests, protocols: [...new Set([...interests.protocols, protocol.mobility])] };
    this.views = {
      ...gateway.views,
      bypasses: () => bypassing.paths.rows(),
      departed: () => bypassing.departed.rows(),
    };
  }

  get deadline(): Instant | undefined {
    return this.#started ? earliest(this.#gateway.deadline, this.#bypassing.timers.next) : 0;
  }

  get counters(): Engine['counters'] {
    return { ...this.#gateway.counters, ...this.#bypassing.counters };
  }

  handle(input: Input, now: Instant): Output[] {
    const turn: Turn = { now, outputs: [] };
    if (!this.#started) this.#bypassing.start(turn);
    this.#started = true;
    if (!this.#takes(input, turn)) {
      const outputs = this.#gateway.handle(input, now);
      turn.outputs.push(...outputs);
      for (const output of outputs) {
        this.#bypassing.asked(output, turn);
        this.#bypassing.uplink(output, turn);
      }
    }
    const others = this.#overlay.note(turn.outputs);
    const wanted = { rules: this.#bypassing.departed.rules, ends: new Map(), held: new Set<string>(), flushed: [] };
    return [...this.#overlay.settle(wanted), ...others];
  }

  /** Whether the input is not for the gateway. */
  #takes(input: Input, turn: Turn): boolean {
    switch (input.kind) {
      case 'tick':
        this.#bypassing.tick(turn);
        return false;
      case 'flow':
        this.#bypassing.flow(input, turn);
        return true;
      case 'packet': {
        const { packet, link } = input;
        if (packet.payload.kind !== 'mobility' || (link !== undefined && this.#accessLinks.includes(link)))
          return false;
        const message = readMessage(packet.payload.message);
        return message !== undefined && this.#bypassing.message(message, packet.source, turn);
      }
      default:
        return false;
    }
  }
}

/** The part that knows of tunnels which leave LMAs out. */
class Bypassing {
  readonly timers = new Deadlines<BypassTimer>();
  readonly paths: DirectPaths;
  readonly departed: Departed;
  readonly transfers: Transfers;
  readonly counters = {
    bypassesTaken: 0,
    bypassesRefused: 0,
    locationsSent: 0,
    locationsTaken: 0,
    locationsRefused: 0,
  };
  readonly #local: Address;
  readonly #settings: BypassSettings;
  readonly #environment: Environment;
  readonly #visits: Visits;
  /** When each came: what its LMA says of its going is older than that, or newer. */
  readonly #since = new Map<Visitor, number>();
  /** When those left that are off the link. */
  readonly #leftAt = new Map<Visitor, Instant>();
  #sequence = 0;

  constructor({ address, bypass }: BypassingGateway, environment: Environment, visits: Visits) {
    this.#local = address;
    this.#settings = bypass;
    this.#environment = environment;
    this.#visits = visits;
    this.paths = new DirectPaths(address, this.timers, seconds(bypass.idleS));
    this.departed = new Departed(address, this.timers, bypass.previousS);
    this.transfers = {
      ...noTransfers,
      attached: (visitor, turn) => this.#attached(visitor, turn),
      registered: (visitor, turn) => this.#registered(visitor, turn),
      left: (visitor, { now }) => this.#leftAt.set(visitor, now),
      removed: (visitor, turn) => this.#removed(visitor, turn),
    };
  }

  /** LMAs and gateways have intercepted what they bring. */
  start({ outputs }: Turn): void {
    const { domain, anchors, gateways, idleS } = this.#settings;
    const superset = aggregate(domain);
    const again = Math.min(againAfter, Math.ceil(seconds(idleS) / 2));
    for (const to of superset) {
      for (const remote of [...anchors, ...gateways])
        outputs.push({ kind: 'admit', end: { local: this.#local, remote, to }, intercepted: true });
      outputs.push({ kind: 'watch', to, each: 'destination', againAfter: again });
    }
  }

  tick(turn: Turn): void {
    for (const timer of this.timers.takeDue(turn.now)) {
      const [name, key] = split(timer);
      if (name === 'path') this.paths.due(key, turn.outputs);
      else this.departed.due(key, turn.outputs);
    }
  }

  // ---- visitors --------------------------------------------------------------------------------------------------

  /** From now on nothing leads away from here: it may be registered before this gateway hears so. */
  #attached(visitor: Visitor, turn: Turn): void {
    this.#since.set(visitor, this.#wallMs(turn.now));
    this.#leftAt.delete(visitor);
    this.departed.returned(visitor.station, turn.outputs);
  }

  #registered({ prefix }: Visitor, turn: Turn): void {
    if (prefix !== undefined) this.departed.end(prefix, turn.outputs);
  }

  /** Whoever is asked to register a visitor takes it to be here as of then, as this gateway says, and not where it was before. */
  asked(output: Output, turn: Turn): void {
    if (output.kind !== 'send' || output.packet.payload.kind !== 'mobility') return;
    const { message } = output.packet.payload;
    if (message.kind !== 'bindingUpdate' || message.lifetimeS === 0) return;
    const { options } = message;
    const station = findOption(options, 'mobileNodeLinkLayerIdentifier')?.identifier;
    const identity = findOption(options, 'mobileNodeIdentifier')?.identifier;
    const isRefresh = findOption(options, 'handoffIndicator')?.indicator === handoffIndicator.noChange;
    if (isRefresh || station === undefined || identity === undefined) return;
    const timestampMs = this.#wallMs(turn.now);
    for (const visitor of this.#visits.visitors.byIdentity(identity))
      if (visitor.station === station) this.#since.set(visitor, timestampMs);
    this.departed.outdate(station, timestampMs, turn.outputs);
  }

  /** What a visitor sends goes straight to other gateways only while it goes to the LMA that said so. */
  uplink(output: Output, { outputs }: Turn): void {
    if (output.kind === 'unforward' && output.from && !output.to) this.paths.endOf(output.from, undefined, outputs);
    if (output.kind !== 'forward') return;
    const { to, from, via } = output.rule;
    if (from && !to) this.paths.endOf(from, via.kind === 'tunnel' ? via.remote : undefined, outputs);
  }

  #removed(visitor: Visitor, turn: Turn): void {
    const sinceMs = this.#since.get(visitor) ?? 0;
    this.#since.delete(visitor);
    this.#leftAt.delete(visitor);
    const { prefix, anchor, station } = visitor;
    // What another visitor is served with is that one's.
    if (prefix === undefined || anchor === undefined || this.#visits.forwarding.servedWith(prefix)) return;
    this.departed.add({ home: prefix, station, anchor, sinceMs }, turn.now);
  }

  #wallMs(now: Instant): number {
    const { seconds, nanoseconds } = this.#environment.clock(now);
    return seconds * 1000 + Math.floor(nanoseconds / 1e6);
  }

  // ---- what others say -------------------------------------------------------------------------------------------

  /** Whether it was for a gateway that LMAs leave themselves out for. */
  message(message: Message, from: Address, turn: Turn): boolean {
    switch (message.kind) {
      case 'bypass':
        this.#bypass(message, from, turn);
        return true;
      case 'location':
        this.#location(message, from, turn);
        return true;
      default:
        return false;
    }
  }

  #bypass(message: Bypass, from: Address, turn: Turn): void {
    const { homes, source, gateway } = message;
    const mayTake = (home: Prefix) =>
      source ? this.#lead(source, home, message, from, turn) : this.#follow(home, message, from, turn);
    const taken = gateway === this.#local || this.#isPeer(gateway) ? homes.filter(mayTake) : [];
    if (taken.length > 0) this.counters.bypassesTaken++;
    else this.#refuse('bypassesRefused', from, 'a bypass that is not for this gateway to take', turn);
  }

  /** §5.4: what a visitor sends, by the word of the LMA that anchors it. */
  #lead(source: Prefix, home: Prefix, { gateway, timestampMs, lifetimeS }: Bypass, from: Address, turn: Turn): boolean {
    const visitor = this.#visits.forwarding.servedWith(source);
    if (visitor?.anchor !== from || !this.#settings.domain.some(prefix => prefixCovers(prefix, home))) return false;
    const until = turn.now + lifetimeS * second;
    if (until > turn.now && gateway !== this.#local)
      return this.paths.lead({ source, home, gateway, by: from, timestampMs, until }, turn.now, turn.outputs);
    this.paths.endOfPair(source, home, turn.outputs);
    return true;
  }

  /** §5.1.2, §5.1.3: where a visitor has gone, by the word of the LMA that anchored it here. */
  #follow(home: Prefix, { gateway, timestampMs, lifetimeS }: Bypass, from: Address, turn: Turn): boolean {
    const visitor = this.#visits.forwarding.servedWith(home);
    const departure = this.departed.get(home) ?? (visitor && departureOf(visitor, home, this.#since.get(visitor)));
    if (departure?.anchor !== from || gateway === this.#local) return false;
    // It came back since then, or this was overtaken by something newer.
    const came = (visitor && this.#since.get(visitor)) ?? departure.sinceMs;
    const since = Math.max(came, departure.next?.timestampMs ?? 0);
    if (since > timestampMs) return false;
    this.departed.follow(
      departure,
      { gateway, timestampMs, until: turn.now + lifetimeS * second },
      turn.now,
      turn.outputs,
    );
    return true;
  }

  /** From the gateway that something goes to: it knows better (§5.1.2). */
  #location({ homes, to, timestampMs, lifetimeS }: Location, from: Address, turn: Turn): void {
    const { kind, address: gateway } = to;
    const isKnown = kind === 'gateway' && (gateway === this.#local || this.#isPeer(gateway));
    const next = lifetimeS > 0 && gateway !== this.#local ? { gateway, timestampMs } : undefined;
    const taken = homes.filter(home => {
      const isLed = isKnown && this.paths.redirect(home, from, next, turn);
      return (isKnown && this.#onward(home, from, next)) || isLed;
    });
    // The LMA has said so before.
    if (taken.length === 0 && homes.every(home => this.paths.leadsTo(home, gateway))) return;
    if (taken.length > 0) this.counters.locationsTaken++;
    else this.#refuse('locationsRefused', from, 'a location from where nothing is led to', turn);
  }

  /** What has gone from here to that gateway has gone on. If it is not there, that gateway's answer from the LMA may still be on its way. */
  #onward(home: Prefix, from: Address, next: Omit<Next, 'until'> | undefined): boolean {
    const departure = this.departed.get(home);
    if (departure?.next?.gateway !== from) return false;
    if (next && next.timestampMs >= departure.next.timestampMs)
      this.departed.redirect(departure, { ...departure.next, ...next });
    return true;
  }

  /** What visitors send to a home keeps the paths there. Who brings what is for somebody that is not here is told where that one is, or that it is not here (§5.1.2). */
  flow({ destination, via }: Extract<Input, { kind: 'flow' }>, turn: Turn): void {
    const home = prefixOf(destination, this.#settings.homeLength);
    if (via === undefined) return this.paths.used(home, turn.now);
    const next = this.departed.get(home)?.next;
    const visitor = this.#visits.forwarding.servedWith(home);
    if (visitor && !next && !this.#hasStayedAway(visitor, turn.now)) return;
    const location: Location = {
      kind: 'location',
      sequence: this.#sequence++ & 0xffff,
      homes: [home],
      to: { kind: 'gateway', address: next?.gateway ?? this.#local },
      timestampMs: next?.timestampMs ?? 0,
      lifetimeS: next ? (next.until - turn.now) / second : 0,
      answered: false,
    };
    this.counters.locationsSent++;
    turn.outputs.push(mobilityPacket(this.#local, via.remote, writeMessage(location)));
  }

  /** For longer than a handover takes, so that its LMA, which should have said where it is, may not know. */
  #hasStayedAway(visitor: Visitor, now: Instant): boolean {
    const leftAt = this.#leftAt.get(visitor);
    return leftAt !== undefined && now - leftAt >= againAfter;
  }

  #isPeer(gateway: Address): boolean {
    return this.#settings.gateways.includes(gateway);
  }

  #refuse(counter: 'bypassesRefused' | 'locationsRefused', peer: Address, reason: string, turn: Turn): void {
    this.counters[counter]++;
    turn.outputs.push({ kind: 'trace', event: { event: 'discarded', peer, reason } });
  }
}

type Bypass = Extract<Message, { kind: 'bypass' }>;
type Location = Extract<Message, { kind: 'location' }>;

function departureOf({ station, anchor }: Visitor, home: Prefix, sinceMs = 0): Departure | undefined {
  return anchor && { home, station, anchor, sinceMs };
}

/** What follows the name may have any unit in it. */
function split(timer: BypassTimer): readonly [name: string, key: string] {
  const at = timer.indexOf(' ');
  return [timer.slice(0, at), timer.slice(at + 1)];
}
