import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hmac } from '@noble/hashes/hmac.js';
import { sha1 } from '@noble/hashes/legacy.js';
import {
  alike,
  around,
  homeAddress,
  homeRegistration,
  lan,
  mixes,
  NestedWorld,
  opaque,
  reasons,
  SecuredNode,
  tampered,
  under,
  update,
} from '../../../test/support/nested-updates.js';
import { messageOf, mobility, sent } from '../../../test/support/signalling.js';
import { addressBytes, formatAddress, parseAddress } from '../../base/address.js';
import { hexToBytes } from '../../base/text.js';
import { second } from '../../base/time.js';
import { checksum } from '../../wire/checksum.js';
import { encodePacket } from '../../wire/ipv6/codec.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import { encodeMobilityHeader } from '../../wire/mobility/header.js';
import type { BindingAcknowledgement } from '../../wire/mobility/messages.js';
import { nestedIn, withNested } from './nested.js';
import { placedSecurity } from './placement.js';

const other = parseAddress('2001:db8:1::2');
const statusOf = (packet: Packet) => (messageOf(packet) as BindingAcknowledgement).status;

test(
  'D02-3.1-07, D02-6-01, D02-2.2.2-05: each update verifies where it is for, unchanged on its way',
  under(mixes, mix => {
    const world = new NestedWorld(mix);
    const { mobile, lower, upper, home } = world;
    let packet = world.register(second);
    for (const agent of [lower, upper]) {
      const carried = nestedIn(agent.opened(packet, second));
      [packet] = sent(agent.receive(packet, second));
      assert.deepEqual(encodePacket(packet), carried && encodePacket(carried));
      assert.deepEqual(agent.associations(), [formatAddress(homeAddress)]);
    }
    const outputs = home.receive(packet, second);
    assert.deepEqual(home.associations(), [formatAddress(homeAddress)]);
    const [wrapper] = sent(outputs);
    assert.deepEqual([wrapper.source, wrapper.destination], [home.address, upper.address]);
    assert.equal(messageOf(wrapper).kind, 'bindingAcknowledgement');
    const [answer] = sent(upper.receive(wrapper, second));
    assert.equal(upper.associations()[1], undefined);
    mobile.receive(answer, second);
    assert.deepEqual(mobile.associations(), [formatAddress(home.address)]);
    assert.equal(messageOf(mobile.engine.packets[0]).kind, 'bindingAcknowledgement');
  }),
);

test(
  "D02-6-01: a forged outer update reaches no agent's engine, and nothing of it goes on",
  under(alike, same => {
    const world = new NestedWorld(same);
    for (const [packet, reason] of [
      [tampered(world.register(second)), 'authentication'],
      [world.nested(), 'unprotected'],
      [{ ...world.register(second), source: other }, 'unknownPeer'],
    ] as const) {
      const outputs = world.lower.receive(packet, second);
      assert.deepEqual(reasons(outputs), [reason]);
      assert.ok(sent(outputs).every(({ source }) => source === world.lower.address));
    }
    assert.equal(world.lower.engine.inputs.length, 0);
  }),
);

test(
  'D02-6-01: an inner update forged by who has keys of the agent alone is refused by whom it is for',
  under(alike, same => {
    const kind = same.home;
    const world = new NestedWorld(same);
    const { lower, upper, home } = world;
    const intruder = new SecuredNode(homeAddress, [[lower.address, kind]], {});
    const genuine = homeRegistration(1, upper.address);
    for (const [inner, at, reason] of [
      [genuine, home, 'unprotected'],
      [tampered(world.protectedFor(genuine, home, kind)), home, 'authentication'],
      [mobility(homeAddress, upper.address, update(1, lower.address)), upper, 'unprotected'],
    ] as const) {
      const outer = mobility(homeAddress, lower.address, update(2, lower.address));
      const [packet] = sent(intruder.say([{ kind: 'send', packet: around(outer, opaque(inner)) }], second));
      const [passed] = sent(lower.receive(packet, second));
      const before = at.engine.inputs.length;
      assert.deepEqual(reasons(at.receive(passed, second)), [reason]);
      assert.equal(at.engine.inputs.length, before);
    }
  }),
);

test(
  'D02-6-01: an inner update changed on its way to the agent is refused by the agent',
  under(alike, same => {
    const kind = same.home;
    const world = new NestedWorld({ ...same, upper: 'rfc4285' });
    const [first, later] = [world.register(second), world.register(2 * second)];
    const swapped: Packet[] =
      kind === 'esp'
        ? [tampered(first)]
        : [
            withNested(later, nestedIn(first) as Packet),
            withNested(later, tampered(nestedIn(later) as Packet)),
            mobility(later.source, later.destination, messageOf(later)),
          ];
    for (const packet of swapped) {
      assert.deepEqual(reasons(world.lower.receive(packet, 2 * second)), ['authentication']);
      assert.equal(world.lower.engine.inputs.length, 0);
    }
  }),
);

test(
  'D02-6-01: updates that are repeated are refused by each node for its own association',
  under(alike, same => {
    const world = new NestedWorld(same);
    const { lower, upper, home } = world;
    const outer = world.register(second);
    const [middle] = sent(lower.receive(outer, second));
    assert.deepEqual(reasons(lower.receive(outer, second)), ['replayed']);
    const [inner] = sent(upper.receive(middle, second));
    assert.deepEqual(reasons(upper.receive(middle, second)), ['replayed']);
    home.receive(inner, second);
    assert.deepEqual(reasons(home.receive(inner, second)), ['replayed']);
    const again = mobility(homeAddress, lower.address, update(9, lower.address));
    const [packet] = sent(world.mobile.say([{ kind: 'send', packet: around(again, opaque(inner)) }], 2 * second));
    const [passed] = sent(lower.receive(packet, 2 * second));
    assert.deepEqual(encodePacket(passed), encodePacket(inner));
    assert.deepEqual(reasons(home.receive(passed, 2 * second)), ['replayed']);
    assert.deepEqual(
      [lower, upper, home].map(({ engine }) => engine.inputs.length),
      [2, 1, 1],
    );
  }),
);

test(
  "D02-2.2.2-06: what an agent says in a mobile's name does not verify at the home agent",
  under(alike, same => {
    const kind = same.home;
    const world = new NestedWorld(same);
    const agent = new SecuredNode(world.upper.address, [[world.home.address, kind]], { nestedUpdates: true });
    const forged = homeRegistration(1, agent.address);
    const [own] = sent(agent.say([{ kind: 'send', packet: forged }], second));
    assert.deepEqual(reasons(world.home.receive(own, second)), ['unknownAssociation']);
    assert.deepEqual(reasons(world.home.receive(forged, second)), ['unprotected']);
    assert.equal(world.home.engine.inputs.length, 0);
  }),
);

test(
  'draft-dommety §3.2.1: what an agent passes on goes out untouched, whatever keys it has for the destination',
  under(alike, same => {
    const kind = same.home;
    const world = new NestedWorld(same);
    const agent = new SecuredNode(world.upper.address, [[world.home.address, kind]], { nestedUpdates: true });
    const packet = homeRegistration(1, agent.address);
    assert.deepEqual(agent.say([{ kind: 'send', packet, relayed: true }], second), [
      { kind: 'send', packet, relayed: true },
    ]);
  }),
);

test(
  'D02-6-01: an acknowledgement nested in another that nobody vouches for still has to verify at the mobile',
  under(alike, same => {
    const kind = same.home;
    const world = new NestedWorld(same);
    const { mobile, lower, upper, home } = world;
    let packet = world.register(second);
    for (const agent of [lower, upper]) [packet] = sent(agent.receive(packet, second));
    const [wrapper] = sent(home.receive(packet, second));
    for (const [forged, reason] of [
      [around(wrapper, tampered(nestedIn(wrapper) as Packet)), 'authentication'],
      [around(wrapper, mobility(home.address, homeAddress, messageOf(wrapper))), 'unprotected'],
    ] as const) {
      const [answer] = sent(upper.receive(forged, second));
      assert.deepEqual(reasons(mobile.receive(answer, second)), [reason]);
    }
    assert.equal(mobile.engine.packets.length, 0);
    assert.deepEqual(reasons(mobile.receive(wrapper, second)), ['malformed']);
    const [answer] = sent(upper.receive(wrapper, second));
    mobile.receive(answer, second);
    assert.equal(mobile.engine.packets.length, 1);
    assert.deepEqual(reasons(mobile.receive(answer, second)), [kind === 'esp' ? 'replayed' : 'unasked']);
  }),
);

test('draft-dommety §3.2.1: who can protect the outer acknowledgement has to', () => {
  const world = new NestedWorld({ lower: 'esp', upper: 'esp', home: 'esp' });
  const peers = [[world.upper.address, 'esp']] as const;
  const home = new SecuredNode(world.home.address, peers, { nestedUpdates: true });
  const agent = new SecuredNode(world.upper.address, [[world.home.address, 'esp']], { nestedUpdates: true });
  const answer = mobility(home.address, homeAddress, world.acknowledgement());
  const wrapper = around(mobility(home.address, agent.address, world.acknowledgement()), opaque(answer));
  assert.deepEqual(reasons(agent.receive(wrapper, second)), ['unprotected']);
  const [sealed] = sent(home.say([{ kind: 'send', packet: wrapper }], second));
  agent.receive(sealed, second);
  assert.deepEqual(agent.associations(), [formatAddress(home.address)]);
});

test('draft-dommety §3.2.1: under RFC 4285, where an answer needs a request, the outer acknowledgement goes in the clear', () => {
  const world = new NestedWorld({ lower: 'esp', upper: 'esp', home: 'esp' });
  const home = new SecuredNode(world.home.address, [[world.upper.address, 'rfc4285']], { nestedUpdates: true });
  const agent = new SecuredNode(world.upper.address, [[home.address, 'rfc4285']], { nestedUpdates: true });
  const answer = opaque(mobility(home.address, homeAddress, world.acknowledgement()));
  const wrapper = around(mobility(home.address, agent.address, world.acknowledgement()), answer);
  const [plain] = sent(home.say([{ kind: 'send', packet: wrapper }], second));
  assert.deepEqual(plain, wrapper);
  agent.receive(plain, second);
  assert.deepEqual(agent.associations(), [undefined]);
});

test(
  'draft-dommety §3.2.1: of nested acknowledgements the inner one is under the association that the answer names',
  under(alike, same => {
    const kind = same.home;
    const world = new NestedWorld(same);
    const identity = 'mn@example.net';
    const home = new SecuredNode(world.home.address, [{ identity, kind }], { nestedUpdates: true });
    home.engine.answer = world.home.engine.answer;
    const mobile = new SecuredNode(homeAddress, [{ address: home.address, as: identity, kind }], {});
    const packet = homeRegistration(1, world.upper.address);
    const [update] = sent(mobile.say([{ kind: 'send', packet }], second));
    const [wrapper] = sent(home.receive(update, second));
    assert.deepEqual(home.associations(), [identity]);
    const answer = nestedIn(wrapper);
    assert.ok(answer);
    mobile.receive(answer, second);
    assert.deepEqual(mobile.associations(), [formatAddress(home.address)]);
  }),
);

test('RFC 6275 §9.2, draft-dommety §3.2.1: other messages with a packet behind them are no wrappers', () => {
  const world = new NestedWorld({ lower: 'esp', upper: 'esp', home: 'esp' });
  const stranger = around(mobility(other, world.upper.address, update(1, other)), homeRegistration(1, other));
  assert.deepEqual(reasons(world.upper.receive(stranger, second)), ['unknownPeer']);
  assert.equal(world.upper.engine.inputs.length, 0);
});

test('RFC 4303 §3.3.3, RFC 4285 §6: each association counts for itself', () => {
  const world = new NestedWorld({ lower: 'esp', upper: 'rfc4285', home: 'esp' });
  const { mobile, lower, upper, home } = world;
  const counts = () => mobile.rows().map(({ sent: count }) => count);
  const pass = (packet: Packet, now: number) =>
    home.receive(sent(upper.receive(sent(lower.receive(packet, now))[0], now))[0], now);
  pass(world.register(second), second);
  assert.deepEqual(counts(), [1, undefined, 1]);
  const alone = mobility(homeAddress, lower.address, update(2, lower.address));
  lower.receive(world.register(2 * second, alone), 2 * second);
  assert.deepEqual(counts(), [2, undefined, 1]);
  pass(world.register(3 * second), 3 * second);
  assert.deepEqual(counts(), [3, undefined, 2]);
  assert.deepEqual(
    [lower, upper, home].map(({ engine }) => engine.inputs.length),
    [3, 2, 2],
  );
});

test('draft-dommety §3.1: where one of several updates cannot be protected nothing goes out', () => {
  const world = new NestedWorld({ lower: 'esp', upper: 'esp', home: 'esp' });
  const { lower, home } = world;
  const mobile = new SecuredNode(homeAddress, [[lower.address, 'esp']], {});
  const outputs = mobile.say([{ kind: 'send', packet: world.nested() }], second);
  assert.deepEqual(
    outputs.map(o => o.kind === 'trace' && o.event),
    [{ event: 'failed', peer: home.address, reason: 'no security association: nothing sent' }],
  );
});

test('RFC 6275 §5.2.5: what a mobile says to an agent of its own keys does not take the tunnel to its home agent', () => {
  const world = new NestedWorld({ lower: 'rfc4285', upper: 'esp', home: 'esp' });
  const { lower, home } = world;
  const [own, homeText] = [formatAddress(homeAddress), formatAddress(home.address)];
  const peers = [{ address: home.address, tunnel: 'careOfAddress' }, [lower.address, 'rfc4285']] as const;
  const mobile = new SecuredNode(homeAddress, peers, {});
  const from = { address: homeAddress, length: 128 };
  const via = { kind: 'tunnel', local: other, remote: home.address } as const;
  mobile.say([{ kind: 'forward', rule: { from, via } }], second);
  const forAgent = mobility(homeAddress, lower.address, update(1, lower.address));
  const test = mobility(homeAddress, other, { kind: 'homeTestInit', cookie: new Uint8Array(8), options: [] });
  const ends = [forAgent, test].map(packet => sent(mobile.say([{ kind: 'send', packet }], second))[0]);
  assert.deepEqual(
    ends.map(({ source, destination }) => [formatAddress(source), formatAddress(destination)]),
    [
      [own, formatAddress(lower.address)],
      [formatAddress(other), homeText],
    ],
  );
});

test('RFC 6275 §11.7.1: the care-of address that ESP asks for keeps what is behind the update', () => {
  const world = new NestedWorld({ lower: 'esp', upper: 'esp', home: 'esp' });
  const { lower, mobile, upper } = world;
  const message = { ...update(1, lower.address), options: [] };
  const headers = [{ kind: 'destinationOptions', options: [{ kind: 'homeAddress', address: homeAddress }] }] as const;
  const outer = { ...mobility(other, lower.address, message), headers };
  const inner = opaque(homeRegistration(1, upper.address));
  const [packet] = sent(mobile.say([{ kind: 'send', packet: around(outer, inner) }], second));
  const [passed] = sent(lower.receive(packet, second));
  assert.deepEqual(encodePacket(passed), encodePacket(inner));
  const [at] = lower.engine.packets;
  assert.deepEqual(messageOf(at), update(1, other));
});

test('D02-3.2.1-04: an inner update padded in another way verifies at the home agent, having passed an agent', () => {
  const world = new NestedWorld({ lower: 'rfc4285', upper: 'rfc4285', home: 'rfc4285' });
  const { lower, upper, home, mobile } = world;
  const ours = world.protectedFor(homeRegistration(1, upper.address), home, 'rfc4285');
  const padded = oddlyPadded(ours, home.address);
  const outer = mobility(homeAddress, lower.address, update(1, lower.address));
  const [packet] = sent(mobile.say([{ kind: 'send', packet: around(outer, padded) }], second));
  const [passed] = sent(lower.receive(packet, second));
  assert.deepEqual(encodePacket(passed), encodePacket(padded));
  home.receive(passed, second);
  assert.deepEqual(home.associations(), [formatAddress(homeAddress)]);
});

test('RFC 4285 §6, draft-dommety §3.2.1: an agent with another time says so on its link, and the update comes again', () => {
  const world = new NestedWorld({ lower: 'rfc4285', upper: 'rfc4285', home: 'rfc4285' }, { lower: 60_000 });
  const outputs = world.lower.receive(world.register(second), second, lan);
  assert.deepEqual(reasons(outputs), ['replayed']);
  const refusal = outputs.find(output => output.kind === 'send');
  assert.ok(refusal);
  assert.deepEqual(
    [refusal.link, refusal.neighbour, refusal.packet.destination],
    [lan.link, lan.neighbour, homeAddress],
  );
  assert.equal(statusOf(refusal.packet), 144);
  const [plain] = sent(world.lower.receive(world.register(second), second));
  assert.deepEqual([plain.destination, nestedIn(plain)], [homeAddress, undefined]);
  const [again] = sent(world.mobile.receive(refusal.packet, second));
  const [middle] = sent(world.lower.receive(again, second));
  const [inner] = sent(world.upper.receive(middle, second));
  world.home.receive(inner, second);
  assert.deepEqual(world.home.associations(), [formatAddress(homeAddress)]);
});

for (const at of ['upper', 'home'] as const)
  test(`RFC 4285 §6, draft-dommety §3.2.1: the ${at} agent with another time says so through the one below it, and what the engine repeats is good`, () => {
    const world = new NestedWorld({ lower: 'rfc4285', upper: 'rfc4285', home: 'rfc4285' }, { [at]: 60_000 });
    const below = at === 'upper' ? [world.lower] : [world.lower, world.upper];
    const way = (now: number) =>
      below.reduce((packet, agent) => sent(agent.receive(packet, now))[0], world.register(now));
    const [refusal] = sent(world[at].receive(way(second), second));
    const agent = below[below.length - 1];
    assert.deepEqual([refusal.destination, statusOf(refusal)], [agent.address, 144]);
    const [answer] = sent(agent.receive(refusal, second));
    assert.deepEqual(world.mobile.receive(answer, second), []);
    assert.equal(world.mobile.engine.packets.length, 0);
    world[at].receive(way(2 * second), 2 * second);
    assert.deepEqual(world[at].associations(), [formatAddress(homeAddress)]);
  });

test('RFC 4285 §5.1.1: where nothing verifies, an answer goes to the sender and to nobody whom it names', () => {
  const world = new NestedWorld({ lower: 'rfc4285', upper: 'rfc4285', home: 'rfc4285' });
  const forged = tampered(world.protectedFor(homeRegistration(1, other), world.home, 'rfc4285'));
  const [answer] = sent(world.home.receive(forged, second));
  assert.deepEqual([answer.destination, statusOf(answer), nestedIn(answer)], [homeAddress, 146, undefined]);
});

/** `packet`, protected by RFC 4285, with padding before its options that we never write, its authenticator made right. */
function oddlyPadded(packet: Packet, peer: Packet['source']): Packet {
  const security = placedSecurity('rfc4285', formatAddress(homeAddress), formatAddress(peer));
  assert.ok('key' in security);
  const ours = encodeMobilityHeader(messageOf(packet), packet.source, packet.destination);
  const header = Uint8Array.from([...ours.subarray(0, 12), 1, 6, 0xde, 0xad, 0xbe, 0xef, 0, 1, ...ours.subarray(12)]);
  header[1] += 1;
  header.fill(0, 4, 6);
  const covered = header.subarray(0, header.length - 12);
  const careOf = addressBytes(parseAddress('2001:db8:b::1'));
  const mac = hmac(sha1, hexToBytes(security.key), Uint8Array.from([...careOf, ...addressBytes(peer), ...covered]));
  header.set(mac.subarray(0, 12), header.length - 12);
  const sum = checksum(header, 0, header.length, packet, 135);
  header.set([sum >> 8, sum & 0xff], 4);
  return { ...packet, payload: { kind: 'raw', protocol: 135, data: header } };
}
