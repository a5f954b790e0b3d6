import type { Address } from '../../base/address.js';
import { earliest, type Instant } from '../../base/time.js';
import { protocol } from '../../wire/ipv6/packet.js';
import type { Engine, Environment, Input, Output } from '../contract.js';
import type { SignallingProtection } from '../security/config.js';
import { espHeader } from '../security/esp.js';
import { type Exemption, Secured } from '../security/secured.js';
import type { KeysSection } from './config.js';
import type { End } from './dynamic-associations.js';
import { type Kept, KeyRing } from './key-ring.js';
import { radiusClientPort } from './radius-client.js';

export interface KeyedSettings {
  /** Own. */
  readonly address: Address;
  readonly end: End;
  readonly section: KeysSection;
}

/**
 * `engine` with its signalling protected by the associations of its configuration and by those that an AAA server has the keys
 * of (draft-singh Appendix C): a PMIP client asks for them when it has something to say for a mobile, an anchor when it hears an
 * SPI it does not know. Nothing goes out, and nothing comes in, before the keys are there.
 */
export function keyed(
  engine: Engine,
  protection: SignallingProtection,
  settings: KeyedSettings,
  environment: Environment,
  exempt: Exemption = () => false,
): Engine {
  return new Keyed(engine, protection, settings, environment, exempt);
}

class Keyed implements Engine {
  readonly interests: Engine['interests'];
  readonly views: Engine['views'];
  readonly #ring: KeyRing;
  readonly #secured: Secured;

  constructor(
    engine: Engine,
    protection: SignallingProtection,
    settings: KeyedSettings,
    environment: Environment,
    exempt: Exemption,
  ) {
    this.#ring = new KeyRing(settings, environment);
    this.#secured = new Secured(engine, protection, environment, exempt, this.#ring);
    const { udpPorts, ...interests } = this.#secured.interests;
    this.interests = { ...interests, udpPorts: [...new Set([...udpPorts, radiusClientPort])] };
    this.views = { ...this.#secured.views, keys: () => this.#ring.rows() };
  }

  get deadline(): Instant | undefined {
    return earliest(this.#ring.deadline, this.#secured.deadline);
  }

  get counters(): Readonly<Record<string, number>> {
    return { ...this.#secured.counters, ...this.#ring.counters };
  }

  handle(input: Input, now: Instant): Output[] {
    if (input.kind === 'restored') {
      const records = this.#ring.restore(input.records, now);
      return this.#noted(this.#secured.handle({ kind: 'restored', records }, now), now);
    }
    const outputs = this.#noted(this.#secured.handle(input, now), now);
    const { sent, released } = this.#ring.handle(input, now);
    for (const kept of released) outputs.push(...this.#noted(this.#released(kept, now), now));
    for (const unkeyed of this.#ring.takeUnkeyed())
      outputs.push(...this.#noted(this.#secured.handle(unkeyed, now), now));
    return [...sent, ...outputs];
  }

  #released(kept: Kept, now: Instant): Output[] {
    if (kept.kind === 'send') return this.#secured.transmit([kept], now);
    const { association } = kept;
    return association === undefined ? this.#secured.handle(kept, now) : this.#secured.readmit(kept, association, now);
  }

  /** Tells the ring under which SPIs there goes something out. */
  #noted(outputs: Output[], now: Instant): Output[] {
    return outputs.flatMap(output => {
      if (output.kind !== 'send') return [output];
      const { payload } = output.packet;
      const spi =
        payload.kind === 'raw' && payload.protocol === protocol.esp ? espHeader(payload.data)?.spi : undefined;
      return spi === undefined ? [output] : [output, ...this.#ring.sent(spi, now)];
    });
  }
}
