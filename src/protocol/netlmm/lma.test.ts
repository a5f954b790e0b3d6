import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AnchorWorld, acknowledgementIn } from '../../../test/support/anchor.js';
import { HomeWorld } from '../../../test/support/home-agent.js';
import {
  alice,
  bob,
  client1,
  client2,
  home,
  lmaAddress,
  mag1,
  mag2,
  NetlmmWorld,
  other,
  proxyUpdate,
} from '../../../test/support/netlmm-lma.js';
import { formatAddress, parseAddress, unspecified } from '../../base/address.js';
import { formatPrefix, parsePrefix } from '../../base/prefix.js';
import type { BindingAcknowledgement } from '../../wire/mobility/messages.js';
import { findOption, type MobilityOption } from '../../wire/mobility/options.js';
import { netlmmLma } from './lma-role.js';

const prefixOption = (text: string): MobilityOption => ({ kind: 'homeNetworkPrefix', ...parsePrefix(text) });
const assign: MobilityOption = { kind: 'homeNetworkPrefix', address: unspecified, length: 0 };
const ipv4 = (text: string, length = 32): MobilityOption => ({
  kind: 'ipv4HomeAddress',
  prefix: { length, requested: 0 },
  address: parseAddress(`::ffff:${text}`),
});
const ipv4Answer = (answer: BindingAcknowledgement | undefined) => {
  const option = answer && findOption(answer.options, 'ipv4AddressAcknowledgement');
  return option && [option.status, option.prefix.length, formatAddress(option.address)];
};
const assignedHome = (answer: BindingAcknowledgement | undefined) => {
  const option = answer && findOption(answer.options, 'homeNetworkPrefix');
  return option && formatPrefix(option);
};

test('S02-4.8-01: the plain home agent binds a mobile for a PMIP client, and this anchor answers the same octet for octet', () => {
  const updates = [
    proxyUpdate({ sequence: 1, identity: alice }),
    proxyUpdate({ sequence: 2, gateway: mag2 }),
    proxyUpdate({ sequence: 2, gateway: mag1 }),
    proxyUpdate({ sequence: 3, gateway: mag2, lifetimeS: 0 }),
    proxyUpdate({ sequence: 4, home: parseAddress('2001:db8:ffff::1') }),
  ];
  const run = (world: AnchorWorld) => updates.map(update => [world.receive(update), world.ruleTexts]);
  const plain = new HomeWorld({ homeLink: undefined });
  const ran = run(plain);
  assert.deepEqual(
    ran.map(([outputs]) => acknowledgementIn(outputs as never)?.status),
    [0, 0, 135, 0, 132],
  );
  assert.deepEqual(
    ran.slice(0, 2).map(([, rules]) => rules),
    [[`2001:db8:a::7/128 → ${formatAddress(mag1)}`], [`2001:db8:a::7/128 → ${formatAddress(mag2)}`]],
  );
  const answer = plain.sent[0];
  assert.deepEqual(
    [answer.destination, answer.headers],
    [client1, [{ kind: 'routingType2', segmentsLeft: 1, homeAddress: home }]],
  );
  const extended = new NetlmmWorld();
  run(extended);
  assert.deepEqual(extended.sent, plain.sent);
  assert.deepEqual(extended.rules, plain.rules);
  assert.deepEqual(extended.admitted, plain.admitted);
});

test('S02-AppA-04: a Binding Update without a home address gets one, named in the acknowledgement to the client', () => {
  const world = new NetlmmWorld();
  const answer = world.bind({ home: null, identity: alice, options: [assign] });
  assert.equal(answer?.status, 0);
  const assigned = assignedHome(answer);
  assert.match(assigned ?? '', /^2001:db8:a::[0-9a-f:]+\/128$/);
  assert.equal(findOption(answer!.options, 'mobileNodeIdentifier')?.identifier, alice);
  assert.deepEqual(world.ruleTexts, [`${assigned} → ${formatAddress(mag1)}`]);
  const packet = world.sent.at(-1);
  assert.deepEqual([packet?.source, packet?.destination, packet?.headers], [lmaAddress, client1, undefined]);
});

test('S02-AppA-04: two mobiles get two addresses, none of them the anchor’s or one that is bound; a block that is full says 130', () => {
  const world = new NetlmmWorld({ prefixes: ['2001:db8:a::/126'] });
  world.bind({ home: parseAddress('2001:db8:a::2'), identity: 'static' });
  const first = assignedHome(world.bind({ home: null, identity: alice, options: [assign] }));
  assert.equal(first, '2001:db8:a::3/128');
  assert.equal(world.bind({ home: null, identity: bob, options: [assign] })?.status, 130);
  assert.equal(world.bind({ home: parseAddress('2001:db8:a::3'), sequence: 2, lifetimeS: 0 })?.status, 0);
  world.runMs(10_001);
  assert.equal(assignedHome(world.bind({ home: null, identity: bob, options: [assign] })), first);
});

test('S02-AppA-04: a mobile that asks again keeps its address, wherever it is, and later updates name it', () => {
  const world = new NetlmmWorld();
  const assigned = assignedHome(world.bind({ home: null, identity: alice, options: [assign] }));
  const again = world.bind({ home: null, identity: alice, sequence: 2, gateway: mag2, options: [assign] });
  assert.deepEqual([again?.status, assignedHome(again)], [0, assigned]);
  assert.deepEqual(world.ruleTexts, [`${assigned} → ${formatAddress(mag2)}`]);
  const address = parseAddress((assigned as string).split('/')[0]);
  assert.equal(world.bind({ home: address, sequence: 3, gateway: mag1 })?.status, 0);
  assert.deepEqual(world.ruleTexts, [`${assigned} → ${formatAddress(mag1)}`]);
  const stale = world.bind({ home: null, identity: alice, sequence: 3, options: [assign] });
  assert.deepEqual([stale?.status, stale?.sequence], [135, 3]);
});

test('draft-singh appendix A: who asks for an address says for whom, and by the option: otherwise it is a Binding Update at home', () => {
  const world = new NetlmmWorld();
  assert.equal(world.bind({ home: null, options: [assign] })?.status, 160);
  assert.equal(world.bind({ home: null, identity: alice }), undefined);
  assert.deepEqual(world.traced.at(-1), { event: 'discarded', peer: client1, reason: 'noHomeAddressOption' });
  assert.equal(world.rules.size, 1);
});

const perMobile = { mobilePrefixes: [{ block: '2001:db8:f000::/40', length: 64 }] };

test('S02-AppE.3-01: a Binding Update with a prefix routes the whole of it, and moves the whole of it', () => {
  const world = new NetlmmWorld(perMobile);
  const option = prefixOption('2001:db8:f000:5::/64');
  const at = parseAddress('2001:db8:f000:5::7');
  const answer = world.bind({ home: at, identity: alice, options: [option] });
  assert.deepEqual([answer?.status, assignedHome(answer)], [0, '2001:db8:f000:5::/64']);
  assert.deepEqual(world.ruleTexts, [`2001:db8:f000:5::/64 → ${formatAddress(mag1)}`]);
  assert.ok(world.admitted.has(`${formatAddress(mag1)} 2001:db8:f000:5::/64`));
  assert.equal(world.bind({ home: at, sequence: 2, gateway: mag2, options: [option] })?.status, 0);
  assert.deepEqual(world.ruleTexts, [`2001:db8:f000:5::/64 → ${formatAddress(mag2)}`]);
  assert.equal(world.bind({ home: at, sequence: 3, lifetimeS: 0, options: [option] })?.status, 0);
  assert.deepEqual(world.ruleTexts, []);
});

test('S02-AppE.3-01: a prefix without an address is known by the identifier; one of 128 bits is an address', () => {
  const world = new NetlmmWorld(perMobile);
  const whole = [prefixOption('2001:db8:f000:5::/64')];
  assert.equal(world.bind({ home: null, identity: alice, options: whole })?.status, 0);
  assert.equal(world.bind({ home: null, options: [prefixOption('2001:db8:f000:6::/64')] })?.status, 160);
  assert.equal(world.bind({ identity: bob, options: [prefixOption('2001:db8:a::7/128')] })?.status, 0);
  assert.deepEqual(world.ruleTexts, [
    `2001:db8:a::7/128 → ${formatAddress(mag1)}`,
    `2001:db8:f000:5::/64 → ${formatAddress(mag1)}`,
  ]);
  assert.equal(world.bind({ home: null, identity: bob, sequence: 2, options: whole })?.status, 134);
});

test('draft-singh appendix E.3: prefixes of a block have one length and hold the home address; an address alone is not enough', () => {
  const world = new NetlmmWorld(perMobile);
  const at = parseAddress('2001:db8:f000:5::7');
  const status = (home: typeof at | null, ...options: MobilityOption[]) =>
    world.bind({ home, identity: alice, options })?.status;
  assert.equal(status(at), 158);
  assert.equal(status(at, prefixOption('2001:db8:f000:5::/60'.replace('5::', '0::'))), 155);
  assert.equal(status(at, prefixOption('2001:db8:f000:6::/64')), 155);
  assert.equal(status(home, prefixOption('2001:db8:a::/64')), 132, "the anchor's own address lies in it");
  assert.equal(status(null, prefixOption('2001:db8:eeee::/64')), 132);
  assert.deepEqual(world.ruleTexts, []);
});

test('draft-singh appendix A, E.3: an all-zero prefix with a length asks for one of that length', () => {
  const world = new NetlmmWorld(perMobile);
  const any64: MobilityOption = { kind: 'homeNetworkPrefix', address: unspecified, length: 64 };
  const answer = world.bind({ home: null, identity: alice, options: [any64] });
  assert.match(assignedHome(answer) ?? '', /^2001:db8:f0[0-9a-f:]+::\/64$/);
  const preferring = new NetlmmWorld({ ...perMobile, assign: 'prefix' });
  const preferred = preferring.bind({ home: null, identity: alice, options: [assign] });
  assert.equal(assignedHome(preferred), assignedHome(answer));
  const none: MobilityOption = { kind: 'homeNetworkPrefix', address: unspecified, length: 56 };
  assert.equal(world.bind({ home: null, identity: bob, options: [none] })?.status, 130);
});

test('S02-AppE.1-03: a second client hears the last sequence number of the first, goes on from there, and the binding is its', () => {
  const world = new NetlmmWorld();
  world.bind({ sequence: 20_000, identity: alice });
  const early = world.bind({ client: client2, sequence: 17, gateway: mag2, identity: alice });
  assert.deepEqual([early?.status, early?.sequence], [135, 20_000]);
  assert.equal(world.bind({ client: client2, sequence: 20_001, gateway: mag2, identity: alice })?.status, 0);
  assert.equal(world.sent.at(-1)?.destination, client2);
  assert.deepEqual(world.ruleTexts, [`2001:db8:a::7/128 → ${formatAddress(mag2)}`]);
  const [row] = [...world.engine.views!.bindings()];
  assert.deepEqual([row.peer, row.sequence], [formatAddress(client2), 20_001]);
});

test('draft-singh appendix B: an address bound for one mobile is refused to another with 134', () => {
  const world = new NetlmmWorld();
  world.bind({ identity: alice });
  assert.equal(world.bind({ client: client2, sequence: 2, identity: bob, gateway: mag2 })?.status, 134);
  assert.deepEqual(world.ruleTexts, [`2001:db8:a::7/128 → ${formatAddress(mag1)}`]);
});

test('S02-AppB-10: on a home link the anchor probes for the address first, and refuses it with 134 where somebody has it', () => {
  for (const unique of [true, false]) {
    const world = new NetlmmWorld({ homeLink: 'home0' });
    const asked = world.receive(proxyUpdate({ identity: alice }));
    assert.deepEqual(asked, [{ kind: 'proxy', link: 'home0', address: home, detect: true }]);
    const answer = acknowledgementIn(world.step({ kind: 'proxied', link: 'home0', address: home, unique } as never));
    assert.equal(answer?.status, unique ? 0 : 134);
    assert.equal(world.ruleTexts.length, unique ? 1 : 0);
  }
});

test('draft-singh appendix B, E.3: nobody is asked about a prefix of a mobile, nor is it stood in for', () => {
  const world = new NetlmmWorld({ homeLink: 'home0', ...perMobile });
  const options = [prefixOption('2001:db8:f000:5::/64')];
  assert.equal(world.bind({ home: null, identity: alice, options })?.status, 0);
  assert.equal(world.proxied.size, 0);
  assert.equal(world.bind({ home: null, identity: alice, sequence: 2, lifetimeS: 0, options })?.status, 0);
});

const dualStack = { ipv4Prefixes: ['198.51.100.0/24'] };
const ipv4Rule = (gateway: typeof mag1) => `::ffff:198.51.100.7/128 → ${formatAddress(gateway)}`;

test('S02-AppE.2-01: a Binding Update with an IPv4 address binds that too, says so, and moves both', () => {
  const world = new NetlmmWorld(dualStack);
  const answer = world.bind({ identity: alice, options: [ipv4('198.51.100.7')] });
  assert.deepEqual([answer?.status, ipv4Answer(answer)], [0, [0, 32, '::ffff:198.51.100.7']]);
  assert.deepEqual(world.ruleTexts, [`2001:db8:a::7/128 → ${formatAddress(mag1)}`, ipv4Rule(mag1)].sort());
  world.bind({ sequence: 2, gateway: mag2, options: [ipv4('198.51.100.7')] });
  assert.deepEqual(world.ruleTexts, [`2001:db8:a::7/128 → ${formatAddress(mag2)}`, ipv4Rule(mag2)].sort());
  assert.ok(world.admitted.has(`${formatAddress(mag2)} ::ffff:198.51.100.7/128`));
  world.bind({ sequence: 3, gateway: mag2 });
  assert.deepEqual(world.ruleTexts, [`2001:db8:a::7/128 → ${formatAddress(mag2)}`]);
});

test('RFC 5555 §3.2.1: an IPv4 address that the mobile cannot have leaves the IPv6 one bound, and the answer says why', () => {
  const world = new NetlmmWorld(dualStack);
  world.bind({ home: other, identity: bob, options: [ipv4('198.51.100.9')] });
  let sequence = 0;
  const status = (option: MobilityOption) => {
    const answer = world.bind({ sequence: ++sequence, identity: alice, options: [option] });
    assert.equal(answer?.status, 0);
    return ipv4Answer(answer)?.slice(0, 2);
  };
  assert.deepEqual(status(ipv4('198.51.100.9')), [128, 0], 'somebody has it');
  assert.deepEqual(status(ipv4('192.0.2.7')), [130, 0]);
  assert.deepEqual(status(ipv4('224.0.0.1')), [131, 0]);
  assert.deepEqual(status(ipv4('0.0.0.0')), [132, 0]);
  assert.deepEqual(status(ipv4('198.51.100.0', 28)), [133, 0]);
  assert.equal(world.ruleTexts.length, 3);
  assert.equal(ipv4Answer(new NetlmmWorld().bind({ options: [ipv4('198.51.100.7')] }))?.[0], 130);
});

test('draft-singh appendices A, E.2, E.3: bindings come back after a restart as they were', () => {
  const config = { ...dualStack, ...perMobile };
  const world = new NetlmmWorld(config);
  world.bind({ home: null, identity: alice, options: [assign, ipv4('198.51.100.7')] });
  world.bind({ home: null, identity: bob, options: [prefixOption('2001:db8:f000:5::/64')] });
  const again = new NetlmmWorld(config);
  again.step({ kind: 'restored', records: world.records });
  assert.deepEqual(again.ruleTexts, world.ruleTexts);
  assert.equal(again.ruleTexts.length, 3);
  const stale = again.bind({ home: null, identity: alice, options: [assign] });
  assert.deepEqual([stale?.status, stale?.sequence], [135, 1]);
});

test('draft-singh §2: Proxy Binding Updates of RFC 5213 are for another anchor', () => {
  assert.equal(new NetlmmWorld().bind({ flags: { proxy: true } })?.status, 152);
});

test('configuration: blocks do not overlap, lengths fit them, IPv4 prefixes are of IPv4', () => {
  const problems = (config: object) => {
    const parsed = netlmmLma.parse({
      address: '2001:db8:a::1',
      prefixes: ['2001:db8:a::/64'],
      insecure: true,
      ...config,
    });
    return parsed.ok ? [] : parsed.problems.map(({ path, expected }) => `${path.join('.')}: ${expected}`);
  };
  assert.deepEqual(problems({ mobilePrefixes: [{ block: '2001:db8:a::/72', length: 80 }] }), [
    'mobilePrefixes.0.block: a prefix that overlaps no other',
  ]);
  assert.deepEqual(problems({ mobilePrefixes: [{ block: '2001:db8:b::/64', length: 56 }] }), [
    'mobilePrefixes.0.length: at least the 64 bits of its block',
  ]);
  assert.deepEqual(problems({ ipv4Prefixes: ['198.51.100.1/24', '2001:db8::/32', '198.51.100.0/33'] }), [
    "ipv4Prefixes.0: an IPv4 prefix such as 192.0.2.0/24, no bits set past its length, not '198.51.100.1/24'",
    "ipv4Prefixes.1: an IPv4 prefix such as 192.0.2.0/24, no bits set past its length, not '2001:db8::/32'",
    "ipv4Prefixes.2: an IPv4 prefix such as 192.0.2.0/24, no bits set past its length, not '198.51.100.0/33'",
  ]);
});
