import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRadius, made, serverAddress } from '../../../test/support/aaa-domain.js';
import { mag1, mag2, PmipDomain } from '../../../test/support/pmip-domain.js';
import { environment } from '../../../test/support/signalling.js';
import { type Address, formatAddress, parseAddress } from '../../base/address.js';
import { parseLinkAddress } from '../../base/link-address.js';
import { parsePrefix } from '../../base/prefix.js';
import { utf8Bytes } from '../../base/text.js';
import { encodeRequest } from '../../wire/radius/authentication.js';
import { encodeRadius, type RadiusMessage } from '../../wire/radius/messages.js';
import { parsed } from '../config.js';
import type { AccessOutcome, Engine, Input, Output, Profile } from '../contract.js';
import { radiusSection } from './config.js';
import { withRadius } from './radius.js';
import { aaaServer } from './server-role.js';

const station = parseLinkAddress('02:00:00:00:00:01');
const anchor = '2001:db8:a::1';
const secrets = new Map<Address, string>([
  [mag1, 'what mag1 and the server share'],
  [mag2, 'what mag2 and the server share'],
]);

/** All that a profile can say. */
const everything = {
  identity: 'host@example.net',
  linkAddress: '02:00:00:00:00:01',
  anchor,
  anchorLinkAddress: '00:00:5e:00:52:13',
  prefix: '2001:db8:a:1::/64',
  address: '2001:db8:a:1::7',
  gateway: 'fe80::1',
  dhcpServer: '2001:db8:d::1',
  addressing: ['dhcpv6', 'manual'],
  proxyRegistration: true,
};
const config = {
  clients: [
    { address: formatAddress(mag1), secret: secrets.get(mag1), may: ['access', 'keys'] },
    { address: formatAddress(mag2), secret: secrets.get(mag2), may: ['access', 'keys'] },
    { address: anchor, secret: 'what the anchor and the server share', may: ['anchor'] },
  ],
  mobiles: [everything, { identity: 'guest@example.net', pmipClients: 'access' }],
  nearestAnchor: [{ gateway: '2001:db8:2::/48', anchor: '2001:db8:f::2', anchorLinkAddress: '02:00:00:00:00:f2' }],
};

/** A gateway that asks about every station and keeps the answers. */
class Asking implements Engine {
  readonly interests = { protocols: [], accessLinks: ['wlan0'], udpPorts: [] };
  readonly views = {};
  readonly counters = {};
  readonly deadline = undefined;
  readonly outcomes: AccessOutcome[] = [];

  handle(input: Input): Output[] {
    if (input.kind === 'profile') this.outcomes.push(input.outcome);
    if (input.kind !== 'attached') return [];
    const { link, identity } = input;
    const question = { kind: 'authenticate', transaction: 1, link, station: input.station } as const;
    return [identity === undefined ? question : { ...question, identity }];
  }
}

class AccessBench {
  readonly domain = new PmipDomain();
  readonly gateways = new Map<Address, Asking>();

  constructor(secretOf: (gateway: Address) => string = gateway => secrets.get(gateway) as string) {
    this.domain.add(serverAddress, () => made(aaaServer, serverAddress, config));
    for (const gateway of [mag1, mag2]) {
      const section = { servers: [{ address: formatAddress(serverAddress), secret: secretOf(gateway) }] };
      const read = parsed(radiusSection, section);
      assert.ok(read.ok);
      const asking = new Asking();
      this.gateways.set(gateway, asking);
      this.domain.add(gateway, () => withRadius(asking, read.config, gateway, environment()));
    }
  }

  get server() {
    return this.domain.nodes.get(serverAddress);
  }

  /** A station comes; what the gateway is told of it within a minute. */
  attach(gateway: Address, identity?: string, who = station): AccessOutcome | undefined {
    const input = { kind: 'attached', link: 'wlan0', station: who, accessTechnology: 4 } as const;
    this.domain.give(gateway, identity === undefined ? input : { ...input, identity });
    this.domain.runMs(60_000);
    return this.gateways.get(gateway)?.outcomes.pop();
  }

  /** What the server says to octets from there: packets sent, counted before and after. */
  send(source: Address, data: Uint8Array): number {
    const before = this.domain.sent.length;
    const payload = { kind: 'udp', sourcePort: 5000, destinationPort: 1812, data } as const;
    this.domain.give(serverAddress, {
      kind: 'packet',
      packet: { source, destination: serverAddress, hopLimit: 64, payload },
    });
    return this.domain.sent.length - before;
  }
}

test('RFC 6572 §4, §5.1: a gateway is told all of a station’s profile, known by its identity or by its link-layer address', () => {
  const bench = new AccessBench();
  const profile: Profile = {
    identity: everything.identity,
    anchor: parseAddress(anchor),
    anchorLinkAddress: parseLinkAddress(everything.anchorLinkAddress),
    prefix: parsePrefix(everything.prefix),
    address: parseAddress(everything.address),
    gateway: parseAddress('fe80::1'),
    dhcpServer: parseAddress(everything.dhcpServer),
    addressing: ['dhcpv6', 'manual'],
    proxyRegistration: true,
  };
  assert.deepEqual(bench.attach(mag1, 'host@example.net'), { kind: 'accepted', profile });
  assert.deepEqual(bench.attach(mag1), { kind: 'accepted', profile });
  assert.deepEqual(bench.domain.nodes.get(mag1)?.engine.counters.accessAccepted, 2);
});

test('gundavelli §3.1: a profile that names no anchor has the one nearest to the gateway', () => {
  const bench = new AccessBench();
  const profile = { identity: 'guest@example.net', addressing: ['slaac'] } as const;
  assert.deepEqual(bench.attach(mag1, 'guest@example.net'), { kind: 'accepted', profile });
  const near = {
    anchor: parseAddress('2001:db8:f::2'),
    anchorLinkAddress: parseLinkAddress('02:00:00:00:00:f2'),
  };
  assert.deepEqual(bench.attach(mag2, 'guest@example.net'), { kind: 'accepted', profile: { ...profile, ...near } });
});

test('RFC 2865 §4.3: strangers, and who is at another link-layer address than its own, are rejected, saying why', () => {
  const bench = new AccessBench();
  assert.deepEqual(bench.attach(mag1, 'stranger@example.net'), {
    kind: 'rejected',
    reason: 'unknown station stranger@example.net',
  });
  const other = parseLinkAddress('02:00:00:00:00:99');
  assert.deepEqual(bench.attach(mag1, 'host@example.net', other), {
    kind: 'rejected',
    reason: 'host@example.net is not at 02:00:00:00:00:99',
  });
});

test('RFC 2865 §3, RFC 2869 §5.14: who has another secret is not answered and counted, and its gateway hears that nobody answers', () => {
  const bench = new AccessBench(() => 'another secret altogether');
  assert.deepEqual(bench.attach(mag1, 'host@example.net'), { kind: 'rejected', reason: 'no AAA server answers' });
  assert.deepEqual(
    bench.domain.sent.filter(({ source }) => source === serverAddress),
    [],
  );
  assert.equal(bench.server?.engine.counters.discardedUnauthentic, 3);
});

test('an answer forged by who does not know the secret, or to another question, is not listened to', () => {
  const bench = new AccessBench();
  bench.domain.lose = packet => packet.source === serverAddress;
  bench.domain.give(mag1, {
    kind: 'attached',
    link: 'wlan0',
    station,
    identity: 'host@example.net',
    accessTechnology: 4,
  });
  bench.domain.runMs(100);
  const answer = bench.domain.sent.find(({ source }) => source === serverAddress);
  assert.ok(answer?.payload.kind === 'udp');
  const { payload } = answer;
  const forgeries = [
    { ...answer, payload: { ...payload, data: payload.data.map((octet, i) => (i === 30 ? octet ^ 1 : octet)) } },
    { ...answer, payload: { ...payload, sourcePort: 1813 } },
    { ...answer, source: mag2 },
  ];
  for (const packet of forgeries) bench.domain.give(mag1, { kind: 'packet', packet });
  assert.deepEqual(bench.gateways.get(mag1)?.outcomes, []);
  assert.equal(bench.domain.nodes.get(mag1)?.engine.counters.radiusDiscarded, 3);
  bench.domain.give(mag1, { kind: 'packet', packet: answer });
  assert.equal(bench.gateways.get(mag1)?.outcomes.length, 1);
});

test('RFC 2865 §3: unknown clients, other codes, malformed requests and those without Message-Authenticator are dropped and counted', () => {
  const bench = new AccessBench();
  const secret = utf8Bytes(secrets.get(mag1) as string);
  const request: RadiusMessage = {
    kind: 'accessRequest',
    identifier: 1,
    authenticator: new Uint8Array(16).fill(3),
    attributes: [{ kind: 'callingStationId', station: '02-00-00-00-00-01' }],
  };
  const signed = encodeRequest(request, secret);
  assert.equal(bench.send(parseAddress('2001:db8:9::9'), signed), 0);
  assert.equal(bench.send(mag1, encodeRadius(request)), 0);
  assert.equal(bench.send(mag1, signed.subarray(0, 30)), 0);
  assert.equal(bench.send(mag1, encodeRequest({ ...request, kind: 'accessAccept' }, secret)), 0);
  const { discardedUnknownClient, discardedUnauthentic, discardedMalformed } = bench.server?.engine.counters ?? {};
  assert.deepEqual([discardedUnknownClient, discardedUnauthentic, discardedMalformed], [1, 1, 2]);
  assert.equal(bench.send(mag1, signed), 1);
  assert.equal(bench.send(mag1, signed), 1);
  assert.equal(bench.server?.engine.counters.repeated, 1);
});

test('S02-AppC-07: where a mobile’s clients are those of gateways it has access through, others get no key, also after a restart of the server', () => {
  const bench = new AccessBench();
  bench.attach(mag1, 'guest@example.net');
  const asked = () => [mag1, mag2].map(client => askedForKey(bench, client));
  assert.deepEqual(asked(), ['accessAccept', 'accessReject']);
  bench.domain.restart(serverAddress);
  assert.deepEqual(asked(), ['accessAccept', 'accessReject']);
  bench.attach(mag2, 'guest@example.net');
  assert.deepEqual(asked(), ['accessAccept', 'accessAccept']);
});

/** The kind of answer to a PMIP client's question for the guest's keys. */
function askedForKey(bench: AccessBench, client: Address): string | undefined {
  const secret = utf8Bytes(secrets.get(client) as string);
  const own = { kind: 'own', attributes: [{ kind: 'keyRequest', request: 1 }] } as const;
  const request: RadiusMessage = {
    kind: 'accessRequest',
    identifier: ++askedSoFar & 0xff,
    authenticator: new Uint8Array(16).fill(askedSoFar),
    attributes: [
      { kind: 'userName', name: 'guest@example.net' },
      { kind: 'homeLma', address: parseAddress(anchor) },
      { kind: 'vendorSpecific', content: own },
    ],
  };
  bench.send(client, encodeRequest(request, secret));
  const answer = bench.domain.sent.at(-1);
  assert.ok(answer && isRadius(answer) && answer.payload.kind === 'udp');
  return { 2: 'accessAccept', 3: 'accessReject' }[answer.payload.data[0]];
}
let askedSoFar = 0;
