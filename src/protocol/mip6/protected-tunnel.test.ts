import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { environment } from '../../../test/support/anchor.js';
import {
  careOf,
  HomeWorld,
  home,
  homeAgentAddress as homeAgent,
  homeUpdate,
} from '../../../test/support/home-agent.js';
import {
  homeAgentAddress,
  lost,
  type MobileNetwork,
  mobileNetwork,
  type Wanted,
} from '../../../test/support/mobile-network.js';
import { ms, sentOn } from '../../../test/support/network.js';
import { SecuredMobile } from '../../../test/support/secured-mobile.js';
import { sent } from '../../../test/support/signalling.js';
import { parseAddress } from '../../base/address.js';
import { type Packet, protocol } from '../../wire/ipv6/packet.js';
import type { MobilityMessage } from '../../wire/mobility/messages.js';
import { mobilityPacket } from '../mobile/packets.js';
import { type PeerSecurity, protectedSection, signalling } from '../security/config.js';
import { EspTunnel } from '../security/esp-tunnel.js';
import { placedSecurity, placedTunnel } from '../security/placement.js';

/** Transport mode for registrations, and tunnel mode where both ends have it. */
function security(withTunnel: (own: string) => boolean) {
  return (own: string, peer: string) => ({
    ...placedSecurity('esp', own, peer),
    ...(withTunnel(own) && { tunnel: placedTunnel(own, peer) }),
  });
}

const both = security(() => true);

function network(wanted: Wanted = {}): MobileNetwork {
  return mobileNetwork({ routeOptimisation: true, virtualHome: true, security: both, ...wanted });
}

function isEsp({ payload }: Packet): boolean {
  return payload.kind === 'raw' && payload.protocol === protocol.esp;
}

/** What can be read of Mobility Headers on the way, however deep it is packed. */
function readable({ payload }: Packet): MobilityMessage['kind'] | undefined {
  if (payload.kind === 'ipv6') return readable(payload.packet);
  return payload.kind === 'mobility' ? payload.message.kind : undefined;
}

test('RFC 6275 §5.2.5, RFC 3776 §4.2: between mobile and home agent tests go in ESP tunnel mode, and nobody on the way reads one; the correspondent gets them as they are', () => {
  const world = network();
  const air = sentOn(world.visited[0]);
  world.move(100, world.visited[0]);
  const up = world.traffic('up', 2000, 3000);
  const down = world.traffic('down', 2000, 3000);
  world.run(4000);
  assert.deepEqual([...world.mobile.engines[0].views.correspondents()][0].state, 'bound');
  const seen = new Set(air.map(({ packet }) => readable(packet)).filter(kind => kind !== undefined));
  assert.deepEqual([...seen].sort(), ['bindingAcknowledgement', 'bindingUpdate', 'careOfTest', 'careOfTestInit']);
  const withHomeAgent = air
    .filter(({ packet }) => isEsp(packet))
    .map(({ packet }) => [packet.source, packet.destination]);
  const [mobile, agent] = [world.careOf(0), homeAgentAddress];
  assert.deepEqual(withHomeAgent, [
    [mobile, agent], // the Binding Update
    [agent, mobile],
    [mobile, agent], // the Home Test Init
    [agent, mobile],
  ]);
  assert.deepEqual([lost(up), lost(down)], [0, 0]);
});

test('RFC 6275 §5.2.5: the tunnel follows the mobile to its next care-of address', () => {
  const world = network();
  world.move(100, world.visited[0]);
  world.move(3000, world.visited[1]);
  const up = world.traffic('up', 2000, 5000);
  world.run(6000);
  const [row] = world.mobile.engines[0].views.correspondents();
  assert.equal(row.state, 'bound');
  assert.equal(lost(up), 0);
});

test('RFC 6275 §11.5.5: at home tests go plain, since nobody tunnels them', () => {
  const world = network({ virtualHome: false });
  world.move(100, world.visited[0]);
  world.move(4000, world.homeLink);
  const flow = world.traffic('down', 2000, 3000);
  const later = world.traffic('down', 5000, 6000);
  world.run(7000);
  assert.deepEqual([lost(flow), lost(later)], [0, 0]);
  assert.deepEqual([...world.correspondent.engines[0].views.correspondentBindings()], []);
});

test('RFC 6275 §5.2.5: a mobile with tunnel keys takes no Home Test in the clear while it is away, and counts it', () => {
  const world = network({ security: security(own => own !== 'fd00:c:1::1') });
  world.move(100, world.visited[0]);
  world.traffic('up', 2000, 3000);
  const { stack } = world.correspondent;
  const forged = {
    kind: 'homeTest',
    nonceIndex: 1,
    cookie: new Uint8Array(8),
    keygenToken: new Uint8Array(8),
    options: [],
  } as const;
  world.simulation.schedule(2500 * ms, () =>
    stack?.output({
      source: world.correspondent.primaryAddress()!,
      destination: world.homeAddress,
      hopLimit: 64,
      payload: { kind: 'mobility', message: forged },
    }),
  );
  world.run(4000);
  assert.ok((world.mobile.engines[0].counters.signallingRefusedUnprotected ?? 0) >= 1);
  assert.notEqual([...world.mobile.engines[0].views.correspondents()][0].state, 'bound');
  // The home agent knows no such association, so what the mobile sent under it went nowhere.
  assert.ok((world.homeAgent.engines[0].counters.signallingRefusedUnknownPeer ?? 0) >= 1);
});

test("RFC 6275 §10.4.5: what comes out of a mobile's ESP tunnel again, or from another place, is refused and counted", () => {
  const world = network();
  world.move(100, world.visited[0]);
  world.traffic('up', 2000, 2100);
  world.run(2200);
  const records = world.records.flatMap(({ event }) =>
    event.event === 'message' && event.direction === 'sent' && isEsp(event.packet) ? [event.packet] : [],
  );
  const [, , test] = records;
  const before = world.homeAgent.engines[0].counters;
  // Replayed from where the mobile is, and from elsewhere.
  world.correspondent.stack?.output(test);
  world.correspondent.stack?.output({ ...test, source: world.correspondent.primaryAddress()! });
  world.run(2400);
  const after = world.homeAgent.engines[0].counters;
  const rise = (name: string) => (after[name] ?? 0) - (before[name] ?? 0);
  assert.deepEqual([rise('signallingRefusedReplayed'), rise('signallingRefusedUnknownPeer')], [1, 1]);
});

test("RFC 6275 §5.2.5, §10.4.5: a mobile sends no Home Test Init in another's name through its ESP tunnel, and nothing but Mobility Headers", () => {
  const [own, agent] = ['2001:db8:a::7', '2001:db8:a::1'];
  const peers = [{ address: own, security: both(agent, own) }];
  const world = new HomeWorld({ homeLink: undefined, peers });
  new SecuredMobile(world, own, homeAgent, 'esp').send(homeUpdate());
  const config = protectedSection(z.strictObject(signalling)).parse({
    address: own,
    peers: [{ address: agent, security: both(own, agent) }],
  });
  const { tunnel } = config.peers[0].security as Extract<PeerSecurity, { kind: 'esp' }>;
  const esp = new EspTunnel(tunnel!.outbound, tunnel!.inbound, environment(), 'test/');
  const through = (inner: Packet) => {
    const [packet] = sent(esp.protect(inner, { local: careOf, remote: homeAgent }));
    return sent(world.receive(packet));
  };
  const init = { kind: 'homeTestInit', cookie: new Uint8Array(8), options: [] } as const;
  assert.deepEqual(through(mobilityPacket(home, correspondent, init)).map(inHome), [[home, correspondent]]);
  assert.deepEqual(through(mobilityPacket(parseAddress('2001:db8:a::66'), correspondent, init)), []);
  assert.equal(world.engine.counters.signallingRefusedUnknownPeer, 1);
  const data = { kind: 'udp', sourcePort: 1, destinationPort: 2, data: new Uint8Array(0) } as const;
  assert.deepEqual(through({ source: home, destination: correspondent, hopLimit: 64, payload: data }), []);
  assert.equal(world.engine.counters.signallingRefusedMalformed, 1);
});

const correspondent = parseAddress('2001:db8:c::1');
const inHome = ({ source, destination }: Packet) => [source, destination];
