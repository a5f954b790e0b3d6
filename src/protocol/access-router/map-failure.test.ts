import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { mapOption } from '../../../test/support/access-router.js';
import { ms, observed, type Seen, sentOn } from '../../../test/support/network.js';
import { parseAddress } from '../../base/address.js';
import { hostPrefix } from '../../base/prefix.js';
import { seconds } from '../../base/time.js';
import { accessRouter } from '../access-router-role.js';
import { placedProtection } from '../security/placement.js';
import { detectionTime } from './failure-detection.js';

const mapText = 'fd00:a:1::1';
const map = parseAddress(mapText);
const defaults = { intervalMs: 10_000, retryIntervalMs: 5000, retries: 3 };

/** Two access routers behind one core router, and a MAP that they know by their configuration. */
function network(protection: 'esp' | 'insecure') {
  const { simulation, records } = observed();
  const core = simulation.addNode({ name: 'core', forwarding: true });
  const wired = (name: string, address: string) => {
    const node = simulation.addNode({ name, forwarding: true, addresses: [parseAddress(address)] });
    const wire = simulation.addLink({ name: `core-${name}`, kind: 'wire', delay: 5 * ms });
    for (const end of [core, node]) end.attach(wire, { name: wire.name, autoconfigure: false });
    return node;
  };
  const anchor = wired('map', mapText);
  anchor.originate(hostPrefix(map));
  const add = (node: ReturnType<typeof wired>, config: object) => {
    const parsed = accessRouter.parse(config);
    assert.ok(parsed.ok, JSON.stringify(parsed));
    node.addEngine(environment => accessRouter.create(parsed.config, environment));
  };
  const routers = ['fd00:b:1::1', 'fd00:b:2::1'];
  const cells = routers.map((address, n) => {
    const node = wired(`ar${n}`, address);
    const cell = simulation.addLink({ name: `cell${n}`, kind: 'access', delay: 1 * ms });
    node.attach(cell, { name: 'cell', autoconfigure: false });
    const link = { name: 'cell', intervalMs: { min: 30_000, max: 60_000 }, minimumSpacingMs: 0 };
    add(node, {
      address,
      links: [link],
      maps: [{ address: mapText }],
      ...placedProtection(protection, address, [mapText]),
    });
    return sentOn(cell);
  });
  const quiet = { name: 'core-map', sendMaps: false, routerLifetimeS: 0 };
  add(anchor, { address: mapText, links: [quiet], ...placedProtection(protection, mapText, routers) });
  simulation.computeRoutes();
  return { simulation, records, anchor, cells };
}

/** Lifetimes told of the MAP, and when. */
function told(seen: readonly Seen[]): { at: number; lifetimeS: number }[] {
  return seen.flatMap(({ at, packet: { payload } }) => {
    if (payload.kind !== 'icmpv6' || payload.message.kind !== 'routerAdvertisement') return [];
    const option = payload.message.options.find(({ kind }) => kind === 'map') as
      | ReturnType<typeof mapOption>
      | undefined;
    return option ? [{ at, lifetimeS: option.validLifetimeS }] : [];
  });
}

for (const protection of ['insecure', 'esp'] as const)
  test(`RFC 4140 §10 [H4140-10-07, H4140-10-08, H4140-10-09, H4140-10-10, H4140-10-11]: a MAP that is killed is told of with lifetime zero within the detection time, and again when it is back (${protection})`, () => {
    for (const killedS of [100, 103.3, 107, 109.9]) {
      const { simulation, anchor, cells } = network(protection);
      anchor.crash(seconds(killedS));
      anchor.restart(seconds(300));
      simulation.run(seconds(400));
      for (const seen of cells) {
        const all = told(seen);
        assert.ok(
          all.every(({ at, lifetimeS }) => at >= seconds(killedS) || lifetimeS > 0),
          'not before',
        );
        const first = all.find(({ lifetimeS }) => lifetimeS === 0);
        assert.ok(first && first.at <= seconds(killedS) + detectionTime(defaults), `within 30 s: ${first?.at}`);
        const back = all.find(({ at, lifetimeS }) => at > first.at && lifetimeS > 0);
        assert.ok(back && back.at >= seconds(300) && back.at <= seconds(315.1), `back within 15 s: ${back?.at}`);
        assert.ok(all.every(({ at, lifetimeS }) => at < back.at || lifetimeS > 0));
      }
    }
  });

test('RFC 4140 §10 [H4140-10-11]: under ESP no echo goes in the clear', () => {
  const { simulation, records } = network('esp');
  simulation.run(seconds(60));
  const echoes = records.filter(
    ({ event }) =>
      event.event === 'message' &&
      event.packet.payload.kind === 'icmpv6' &&
      event.packet.payload.message.kind.startsWith('echo'),
  );
  assert.equal(echoes.length, 0);
  const protectedOnes = records.filter(
    ({ event }) =>
      event.event === 'message' && event.packet.payload.kind === 'raw' && event.packet.payload.protocol === 50,
  );
  assert.ok(protectedOnes.length >= 24);
});
