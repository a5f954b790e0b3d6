import type { Address } from '../../base/address.js';
import type { Deadlines } from '../../base/deadlines.js';
import type { LinkAddress } from '../../base/link-address.js';
import type { Prefix } from '../../base/prefix.js';
import { type Instant, milliseconds } from '../../base/time.js';
import { type CxtpMessage, encodeCxtp } from '../../wire/cxtp/messages.js';
import type { Environment, LinkId, Output } from '../contract.js';
import type { Rule } from '../gateway/overlay.js';
import type { Visits } from '../gateway/transfers.js';
import type { ContextTransferSettings } from './config.js';

const counterNames = [
  'contextsSent',
  'contextsReceived',
  'contextsRefused',
  'contextsActivated',
  'contextRequestsSent',
  'contextRequestsReceived',
  'contextTokensRefused',
  'contextTransfersCancelled',
  'contextMessagesUnexpected',
  'activationRequestsReceived',
  'activationRequestsLimited',
  'activationRequestsRepeated',
  'forwardingsEnded',
  'forwardingsReleasedUnended',
] as const;
export type CounterName = (typeof counterNames)[number];

export function newCounters(): Record<CounterName, number> {
  return Object.fromEntries(counterNames.map(name => [name, 0])) as Record<CounterName, number>;
}

/** What is waited for: of departures and requests by their visitor, of the others by their own number. */
export type TimerName =
  | 'reply'
  | 'leaving'
  | 'limit'
  | 'grace'
  | 'echo'
  | 'request'
  | 'arrival'
  | 'release'
  | 'straggler'
  | 'back';
export type TimerKey = `${TimerName} ${number}`;

/** What all parts of context transfer at one gateway have in common. */
export interface Ground {
  readonly settings: ContextTransferSettings;
  /** The gateway's address: of its messages, and of its ends of tunnels. */
  readonly local: Address;
  readonly accessLinks: readonly LinkId[];
  readonly environment: Environment;
  readonly visits: Visits;
  readonly timers: Deadlines<TimerKey>;
  readonly counters: Record<CounterName, number>;
  readonly stragglers: Stragglers;
  /** What is parked goes there before anything else comes of it. */
  readonly flushed: Rule[];
  /** Outputs that come after the rules have changed. */
  readonly afterwards: Output[];
}

export function toPeer(peer: Address, message: CxtpMessage): Output {
  return { kind: 'message', service: 'cxtp', peer, data: encodeCxtp(message) };
}

/** Behind the last packet, also of those that go back. */
export function forwardingEnded(previousAddress: Address): CxtpMessage {
  const blocks = [{ kind: 'forwardingEnded' }] as const;
  return { kind: 'contextTransferData', acknowledge: false, elapsedMs: 0, previousAddress, blocks };
}

export function isNeighbour({ neighbours }: ContextTransferSettings, address: Address): boolean {
  return neighbours.some(neighbour => neighbour.address === address);
}

export function neighbourAt({ neighbours }: ContextTransferSettings, accessPoint: LinkAddress): Address | undefined {
  return neighbours.find(neighbour => neighbour.accessPoints.includes(accessPoint))?.address;
}

/** How long a peer whose forwarding has ended may still bring what it sent before, or sends back. */
const stragglersMs = 1000;

/** From whom packets for whom are taken for a moment longer. */
export interface Straggler {
  readonly peer: Address;
  readonly prefixes: readonly Prefix[];
  /** What it sends back is older than what this LMA sends, until it says that this was all. */
  before: { readonly previousAddress: Address; readonly lma: Address } | undefined;
}

export class Stragglers {
  readonly #timers: Deadlines<TimerKey>;
  readonly #byId = new Map<number, Straggler>();
  #nextId = 1;

  constructor(timers: Deadlines<TimerKey>) {
    this.#timers = timers;
  }

  [Symbol.iterator](): Iterator<Straggler> {
    return this.#byId.values();
  }

  add(straggler: Straggler, now: Instant, waitMs: number): void {
    const id = this.#nextId++;
    this.#byId.set(id, straggler);
    this.#timers.set(`straggler ${id}`, now + milliseconds(stragglersMs));
    if (straggler.before) this.#timers.set(`back ${id}`, now + milliseconds(waitMs));
  }

  /** Whether something that was forwarded in vain is still to come back. */
  awaits(previousAddress: Address): boolean {
    for (const { before } of this.#byId.values()) if (before?.previousAddress === previousAddress) return true;
    return false;
  }

  /** All that it had is back. */
  complete(peer: Address, previousAddress: Address): boolean {
    for (const [id, straggler] of this.#byId)
      if (straggler.peer === peer && straggler.before?.previousAddress === previousAddress) {
        this.waited(id);
        return true;
      }
    return false;
  }

  /** Long enough for what comes back; returns of whom. */
  waited(id: number): Address | undefined {
    const straggler = this.#byId.get(id);
    const previousAddress = straggler?.before?.previousAddress;
    if (straggler) straggler.before = undefined;
    this.#timers.clear(`back ${id}`);
    return previousAddress;
  }

  due(id: number): void {
    this.waited(id);
    this.#byId.delete(id);
  }
}
