import type { Address } from '../base/address.js';
import { invariant } from '../base/errors.js';
import { multicastLinkAddress } from '../base/link-address.js';
import type { Instant } from '../base/time.js';
import type { Engine, ForwardingRule, Input, Output, Via } from '../protocol/contract.js';
import type { RouterAdvertisement } from '../wire/icmpv6/messages.js';
import { packetLength } from '../wire/ipv6/codec.js';
import type { EventTarget } from './event-queue.js';
import { LocalAddress } from './stack/addresses.js';
import type { IpInterface } from './stack/ip-interface.js';
import { ParkingPlace } from './stack/parking.js';
import { LinkPath, noPath, type Path, type Rule } from './stack/routes.js';
import type { Stack } from './stack/stack.js';

type Send = Extract<Output, { kind: 'send' }>;
type Authenticate = Extract<Output, { kind: 'authenticate' }>;

/** Lends one engine its world: gives it what arrives and does what it asks, in the order it asks. */
export class EngineHost implements EventTarget<undefined> {
  readonly engine: Engine;
  readonly #stack: Stack;
  /** When the event that will tick is due; Infinity: none is. */
  #tickAt: Instant = Number.POSITIVE_INFINITY;

  constructor(stack: Stack, engine: Engine) {
    this.#stack = stack;
    this.engine = engine;
    for (const name of engine.interests.accessLinks) {
      const ip = stack.interfaces.find(candidate => candidate.port.name === name);
      if (ip) ip.served = true;
    }
    for (const name of engine.interests.advertisedLinks ?? []) {
      const ip = stack.interfaces.find(candidate => candidate.port.name === name);
      if (ip) ip.advertised = true;
    }
    for (const name of engine.interests.guardedLinks ?? []) {
      const ip = stack.interfaces.find(candidate => candidate.port.name === name);
      if (ip) ip.guarded = true;
    }
    for (const address of engine.interests.anycastAddresses ?? [])
      stack.registerAddress(new LocalAddress(address, undefined, 'anycast'));
  }

  /** Whether the engine is the authority on that link. */
  serves(ip: IpInterface): boolean {
    return ip.served && this.engine.interests.accessLinks.includes(ip.port.name);
  }

  /** Whether the engine sends that link's Router Advertisements. */
  advertises(ip: IpInterface): boolean {
    return ip.advertised && (this.engine.interests.advertisedLinks ?? []).includes(ip.port.name);
  }

  /** Whether the engine hears of stations that come to that link and leave it. */
  hearsStations(link: string): boolean {
    const { accessLinks, advertisedLinks = [] } = this.engine.interests;
    return accessLinks.includes(link) || advertisedLinks.includes(link);
  }

  handle(input: Input): void {
    const outputs = this.engine.handle(input, this.#stack.now);
    for (const output of outputs) this.#perform(output);
    this.arm();
  }

  /** What a host link tells, for an engine that follows it; of an advertised link, its state. */
  tell(link: string, input: Input): void {
    const { hostLinks = [], advertisedLinks = [] } = this.engine.interests;
    if (hostLinks.includes(link) || (input.kind === 'link' && advertisedLinks.includes(link))) this.handle(input);
  }

  /** A router beside this one, for an engine that listens. */
  tellRouter(link: string, router: Address, advertisement: RouterAdvertisement): void {
    if (this.engine.interests.monitoredLinks?.includes(link))
      this.handle({ kind: 'router', link, router, advertisement });
  }

  /** Sees to it that the engine's deadline is kept. */
  arm(): void {
    const { deadline } = this.engine;
    if (deadline === undefined) return;
    const at = Math.max(deadline, this.#stack.now);
    if (at >= this.#tickAt) return;
    this.#tickAt = at;
    this.#stack.queue.push(at, this, undefined);
  }

  onEvent(): void {
    const { now, alive } = this.#stack;
    if (!alive || now < this.#tickAt) return;
    this.#tickAt = Number.POSITIVE_INFINITY;
    const { deadline } = this.engine;
    if (deadline === undefined) return;
    if (deadline > now) return this.arm();
    this.handle({ kind: 'tick' });
    const next = this.engine.deadline;
    invariant(
      next === undefined || next > now,
      `${this.#stack.node.name}: a deadline stays in the past after its tick`,
    );
  }

  #perform(output: Output): void {
    const stack = this.#stack;
    switch (output.kind) {
      case 'send':
        return this.#send(output);
      case 'message':
        return invariant(false, `${stack.node.name}: messages need an SCTP layer around the engine`);
      case 'forward':
        return this.#forward(output.rule);
      case 'unforward':
        return this.#ended(stack.routes.deleteRule(output.to, output.from, output.intercepts), false);
      case 'admit':
        return this.#admit(output);
      case 'unadmit':
        for (const { packet } of stack.ends.of(output.end).unadmit(output.end)?.takeAll() ?? [])
          stack.dropped('parked', packet);
        return;
      case 'configure':
        return this.#configure(output);
      case 'unconfigure':
        return stack.homes.unconfigure(output.address);
      case 'proxy':
        return this.#interface(output.link).proxies.add(output.address, output.detect, this);
      case 'unproxy':
        return this.#interface(output.link).proxies.remove(output.address);
      case 'watch':
      case 'unwatch':
        return stack.flows.watch(output, output.kind === 'watch' ? this : undefined);
      case 'announce':
        return stack.simulation.announce(stack.node, output.prefix);
      case 'unannounce':
        return stack.simulation.unannounce(stack.node, output.prefix);
      case 'authenticate':
        return this.#authenticate(output);
      case 'store':
        return stack.node.store(output.key, output.value);
      case 'trace':
        return stack.trace(output.event);
    }
  }

  #configure({ address, link, announce = false, sourceFor }: Extract<Output, { kind: 'configure' }>): void {
    const ip = link === undefined ? undefined : this.#interface(link);
    this.#stack.homes.configure(address, ip, sourceFor);
    if (announce) this.#stack.homes.announce(address, ip);
  }

  #send({ packet, link, neighbour, relayed }: Send): void {
    const stack = this.#stack;
    const ip = link === undefined ? undefined : this.#interface(link);
    stack.traceMessage('sent', packet, ip);
    if (ip === undefined) return relayed ? stack.passOn(packet) : stack.output(packet);
    const octets = packetLength(packet);
    if (neighbour !== undefined) ip.port.send(neighbour, packet, packet.hopLimit, octets);
    else if (packet.destination.charCodeAt(0) >= 0xff00)
      ip.port.send(multicastLinkAddress(packet.destination), packet, packet.hopLimit, octets);
    else ip.neighbours.send(ip.neighbours.entry(packet.destination), packet, packet.hopLimit, octets);
  }

  #interface(name: string): IpInterface {
    const ip = this.#stack.interfaces.find(candidate => candidate.port.name === name);
    invariant(ip !== undefined, `${this.#stack.node.name} has no link '${name}'`);
    return ip;
  }

  #forward({ to, from, via, copy, over, intercepts }: ForwardingRule): void {
    const path = this.#path(via, copy === undefined ? undefined : this.#path(copy, undefined));
    this.#ended(this.#stack.routes.setRule({ to, from, path, over, intercepts }), true);
  }

  /** What was held goes on. */
  #admit({ end, hold, intercepted }: Extract<Output, { kind: 'admit' }>): void {
    const { ends, delivery } = this.#stack;
    for (const { packet, octets } of ends.of(end).admit(end, hold, intercepted)?.takeAll() ?? [])
      delivery.fromTunnel(packet, octets, { end, intercepted: intercepted ?? false });
  }

  #path(via: Via, copy: Path | undefined): Path {
    switch (via.kind) {
      case 'link': {
        const path = new LinkPath(this.#interface(via.link), via.router, via.neighbour);
        path.copy = copy;
        return path;
      }
      case 'tunnel':
        return {
          kind: 'tunnel',
          local: via.local,
          remote: via.remote,
          mobilityTo: via.exceptMobility ? this : undefined,
          copy,
        };
      case 'routeOptimised':
        return { ...via, copy };
      case 'park':
        return { kind: 'park', place: new ParkingPlace(via.limitOctets), copy };
      case 'drop':
        return copy === undefined ? { kind: 'drop', copy } : copy;
    }
  }

  /** What a rule had parked goes on when another rule took its place, and is lost when none did. */
  #ended(rule: Rule | undefined, replaced: boolean): void {
    for (const path of [rule?.path ?? noPath, rule?.path.copy ?? noPath]) {
      if (path.kind !== 'park') continue;
      for (const waiting of path.place.takeAll()) {
        if (replaced) this.#stack.replay(waiting, rule?.from !== undefined);
        else this.#stack.dropped('parked', waiting.packet);
      }
    }
  }

  #authenticate({ transaction, station, identity }: Authenticate): void {
    const port = this.#stack.node.options.authenticate;
    const answer = port?.({ station, identity }) ?? {
      delay: 0,
      outcome: { kind: 'rejected', reason: 'no AAA port' } as const,
    };
    this.#stack.after(answer.delay, () => this.handle({ kind: 'profile', transaction, outcome: answer.outcome }));
  }
}
