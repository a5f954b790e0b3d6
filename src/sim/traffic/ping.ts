import { defaultHopLimit } from '../../wire/ipv6/packet.js';
import type { EventTarget } from '../event-queue.js';
import type { PingOptions, PingRecord } from '../options.js';
import type { Simulation } from '../simulation.js';
import { icmpv6Packet } from '../stack/messages.js';
import { resolve } from './cbr.js';
import { Series } from './series.js';

const defaultSize = 56;

/** Echo requests at a constant rate and the replies to them (RFC 4443 §4). */
export class PingFlow implements PingRecord, EventTarget<undefined> {
  sent = 0;
  answered = 0;
  readonly #simulation: Simulation;
  readonly #options: PingOptions;
  readonly #identifier: number;
  readonly #sentAt = new Series();
  readonly #answeredAt = new Series();
  readonly #data: Uint8Array;

  constructor(simulation: Simulation, options: PingOptions) {
    this.#simulation = simulation;
    this.#options = options;
    this.#identifier = simulation.nextPort() & 0xffff;
    this.#data = new Uint8Array(options.size ?? defaultSize);
    if (options.start < options.stop) simulation.queue.push(options.start, this, undefined);
  }

  get sentAt(): readonly number[] {
    return this.#sentAt.view(this.sent);
  }

  get answeredAt(): readonly number[] {
    return this.#answeredAt.view(this.sent);
  }

  onEvent(): void {
    const { now, queue } = this.#simulation;
    const { interval, stop, from, to } = this.#options;
    if (now + interval < stop) queue.push(now + interval, this, undefined);
    const { stack } = from;
    const destination = resolve(to);
    const source = destination === undefined ? undefined : stack?.sourceFor(destination);
    if (stack === undefined || destination === undefined || source === undefined) return;
    stack.delivery.echo.set(this.#identifier, this);
    const sequence = this.sent++;
    this.#sentAt.set(sequence, now);
    const message = {
      kind: 'echoRequest',
      code: 0,
      identifier: this.#identifier,
      sequence: sequence & 0xffff,
      data: this.#data,
    } as const;
    stack.output(icmpv6Packet(source, destination, defaultHopLimit, message));
  }

  /** `sequence` has 16 bits: it means the latest request that ends in them. */
  onReply(sequence: number): void {
    const latest = this.sent - 1;
    const index = latest - ((latest - sequence) & 0xffff);
    if (index < 0 || this.#answeredAt.has(index)) return;
    this.#answeredAt.set(index, this.#simulation.now);
    this.answered++;
  }
}
