import { type Address, formatAddress } from '../../base/address.js';
import { type Prefix, prefixContains } from '../../base/prefix.js';
import { type Instant, seconds } from '../../base/time.js';
import { effectiveSource, type Packet } from '../../wire/ipv6/packet.js';
import { findOption } from '../../wire/mobility/options.js';
import { findAttribute } from '../../wire/radius/attributes.js';
import { TokenBucket } from '../anchor/peers.js';
import type { AssociationId, Environment, Input, Output, Row, StoredRecord } from '../contract.js';
import type { Association } from '../security/association.js';
import type { Admission, Associations, Keyring } from '../security/associations.js';
import { espHeader } from '../security/esp.js';
import { Recent } from '../security/recent.js';
import { AuthorisedClients } from './authorised-clients.js';
import { type Dynamic, DynamicAssociations, type End } from './dynamic-associations.js';
import { clientsOf, deliveredKeys, type KeyQuestion, questionAttributes } from './key-attributes.js';
import type { KeyedSettings } from './keyed.js';
import { type Answered, RadiusClient } from './radius-client.js';

type PacketInput = Extract<Input, { kind: 'packet' }>;
type Send = Extract<Output, { kind: 'send' }>;
type Unkeyed = Extract<Input, { kind: 'unkeyed' }>;
/** What waits for an answer: to be sent, or to be read. */
export type Kept = Send | PacketInput;

/** Questions that are out, and what is kept for each: what is more is dropped, and comes again. */
const mostPending = 256;
const mostKept = 4;
/** Questions about SPIs that strangers may cause. */
const strangers = { perSecond: 100, burst: 100 };
/** How long nobody asks again what was refused. */
const patience = seconds(10);
/** After so many packets without an answer the other end has forgotten the keys: RFC 6275 §11.8, up to its longest wait. */
const mostUnanswered = 6;

interface Pending {
  readonly question: KeyQuestion;
  readonly kept: Kept[];
}

/** Keys by RADIUS, at a PMIP client or at an anchor. */
export class KeyRing implements Keyring {
  readonly #address: Address;
  readonly #end: End;
  readonly #clientPrefixes: readonly Prefix[] | undefined;
  readonly #checksClients: boolean;
  readonly #radius: RadiusClient<string>;
  readonly #dynamic: DynamicAssociations;
  readonly #authorised = new AuthorisedClients();
  readonly #pending = new Map<string, Pending>();
  readonly #refused = new Recent<string>(patience);
  /** What the engine has to hear: it asked for what is refused. */
  #unkeyed: Unkeyed[] = [];
  readonly #budget = new TokenBucket(strangers);
  readonly #unanswered = new Map<AssociationId, number>();
  /** The last that came without a Home Address option: the answer to it follows. */
  #homeless: { readonly source: Address; readonly dynamic: Dynamic } | undefined;
  readonly #counters = { keysAsked: 0, keysReceived: 0, keysRefused: 0, keysUnanswered: 0, keysDropped: 0 };

  constructor({ address, end, section }: KeyedSettings, environment: Environment) {
    this.#address = address;
    this.#end = end;
    this.#clientPrefixes = section.clients;
    this.#checksClients = section.authorisedClients;
    this.#radius = new RadiusClient(address, section, environment);
    this.#dynamic = new DynamicAssociations(end, environment);
  }

  get associations(): Associations {
    return this.#dynamic.all;
  }

  get deadline(): Instant | undefined {
    return this.#radius.deadline;
  }

  get counters(): Readonly<Record<string, number>> {
    return { ...this.#radius.counters, ...this.#counters };
  }

  *rows(): Generator<Row> {
    for (const { question } of this.#pending.values()) yield { state: 'asked', for: describe(question) };
    for (const { name, keys, homes } of this.#dynamic)
      yield {
        state: 'made',
        for: name,
        client: formatAddress(keys.client),
        anchor: formatAddress(keys.anchor),
        homes: [...homes].map(formatAddress).join(' '),
      };
  }

  forOutgoing({ association, packet }: Send, peer: Address): Association | undefined {
    const { all } = this.#dynamic;
    if (this.#end === 'anchor') {
      if (association !== undefined) return all.named(association);
      const answered = this.#homeless?.source === peer ? this.#homeless.dynamic : undefined;
      return all.at(peer) ?? (this.#dynamic.of(peer) ?? answered)?.association;
    }
    const made = this.#dynamic.with(packet.destination, association)?.association;
    if (association === undefined) return all.at(peer) ?? made;
    const configured = all.named(association);
    return made ?? (configured && !this.#dynamic.has(configured) ? configured : undefined);
  }

  missing(output: Send, now: Instant): Output[] | undefined {
    const { association, packet } = output;
    if (this.#end === 'anchor' || packet.payload.kind !== 'mobility') return undefined;
    const anchor = packet.destination;
    const question: KeyQuestion =
      association === undefined ? { kind: 'client', anchor } : { kind: 'mobile', mobile: association, anchor };
    return this.#ask(question, output, now);
  }

  unknown(input: PacketInput, now: Instant): Output[] | undefined {
    const { packet } = input;
    const spi = packet.payload.kind === 'raw' ? espHeader(packet.payload.data)?.spi : undefined;
    if (this.#end === 'client' || spi === undefined) return undefined;
    if (this.#clientPrefixes && !this.#clientPrefixes.some(prefix => prefixContains(prefix, packet.source)))
      return undefined;
    const question = { kind: 'spi', spi, client: packet.source } as const;
    if (!this.#pending.has(subjectOf(question)) && !this.#budget.take(now)) return this.#drop(packet.source);
    return this.#ask(question, input, now);
  }

  admits(name: AssociationId, input: PacketInput, now: Instant): Admission {
    const { packet } = input;
    const dynamic = this.#end === 'anchor' ? this.#dynamic.receiving(name) : undefined;
    this.#unanswered.delete(name);
    if (!dynamic) return { admitted: true, outputs: [] };
    const home = effectiveSource(packet);
    if (home === packet.source) this.#homeless = { source: home, dynamic };
    return dynamic.keys.mobile === undefined
      ? this.#admitsOfClient(dynamic, home, input, now)
      : this.#admitsOfMobile(dynamic, home, packet);
  }

  /** Something went out under the SPI: of a client that is never answered the other end has lost the keys. */
  sent(spi: number, now: Instant): Output[] {
    const dynamic = this.#end === 'client' ? this.#dynamic.sendingUnder(spi) : undefined;
    if (!dynamic) return [];
    const { name, keys } = dynamic;
    const count = (this.#unanswered.get(name) ?? 0) + 1;
    this.#unanswered.set(name, count);
    if (count <= mostUnanswered) return [];
    this.#unanswered.delete(name);
    const { mobile, anchor } = keys;
    return this.#ask(
      mobile === undefined ? { kind: 'client', anchor } : { kind: 'mobile', mobile, anchor },
      undefined,
      now,
    );
  }

  /** Removes and returns. */
  takeUnkeyed(): Unkeyed[] {
    const taken = this.#unkeyed;
    this.#unkeyed = [];
    return taken;
  }

  restore(records: Iterable<StoredRecord>, now: Instant): StoredRecord[] {
    return this.#authorised.restore(this.#dynamic.restore(records), now);
  }

  /** Answers of servers, and their silence: what to send, and what need not wait any longer. */
  handle(input: Input, now: Instant): { sent: Output[]; released: Kept[] } {
    if (input.kind === 'packet') {
      const answered = this.#radius.receive(input.packet, now);
      if (!answered) return { sent: [], released: [] };
      const { sent, released } = this.#answered(answered, now);
      return { sent: [...answered.outputs, ...sent], released };
    }
    if (input.kind !== 'tick') return { sent: [], released: [] };
    const { outputs, failed } = this.#radius.tick(now);
    const ends = failed.map(answered => this.#answered(answered, now));
    return { sent: [...outputs, ...ends.flatMap(({ sent }) => sent)], released: ends.flatMap(end => end.released) };
  }

  /** A mobile's association is for its own addresses: the one the server named, or those that are no other's. */
  #admitsOfMobile(dynamic: Dynamic, home: Address, packet: Packet): Admission {
    const { mobile, home: own } = dynamic.keys;
    const named = mobileNamed(packet);
    const holder = this.#dynamic.of(home);
    const isOthers = holder !== undefined && holder !== dynamic && holder.keys.mobile !== undefined;
    if (named !== undefined && named !== mobile) return { admitted: false, outputs: [] };
    // Without a Home Address option it has none yet (Appendix A).
    if (home === packet.source) return { admitted: true, outputs: [] };
    if (isOthers || (own !== undefined && home !== own)) return { admitted: false, outputs: [] };
    return { admitted: true, outputs: this.#dynamic.pin(dynamic, home) };
  }

  /** A client's association is for the mobiles that the server says it may register. */
  #admitsOfClient(dynamic: Dynamic, home: Address, input: PacketInput, now: Instant): Admission {
    const pin = () => (home === input.packet.source ? [] : this.#dynamic.pin(dynamic, home));
    if (!this.#checksClients) return { admitted: true, outputs: pin() };
    const mobile = mobileNamed(input.packet) ?? this.#authorised.mobileAt(home);
    if (mobile === undefined) return { admitted: false, outputs: [] };
    const verdict = this.#authorised.judge(mobile, dynamic.keys.client, now);
    if (verdict === 'ask') return { admitted: 'later', outputs: this.#ask({ kind: 'clients', mobile }, input, now) };
    const named = verdict && this.#authorised.name(home, mobile);
    return named ? { admitted: true, outputs: [...named, ...pin()] } : { admitted: false, outputs: [] };
  }

  #ask(question: KeyQuestion, kept: Kept | undefined, now: Instant): Output[] {
    const subject = subjectOf(question);
    const pending = this.#pending.get(subject);
    if (pending) {
      if (kept) pending.kept.push(kept);
      if (pending.kept.length > mostKept) pending.kept.shift();
      return [];
    }
    const refused = this.#refused.get(subject, now);
    if (refused !== undefined || this.#pending.size === mostPending) {
      this.#counters.keysDropped++;
      if (refused !== undefined) this.#tell(question, refused);
      return [failed(question, refused ?? 'too many questions to the AAA server')];
    }
    this.#pending.set(subject, { question, kept: kept ? [kept] : [] });
    this.#counters.keysAsked++;
    return this.#radius.ask(subject, questionAttributes(question), now);
  }

  #answered({ subject, answer }: Answered<string>, now: Instant): { sent: Output[]; released: Kept[] } {
    const pending = this.#pending.get(subject);
    this.#pending.delete(subject);
    if (!pending) return { sent: [], released: [] };
    const { question, kept } = pending;
    if (!answer) {
      this.#counters.keysUnanswered++;
      return { sent: [failed(question, 'no AAA server answers: nothing sent')], released: [] };
    }
    const made = answer.kind === 'accessAccept' ? this.#accepted(question, answer, now) : undefined;
    if (made) {
      this.#counters.keysReceived++;
      return { sent: made, released: kept };
    }
    this.#counters.keysRefused++;
    const reason = findAttribute(answer.attributes, 'replyMessage')?.text ?? 'an answer without what was asked for';
    this.#refused.set(subject, reason, now);
    this.#tell(question, reason);
    return { sent: [failed(question, reason)], released: [] };
  }

  /** Undefined: the answer is not to that question. */
  #accepted(
    question: KeyQuestion,
    answer: NonNullable<Answered<string>['answer']>,
    now: Instant,
  ): Output[] | undefined {
    if (question.kind === 'clients') return this.#authorised.learn(question.mobile, clientsOf(answer.attributes), now);
    const keys = deliveredKeys(answer);
    if (!keys) return undefined;
    const fits =
      question.kind === 'spi'
        ? keys.anchor === this.#address && keys.client === question.client && keys.inbound.spi === question.spi
        : keys.client === this.#address && keys.anchor === question.anchor && keys.mobile === mobileOf(question);
    return fits ? this.#dynamic.add(keys) : undefined;
  }

  #tell(question: KeyQuestion, reason: string): void {
    if (question.kind !== 'mobile') return;
    this.#unkeyed.push({ kind: 'unkeyed', association: question.mobile, peer: question.anchor, reason });
  }

  #drop(peer: Address): Output[] {
    this.#counters.keysDropped++;
    return [{ kind: 'trace', event: { event: 'discarded', peer, reason: 'too many unknown SPIs' } }];
  }
}

function subjectOf(question: KeyQuestion): string {
  switch (question.kind) {
    case 'mobile':
      return `mobile ${question.anchor} ${question.mobile}`;
    case 'client':
      return `client ${question.anchor}`;
    case 'spi':
      return `spi ${question.client} ${question.spi}`;
    case 'clients':
      return `clients ${question.mobile}`;
  }
}

function describe(question: KeyQuestion): string {
  switch (question.kind) {
    case 'mobile':
      return question.mobile;
    case 'client':
      return `all mobiles at ${formatAddress(question.anchor)}`;
    case 'spi':
      return `SPI ${question.spi} of ${formatAddress(question.client)}`;
    case 'clients':
      return `the clients of ${question.mobile}`;
  }
}

function failed(question: KeyQuestion, reason: string): Output {
  const text = `keys for ${describe(question)}: ${reason}`;
  switch (question.kind) {
    case 'mobile':
      return {
        kind: 'trace',
        event: { event: 'failed', peer: question.anchor, identity: question.mobile, reason: text },
      };
    case 'client':
      return { kind: 'trace', event: { event: 'failed', peer: question.anchor, reason: text } };
    case 'spi':
      return { kind: 'trace', event: { event: 'failed', peer: question.client, reason: text } };
    case 'clients':
      return { kind: 'trace', event: { event: 'failed', identity: question.mobile, reason: text } };
  }
}

function mobileOf(question: KeyQuestion): string | undefined {
  return question.kind === 'mobile' ? question.mobile : undefined;
}

/** The mobile that a Binding Update names. */
function mobileNamed({ payload }: Packet): string | undefined {
  const message = payload.kind === 'mobility' ? payload.message : undefined;
  return message?.kind === 'bindingUpdate'
    ? findOption(message.options, 'mobileNodeIdentifier')?.identifier
    : undefined;
}
