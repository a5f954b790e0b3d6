import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  isEsp,
  isRadius,
  keyedDomain,
  keyRequestsOf,
  keysOf,
  made,
  octetsSent,
  radiusOf,
  serverAddress,
  serverConfig,
  storedKeys,
} from '../../../test/support/aaa-domain.js';
import {
  alice,
  aliceHome,
  anchorAddress,
  bob,
  bobHome,
  clientAddress,
  mag1,
  mag2,
  mag3,
  otherClientAddress,
  type PmipDomain,
} from '../../../test/support/pmip-domain.js';
import { formatAddress, parseAddress, unspecified } from '../../base/address.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import { homeAgent } from '../keyed-anchors.js';
import { homeAgent as plainHomeAgent } from '../mip6/home-agent-role.js';

const aliceAt = (mag: string) => `2001:db8:a::a11c/128 → ${mag}`;
const at1 = aliceAt('2001:db8:1::1');
const at2 = aliceAt('2001:db8:2::1');
const mallory = parseAddress('2001:db8:bad::1');

test('S02-AppC-01, S02-AppC-02, S02-AppC-04, S02-AppC-06, S02-2-07: at the first Trigger the client fetches the key, sends the PBU under it, and the LMA fetches it from the same server when it hears the unknown SPI', () => {
  const domain = keyedDomain();
  const answer = domain.settle(mag1);
  assert.deepEqual([answer.status, answer.contained], [0, 0]);
  assert.deepEqual(domain.bindings(), [at1]);
  assert.deepEqual(kinds(domain), [
    'client asks',
    'server answers',
    'client ESP',
    'anchor asks',
    'server answers',
    'anchor ESP',
  ]);
  assert.deepEqual(keyRequestsOf(domain, clientAddress), ['mobile']);
  assert.deepEqual(keyRequestsOf(domain, anchorAddress), ['spi']);
});

test('S02-AppC-08: keys are fetched once a mobile, however often it moves and its binding is refreshed', () => {
  const domain = keyedDomain();
  for (let i = 0; i < 10; i++) {
    for (const [identity, home] of [
      [alice, aliceHome],
      [bob, bobHome],
    ] as const)
      assert.equal(domain.settle([mag1, mag2, mag3][i % 3], { identity, home }).status, 0);
    domain.runMs(3_000_000);
  }
  assert.deepEqual(domain.bindings(), [at1, '2001:db8:a::b0b/128 → 2001:db8:1::1']);
  assert.deepEqual(keyRequestsOf(domain, clientAddress), ['mobile', 'mobile']);
  assert.deepEqual(keyRequestsOf(domain, anchorAddress), ['spi', 'spi']);
  assert.ok(domain.sent.filter(isEsp).length > 60);
});

test('S02-AppC-05: the server remembers the key until the LMA asks, over its own restart, and forgets it then', () => {
  const domain = keyedDomain();
  domain.lose = packet => packet.source === anchorAddress && isRadius(packet);
  domain.trigger(mag1);
  domain.runMs(1000);
  assert.deepEqual(domain.bindings(), []);
  assert.equal(storedKeys(domain, serverAddress).length, 2);
  domain.restart(serverAddress);
  domain.lose = () => false;
  domain.runMs(10_000);
  assert.deepEqual(domain.bindings(), [at1]);
  assert.deepEqual(storedKeys(domain, serverAddress), []);
  assert.deepEqual([...(domain.nodes.get(serverAddress)?.engine.views.keys() ?? [])], []);
});

test('S02-AppC-07, S02-4.3-02: a client that may not register a mobile gets no key for it, and nothing goes out', () => {
  const domain = keyedDomain();
  assert.equal(domain.settle(mag1, {}, otherClientAddress).status, 135);
  assert.equal(domain.settle(mag2, {}, otherClientAddress).status, 135);
  assert.equal(radiusOf(domain, otherClientAddress).length, 1);
  domain.runMs(40_000);
  assert.deepEqual(domain.bindings(), []);
  assert.deepEqual(
    domain.sent.filter(packet => !isRadius(packet)),
    [],
  );
  const failures = domain.nodes.get(otherClientAddress)?.traced.filter(({ event }) => event === 'failed') ?? [];
  assert.match(JSON.stringify(failures[0]), /keys for alice@example.net: this PMIP client may not register it/);
  assert.equal(domain.settle(mag1, { identity: bob, home: bobHome }, otherClientAddress).status, 0);
});

test('S02-AppC-07: nobody but the LMA that a key is for is told it, and it only of the client that got it', () => {
  const impostor = { address: formatAddress(mallory), secret: 'the secret of another anchor', may: ['anchor'] };
  const domain = keyedDomain({ server: { clients: [...serverConfig.clients, impostor] } });
  const config = { keys: { servers: [{ address: formatAddress(serverAddress), secret: impostor.secret }] } };
  domain.add(mallory, () => made(homeAgent, mallory, { prefixes: ['2001:db8:bad::/64'], ...config }));
  domain.lose = packet => isEsp(packet) && packet.destination === anchorAddress;
  domain.trigger(mag1);
  domain.runMs(500);
  const update = domain.sent.find(isEsp);
  assert.ok(update);
  domain.lose = () => false;
  domain.give(mallory, { kind: 'packet', packet: { ...update, destination: mallory } });
  domain.give(anchorAddress, { kind: 'packet', packet: { ...update, source: mallory } });
  domain.runMs(100);
  const refusals = domain.nodes
    .get(serverAddress)
    ?.traced.map(event => (event.event === 'refused' ? event.reason : ''));
  assert.equal(refusals?.filter(reason => /^no keys for SPI/.test(reason)).length, 2);
  assert.deepEqual(domain.bindings(), []);
  domain.runMs(5000);
  assert.deepEqual(domain.bindings(), [at1]);
});

test('S02-2-06: the server makes a key for each mobile, and every one anew; none of them is seen in what nodes say to each other, show or trace', () => {
  const domain = keyedDomain();
  domain.settle(mag1);
  domain.settle(mag1, { identity: bob, home: bobHome });
  domain.settle(mag2);
  const keys = storedKeys(domain, clientAddress);
  assert.equal(new Set(keys).size, 8);
  assert.deepEqual(storedKeys(domain, anchorAddress).sort(), [...keys].sort());
  const open = [octetsSent(domain)];
  for (const { engine, traced } of domain.nodes.values()) {
    open.push(JSON.stringify([traced, engine.counters]));
    for (const view of Object.values(engine.views)) open.push(JSON.stringify([...view()]));
  }
  for (const key of keys) assert.ok(!open.join(' ').includes(key));
});

test('S02-AppC-02: while no server answers nothing goes out but questions; it is asked again, and then the mobile is registered', () => {
  const domain = keyedDomain();
  domain.lose = packet => packet.destination === serverAddress;
  domain.trigger(mag1);
  domain.runMs(60_000);
  assert.deepEqual(domain.bindings(), []);
  assert.deepEqual(
    domain.sent.filter(packet => !isRadius(packet)),
    [],
  );
  assert.ok(radiusOf(domain, clientAddress).length >= 3);
  const reasons = domain.nodes.get(clientAddress)?.traced.map(event => (event.event === 'failed' ? event.reason : ''));
  assert.ok(reasons?.includes('keys for alice@example.net: no AAA server answers: nothing sent'));
  assert.equal(domain.nodes.get(clientAddress)?.engine.counters.keysUnanswered, 1);
  domain.lose = () => false;
  assert.equal(domain.settle(mag2).status, 0);
  assert.deepEqual(domain.bindings(), [at2]);
});

test('RFC 2865 §2.5, RFC 5080 §2.2.1, §2.2.2: a question is repeated as it was, answered as it was, and another server asked after the first', () => {
  const dead = { address: '2001:db8:dead::1', secret: 'a secret for nobody there' };
  const keys = keysOf(clientAddress) as { servers: object[] };
  const domain = keyedDomain({ client: { keys: { servers: [dead, ...keys.servers] } } });
  let answers = 0;
  domain.lose = packet => packet.source === serverAddress && answers++ === 0;
  domain.trigger(mag1);
  domain.runMs(40_000);
  assert.deepEqual(
    domain.sent
      .filter(({ source }) => source === clientAddress)
      .slice(0, 5)
      .map(to),
    ['2001:db8:dead::1', '2001:db8:dead::1', '2001:db8:dead::1', '2001:db8:e::1', '2001:db8:e::1'],
  );
  const { repeated, keysIssued } = domain.nodes.get(serverAddress)?.engine.counters ?? {};
  assert.deepEqual([repeated, keysIssued], [1, 1]);
  const octets = domain.sent.filter(({ source }) => source === serverAddress).map(({ payload }) => payload);
  assert.deepEqual(octets[0], octets[1]);
});

test('S02-AppE.1-02: a new client of the mobile sets up an association of its own, and the LMA goes by the newest', () => {
  const domain = keyedDomain();
  const asBob = { identity: bob, home: bobHome };
  assert.equal(domain.settle(mag1, asBob).status, 0);
  assert.equal(domain.settle(mag2, asBob, otherClientAddress).status, 0);
  assert.deepEqual(domain.bindings(), ['2001:db8:a::b0b/128 → 2001:db8:2::1']);
  assert.deepEqual(keyRequestsOf(domain, anchorAddress), ['spi', 'spi']);
  const [first, second] = [clientAddress, otherClientAddress].map(node => storedKeys(domain, node));
  assert.deepEqual(storedKeys(domain, anchorAddress).sort(), [...second].sort());
  assert.ok(first.every(key => !second.includes(key)));
  // What the former client still says is under keys that nobody has any more.
  domain.trigger(mag1, asBob);
  domain.runMs(10_000);
  assert.deepEqual(domain.bindings(), ['2001:db8:a::b0b/128 → 2001:db8:2::1']);
});

test('S02-AppC-06: a client and an LMA that start again go on with the keys they have; one that lost them all gets new ones', () => {
  const domain = keyedDomain();
  domain.settle(mag1);
  domain.restart(clientAddress);
  domain.restart(anchorAddress);
  assert.equal(domain.settle(mag2).status, 0);
  assert.deepEqual(keyRequestsOf(domain, clientAddress), ['mobile']);
  domain.nodes.get(clientAddress)?.stored.clear();
  domain.restart(clientAddress);
  assert.equal(domain.settle(mag1).status, 0);
  assert.deepEqual(domain.bindings(), [at1]);
  domain.nodes.get(anchorAddress)?.stored.clear();
  domain.restart(anchorAddress);
  domain.trigger(mag2);
  domain.runMs(60_000);
  domain.trigger(mag2);
  domain.runMs(60_000);
  assert.deepEqual(domain.bindings(), [at2]);
});

test('RFC 6275 §5.1, S02-AppC-06: an association is for its own mobile: another’s home address or identifier under it is refused', () => {
  const domain = keyedDomain();
  domain.settle(mag1);
  domain.trigger(mag2, { identity: bob, home: aliceHome }, otherClientAddress);
  domain.runMs(20_000);
  assert.deepEqual(domain.bindings(), [at1]);
  assert.ok((domain.nodes.get(anchorAddress)?.engine.counters.signallingRefusedUnknownPeer ?? 0) > 0);
  const borrowed = keyedDomain({ client: { mobiles: [{ identity: alice, association: bob }] } });
  borrowed.trigger(mag1);
  borrowed.runMs(20_000);
  assert.deepEqual(keyRequestsOf(borrowed, anchorAddress), ['spi']);
  assert.deepEqual(borrowed.bindings(), []);
  const known = {
    mobiles: [{ identity: alice, address: formatAddress(bobHome), pmipClients: [formatAddress(clientAddress)] }],
  };
  const fixed = keyedDomain({ server: known });
  fixed.trigger(mag1);
  fixed.runMs(40_000);
  assert.deepEqual(fixed.bindings(), []);
  assert.equal(fixed.settle(mag2, { home: bobHome }).status, 0);
  assert.deepEqual(fixed.bindings(), ['2001:db8:a::b0b/128 → 2001:db8:2::1']);
});

test('S02-AppC-06, S02-AppE.1-02: the anchor of the appendices has its keys the same way: it assigns addresses under them, and clients take turns', () => {
  const domain = keyedDomain({ netlmmLma: true });
  const assigned = domain.settle(mag1, { home: unspecified });
  assert.equal(assigned.status, 0);
  assert.deepEqual(domain.bindings(), [`${assigned.home}/128 → 2001:db8:1::1`]);
  assert.equal(domain.settle(mag2, { home: parseAddress(assigned.home ?? '') }).status, 0);
  assert.deepEqual(domain.bindings(), [`${assigned.home}/128 → 2001:db8:2::1`]);
  const asBob = { identity: bob, home: bobHome };
  assert.equal(domain.settle(mag1, asBob).status, 0);
  assert.equal(domain.settle(mag2, asBob, otherClientAddress).status, 0);
  assert.ok(domain.bindings().includes('2001:db8:a::b0b/128 → 2001:db8:2::1'));
  assert.deepEqual(
    domain.sent.filter(packet => !isRadius(packet) && !isEsp(packet)),
    [],
  );
});

test('S02-2-02: the home agent that fetches keys is the plain one, told only where its keys come from', () => {
  const keys = keysOf(anchorAddress);
  const config = { address: '2001:db8:a::1', prefixes: ['2001:db8:a::/64'] };
  const parsed = homeAgent.parse({ ...config, keys });
  assert.ok(parsed.ok);
  const plain = plainHomeAgent.parse({ ...config, insecure: true });
  assert.ok(plain.ok);
  const { keys: _, keyedPeers: __, ...own } = parsed.config;
  assert.deepEqual(own, plain.config);
  assert.equal(own.proxyRegistration, false);
  for (const [wrong, path] of [
    [{ ...config, keys: {} }, 'keys.servers'],
    [{ ...config, keys, insecure: true }, 'insecure'],
    [{ ...config, keys, peers: [{ address: '2001:db8::1' }] }, 'peers.0.security'],
    [{ ...config, keys, nonsense: 1 }, 'nonsense'],
    [config, 'peers'],
  ] as const) {
    const refused = homeAgent.parse(wrong);
    assert.ok(!refused.ok);
    assert.equal(refused.problems[0].path.join('.'), path);
  }
});

test('a flood of unknown SPIs makes few questions, and none where clients are known to be elsewhere', () => {
  const domain = keyedDomain();
  domain.lose = packet => packet.destination === serverAddress;
  const flood = (from: string) => {
    for (let spi = 1000; spi < 2000; spi++)
      domain.give(anchorAddress, { kind: 'packet', packet: espOf(parseAddress(from), spi) });
  };
  flood('2001:db8:bad::1');
  assert.equal(radiusOf(domain, anchorAddress).length, 100);
  const known = keyedDomain({ keys: { clients: ['2001:db8:c::/64'] } });
  for (let spi = 1000; spi < 2000; spi++)
    known.give(anchorAddress, { kind: 'packet', packet: espOf(parseAddress('2001:db8:bad::1'), spi) });
  assert.equal(radiusOf(known, anchorAddress).length, 0);
  assert.equal(known.settle(mag1).status, 0);
});

test('S02-AppC-09: with one association a client the server bootstraps it, and tells the LMA once a mobile who may register it', () => {
  const domain = keyedDomain({ client: { associations: 'client' } });
  assert.equal(domain.settle(mag1).status, 0);
  assert.equal(domain.settle(mag2).status, 0);
  assert.equal(domain.settle(mag1, { identity: bob, home: bobHome }).status, 0);
  assert.deepEqual(domain.bindings(), [at2, '2001:db8:a::b0b/128 → 2001:db8:1::1']);
  assert.deepEqual(keyRequestsOf(domain, clientAddress), ['client']);
  assert.deepEqual(keyRequestsOf(domain, anchorAddress), ['spi', 'clients', 'clients']);
  // The other client has an association, too, but may not register alice.
  domain.trigger(mag3, {}, otherClientAddress);
  domain.runMs(20_000);
  assert.deepEqual(domain.bindings(), [at2, '2001:db8:a::b0b/128 → 2001:db8:1::1']);
  assert.equal(domain.settle(mag3, { identity: bob, home: bobHome }, otherClientAddress).status, 0);
  assert.deepEqual(domain.bindings(), [at2, '2001:db8:a::b0b/128 → 2001:db8:3::1']);
  domain.restart(anchorAddress);
  assert.equal(domain.settle(mag1).status, 0);
});

function espOf(source: Packet['source'], spi: number): Packet {
  const data = Uint8Array.of(spi >>> 24, spi >>> 16, spi >>> 8, spi, ...new Uint8Array(60).fill(1));
  return { source, destination: anchorAddress, hopLimit: 64, payload: { kind: 'raw', protocol: 50, data } };
}

function to({ destination }: Packet): string {
  return formatAddress(destination);
}

/** Who said what, in order. */
function kinds(domain: PmipDomain): string[] {
  const names = new Map([
    [clientAddress, 'client'],
    [anchorAddress, 'anchor'],
    [serverAddress, 'server'],
  ]);
  return domain.sent.map(packet => {
    const what = isEsp(packet) ? 'ESP' : packet.source === serverAddress ? 'answers' : isRadius(packet) ? 'asks' : '?';
    return `${names.get(packet.source)} ${what}`;
  });
}
