import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  alike,
  around,
  homeAddress,
  homeRegistration,
  lan,
  mixes,
  NestedWorld,
  opaque,
  type Protections,
  reasons,
  SecuredNode,
  tampered,
  under,
  update,
} from '../../test/support/nested-updates.js';
import { environment, messageOf, mobility, sent } from '../../test/support/signalling.js';
import { type Address, formatAddress, parseAddress } from '../base/address.js';
import { second } from '../base/time.js';
import { decodePacket, encodePacket } from '../wire/ipv6/codec.js';
import type { Packet } from '../wire/ipv6/packet.js';
import type { BindingAcknowledgement } from '../wire/mobility/messages.js';
import type { Engine, Input, Output } from './contract.js';
import { localMobilityAgent } from './lma6-role.js';
import { homeAgent } from './mip6/home-agent-role.js';
import { mobileNode } from './mobile-node-role.js';
import type { Role } from './scheme.js';
import { nestedIn } from './security/nested.js';
import { placedSecurity, placedTunnel } from './security/placement.js';

const [coLocated, other] = [parseAddress('2001:db8:2::7'), parseAddress('2001:db8:2::8')];
const home = formatAddress(homeAddress);

/** A mobile whose packets a test makes, and real agents and a real home agent. */
class Domain {
  readonly world: NestedWorld;
  readonly lower: Node;
  readonly upper: Node;
  readonly homeAgent: Node;

  constructor(kinds: Protections) {
    this.world = new NestedWorld(kinds);
    const { lower, upper, home: anchor } = this.world;
    this.lower = node(localMobilityAgent, lower.address, kinds.lower, { links: ['lan'] });
    this.upper = node(localMobilityAgent, upper.address, kinds.upper, {});
    const served = { prefixes: ['2001:db8:1::/64'], localMobilityAgents: {} };
    this.homeAgent = node(homeAgent, anchor.address, kinds.home, served);
  }
}

class Node {
  readonly address: Address;
  readonly engine: Engine;

  constructor(address: Address, engine: Engine) {
    this.address = address;
    this.engine = engine;
  }

  receive(
    packet: Packet,
    now: number,
    from?: Pick<Extract<Input, { kind: 'packet' }>, 'link' | 'neighbour'>,
  ): Output[] {
    const arrived = decodePacket(encodePacket(packet), { mobilityOctets: true });
    return this.engine.handle({ kind: 'packet', packet: arrived, ...from }, now);
  }

  /** Home addresses and care-of addresses that it has. */
  bindings(): string[] {
    const { visitors, bindings } = this.engine.views;
    return [...(visitors ?? bindings)()].map(row => `${row.home} ${row.careOf}`.replace('/128', ''));
  }
}

/** A role that knows the mobile by its home address. */
function node<Config>(
  role: Role<Config>,
  address: Address,
  kind: 'rfc4285' | 'esp',
  more: Readonly<Record<string, unknown>>,
): Node {
  const own = formatAddress(address);
  const peers = [{ address: home, security: placedSecurity(kind, own, home) }];
  const parsed = role.parse({ address: own, peers, ...more });
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return new Node(address, role.create(parsed.config, environment(0, own)));
}

const relayed = (outputs: readonly Output[]) =>
  outputs.flatMap(o => (o.kind === 'send' && o.relayed ? [o.packet] : []));
const declared = (outputs: readonly Output[]) => outputs.filter(({ kind }) => kind === 'forward' || kind === 'admit');

test(
  'D02-3.1-07, D02-6-01, D02-3.2.1-03, D02-3.2.1-04, D02-3.2.2-02: all nodes of a hierarchy verify what is for them and pass the rest on unchanged',
  under(mixes, mix => {
    const { world, lower, upper, homeAgent } = new Domain(mix);
    const outer = world.register(second);
    const carried = nestedIn(world.lower.opened(outer, second));
    const [middle] = relayed(lower.receive(outer, second, lan));
    assert.deepEqual(encodePacket(middle), carried && encodePacket(carried));
    assert.deepEqual(lower.bindings(), [`${home} ${formatAddress(lower.address)}`]);
    const [inner] = relayed(upper.receive(middle, second));
    assert.deepEqual(upper.bindings(), [`${home} ${formatAddress(lower.address)}`]);
    const [wrapper] = sent(homeAgent.receive(inner, second));
    assert.deepEqual(homeAgent.bindings(), [`${home} ${formatAddress(upper.address)}`]);
    assert.equal(wrapper.destination, upper.address);
    const [down] = relayed(upper.receive(wrapper, second));
    assert.ok(down.payload.kind === 'ipv6' && down.destination === lower.address);
    world.mobile.receive(down.payload.packet, second);
    assert.deepEqual(world.mobile.associations(), [formatAddress(homeAgent.address)]);
    assert.equal((messageOf(world.mobile.engine.packets[0]) as BindingAcknowledgement).status, 0);
  }),
);

test(
  'D02-3.2.1-03, D02-App-3-01: an agent on the link neither registers nor passes on what does not verify',
  under(alike, same => {
    const { world, lower } = new Domain(same);
    const good = world.register(second);
    for (const packet of [world.nested(), tampered(good), { ...good, source: other }]) {
      const outputs = lower.receive(packet, second, lan);
      assert.equal(reasons(outputs).length, 1);
      assert.deepEqual([relayed(outputs), declared(outputs), lower.bindings()], [[], [], []]);
      for (const output of outputs) assert.ok(output.kind !== 'send' || output.neighbour === lan.neighbour);
    }
    assert.equal(relayed(lower.receive(good, second, lan)).length, 1);
    assert.deepEqual(reasons(lower.receive(good, second, lan)), ['replayed']);
  }),
);

test(
  'D02-3.2.2-02, D02-App-3-01: an agent that is not on the link neither registers nor passes on what does not verify',
  under(alike, same => {
    const kind = same.home;
    const { world, upper } = new Domain(same);
    const mobile = new SecuredNode(homeAddress, [[upper.address, kind]], {});
    const headers = [{ kind: 'destinationOptions', options: [{ kind: 'homeAddress', address: homeAddress }] }] as const;
    const own = { ...mobility(coLocated, upper.address, update(7, coLocated)), headers };
    const inner = opaque(world.protectedFor(homeRegistration(1, upper.address), world.home, kind));
    const clear = around(own, inner);
    const [good] = sent(mobile.say([{ kind: 'send', packet: clear }], second));
    for (const packet of [clear, tampered(good)]) {
      const outputs = upper.receive(packet, second);
      assert.equal(reasons(outputs).length, 1);
      assert.deepEqual([relayed(outputs), declared(outputs), upper.bindings()], [[], [], []]);
    }
    assert.deepEqual(relayed(upper.receive(good, second)).map(encodePacket), [encodePacket(inner)]);
    assert.deepEqual(upper.bindings(), [`${home} ${formatAddress(coLocated)}`]);
  }),
);

test(
  'D02-6-01: a home agent takes no inner update from who has the keys of an agent alone, whatever the agent passes on',
  under(alike, same => {
    const kind = same.home;
    const { lower, homeAgent } = new Domain(same);
    const intruder = new SecuredNode(homeAddress, [[lower.address, kind]], {});
    const outer = mobility(homeAddress, lower.address, update(1, lower.address));
    const forged = { ...homeRegistration(1, lower.address), destination: homeAgent.address };
    const [packet] = sent(intruder.say([{ kind: 'send', packet: around(outer, opaque(forged)) }], second));
    const [passed] = relayed(lower.receive(packet, second, lan));
    const outputs = homeAgent.receive(passed, second);
    assert.deepEqual([reasons(outputs), sent(outputs), homeAgent.bindings()], [['unprotected'], [], []]);
  }),
);

test(
  'draft-dommety §3.2.1: one visitor has nothing passed on in the name of another',
  under(alike, same => {
    const { world, lower } = new Domain(same);
    const others = { ...homeRegistration(1, lower.address), source: other };
    const outer = mobility(homeAddress, lower.address, update(1, lower.address));
    const [packet] = sent(world.mobile.say([{ kind: 'send', packet: around(outer, opaque(others)) }], second));
    const outputs = lower.receive(packet, second, lan);
    assert.deepEqual([relayed(outputs), declared(outputs), lower.bindings()], [[], [], []]);
  }),
);

test(
  'draft-dommety §3.2.1: nobody has an acknowledgement passed on that nothing was passed on for, or from elsewhere',
  under(alike, same => {
    const { world, lower, upper, homeAgent } = new Domain(same);
    const early = around(
      mobility(homeAgent.address, upper.address, world.acknowledgement()),
      opaque(mobility(homeAgent.address, homeAddress, world.acknowledgement())),
    );
    assert.deepEqual(sent(upper.receive(early, second)), []);
    const [middle] = relayed(lower.receive(world.register(second), second, lan));
    const [inner] = relayed(upper.receive(middle, second));
    const [wrapper] = sent(homeAgent.receive(inner, second));
    assert.deepEqual(sent(upper.receive({ ...wrapper, source: other }, second)), []);
    // In the clear it may be anybody's, so it does not end the wait for the true one.
    for (let i = 0; i < 2; i++) assert.equal(relayed(upper.receive(wrapper, second)).length, 1);
    upper.engine.handle({ kind: 'tick' }, 12 * second);
    assert.deepEqual(sent(upper.receive(wrapper, 12 * second)), []);
  }),
);

test('RFC 6275 §5.2.5, draft-dommety §3.1: a mobile that shares care-of addresses has its tests protected up to its home address, and is told so', () => {
  const homeAgentText = '2001:db8:3::3';
  const parse = (end: string) => {
    const tunnel = { ...placedTunnel(home, homeAgentText), end };
    const security = { ...placedSecurity('esp', home, homeAgentText), tunnel };
    const peers = [{ address: homeAgentText, security }];
    return mobileNode.parse({
      address: home,
      homeAgent: homeAgentText,
      peers,
      localMobilityAgents: { mode: 'onePhase' },
    });
  };
  assert.ok(parse('homeAddress').ok);
  const refused = parse('careOfAddress');
  assert.ok(!refused.ok);
  assert.deepEqual(
    refused.problems.map(({ path }) => path),
    [['peers', 0, 'security', 'tunnel', 'end']],
  );
});
