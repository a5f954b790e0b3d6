import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  heard,
  icmpv6,
  type MapOption,
  mapOption,
  neighbour,
  otherMap,
  ownLinkAddress,
  ownLinkLocal,
  type Told,
  toldOf,
} from '../../test/support/access-router.js';
import { MapWorld, rcoa, rcoa2 } from '../../test/support/map.js';
import { environment } from '../../test/support/signalling.js';
import { allNodes, formatAddress } from '../base/address.js';
import { second } from '../base/time.js';
import type { Input, Output } from './contract.js';
import { mobilityAnchorPoint } from './map-role.js';

const core = {
  name: 'core',
  discoverMaps: true,
  insecure: true,
  minimumSpacingMs: 0,
  intervalMs: { min: 1000, max: 1000 },
};
const advertise = { links: [core, { ...core, name: 'other' }] };
const map = '2001:db8:a::1';

/** MAP options of the last advertisement on that link. */
function told(outputs: readonly Output[], link: string): Told[] | undefined {
  const sent = outputs.flatMap(output =>
    output.kind === 'send' && output.link === link && output.packet.payload.kind === 'icmpv6'
      ? [output.packet.payload.message]
      : [],
  );
  const last = sent.at(-1);
  if (last?.kind !== 'routerAdvertisement') return undefined;
  return last.options.filter(({ kind }) => kind === 'map').map(option => toldOf(option as MapOption));
}

const up = (link: string): Input => ({
  kind: 'link',
  link,
  up: true,
  linkAddress: ownLinkAddress,
  linkLocal: ownLinkLocal,
});

test('RFC 4140 §7.1.1, §7.1.2 [H4140-7.1.1-07, H4140-7.1.2-06, H4140-7.1.1-02, H4140-7.1.2-02]: a MAP tells of itself with the others it hears of in one advertisement', () => {
  const world = new MapWorld({ advertise, insecure: true });
  const outputs = ['core', 'other'].flatMap(link => world.engine.handle(up(link), 0));
  assert.deepEqual(told(outputs, 'core'), [[map, 1, 10, 604_800]]);
  const packet = icmpv6(neighbour, allNodes, heard([mapOption(otherMap, 2)]));
  const news = world.engine.handle({ kind: 'packet', link: 'core', packet }, 0);
  assert.deepEqual(told(news, 'other'), [
    [map, 1, 10, 604_800],
    [formatAddress(otherMap), 3, 10, 3600],
  ]);
});

test('RFC 4140 §7.1.2 [H4140-7.1.2-04, H4140-7.1.1-09]: its preference falls as mobiles register, to 0 when there is room for none', () => {
  const world = new MapWorld({ advertise, insecure: true, maximumBindings: 2 });
  const next = (at: number) => told(world.engine.handle({ kind: 'tick' }, at * second), 'core');
  world.engine.handle(up('core'), 0);
  assert.deepEqual(next(1), [[map, 1, 10, 604_800]]);
  assert.equal(world.local({ rcoa })?.status, 0);
  assert.deepEqual(next(2), [[map, 1, 5, 604_800]]);
  assert.equal(world.local({ rcoa: rcoa2 })?.status, 0);
  assert.deepEqual(next(3), [[map, 1, 0, 604_800]]);
});

test('RFC 4140 §5 [H4140-5-11, H4140-5-12, H4140-5-13]: the /64 of the address it tells of is one that it serves', () => {
  const parse = (address: string, prefix: string) => {
    const result = mobilityAnchorPoint.parse({ address, prefixes: [prefix], insecure: true, advertise });
    return result.ok ? [] : result.problems.map(({ path, expected }) => `${path.join('.')}: ${expected}`);
  };
  const wrong = ['address: an address whose /64 is among prefixes'];
  assert.deepEqual(parse(map, '2001:db8:a::/64'), []);
  assert.deepEqual(parse(map, '2001:db8::/32'), []);
  assert.deepEqual(parse(map, '2001:db8:b::/64'), wrong);
  assert.deepEqual(parse(map, '2001:db8:a::/80'), wrong);
});

test('RFC 4140 §7: what a MAP cannot advertise is a problem with its place; without the section it advertises nothing', () => {
  const result = mobilityAnchorPoint.parse({
    address: map,
    prefixes: ['2001:db8:a::/64'],
    peers: [{ identity: 'a@example.net', security: { kind: 'rfc4285', spi: 300, key: '00'.repeat(16) } }],
    advertise: { links: [{ ...core, insecure: false }] },
  });
  assert.deepEqual(result.ok ? [] : result.problems, [
    {
      path: ['advertise', 'links', 0, 'routers'],
      expected: 'the routers that are heard, or insecure: true to hear anybody',
    },
  ]);
  assert.equal(new MapWorld().engine.interests.advertisedLinks, undefined);
  const plain = mobilityAnchorPoint.parse({ address: map, prefixes: ['2001:db8:a::/64'], insecure: true });
  assert.ok(plain.ok);
  assert.equal(mobilityAnchorPoint.create(plain.config, environment()).views.maps, undefined);
});
