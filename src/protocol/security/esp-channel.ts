import { type Packet, protocol } from '../../wire/ipv6/packet.js';
import type { Environment, Output, Row, StoredRecord } from '../contract.js';
import type { RefusalCause } from './association.js';
import {
  type EspContent,
  type EspKeys,
  espHeader,
  type InitializationVectors,
  initializationVectors,
  open,
  seal,
} from './esp.js';
import { ReplayWindow } from './replay-window.js';

export interface EspDirection {
  /** 256 to 2^32-1. */
  readonly spi: number;
  readonly keys: EspKeys;
}

/** How many sequence numbers one store reserves. */
const block = 0x1_0000;
const lastSequence = 0xffff_ffff;

/**
 * Both directions of ESP (RFC 4303) with manual keys, in whichever mode. Such keys outlive the process, so its counters have
 * to: outgoing numbers are reserved in blocks before they are used and go on after the last block, and the highest number
 * accepted is stored with every packet that raises it, so that nothing accepted before a restart is accepted after it.
 */
export class EspChannel {
  readonly #outbound: EspDirection;
  readonly #inbound: EspDirection;
  readonly #vectors: InitializationVectors;
  readonly #keys: { readonly sent: string; readonly received: string };
  #sequence = 0;
  #reserved = 0;
  #window = new ReplayWindow();

  constructor(outbound: EspDirection, inbound: EspDirection, environment: Environment, storeKey: string) {
    this.#outbound = outbound;
    this.#inbound = inbound;
    this.#vectors = initializationVectors(environment.random);
    this.#keys = { sent: `${storeKey}/sent/${outbound.spi}`, received: `${storeKey}/received/${inbound.spi}` };
  }

  get inboundSpi(): number {
    return this.#inbound.spi;
  }

  get row(): Row {
    const { spi, keys } = this.#outbound;
    return {
      protection: `esp ${keys.cipher}`,
      spi,
      inboundSpi: this.#inbound.spi,
      sent: this.#sequence,
      received: this.#window.highest,
    };
  }

  restore(records: readonly StoredRecord[]): void {
    for (const { key, value } of records) {
      if (typeof value !== 'number') continue;
      if (key === this.#keys.sent) this.#sequence = this.#reserved = value;
      if (key === this.#keys.received) this.#window = new ReplayWindow(value);
    }
  }

  /** Its keys are used no more, and neither are its counters. */
  forget(): Output[] {
    return Object.values(this.#keys).map(key => ({ kind: 'store', key }));
  }

  /** `envelope` with `content` sealed in it, after what has to be stored first; undefined: sequence numbers are used up. */
  seal(envelope: Omit<Packet, 'payload'>, content: EspContent): Output[] | undefined {
    if (this.#sequence >= lastSequence) return undefined;
    this.#sequence++;
    const { spi, keys } = this.#outbound;
    const data = seal(keys, { spi, sequence: this.#sequence }, content, this.#vectors);
    const payload = { kind: 'raw', protocol: protocol.esp, data } as const;
    return [...this.#reserve(), { kind: 'send', packet: { ...envelope, payload } }];
  }

  #reserve(): Output[] {
    if (this.#sequence <= this.#reserved) return [];
    this.#reserved = Math.min(this.#reserved + block, lastSequence);
    return [{ kind: 'store', key: this.#keys.sent, value: this.#reserved }];
  }

  /** RFC 4303 §3.4: look at the window, verify, and only then move it. */
  open({ payload }: Packet): { readonly content: EspContent; readonly outputs: Output[] } | RefusalCause {
    if (payload.kind !== 'raw' || payload.protocol !== protocol.esp) return 'unprotected';
    const header = espHeader(payload.data);
    if (header?.spi !== this.#inbound.spi) return 'unknownAssociation';
    if (header.sequence === 0 || !this.#window.isNew(header.sequence)) return 'replayed';
    const content = open(this.#inbound.keys, payload.data);
    if (!content) return 'authentication';
    const outputs: Output[] = [];
    if (header.sequence > this.#window.highest)
      outputs.push({ kind: 'store', key: this.#keys.received, value: header.sequence });
    this.#window.note(header.sequence);
    return { content, outputs };
  }
}
