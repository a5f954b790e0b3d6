import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentWorld, agentAt } from '../../../../test/support/agent-world.js';
import { create } from '../../../../test/support/mobile-network.js';
import { home, homeAgent } from '../../../../test/support/mobile-world.js';
import { formatAddress } from '../../../base/address.js';
import { seededRandom } from '../../../base/random.js';
import { wallClockFrom } from '../../../base/time.js';
import { decodePacket, encodePacket } from '../../../wire/ipv6/codec.js';
import type { Packet } from '../../../wire/ipv6/packet.js';
import type { Engine, Output } from '../../contract.js';
import { placedProtection } from '../../security/placement.js';

const kinds = ['rfc4285', 'esp'] as const;
const names = { mobile: formatAddress(home), homeAgent: formatAddress(homeAgent), agent: formatAddress(agentAt(1)) };

function engine(role: string, config: object): Engine {
  return create(role, config)({ random: seededRandom(3, role), clock: wallClockFrom(1_767_225_600) });
}

/** A mobile that shares keys with its home agent and with agent 1. */
function mobileWith(protection: (typeof kinds)[number]): AgentWorld {
  const section = {
    address: names.mobile,
    homeAgent: names.homeAgent,
    localMobilityAgents: { mode: 'onePhase' },
    ...placedProtection(protection, names.mobile, [names.homeAgent, names.agent]),
  };
  return Object.assign(new AgentWorld(), { engine: engine('mn', section) });
}

function homeAgentOf(protection: (typeof kinds)[number], mobile = names.mobile): Engine {
  const { peers } = placedProtection(protection, names.homeAgent, [mobile]) as { peers: { address: string }[] };
  const known = peers.map(peer => ({ ...peer, address: names.mobile }));
  const section = { address: names.homeAgent, prefixes: ['2001:db8:1::/64'], localMobilityAgents: {}, peers: known };
  return engine('ha', section);
}

const sentIn = (outputs: readonly Output[]): Packet[] =>
  outputs.flatMap(output => (output.kind === 'send' ? [output.packet] : []));
/** As octets, as it came. */
const onTheWire = (packet: Packet) => decodePacket(encodePacket(packet));
/** What an agent passes on of what it is sent, where it can be read. */
function nestedIn([packet]: readonly Packet[]): Packet {
  assert.ok(packet.payload.kind === 'mobility' && packet.payload.nested);
  return packet.payload.nested;
}
const bindingsAt = (anchor: Engine) => [...(anchor.views.bindings?.() ?? [])].map(({ careOf }) => careOf);

test('D02-3.1-07, D02-2.2.2-05: the inner update has its own authentication, whole: it verifies at the home agent after an agent passed it on, and its answer at the mobile', () => {
  const world = mobileWith('rfc4285');
  const [update] = sentIn(world.moveTo(1, [{ agents: [agentAt(1)] }])).filter(
    ({ payload }) => payload.kind === 'mobility',
  );
  const inner = onTheWire(nestedIn([update]));
  assert.deepEqual([inner.source, inner.destination], [home, homeAgent]);
  const anchor = homeAgentOf('rfc4285');
  const answer = sentIn(anchor.handle({ kind: 'packet', packet: inner }, 0));
  assert.deepEqual(bindingsAt(anchor), [names.agent]);
  assert.equal(answer[0].destination, agentAt(1));
  world.give({ kind: 'packet', packet: onTheWire(nestedIn(answer)) });
  const [registration] = [...world.engine.views.registrations()];
  assert.deepEqual([registration.state, registration.careOf], ['registered', names.agent]);
});

test('D02-3.1-07: with another key, or altered on its way, the inner update makes no binding', () => {
  const world = mobileWith('rfc4285');
  const [update] = sentIn(world.moveTo(1, [{ agents: [agentAt(1)] }])).filter(
    ({ payload }) => payload.kind === 'mobility',
  );
  const inner = nestedIn([update]);
  const stranger = homeAgentOf('rfc4285', '2001:db8:1::8');
  stranger.handle({ kind: 'packet', packet: onTheWire(inner) }, 0);
  assert.deepEqual(bindingsAt(stranger), []);
  assert.ok(inner.payload.kind === 'mobility' && inner.payload.message.kind === 'bindingUpdate');
  const message = { ...inner.payload.message, lifetimeS: 4 };
  const altered = { ...inner, payload: { kind: 'mobility', message } } as const;
  const anchor = homeAgentOf('rfc4285');
  anchor.handle({ kind: 'packet', packet: onTheWire(altered) }, 0);
  assert.deepEqual(bindingsAt(anchor), []);
});

test('D02-6-01: neither update of a nest leaves the mobile in the clear, under RFC 4285 or ESP', () => {
  for (const kind of kinds) {
    const world = mobileWith(kind);
    const sent = sentIn(world.moveTo(1, [{ agents: [agentAt(1)] }])).filter(({ payload }) => payload.kind !== 'icmpv6');
    assert.equal(sent.length, 1);
    const layers = kind === 'esp' ? sent : [sent[0], nestedIn(sent)];
    for (const { payload } of layers.map(onTheWire)) {
      if (kind === 'esp') assert.deepEqual([payload.kind, payload.kind === 'raw' && payload.protocol], ['raw', 50]);
      else {
        assert.ok(payload.kind === 'mobility' && payload.message.kind === 'bindingUpdate');
        assert.ok(payload.message.options.some(option => option.kind === 'mobilityMessageAuthentication'));
      }
    }
  }
});
