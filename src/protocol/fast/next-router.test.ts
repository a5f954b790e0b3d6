import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  announcement,
  changes,
  fastRouter,
  icmpv6,
  initiate,
  messages,
  nar,
  ncoa,
  other,
  overRadio,
  par,
  pcoa,
  reasons,
  rules,
  station,
  stranger,
} from '../../../test/support/fast.js';
import { parseAddress } from '../../base/address.js';
import { linkLocalAddress } from '../../base/link-address.js';
import { prefixContains } from '../../base/prefix.js';
import { millisecond, second } from '../../base/time.js';
import type { Engine, Output } from '../contract.js';

function hear(engine: Engine, packet = initiate(), now = 0): Output[] {
  return engine.handle({ kind: 'packet', packet }, now);
}

/** Code and address of the answer. */
function answer(outputs: readonly Output[]) {
  return messages(outputs, 'handoverAcknowledge').map(({ packet, message }) => {
    assert.deepEqual([packet.source, packet.destination], [nar.address, par.address]);
    const [given] = message.options;
    return [message.sequence, message.code, given?.kind === 'ipAddressPrefix' ? given.address : undefined];
  });
}

const kept = { kind: 'park', limitOctets: 100_000 } as const;
const delivered = { kind: 'link', link: 'radio', neighbour: station } as const;

test('RFC 5568 §4: an announced mobile’s address is defended, and what comes for it is kept, until the mobile announces itself', () => {
  const engine = fastRouter(nar);
  const outputs = hear(engine);
  assert.deepEqual(answer(outputs), [[9, 0, undefined]]);
  assert.deepEqual(rules(outputs), [{ to: ncoa, from: undefined, via: kept, copy: undefined }]);
  assert.ok(outputs.some(output => output.kind === 'proxy' && output.address === ncoa && !output.detect));
  assert.deepEqual(changes(outputs), ['waiting']);
  const arrived = engine.handle(announcement(), 1);
  assert.deepEqual(rules(arrived), [{ to: ncoa, from: undefined, via: delivered, copy: undefined }]);
  const order = arrived.map(({ kind }) => kind);
  assert.ok(order.indexOf('unproxy') < order.indexOf('forward'), 'it is the mobile’s before packets go to it');
  assert.deepEqual(changes(arrived), ['arrived']);
  assert.deepEqual(rules(engine.handle(announcement(), 2)), [], 'once');
});

test('RFC 5568 §6.2.1.1: without U packets are not kept, and Neighbour Discovery does not look for a mobile that is not there', () => {
  const outputs = hear(fastRouter(nar), initiate({ buffer: false }));
  assert.deepEqual(rules(outputs)[0].via, { kind: 'drop' });
});

test('RFC 5568 §6.3: a Router Solicitation shows as well that the mobile is there', () => {
  const engine = fastRouter(nar);
  hear(engine);
  const message = { kind: 'routerSolicitation', code: 0, options: [] } as const;
  const source = linkLocalAddress(station);
  const packet = { source, destination: parseAddress('ff02::2'), hopLimit: 255, payload: { kind: 'icmpv6', message } };
  assert.deepEqual(rules(engine.handle(overRadio(packet as never), 1))[0].via, delivered);
});

test('RFC 5568 §9: an address is defended for PROXY_ND_LIFETIME, packets are kept for as long as configured, then the mobile has missed it', () => {
  const engine = fastRouter(nar);
  hear(engine);
  assert.equal(engine.deadline, 1500 * millisecond);
  const first = engine.handle({ kind: 'tick' }, 1500 * millisecond);
  assert.deepEqual(
    first.map(({ kind }) => kind),
    ['unproxy'],
  );
  assert.equal(engine.deadline, 5 * second);
  const last = engine.handle({ kind: 'tick' }, 5 * second);
  assert.deepEqual(rules(last), [{ to: ncoa, from: undefined, via: undefined, copy: undefined }]);
  assert.deepEqual(changes(last), ['missed']);
  assert.equal(engine.counters.handoversMissed, 1);
  assert.equal(engine.deadline, undefined);
});

test('RFC 4140 Appendix A [H4140-AppA-10]: an address in use, and the old one has a host route here and a tunnel back', () => {
  const engine = fastRouter(nar);
  engine.handle(announcement(ncoa, stranger), 0);
  const outputs = hear(engine);
  assert.deepEqual(answer(outputs), [[9, 3, undefined]]);
  const back = { kind: 'tunnel', local: nar.address, remote: par.address } as const;
  assert.deepEqual(rules(outputs), [
    { to: pcoa, from: undefined, via: kept, copy: undefined },
    { to: undefined, from: pcoa, via: back, copy: undefined },
  ]);
  assert.ok(outputs.some(output => output.kind === 'admit' && output.end.to?.address === pcoa));
  assert.ok(!outputs.some(({ kind }) => kind === 'proxy'));
  const arrived = engine.handle(announcement(pcoa), 1);
  assert.deepEqual(rules(arrived), [{ to: pcoa, from: undefined, via: delivered, copy: undefined }]);
  const gone = engine.handle({ kind: 'detached', link: 'radio', station }, 2);
  assert.deepEqual(
    rules(gone).map(({ to, from }) => to ?? from),
    [pcoa, pcoa],
  );
  assert.ok(gone.some(({ kind }) => kind === 'unadmit'));
});

test('RFC 5568 §6.2.1.2: an address in use and none to fall back on is answered with Code 1', () => {
  const engine = fastRouter(nar);
  engine.handle(announcement(ncoa, stranger), 0);
  assert.deepEqual(answer(hear(engine, initiate({ previous: null }))), [[9, 1, undefined]]);
});

test('RFC 5568 §5.5: where addresses are probed for, the answer waits for what the probe finds', () => {
  for (const [unique, code] of [
    [true, 0],
    [false, 3],
  ] as const) {
    const engine = fastRouter(nar, { duplicateAddressDetection: true });
    const outputs = hear(engine);
    assert.deepEqual(answer(outputs), []);
    assert.ok(outputs.some(output => output.kind === 'proxy' && output.detect));
    const found = engine.handle({ kind: 'proxied', link: 'radio', address: ncoa, unique }, second);
    assert.deepEqual(answer(found), [[9, code, undefined]]);
    assert.ok(
      rules([...outputs, ...found]).some(({ to, via }) => to === (unique ? ncoa : pcoa) && via?.kind === 'park'),
    );
  }
});

test('RFC 5568 §6.2.1.2: an address is assigned where the other router asks for one, and in place of one in use where configured', () => {
  assert.deepEqual(answer(hear(fastRouter(nar), initiate({ assigned: true }))), [[9, 2, ncoa]]);
  const engine = fastRouter(nar, { assignAddresses: true });
  engine.handle(announcement(ncoa, stranger), 0);
  const [[, code, given]] = answer(hear(engine));
  assert.equal(code, 2);
  assert.ok(typeof given === 'string' && given !== ncoa && prefixContains(nar.prefix, given));
});

test('RFC 5568 §6.4.6: a mobile that came with another address than it has is told which', () => {
  const told = (engine: Engine) => {
    const outputs = engine.handle(announcement(ncoa), 1);
    const [{ message, sent }] = icmpv6(outputs);
    assert.deepEqual([sent.packet.source, sent.packet.destination], [nar.linkLocal, ncoa]);
    assert.deepEqual([sent.link, sent.neighbour], ['radio', station]);
    assert.ok(message.kind === 'routerAdvertisement');
    return message.options.at(-1);
  };
  const inUse = fastRouter(nar);
  inUse.handle(announcement(ncoa, stranger), 0);
  hear(inUse);
  const mine = { kind: 'neighbourAdvertisementAcknowledgment', careOfAddresses: [] } as const;
  assert.deepEqual(told(inUse), { ...mine, status: 1 });
  const assigning = fastRouter(nar, { assignAddresses: true });
  const proposed = initiate({ assigned: false });
  assigning.handle(announcement(ncoa, stranger), 0);
  const [[, , given]] = answer(hear(assigning, proposed));
  assigning.handle({ kind: 'detached', link: 'radio', station: stranger }, 0);
  assert.deepEqual(told(assigning), { ...mine, status: 2, careOfAddresses: [given] });
  const keeping = fastRouter(nar);
  keeping.handle(announcement(ncoa, stranger), 0);
  hear(keeping);
  keeping.handle({ kind: 'detached', link: 'radio', station: stranger }, 0);
  assert.deepEqual(told(keeping), { ...mine, status: 4, careOfAddresses: [pcoa] });
});

test('RFC 5568 §6.3: an address that is kept for a mobile is not another’s: it is refused with status 128, and nothing is released', () => {
  const engine = fastRouter(nar);
  hear(engine);
  const outputs = engine.handle(announcement(ncoa, stranger), 1);
  const [{ message }] = icmpv6(outputs);
  assert.ok(message.kind === 'routerAdvertisement');
  const said = message.options.at(-1);
  assert.deepEqual(said, { kind: 'neighbourAdvertisementAcknowledgment', status: 128, careOfAddresses: [] });
  assert.deepEqual(rules(outputs), []);
  assert.deepEqual(reasons(outputs), ['addressOfAnother']);
  assert.equal(engine.counters.advertisementsRejected, 1);
  assert.deepEqual(rules(engine.handle(announcement(), 2))[0].via, delivered);
});

test('RFC 5568 §4: HI with Code 1 is answered from what is known: nothing is kept, and a neighbour’s address is refused', () => {
  const engine = fastRouter(nar);
  const outputs = hear(engine, initiate({ code: 1 }));
  assert.deepEqual(answer(outputs), [[9, 0, undefined]]);
  assert.deepEqual(rules(outputs), []);
  engine.handle(announcement(ncoa, stranger), 0);
  assert.deepEqual(answer(hear(engine, initiate({ code: 1, sequence: 10 }))), [[10, 128, undefined]]);
  assert.equal(engine.counters.refused_initiateForeignAddress, 1);
});

test('RFC 5568 §6.2.1.1: HI sent again is answered again; after the mobile’s arrival nothing is kept anew', () => {
  const engine = fastRouter(nar);
  hear(engine);
  const again = hear(engine);
  assert.deepEqual(answer(again), [[9, 0, undefined]]);
  assert.deepEqual(rules(again), []);
  engine.handle(announcement(), 1);
  const late = hear(engine, initiate(), 2);
  assert.deepEqual(answer(late), [[9, 0, undefined]]);
  assert.deepEqual(rules(late), []);
  const next = hear(engine, initiate({ sequence: 10 }), 3);
  assert.deepEqual(rules(next).at(-1)?.via, kept, 'it has left since, and is announced again');
});

test('RFC 5568 §6.2.1.2, §10: HI from a router that is no neighbour, about no mobile, or for another’s prefix is refused and counted', () => {
  const engine = fastRouter(nar);
  const strange = parseAddress('2001:db8:ff::bad');
  const [{ packet, message }] = messages(hear(engine, initiate({ source: strange })), 'handoverAcknowledge');
  assert.deepEqual([packet.destination, message.code], [strange, 129]);
  assert.equal(engine.counters.refused_initiateUnknownRouter, 1);
  const elsewhere = parseAddress('2001:db8:99::1');
  assert.deepEqual(answer(hear(engine, initiate({ careOf: elsewhere }))), [[9, 128, undefined]]);
  assert.equal(engine.counters.refused_initiateMalformed, 1);
  assert.equal(engine.deadline, undefined);
  const full = fastRouter(nar, { maximumExpected: 0 });
  assert.deepEqual(answer(hear(full)), [[9, 130, undefined]]);
  assert.equal(full.counters.refused_initiateNoRoom, 1);
  assert.ok(other.address !== strange);
});
