import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../base/address.js';
import { parseLinkAddress } from '../../base/link-address.js';
import { parsePrefix } from '../../base/prefix.js';
import { millisecond } from '../../base/time.js';
import { parsed } from '../config.js';
import type { AccessOutcome, Engine, Input, Output, Profile } from '../contract.js';
import { localProfiles } from './config.js';
import { withLocalProfiles } from './local-profiles.js';

const gateway = parseAddress('fd00:0:0:1::1');
const station = parseLinkAddress('02:00:00:00:00:01');
const other = parseLinkAddress('02:00:00:00:00:02');

const host = { identity: 'host@example.net', linkAddress: '02:00:00:00:00:01' };

function list(config: Record<string, unknown>) {
  const result = parsed(localProfiles, config);
  assert.ok(result.ok, JSON.stringify(result));
  return result.config;
}

function problemsOf(config: Record<string, unknown>): string[] {
  const result = parsed(localProfiles, config);
  assert.ok(!result.ok);
  return result.problems.map(problem => `${problem.path.join('.')}: ${problem.expected}`);
}

/** A gateway that asks about every station and keeps the answers. */
class Asking implements Engine {
  readonly interests = { protocols: [], accessLinks: ['wlan0'], udpPorts: [] };
  readonly views = {};
  readonly counters = { own: 2 };
  deadline: number | undefined;
  readonly outcomes: { transaction: number; outcome: AccessOutcome; at: number }[] = [];
  readonly ticks: number[] = [];
  #transaction = 0;

  handle(input: Input, now: number): Output[] {
    if (input.kind === 'tick') {
      this.ticks.push(now);
      this.deadline = undefined;
    }
    if (input.kind === 'profile') {
      this.outcomes.push({ transaction: input.transaction, outcome: input.outcome, at: now });
      return [{ kind: 'store', key: 'answered' }];
    }
    if (input.kind !== 'attached') return [];
    const { link, identity } = input;
    const question = { kind: 'authenticate', transaction: ++this.#transaction, link, station: input.station } as const;
    return [identity === undefined ? question : { ...question, identity }, { kind: 'store', key: 'asked' }];
  }
}

function attached(who: typeof station, identity?: string): Input {
  const input = { kind: 'attached', link: 'wlan0', station: who, accessTechnology: 4 } as const;
  return identity === undefined ? input : { ...input, identity };
}

function outcomeOf(config: Record<string, unknown>, who: typeof station, identity?: string): AccessOutcome {
  const inner = new Asking();
  withLocalProfiles(inner, list(config), gateway).handle(attached(who, identity), 0);
  assert.equal(inner.outcomes.length, 1);
  return inner.outcomes[0].outcome;
}

function profileOf(config: Record<string, unknown>, who = station, identity?: string): Profile {
  const outcome = outcomeOf(config, who, identity);
  assert.ok(outcome.kind === 'accepted');
  return outcome.profile;
}

test('gundavelli §6.1 [G00-6.1-01] [G00-6.1-02]: a known station gets its identity and anchor, after all the engine asked', () => {
  const inner = new Asking();
  const engine = withLocalProfiles(inner, list({ profiles: [{ ...host, anchor: 'fd00::2' }] }), gateway);
  const outputs = engine.handle(attached(station), 5);
  assert.deepEqual(outputs, [
    { kind: 'store', key: 'asked' },
    { kind: 'store', key: 'answered' },
  ]);
  assert.deepEqual(inner.outcomes, [
    {
      transaction: 1,
      at: 5,
      outcome: {
        kind: 'accepted',
        profile: { identity: 'host@example.net', anchor: parseAddress('fd00::2'), addressing: ['slaac'] },
      },
    },
  ]);
});

test('gundavelli §6 [G00-6-03] §7 [G00-7-03]: a profile holds anchor and its MAC, prefix, address, gateway and DHCP server', () => {
  const profile = profileOf({
    profiles: [
      {
        ...host,
        anchor: 'fd00::2',
        anchorLinkAddress: '02:aa:00:00:00:00',
        prefix: 'fd00:1::/64',
        address: 'fd00:1::10',
        gateway: 'fd00:1::1',
        dhcpServer: 'fd00::547',
        addressing: ['dhcpv6', 'manual'],
        proxyRegistration: true,
      },
    ],
  });
  assert.deepEqual(profile, {
    identity: 'host@example.net',
    anchor: parseAddress('fd00::2'),
    anchorLinkAddress: parseLinkAddress('02:aa:00:00:00:00'),
    prefix: parsePrefix('fd00:1::/64'),
    address: parseAddress('fd00:1::10'),
    gateway: parseAddress('fd00:1::1'),
    dhcpServer: parseAddress('fd00::547'),
    addressing: ['dhcpv6', 'manual'],
    proxyRegistration: true,
  });
});

test('gundavelli §3.2 [G00-3.2-03]: only stations of the domain are accepted, each at its own link-layer address', () => {
  const config = { profiles: [host, { identity: 'free@example.net' }] };
  assert.deepEqual(outcomeOf(config, other), { kind: 'rejected', reason: 'unknown station 02:00:00:00:00:02' });
  assert.deepEqual(outcomeOf(config, station, 'x@example.net'), {
    kind: 'rejected',
    reason: 'unknown station x@example.net',
  });
  assert.deepEqual(outcomeOf(config, other, host.identity), {
    kind: 'rejected',
    reason: 'host@example.net is not at 02:00:00:00:00:02',
  });
  assert.equal(profileOf(config, other, 'free@example.net').identity, 'free@example.net');
  assert.equal(profileOf(config, station, host.identity).identity, host.identity);
});

test('gundavelli §3.1 [G00-3.1-04]: the anchor nearest to the gateway is chosen by the gateway’s address', () => {
  const nearestAnchor = [
    { gateway: 'fd00::/16', anchor: 'fd00::a' },
    { gateway: 'fd00:0:0:1::/64', anchor: 'fd00::b', anchorLinkAddress: '02:bb:00:00:00:00' },
    { gateway: 'fd00:0:0:2::1', anchor: 'fd00::c' },
  ];
  const near = profileOf({ profiles: [host], nearestAnchor });
  assert.equal(near.anchor, parseAddress('fd00::b'));
  assert.equal(near.anchorLinkAddress, parseLinkAddress('02:bb:00:00:00:00'));
  const own = profileOf({ profiles: [{ ...host, anchor: 'fd00::d' }], nearestAnchor });
  assert.equal(own.anchor, parseAddress('fd00::d'));
  assert.equal(own.anchorLinkAddress, undefined);
  assert.equal(profileOf({ profiles: [host], nearestAnchor: nearestAnchor.slice(2) }).anchor, undefined);
});

test('the answer comes after the configured delay, in the order asked, and only then', () => {
  const inner = new Asking();
  const engine = withLocalProfiles(inner, list({ delayMs: 2.5, profiles: [host] }), gateway);
  assert.deepEqual(engine.handle(attached(station), 0), [{ kind: 'store', key: 'asked' }]);
  engine.handle(attached(other), millisecond);
  assert.equal(engine.deadline, 2.5 * millisecond);
  assert.equal(inner.outcomes.length, 0);
  assert.deepEqual(engine.handle({ kind: 'tick' }, 2.5 * millisecond), [{ kind: 'store', key: 'answered' }]);
  assert.equal(engine.deadline, 3.5 * millisecond);
  engine.handle({ kind: 'tick' }, 3.5 * millisecond);
  assert.equal(engine.deadline, undefined);
  assert.deepEqual(
    inner.outcomes.map(({ transaction, at, outcome }) => [transaction, at, outcome.kind]),
    [
      [1, 2.5 * millisecond, 'accepted'],
      [2, 3.5 * millisecond, 'rejected'],
    ],
  );
  assert.deepEqual(engine.counters, { own: 2, accessAccepted: 1, accessRejected: 1 });
});

test('the deadline is the earlier of the engine’s own and the next answer', () => {
  const inner = new Asking();
  const engine = withLocalProfiles(inner, list({ delayMs: 10, profiles: [host] }), gateway);
  inner.deadline = 3;
  assert.equal(engine.deadline, 3);
  engine.handle(attached(station), 0);
  assert.equal(engine.deadline, 3);
  inner.deadline = undefined;
  assert.equal(engine.deadline, 10 * millisecond);
});

test('gundavelli §7 [G00-7-03]: an identity, a link-layer address or an address stands in one profile only', () => {
  assert.deepEqual(
    problemsOf({
      profiles: [
        { ...host, address: 'fd00:1::1' },
        { ...host, address: 'fd00:1::1' },
      ],
    }),
    [
      "profiles.1.identity: one profile for 'host@example.net'",
      'profiles.1.linkAddress: one profile for 02:00:00:00:00:01',
      'profiles.1.address: one profile for fd00:1::1',
    ],
  );
  assert.deepEqual(problemsOf({ profiles: [{ ...host, prefix: 'fd00:1::/64', address: 'fd00:2::1' }] }), [
    'profiles.0.address: an address within the prefix beside it',
  ]);
  assert.deepEqual(problemsOf({ profiles: [{ ...host, addressing: [] }] }), [
    'profiles.0.addressing: at least one of slaac, dhcpv6, manual',
  ]);
});

test('an operator sees the profiles', () => {
  const engine = withLocalProfiles(new Asking(), list({ profiles: [{ ...host, prefix: 'fd00:1::/64' }] }), gateway);
  const [row] = engine.views.profiles();
  assert.equal(row.identity, 'host@example.net');
  assert.equal(row.prefix, 'fd00:1::/64');
});
