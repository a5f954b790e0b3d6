import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, lost, type MobileNetwork, mobileNetwork } from '../../../test/support/mobile-network.js';
import { ms, sentOn } from '../../../test/support/network.js';
import { Puppet } from '../../../test/support/signalling.js';
import { formatAddress, parseAddress } from '../../base/address.js';
import { autoconfiguredAddress } from '../../base/link-address.js';
import { hostPrefix, parsePrefix } from '../../base/prefix.js';
import type { Node } from '../../sim/index.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import type { Via } from '../contract.js';
import { withCorrespondent } from './mutual.js';

const peer = hostPrefix(parseAddress('2001:db8::1'));
const own = hostPrefix(parseAddress('2001:db8::2'));
const here = parseAddress('2001:db8:1::2');
const there = parseAddress('2001:db8:2::1');
const forward = (via: Via) => [{ kind: 'forward', rule: { to: peer, from: own, via } } as const];

test('RFC 6275 §6.3, §6.4, §9.3.2, §11.3.1: what a mobile says as one and as a correspondent of the other becomes one rule, and what remains stays', () => {
  const [mobile, correspondent] = [new Puppet(), new Puppet()];
  const engine = withCorrespondent(mobile, correspondent);
  const step = (side: Puppet, outputs: ReturnType<Puppet['answer']>) => {
    mobile.answer = () => (side === mobile ? outputs : []);
    correspondent.answer = () => (side === correspondent ? outputs : []);
    return engine.handle({ kind: 'tick' }, 0);
  };
  const unforward = [{ kind: 'unforward', to: peer, from: own } as const];
  assert.deepEqual(step(correspondent, forward({ kind: 'routeOptimised', destinationCareOf: there })), [
    ...forward({ kind: 'routeOptimised', destinationCareOf: there }),
  ]);
  assert.deepEqual(step(mobile, forward({ kind: 'routeOptimised', sourceCareOf: here })), [
    ...forward({ kind: 'routeOptimised', destinationCareOf: there, sourceCareOf: here }),
  ]);
  assert.deepEqual(step(correspondent, unforward), forward({ kind: 'routeOptimised', sourceCareOf: here }));
  assert.deepEqual(step(mobile, unforward), unforward);
});

/** A second mobile that is a correspondent too, as the first one is here. */
function twoMobiles(): MobileNetwork & { readonly other: Node } {
  const world = mobileNetwork({ routeOptimisation: true, virtualHome: true, mobile: { correspondent: {} } });
  const other = world.simulation.addNode({ name: 'mn2', dadTransmits: 0 });
  const port = other.attach(undefined, { name: 'wlan0' });
  const address = formatAddress(autoconfiguredAddress(parsePrefix('fd00:c:1::/64'), port.linkAddress));
  other.addEngine(create('mn', { address, homeAgent: 'fd00:c:1::1', insecure: true, correspondent: {} }));
  other.roam('wlan0', { at: 100 * ms, to: world.visited[1] });
  return { ...world, other };
}

test('RFC 6275 §9, §11: two mobiles away from home come to speak straight, each with its Home Address option and the other in the routing header; nothing is lost', () => {
  const world = twoMobiles();
  const air = sentOn(world.visited[0]);
  world.move(100, world.visited[0]);
  const { simulation, mobile, other } = world;
  const flow = simulation.cbr({
    from: other,
    to: world.homeAddress,
    ...{ interval: 5 * ms, size: 100, start: 3000 * ms, stop: 5000 * ms },
  });
  world.run(6000);
  assert.equal(lost(flow), 0);
  const isStraight = ({ headers, payload }: Packet) =>
    payload.kind === 'udp' && headers?.map(({ kind }) => kind).join() === 'routingType2,destinationOptions';
  const late = air.filter(({ at, packet }) => at > 4000 * ms && packet.payload.kind !== 'icmpv6');
  assert.ok(late.length > 150 && late.every(({ packet }) => isStraight(packet)), `${late.length}`);
  assert.equal(mobile.errorsReceived, 0);
});
