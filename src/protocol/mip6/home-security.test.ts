import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { acknowledgementIn } from '../../../test/support/anchor.js';
import { careOf, HomeWorld, home, homeAgentAddress, homeUpdate } from '../../../test/support/home-agent.js';
import { type Protection, protections, SecuredMobile, tampered } from '../../../test/support/secured-mobile.js';
import { sent } from '../../../test/support/signalling.js';
import { formatAddress, parseAddress } from '../../base/address.js';
import { seededRandom } from '../../base/random.js';
import { milliseconds } from '../../base/time.js';
import { encodePayload } from '../../wire/ipv6/codec.js';
import { type Packet, protocol } from '../../wire/ipv6/packet.js';
import { type PeerSecurity, protectedSection, signalling } from '../security/config.js';
import { initializationVectors, seal } from '../security/esp.js';
import { placedProtection } from '../security/placement.js';

const victim = formatAddress(home);
const attacker = '2001:db8:a::66';
const elsewhere = parseAddress('2001:db8:e::e');
const bound = ['2001:db8:a::7/128 → 2001:db8:b:1::7'];

/** A home agent with two mobiles, under each way of protection. */
function each(check: (bench: Bench) => void): void {
  for (const protection of protections) {
    const peers = placedProtection(protection, formatAddress(homeAgentAddress), [victim, attacker]);
    const world = new HomeWorld({ homeLink: undefined, ...peers });
    const mobile = (name: string) => new SecuredMobile(world, name, homeAgentAddress, protection);
    check({ protection, world, owner: mobile(victim), other: mobile(attacker) });
  }
}

/** The victim's own keys in hands that leave the care-of address out. */
function careless(packet: Packet): Packet {
  const { peers } = placedProtection('esp', victim, [formatAddress(homeAgentAddress)]) as { peers: unknown[] };
  const { outbound } = protectedSection(z.strictObject(signalling)).parse({ address: victim, peers }).peers[0]
    .security as Extract<PeerSecurity, { kind: 'esp' }>;
  const data = seal(
    outbound.keys,
    { spi: outbound.spi, sequence: 99 },
    encodePayload(packet),
    initializationVectors(seededRandom(9)),
  );
  return { ...packet, payload: { kind: 'raw', protocol: protocol.esp, data } };
}

interface Bench {
  readonly protection: Protection;
  readonly world: HomeWorld;
  readonly owner: SecuredMobile;
  /** It is a mobile of this home agent, with keys of its own. */
  readonly other: SecuredMobile;
}

test('RFC 6275 §10.3.1, §15.3: a home update without protection, or under keys of nobody, is dropped without an answer and counted', () => {
  each(({ protection, world }) => {
    assert.equal(acknowledgementIn(world.receive(homeUpdate())), undefined);
    assert.equal(world.engine.counters.signallingRefusedUnprotected, 1);
    const stranger = new SecuredMobile(world, 'stranger', homeAgentAddress, protection);
    assert.equal(stranger.send(homeUpdate()), undefined);
    assert.equal(world.engine.counters.signallingRefusedUnknownAssociation, 1);
    assert.deepEqual(world.ruleTexts, []);
  });
});

test('RFC 6275 §5.1, §15.3: a mobile with keys of its own cannot speak for the home address of another', () => {
  each(({ world, owner, other }) => {
    assert.equal(owner.send(homeUpdate())?.status, 0);
    assert.equal(other.send(homeUpdate({ careOf: elsewhere, sequence: 9 })), undefined);
    assert.equal(other.send(homeUpdate({ careOf: elsewhere, sequence: 9, lifetimeS: 0 })), undefined);
    assert.equal(world.engine.counters.signallingRefusedUnknownAssociation, 2);
    assert.deepEqual(world.ruleTexts, bound);
  });
});

test('RFC 6275 §9.5.1, §15.3: a replayed, a reordered and a tampered home update change nothing and are counted', () => {
  each(({ protection, world, owner }) => {
    const early = owner.protect(homeUpdate({ careOf: elsewhere }));
    world.now += milliseconds(10);
    const late = owner.protect(homeUpdate({ sequence: 2 }));
    world.receive(late);
    world.receive(late);
    assert.equal(world.engine.counters.signallingRefusedReplayed, 1);
    world.receive(early);
    const { signallingRefusedReplayed: replayed, handoff_denied_135: outOfWindow } = world.engine.counters;
    assert.deepEqual([replayed, outOfWindow], protection === 'rfc4285' ? [2, undefined] : [1, 1]);
    world.receive(tampered(owner.protect(homeUpdate({ sequence: 3, careOf: elsewhere }))));
    assert.equal(world.engine.counters.signallingRefusedAuthentication, 1);
    assert.deepEqual(world.ruleTexts, bound);
  });
});

test('RFC 6275 §6.2.5, §11.7.1: a home update is bound to the care-of address it was made for, wherever it is sent from', () => {
  each(({ world, owner }) => {
    const alternate = { kind: 'alternateCareOfAddress', careOfAddress: careOf } as const;
    const packet = owner.protect(homeUpdate({ options: [alternate] }));
    world.receive({ ...packet, source: elsewhere });
    assert.deepEqual(world.ruleTexts, bound);
  });
});

test('RFC 6275 §11.7.1, §15.3: ESP does not cover the source of a packet, so the care-of address goes inside, and an update without it is refused and counted', () => {
  const peers = placedProtection('esp', formatAddress(homeAgentAddress), [victim]);
  const world = new HomeWorld({ homeLink: undefined, ...peers });
  const owner = new SecuredMobile(world, victim, homeAgentAddress, 'esp');
  world.receive({ ...owner.protect(homeUpdate()), source: elsewhere });
  assert.deepEqual(world.ruleTexts, bound);
  world.receive(careless(homeUpdate({ sequence: 2, careOf: elsewhere })));
  assert.equal(world.engine.counters.signallingRefusedUnprotected, 1);
  assert.deepEqual(world.ruleTexts, bound);
});

test('RFC 6275 §6.7, §10.6: under ESP a prefix solicitation without it is refused and counted, one under it is answered under it', () => {
  const peers = placedProtection('esp', formatAddress(homeAgentAddress), [victim]);
  const world = new HomeWorld({ homeLink: undefined, ...peers });
  const owner = new SecuredMobile(world, victim, homeAgentAddress, 'esp');
  owner.send(homeUpdate());
  const { payload: _, ...envelope } = homeUpdate();
  const message = { kind: 'mobilePrefixSolicitation', code: 0, identifier: 7 } as const;
  const solicitation: Packet = { ...envelope, payload: { kind: 'icmpv6', message } };
  assert.deepEqual(sent(world.receive(solicitation)), []);
  assert.equal(world.engine.counters.signallingRefusedUnprotected, 1);
  const [answer] = sent(world.receive(owner.protect(solicitation)));
  assert.deepEqual([answer.payload.kind, answer.destination], ['raw', careOf]);
});

test('RFC 4285 §5.1: a home update that is moved to another source fails its authenticator', () => {
  const peers = placedProtection('rfc4285', formatAddress(homeAgentAddress), [victim]);
  const world = new HomeWorld({ homeLink: undefined, ...peers });
  const owner = new SecuredMobile(world, victim, homeAgentAddress, 'rfc4285');
  world.receive({ ...owner.protect(homeUpdate()), source: elsewhere });
  assert.equal(world.engine.counters.signallingRefusedAuthentication, 1);
  assert.deepEqual(world.ruleTexts, []);
});

test('RFC 6275 §11.7.3: an acknowledgement that was tampered with, replayed or made for another mobile is dropped and counted', () => {
  each(({ world, owner, other }) => {
    const outputs = world.receive(owner.protect(homeUpdate()));
    assert.equal(
      owner.answer(outputs.map(o => (o.kind === 'send' ? { ...o, packet: tampered(o.packet) } : o))),
      undefined,
    );
    assert.equal(other.answer(outputs), undefined);
    assert.equal(owner.answer(outputs)?.status, 0);
    assert.equal(owner.answer(outputs), undefined, 'replayed');
    assert.deepEqual([owner.refusals, other.refusals], [2, 1]);
  });
});
