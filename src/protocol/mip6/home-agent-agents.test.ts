import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acknowledgementIn, kinds } from '../../../test/support/anchor.js';
import {
  careOf as agent,
  type HomeUpdate,
  HomeWorld,
  home,
  homeAgentAddress,
  homeUpdate,
  throughAgent,
} from '../../../test/support/home-agent.js';
import { protections, SecuredMobile, tampered } from '../../../test/support/secured-mobile.js';
import { formatAddress, parseAddress } from '../../base/address.js';
import { hostPrefix } from '../../base/prefix.js';
import { defaultHopLimit, type Packet } from '../../wire/ipv6/packet.js';
import { findOption, type MobilityOption } from '../../wire/mobility/options.js';
import type { Output } from '../contract.js';
import { placedProtection } from '../security/placement.js';

const own4 = parseAddress('::ffff:192.0.2.1');
const agent4 = parseAddress('::ffff:192.0.2.2');
const second = parseAddress('2001:db8:a::8');
const agentText = formatAddress(agent);
const wantsIpv4: readonly MobilityOption[] = [
  { kind: 'vendorSpecific', content: { kind: 'tunnelRequest', flags: { ipv4: true } } },
  { kind: 'ipv4CareOfAddress', address: agent4 },
];
const wantsIpv6: readonly MobilityOption[] = [
  { kind: 'vendorSpecific', content: { kind: 'tunnelRequest', flags: { ipv4: false } } },
];

function aware(agents: Readonly<Record<string, unknown>> = {}, config: Readonly<Record<string, unknown>> = {}) {
  return new HomeWorld({ homeLink: undefined, localMobilityAgents: agents, ...config });
}

function overIpv4(): HomeWorld {
  return aware({ ipv4Address: '192.0.2.1' });
}

function sentIn(outputs: readonly Output[]): Packet[] {
  return outputs.flatMap(output => (output.kind === 'send' ? [output.packet] : []));
}

/** What the outer and the nested answer say of the tunnel, and where the two go. */
function nestedAnswer(outputs: readonly Output[]) {
  const [outer, ...others] = sentIn(outputs);
  assert.ok(outer?.payload.kind === 'mobility' && outer.payload.nested && others.length === 0);
  const { message, nested } = outer.payload;
  assert.ok(message.kind === 'bindingAcknowledgement');
  assert.ok(nested.payload.kind === 'mobility' && nested.payload.message.kind === 'bindingAcknowledgement');
  return { outer, nested, message, inner: nested.payload.message };
}

function preferenceIn(options: readonly MobilityOption[]): number | undefined {
  const content = findOption(options, 'vendorSpecific')?.content;
  return content?.kind === 'tunnelPreference' ? content.family : undefined;
}

/** The tunnel that a Binding Update through the agent gets, and the preference that inner and outer answer tell. */
function tunnelled(world: HomeWorld, fields: HomeUpdate) {
  const { message, inner } = nestedAnswer(world.receive(throughAgent(fields)));
  assert.equal(inner.status, 0);
  assert.equal(preferenceIn(message.options), preferenceIn(inner.options));
  return [world.rules.get(`${formatAddress(fields.home ?? home)}/128`), preferenceIn(inner.options)];
}

test('D02-3.2.1-06, D02-App-3-02: what came from the home address through an agent is answered by an acknowledgement to the agent with that for the mobile in it', () => {
  const world = aware();
  const { outer, nested, inner, message } = nestedAnswer(world.receive(throughAgent()));
  assert.deepEqual([outer.source, outer.destination, outer.headers], [homeAgentAddress, agent, undefined]);
  assert.deepEqual([nested.source, nested.destination, nested.headers], [homeAgentAddress, home, undefined]);
  assert.deepEqual([outer.hopLimit, nested.hopLimit], [defaultHopLimit, defaultHopLimit]);
  assert.deepEqual([inner.status, inner.sequence, inner.lifetimeS], [0, 1, 600]);
  assert.deepEqual(message, inner);
  assert.deepEqual(world.ruleTexts, [`2001:db8:a::7/128 → ${agentText}`]);
});

test('D02-3.2.1-06: refusals and the end of a binding are answered through the agent too', () => {
  const world = aware();
  world.receive(throughAgent({ sequence: 5 }));
  const refused = nestedAnswer(world.receive(throughAgent({ sequence: 5 })));
  assert.deepEqual([refused.inner.status, refused.message.status, refused.outer.destination], [135, 135, agent]);
  const ended = nestedAnswer(world.receive(throughAgent({ sequence: 6, lifetimeS: 0 })));
  assert.deepEqual([ended.inner.status, ended.inner.lifetimeS, ended.outer.destination], [0, 0, agent]);
  assert.deepEqual(world.ruleTexts, []);
});

test('draft-dommety §3.2.1, §6: the nested acknowledgement is proved to the mobile, the one around it to nobody', () => {
  for (const protection of protections) {
    const mobileText = formatAddress(home);
    const world = aware({}, placedProtection(protection, formatAddress(homeAgentAddress), [mobileText]));
    const mobile = new SecuredMobile(world, mobileText, homeAgentAddress, protection);
    const [outer] = sentIn(world.receive(mobile.protect(throughAgent())));
    assert.ok(outer?.payload.kind === 'mobility' && outer.payload.nested);
    const { message, nested } = outer.payload;
    assert.deepEqual([outer.destination, nested.destination], [agent, home]);
    assert.ok(
      message.kind === 'bindingAcknowledgement' && !findOption(message.options, 'mobilityMessageAuthentication'),
    );
    assert.equal(mobile.answer([{ kind: 'send', packet: tampered(nested) }]), undefined);
    assert.equal(mobile.answer([{ kind: 'send', packet: nested }])?.status, 0);
    assert.deepEqual(sentIn(world.receive(throughAgent({ sequence: 2 }))), []);
  }
});

test('draft-dommety §3.1: a mobile that uses the Home Address option is answered by the routing header, as ever', () => {
  const world = aware();
  const [answer] = sentIn(world.receive(homeUpdate()));
  assert.deepEqual(answer?.headers, [{ kind: 'routingType2', segmentsLeft: 1, homeAddress: home }]);
  assert.equal(answer?.payload.kind === 'mobility' && answer.payload.nested, undefined);
});

test('RFC 6275 §10.3.1, draft-dommety §3.3: a plain home agent drops what has no Home Address option, and answers the end of a binding to the home address', () => {
  const world = new HomeWorld({ homeLink: undefined });
  assert.deepEqual(kinds(world.receive(throughAgent({ options: wantsIpv4 }))), ['trace']);
  assert.equal(world.engine.counters.discarded_noHomeAddressOption, 1);
  assert.equal(acknowledgementIn(world.receive(homeUpdate({ careOf: agent, options: wantsIpv4 })))?.status, 0);
  assert.deepEqual(world.ruleTexts, [`2001:db8:a::7/128 → ${agentText}`]);
  const [answer] = sentIn(world.receive(throughAgent({ sequence: 2, lifetimeS: 0 })));
  assert.deepEqual([answer?.destination, answer?.headers], [home, undefined]);
  assert.equal(answer?.payload.kind === 'mobility' && answer.payload.nested, undefined);
});

test('D02-2.1-Opt2-07, D02-3.3-01, D02-3.3-02, D02-2.2.2-03, D02-1.1-06: on request the tunnel to the agent is one of IPv4 where the home agent can, and both acknowledgements say which it is', () => {
  const ipv4 = { kind: 'tunnel', local: own4, remote: agent4 };
  const ipv6 = { kind: 'tunnel', local: homeAgentAddress, remote: agent };
  const cases = [
    { agents: { ipv4Address: '192.0.2.1' }, options: wantsIpv4, expected: [ipv4, 2] },
    { agents: { ipv4Address: '192.0.2.1' }, options: wantsIpv6, expected: [ipv6, 1] },
    { agents: { ipv4Address: '192.0.2.1' }, options: [], expected: [ipv6, undefined] },
    { agents: { ipv4Address: '192.0.2.1', tunnel: 'ipv6' }, options: wantsIpv4, expected: [ipv6, 1] },
    { agents: {}, options: wantsIpv4, expected: [ipv6, 1] },
    { agents: { ipv4Address: '192.0.2.1' }, options: wantsIpv4.slice(0, 1), expected: [ipv6, 1] },
    { agents: { ipv4Address: '192.0.2.1' }, options: wantsIpv4.slice(1), expected: [ipv6, undefined] },
  ];
  for (const { agents, options, expected } of cases) assert.deepEqual(tunnelled(aware(agents), { options }), expected);
  for (const address of ['::ffff:0.0.0.0', '::ffff:127.0.0.1', '::ffff:224.0.0.1', '::ffff:255.255.255.255']) {
    const options = [...wantsIpv4.slice(0, 1), { kind: 'ipv4CareOfAddress', address: parseAddress(address) } as const];
    assert.deepEqual(tunnelled(overIpv4(), { options }), [ipv6, 1], address);
  }
});

test('D02-2.1-Opt3-06, D02-3.3-02: while a binding leads through IPv4, all that is for its agent goes that way, and no longer', () => {
  const world = overIpv4();
  tunnelled(world, { options: wantsIpv4 });
  tunnelled(world, { home: second, options: wantsIpv4 });
  const inIpv4 = [
    '2001:db8:a::7/128 → ::ffff:192.0.2.2',
    '2001:db8:a::8/128 → ::ffff:192.0.2.2',
    `${agentText}/128 → ::ffff:192.0.2.2`,
  ];
  assert.deepEqual(world.ruleTexts, inIpv4);
  assert.ok(world.admitted.has(`::ffff:192.0.2.2 ${agentText}/128`));
  assert.ok(world.admitted.has('::ffff:192.0.2.2 2001:db8:a::7/128'));
  world.receive(throughAgent({ sequence: 2, lifetimeS: 0, options: wantsIpv4 }));
  world.runMs(20_000);
  assert.deepEqual(world.ruleTexts, inIpv4.slice(1));
  world.receive(throughAgent({ home: second, sequence: 2, lifetimeS: 0 }));
  assert.ok(world.ruleTexts.includes(`${agentText}/128 → ::ffff:192.0.2.2`), 'the answer goes that way');
  world.runMs(20_000);
  assert.deepEqual([world.ruleTexts, [...world.admitted]], [[], []]);
});

test('draft-dommety §3.3: a refusal finds the way through IPv4 where no binding leads yet, and leaves nothing', () => {
  const world = aware({ ipv4Address: '192.0.2.1' }, { maximumBindings: 1 });
  world.receive(homeUpdate({ home: second }));
  const outputs = world.receive(throughAgent({ options: wantsIpv4 }));
  assert.deepEqual(
    kinds(outputs).filter(kind => kind !== 'trace'),
    ['forward', 'admit', 'bindingAcknowledgement', 'unadmit', 'unforward'],
  );
  const [forward] = outputs.filter(output => output.kind === 'forward');
  const via = { kind: 'tunnel', local: own4, remote: agent4 } as const;
  assert.deepEqual(forward, { kind: 'forward', rule: { to: hostPrefix(agent), via } });
  assert.equal(nestedAnswer(outputs).inner.status, 130);
});

test('D02-1.1-06, D02-2.1-Opt3-06: a refresh and a move change what the tunnel goes through, and the binding stays', () => {
  const world = overIpv4();
  const other = parseAddress('2001:db8:b:2::7');
  tunnelled(world, { options: wantsIpv4 });
  assert.equal(tunnelled(world, { sequence: 2, options: wantsIpv6 })[1], 1);
  assert.deepEqual(world.ruleTexts, [`2001:db8:a::7/128 → ${agentText}`]);
  assert.ok(world.admitted.has('::ffff:192.0.2.2 2001:db8:a::7/128'), 'what was on its way is let in');
  world.runMs(2000);
  assert.deepEqual([...world.admitted], [`${agentText} 2001:db8:a::7/128`]);
  assert.equal(tunnelled(world, { sequence: 3, options: wantsIpv4 })[1], 2);
  assert.equal(tunnelled(world, { sequence: 4, careOf: other })[1], undefined);
  world.runMs(2000);
  assert.deepEqual(world.ruleTexts, [`2001:db8:a::7/128 → ${formatAddress(other)}`]);
  assert.deepEqual([...world.admitted], [`${formatAddress(other)} 2001:db8:a::7/128`]);
  const changes = world.traced.map(event => event.event === 'binding' && event.change);
  assert.deepEqual(changes, ['created', 'refreshed', 'refreshed', 'moved']);
});

test('draft-dommety §3.3: an agent of another IPv4 address takes the tunnel of its only mobile along', () => {
  const world = overIpv4();
  tunnelled(world, { options: wantsIpv4 });
  const address = parseAddress('::ffff:192.0.2.9');
  tunnelled(world, { sequence: 2, options: [...wantsIpv4.slice(0, 1), { kind: 'ipv4CareOfAddress', address }] });
  world.runMs(2000);
  assert.deepEqual(world.ruleTexts, ['2001:db8:a::7/128 → ::ffff:192.0.2.9', `${agentText}/128 → ::ffff:192.0.2.9`]);
  assert.deepEqual([...world.admitted].sort(), [
    '::ffff:192.0.2.9 2001:db8:a::7/128',
    `::ffff:192.0.2.9 ${agentText}/128`,
  ]);
});

test('draft-dommety §6: a mobile cannot lead what is for the agent of others to an IPv4 address of its choice', () => {
  const world = overIpv4();
  tunnelled(world, { options: wantsIpv4 });
  const elsewhere = { kind: 'ipv4CareOfAddress', address: parseAddress('::ffff:203.0.113.9') } as const;
  const [via, preference] = tunnelled(world, { home: second, options: [...wantsIpv4.slice(0, 1), elsewhere] });
  assert.deepEqual([via, preference], [{ kind: 'tunnel', local: homeAgentAddress, remote: agent }, 1]);
  assert.ok(world.ruleTexts.includes(`${agentText}/128 → ::ffff:192.0.2.2`));
});

test('draft-dommety §3.3: tunnels through IPv4 are there again after a restart, and of IPv6 where that is all there is now', () => {
  const world = overIpv4();
  tunnelled(world, { options: wantsIpv4 });
  const again = overIpv4();
  again.step({ kind: 'restored', records: world.records });
  assert.deepEqual(again.ruleTexts, world.ruleTexts);
  assert.deepEqual([...again.admitted].sort(), [...world.admitted].sort());
  const [row] = [...(again.engine.views.bindings?.() ?? [])];
  assert.deepEqual([row?.careOf, row?.ipv4CareOf], [agentText, '::ffff:192.0.2.2']);
  const plain = aware();
  plain.step({ kind: 'restored', records: world.records });
  assert.deepEqual(plain.ruleTexts, [`2001:db8:a::7/128 → ${agentText}`]);
});

test('draft-dommety §2.2.2: an update with a packet behind it is for agents', () => {
  const world = aware();
  const packet = throughAgent();
  assert.ok(packet.payload.kind === 'mobility');
  const nested = { ...packet, payload: { ...packet.payload, nested: homeUpdate() } };
  assert.deepEqual(kinds(world.receive(nested)), ['trace']);
  assert.equal(world.engine.counters.discarded_nestedUpdate, 1);
});
