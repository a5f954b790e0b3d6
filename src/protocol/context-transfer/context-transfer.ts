import type { Address } from '../../base/address.js';
import { Deadlines } from '../../base/deadlines.js';
import { invariant } from '../../base/errors.js';
import { type Prefix, prefixKey } from '../../base/prefix.js';
import { earliest, type Instant } from '../../base/time.js';
import { protocol } from '../../wire/ipv6/packet.js';
import type { Engine, Environment, Input, Interests, LinkId, Output } from '../contract.js';
import type { Turn } from '../gateway/lifecycle.js';
import { Overlay } from '../gateway/overlay.js';
import type { Transfers, Visits } from '../gateway/transfers.js';
import type { Visitor } from '../gateway/visitor.js';
import { isActivation } from './activation.js';
import type { ContextTransferSettings } from './config.js';
import { type Ground, newCounters, Stragglers, type TimerKey, type TimerName } from './ground.js';
import { Transferring } from './transferring.js';

/** What a gateway's configuration says of it. */
export interface TransferringGateway {
  /** Of its messages, and its end of tunnels. */
  readonly address: Address;
  readonly accessLinks: readonly { readonly name: LinkId }[];
  readonly contextTransfer: ContextTransferSettings;
}

/**
 * A gateway that hands its mobiles to the next one (RFC 4067; draft-singh §4.2-1, Appendix D): the context, and with it what is
 * for them. `gateway` makes it, with the part that is told of its visitors.
 */
export function withContextTransfer(
  config: TransferringGateway,
  environment: Environment,
  gateway: (transfers: (visits: Visits) => Transfers) => Engine,
): Engine {
  const made: { ground?: Ground; transferring?: Transferring } = {};
  const engine = gateway(visits => {
    made.ground = groundOf(config, environment, visits);
    made.transferring = new Transferring(made.ground);
    return made.transferring;
  });
  const { ground, transferring } = made;
  invariant(ground !== undefined && transferring !== undefined, 'a gateway asks for its transfers once');
  return new ContextTransferring(engine, ground, transferring);
}

function groundOf(config: TransferringGateway, environment: Environment, visits: Visits): Ground {
  const timers = new Deadlines<TimerKey>();
  return {
    settings: config.contextTransfer,
    local: config.address,
    accessLinks: config.accessLinks.map(({ name }) => name),
    environment,
    visits,
    timers,
    counters: newCounters(),
    stragglers: new Stragglers(timers),
    flushed: [],
    afterwards: [],
  };
}

/** Gives each of the two its inputs, and puts together what they want of the world. */
class ContextTransferring implements Engine {
  readonly interests: Interests;
  readonly views: Engine['views'];
  readonly #gateway: Engine;
  readonly #ground: Ground;
  readonly #transferring: Transferring;
  readonly #overlay: Overlay;
  /** What AAA says of mobiles whose context may be on its way. */
  readonly #deferred = new Map<Visitor, Extract<Input, { kind: 'profile' }>>();

  constructor(gateway: Engine, ground: Ground, transferring: Transferring) {
    this.#gateway = gateway;
    this.#ground = ground;
    this.#transferring = transferring;
    this.#overlay = new Overlay(ground.settings.limitOctets);
    const { interests } = gateway;
    this.interests = {
      ...interests,
      protocols: [...new Set([...interests.protocols, protocol.icmpv6])],
      services: [...new Set([...(interests.services ?? []), 'cxtp' as const])],
    };
    this.views = { ...gateway.views, transfers: () => transferring.rows() };
  }

  get deadline(): Instant | undefined {
    return earliest(this.#gateway.deadline, this.#ground.timers.next);
  }

  get counters(): Engine['counters'] {
    return { ...this.#gateway.counters, ...this.#ground.counters };
  }

  handle(input: Input, now: Instant): Output[] {
    const turn: Turn = { now, outputs: [] };
    if (!this.#takes(input, turn)) turn.outputs.push(...this.#gateway.handle(input, now));
    this.#resume(turn);
    const others = this.#overlay.note(turn.outputs);
    const [before, after] = aroundMessages(this.#overlay.settle(this.#transferring.wanted()));
    return [...before, ...others, ...after, ...this.#ground.afterwards.splice(0)];
  }

  /** Whether the input is not for the gateway. */
  #takes(input: Input, turn: Turn): boolean {
    switch (input.kind) {
      case 'tick':
        for (const key of this.#ground.timers.takeDue(turn.now)) {
          const [name, id] = key.split(' ');
          this.#transferring.due(name as TimerName, Number(id), turn);
        }
        return false;
      case 'message':
        if (input.service !== 'cxtp') return false;
        this.#transferring.message(input.peer, input.data, turn);
        return true;
      case 'peerLost':
        if (input.service !== 'cxtp') return false;
        this.#transferring.peerLost(input.peer, turn);
        return true;
      case 'packet':
        return this.#packet(input, turn);
      case 'profile':
        return this.#defer(input);
      default:
        return false;
    }
  }

  /** RFC 4067 §3.1: a transfer comes first, for its time; without pHoA and PMIP client a Trigger would be worth less. */
  #defer(input: Extract<Input, { kind: 'profile' }>): boolean {
    const visitor = this.#transferring.askingFor(input.transaction);
    if (visitor) this.#deferred.set(visitor, input);
    return visitor !== undefined;
  }

  #resume(turn: Turn): void {
    for (const [visitor, input] of this.#deferred) {
      if (this.#transferring.askingFor(input.transaction) === visitor) continue;
      this.#deferred.delete(visitor);
      turn.outputs.push(...this.#gateway.handle(input, turn.now));
    }
  }

  #packet({ packet, link, neighbour }: Extract<Input, { kind: 'packet' }>, turn: Turn): boolean {
    if (packet.payload.kind !== 'icmpv6') return false;
    const { accessLinks, visits } = this.#ground;
    if (link === undefined || !accessLinks.includes(link)) {
      this.#transferring.echoed(packet, turn);
      return true;
    }
    const visitor = neighbour && visits.visitors.byStation(link, neighbour);
    if (!visitor || !isActivation(packet)) return false;
    this.#transferring.activation(packet, visitor, turn);
    return true;
  }
}

/**
 * What another gateway is told that it may send is taken before it hears so; what goes to another gateway comes after the
 * context that has it taken there.
 */
function aroundMessages(forwarding: readonly Output[]): [before: Output[], after: Output[]] {
  const handedOn = new Set<string | undefined>();
  for (const output of forwarding)
    if (output.kind === 'forward' && output.rule.via.kind === 'tunnel') handedOn.add(subjectOf(output));
  const isAfter = (output: Output) => handedOn.has(subjectOf(output));
  return [forwarding.filter(output => !isAfter(output)), forwarding.filter(isAfter)];
}

/** Whose packets it is about. */
function subjectOf(output: Output): string | undefined {
  const to = subjectPrefix(output);
  return to && prefixKey(to);
}

function subjectPrefix(output: Output): Prefix | undefined {
  if (output.kind === 'forward') return output.rule.to;
  if (output.kind === 'admit' || output.kind === 'unadmit') return output.end.to;
  return output.kind === 'unforward' ? output.to : undefined;
}
