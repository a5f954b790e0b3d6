import assert from 'node:assert/strict';
import { test } from 'node:test';
import { homeAgentAddress, lost, mobileNetwork } from '../../../test/support/mobile-network.js';
import {
  careOf,
  home,
  homeAgent,
  MobileWorld,
  otherRouter,
  router,
  updateIn,
  updatesIn,
  uplink,
} from '../../../test/support/mobile-world.js';
import { ms } from '../../../test/support/network.js';
import { parseAddress } from '../../base/address.js';
import { hostPrefix } from '../../base/prefix.js';
import { second } from '../../base/time.js';
import type { Output } from '../contract.js';

test('RFC 6275 §11.7.1: the home registration has A and H, the Home Address option and the Alternate Care-of Address option', () => {
  const world = new MobileWorld();
  world.link(true);
  world.advertised();
  const outputs = world.address('preferred');
  const send = outputs.findLast(output => output.kind === 'send');
  assert.ok(send?.kind === 'send');
  const { packet } = send;
  assert.deepEqual([packet.source, packet.destination], [careOf, homeAgent]);
  assert.deepEqual(packet.headers, [{ kind: 'destinationOptions', options: [{ kind: 'homeAddress', address: home }] }]);
  const update = updateIn(outputs)!;
  assert.ok(update.flags.acknowledge && update.flags.homeRegistration);
  assert.deepEqual(update.options, [{ kind: 'alternateCareOfAddress', careOfAddress: careOf }]);
});

test('RFC 6275 §11.8, §13: the first registration is repeated after 1.5 s, then 3 s, doubling up to 32 s, each with a new sequence number', () => {
  const world = new MobileWorld();
  const first = world.arrive();
  const sent = world
    .pass(200 * second)
    .flatMap(({ at, output }) => updatesIn([output]).map(update => ({ at, update })));
  assert.deepEqual(
    sent.map(({ at }) => at / second),
    [1.5, 4.5, 10.5, 22.5, 46.5, 78.5, 110.5, 142.5, 174.5],
  );
  assert.deepEqual(
    sent.map(({ update }) => (update.sequence - first.sequence) & 0xffff),
    sent.map((_, i) => i + 1),
  );
});

test('RFC 6275 §11.8, §12: with a binding at the home agent the first wait is 1 s', () => {
  const world = new MobileWorld();
  world.acknowledge(world.arrive().sequence);
  world.now = 10 * second;
  world.link(false);
  world.link(true);
  const elsewhere = parseAddress('2001:db8:3::7');
  world.advertised('2001:db8:3::/64', otherRouter);
  assert.ok(updateIn(world.address('preferred', elsewhere)));
  const [again] = world.pass(12 * second).filter(({ output }) => updateIn([output]));
  assert.equal(again.at, 11 * second);
});

test('RFC 6275 §11.7.3: an answer counts by its sequence number, its source and its routing header', () => {
  const world = new MobileWorld();
  const update = world.arrive();
  assert.equal(uplink(world.acknowledge(update.sequence - 1)), undefined);
  assert.equal(uplink(world.acknowledge(update.sequence, 0, 600, { source: careOf })), undefined);
  assert.equal(uplink(world.acknowledge(update.sequence)), 'tunnel');
  assert.equal(uplink(world.acknowledge(update.sequence)), undefined, 'once');
});

test('RFC 6275 §11.7.3: an unprotected answer is dropped where protection is configured', () => {
  const world = new MobileWorld({ insecure: false });
  assert.equal(uplink(world.acknowledge(world.arrive().sequence)), undefined);
  assert.equal(world.engine.counters.discarded_unprotected, 1);
});

test('RFC 6275 §11.7.3: status 135 sets the sequence number right, at once and once', () => {
  const world = new MobileWorld();
  world.arrive();
  const again = updateIn(world.acknowledge(40_000, 135))!;
  assert.equal(again.sequence, 40_001);
  assert.equal(updateIn(world.acknowledge(50_000, 135)), undefined, 'no endless exchange');
  assert.equal(uplink(world.acknowledge(40_001)), 'tunnel');
});

test('RFC 6275 §11.7.3: a refusal is not asked again at once', () => {
  const world = new MobileWorld();
  world.acknowledge(world.arrive().sequence, 129);
  const [again] = world.pass(100 * second).filter(({ output }) => updateIn([output]));
  assert.equal(again.at, 32 * second);
});

test('RFC 6275 §11.7.3: the binding counts from when the update was sent, is refreshed before its end, and a refresh is one message', () => {
  const world = new MobileWorld();
  const update = world.arrive();
  world.now = second;
  world.acknowledge(update.sequence, 0, 400);
  assert.equal(world.engine.deadline, 300 * second);
  const refreshes = updatesIn(world.pass(300 * second).map(({ output }) => output));
  assert.equal(refreshes.length, 1);
  assert.equal(uplink(world.acknowledge(refreshes[0].sequence, 0, 400)), undefined, 'traffic goes on as before');
  assert.equal(world.engine.deadline, 600 * second);
});

test('RFC 6275 §11.7.3: a binding that could not be refreshed ends, and what is sent then waits', () => {
  const world = new MobileWorld();
  world.acknowledge(world.arrive().sequence, 0, 40);
  const ended = world.pass(60 * second).find(({ output }) => output.kind === 'forward');
  assert.equal(ended?.at, 40 * second);
  assert.equal(uplink([ended?.output as Output]), 'park');
});

test('RFC 6275 §11.5.1: a tentative address is no care-of address, and a duplicate one never is', () => {
  const world = new MobileWorld();
  world.link(true);
  world.advertised();
  assert.equal(updateIn(world.address('tentative')), undefined);
  assert.equal(updateIn(world.address('duplicate')), undefined);
  assert.ok(updateIn(world.address('preferred')));
});

test('RFC 6275 §11.5.1: eager detection takes a router with a new prefix; lazy detection the loss of the old one', () => {
  const elsewhere = parseAddress('2001:db8:3::7');
  for (const detection of ['eager', 'lazy'] as const) {
    const world = new MobileWorld({ detection, linkTriggers: false });
    world.acknowledge(world.arrive().sequence);
    world.address('preferred', elsewhere);
    const heard = updateIn(world.advertised('2001:db8:3::/64', otherRouter));
    assert.equal(heard !== undefined, detection === 'eager');
    const lost = updateIn(world.give({ kind: 'router', link: 'wlan0', router }));
    assert.equal(lost !== undefined, detection === 'lazy');
  }
});

test('RFC 6275 §11.5.1, §7.3: three advertisement intervals of silence lead to another router that is there', () => {
  const world = new MobileWorld({ detection: 'lazy', linkTriggers: false });
  world.advertised('2001:db8:2::/64', router, [{ kind: 'advertisementInterval', intervalMs: 1000 }]);
  world.acknowledge(updateIn(world.address('preferred'))!.sequence);
  world.address('preferred', parseAddress('2001:db8:3::7'));
  world.advertised('2001:db8:3::/64', otherRouter);
  const [moved] = world.pass(5 * second).filter(({ output }) => updateIn([output]));
  assert.equal(moved.at, 3 * second);
});

test('a link that goes and comes back to the same place needs no new registration', () => {
  const world = new MobileWorld();
  world.acknowledge(world.arrive().sequence);
  assert.equal(uplink(world.link(false)), 'park');
  world.link(true);
  const back = world.advertised();
  assert.deepEqual([uplink(back), updateIn(back)], ['tunnel', undefined]);
});

test('RFC 9131 §6.1.2: the router is told of the care-of address before the home agent is', () => {
  const world = new MobileWorld();
  world.link(true);
  world.advertised();
  const sent = world.address('preferred').filter(output => output.kind === 'send');
  assert.deepEqual(
    sent.map(({ packet }) => packet.payload.kind),
    ['icmpv6', 'mobility'],
  );
});

test('the world is told where packets from the care-of address go, since the stack may still like its old router', () => {
  const world = new MobileWorld();
  world.link(true);
  world.advertised();
  const rule = { from: hostPrefix(careOf), via: { kind: 'link', link: 'wlan0', router } };
  assert.deepEqual(world.address('preferred')[0], { kind: 'forward', rule });
});

test('RFC 6275 §11.8: a mobile that came back without memory is put right by its home agent', () => {
  const world = mobileNetwork({ virtualHome: true });
  world.move(100, world.visited[0]);
  world.mobile.crash(2000 * ms);
  world.mobile.restart(2500 * ms);
  const up = world.traffic('up', 4000, 5000);
  world.run(6000);
  assert.equal(lost(up), 0);
  const answers = world.sent('bindingAcknowledgement').map(({ message }) => message.status);
  assert.equal(answers.at(-1), 0);
});

test('RFC 6275 §11.5.1: without link triggers the loss of the router is found by Neighbour Unreachability Detection or by hearing another', () => {
  const world = mobileNetwork({ virtualHome: true, mobile: { linkTriggers: false } });
  world.move(100, world.visited[0]);
  world.move(3000, world.visited[1]);
  const down = world.traffic('down', 5000, 6000);
  world.run(7000);
  assert.equal(lost(down), 0);
  assert.equal(world.sent('bindingUpdate').at(-1)?.packet.destination, homeAgentAddress);
});

test('RFC 4429 §3.3: an optimistic care-of address is registered without waiting', () => {
  const times = [false, true].map(optimistic => {
    const world = mobileNetwork({ virtualHome: true, dadTransmits: 1, optimistic });
    world.move(100, world.visited[0]);
    world.move(5000, world.visited[1]);
    world.run(8000);
    return world.sent('bindingUpdate').at(-1)!.atMs - 5000;
  });
  assert.ok(times[1] <= 2, `${times[1]} ms after the move`);
  assert.equal(times[0] - times[1], 1000);
});

test('RFC 6275 §11.5.3, §11.8: no more than three Binding Updates a second, however fast the mobile moves', () => {
  const world = new MobileWorld();
  const at: number[] = [];
  world.link(true);
  for (let i = 0; i < 20; i++) {
    world.now = i * 50 * ms;
    const prefix = `2001:db8:2:${i}::`;
    world.address('preferred', parseAddress(`${prefix}7`));
    for (const _ of updatesIn(world.advertised(`${prefix}/64`, parseAddress(`fe80::${i + 1}`)))) at.push(world.now);
  }
  for (const { at: later, output } of world.pass(3 * second)) if (updateIn([output])) at.push(later);
  for (const [i, instant] of at.entries()) assert.ok(i < 3 || instant - at[i - 3] >= second, `${at}`);
  assert.ok(at.length >= 5, 'the last place is told all the same');
});

test('RFC 6275 §11.7.1: back where the home agent was last heard of, but told of another place since, the mobile tells it again', () => {
  const world = new MobileWorld();
  world.acknowledge(world.arrive().sequence);
  const elsewhere = parseAddress('2001:db8:3::7');
  world.now = 10 * second;
  world.address('preferred', elsewhere);
  assert.ok(updateIn(world.advertised('2001:db8:3::/64', otherRouter)), 'and that update may have arrived');
  const back = world.advertised();
  assert.ok(updateIn(back));
  assert.equal(uplink(back), undefined, 'what is sent waits until then');
  assert.equal(uplink(world.acknowledge(updateIn(back)?.sequence as number)), 'tunnel');
});

test('RFC 6275 §11.7.3: out of reach nothing is refreshed and nothing is due; back in reach it is, at once', () => {
  const world = new MobileWorld();
  world.acknowledge(world.arrive().sequence, 0, 400);
  world.link(false);
  assert.deepEqual(world.pass(350 * second), []);
  world.link(true);
  assert.ok(updateIn(world.advertised()));
});

test('RFC 6275 §11.7.3: no binding outlives its lifetime where nobody was there to refresh it', () => {
  const world = new MobileWorld();
  world.acknowledge(world.arrive().sequence, 0, 400);
  world.link(false);
  world.pass(500 * second);
  world.link(true);
  const back = world.advertised();
  assert.ok(updateIn(back));
  assert.equal(uplink(back), undefined);
});

test('RFC 6275 §11.5.5: back home the update goes out on the link before anything that waited', () => {
  const world = new MobileWorld();
  world.acknowledge(world.arrive().sequence);
  world.link(false);
  world.link(true);
  const outputs = world.advertised('2001:db8:1::/64');
  const update = outputs.findIndex(output => updateIn([output]));
  const release = outputs.findIndex(output => output.kind === 'forward' && output.rule.from?.address === home);
  assert.ok(update >= 0 && update < release);
  const sent = outputs[update];
  assert.ok(sent.kind === 'send');
  assert.deepEqual([sent.link, sent.packet.source], ['wlan0', home]);
});

test('RFC 6275 §11.8: only a first registration waits for the home agent’s detection of duplicates; one that ends a binding does not', () => {
  const world = new MobileWorld();
  world.arrive();
  world.link(false);
  world.link(true);
  assert.equal(updateIn(world.advertised('2001:db8:1::/64'))?.lifetimeS, 0);
  const [again] = world.pass(10 * second).filter(({ output }) => updateIn([output]));
  assert.equal(again.at, second);
});
