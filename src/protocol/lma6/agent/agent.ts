import { type Address, formatAddress } from '../../../base/address.js';
import { formatLinkAddress } from '../../../base/link-address.js';
import { hostPrefix } from '../../../base/prefix.js';
import { earliest, type Instant, milliseconds } from '../../../base/time.js';
import type { MobilityMessage } from '../../../wire/mobility/messages.js';
import { bindingStatus as status } from '../../../wire/mobility/status.js';
import { Anchor, type AnchorSettings, type Registration } from '../../anchor/anchor.js';
import type { Binding } from '../../anchor/binding-cache.js';
import { peerSettings } from '../../anchor/config.js';
import { AnchorEngine, count, type Dialect, discard, type PacketInput, traceRefusal } from '../../anchor/engine.js';
import { milliseconds as epochMilliseconds } from '../../anchor/records.js';
import { homeOf, type Update } from '../../anchor/update.js';
import { grantedLifetimeS, type Verdict, validate } from '../../anchor/validate.js';
import type { Engine, Environment, Input, Interests, Output, Row } from '../../contract.js';
import { AgentAccess } from './access.js';
import type { AgentConfig } from './config.js';
import { AgentGround } from './ground.js';
import { AgentPassage } from './passage.js';
import { AgentRelays, relayOf } from './relays.js';
import { agentTests, isLeaving, linkOf } from './validation.js';
import { type Visit, Visits } from './visits.js';

/** The local mobility agent of draft-dommety: home agent-like towards mobiles, whose home addresses are not its own. */
export function createLocalMobilityAgent(config: AgentConfig, environment: Environment): Engine {
  const settings = anchorSettings(config);
  const visits = new Visits(config, settings.drainDelay, () => anchor.tunnels);
  const anchor: Anchor = new Anchor(settings, environment, visits);
  return new AnchorEngine(anchor, new LocalMobilityAgent(new AgentGround(config, anchor, visits)));
}

function anchorSettings(config: AgentConfig): AnchorSettings {
  return {
    address: config.address,
    ipv4Address: config.ipv4Address,
    peers: peerSettings({ ...config, permissions: [] }),
    insecure: config.insecure,
    prefixes: [],
    foreignHomes: true,
    homeLength: 128,
    maximumLifetimeS: config.maximumLifetimeS,
    maximumBindings: config.maximumVisitors,
    deleteDelay: milliseconds(config.deleteDelayMs),
    drainDelay: milliseconds(config.drainDelayMs),
    updateRate: { perSecond: config.updatesPerSecond, burst: config.updateBurst },
    revocation: undefined,
  };
}

/** Binding Updates of mobiles at an agent, and what passes between mobiles and those above (draft-dommety §2.2.2, §3.2). */
class LocalMobilityAgent implements Dialect {
  readonly interests: Partial<Interests>;
  readonly views: Engine['views'];
  readonly #ground: AgentGround;
  readonly #access: AgentAccess;
  readonly #passage: AgentPassage;
  readonly #relays: AgentRelays;

  constructor(ground: AgentGround) {
    this.#ground = ground;
    this.#access = new AgentAccess(ground);
    this.#passage = new AgentPassage(ground);
    this.#relays = new AgentRelays(ground);
    const { accessControl, links } = ground.config;
    this.interests = {
      nestedUpdates: true,
      registersOthers: true,
      ...(accessControl && { guardedLinks: links }),
    };
    const visitors = () => this.#visitorRows();
    this.views = { bindings: visitors, visitors, pending: () => this.#pendingRows() };
    ground.anchor.onRemoved = ({ home }) => {
      this.#passage.forget(home);
      this.#relays.forget(home);
    };
  }

  get deadline(): Instant | undefined {
    return earliest(earliest(this.#access.deadline, this.#passage.deadline), this.#relays.deadline);
  }

  handle(update: Update, now: Instant, outputs: Output[]): void {
    const verdict = this.#judge(update);
    if (verdict) return this.#reject(update, verdict, outputs);
    if (!this.#access.mustAsk(update)) return this.#accept(update, undefined, now, outputs);
    const unasked = this.#access.ask(update, now, outputs);
    if (unasked) this.#reject(update, unasked, outputs);
  }

  /** What others than its mobiles send: acknowledgements, tests and errors, which it only passes on. */
  message(input: PacketInput, message: MobilityMessage, now: Instant, outputs: Output[]): boolean {
    const { payload } = input.packet;
    const nested = payload.kind === 'mobility' ? payload.nested : undefined;
    switch (message.kind) {
      case 'bindingAcknowledgement':
        if (!nested) return this.#relays.answered(input, message, now, outputs);
        this.#passage.acknowledged(input, nested, now, outputs);
        return true;
      case 'careOfTestInit':
        this.#passage.careOfTestInit(input, message, now, outputs);
        return true;
      case 'careOfTest':
        this.#passage.careOfTest(input, message, now, outputs);
        return true;
      case 'bindingError':
        this.#passage.bindingError(input, message.homeAddress, now, outputs);
        return true;
      default:
        return false;
    }
  }

  /** The AAA port has said who somebody is; meanwhile other things may have changed. */
  other(input: Input, now: Instant, outputs: Output[]): void {
    const judged = input.kind === 'profile' ? this.#access.answered(input) : undefined;
    if (!judged) return;
    const { update, identity } = judged;
    const verdict = judged.verdict ?? this.#judge(update);
    if (verdict) return this.#reject(update, verdict, outputs);
    this.#accept(update, identity, now, outputs);
  }

  tick(now: Instant, outputs: Output[]): void {
    this.#access.tick(now);
    this.#passage.tick(now);
    this.#relays.tick(now, outputs);
  }

  #judge(update: Update): Verdict | undefined {
    const home = homeOf(update);
    const { anchor, config: agent } = this.#ground;
    const { nested, options } = update;
    const mayWait = nested
      ? this.#passage.hasRoom(home, nested.destination)
      : !options.upstream?.flags.relay || this.#relays.hasRoom(home);
    return validate(agentTests, {
      update,
      binding: this.#ground.bindingOf(home),
      agent,
      room: anchor.room,
      mayWait,
    });
  }

  /** The inner update only once the outer one has been accepted (draft-dommety App-3); answers only for who is the last. */
  #accept(update: Update, identity: string | undefined, now: Instant, outputs: Output[]): void {
    const { anchor, config } = this.#ground;
    const binding = this.#ground.bindingOf(homeOf(update));
    const purpose = this.#ground.purposeOf(update, binding);
    const lifetimeS = isLeaving(update) ? 0 : grantedLifetimeS(update.message.lifetimeS, config.maximumLifetimeS);
    // What the home agent says to an earlier update counts no more.
    this.#relays.forget(homeOf(update));
    if (isLeaving(update)) this.#leave(update, binding as Binding, now, outputs);
    else this.#register(update, binding, identity, lifetimeS, now, outputs);
    if (update.nested) {
      count(anchor, update, purpose, status.accepted);
      return this.#passage.relay(update, update.nested, now, outputs);
    }
    const relay = relayOf(update, purpose, lifetimeS);
    if (relay) return this.#relays.begin(relay, now, outputs);
    const fields = { status: status.accepted, sequence: update.message.sequence, lifetimeS };
    if (update.message.flags.acknowledge) this.#ground.answer(update, purpose, fields, outputs);
    else count(anchor, update, purpose, status.accepted);
  }

  #leave(update: Update, binding: Binding, now: Instant, outputs: Output[]): void {
    this.#relays.prepare(update);
    this.#ground.anchor.deregister(binding, update, 0, now, outputs);
  }

  #register(
    update: Update,
    binding: Binding | undefined,
    identity: string | undefined,
    lifetimeS: number,
    now: Instant,
    outputs: Output[],
  ): void {
    const home = homeOf(update);
    const { anchor, visits } = this.#ground;
    visits.set(home, this.#visitOf(update, visits.get(home)));
    const named = update.peer.settings.identity ?? update.options.identity;
    const registration: Registration = {
      update,
      identity: binding?.identity ?? identity ?? named ?? formatAddress(home),
      homes: undefined,
      lifetimeS,
      timestamp: 0,
      accessTechnology: 0,
      linkIdentifier: undefined,
      linkLocal: undefined,
      ipv4: update.careOf === anchor.settings.address ? undefined : anchor.tunnels.ipv4For(update, binding?.tunnel),
    };
    if (binding) anchor.update(binding, registration, now, outputs);
    else anchor.create({ ...registration, homes: [hostPrefix(home)] }, now, outputs);
  }

  #visitOf(update: Update, before: Visit | undefined): Visit {
    const { address, links, ipv4Address } = this.#ground.config;
    const { ipv4Tunnel = false, upstream: option } = update.options;
    const [upstream, above] = option?.addresses ?? [];
    const upstreamIpv4 = ipv4Tunnel && ipv4Address !== undefined ? above : undefined;
    const isSameAbove = before?.upstream === upstream && before?.upstreamIpv4 === upstreamIpv4;
    const relayed = relayOf(update, 'initial', 0) !== undefined;
    return {
      on: update.careOf === address ? linkOf(update, links) : undefined,
      source: update.source,
      upstream,
      upstreamIpv4,
      prefersIpv6: isSameAbove && before?.prefersIpv6 === true,
      relayed,
      confirmed: relayed && isSameAbove && before?.confirmed === true,
      awaited: relayed,
    };
  }

  /** Also where no answer was asked for (RFC 6275 §9.5.4). */
  #reject(update: Update, verdict: Verdict, outputs: Output[]): void {
    if (verdict.kind === 'discarded') return discard(this.#ground.anchor, update.source, verdict.reason, outputs);
    traceRefusal(update, verdict, outputs);
    const purpose = this.#ground.purposeOf(update, this.#ground.bindingOf(homeOf(update)));
    const sequence = verdict.sequence ?? update.message.sequence;
    this.#ground.answer(update, purpose, { status: verdict.status, sequence, lifetimeS: 0 }, outputs);
  }

  *#visitorRows(): Generator<Row> {
    const { anchor, visits, config } = this.#ground;
    for (const binding of anchor.cache) {
      const visit = visits.get(binding.home) as Visit;
      const up = visits.tunnelUp(binding.home);
      const end = anchor.endOf(binding);
      yield {
        agent: formatAddress(config.address),
        home: formatAddress(binding.home),
        identity: binding.identity,
        careOf: formatAddress(binding.tunnel.careOf),
        link: visit.on?.link,
        station: visit.on && formatLinkAddress(visit.on.neighbour),
        upstream: visit.upstream && formatAddress(visit.upstream),
        tunnel: up && (up.byIpv4 ? 'ipv4' : 'ipv6'),
        state: binding.state,
        lifetimeS: binding.lifetimeS,
        ends: end === undefined ? undefined : this.#timeText(end),
      };
    }
  }

  *#pendingRows(): Generator<Row> {
    for (const [kind, waiting] of Object.entries({
      access: this.#access.waiting,
      nested: this.#passage.pending,
      careOfTest: this.#passage.tests,
      relay: this.#relays.waiting,
    }))
      for (const { entry, until } of waiting as Iterable<WaitingFor>) {
        if (entry.answered) continue;
        yield {
          kind,
          home: formatAddress(entry.home),
          target: entry.target && formatAddress(entry.target),
          until: this.#timeText(until),
        };
      }
  }

  #timeText(at: Instant): string {
    return new Date(epochMilliseconds(this.#ground.anchor.environment.clock(at))).toISOString();
  }
}

interface WaitingFor {
  readonly entry: { readonly home: Address; readonly target?: Address; readonly answered?: true };
  readonly until: Instant;
}
