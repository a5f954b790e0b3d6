import type { Instant } from '../../base/time.js';
import type { TcpOptions, TcpRecord } from '../options.js';
import type { Simulation } from '../simulation.js';
import type { TcpConnection, TcpEvents } from '../tcp/connection.js';
import { resolve } from './cbr.js';

/** A bulk transfer over TCP and its record. */
export class TcpTransfer implements TcpRecord {
  readonly acknowledgedAt: Instant[] = [];
  readonly acknowledged: number[] = [];
  finishedAt: Instant | undefined;
  readonly #simulation: Simulation;
  readonly #options: TcpOptions;
  readonly #port: number;
  #connection: TcpConnection | undefined;

  constructor(simulation: Simulation, options: TcpOptions) {
    this.#simulation = simulation;
    this.#options = options;
    this.#port = options.port ?? simulation.nextPort();
    simulation.schedule(options.start, () => this.#open());
  }

  get state(): string {
    return this.#connection?.state ?? 'closed';
  }
  get acknowledgedOctets(): number {
    return this.#connection?.acknowledgedOctets ?? 0;
  }
  get retransmissions(): number {
    return this.#connection?.retransmissions ?? 0;
  }
  get timeouts(): number {
    return this.#connection?.timeouts ?? 0;
  }
  get fastRetransmits(): number {
    return this.#connection?.fastRetransmits ?? 0;
  }

  #open(): void {
    const { from, to } = this.#options;
    const destination = resolve(to);
    const source = destination === undefined ? undefined : from.stack?.sourceFor(destination);
    if (destination === undefined || source === undefined) return;
    for (const node of this.#simulation.nodes.values())
      if (node.stack?.isOwn(destination)) node.stack.delivery.tcp.listen(this.#port, {});
    this.#connection = from.stack?.delivery.tcp.connect(source, this.#port, destination, this.#port, this.#source());
    const { stop } = this.#options;
    if (stop !== undefined) this.#simulation.schedule(stop, () => this.#connection?.close());
  }

  #source(): TcpEvents {
    return {
      octetsToSend: this.#options.octets ?? Number.POSITIVE_INFINITY,
      onAcknowledged: total => {
        this.acknowledgedAt.push(this.#simulation.now);
        this.acknowledged.push(total);
      },
      onChange: connection => {
        if (connection.state === 'done') this.finishedAt = this.#simulation.now;
      },
    };
  }
}
