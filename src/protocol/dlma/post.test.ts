import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAddress, parseAddress } from '../../base/address.js';
import { parsePrefix } from '../../base/prefix.js';
import { seededRandom } from '../../base/random.js';
import { milliseconds, seconds, wallClockFrom } from '../../base/time.js';
import { defaultHopLimit } from '../../wire/ipv6/packet.js';
import type { Output } from '../contract.js';
import { readMessage, writeMessage } from './codec.js';
import type { LmaFunction } from './function.js';
import type { Message } from './messages.js';
import { PostOffice } from './post.js';

const own = parseAddress('2001:db8:a::1');
const other = parseAddress('2001:db8:b::1');
const gateway = parseAddress('2001:db8:b::2');
const stranger = parseAddress('2001:db8:bad::1');
const homes = [parsePrefix('2001:db8:1:1::/64')];
const about = { identity: 'alice@example.org', homes };
const registration = {
  kind: 'registration',
  ...about,
  sequence: 5,
  timestampMs: 1000,
  lifetimeS: 60,
  anchor: other,
} as const;
const handover = { kind: 'handover', ...about, sequence: 6, timestampMs: 1000, lifetimeS: 12, anchor: other } as const;
const registered = { kind: 'registered', ...about, sequence: 5, status: 0, timestampMs: 1000, lifetimeS: 60 } as const;
const location = {
  kind: 'location',
  homes,
  sequence: 1,
  timestampMs: 1000,
  lifetimeS: 60,
  to: { kind: 'gateway', address: gateway },
  answered: false,
} as const;

/** A post office with one function that notes what it hears and says what it is told to. */
function office({ perSecond = 1000, insecure = false } = {}) {
  const heard: string[] = [];
  const unanswered: string[] = [];
  const sent: { to: string; message: Message | undefined }[] = [];
  const traces: string[] = [];
  let reply: Message | undefined;
  const turnAt = (now: number) => ({ now, outputs: [] as Output[] });
  const one: LmaFunction = {
    deadline: undefined,
    tick() {},
    handle(message, from, turn) {
      heard.push(`${message.kind} ${formatAddress(from)}`);
      if (reply) post.tell(from, reply, turn);
      return message.kind !== 'query';
    },
    unanswered: (message, to) => unanswered.push(`${message.kind} ${formatAddress(to)}`),
  };
  const peers = [other, gateway].map(address => ({ address }));
  const updateRate = { perSecond, burst: perSecond };
  const environment = { random: seededRandom(1), clock: wallClockFrom(0) };
  const post = new PostOffice({ address: own, peers, insecure, anchors: [own, other], updateRate }, environment, [one]);
  function take(outputs: readonly Output[]): void {
    for (const output of outputs) {
      if (output.kind === 'trace' && 'reason' in output.event) traces.push(`${output.event.reason}`);
      if (output.kind !== 'send' || output.packet.payload.kind !== 'mobility') continue;
      sent.push({ to: formatAddress(output.packet.destination), message: readMessage(output.packet.payload.message) });
    }
  }
  return {
    post,
    one,
    heard,
    unanswered,
    sent,
    traces,
    answerWith: (message: Message | undefined) => {
      reply = message;
    },
    at(now: number, act: (turn: { now: number; outputs: Output[] }) => void) {
      const turn = turnAt(now);
      act(turn);
      post.deliver(turn);
      take(turn.outputs);
    },
    receive(message: Message, from = other, { unprotected = false, now = 0 } = {}) {
      const payload = { kind: 'mobility', message: writeMessage(message) } as const;
      const packet = { source: from, destination: own, hopLimit: defaultHopLimit, payload };
      const turn = turnAt(now);
      const taken = post.receive({ kind: 'packet', packet, ...(!unprotected && { association: 'known' }) }, turn);
      post.deliver(turn);
      take(turn.outputs);
      return taken;
    },
  };
}

test('RFC 6275 §11.8: a request is repeated after 1, 2, 4 and 8 seconds, and given up after 16 more', () => {
  const world = office();
  world.at(0, turn => world.post.ask(other, registration, world.one, turn));
  const times = [0];
  for (let at = world.post.deadline; at !== undefined; at = world.post.deadline) {
    const before = world.sent.length;
    world.at(at, turn => world.post.tick(turn));
    if (world.sent.length > before) times.push(at);
    else assert.equal(at, seconds(31));
  }
  assert.deepEqual(times, [0, 1, 3, 7, 15].map(seconds));
  assert.deepEqual(world.unanswered, ['registration 2001:db8:b::1']);
  assert.equal(world.post.counters.values.registrations_sent, 1);
  assert.equal(world.post.counters.values.registrations_repeated, 4);
  assert.equal(world.post.counters.values.registrations_unanswered, 1);
});

test('an answer ends the repeating, once; what nobody asked for is dropped', () => {
  const world = office();
  world.at(0, turn => world.post.ask(other, registration, world.one, turn));
  world.receive(registered, gateway);
  world.receive({ ...registered, sequence: 6 });
  assert.deepEqual(world.heard, []);
  world.receive(registered);
  world.receive(registered);
  assert.deepEqual(world.heard, ['registered 2001:db8:b::1']);
  assert.deepEqual(world.traces, ['notOfDomain', 'notAsked', 'notAsked']);
  assert.equal(world.post.deadline, undefined);
});

test('a request that comes again is answered from memory, and left alone while it has no answer', () => {
  const world = office();
  world.receive(registration);
  world.receive(registration);
  assert.deepEqual(world.heard, ['registration 2001:db8:b::1']);
  world.at(0, turn => world.post.tell(other, registered, turn));
  world.receive(registration);
  assert.deepEqual(
    world.sent.map(({ message }) => message),
    [registered, registered],
  );
  assert.equal(world.heard.length, 1);
  world.receive({ ...registration, timestampMs: 2000 });
  assert.equal(world.heard.length, 2);
  world.receive({ ...registration, timestampMs: 2000 }, other, { now: seconds(31) });
  assert.equal(world.heard.length, 2);
  world.receive({ ...registration, timestampMs: 2000 }, other, { now: seconds(32) });
  assert.equal(world.heard.length, 3);
});

test('what is for the node itself is handed over without a packet, and not before its function is done', () => {
  const world = office();
  world.at(0, turn => {
    world.post.ask(own, registration, world.one, turn);
    assert.deepEqual(world.heard, []);
  });
  world.at(0, turn => world.post.ask(own, { kind: 'query', sequence: 1, home: own }, world.one, turn));
  assert.deepEqual(world.heard, ['registration 2001:db8:a::1', 'query 2001:db8:a::1']);
  assert.deepEqual(world.unanswered, ['query 2001:db8:a::1']);
  assert.deepEqual(world.sent, []);
});

test('C03-9-01, C03-9-02: who is no LMA of the domain registers nothing, hands nothing over, and is told nothing', () => {
  const world = office();
  world.answerWith(registered);
  for (const message of [registration, handover, location] as const) {
    assert.equal(world.receive(message, stranger), true);
    assert.equal(world.receive(message, other, { unprotected: true }), true);
  }
  for (const message of [registration, handover, { ...location, answered: true }] as const)
    world.receive(message, gateway);
  assert.deepEqual(world.heard, []);
  assert.deepEqual(world.sent, []);
  world.receive({ ...location, to: { kind: 'gateway', address: stranger } }, gateway);
  world.receive({ ...location, to: { kind: 'anchor', address: stranger } }, gateway);
  assert.deepEqual(world.heard, []);
  world.receive(location, gateway);
  assert.deepEqual(world.heard, ['location 2001:db8:b::2']);
});

test('C03-9-01: an LMA that is not of the domain stays out even where signalling is not protected', () => {
  const world = office({ insecure: true });
  world.receive(registration, stranger, { unprotected: true });
  assert.deepEqual(world.heard, []);
  world.receive(registration, other, { unprotected: true });
  assert.deepEqual(world.heard, ['registration 2001:db8:b::1']);
});

test('C03-9-02: an LMA that floods is listened to as often as the rate allows, and the others as before', () => {
  const world = office({ perSecond: 10 });
  for (let sequence = 0; sequence < 1000; sequence++) world.receive({ ...registration, sequence });
  assert.equal(world.heard.length, 10);
  assert.equal(world.post.counters.values.discarded_rate, 990);
  world.receive(location, gateway);
  assert.equal(world.heard.length, 11);
  world.receive({ ...registration, sequence: 2000 }, other, { now: milliseconds(100) });
  assert.equal(world.heard.length, 12);
});
