import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnchorWorld, environment } from '../../test/support/anchor.js';
import { home, homeAgentAddress, homeUpdate, throughAgent } from '../../test/support/home-agent.js';
import { protections, SecuredMobile } from '../../test/support/secured-mobile.js';
import { mobility, Puppet, update } from '../../test/support/signalling.js';
import { type Address, formatAddress, parseAddress } from '../base/address.js';
import { parseLinkAddress } from '../base/link-address.js';
import { type Packet, protocol } from '../wire/ipv6/packet.js';
import type { MobilityOption } from '../wire/mobility/options.js';
import type { Engine, Output } from './contract.js';
import { homeAgent } from './keyed-anchors.js';
import { localMobilityAgent } from './lma6-role.js';
import { overIpv4 } from './over-ipv4.js';
import { placedProtection } from './security/placement.js';

const own = homeAgentAddress;
const own4 = parseAddress('::ffff:192.0.2.1');
const agent4 = parseAddress('::ffff:192.0.2.2');
const stranger = parseAddress('2001:db8:9::9');

const wantsIpv4: readonly MobilityOption[] = [
  { kind: 'vendorSpecific', content: { kind: 'tunnelRequest', flags: { ipv4: true } } },
  { kind: 'ipv4CareOfAddress', address: agent4 },
];

function awareHomeAgent(peers: object): AnchorWorld {
  const localMobilityAgents = { ipv4Address: '192.0.2.1' };
  const parsed = homeAgent.parse({
    address: formatAddress(own),
    prefixes: ['2001:db8:a::/64'],
    localMobilityAgents,
    ...peers,
  });
  assert.ok(parsed.ok);
  return new AnchorWorld(homeAgent.create(parsed.config, environment()));
}

function tunnelled(packet: Packet, source: Address = agent4, destination: Address = own4): Packet {
  return { source, destination, hopLimit: 60, payload: { kind: 'ipv6', packet } };
}

function around(puppet: Puppet): Engine {
  return overIpv4(puppet, { address: own, ipv4Address: own4 });
}

test('draft-dommety §1.1: signalling for the node comes out of IPv4, as from nobody on the link', () => {
  const puppet = new Puppet();
  const engine = around(puppet);
  assert.deepEqual([...engine.interests.protocols].sort(), [protocol.mobility, protocol.ipv6].sort());
  const esp: Packet = {
    source: home,
    destination: own,
    hopLimit: 64,
    payload: { kind: 'raw', protocol: protocol.esp, data: new Uint8Array(24) },
  };
  const option = { kind: 'destinationOptions', options: [{ kind: 'homeAddress', address: home }] } as const;
  const inner = [mobility(home, own, update(1)), esp, { ...mobility(stranger, own, update(2)), headers: [option] }];
  const neighbour = parseLinkAddress('02:00:00:00:00:02');
  puppet.answer = () => [{ kind: 'store', key: 'heard' }];
  for (const packet of inner)
    assert.deepEqual(engine.handle({ kind: 'packet', packet: tunnelled(packet), link: 'core', neighbour }, 0), [
      { kind: 'store', key: 'heard' },
    ]);
  assert.deepEqual(
    puppet.inputs,
    inner.map(packet => ({ kind: 'packet', packet })),
  );
  assert.deepEqual([engine.counters.overIpv4Taken, engine.counters.overIpv4Dropped, engine.counters.own], [3, 0, 1]);
});

test('draft-dommety §1.1: anything else in a tunnel that is not admitted goes nowhere, and is counted', () => {
  const puppet = new Puppet();
  const engine = around(puppet);
  const signalling = mobility(home, own, update(1));
  const data: Packet = {
    source: home,
    destination: own,
    hopLimit: 64,
    payload: { kind: 'udp', sourcePort: 1, destinationPort: 2, data: new Uint8Array(1) },
  };
  const routed = { kind: 'routingType2', segmentsLeft: 1, homeAddress: home } as const;
  const refused = [
    tunnelled(data),
    tunnelled({ ...signalling, destination: stranger }),
    tunnelled({ ...signalling, headers: [routed] }),
    tunnelled({ ...signalling, payload: { kind: 'ipv6', packet: signalling } }),
    tunnelled(signalling, agent4, parseAddress('::ffff:192.0.2.7')),
    tunnelled(signalling, stranger, own),
  ];
  for (const packet of refused) {
    const [trace, ...others] = engine.handle({ kind: 'packet', packet }, 0);
    assert.deepEqual(others, []);
    assert.deepEqual(trace, {
      kind: 'trace',
      event: { event: 'discarded', peer: packet.source, reason: 'unadmitted tunnel' },
    });
  }
  assert.deepEqual(puppet.inputs, []);
  assert.deepEqual([engine.counters.overIpv4Taken, engine.counters.overIpv4Dropped], [0, refused.length]);
});

test('draft-dommety §1.1: what an engine hears of tunnels itself, and all that is not tunnelled, it hears as before', () => {
  const puppet = Object.assign(new Puppet(), {
    interests: { protocols: [protocol.mobility, protocol.ipv6], accessLinks: [], udpPorts: [] },
  });
  const engine = around(puppet);
  const packets = [tunnelled(mobility(home, own, update(1)), stranger, own), mobility(home, own, update(2))];
  for (const packet of packets) engine.handle({ kind: 'packet', packet, link: 'up' }, 0);
  engine.handle({ kind: 'tick' }, 5);
  assert.deepEqual(puppet.inputs, [
    ...packets.map(packet => ({ kind: 'packet', packet, link: 'up' })),
    { kind: 'tick' },
  ]);
  assert.equal(engine.deadline, 7);
  assert.equal(overIpv4(puppet, { address: own }), puppet);
});

test('D02-1.1-06: a home agent takes a first update out of IPv4 under its protection, and answers by IPv4', () => {
  for (const protection of protections) {
    const world = awareHomeAgent(placedProtection(protection, formatAddress(own), [formatAddress(home)]));
    const mobile = new SecuredMobile(world, formatAddress(home), own, protection);
    const packet = throughAgent({ options: wantsIpv4 });
    assert.deepEqual(sentIn(world.receive(tunnelled(packet))), [], 'without protection');
    const [answer] = sentIn(world.receive(tunnelled(mobile.protect(packet))));
    assert.ok(answer?.payload.kind === 'mobility' && answer.payload.nested);
    assert.equal(mobile.answer([{ kind: 'send', packet: answer.payload.nested }])?.status, 0);
    const via = { kind: 'tunnel', local: own4, remote: agent4 };
    assert.deepEqual(world.rules.get(`${formatAddress(answer.destination)}/128`), via);
    assert.deepEqual(world.rules.get('2001:db8:a::7/128'), via);
  }
});

test('draft-dommety §3.3, RFC 4285 §6: a refusal, also one by the protection alone, goes back the way that the update came', () => {
  const world = awareHomeAgent(placedProtection('rfc4285', formatAddress(own), [formatAddress(home)]));
  const mobile = new SecuredMobile(world, formatAddress(home), own, 'rfc4285');
  const stale = mobile.protect(throughAgent());
  const wrongSequence = mobile.protect(throughAgent({ sequence: 5, options: wantsIpv4 }));
  assert.equal(
    nestedStatus(backFrom(world.receive(tunnelled(wrongSequence)))),
    undefined,
    'accepted: by its own rules',
  );
  const again = mobile.protect(throughAgent({ sequence: 5, options: wantsIpv4 }));
  assert.equal(nestedStatus(backFrom(world.receive(tunnelled(again)))), 135);
  world.runMs(3_000_000);
  assert.equal(nestedStatus(backFrom(world.receive(tunnelled(stale)))), 144);

  /** What goes to the agent in a packet of IPv4. */
  function backFrom(outputs: readonly Output[]): Packet | undefined {
    const [packet] = sentIn(outputs);
    if (packet?.payload.kind !== 'ipv6') return undefined;
    assert.deepEqual([packet.source, packet.destination], [own4, agent4]);
    return packet.payload.packet;
  }

  function nestedStatus(packet: Packet | undefined): number | undefined {
    if (packet?.payload.kind !== 'mobility' || packet.payload.nested?.payload.kind !== 'mobility') return undefined;
    const { message } = packet.payload.nested.payload;
    return message.kind === 'bindingAcknowledgement' ? message.status : undefined;
  }
});

test('draft-dommety §3.3: without an IPv4 address a home agent hears nothing of tunnels, and its interests are as ever', () => {
  for (const agents of [undefined, {}]) {
    const parsed = homeAgent.parse({
      address: formatAddress(own),
      prefixes: ['2001:db8:a::/64'],
      insecure: true,
      ...(agents && { localMobilityAgents: agents }),
    });
    assert.ok(parsed.ok);
    const { interests } = homeAgent.create(parsed.config, environment());
    assert.ok(!interests.protocols.includes(protocol.ipv6));
    assert.equal(interests.nestedUpdates, agents && true);
  }
});

test('draft-dommety §3.2.1: a home agent whose keys come from AAA servers is told that it nests nothing', () => {
  const parsed = homeAgent.parse({
    address: formatAddress(own),
    prefixes: ['2001:db8:a::/64'],
    localMobilityAgents: {},
    keys: { servers: [{ address: '2001:db8:5::1', secret: 'a secret of sixteen' }] },
  });
  assert.ok(!parsed.ok);
  assert.ok(
    parsed.problems.some(({ path, expected }) => path[0] === 'localMobilityAgents' && /beside `keys`/.test(expected)),
  );
});

test('D02-1.1-06: an agent takes signalling out of IPv4 where it has an address for it', () => {
  const parsed = localMobilityAgent.parse({ address: formatAddress(own), ipv4Address: '192.0.2.1', insecure: true });
  assert.ok(parsed.ok);
  const engine = localMobilityAgent.create(parsed.config, environment());
  assert.ok(engine.interests.protocols.includes(protocol.ipv6));
  engine.handle({ kind: 'packet', packet: tunnelled(homeUpdate()) }, 0);
  engine.handle({ kind: 'packet', packet: tunnelled({ ...homeUpdate(), destination: stranger }) }, 0);
  assert.deepEqual([engine.counters.overIpv4Taken, engine.counters.overIpv4Dropped], [1, 1]);
});

function sentIn(outputs: readonly Output[]): Packet[] {
  return outputs.flatMap(output => (output.kind === 'send' ? [output.packet] : []));
}
