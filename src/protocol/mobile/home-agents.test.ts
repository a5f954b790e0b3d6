import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  careOf,
  home,
  homeAgent,
  MobileWorld,
  updateIn,
  updatesIn,
  uplink,
} from '../../../test/support/mobile-world.js';
import { type Address, parseAddress } from '../../base/address.js';
import { prefixOf } from '../../base/prefix.js';
import { second } from '../../base/time.js';
import type { Icmpv6Message } from '../../wire/icmpv6/messages.js';
import { bindingAcknowledgementFlags, type MobilityMessage } from '../../wire/mobility/messages.js';
import type { Output } from '../contract.js';
import { homeAgentsAnycast } from './home-agents-anycast.js';
import { mobilityPacket, toMobile } from './packets.js';

const other = parseAddress('2001:db8:1::2');
const unknown = { homeAgent: undefined, homeAgentDiscovery: true };
const anycast = homeAgentsAnycast(prefixOf(home, 64));

function asked<K extends Icmpv6Message['kind']>(outputs: readonly Output[], kind: K) {
  return outputs.flatMap(output => {
    if (output.kind !== 'send' || output.packet.payload.kind !== 'icmpv6') return [];
    const { packet } = output;
    const { message } = output.packet.payload;
    return message.kind === kind ? [{ packet, message: message as Extract<Icmpv6Message, { kind: K }> }] : [];
  });
}
const requests = (outputs: readonly Output[]) => asked(outputs, 'homeAgentDiscoveryRequest');
const solicitations = (outputs: readonly Output[]) => asked(outputs, 'mobilePrefixSolicitation');

function destinationsOf(outputs: readonly Output[]): Address[] {
  return outputs.flatMap(output =>
    output.kind === 'send' && updatesIn([output]).length > 0 ? [output.packet.destination] : [],
  );
}

class World extends MobileWorld {
  here(): Output[] {
    this.link(true);
    this.advertised();
    return this.address('preferred');
  }

  icmpv6(message: Icmpv6Message, destination = careOf, source = homeAgent): Output[] {
    return this.give({
      kind: 'packet',
      packet: { source, destination, hopLimit: 64, payload: { kind: 'icmpv6', message } },
    });
  }

  reply(identifier: number, ...homeAgents: Address[]): Output[] {
    return this.icmpv6({ kind: 'homeAgentDiscoveryReply', code: 0, identifier, homeAgents });
  }

  prefix(identifier: number, validLifetimeS: number, source = homeAgent): Output[] {
    const flags = { onLink: true, autonomous: true, routerAddress: false };
    const { address, length } = prefixOf(home, 64);
    const option = {
      kind: 'prefixInformation',
      length,
      flags,
      validLifetimeS,
      preferredLifetimeS: 0,
      prefix: address,
    } as const;
    const message = {
      kind: 'mobilePrefixAdvertisement',
      code: 0,
      identifier,
      flags: { managed: false, other: false },
      options: [option],
    } as const;
    return this.icmpv6(message, home, source);
  }

  mobility(message: MobilityMessage, source: Address, destination = home): Output[] {
    return this.give({ kind: 'packet', packet: mobilityPacket(source, destination, message) });
  }

  answerFrom(source: Address, sequence: number, status = 0): Output[] {
    const flags = bindingAcknowledgementFlags({});
    const message = { kind: 'bindingAcknowledgement', status, flags, sequence, lifetimeS: 600, options: [] } as const;
    return this.give({ kind: 'packet', packet: toMobile(source, careOf, home, message) });
  }
}

test('RFC 6275 §11.4.1, §6.5: a mobile that knows no home agent asks the anycast address of its home prefix, from its care-of address, and registers with the first that is told', () => {
  const world = new World(unknown);
  const outputs = world.here();
  assert.deepEqual(updatesIn(outputs), []);
  const [{ packet, message }] = requests(outputs);
  assert.deepEqual([packet.source, packet.destination], [careOf, anycast]);
  assert.deepEqual(destinationsOf(world.reply(message.identifier ^ 1, other)), [], 'another identifier');
  assert.equal(world.engine.counters.discarded_homeAgentDiscoveryReply, 1);
  const told = world.reply(message.identifier, other, homeAgent);
  assert.deepEqual(destinationsOf(told), [other]);
  assert.equal(uplink(world.answerFrom(other, updateIn(told)?.sequence as number)), 'tunnel');
  assert.deepEqual(destinationsOf(world.reply(message.identifier, homeAgent)), [], 'one answer counts');
});

test('RFC 6275 §11.4.1, §12: a request is repeated after 3 s, then after twice as long each time, four times', () => {
  const world = new World(unknown);
  world.here();
  const at = world.pass(95 * second).flatMap(({ at, output }) => requests([output]).map(() => at / second));
  assert.deepEqual(at, [3, 9, 21, 45]);
  const later = world.pass(400 * second).flatMap(({ output }) => requests([output]));
  assert.ok(later.length > 0, 'after a pause it asks again');
});

test('RFC 6275 §11.4.1: refused by one home agent, or without an answer, the mobile tries the next in the order they were told', () => {
  for (const refuses of [true, false]) {
    const world = new World({ ...unknown, homeAgentAttempts: 2 });
    const [{ message }] = requests(world.here());
    const told = world.reply(message.identifier, homeAgent, other);
    const next = refuses
      ? world.answerFrom(homeAgent, updateIn(told)?.sequence as number, 130)
      : world.pass(5 * second).map(({ output }) => output);
    assert.equal(destinationsOf(next).at(-1), other);
    const sequence = updatesIn(next).at(-1)?.sequence as number;
    const bound = world.answerFrom(other, sequence);
    assert.equal(uplink(bound), 'tunnel');
  }
});

test('RFC 6275 §11.4.1: a home agent with which there is no security association is not tried', () => {
  const world = new World({ ...unknown, trusts: address => address === other });
  const [{ message }] = requests(world.here());
  assert.deepEqual(destinationsOf(world.reply(message.identifier, homeAgent, other)), [other]);
});

test('RFC 6275 §11.4.1: a home agent from the configuration is tried first, and kept where nobody may be asked for another', () => {
  const world = new World({ homeAgentDiscovery: true });
  const first = world.here();
  assert.deepEqual(destinationsOf(first), [homeAgent]);
  const refused = world.answerFrom(homeAgent, updateIn(first)?.sequence as number, 129);
  assert.equal(requests(refused).length, 1);
  const alone = new World();
  const sequence = updateIn(alone.here())?.sequence as number;
  assert.deepEqual(requests(alone.answerFrom(homeAgent, sequence, 129)), []);
  assert.equal(destinationsOf(alone.pass(40 * second).map(({ output }) => output)).at(-1), homeAgent);
});

test('RFC 6275 §11.4.2, §6.7: once registered the mobile asks for its home prefix, with its home address in an option and a random identifier; the answer counts from its home agent, once', () => {
  const world = new World({ homePrefixDiscovery: true, lifetimeS: 100_000 });
  const registered = world.acknowledge(updateIn(world.here())?.sequence as number, 0, 100_000);
  const [{ packet, message }] = solicitations(registered);
  assert.deepEqual([packet.source, packet.destination], [careOf, homeAgent]);
  assert.deepEqual(packet.headers, [{ kind: 'destinationOptions', options: [{ kind: 'homeAddress', address: home }] }]);
  for (const refused of [world.prefix(message.identifier, 900, other), world.prefix(message.identifier ^ 1, 900)])
    assert.equal(refused.filter(({ kind }) => kind === 'trace').length, 1);
  assert.equal(world.engine.counters.discarded_mobilePrefixAdvertisement, 2);
  world.prefix(message.identifier, 1000);
  const again = world.pass(950 * second).flatMap(({ at, output }) => solicitations([output]).map(() => at / second));
  assert.equal(again[0], 900, 'before the lifetime ends');
});

test('RFC 6275 §11.8, §12: a solicitation is repeated after 3 s, then after twice as long each time', () => {
  const world = new World({ homePrefixDiscovery: true });
  world.acknowledge(updateIn(world.here())?.sequence as number);
  const at = world.pass(60 * second).flatMap(({ at, output }) => solicitations([output]).map(() => at / second));
  assert.deepEqual(at, [3, 9, 21]);
});

test('RFC 6275 §11.4.3: an advertisement that nobody asked for is discarded, and asked for', () => {
  const world = new World();
  world.acknowledge(updateIn(world.here())?.sequence as number);
  const outputs = world.prefix(77, 60);
  assert.equal(outputs.filter(({ kind }) => kind === 'trace').length, 1);
  const [{ message }] = solicitations(outputs);
  assert.notEqual(message.identifier, 77);
  assert.deepEqual(solicitations(world.prefix(78, 60)), [], 'one at a time');
});

test('RFC 6275 §11.4.3: an unprotected advertisement is discarded where protection is configured', () => {
  const world = new World({ insecure: false, homePrefixDiscovery: true });
  world.here();
  world.prefix(5, 60);
  assert.equal(world.engine.counters.discarded_mobilePrefixAdvertisement, 1);
});

test('RFC 6275 §11.4.1: where nobody answers, the home agent of the configuration is tried again', () => {
  const world = new World({ homeAgentDiscovery: true });
  world.answerFrom(homeAgent, updateIn(world.here())?.sequence as number, 129);
  const asking = world.pass(100 * second).map(({ output }) => output);
  assert.equal(requests(asking).length, 4);
  assert.ok(destinationsOf(world.pass(140 * second).map(({ output }) => output)).includes(homeAgent));
});
