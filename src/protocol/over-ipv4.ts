import type { Address } from '../base/address.js';
import type { Instant } from '../base/time.js';
import { defaultHopLimit, type Packet, protocol } from '../wire/ipv6/packet.js';
import type { Engine, Input, Interests, Output } from './contract.js';

/** Where a node is reached. */
export interface Reached {
  readonly address: Address;
  /** In its IPv4-mapped form; undefined: by IPv6 alone. */
  readonly ipv4Address?: Address | undefined;
}

/**
 * `engine` with its signalling taken also from IPv4 (protocol 41), where the first words between a home agent and an agent have to
 * come from (draft-dommety §1.1 B, §2.2.2): nobody is admitted yet. It stands around the engine's protection, which judges what was
 * inside; what is no signalling for this very node goes nowhere. What leaves finds its way by the engine's own rules, but for
 * refusals: nothing may lead to whom they are for.
 */
export function overIpv4(engine: Engine, { address, ipv4Address }: Reached): Engine {
  return ipv4Address === undefined ? engine : new OverIpv4(engine, address, ipv4Address);
}

type Send = Extract<Output, { kind: 'send' }>;
type PacketInput = Extract<Input, { kind: 'packet' }>;

class OverIpv4 implements Engine {
  readonly interests: Interests;
  readonly views: Engine['views'];
  readonly #engine: Engine;
  readonly #address: Address;
  readonly #ipv4Address: Address;
  /** Whether the engine itself hears of tunnelled packets that nobody is admitted with. */
  readonly #hearsTunnelled: boolean;
  #taken = 0;
  #dropped = 0;

  constructor(engine: Engine, address: Address, ipv4Address: Address) {
    this.#engine = engine;
    this.#address = address;
    this.#ipv4Address = ipv4Address;
    this.#hearsTunnelled = engine.interests.protocols.includes(protocol.ipv6);
    const { protocols } = engine.interests;
    this.interests = { ...engine.interests, protocols: [...new Set([...protocols, protocol.ipv6])] };
    this.views = engine.views;
  }

  get deadline(): Instant | undefined {
    return this.#engine.deadline;
  }

  get counters(): Engine['counters'] {
    return { ...this.#engine.counters, overIpv4Taken: this.#taken, overIpv4Dropped: this.#dropped };
  }

  handle(input: Input, now: Instant): Output[] {
    if (input.kind !== 'packet' || input.packet.payload.kind !== 'ipv6') return this.#engine.handle(input, now);
    return this.#tunnelled(input, input.packet.payload.packet, now);
  }

  #tunnelled(input: PacketInput, inner: Packet, now: Instant): Output[] {
    const { source, destination } = input.packet;
    if (destination === this.#ipv4Address && this.#isSignalling(inner)) {
      this.#taken++;
      // It came from whoever put it into the tunnel, not from a station of the link.
      const outputs = this.#engine.handle({ kind: 'packet', packet: inner }, now);
      return outputs.map(output => (this.#isRefusal(output) ? this.#back(output, source) : output));
    }
    if (destination !== this.#ipv4Address && this.#hearsTunnelled) return this.#engine.handle(input, now);
    this.#dropped++;
    return [{ kind: 'trace', event: { event: 'discarded', peer: source, reason: 'unadmitted tunnel' } }];
  }

  #isRefusal(output: Output): output is Send {
    if (output.kind !== 'send' || output.link !== undefined || output.packet.source !== this.#address) return false;
    const { payload } = output.packet;
    const message = payload.kind === 'mobility' ? payload.message : undefined;
    return message?.kind === 'bindingAcknowledgement' && message.status >= 128;
  }

  #back({ packet }: Send, to: Address): Send {
    const payload = { kind: 'ipv6', packet } as const;
    return { kind: 'send', packet: { source: this.#ipv4Address, destination: to, hopLimit: defaultHopLimit, payload } };
  }

  /** For this node itself, not for one behind it. */
  #isSignalling({ destination, headers = [], payload }: Packet): boolean {
    if (destination !== this.#address) return false;
    if (headers.some(header => header.kind === 'routingType2' && header.segmentsLeft > 0)) return false;
    return payload.kind === 'mobility' || (payload.kind === 'raw' && payload.protocol === protocol.esp);
  }
}
