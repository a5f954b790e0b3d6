import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Address, formatAddress, parseAddress } from '../../base/address.js';
import { formatPrefix, type Prefix, parsePrefix, prefixEquals } from '../../base/prefix.js';
import { second } from '../../base/time.js';
import type { AnchoredMobile } from './anchored.js';
import type { Post, Turn } from './function.js';
import { JoinedTunnels, type Place } from './joined-tunnels.js';
import type { Message } from './messages.js';
import { type Listener, mayKnow, type PrivacySettings } from './privacy.js';

const [own, otherAnchor, stranger] = ['fd00::1', 'fd00::2', 'fd00::9'].map(parseAddress);
const [gateway1, gateway2, gateway3] = ['fd00::11', 'fd00::12', 'fd00::13'].map(parseAddress);
const source = parsePrefix('fd00:a:0:1::/64');
const home = parsePrefix('fd00:b:0:2::/64');
const open: PrivacySettings = { tellsAnchors: true, tellsGateways: true };
const closed: PrivacySettings = { tellsAnchors: false, tellsGateways: false };
const isAnchor = (address: Address) => address === own || address === otherAnchor;

function mobileAt(gateway: Address, timestampMs = 1000): AnchoredMobile {
  return { identity: 'mn@example', gateway, timestampMs, endsAt: 400 * second };
}

/** `source` is anchored here, at `gateway1`. */
function bench(privacy = open) {
  const anchored: [Prefix, AnchoredMobile][] = [[source, mobileAt(gateway1)]];
  const places: [Prefix, Place][] = [];
  const told: [string, Message][] = [];
  const found = <T>(all: [Prefix, T][], prefix: Prefix) => all.find(([at]) => prefixEquals(at, prefix))?.[1];
  let sequence = 0;
  const post: Post = {
    tell: (to, message) => told.push([formatAddress(to), message]),
    ask: () => assert.fail('nothing has to be answered'),
    sequence: () => sequence++,
    isAnchor,
  };
  const joined = new JoinedTunnels(
    { privacy, idle: 60 * second },
    post,
    { find: prefix => found(anchored, prefix) },
    prefix => found(places, prefix),
  );
  const turn = (at = 0): Turn => ({ now: at * second, outputs: [] });
  /** Bypass messages since the last look: whom, which packets, where to. */
  const said = () =>
    told.splice(0).map(([to, message]) => {
      assert.ok(message.kind === 'bypass');
      const { homes, gateway } = message;
      const from = message.source ? `${formatPrefix(message.source)} > ` : '';
      return `${to}: ${from}${homes.map(formatPrefix)} at ${formatAddress(gateway)}, ${message.timestampMs}, ${message.lifetimeS} s`;
    });
  return { joined, anchored, places, turn, said };
}

const led = 'fd00::11: fd00:a:0:1::/64 > fd00:b:0:2::/64 at fd00::12, 5000, 100 s';
const place = { gateway: gateway2, timestampMs: 5000, endsAt: 100 * second };

test('C03-5.1.1-01, C03-5.4-04: the D-LMA has another LMA of the domain tunnel to the gateway, if that may be known', () => {
  const mobile = mobileAt(gateway1);
  assert.deepEqual(bench().joined.locator(mobile, otherAnchor), { kind: 'gateway', address: gateway1 });
  assert.equal(bench().joined.locator(mobile, stranger), undefined);
  assert.equal(bench(closed).joined.locator(mobile, otherAnchor), undefined);
});

test('C03-5.4-05: the O-LMA tells the gateway of who sends where the gateway of who receives is, once it knows', () => {
  const { joined, places, turn, said } = bench();
  joined.sent(source, home, gateway1, turn());
  assert.deepEqual(said(), [], 'it knows of a D-LMA at most');
  places.push([home, place]);
  joined.located(home, turn());
  assert.deepEqual(said(), [led]);
  joined.sent(source, home, gateway1, turn(20));
  assert.deepEqual(said(), [led.replace('100 s', '80 s')], 'again, since it still comes here');
});

test('C03-5.4-05: where both mobiles are anchored here, each gateway is told of the other; where they are at one, nothing', () => {
  const { joined, anchored, turn, said } = bench();
  anchored.push([home, mobileAt(gateway2, 5000)]);
  joined.sent(source, home, gateway1, turn());
  assert.deepEqual(said(), [led.replace('100 s', '400 s')]);
  anchored[1][1] = mobileAt(gateway1, 6000);
  joined.moved(home, gateway2, turn());
  assert.deepEqual(said(), ['fd00::12: fd00:b:0:2::/64 at fd00::11, 6000, 400 s']);
});

test('C03-5.4-02: of what no mobile of this LMA sends, or where gateways may not know, no gateway is told anything', () => {
  for (const [privacy, sender, gateway] of [
    [open, parsePrefix('2001:db8::/64'), gateway1],
    [open, source, gateway3],
    [{ ...open, tellsGateways: false }, source, gateway1],
  ] as const) {
    const { joined, places, turn, said } = bench(privacy);
    places.push([home, place]);
    joined.sent(sender, home, gateway, turn());
    joined.located(home, turn());
    assert.deepEqual(said(), []);
  }
});

test('C03-5.4-05: a mobile that has gone from the gateway is no reason any more, nor one that has not sent for long', () => {
  const { joined, anchored, places, turn, said } = bench();
  joined.sent(source, home, gateway1, turn());
  places.push([home, place]);
  anchored[0][1] = mobileAt(gateway3);
  joined.located(home, turn());
  assert.deepEqual(said(), []);
  joined.sent(source, home, gateway3, turn());
  assert.equal(said().length, 1);
  assert.equal(joined.deadline, 60 * second);
  joined.tick(60 * second);
  joined.located(home, turn(60));
  assert.deepEqual(said(), []);
  assert.equal(joined.deadline, undefined);
});

test('C03-5.1.2-02: the gateway that a mobile has left is told of the next one, below the same LMA', () => {
  const { joined, anchored, turn, said } = bench();
  anchored[0][1] = mobileAt(gateway3, 7000);
  joined.moved(source, gateway1, turn());
  assert.deepEqual(said(), ['fd00::11: fd00:a:0:1::/64 at fd00::13, 7000, 400 s']);
  const private_ = bench({ ...open, tellsAnchors: false });
  private_.anchored[0][1] = mobileAt(gateway3, 7000);
  private_.joined.moved(source, gateway1, private_.turn());
  assert.deepEqual(private_.said(), [], 'nobody can tunnel there but this LMA');
});

test('C03-5.1.3-06: and of the next one below another LMA, where that one says which', () => {
  const { joined, turn, said } = bench();
  const locator = { kind: 'anchor', address: otherAnchor } as const;
  const gone = { identity: 'mn@example.org', timestampMs: 8000, from: gateway1 };
  joined.left(source, { ...gone, to: { locator, lifetimeS: 300 } }, turn());
  assert.deepEqual(said(), []);
  joined.left(source, { ...gone, to: { locator, gateway: gateway2, lifetimeS: 300 } }, turn());
  assert.deepEqual(said(), ['fd00::11: fd00:a:0:1::/64 at fd00::12, 8000, 300 s']);
});

test('C03-5.1.3-06: also where location management here has heard of it before, which knows of no gateways', () => {
  const gone = { identity: 'mn@example.org', timestampMs: 8000 };
  const to = { locator: { kind: 'anchor', address: otherAnchor }, lifetimeS: 300 } as const;
  const handover = { ...gone, to: { ...to, gateway: gateway2 } };
  const { joined, turn, said } = bench();
  joined.left(source, { ...gone, from: gateway1, to }, turn());
  joined.left(source, { ...handover, timestampMs: 7000 }, turn());
  assert.deepEqual(said(), [], 'of an earlier stay');
  joined.left(source, handover, turn(1));
  assert.deepEqual(said(), ['fd00::11: fd00:a:0:1::/64 at fd00::12, 8000, 300 s']);
  joined.left(source, handover, turn(2));
  joined.left(source, { ...gone, from: gateway1, to }, turn(3));
  joined.tick(63 * second);
  joined.left(source, handover, turn(64));
  assert.deepEqual(said(), [], 'it is told once, and not for ever');
  assert.equal(joined.deadline, undefined);
});

test('C03-5.4-02, C03-5.4-07: who may know what, in every case there is', () => {
  const anchors: Listener[] = [own, stranger].map(address => ({ kind: 'anchor', address }));
  const senders = [mobileAt(gateway1), mobileAt(gateway2), undefined];
  const gateways: Listener[] = senders.map(sender => ({ kind: 'gateway', address: gateway1, sender }));
  const listeners: Listener[] = [...anchors, ...gateways, { kind: 'previousGateway' }];
  const knows = (kind: 'anchor' | 'gateway', privacy: PrivacySettings) =>
    listeners.map(listener => mayKnow(listener, { kind, address: gateway3 }, privacy, isAnchor));
  assert.deepEqual(knows('anchor', closed), [true, false, false, false, false, false]);
  assert.deepEqual(knows('anchor', open), [true, false, false, false, false, false]);
  assert.deepEqual(knows('gateway', closed), [false, false, false, false, false, false]);
  assert.deepEqual(knows('gateway', { ...closed, tellsAnchors: true }), [true, false, false, false, false, true]);
  assert.deepEqual(knows('gateway', { ...closed, tellsGateways: true }), [false, false, true, false, false, false]);
  assert.deepEqual(knows('gateway', open), [true, false, true, false, false, true]);
});
