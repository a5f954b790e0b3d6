import type { Address } from '../../base/address.js';
import { earliest, type Instant } from '../../base/time.js';
import { findAttribute } from '../../wire/radius/attributes.js';
import type { AccessOutcome, Engine, Environment, Input, Output } from '../contract.js';
import type { RadiusSection } from './config.js';
import { applicationAttributes, profileOf } from './profile-attributes.js';
import { type Answered, type RadiusAnswer, RadiusClient, radiusClientPort } from './radius-client.js';

/** `engine` with its AAA port answered by RADIUS servers (RFC 2865, RFC 6572 §5.1); `address` is the node's own. */
export function withRadius(engine: Engine, section: RadiusSection, address: Address, environment: Environment): Engine {
  return new RemotelyAuthenticated(engine, section, address, environment);
}

type Question = Extract<Output, { kind: 'authenticate' }>;

class RemotelyAuthenticated implements Engine {
  readonly views: Engine['views'];
  readonly #engine: Engine;
  readonly #client: RadiusClient<Question>;
  #accepted = 0;
  #rejected = 0;

  constructor(engine: Engine, section: RadiusSection, address: Address, environment: Environment) {
    this.#engine = engine;
    this.#client = new RadiusClient(address, section, environment);
    this.views = engine.views;
  }

  get interests(): Engine['interests'] {
    const { udpPorts, ...interests } = this.#engine.interests;
    return { ...interests, udpPorts: [...udpPorts, radiusClientPort] };
  }

  get deadline(): Instant | undefined {
    return earliest(this.#client.deadline, this.#engine.deadline);
  }

  get counters(): Readonly<Record<string, number>> {
    const own = { accessAccepted: this.#accepted, accessRejected: this.#rejected };
    return { ...this.#engine.counters, ...this.#client.counters, ...own };
  }

  handle(input: Input, now: Instant): Output[] {
    if (input.kind === 'packet') {
      const { payload } = input.packet;
      if (payload.kind === 'udp' && payload.destinationPort === radiusClientPort) {
        const answered = this.#client.receive(input.packet, now);
        const others = this.#asked(this.#engine.handle(input, now), now);
        return answered ? [...others, ...answered.outputs, ...this.#answered(answered, now)] : others;
      }
    }
    const outputs = this.#asked(this.#engine.handle(input, now), now);
    if (input.kind !== 'tick') return outputs;
    const { outputs: sent, failed } = this.#client.tick(now);
    return [...outputs, ...sent, ...failed.flatMap(answered => this.#answered(answered, now))];
  }

  #asked(outputs: Output[], now: Instant): Output[] {
    return outputs.flatMap(output =>
      output.kind === 'authenticate' ? this.#client.ask(output, applicationAttributes(output), now) : [output],
    );
  }

  #answered({ subject, answer }: Answered<Question>, now: Instant): Output[] {
    const outcome = outcomeOf(answer, subject.identity);
    if (outcome.kind === 'accepted') this.#accepted++;
    else this.#rejected++;
    const { transaction } = subject;
    return this.#asked(this.#engine.handle({ kind: 'profile', transaction, outcome }, now), now);
  }
}

function outcomeOf(answer: RadiusAnswer | undefined, asked: string | undefined): AccessOutcome {
  if (!answer) return { kind: 'rejected', reason: 'no AAA server answers' };
  if (answer.kind === 'accessChallenge') return { kind: 'rejected', reason: 'the AAA server wants a password' };
  const text = findAttribute(answer.attributes, 'replyMessage')?.text;
  if (answer.kind === 'accessReject') return { kind: 'rejected', reason: text ?? 'refused by the AAA server' };
  const profile = profileOf(answer.attributes, asked);
  return profile ? { kind: 'accepted', profile } : { kind: 'rejected', reason: 'the AAA server names nobody' };
}
