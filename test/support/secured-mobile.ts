import { z } from 'zod';
import { formatAddress } from '../../src/base/address.js';
import type { Instant } from '../../src/base/time.js';
import type { Engine, Output } from '../../src/protocol/contract.js';
import { protectedSection, signalling } from '../../src/protocol/security/config.js';
import { placedSecurity } from '../../src/protocol/security/placement.js';
import { secured } from '../../src/protocol/security/secured.js';
import type { Packet } from '../../src/wire/ipv6/packet.js';
import type { BindingAcknowledgement } from '../../src/wire/mobility/messages.js';
import { environment } from './anchor.js';
import { Puppet, sent } from './signalling.js';

export type Protection = 'rfc4285' | 'esp';
export const protections: readonly Protection[] = ['rfc4285', 'esp'];

/** An anchor's world, as far as a mobile is concerned. */
export interface Receiver {
  readonly now: Instant;
  receive(packet: Packet): readonly Output[];
}

/** A mobile's end of its association with an anchor. */
export class SecuredMobile {
  readonly #world: Receiver;
  readonly #puppet = new Puppet();
  readonly #engine: Engine;

  /** `name`: the address or NAI whose keys it has. */
  constructor(world: Receiver, name: string, anchor: Packet['source'], protection: Protection) {
    this.#world = world;
    const address = formatAddress(anchor);
    const peers = [{ address, security: placedSecurity(protection, name, address) }];
    const config = protectedSection(z.strictObject(signalling)).parse({ address: '2001:db8:b:1::7', peers });
    this.#engine = secured(this.#puppet, config, environment());
  }

  /** What goes over the wire. */
  protect(packet: Packet): Packet {
    this.#puppet.answer = () => [{ kind: 'send', packet }];
    const [out] = sent(this.#engine.handle({ kind: 'tick' }, this.#world.now));
    this.#puppet.answer = () => [];
    return out;
  }

  send(packet: Packet): BindingAcknowledgement | undefined {
    return this.answer(this.#world.receive(this.protect(packet)));
  }

  /** The acknowledgement among `outputs` that this mobile takes for its anchor's. */
  answer(outputs: readonly Output[]): BindingAcknowledgement | undefined {
    const before = this.#puppet.packets.length;
    for (const packet of sent(outputs)) this.#engine.handle({ kind: 'packet', packet }, this.#world.now);
    for (const { payload } of this.#puppet.packets.slice(before))
      if (payload.kind === 'mobility' && payload.message.kind === 'bindingAcknowledgement') return payload.message;
    return undefined;
  }

  get refusals(): number {
    const { counters } = this.#engine;
    return Object.entries(counters).reduce((sum, [name, n]) => sum + (name.startsWith('signallingRefused') ? n : 0), 0);
  }
}

/** `packet` with one bit of what it says changed on its way. */
export function tampered(packet: Packet): Packet {
  const { payload } = packet;
  if (payload.kind === 'raw') {
    const data = payload.data.slice();
    data[12] ^= 1;
    return { ...packet, payload: { ...payload, data } };
  }
  if (payload.kind !== 'mobility') throw new Error('no signalling');
  const { message } = payload;
  if (message.kind === 'bindingUpdate') return withMessage(packet, { ...message, lifetimeS: message.lifetimeS ^ 4 });
  if (message.kind === 'bindingAcknowledgement') return withMessage(packet, { ...message, status: message.status ^ 1 });
  throw new Error(`nothing to change in a ${message.kind}`);
}

function withMessage(packet: Packet, message: Extract<Packet['payload'], { kind: 'mobility' }>['message']): Packet {
  return { ...packet, payload: { kind: 'mobility', message } };
}
