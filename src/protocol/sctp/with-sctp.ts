import { type Address, formatAddress } from '../../base/address.js';
import { earliest, type Instant } from '../../base/time.js';
import { isSctp, protocol } from '../../wire/ipv6/packet.js';
import type { Engine, Environment, Input, Interests, Output, Row } from '../contract.js';
import { Endpoint, type ServiceInput } from './endpoint.js';
import type { SctpSettings } from './settings.js';
import type { Parties } from './states.js';

/**
 * `engine` with SCTP below the services it speaks: its messages go out in packets of one association with each peer and
 * service, and the packets that arrive become messages. With `transport: 'kernel'` messages go to and come from the world.
 * Messages to the node's own address reach the engine at once, either way.
 */
export function withSctp(engine: Engine, settings: SctpSettings, environment: Environment): Engine {
  return new SctpEngine(engine, settings, environment);
}

class SctpEngine implements Engine {
  readonly interests: Interests;
  readonly views: Engine['views'];
  readonly #engine: Engine;
  readonly #address: Address;
  readonly #endpoint: Endpoint | undefined;
  readonly #ofKernel = new KernelPeers();

  constructor(engine: Engine, settings: SctpSettings, environment: Environment) {
    this.#engine = engine;
    this.#address = settings.address;
    const endpoint = settings.transport === 'kernel' ? undefined : new Endpoint(settings, environment);
    this.#endpoint = endpoint;
    const { services: _, ...others } = engine.interests;
    this.interests = endpoint ? { ...others, protocols: [...others.protocols, protocol.sctp] } : engine.interests;
    this.views = { ...engine.views, peers: () => endpoint?.rows() ?? this.#ofKernel.rows() };
  }

  get deadline(): Instant | undefined {
    return earliest(this.#engine.deadline, this.#endpoint?.deadline);
  }

  get counters(): Engine['counters'] {
    return { ...this.#engine.counters, ...this.#endpoint?.counters };
  }

  handle(input: Input, now: Instant): Output[] {
    const endpoint = this.#endpoint;
    const outputs: Output[] = [];
    if (!endpoint) this.#ofKernel.note(input);
    if (endpoint && input.kind === 'packet' && isSctp(input.packet.payload)) endpoint.receive(input.packet, now);
    else this.#run(input, outputs, now);
    if (endpoint && input.kind === 'tick') {
      endpoint.tick(now);
      this.#hear(outputs, now);
    }
    // Last messages of the engine come before the end of the associations.
    if (endpoint && input.kind === 'command' && input.command.name === 'shutdown') endpoint.shutdown(now);
    this.#hear(outputs, now);
    return endpoint ? [...outputs, ...endpoint.takeOutputs(now)] : outputs;
  }

  #hear(outputs: Output[], now: Instant): void {
    for (let heard = this.#heard(now); heard.length > 0; heard = this.#heard(now))
      for (const input of heard) this.#run(input, outputs, now);
  }

  #heard(now: Instant): ServiceInput[] {
    return this.#endpoint?.takeInputs(now) ?? [];
  }

  /** Gives the engine one input and what it then says to itself. */
  #run(first: Input, outputs: Output[], now: Instant): void {
    const inputs: Input[] = [first];
    for (let input = inputs.shift(); input; input = inputs.shift())
      for (const output of this.#engine.handle(input, now)) {
        if (output.kind !== 'message') outputs.push(output);
        else if (output.peer === this.#address) inputs.push(output);
        else if (this.#endpoint) {
          this.#endpoint.send(output, output.data, now);
          // In the order the engine asks: what it wants done after a message is done after its packet.
          outputs.push(...this.#endpoint.takeOutputs(now));
        } else {
          this.#ofKernel.note(output);
          outputs.push(output);
        }
      }
  }
}

/** Peers as messages that pass tell of them: what more there is to say of their associations, the kernel says. */
class KernelPeers {
  readonly #peers = new Map<string, Parties>();

  note(passing: Input | Output): void {
    if (passing.kind !== 'message' && passing.kind !== 'peerLost') return;
    const { service, peer } = passing;
    if (passing.kind === 'peerLost') this.#peers.delete(`${service} ${peer}`);
    else this.#peers.set(`${service} ${peer}`, { service, peer });
  }

  *rows(): Generator<Row> {
    for (const { service, peer } of this.#peers.values())
      yield { service, peer: formatAddress(peer), state: 'inUse', transport: 'kernel' };
  }
}
