import { type Address, parseAddress } from '../../src/base/address.js';
import { formatPrefix, type Prefix, parsePrefix } from '../../src/base/prefix.js';
import { seededRandom } from '../../src/base/random.js';
import { earliest, type Instant, wallClockFrom } from '../../src/base/time.js';
import { Counters } from '../../src/protocol/anchor/counters.js';
import type { AccessOutcome, Input, Output, StoredRecord } from '../../src/protocol/contract.js';
import { Allocation } from '../../src/protocol/dlma/allocation.js';
import { readMessage } from '../../src/protocol/dlma/codec.js';
import { type DomainEntry, domainOf } from '../../src/protocol/dlma/domain.js';
import type { LmaFunction, Turn } from '../../src/protocol/dlma/function.js';
import { LocationManagement } from '../../src/protocol/dlma/location.js';
import type { Message } from '../../src/protocol/dlma/messages.js';
import { PostOffice } from '../../src/protocol/dlma/post.js';
import type { Packet } from '../../src/wire/ipv6/packet.js';

export type MessageOf<K extends Message['kind']> = Extract<Message, { kind: K }>;

/** A network of the domain whose functions stand where they are said to, or at its LMA. */
export function network(
  lma: string,
  prefixes: readonly string[],
  places: Partial<Record<Place, string>> = {},
): DomainEntry {
  const at = (place: Place) => parseAddress(places[place] ?? lma);
  return {
    prefixes: prefixes.map(parsePrefix),
    lma: parseAddress(lma),
    allocation: at('allocation'),
    location: at('location'),
    routing: at('routing'),
    realms: [],
  };
}
type Place = 'allocation' | 'location' | 'routing';

export interface FunctionSettings {
  readonly entries: readonly DomainEntry[];
  readonly records?: 'anchor' | 'gateway';
  readonly told?: readonly string[];
  readonly previousS?: number;
  readonly homeLength?: number;
  readonly maximumHomes?: number;
  /** What AAA says of a mobile; undefined: nobody is asked. */
  readonly outcome?: (identity: string) => AccessOutcome;
}

/** A node with the functions of location management and allocation, and one that notes what mobility routing and anchoring would hear. */
export interface FunctionNode {
  readonly post: PostOffice;
  readonly heard: Message[];
  readonly ask: (to: string, message: Message) => void;
  readonly location: LocationManagement;
  readonly allocation: Allocation;
  readonly counters: Counters;
}

const listened: ReadonlySet<Message['kind']> = new Set([
  'registered',
  'location',
  'handover',
  'handoverAnswer',
  'bypass',
]);

/** Nodes whose messages reach each other at once, unless they are lost. */
export class Functions {
  now: Instant = 0;
  /** What gets lost. */
  lost: (packet: Packet, message: Message | undefined) => boolean = () => false;
  readonly sent: Message[] = [];
  readonly #settings: FunctionSettings;
  #started = 0;
  readonly #nodes = new Map<Address, FunctionNode & { readonly functions: LmaFunction[] }>();
  readonly #stores = new Map<Address, Map<string, unknown>>();

  constructor(settings: FunctionSettings) {
    this.#settings = settings;
    for (const { lma, allocation, location, routing } of settings.entries)
      for (const address of [lma, allocation, location, routing]) if (!this.#nodes.has(address)) this.start(address);
  }

  node(text: string): FunctionNode {
    const node = this.#nodes.get(parseAddress(text));
    if (!node) throw new RangeError(`no node ${text}`);
    return node;
  }

  /** It has crashed, and comes back with what it had stored, or with nothing. */
  restart(text: string, { forgets = false } = {}): void {
    if (forgets) this.#stores.delete(parseAddress(text));
    this.start(parseAddress(text));
  }

  start(address: Address): void {
    const node = this.#node(address);
    this.#nodes.set(address, node);
    const store = this.#stores.get(address) ?? new Map<string, unknown>();
    this.#stores.set(address, store);
    const records: StoredRecord[] = [...store].map(([key, value]) => ({ key, value }));
    this.#turn(address, turn => {
      for (const one of node.functions) one.restore?.(records, turn);
    });
  }

  stored(text: string): string[] {
    return [...(this.#stores.get(parseAddress(text))?.keys() ?? [])].sort();
  }

  receive(packet: Packet, association = 'known'): void {
    const { destination } = packet;
    if (!this.#nodes.has(destination)) return;
    this.#turn(destination, turn => this.#at(destination).post.receive({ kind: 'packet', packet, association }, turn));
  }

  /** Lets time pass, timers included. */
  run(until: Instant): void {
    for (;;) {
      let next: Instant | undefined;
      for (const { post, functions } of this.#nodes.values())
        next = [post.deadline, ...functions.map(one => one.deadline)].reduce(earliest, next);
      if (next === undefined || next > until) break;
      this.now = Math.max(this.now, next);
      for (const [address, { post, functions }] of this.#nodes)
        this.#turn(address, turn => {
          post.tick(turn);
          for (const one of functions) one.tick(turn);
        });
    }
    this.now = until;
  }

  #at(address: Address) {
    return this.#nodes.get(address) as FunctionNode & { readonly functions: LmaFunction[] };
  }

  #node(address: Address): FunctionNode & { readonly functions: LmaFunction[] } {
    const {
      entries,
      records = 'anchor',
      told = [],
      previousS = 10,
      homeLength = 64,
      maximumHomes = 1e6,
    } = this.#settings;
    const environment = { random: seededRandom(++this.#started), clock: wallClockFrom(1000) };
    const domain = domainOf(entries);
    const functions: LmaFunction[] = [];
    const counters = new Counters();
    const post = new PostOffice(
      {
        address,
        peers: [...this.#anchors()].map(peer => ({ address: peer })),
        insecure: false,
        anchors: [...this.#anchors()],
        updateRate: { perSecond: 1e6, burst: 1e6 },
      },
      environment,
      functions,
    );
    const asksAaa = this.#settings.outcome !== undefined;
    const allocation = new Allocation(
      { address, domain, homeLength, asksAaa, maximumHomes },
      environment,
      post,
      counters,
    );
    const place = { address, domain, homeLength, records, told: told.map(parseAddress), previousS };
    const limits = { maximumLifetimeS: 3600, maximumRecords: 1e6 };
    const location = new LocationManagement({ ...place, ...limits }, environment, post, counters);
    const heard: Message[] = [];
    const listener = listenerOf(post, heard);
    functions.push(location, allocation, listener);
    const ask = (to: string, message: Message) =>
      this.#turn(address, turn => {
        const destination = parseAddress(to);
        post.ask(destination, { ...message, sequence: post.sequence(destination) }, listener, turn);
      });
    return { post, heard, ask, location, allocation, counters, functions };
  }

  #anchors(): Set<Address> {
    return new Set(
      this.#settings.entries.flatMap(({ lma, allocation, location, routing }) => [lma, allocation, location, routing]),
    );
  }

  #turn(address: Address, act: (turn: Turn) => void): void {
    const outputs: Output[] = [];
    const turn = { now: this.now, outputs };
    act(turn);
    this.#at(address)?.post.deliver(turn);
    for (const output of outputs) this.#do(address, output);
  }

  #do(address: Address, output: Output): void {
    if (output.kind === 'store') {
      const store = this.#stores.get(address);
      if (output.value === undefined) store?.delete(output.key);
      else store?.set(output.key, JSON.parse(JSON.stringify(output.value)));
    }
    if (output.kind === 'authenticate') this.#authenticate(address, output.transaction, output.identity ?? '');
    if (output.kind !== 'send' || output.packet.payload.kind !== 'mobility') return;
    const message = readMessage(output.packet.payload.message);
    if (message) this.sent.push(message);
    if (!this.lost(output.packet, message)) this.receive(output.packet);
  }

  #authenticate(address: Address, transaction: number, identity: string): void {
    const outcome = this.#settings.outcome?.(identity);
    if (!outcome) return;
    const input: Input = { kind: 'profile', transaction, outcome };
    this.#turn(address, turn => {
      for (const one of this.#at(address).functions) one.input?.(input, turn);
    });
  }
}

/** What a home is registered with. */
export function registration(
  identity: string,
  anchor: string,
  timestampMs: number,
  fields: Partial<MessageOf<'registration'>> = {},
): MessageOf<'registration'> {
  const place = { anchor: parseAddress(anchor), timestampMs, lifetimeS: 300 };
  return { kind: 'registration', sequence: 0, identity, homes: [], ...place, ...fields };
}

export function homesOf(texts: readonly string[]): Prefix[] {
  return texts.map(parsePrefix);
}

/** The answers that a node heard, as text: `0 2001:db8:1::/64 ← anchor`. */
export function answersAt({ heard }: FunctionNode): string[] {
  return heard.flatMap(message =>
    message.kind === 'registered' ? [`${message.status} ${message.homes.map(formatPrefix).join(' ')}`] : [],
  );
}

export function lastAnswer({ heard }: FunctionNode): MessageOf<'registered'> | undefined {
  return heard.findLast(message => message.kind === 'registered');
}

function listenerOf(post: PostOffice, heard: Message[]): LmaFunction {
  return {
    deadline: undefined,
    tick() {},
    handle(message, from, turn) {
      if (!listened.has(message.kind)) return false;
      heard.push(message);
      if (message.kind === 'location' && message.answered)
        post.tell(from, { kind: 'locationAnswer', sequence: message.sequence, homes: message.homes, status: 0 }, turn);
      return true;
    },
  };
}
