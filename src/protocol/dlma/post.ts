import { type Address, isRoutableUnicast } from '../../base/address.js';
import { Deadlines } from '../../base/deadlines.js';
import { type Instant, second } from '../../base/time.js';
import { defaultHopLimit, effectiveSource } from '../../wire/ipv6/packet.js';
import { Counters } from '../anchor/counters.js';
import { type PeerSettings, Peers, type UpdateRate } from '../anchor/peers.js';
import type { Environment, Input } from '../contract.js';
import { Recent } from '../security/recent.js';
import { readMessage, writeMessage } from './codec.js';
import type { LmaFunction, Post, Turn } from './function.js';
import { exchangeKey, type Message } from './messages.js';

export interface PostSettings {
  readonly address: Address;
  /** LMAs and gateways whose signalling is protected; of others nothing is taken, unless `insecure`. */
  readonly peers: readonly PeerSettings[];
  readonly insecure: boolean;
  /** The LMAs of the domain: what they say goes. Gateways only correct where a mobile is (§5.1.2). */
  readonly anchors: readonly Address[];
  readonly updateRate: UpdateRate;
}

type Kind = Message['kind'];

/** RFC 6275 §11.8, §12: how long an answer is waited for the first time; each time it is twice as long. */
const firstWait = second;
const transmissions = 5;
/** After that a request is given up: the same again is another, whatever its number is. */
const patience = firstWait * (2 ** transmissions - 1);
/** How many requests that came are remembered with their answers, and how many of the node's own may be open. */
const maximumRemembered = 0x1_0000;
const maximumOpen = 0x1_0000;

/** What answers what; a message that is not here is not answered. */
const answerOf: { readonly [K in Kind]?: Kind } = {
  registration: 'registered',
  allocation: 'allocated',
  handover: 'handoverAnswer',
  location: 'locationAnswer',
  query: 'location',
};

/** What counters call them. */
const names: { readonly [K in Kind]: string } = {
  registration: 'registrations',
  registered: 'registration_answers',
  allocation: 'allocations',
  allocated: 'allocation_answers',
  handover: 'handovers',
  handoverAnswer: 'handover_answers',
  location: 'locations',
  locationAnswer: 'location_answers',
  bypass: 'bypasses',
  query: 'queries',
};

/** A request without an answer. */
interface Open {
  readonly to: Address;
  readonly message: Message;
  readonly asker: LmaFunction;
  sent: number;
}

/** A request that came, and what was said to it. */
interface Remembered {
  readonly request: Message;
  readonly since: Instant;
  answer: Message | undefined;
}

interface Local {
  readonly message: Message;
  /** Who hears of it if no function takes it. */
  readonly asker: LmaFunction | undefined;
}

/**
 * Carries messages between the functions of one node and those of others. What is for the node itself is handed over in
 * {@link deliver}, which the node calls at the end of every turn, so that no function is entered while it is at work.
 */
export class PostOffice implements Post {
  readonly counters = new Counters();
  readonly #settings: PostSettings;
  readonly #functions: readonly LmaFunction[];
  readonly #peers: Peers;
  readonly #anchors: ReadonlySet<Address>;
  readonly #known: ReadonlySet<Address | undefined>;
  readonly #sequences = new Map<Address, number>();
  readonly #firstSequence: () => number;
  readonly #open = new Map<string, Open>();
  readonly #deadlines = new Deadlines<string>();
  readonly #remembered = new Recent<Remembered>(patience);
  #local: Local[] = [];

  /** `functions` may be filled after this: it is read when messages come. */
  constructor(settings: PostSettings, environment: Environment, functions: readonly LmaFunction[]) {
    this.#settings = settings;
    this.#functions = functions;
    this.#peers = new Peers(settings.peers, settings.insecure, settings.updateRate);
    this.#anchors = new Set(settings.anchors);
    this.#known = new Set([settings.address, ...settings.peers.map(({ address }) => address)]);
    this.#firstSequence = () => environment.random.uint32() & 0xffff;
  }

  isAnchor(address: Address): boolean {
    return this.#anchors.has(address);
  }

  sequence(to: Address): number {
    const sequence = this.#sequences.get(to) ?? this.#firstSequence();
    this.#sequences.set(to, (sequence + 1) & 0xffff);
    return sequence;
  }

  tell(to: Address, message: Message, turn: Turn): void {
    if (to === this.#settings.address) {
      this.#local.push({ message, asker: undefined });
      return;
    }
    const asked = this.#requestOf(to, message, turn.now);
    if (asked) asked.answer = message;
    this.#count(message.kind, 'sent');
    this.#send(to, message, turn);
  }

  ask(to: Address, message: Message, asker: LmaFunction, turn: Turn): void {
    if (to === this.#settings.address) {
      this.#local.push({ message, asker });
      return;
    }
    if (this.#open.size >= maximumOpen) return this.#unanswered({ to, message, asker, sent: 0 }, turn);
    const key = keyOf(to, message.kind, message.sequence);
    this.#open.set(key, { to, message, asker, sent: 1 });
    this.#deadlines.set(key, turn.now + firstWait);
    this.#count(message.kind, 'sent');
    this.#send(to, message, turn);
  }

  /** Takes a packet that is a message of the domain, or pretends to be one; false: it is none. */
  receive({ packet, association }: Extract<Input, { kind: 'packet' }>, turn: Turn): boolean {
    if (packet.payload.kind !== 'mobility') return false;
    const message = readMessage(packet.payload.message);
    if (!message) return false;
    const from = packet.source;
    const peer = effectiveSource(packet) === from ? this.#peers.sender(from, association) : undefined;
    if (!peer || !isRoutableUnicast(from)) this.#discard(from, 'unprotected', turn);
    else if (!peer.budget.take(turn.now)) this.#discard(from, 'rate', turn);
    else if (!this.#maySay(from, message)) this.#discard(from, 'notOfDomain', turn);
    else this.#take(from, message, turn);
    return true;
  }

  /** Hands over what is for this node; what comes of that too. */
  deliver(turn: Turn): void {
    for (let next = this.#local.shift(); next; next = this.#local.shift()) {
      const { message, asker } = next;
      if (this.#hand(message, this.#settings.address, turn)) continue;
      this.counters.add(`discarded_untaken`);
      asker?.unanswered?.(message, this.#settings.address, turn);
    }
  }

  get deadline(): Instant | undefined {
    return this.#deadlines.next;
  }

  /** Sends again what was not answered, and gives up what was sent often enough. */
  tick(turn: Turn): void {
    for (const key of this.#deadlines.takeDue(turn.now)) {
      const open = this.#open.get(key);
      if (!open) continue;
      if (open.sent === transmissions) {
        this.#open.delete(key);
        this.#unanswered(open, turn);
        continue;
      }
      this.#deadlines.set(key, turn.now + firstWait * 2 ** open.sent);
      open.sent++;
      this.#count(open.message.kind, 'repeated');
      this.#send(open.to, open.message, turn);
    }
  }

  /** The gateways of mobiles may say to which of the others these have gone, and nothing else (§5.1.2, §9). */
  #maySay(from: Address, message: Message): boolean {
    if (this.isAnchor(from)) return true;
    if (message.kind !== 'location' || message.answered || message.replies) return false;
    const { kind, address } = message.to;
    return kind === 'anchor' ? this.isAnchor(address) : this.#settings.insecure || this.#known.has(address);
  }

  #take(from: Address, message: Message, turn: Turn): void {
    this.#count(message.kind, 'received');
    if (isAnswer(message)) {
      if (!this.#answered(from, message)) return this.#discard(from, 'notAsked', turn);
    } else if (isRequest(message) && this.#isRepeated(from, message, turn)) return;
    if (!this.#hand(message, from, turn)) this.#discard(from, 'untaken', turn);
  }

  /** Whether that answers a request of this node, which is over then. */
  #answered(from: Address, message: Message): boolean {
    for (const kind of askedBy(message.kind)) {
      const key = keyOf(from, kind, message.sequence);
      if (!this.#open.delete(key)) continue;
      this.#deadlines.clear(key);
      return true;
    }
    return false;
  }

  /** A request that came before is answered as it was, or left to who is at it. */
  #isRepeated(from: Address, request: Message, turn: Turn): boolean {
    const key = keyOf(from, request.kind, request.sequence);
    const before = this.#remembered.get(key, turn.now);
    if (before && turn.now - before.since <= patience && JSON.stringify(before.request) === JSON.stringify(request)) {
      this.counters.add('requests_repeated');
      if (before.answer) this.#send(from, before.answer, turn);
      return true;
    }
    // Functions answer again as before, too: what is not remembered takes longer, no more.
    if (this.#remembered.size < maximumRemembered)
      this.#remembered.set(key, { request, since: turn.now, answer: undefined }, turn.now);
    return false;
  }

  #requestOf(to: Address, answer: Message, now: Instant): Remembered | undefined {
    if (!isAnswer(answer)) return undefined;
    for (const kind of askedBy(answer.kind)) {
      const remembered = this.#remembered.get(keyOf(to, kind, answer.sequence), now);
      if (remembered) return remembered;
    }
    return undefined;
  }

  #hand(message: Message, from: Address, turn: Turn): boolean {
    return this.#functions.some(one => one.handle(message, from, turn));
  }

  #unanswered({ to, message, asker }: Open, turn: Turn): void {
    this.#count(message.kind, 'unanswered');
    turn.outputs.push({ kind: 'trace', event: { event: 'failed', peer: to, reason: `${message.kind} not answered` } });
    asker.unanswered?.(message, to, turn);
  }

  #send(to: Address, message: Message, { outputs }: Turn): void {
    const payload = { kind: 'mobility', message: writeMessage(message) } as const;
    const packet = { source: this.#settings.address, destination: to, hopLimit: defaultHopLimit, payload };
    outputs.push({ kind: 'send', packet });
  }

  #count(kind: Kind, what: 'sent' | 'repeated' | 'received' | 'unanswered'): void {
    this.counters.add(`${names[kind]}_${what}`);
  }

  #discard(peer: Address, reason: string, { outputs }: Turn): void {
    this.counters.add(`discarded_${reason}`);
    outputs.push({ kind: 'trace', event: { event: 'discarded', peer, reason } });
  }
}

/** A `location` is one where it replies to a query. */
function isAnswer(message: Message): boolean {
  if (message.kind === 'location') return message.replies === true;
  return Object.values(answerOf).includes(message.kind);
}

function isRequest(message: Message): boolean {
  return message.kind === 'location' ? message.answered : answerOf[message.kind] !== undefined;
}

function askedBy(answer: Kind): Kind[] {
  return (Object.keys(answerOf) as Kind[]).filter(kind => answerOf[kind] === answer);
}

function keyOf(peer: Address, kind: Kind, sequence: number): string {
  return exchangeKey(peer, sequence) + kind;
}
