import type { Address } from '../../base/address.js';
import { below } from '../../base/random.js';
import { type Instant, milliseconds } from '../../base/time.js';
import { defaultHopLimit, type Packet } from '../../wire/ipv6/packet.js';
import type { Environment, Output } from '../contract.js';

const intervalMs = 250;
const maximumRequests = 4;

interface Drain {
  readonly lma: Address;
  readonly identifier: number;
  requests: number;
}

/**
 * Whether an old path is empty. Whatever the LMA sent into the tunnel before it moved the binding is ahead of its answer to an
 * echo request that is sent afterwards.
 */
export class Drains {
  readonly #local: Address;
  readonly #environment: Environment;
  readonly #drains = new Map<number, Drain>();

  constructor(local: Address, environment: Environment) {
    this.#local = local;
    this.#environment = environment;
  }

  start(id: number, lma: Address): Output {
    const drain: Drain = { lma, identifier: below(this.#environment.random, 0x10000), requests: 0 };
    this.#drains.set(id, drain);
    return this.#request(drain);
  }

  /** When to ask again, from the last request on. */
  next(now: Instant): Instant {
    return now + milliseconds(intervalMs);
  }

  /** Asks again; undefined: it has been asked often enough. */
  again(id: number): Output | undefined {
    const drain = this.#drains.get(id);
    if (drain && drain.requests < maximumRequests) return this.#request(drain);
    this.#drains.delete(id);
    return undefined;
  }

  /** Whose path is empty now. */
  answered({ source, payload }: Packet): number | undefined {
    if (payload.kind !== 'icmpv6' || payload.message.kind !== 'echoReply') return undefined;
    const { identifier } = payload.message;
    for (const [id, drain] of this.#drains) {
      if (drain.lma !== source || drain.identifier !== identifier) continue;
      this.#drains.delete(id);
      return id;
    }
    return undefined;
  }

  stop(id: number): void {
    this.#drains.delete(id);
  }

  #request(drain: Drain): Output {
    const { lma, identifier } = drain;
    const sequence = ++drain.requests;
    const message = { kind: 'echoRequest', code: 0, identifier, sequence, data: new Uint8Array(0) } as const;
    const packet: Packet = {
      source: this.#local,
      destination: lma,
      hopLimit: defaultHopLimit,
      payload: { kind: 'icmpv6', message },
    };
    return { kind: 'send', packet };
  }
}
