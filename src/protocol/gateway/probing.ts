import type { Address } from '../../base/address.js';
import { autoconfiguredAddress, linkLocalAddress } from '../../base/link-address.js';
import { second } from '../../base/time.js';
import { probe } from './access-link.js';
import type { Lifecycle, Turn } from './lifecycle.js';
import { timerKey } from './timers.js';
import type { Visitor } from './visitor.js';

/** RFC 4861 §10 MAX_UNICAST_SOLICIT and RETRANS_TIMER. */
const maximumProbes = 3;
const probeIntervalS = 1;

/** Whether a station is still here: it is asked before its registration is extended, and where another gateway has it. */
export class Probing {
  readonly #lifecycle: Lifecycle;

  constructor(lifecycle: Lifecycle) {
    this.#lifecycle = lifecycle;
  }

  /** RFC 5213 §6.13: a registration is not extended before the mobile has been seen to be there. */
  ask(visitor: Visitor, turn: Turn): void {
    const target = whereabouts(visitor);
    const face = this.#lifecycle.presence.face(visitor);
    if (target === undefined || face === undefined) return this.#present(visitor, turn);
    visitor.probes = (visitor.probes ?? 0) + 1;
    this.#lifecycle.timers.set(timerKey('probe', visitor), turn.now + probeIntervalS * second);
    this.#lifecycle.presence.toStation(visitor, probe(face, target), turn);
  }

  #present(visitor: Visitor, turn: Turn): void {
    this.#lifecycle.begin(visitor, visitor.contested ? 'confirm' : 'refresh', turn);
  }

  /** A host that is at rest shows no address: it may answer for the one that its interface gives (RFC 4291 §2.5.1). */
  seek(visitor: Visitor, turn: Turn): void {
    const face = this.#lifecycle.presence.face(visitor);
    const formed = visitor.profile?.addressing.includes('slaac') && visitor.prefix?.length === 64;
    if (!face || !formed || !this.#lifecycle.dialect.seeksAddresses) return;
    const target = autoconfiguredAddress(face.prefix, visitor.station);
    this.#lifecycle.presence.toStation(visitor, probe(face, target), turn);
  }

  /** The station did not answer a probe. */
  unheard(visitor: Visitor, turn: Turn): void {
    if ((visitor.probes ?? 0) < maximumProbes) return this.ask(visitor, turn);
    if (visitor.contested) return this.#displaced(visitor, turn);
    for (const each of [visitor, ...this.#lifecycle.visitors.formersOf(visitor)])
      this.#lifecycle.raise(each, 'detached', turn, 'does not answer');
  }

  /** The station said something: it is there. */
  heard(visitor: Visitor, turn: Turn): void {
    if (visitor.probes === undefined) return;
    visitor.probes = undefined;
    this.#lifecycle.timers.clear(timerKey('probe', visitor));
    this.#present(visitor, turn);
  }

  /**
   * Another gateway has registered the mobile. Where it left that is as it should be; where it seems to be here it is asked,
   * since one of the two gateways is late. Who waits for an answer of its own asks after that.
   */
  moved(visitor: Visitor, superseded: boolean, turn: Turn): void {
    if (visitor.state === 'leaving' || visitor.state === 'deregistering') return this.#displaced(visitor, turn);
    if (superseded) this.#lifecycle.registrar.cancel(visitor);
    visitor.contested = superseded || visitor.state === 'registered' || visitor.request !== undefined;
    if (superseded || visitor.state === 'registered') this.contest(visitor, turn);
  }

  /** Asks a station that another gateway has registered. */
  contest(visitor: Visitor, turn: Turn): void {
    visitor.probes = undefined;
    if (this.#lifecycle.presence.face(visitor)) return this.ask(visitor, turn);
    this.#lifecycle.refused(visitor, 'confirm', 'later', 'at another gateway', turn);
  }

  #displaced(visitor: Visitor, turn: Turn): void {
    const kept = visitor.state === 'leaving' && this.#lifecycle.transfersOf(visitor).moved(visitor, turn) === 'keep';
    this.#lifecycle.raise(visitor, kept ? 'yielded' : 'displaced', turn, 'at another gateway');
  }
}

/** By which address a station is asked whether it is here; `contested`: all that it might have. */
function whereabouts({ addresses, candidate, profile, linkLocal, contested, station }: Visitor): Address | undefined {
  const known = addresses[0] ?? linkLocal;
  return known ?? (contested ? (profile?.address ?? candidate?.address ?? linkLocalAddress(station)) : undefined);
}
