import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kinds } from '../../../test/support/anchor.js';
import { type HomeUpdate, HomeWorld, home, homeUpdate } from '../../../test/support/home-agent.js';
import { type Address, parseAddress } from '../../base/address.js';

const linkLocal = parseAddress('fe80::7');
const withL = { flags: { linkLocalCompatibility: true } };

/** The world found nobody, or somebody. */
function answer(world: HomeWorld, address: Address, unique = true) {
  return world.step({ kind: 'proxied', link: 'home0', address, unique });
}

function register(world: HomeWorld, fields: HomeUpdate = {}): void {
  world.receive(homeUpdate(fields));
  answer(world, home);
  if (fields.flags?.linkLocalCompatibility) answer(world, linkLocal);
}

test('RFC 6275 §10.3.1, §10.4.1: with L the link-local address is probed for and stood in for too, and given back with the home address', () => {
  const world = new HomeWorld();
  world.receive(homeUpdate(withL));
  assert.deepEqual([...world.proxied], [home, linkLocal]);
  assert.deepEqual(kinds(answer(world, home)), []);
  assert.equal(kinds(answer(world, linkLocal)).at(-1), 'bindingAcknowledgement');
  assert.equal(world.home({ sequence: 2, lifetimeS: 0 })?.status, 0);
  assert.deepEqual([...world.proxied], []);
});

test('RFC 6275 §10.3.1: somebody who has the link-local address makes it 134, and the home address is given back', () => {
  const world = new HomeWorld();
  world.receive(homeUpdate(withL));
  answer(world, home);
  const outputs = answer(world, linkLocal, false);
  assert.deepEqual(kinds(outputs), ['unproxy', 'trace', 'bindingAcknowledgement']);
  assert.deepEqual(world.ruleTexts, []);
});

test('RFC 6275 §10.4.1: homes of one interface identifier on two prefixes share the link-local address until the last goes', () => {
  const world = new HomeWorld({ prefixes: ['2001:db8:a::/64', '2001:db8:aa::/64'] });
  register(world, withL);
  const second = parseAddress('2001:db8:aa::7');
  world.receive(homeUpdate({ ...withL, home: second }));
  answer(world, second);
  answer(world, linkLocal);
  world.home({ sequence: 2, lifetimeS: 0 });
  assert.deepEqual([...world.proxied], [linkLocal, second]);
  world.home({ home: second, sequence: 2, lifetimeS: 0 });
  assert.deepEqual([...world.proxied], []);
});

test('RFC 6275 §10.3.2: a mobile that is home again before the probe ends is not registered by it', () => {
  const world = new HomeWorld();
  world.receive(homeUpdate());
  assert.equal(world.home({ sequence: 2, lifetimeS: 0 })?.status, 133);
  assert.deepEqual([...world.proxied], []);
  assert.deepEqual(answer(world, home), []);
  assert.deepEqual(world.ruleTexts, []);
});

test('RFC 6275 §10.3.1: where the last place was taken while a probe was out, what was taken on the link is given back', () => {
  const world = new HomeWorld({ maximumBindings: 1 });
  const other = parseAddress('2001:db8:a::8');
  world.receive(homeUpdate());
  world.receive(homeUpdate({ home: other }));
  answer(world, home);
  answer(world, other);
  assert.deepEqual([...world.proxied], [home]);
  assert.equal(world.engine.counters.initial_denied_130, 1);
});

test('RFC 6275 §10.1, §10.3.1: a restarted home agent has its bindings, stands in for them at once and probes for none', () => {
  const world = new HomeWorld();
  register(world, withL);
  const restarted = new HomeWorld();
  restarted.step({ kind: 'restored', records: world.records });
  assert.deepEqual(restarted.ruleTexts, world.ruleTexts);
  assert.deepEqual([...restarted.proxied].sort(), [home, linkLocal].sort());
  assert.equal(restarted.home({ sequence: 2 })?.status, 0);
});
