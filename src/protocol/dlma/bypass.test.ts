import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  anchorAddress,
  GatewayBench,
  gatewayAddress,
  gatewayConfig,
  otherStation,
  revocation,
} from '../../../test/support/gateway.js';
import { environment, epochS } from '../../../test/support/signalling.js';
import { type Address, formatAddress, parseAddress } from '../../base/address.js';
import { formatPrefix, hostPrefix, type Prefix, parsePrefix } from '../../base/prefix.js';
import { second } from '../../base/time.js';
import { Gateway } from '../gateway/gateway.js';
import { magDialect } from '../pmip6/mag.js';
import { withBypass } from './bypass.js';
import { readMessage, writeMessage } from './codec.js';
import type { Message } from './messages.js';

const visitor = parsePrefix('fd00:a:0:7::/64');
const home = parsePrefix('fd00:d:0:9::/64');
const correspondent = parseAddress('fd00:d:0:9::9');
const otherAnchor = parseAddress('fd00:e::2');
const [second2, third] = [parseAddress('fd00:e::12'), parseAddress('fd00:e::13')];
const stranger = parseAddress('fd00:e::99');
const bypass = {
  domain: [parsePrefix('fd00:a::/33'), parsePrefix('fd00:a:8000::/33'), parsePrefix('fd00:d::/32')],
  anchors: [anchorAddress, otherAnchor],
  gateways: [second2, third],
  homeLength: 64,
  idleS: 30,
  previousS: 10,
};

function bench(): GatewayBench {
  const world = environment();
  const config = { ...gatewayConfig, addressesPerMobile: 0, bypass };
  const engine = withBypass(
    config,
    world,
    transfers => new Gateway(config, magDialect({ timestamps: true }, world), world, transfers),
  );
  return new GatewayBench(engine);
}

/** `station` is served with `visitor`. */
function serving(): GatewayBench {
  const b = bench();
  b.attach();
  b.authenticate();
  b.acknowledge({ options: [{ kind: 'homeNetworkPrefix', ...visitor }] });
  return b;
}

function say(b: GatewayBench, from: Address, message: Message): void {
  b.signal(writeMessage(message), from);
}

type Bypass = Extract<Message, { kind: 'bypass' }>;
type Location = Extract<Message, { kind: 'location' }>;
/** So many seconds after the bench began. */
const stampAt = (seconds: number) => (epochS + seconds) * 1000;

/** §5.4: what `visitor` sends to `home` goes to `second2`. */
function lead(more: Partial<Bypass> = {}): Message {
  const told = { homes: [home], source: visitor, gateway: second2, timestampMs: stampAt(1), lifetimeS: 60 };
  return { kind: 'bypass', sequence: 1, ...told, ...more };
}

/** §5.1.2: `visitor` has gone to `second2`. */
function gone(more: Partial<Omit<Bypass, 'source'>> = {}): Message {
  const told = { homes: [visitor], gateway: second2, timestampMs: stampAt(5), lifetimeS: 400 };
  return { kind: 'bypass', sequence: 1, ...told, ...more };
}

function location(to: Address, more: Partial<Location> = {}): Message {
  const told = { homes: [home], timestampMs: stampAt(9), lifetimeS: 100, answered: false };
  return { kind: 'location', sequence: 1, to: { kind: 'gateway', address: to }, ...told, ...more };
}

/** Where rules lead: `to` or `source > to`. */
function ways(b: GatewayBench): Record<string, string> {
  const found: Record<string, string> = {};
  for (const output of b.rules.values()) {
    if (output.kind !== 'forward') continue;
    const { to, from, via, intercepts } = output.rule;
    if (to === undefined) continue;
    const name = `${from ? `${formatPrefix(from)} > ` : ''}${formatPrefix(to)}${intercepts ? ', intercepts' : ''}`;
    found[name] = via.kind === 'tunnel' ? formatAddress(via.remote) : via.kind;
  }
  return found;
}

const served = { 'fd00:a:0:7::/64': 'link' };
const led = (to: Address) => ({ ...served, 'fd00:a:0:7::/64 > fd00:d:0:9::/64, intercepts': formatAddress(to) });
const follows = (to: Address) => ({ 'fd00:a:0:7::/64': formatAddress(to) });

function told(b: GatewayBench): { to: string; message: Message | undefined }[] {
  return b.sends.flatMap(({ packet: { destination, payload } }) =>
    payload.kind === 'mobility' ? [{ to: formatAddress(destination), message: readMessage(payload.message) }] : [],
  );
}

function arrives(b: GatewayBench, destination: Address, by: Address): void {
  const via = { local: gatewayAddress, remote: by };
  b.give({ kind: 'flow', source: parseAddress('fd00:c::c'), destination, via });
}

/** The visitor, to the mobile elsewhere. */
function sends(b: GatewayBench): void {
  b.give({ kind: 'flow', source: visitor.address, destination: correspondent });
}

const addressIn = ({ address }: Prefix) => address;

/** The mobile is elsewhere: the anchor revokes its registration here. */
function leave(b: GatewayBench, atS: number): void {
  b.until(atS);
  b.detach();
  b.signal(revocation(3));
}

test('C03-5.1.1-02: any LMA and any gateway of the domain may tunnel here, what an LMA has intercepted, and nobody else', () => {
  const b = bench();
  b.until(0);
  const ends = [...b.ends.values()].flatMap(output => (output.kind === 'admit' ? [output] : []));
  assert.ok(ends.every(({ intercepted, end }) => intercepted && end.local === gatewayAddress));
  assert.deepEqual(
    new Set(ends.map(({ end }) => `${formatAddress(end.remote)} ${end.to && formatPrefix(end.to)}`)),
    new Set(
      [anchorAddress, otherAnchor, second2, third].flatMap(remote =>
        ['fd00:a::/32', 'fd00:d::/32'].map(to => `${formatAddress(remote)} ${to}`),
      ),
    ),
  );
});

test('C03-5.4-06: by the word of its LMA what a visitor sends to a mobile goes straight to the gateway there, until that is over', () => {
  const b = serving();
  say(b, anchorAddress, lead());
  assert.deepEqual(ways(b), led(second2));
  assert.deepEqual(
    [...b.engine.views.bypasses()],
    [{ source: 'fd00:a:0:7::/64', home: 'fd00:d:0:9::/64', gateway: 'fd00:e::12' }],
  );
  for (const atS of [29, 50]) {
    b.until(atS);
    assert.deepEqual(ways(b), led(second2));
    sends(b);
  }
  b.until(60);
  assert.deepEqual(ways(b), served);
});

test('C03-5.4-06: a direct path that nothing is sent on ends before its time, as what an O-LMA has cached', () => {
  const b = serving();
  say(b, anchorAddress, lead());
  b.until(20);
  sends(b);
  b.until(49);
  assert.deepEqual(ways(b), led(second2));
  b.until(50);
  assert.deepEqual(ways(b), served);
});

test('C03-5.4-06: a newer word holds, an older one does not, and a lifetime of zero or the own address ends it', () => {
  const b = serving();
  say(b, anchorAddress, lead());
  say(b, anchorAddress, lead({ gateway: third, timestampMs: stampAt(0) }));
  assert.deepEqual(ways(b), led(second2));
  say(b, anchorAddress, lead({ gateway: third, timestampMs: stampAt(2) }));
  assert.deepEqual(ways(b), led(third));
  say(b, anchorAddress, lead({ gateway: third, lifetimeS: 0, timestampMs: stampAt(2) }));
  assert.deepEqual(ways(b), served);
  say(b, anchorAddress, lead());
  say(b, anchorAddress, lead({ gateway: gatewayAddress, timestampMs: stampAt(2) }));
  assert.deepEqual(ways(b), served);
  assert.equal(b.engine.deadline !== undefined && b.engine.deadline < 60 * second, false);
});

test('C03-5.4-02, C03-9-04: only the LMA of the visitor leads its packets elsewhere, only to gateways and homes of the domain', () => {
  const b = serving();
  for (const [from, message] of [
    [otherAnchor, lead()],
    [second2, lead()],
    [stranger, lead()],
    [anchorAddress, lead({ gateway: stranger })],
    [anchorAddress, lead({ homes: [parsePrefix('2001:db8::/64')] })],
    [anchorAddress, lead({ source: parsePrefix('fd00:a:0:8::/64') })],
  ] as const) {
    say(b, from, message);
    assert.deepEqual(ways(b), served);
    assert.deepEqual(b.traces, [
      { event: 'discarded', peer: from, reason: 'a bypass that is not for this gateway to take' },
    ]);
  }
  assert.equal(b.engine.counters.bypassesRefused, 6);
});

test('C03-5.4-06: a direct path ends with its visitor', () => {
  const b = serving();
  say(b, anchorAddress, lead());
  leave(b, 2);
  assert.deepEqual(ways(b), {});
  assert.deepEqual([...b.engine.views.bypasses()], []);
});

test('C03-5.1.2-02, C03-5.1.3-06: the previous gateway tunnels what still comes to the next one, by the word of its LMA, for a while', () => {
  for (const order of ['revoked first', 'told first']) {
    const b = serving();
    if (order === 'told first') say(b, anchorAddress, gone());
    leave(b, 6);
    if (order === 'revoked first') say(b, anchorAddress, gone());
    assert.deepEqual(ways(b), follows(second2), order);
    assert.deepEqual([...b.engine.views.departed()], [{ home: 'fd00:a:0:7::/64', gateway: 'fd00:e::12' }]);
    b.until(order === 'told first' ? 9.9 : 15.9);
    assert.deepEqual(ways(b), follows(second2), order);
    b.until(16);
    assert.deepEqual(ways(b), {}, order);
  }
});

test('C03-5.1.2-03: and tells whoever tunnels here to use the next one', () => {
  const b = serving();
  leave(b, 6);
  say(b, anchorAddress, gone());
  assert.ok(
    b.outputs.some(
      ({ kind, ...watch }) =>
        kind === 'watch' && 'to' in watch && formatPrefix(watch.to as Prefix) === 'fd00:a:0:7::/64',
    ),
    'also of tunnels that were in use before',
  );
  b.until(8);
  arrives(b, addressIn(visitor), otherAnchor);
  assert.deepEqual(told(b), [
    {
      to: 'fd00:e::2',
      message: { ...location(second2), sequence: 0, homes: [visitor], timestampMs: stampAt(5), lifetimeS: 400 },
    },
  ]);
});

test('C03-5.1.2-02: nobody but the LMA that anchored it says where a visitor has gone, and nothing older than its coming', () => {
  const refused = (b: GatewayBench, from: Address, message: Message, expected: object) => {
    say(b, from, message);
    assert.deepEqual(ways(b), expected);
    assert.equal(b.traces.length, 1);
  };
  const b = bench();
  b.until(10);
  refused(b, anchorAddress, gone(), {});
  b.attach();
  b.authenticate();
  b.acknowledge({ options: [{ kind: 'homeNetworkPrefix', ...visitor }] });
  refused(b, anchorAddress, gone({ timestampMs: stampAt(9) }), served);
  refused(b, otherAnchor, gone({ timestampMs: stampAt(20) }), served);
  refused(b, anchorAddress, gone({ timestampMs: stampAt(20), gateway: stranger }), served);
  leave(b, 21);
  refused(b, second2, gone({ timestampMs: stampAt(20) }), {});
  // From there it had come back here.
  refused(b, anchorAddress, gone({ timestampMs: stampAt(9) }), {});
  say(b, anchorAddress, gone({ timestampMs: stampAt(22) }));
  refused(b, anchorAddress, gone({ timestampMs: stampAt(21), gateway: third }), follows(second2));
});

test('C03-5.1.2-02: a mobile that comes back is led nowhere else from the moment it is on the link', () => {
  const b = serving();
  leave(b, 6);
  say(b, anchorAddress, gone());
  b.until(7);
  b.attach(otherStation);
  assert.deepEqual(ways(b), follows(second2));
  b.attach();
  const asked = b.questions[0].transaction;
  assert.deepEqual(ways(b), {});
  say(b, anchorAddress, gone());
  assert.deepEqual(ways(b), {});
  b.authenticate(undefined, asked);
  b.acknowledge({ options: [{ kind: 'homeNetworkPrefix', ...visitor }] });
  assert.deepEqual(ways(b), served);
});

test('C03-5.1.2-02: what is older than what this gateway asked for last leads a visitor nowhere else', () => {
  const b = bench();
  b.attach();
  const asked = b.questions[0].transaction;
  b.until(3);
  b.authenticate(undefined, asked);
  const { update } = b;
  b.until(3.5);
  b.acknowledge({ options: [{ kind: 'homeNetworkPrefix', ...visitor }] }, update);
  say(b, anchorAddress, gone({ timestampMs: stampAt(2) }));
  assert.deepEqual(ways(b), served);
  say(b, anchorAddress, gone({ timestampMs: stampAt(3.2) }));
  assert.deepEqual(ways(b), follows(second2));
});

test('C03-5.1.2-02: a gateway that asks for its visitor once more sends nothing to where that was before', () => {
  const b = serving();
  b.until(6);
  b.detach();
  b.attach();
  b.authenticate();
  b.until(6.5);
  say(b, anchorAddress, gone({ timestampMs: stampAt(6.4) }));
  assert.deepEqual(ways(b), follows(second2));
  b.until(7);
  assert.equal(b.updates.length, 1);
  assert.deepEqual(ways(b), served);
});

test('C03-5.1.2-03: who tunnels what is for nobody here is told so; for whom it serves nobody is told anything', () => {
  const b = serving();
  arrives(b, addressIn(visitor), otherAnchor);
  assert.deepEqual(b.sends, []);
  sends(b);
  assert.deepEqual(b.sends, [], 'what a visitor sends comes by no tunnel');
  arrives(b, correspondent, otherAnchor);
  assert.deepEqual(told(b), [
    { to: 'fd00:e::2', message: { ...location(gatewayAddress), sequence: 0, timestampMs: 0, lifetimeS: 0 } },
  ]);
});

test('C03-5.1.2-03: who tunnels what is for a visitor that stays off the link is told so, while its LMA has not said where it is', () => {
  const b = serving();
  b.until(6);
  b.detach();
  b.until(7.9);
  arrives(b, addressIn(visitor), otherAnchor);
  assert.deepEqual(b.sends, [], 'it may be on its way to another gateway');
  b.until(8);
  arrives(b, addressIn(visitor), otherAnchor);
  assert.deepEqual(told(b), [
    {
      to: 'fd00:e::2',
      message: { ...location(gatewayAddress), sequence: 0, homes: [visitor], timestampMs: 0, lifetimeS: 0 },
    },
  ]);
  assert.deepEqual(ways(b), served, 'it may come back');
  b.attach();
  arrives(b, addressIn(visitor), otherAnchor);
  assert.deepEqual(b.sends, []);
});

test('C03-5.1.2-03: the gateway that something goes to says where else it is, and that it is not there', () => {
  const b = serving();
  say(b, anchorAddress, lead());
  say(b, second2, location(third));
  assert.deepEqual(ways(b), led(third));
  say(b, third, location(second2, { timestampMs: stampAt(1) }));
  assert.deepEqual(ways(b), led(third), 'older');
  b.until(29);
  assert.deepEqual(ways(b), led(third));
  say(b, third, location(third, { timestampMs: 0, lifetimeS: 0 }));
  assert.deepEqual(ways(b), served);
});

test('C03-5.1.2-03: a mobile that came to the own gateway is not looked for elsewhere', () => {
  const b = serving();
  say(b, anchorAddress, lead());
  say(b, second2, location(gatewayAddress));
  assert.deepEqual(ways(b), served);
});

test('C03-5.1.2-02: what has gone from here to the next gateway is followed to the one after that', () => {
  const b = serving();
  leave(b, 6);
  say(b, anchorAddress, gone());
  say(b, second2, location(third, { homes: [visitor] }));
  assert.deepEqual(ways(b), follows(third));
  say(b, third, location(second2, { homes: [visitor], timestampMs: stampAt(3) }));
  assert.deepEqual(ways(b), follows(third), 'older');
  say(b, third, location(third, { homes: [visitor], timestampMs: 0, lifetimeS: 0 }));
  assert.deepEqual(ways(b), follows(third), 'it may not have been told yet whom it serves');
});

test('C03-9-03: a location is taken only from the gateway that something is led to', () => {
  const b = serving();
  say(b, anchorAddress, lead());
  for (const [from, message] of [
    [third, location(third)],
    [otherAnchor, location(third)],
    [stranger, location(third)],
    [second2, location(stranger)],
    [second2, location(third, { homes: [hostPrefix(correspondent)] })],
    [second2, location(otherAnchor, { to: { kind: 'anchor', address: otherAnchor } })],
  ] as const) {
    say(b, from, message);
    assert.deepEqual(ways(b), led(second2));
    assert.deepEqual(b.traces, [{ event: 'discarded', peer: from, reason: 'a location from where nothing is led to' }]);
  }
});
