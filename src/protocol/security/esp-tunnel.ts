import type { Address } from '../../base/address.js';
import { DecodeError } from '../../base/errors.js';
import { decodePacket, encodePacket } from '../../wire/ipv6/codec.js';
import { defaultHopLimit, type Packet, protocol } from '../../wire/ipv6/packet.js';
import type { Environment, Output, StoredRecord } from '../contract.js';
import { refused, type Verdict } from './association.js';
import { EspChannel, type EspDirection } from './esp-channel.js';

/** The two ends of a tunnel, this node's first. */
export interface Ends {
  readonly local: Address;
  readonly remote: Address;
}

/**
 * ESP in tunnel mode for the Mobility Headers that go between a mobile node and others by its home agent: Home Test Init and
 * Home Test above all (RFC 6275 §5.2.5, RFC 3776 §4.2). The care-of address is the outer one and may change under it.
 */
export class EspTunnel {
  readonly #channel: EspChannel;

  constructor(outbound: EspDirection, inbound: EspDirection, environment: Environment, storeKey: string) {
    this.#channel = new EspChannel(outbound, inbound, environment, storeKey);
  }

  get inboundSpi(): number {
    return this.#channel.inboundSpi;
  }

  get row() {
    return { ...this.#channel.row, mode: 'tunnel' };
  }

  restore(records: readonly StoredRecord[]): void {
    this.#channel.restore(records);
  }

  protect(inner: Packet, { local, remote }: Ends): Output[] {
    const envelope = { source: local, destination: remote, hopLimit: defaultHopLimit };
    const failed = { event: 'failed', peer: remote, reason: 'ESP sequence numbers are used up' } as const;
    const content = { protocol: protocol.ipv6, data: encodePacket(inner) };
    return this.#channel.seal(envelope, content) ?? [{ kind: 'trace', event: failed }];
  }

  /** The packet inside, where it is a Mobility Header. */
  accept(packet: Packet): Verdict {
    const opened = this.#channel.open(packet);
    if (typeof opened === 'string') return refused(opened);
    const { content, outputs } = opened;
    if (content.protocol === protocol.none) return { kind: 'consumed', outputs };
    try {
      const inner = content.protocol === protocol.ipv6 ? decodePacket(content.data) : undefined;
      if (inner?.payload.kind === 'mobility') return { kind: 'accepted', packet: inner, outputs };
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
    }
    return refused('malformed', outputs);
  }
}
