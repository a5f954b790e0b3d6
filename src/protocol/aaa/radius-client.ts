import { type Address, formatAddress } from '../../base/address.js';
import { Deadlines } from '../../base/deadlines.js';
import { DecodeError } from '../../base/errors.js';
import { randomBytes } from '../../base/random.js';
import type { Duration, Instant } from '../../base/time.js';
import { defaultHopLimit, type Packet } from '../../wire/ipv6/packet.js';
import { type MicrosoftAttribute, microsoftAttributes, type RadiusAttribute } from '../../wire/radius/attributes.js';
import { encodeRequest, isAuthenticAnswer, openKey } from '../../wire/radius/authentication.js';
import { decodeRadius, type RadiusKind, radiusPort } from '../../wire/radius/messages.js';
import type { Environment, Output } from '../contract.js';
import { nextTimeout } from '../dhcpv6/retransmission.js';
import type { RadiusSection } from './config.js';

/** Where answers go: a port of the dynamic range. */
export const radiusClientPort = 49_812;

/** RFC 5080 §2.2.1, each server so long. */
const repetition = { initialS: 2, maximumS: 16, transmissions: 3, durationS: 0 };

/** Identifiers there are. */
const mostOutstanding = 256;

/** What a server said, to whom only this answer opens. */
export interface RadiusAnswer {
  readonly kind: Exclude<RadiusKind, 'accessRequest'>;
  readonly attributes: readonly RadiusAttribute[];
  /** RFC 2548 §2.4; undefined: there is none, or it does not open. */
  key(kind: MicrosoftAttribute['kind']): Uint8Array | undefined;
}

/** What became of a question: without an answer, no server gave one. */
export interface Answered<Subject> {
  readonly subject: Subject;
  readonly answer: RadiusAnswer | undefined;
}

interface Exchange<Subject> {
  readonly subject: Subject;
  readonly attributes: readonly RadiusAttribute[];
  readonly identifier: number;
  server: number;
  authenticator: Uint8Array;
  octets: Uint8Array;
  transmissions: number;
  timeout: Duration | undefined;
}

/** Asks servers, one after the other, until one answers (RFC 2865 §2.5, RFC 5080 §2.2.1). */
export class RadiusClient<Subject> {
  readonly #address: Address;
  readonly #servers: RadiusSection['servers'];
  readonly #environment: Environment;
  readonly #exchanges = new Map<number, Exchange<Subject>>();
  readonly #due = new Deadlines<number>();
  /** What waits for a free identifier; who asks keeps it short. */
  readonly #queue: [Subject, readonly RadiusAttribute[]][] = [];
  #nextIdentifier = 0;
  readonly #counters = { radiusRequests: 0, radiusRetransmissions: 0, radiusAnswers: 0, radiusUnanswered: 0 };
  #discarded = 0;

  constructor(address: Address, { servers }: RadiusSection, environment: Environment) {
    this.#address = address;
    this.#servers = servers;
    this.#environment = environment;
    this.#nextIdentifier = environment.random.uint32() % mostOutstanding;
  }

  get deadline(): Instant | undefined {
    return this.#due.next;
  }

  get counters(): Readonly<Record<string, number>> {
    return { ...this.#counters, radiusDiscarded: this.#discarded };
  }

  ask(subject: Subject, attributes: readonly RadiusAttribute[], now: Instant): Output[] {
    if (this.#exchanges.size === mostOutstanding) {
      this.#queue.push([subject, attributes]);
      return [];
    }
    const identifier = this.#freeIdentifier();
    const nothing = new Uint8Array(0);
    const exchange = { subject, attributes, identifier, server: 0, transmissions: 0, timeout: undefined };
    this.#exchanges.set(identifier, { ...exchange, authenticator: nothing, octets: nothing });
    this.#counters.radiusRequests++;
    return this.#begin(this.#exchanges.get(identifier) as Exchange<Subject>, now);
  }

  /** Undefined: the packet is no answer of a server, or to nothing that was asked here. */
  receive({ source, payload }: Packet, now: Instant): (Answered<Subject> & { outputs: Output[] }) | undefined {
    if (payload.kind !== 'udp' || payload.destinationPort !== radiusClientPort) return undefined;
    const exchange = this.#exchanges.get(payload.data[1]);
    const asked = exchange && this.#servers[exchange.server].address === source && payload.sourcePort === radiusPort;
    const answer = asked ? this.#read(exchange, payload.data) : undefined;
    if (!exchange || !answer) {
      this.#discarded++;
      return undefined;
    }
    this.#counters.radiusAnswers++;
    return { subject: exchange.subject, answer, outputs: this.#end(exchange, now) };
  }

  /** What no server answered, and what goes out again. */
  tick(now: Instant): { outputs: Output[]; failed: Answered<Subject>[] } {
    const outputs: Output[] = [];
    const failed: Answered<Subject>[] = [];
    for (const identifier of [...this.#due.takeDue(now)]) {
      const exchange = this.#exchanges.get(identifier);
      if (!exchange) continue;
      if (exchange.transmissions < repetition.transmissions) {
        this.#counters.radiusRetransmissions++;
        outputs.push(...this.#transmit(exchange, now));
      } else if (++exchange.server < this.#servers.length) outputs.push(...this.#begin(exchange, now));
      else {
        this.#counters.radiusUnanswered++;
        outputs.push(...this.#end(exchange, now), this.#silence());
        failed.push({ subject: exchange.subject, answer: undefined });
      }
    }
    return { outputs, failed };
  }

  #silence(): Output {
    const servers = this.#servers.map(({ address }) => formatAddress(address)).join(', ');
    return {
      kind: 'trace',
      event: { event: 'failed', peer: this.#servers[0].address, reason: `no AAA server answers (${servers})` },
    };
  }

  /** With another server the request is another: it has another secret. */
  #begin(exchange: Exchange<Subject>, now: Instant): Output[] {
    const { attributes, identifier } = exchange;
    exchange.authenticator = randomBytes(this.#environment.random, 16);
    const request = { kind: 'accessRequest', identifier, authenticator: exchange.authenticator } as const;
    const nas = { kind: 'nasIpv6Address', address: this.#address } as const;
    const { secret } = this.#servers[exchange.server];
    exchange.octets = encodeRequest({ ...request, attributes: [...attributes, nas] }, secret);
    exchange.transmissions = 0;
    exchange.timeout = undefined;
    return this.#transmit(exchange, now);
  }

  #transmit(exchange: Exchange<Subject>, now: Instant): Output[] {
    exchange.transmissions++;
    exchange.timeout = nextTimeout(repetition, exchange.timeout, this.#environment.random);
    this.#due.set(exchange.identifier, now + exchange.timeout);
    const ports = { sourcePort: radiusClientPort, destinationPort: radiusPort };
    const payload = { kind: 'udp', ...ports, data: exchange.octets } as const;
    const destination = this.#servers[exchange.server].address;
    return [{ kind: 'send', packet: { source: this.#address, destination, hopLimit: defaultHopLimit, payload } }];
  }

  #read({ server, authenticator }: Exchange<Subject>, octets: Uint8Array): RadiusAnswer | undefined {
    const { secret } = this.#servers[server];
    try {
      const message = decodeRadius(octets);
      if (message.kind === 'unknown' || message.kind === 'accessRequest') return undefined;
      if (!isAuthenticAnswer(octets, authenticator, secret)) return undefined;
      const { kind, attributes } = message;
      const key = (wanted: MicrosoftAttribute['kind']) => keyIn(attributes, wanted, authenticator, secret);
      return { kind, attributes, key };
    } catch (error) {
      if (error instanceof DecodeError) return undefined;
      throw error;
    }
  }

  #end({ identifier }: Exchange<Subject>, now: Instant): Output[] {
    this.#exchanges.delete(identifier);
    this.#due.clear(identifier);
    const next = this.#queue.shift();
    return next ? this.ask(...next, now) : [];
  }

  /** The one used longest ago, so that a late answer to another question meets none. */
  #freeIdentifier(): number {
    while (this.#exchanges.has(this.#nextIdentifier))
      this.#nextIdentifier = (this.#nextIdentifier + 1) % mostOutstanding;
    const identifier = this.#nextIdentifier;
    this.#nextIdentifier = (identifier + 1) % mostOutstanding;
    return identifier;
  }
}

function keyIn(
  attributes: readonly RadiusAttribute[],
  kind: MicrosoftAttribute['kind'],
  authenticator: Uint8Array,
  secret: Uint8Array,
): Uint8Array | undefined {
  for (const attribute of microsoftAttributes(attributes))
    if (attribute.kind !== 'unknown' && attribute.kind === kind)
      return openKey(attribute.sealed, attribute.salt, authenticator, secret);
  return undefined;
}
