import type { Address } from '../../base/address.js';
import { earliest, type Instant } from '../../base/time.js';
import { Counters } from '../anchor/counters.js';
import type { Engine, Environment, ForwardingRule, Input, Interests, Output } from '../contract.js';
import { FastAnchor, type FastAnchorSettings } from './fast-anchor.js';
import { type KnownAccessPoint, Neighbourhood } from './neighbourhood.js';

export interface FastMapSettings extends FastAnchorSettings {
  /** Access routers of the domain, and those beside it. */
  readonly neighbours: readonly KnownAccessPoint[];
}

/**
 * `map` as the anchor of fast handovers (RFC 4140 Figure A.2). What it knows of mobiles it reads off the rules that the MAP
 * makes, and where the MAP makes another its own is over.
 */
export function withFastHandover(map: Engine, settings: FastMapSettings, environment: Environment): Engine {
  return new FastMap(map, settings, environment);
}

class FastMap implements Engine {
  readonly interests: Interests;
  readonly views: Engine['views'];
  readonly #map: Engine;
  readonly #anchor: FastAnchor;
  readonly #counters = new Counters();
  /** By regional address: the MAP's tunnel to where the mobile is. */
  readonly #rules = new Map<Address, ForwardingRule>();

  constructor(map: Engine, settings: FastMapSettings, environment: Environment) {
    this.#map = map;
    const neighbourhood = new Neighbourhood(settings.neighbours, []);
    const ground = {
      previousCareOf: (home: Address) => tunnelTo(this.#rules.get(home)),
      nextRouter: (careOf: Address) => neighbourhood.serving(careOf)?.address,
      usualRule: (home: Address) => this.#rules.get(home),
    };
    this.#anchor = new FastAnchor(settings, ground, this.#counters, environment.random.uint32());
    this.interests = map.interests;
    this.views = { ...map.views, handovers: () => this.#anchor.rows() };
  }

  get deadline(): Instant | undefined {
    return earliest(this.#map.deadline, this.#anchor.deadline);
  }

  get counters(): Engine['counters'] {
    return { ...this.#map.counters, ...this.#counters.values };
  }

  handle(input: Input, now: Instant): Output[] {
    const outputs: Output[] = [];
    if (this.#isOurs(input, now, outputs)) return outputs;
    const given = input.kind === 'restored' ? { ...input, records: [...input.records] } : input;
    if (given.kind === 'restored') this.#anchor.restore(given.records);
    if (given.kind === 'tick') this.#anchor.tick(now, outputs);
    for (const output of this.#map.handle(given, now)) {
      this.#follow(output, outputs);
      outputs.push(output);
    }
    return outputs;
  }

  #isOurs(input: Input, now: Instant, outputs: Output[]): boolean {
    if (input.kind !== 'packet' || input.packet.payload.kind !== 'mobility') return false;
    const { message } = input.packet.payload;
    if (message.kind === 'fastBindingUpdate') {
      // A MAP has no link to the mobile: its answer goes the way all goes.
      this.#anchor.update({ ...input, link: undefined, neighbour: undefined }, message, now, outputs);
      return true;
    }
    if (message.kind !== 'handoverAcknowledge') return false;
    this.#anchor.acknowledged(input.packet, message, now, outputs);
    return true;
  }

  /** A registration has come through, or its end. */
  #follow(output: Output, outputs: Output[]): void {
    if (output.kind === 'forward' && output.rule.to?.length === 128 && output.rule.from === undefined) {
      const home = output.rule.to.address;
      this.#anchor.superseded(home, outputs);
      if (output.rule.via.kind === 'tunnel') this.#rules.set(home, output.rule);
      else this.#rules.delete(home);
    } else if (output.kind === 'unforward' && output.to?.length === 128 && output.from === undefined) {
      this.#anchor.superseded(output.to.address, outputs);
      this.#rules.delete(output.to.address);
    }
  }
}

function tunnelTo(rule: ForwardingRule | undefined): Address | undefined {
  return rule?.via.kind === 'tunnel' ? rule.via.remote : undefined;
}
