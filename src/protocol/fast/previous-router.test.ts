import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  acknowledge,
  announcement,
  changes,
  fastRouter,
  fastUpdate,
  icmpv6,
  initiate,
  key,
  messages,
  nar,
  ncoa,
  other,
  overRadio,
  par,
  pcoa,
  proxySolicitation,
  reasons,
  rules,
  sent,
  settingsOf,
  station,
  stranger,
  strangerKey,
} from '../../../test/support/fast.js';
import { parseAddress } from '../../base/address.js';
import { autoconfiguredAddress, linkLocalAddress, parseLinkAddress } from '../../base/link-address.js';
import { millisecond, second } from '../../base/time.js';
import type { Engine, Output } from '../contract.js';
import { isAuthorized } from './authorization.js';
import { linkLayer } from './neighbourhood.js';

const unknownPoint = parseLinkAddress('02:ff:ff:ff:ff:ff');
const point = (address: typeof station) => linkLayer(1, address);

/** The router has been asked for a handover, and has asked the next one. */
function asked(engine: Engine, now = 0, update = fastUpdate()): { outputs: Output[]; sequence: number } {
  const outputs = engine.handle(overRadio(update), now);
  const [first] = messages(outputs, 'handoverInitiate');
  return { outputs, sequence: first?.message.sequence ?? Number.NaN };
}

/** And it has agreed. */
function forwarding(engine: Engine, now = 0): Output[] {
  const { sequence } = asked(engine, now);
  return engine.handle(acknowledge(sequence, 0), now);
}

test('RFC 5568 §6.1.2 [H4140-AppA-06, H4140-AppA-16]: a proxy advertisement for each outcome, with the Code and option that say it', () => {
  const neighbours = settingsOf(par).neighbours.map(({ accessPoint, router }) => ({
    accessPoint,
    router: { ...router, fastHandover: accessPoint !== other.linkAddress },
  }));
  const engine = fastRouter(par, { neighbours });
  const ask = (...points: (typeof station)[]) => {
    const [answer] = icmpv6(engine.handle(proxySolicitation(points.map(point)), 0));
    assert.equal(answer.message.kind, 'proxyRouterAdvertisement');
    const { message, sent: through } = answer;
    assert.ok(message.kind === 'proxyRouterAdvertisement');
    assert.equal(message.identifier, 77);
    assert.equal(through.packet.source, par.linkLocal);
    assert.equal(through.packet.destination, pcoa);
    assert.equal(through.packet.hopLimit, 255);
    assert.deepEqual([through.link, through.neighbour], ['radio', station]);
    const [own, ...about] = message.options;
    assert.deepEqual(own, linkLayer(4, par.linkAddress));
    return { code: message.code, about };
  };
  assert.deepEqual(ask(nar.linkAddress), {
    code: 0,
    about: [
      linkLayer(1, nar.linkAddress),
      linkLayer(3, nar.linkAddress),
      { kind: 'ipAddressPrefix', code: 3, prefixLength: 128, address: nar.linkRouter },
      { kind: 'ipAddressPrefix', code: 4, prefixLength: 64, address: nar.prefix.address },
    ],
  });
  assert.deepEqual(ask(par.linkAddress), { code: 2, about: [linkLayer(5, par.linkAddress)] });
  assert.deepEqual(ask(unknownPoint), { code: 2, about: [linkLayer(6, unknownPoint)] });
  assert.deepEqual(ask(other.linkAddress), { code: 2, about: [linkLayer(7, other.linkAddress)] });
  const mixed = ask(unknownPoint, nar.linkAddress);
  assert.equal(mixed.code, 3);
  assert.deepEqual(mixed.about.slice(0, 2), [linkLayer(6, unknownPoint), linkLayer(1, nar.linkAddress)]);
});

test('RFC 5568 §6.1.2: a wildcard is answered with all that is known, Code 5 where addresses are a DHCP server’s', () => {
  const dhcp = settingsOf(par).neighbours.map(({ accessPoint, router }) => ({
    accessPoint,
    router: { ...router, dhcp: true },
  }));
  for (const [engine, code] of [
    [fastRouter(par), 0],
    [fastRouter(par, { neighbours: dhcp }), 5],
  ] as const) {
    const [{ message }] = icmpv6(engine.handle(proxySolicitation([linkLayer(0, unknownPoint)]), 0));
    assert.ok(message.kind === 'proxyRouterAdvertisement');
    assert.equal(message.code, code);
    const points = message.options.flatMap(option =>
      option.kind === 'linkLayerAddress' && option.code === 1 ? [option.address] : [],
    );
    assert.deepEqual(points, [nar.linkAddress, other.linkAddress]);
  }
});

test('RFC 5568 §6.1.1: a solicitation from beyond the link, with a Code or about nothing is not answered, and counted', () => {
  const engine = fastRouter(par);
  for (const input of [proxySolicitation([point(nar.linkAddress)], { hopLimit: 254 }), proxySolicitation([])])
    assert.deepEqual(reasons(engine.handle(input, 0)), ['solicitationInvalid']);
  assert.equal(engine.counters.discarded_solicitationInvalid, 2);
  assert.equal(engine.counters.proxyAdvertisements, undefined);
});

test('RFC 4140 Appendix A [H4140-AppA-05, H4140-AppA-07]: the router’s own trigger has it send a proxy advertisement that nobody asked for', () => {
  const engine = fastRouter(par);
  const trigger = { kind: 'handoffExpected', link: 'radio', station } as const;
  const first = engine.handle({ ...trigger, accessPoint: nar.linkAddress }, 0);
  const [{ message, sent: through }] = icmpv6(first);
  assert.ok(message.kind === 'proxyRouterAdvertisement');
  assert.deepEqual([message.code, message.identifier], [1, 0]);
  assert.equal(through.packet.destination, linkLocalAddress(station));
  engine.handle(announcement(pcoa), 0);
  const [second] = icmpv6(engine.handle({ ...trigger, accessPoint: nar.linkAddress }, 0));
  assert.equal(second.sent.packet.destination, pcoa);
  assert.deepEqual(engine.handle({ ...trigger, accessPoint: unknownPoint }, 0), []);
});

test('RFC 4140 Appendix A [H4140-AppA-15]: the proxy advertisement has the MAP option of the router that it is about', () => {
  const map = { address: parseAddress('2001:db8:aa::1'), distance: 2, preference: 9, rcoaRequired: true };
  const neighbours = settingsOf(par).neighbours.map(({ accessPoint, router }) => ({
    accessPoint,
    router: { ...router, maps: [{ ...map, validLifetimeS: 600 }] },
  }));
  const engine = fastRouter(par, { neighbours });
  const trigger = { kind: 'handoffExpected', link: 'radio', station, accessPoint: nar.linkAddress } as const;
  const [{ message }] = icmpv6(engine.handle(trigger, 0));
  assert.ok(message.kind === 'proxyRouterAdvertisement');
  assert.deepEqual(message.options.at(-1), {
    kind: 'map',
    place: { distance: 2, preference: 9 },
    flags: { rcoaRequired: true },
    validLifetimeS: 600,
    address: map.address,
  });
});

test('RFC 4140 Appendix A [H4140-AppA-17]: trigger, solicitation and Fast Binding Update tell whoever transfers context, with both routers', () => {
  const engine = fastRouter(par);
  const trigger = { kind: 'handoffExpected', link: 'radio', station, accessPoint: nar.linkAddress } as const;
  assert.deepEqual(changes(engine.handle(trigger, 0)), ['expected']);
  assert.deepEqual(changes(engine.handle(proxySolicitation([point(nar.linkAddress)]), 0)), ['expected']);
  const event = asked(engine).outputs.flatMap(output => (output.kind === 'trace' ? [output.event] : []));
  assert.deepEqual(event, [
    { event: 'handover', change: 'initiated', station, previous: pcoa, careOf: ncoa, peer: nar.address },
  ]);
});

test('RFC 5568 §4 [H4140-AppA-08]: the new address is put to the router whose prefix it has, with the mobile’s link-layer address', () => {
  const engine = fastRouter(par);
  const { outputs } = asked(engine);
  assert.equal(ncoa, autoconfiguredAddress(nar.prefix, station));
  const [{ packet, message }] = messages(outputs, 'handoverInitiate');
  assert.deepEqual([packet.source, packet.destination], [par.address, nar.address]);
  assert.deepEqual([message.code, message.flags], [0, { assignedAddress: false, buffer: true }]);
  assert.deepEqual(message.options, [
    { kind: 'linkLayerAddress', code: 2, address: station },
    { kind: 'ipAddressPrefix', code: 1, prefixLength: 128, address: pcoa },
    { kind: 'ipAddressPrefix', code: 2, prefixLength: 128, address: ncoa },
  ]);
  assert.deepEqual(rules(outputs), [], 'nothing is redirected yet');
  assert.deepEqual(messages(outputs, 'fastBindingAcknowledgement'), [], 'nor acknowledged');
});

test('RFC 4140 Appendix A [H4140-AppA-03, H4140-AppA-09]: a good answer, and packets go to the new address after the mobile has heard, on the old link and on the new', () => {
  const engine = fastRouter(par);
  const outputs = forwarding(engine);
  const tunnel = { kind: 'tunnel', local: par.linkRouter, remote: ncoa } as const;
  assert.deepEqual(rules(outputs), [{ to: pcoa, from: undefined, via: tunnel, copy: undefined }]);
  const answers = messages(outputs, 'fastBindingAcknowledgement');
  assert.deepEqual(
    answers.map(({ packet, link }) => [packet.source, packet.destination, link]),
    [
      [par.linkRouter, pcoa, 'radio'],
      [par.linkRouter, ncoa, undefined],
    ],
  );
  for (const { message } of answers) {
    assert.deepEqual([message.status, message.sequence, message.lifetimeS], [0, 1, 20]);
    assert.ok(isAuthorized(message, undefined, key, { careOf: ncoa, router: par.linkRouter }));
  }
  const order = outputs.map(({ kind }) => kind);
  assert.ok(order.indexOf('send') < order.indexOf('forward'), 'the old link hears before packets leave it');
  assert.ok(outputs.some(output => output.kind === 'admit' && output.end.from?.address === pcoa));
  assert.deepEqual(changes(outputs), ['forwarding']);
});

test('RFC 4140 Appendix A [H4140-AppA-09]: an address in use, and packets for the old one go to the new router', () => {
  for (const code of [1, 3]) {
    const engine = fastRouter(par);
    const outputs = engine.handle(acknowledge(asked(engine).sequence, code), 0);
    const via = { kind: 'tunnel', local: par.address, remote: nar.address } as const;
    assert.deepEqual(rules(outputs), [{ to: pcoa, from: undefined, via, copy: undefined }]);
    const [{ message }] = messages(outputs, 'fastBindingAcknowledgement');
    assert.equal(message.status, 1);
    assert.deepEqual(message.options[0], { kind: 'alternateCareOfAddress', careOfAddress: pcoa });
  }
});

test('RFC 5568 §4, §6.2.3: an address that the new router assigns reaches the mobile, and packets go there', () => {
  const engine = fastRouter(par, { assignedAddresses: true });
  const assigned = parseAddress('2001:db8:2::77');
  const { outputs: first, sequence } = asked(engine);
  assert.equal(messages(first, 'handoverInitiate')[0].message.flags.assignedAddress, true);
  const outputs = engine.handle(acknowledge(sequence, 2, assigned), 0);
  assert.deepEqual(rules(outputs)[0].via, { kind: 'tunnel', local: par.linkRouter, remote: assigned });
  const [{ message }] = messages(outputs, 'fastBindingAcknowledgement');
  assert.equal(message.status, 1);
  assert.deepEqual(message.options[0], { kind: 'alternateCareOfAddress', careOfAddress: assigned });
});

test('RFC 5568 §6.2.1.2: a router that refuses has the update refused for the same cause, and nothing redirected', () => {
  for (const [code, status] of [
    [128, 128],
    [129, 129],
    [130, 130],
  ] as const) {
    const engine = fastRouter(par);
    const outputs = engine.handle(acknowledge(asked(engine).sequence, code), 0);
    assert.deepEqual(rules(outputs), []);
    assert.deepEqual(
      messages(outputs, 'fastBindingAcknowledgement').map(({ message }) => [message.status, message.lifetimeS]),
      [[status, 0]],
    );
    assert.equal(engine.counters.handoversFailed, 1);
  }
});

test('RFC 5568 §4, §6.2.1.1: an update from the new link has HI with Code 1, and packets go when it is answered, or at once', () => {
  const late = fastUpdate({ source: ncoa });
  const engine = fastRouter(par);
  const { outputs, sequence } = asked(engine, 0, late);
  const [{ message }] = messages(outputs, 'handoverInitiate');
  assert.deepEqual([message.code, message.flags.buffer], [1, false]);
  assert.deepEqual(rules(outputs), []);
  const after = engine.handle(acknowledge(sequence, 0), 0);
  assert.equal(rules(after).length, 1);
  const answers = messages(after, 'fastBindingAcknowledgement').map(({ packet }) => packet.destination);
  assert.deepEqual(answers, [ncoa]);
  const eager = fastRouter(par, { forwardAtOnce: true });
  assert.equal(rules(asked(eager, 0, late).outputs).length, 1);
});

test('RFC 5568 §6.2.1.1: HI goes again after 100 ms, 200 ms and 400 ms, then the update is refused; a mobile that is there gets its packets all the same', () => {
  for (const [update, redirected] of [
    [fastUpdate(), false],
    [fastUpdate({ source: ncoa }), true],
  ] as const) {
    const engine = fastRouter(par);
    const { sequence } = asked(engine, 0, update);
    const seen: number[] = [];
    let last: Output[] = [];
    while (engine.deadline !== undefined && engine.deadline < 10 * second) {
      const at = engine.deadline;
      last = engine.handle({ kind: 'tick' }, at);
      assert.ok(engine.deadline === undefined || engine.deadline > at);
      for (const { message } of messages(last, 'handoverInitiate')) {
        assert.equal(message.sequence, sequence);
        seen.push(at / millisecond);
      }
    }
    assert.deepEqual(seen, [100, 300, 700]);
    assert.equal(rules(last).length, redirected ? 1 : 0);
    const [{ message }] = messages(last, 'fastBindingAcknowledgement');
    assert.equal(message.status, redirected ? 0 : 128);
  }
});

test('RFC 5568 §5.6: the redirection ends with its lifetime, which is tens of seconds at most', () => {
  const engine = fastRouter(par, { maximumLifetimeS: 12 });
  const outputs = forwarding(engine);
  assert.equal(messages(outputs, 'fastBindingAcknowledgement')[0].message.lifetimeS, 12);
  assert.equal(engine.deadline, 12 * second);
  const after = engine.handle({ kind: 'tick' }, 12 * second);
  assert.deepEqual(rules(after), [{ to: pcoa, from: undefined, via: undefined, copy: undefined }]);
  assert.ok(after.some(({ kind }) => kind === 'unadmit'));
  assert.deepEqual(changes(after), ['ended']);
  assert.equal(engine.deadline, undefined);
});

test('RFC 5568 §5.6 [H4140-AppA-18]: a mobile that comes back has its packets on the old link at once; one that went elsewhere has them there', () => {
  const engine = fastRouter(par);
  forwarding(engine);
  const back = engine.handle(overRadio(fastUpdate({ careOf: pcoa, lifetimeS: 0, sequence: 2 })), 0);
  assert.deepEqual(rules(back), [{ to: pcoa, from: undefined, via: undefined, copy: undefined }]);
  const [{ message }] = messages(back, 'fastBindingAcknowledgement');
  assert.deepEqual([message.status, message.lifetimeS, message.sequence], [0, 0, 2]);
  assert.equal(engine.counters.handoversCancelled, 1);
  const again = asked(engine, 0, fastUpdate({ sequence: 3 }));
  engine.handle(acknowledge(again.sequence, 0), 0);
  const elsewhere = autoconfiguredAddress(other.prefix, station);
  const moved = asked(engine, 0, fastUpdate({ source: elsewhere, careOf: elsewhere, sequence: 4 }));
  assert.equal(messages(moved.outputs, 'handoverInitiate')[0].packet.destination, other.address);
  const outputs = engine.handle(acknowledge(moved.sequence, 0, undefined, other.address), 0);
  assert.deepEqual(rules(outputs)[0].via, { kind: 'tunnel', local: par.linkRouter, remote: elsewhere });
});

test('RFC 5568 §5.6 [H4140-AppA-18]: packets are not sent after a mobile that says itself, or by the router it left, that it is back', () => {
  const rule = [{ to: pcoa, from: undefined, via: undefined, copy: undefined }];
  const engine = fastRouter(par);
  forwarding(engine);
  assert.deepEqual(rules(engine.handle(announcement(pcoa, stranger), 0)), [], 'nobody else says so');
  assert.deepEqual(rules(engine.handle(announcement(pcoa), 0)).slice(0, 1), rule);
  const again = asked(engine, 0, fastUpdate({ sequence: 2 }));
  engine.handle(acknowledge(again.sequence, 0), 0);
  const toOwn = {
    ...initiate({ source: nar.address, code: 1, previous: ncoa, careOf: pcoa }),
    destination: par.address,
  };
  const told = engine.handle({ kind: 'packet', packet: toOwn }, 0);
  assert.deepEqual(rules(told).slice(0, 1), rule);
});

test('RFC 5568 §6.2.3: an update sent again is answered again, and the new router is asked no more', () => {
  const engine = fastRouter(par);
  const { sequence } = asked(engine);
  const during = engine.handle(overRadio(fastUpdate({ sequence: 2 })), 0);
  assert.deepEqual(sent(during), []);
  engine.handle(acknowledge(sequence, 0), 0);
  const after = engine.handle({ kind: 'packet', packet: fastUpdate({ source: ncoa, sequence: 3 }) }, 0);
  assert.deepEqual(
    messages(after, 'fastBindingAcknowledgement').map(({ packet, message }) => [packet.destination, message.sequence]),
    [[ncoa, 3]],
  );
  assert.deepEqual(messages(after, 'handoverInitiate'), []);
});

test('RFC 5568 §5.4: packets of a mobile that has gone without a word are kept, and go where it says that it is', () => {
  const engine = fastRouter(par);
  engine.handle(announcement(pcoa), 0);
  engine.handle(proxySolicitation([point(nar.linkAddress)]), 0);
  const gone = engine.handle({ kind: 'detached', link: 'radio', station }, 0);
  assert.deepEqual(rules(gone), [
    { to: pcoa, from: undefined, via: { kind: 'park', limitOctets: 100_000 }, copy: undefined },
  ]);
  const { sequence } = asked(engine, 0, fastUpdate({ source: ncoa }));
  assert.equal(rules(engine.handle(acknowledge(sequence, 0), 0))[0].via?.kind, 'tunnel');
  const end = engine.handle({ kind: 'tick' }, 5 * second);
  assert.deepEqual(rules(end), [], 'the redirection outlasts the time that packets are kept');
});

test('RFC 5568 §5.4: what was kept goes out on the old link where the mobile comes back to it', () => {
  const engine = fastRouter(par);
  engine.handle(announcement(pcoa), 0);
  engine.handle(proxySolicitation([point(nar.linkAddress)]), 0);
  engine.handle({ kind: 'detached', link: 'radio', station }, 0);
  const back = engine.handle({ kind: 'attached', link: 'radio', station, accessTechnology: 4 }, 1);
  assert.deepEqual(
    rules(back).map(({ via }) => via),
    [{ kind: 'link', link: 'radio', neighbour: station }, undefined],
  );
  assert.equal(engine.deadline, undefined);
});

// ---- attacks --------------------------------------------------------------------------------------------------------

const attacks: readonly (readonly [string, Parameters<typeof fastUpdate>[0], string])[] = [
  [
    'forged under a key that is not the mobile’s',
    { with: { ...key, key: new Uint8Array(16) } },
    'updateUnauthenticated',
  ],
  ['under an SPI that nobody has', { with: { ...key, spi: 4711 } }, 'updateUnauthenticated'],
  ['made for another router', { signedFor: nar.linkRouter }, 'updateUnauthenticated'],
  ['without a Home Address option', { home: null }, 'updateMalformed'],
  ['that wants no acknowledgement', { acknowledge: false }, 'updateMalformed'],
];
for (const [what, options, reason] of attacks)
  test(`RFC 5568 §6.2.2, §10: a Fast Binding Update ${what} is dropped and counted`, () => {
    const engine = fastRouter(par);
    const outputs = engine.handle(overRadio(fastUpdate(options)), 0);
    assert.deepEqual(sent(outputs), []);
    assert.deepEqual(rules(outputs), []);
    assert.deepEqual(reasons(outputs), [reason]);
    assert.equal(engine.counters[`discarded_${reason}`], 1);
  });

test('RFC 5568 §6.4.5: what an attacker changes of a Fast Binding Update on the way makes it count for nothing', () => {
  const engine = fastRouter(par);
  const packet = fastUpdate();
  assert.ok(packet.payload.kind === 'mobility' && packet.payload.message.kind === 'fastBindingUpdate');
  const { message } = packet.payload;
  const [, authenticator] = message.options;
  const elsewhere = { kind: 'alternateCareOfAddress', careOfAddress: parseAddress('2001:db8:3::bad') } as const;
  for (const changed of [
    { ...message, sequence: 5 },
    { ...message, lifetimeS: 40 },
    { ...message, options: [elsewhere, authenticator] },
    { ...message, options: [authenticator] },
    { ...message, options: [authenticator, message.options[0]] },
  ])
    engine.handle(overRadio({ ...packet, payload: { kind: 'mobility', message: changed } }), 0);
  assert.equal(engine.counters.discarded_updateUnauthenticated, 5);
  assert.equal(engine.counters.handoversPredictive, undefined);
});

test('RFC 5568 §6.2.2: a mobile that moves another’s packets with its own key is refused and counted', () => {
  const engine = fastRouter(par);
  const outputs = engine.handle(overRadio(fastUpdate({ with: strangerKey }), stranger), 0);
  assert.deepEqual(
    messages(outputs, 'fastBindingAcknowledgement').map(({ message }) => message.status),
    [129],
  );
  assert.deepEqual(messages(outputs, 'handoverInitiate'), []);
  assert.deepEqual(reasons(outputs), ['updateForeignAddress']);
  assert.equal(engine.counters.refused_updateForeignAddress, 1);
});

test('RFC 5568 §6.2.2: an update for an address of another link is refused and counted', () => {
  const engine = fastRouter(par);
  const strange = autoconfiguredAddress(other.prefix, station);
  const outputs = engine.handle(overRadio(fastUpdate({ source: strange, home: strange })), 0);
  assert.equal(messages(outputs, 'fastBindingAcknowledgement')[0].message.status, 129);
  assert.equal(engine.counters.refused_updateUnknownMobile, 1);
});

test('RFC 5568 §6.2.2, RFC 6275 §9.5.1: an update heard before, or older than one heard, is refused and counted, after the redirection and after a restart too', () => {
  const engine = fastRouter(par);
  const first = fastUpdate({ sequence: 7 });
  const outputs = engine.handle(overRadio(first), 0);
  engine.handle(overRadio(fastUpdate({ careOf: pcoa, lifetimeS: 0, sequence: 8 })), 0);
  for (const packet of [first, fastUpdate({ sequence: 6 })]) {
    const answer = engine.handle(overRadio(packet), 0);
    const [{ message }] = messages(answer, 'fastBindingAcknowledgement');
    assert.deepEqual([message.status, message.sequence], [135, 8]);
    assert.deepEqual(messages(answer, 'handoverInitiate'), []);
  }
  assert.equal(engine.counters.refused_updateReplayed, 2);
  const records = outputs.flatMap(output =>
    output.kind === 'store' ? [{ key: output.key, value: output.value }] : [],
  );
  const restarted = fastRouter(par);
  restarted.handle({ kind: 'restored', records }, 0);
  restarted.handle(overRadio(first), 0);
  assert.equal(restarted.counters.refused_updateReplayed, 1);
});

test('RFC 5568 §6.2.1.2: a Handover Acknowledge from another router, or that answers nothing, is dropped and counted', () => {
  const engine = fastRouter(par);
  const { sequence } = asked(engine);
  for (const input of [acknowledge(sequence, 0, undefined, other.address), acknowledge(sequence + 1, 0)])
    assert.deepEqual(reasons(engine.handle(input, 0)), ['acknowledgementUnexpected']);
  assert.equal(engine.counters.discarded_acknowledgementUnexpected, 2);
  assert.equal(rules(engine.handle(acknowledge(sequence, 0), 0)).length, 1);
});

test('RFC 5568 §4: an address that no neighbour has the prefix of is refused', () => {
  const engine = fastRouter(par);
  const outputs = engine.handle(overRadio(fastUpdate({ careOf: parseAddress('2001:db8:99::1') })), 0);
  assert.equal(messages(outputs, 'fastBindingAcknowledgement')[0].message.status, 128);
  assert.equal(engine.counters.refused_updateUnknownRouter, 1);
});
