import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessCell, advertising, icmpv6, ms, ScriptedEngine, sentOn } from '../../../test/support/network.js';
import { allRouters } from '../../base/address.js';
import { linkLocalAddress } from '../../base/link-address.js';

function advertised() {
  const world = accessCell();
  const { gateway, mobile, cell } = world;
  const frames = sentOn(cell);
  const engine = new ScriptedEngine({ advertisedLinks: ['ap0'] });
  gateway.addEngine(() => engine);
  gateway.advertise(
    'ap0',
    advertising('fd00:a::/64', { maxInterval: 100 * ms, minInterval: 100 * ms, unicastAnswers: true }),
  );
  frames.splice(0);
  mobile.roam('wlan0', { at: 10 * ms, to: cell });
  return { ...world, engine, frames };
}

test('advertised links: the engine hears solicitations when the stack has learnt from them, and the stack answers none', () => {
  const { simulation, engine, frames, mobile, gateway } = advertised();
  simulation.run(3000 * ms);
  const { linkAddress } = mobile.interface('wlan0');
  const heard = engine.inputs.flatMap(({ input }) => (input.kind === 'packet' ? [input] : []));
  const solicited = heard.filter(({ packet: { destination } }) => destination === allRouters);
  assert.ok(solicited.length >= 1);
  const [{ link, neighbour, packet }] = solicited;
  assert.deepEqual([link, neighbour, packet.source], ['ap0', linkAddress, linkLocalAddress(linkAddress)]);
  assert.equal(icmpv6(frames, 'routerAdvertisement').length, 0);
  const entries = [...(gateway.stack?.interfaces[0].neighbours.entries ?? [])];
  assert.ok(entries.some(({ address }) => address === linkLocalAddress(linkAddress)));
});

test('advertised links: the engine hears how the link is, and of stations that come and go', () => {
  const { simulation, engine, mobile, cell, gateway } = advertised();
  mobile.roam('wlan0', { at: 500 * ms, to: undefined });
  simulation.run(600 * ms);
  const { linkAddress } = gateway.interface('ap0');
  const [first] = engine.inputs;
  assert.deepEqual(first.input, {
    kind: 'link',
    link: 'ap0',
    up: true,
    linkAddress,
    linkLocal: linkLocalAddress(linkAddress),
  });
  assert.deepEqual(
    engine.inputs
      .filter(({ input }) => input.kind === 'attached' || input.kind === 'detached')
      .map(({ input, at }) => [input.kind, at / ms]),
    [
      ['attached', 10],
      ['detached', 501],
    ],
  );
  assert.equal(cell.name, 'cell');
});

test('advertised links: addresses and neighbours stay with the stack', () => {
  const { simulation, engine, mobile, gateway } = advertised();
  simulation.schedule(100 * ms, () => {
    const source = linkLocalAddress(mobile.interface('wlan0').linkAddress);
    const target = gateway.addresses()[0];
    mobile.stack?.interfaces[0].sendSignalling({
      source,
      destination: target,
      hopLimit: 255,
      payload: { kind: 'icmpv6', message: { kind: 'neighbourSolicitation', code: 0, target, options: [] } },
    });
  });
  const answers = sentOn(simulation.links.get('cell')!);
  simulation.run(2000 * ms);
  assert.ok(
    icmpv6(answers, 'neighbourAdvertisement').some(({ frame }) => frame.packet.source === gateway.addresses()[0]),
  );
  const kinds = engine.inputs.flatMap(({ input }) =>
    input.kind === 'packet' && input.packet.payload.kind === 'icmpv6' ? [input.packet.payload.message.kind] : [],
  );
  assert.ok(!kinds.includes('neighbourSolicitation'));
});
