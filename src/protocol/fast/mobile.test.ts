import assert from 'node:assert/strict';
import { test } from 'node:test';
import { icmpv6, messages, nar, ncoa, other, par, pcoa, reasons, rules, station } from '../../../test/support/fast.js';
import { type Address, parseAddress } from '../../base/address.js';
import { autoconfiguredAddress, type LinkAddress } from '../../base/link-address.js';
import { seededRandom } from '../../base/random.js';
import { type Instant, millisecond, second } from '../../base/time.js';
import type { NeighbourOption } from '../../wire/icmpv6/neighbour-options.js';
import type { FastBindingAcknowledgement, FastBindingUpdate } from '../../wire/mobility/messages.js';
import type { MobilityOption } from '../../wire/mobility/options.js';
import type { Input, Output } from '../contract.js';
import type { Attachment } from '../mobile/movement.js';
import { mobilityPacket } from '../mobile/packets.js';
import { authorized, isAuthorized } from './authorization.js';
import { FastMobile } from './mobile.js';
import type { FastMobileSettings } from './mobile-state.js';
import { ipAddress, linkLayer } from './neighbourhood.js';

const secret = { spi: 1000, key: new Uint8Array(16).fill(7) };
const map = parseAddress('2001:db8:aa::1');
const rcoa = parseAddress('2001:db8:aa::a');

/** The mobile, at its first router until it is moved. */
class Bench {
  readonly mobile: FastMobile;
  /** What movement detection knows. */
  detected: Attachment | undefined = {
    link: 'wlan0',
    router: par.linkLocal,
    careOf: pcoa,
    atHome: false,
    linkAddress: station,
    optimistic: false,
    prefixes: [par.prefix],
    maps: [],
  };
  place: Attachment | undefined;
  now: Instant = 0;

  constructor(more: Partial<FastMobileSettings> = {}) {
    const handoverKeys = [par.linkRouter, nar.linkRouter, map].map(router => ({ router, ...secret }));
    const settings = {
      handoverKeys,
      lifetimeS: 20,
      moveWithinMs: 2000,
      discoverNeighbourhood: false,
      simultaneousBindings: false,
      regional: () => undefined,
      ...more,
    };
    this.mobile = new FastMobile(settings, seededRandom(3));
    this.link(true, par.linkAddress);
  }

  give(input: Input): Output[] {
    const outputs: Output[] = [];
    this.mobile.handle(input, this.place, this.now, outputs);
    this.place = this.mobile.place(this.detected);
    return outputs;
  }

  link(up: boolean, accessPoint?: LinkAddress): Output[] {
    return this.give({ kind: 'link', link: 'wlan0', up, linkAddress: station, accessPoint });
  }

  expect(accessPoint: LinkAddress): Output[] {
    return this.give({ kind: 'handoffExpected', link: 'wlan0', accessPoint });
  }

  /** At the next deadline. */
  tick(): Output[] {
    assert.ok(this.mobile.deadline !== undefined && this.mobile.deadline > this.now);
    this.now = this.mobile.deadline;
    return this.give({ kind: 'tick' });
  }

  leave(): void {
    this.detected = undefined;
    this.link(false);
  }

  advertise(code: number, options: readonly NeighbourOption[], identifier = 0, source: Address = par.linkLocal) {
    const message = { kind: 'proxyRouterAdvertisement', code, identifier, options } as const;
    const packet = { source, destination: pcoa, hopLimit: 255, payload: { kind: 'icmpv6', message } } as const;
    return this.give({ kind: 'packet', packet, link: 'wlan0' });
  }

  acknowledge(update: FastBindingUpdate, more: Partial<FastBindingAcknowledgement> = {}, router = par.linkRouter) {
    const { sequence, lifetimeS } = update;
    const flags = { keyManagement: false };
    const kind = 'fastBindingAcknowledgement';
    const message = { kind, status: 0, flags, sequence, lifetimeS, options: [], ...more } as const;
    const careOf = careOfIn(update);
    const packet = mobilityPacket(router, pcoa, authorized(message, secret, { careOf, router }));
    return this.give({ kind: 'packet', packet });
  }

  /** A Router Advertisement of the new link. */
  hear(options: readonly NeighbourOption[] = []): Output[] {
    const prefix = { kind: 'prefixInformation', length: 64, prefix: nar.prefix.address } as const;
    const flags = { onLink: true, autonomous: true, routerAddress: false };
    const information = { ...prefix, flags, validLifetimeS: 600, preferredLifetimeS: 600 };
    const advertisement = {
      kind: 'routerAdvertisement',
      code: 0,
      currentHopLimit: 64,
      flags: { managed: false, other: false, homeAgent: false },
      routerLifetimeS: 600,
      reachableTimeMs: 0,
      retransTimerMs: 0,
      options: [information, ...options],
    } as const;
    return this.give({ kind: 'router', link: 'wlan0', router: nar.linkLocal, advertisement });
  }
}

function careOfIn({ options }: FastBindingUpdate): Address {
  const [first] = options;
  assert.ok(first.kind === 'alternateCareOfAddress');
  return first.careOfAddress;
}

/** What a router says of another. */
function about(router: typeof nar, more: readonly NeighbourOption[] = []): NeighbourOption[] {
  return [
    linkLayer(1, router.linkAddress),
    linkLayer(3, router.linkAddress),
    ipAddress(3, router.linkRouter, 128),
    ipAddress(4, router.prefix.address, 64),
    ...more,
  ];
}

function update(outputs: readonly Output[]) {
  const [first] = messages(outputs, 'fastBindingUpdate');
  assert.ok(first, 'a Fast Binding Update');
  const { packet, message } = first;
  const home = packet.headers?.flatMap(header => ('options' in header ? header.options : []))[0];
  assert.ok(home?.kind === 'homeAddress');
  return { source: packet.source, to: packet.destination, home: home.address, careOf: careOfIn(message), message };
}

/** The new router is known, and the handover to it is foreseen. */
function predicted(bench: Bench) {
  bench.advertise(4, about(nar));
  return update(bench.expect(nar.linkAddress));
}

test('RFC 4140 Appendix A [H4140-AppA-01, H4140-AppA-05, H4140-AppA-06, H4140-AppA-16]: on its own trigger the mobile asks what is behind the access point, and has an address there before it leaves', () => {
  const bench = new Bench();
  const [{ message, sent }] = icmpv6(bench.expect(nar.linkAddress));
  assert.ok(message.kind === 'routerSolicitationForProxyAdvertisement');
  assert.deepEqual([sent.packet.source, sent.packet.destination, sent.packet.hopLimit], [pcoa, par.linkLocal, 255]);
  assert.deepEqual(message.options, [linkLayer(4, station), linkLayer(1, nar.linkAddress)]);
  const { careOf } = update(bench.advertise(0, about(nar), message.identifier));
  assert.equal(careOf, ncoa);
  assert.equal(ncoa, autoconfiguredAddress(nar.prefix, station));
});

test('RFC 4140 Appendix A [H4140-AppA-02]: the Fast Binding Update goes to the previous router from its link, with the new address and proof of the key', () => {
  const { source, to, home, careOf, message } = predicted(new Bench());
  assert.deepEqual([source, to, home, careOf], [pcoa, par.linkRouter, pcoa, ncoa]);
  assert.deepEqual([message.lifetimeS, message.flags.acknowledge, message.flags.homeRegistration], [20, true, true]);
  assert.ok(isAuthorized(message, undefined, secret, { careOf: ncoa, router: par.linkRouter }));
});

test('RFC 5568 §6.1.1: a solicitation goes again after 100, 200 and 400 ms, then no more', () => {
  const bench = new Bench({ moveWithinMs: 60_000 });
  bench.expect(nar.linkAddress);
  const seen: number[] = [];
  while (bench.mobile.deadline !== undefined && bench.mobile.deadline < second)
    if (icmpv6(bench.tick()).length > 0) seen.push(bench.now / millisecond);
  assert.deepEqual(seen, [100, 300, 700]);
});

test('RFC 5568 §3.3 [H4140-AppA-07]: an advertisement that nobody asked for has the mobile send its update at once, with the address it was given', () => {
  const bench = new Bench();
  const given = parseAddress('2001:db8:2::99');
  assert.equal(update(bench.advertise(1, about(nar, [ipAddress(2, given, 128)]))).careOf, given);
});

test('RFC 5568 §6.1.2: what does not answer, or is from another than the router, is dropped and counted', () => {
  const bench = new Bench();
  for (const outputs of [
    bench.advertise(0, about(nar), 4711),
    bench.advertise(1, about(nar), 0, other.linkLocal),
    bench.advertise(1, about(nar), 0, parseAddress('2001:db8::bad')),
  ])
    assert.deepEqual(reasons(outputs), ['proxyAdvertisement']);
  assert.equal(bench.mobile.counters.discarded_proxyAdvertisement, 3);
});

test('RFC 5568 §6.1.2: an access point of the same link, an unknown one and one without fast handovers lead to no update', () => {
  for (const code of [5, 6, 7]) {
    const bench = new Bench();
    const [{ message }] = icmpv6(bench.expect(nar.linkAddress));
    assert.ok(message.kind === 'routerSolicitationForProxyAdvertisement');
    const outputs = bench.advertise(2, [linkLayer(code, nar.linkAddress)], message.identifier);
    assert.deepEqual(messages(outputs, 'fastBindingUpdate'), []);
  }
});

test('RFC 5568 §4 [H4140-AppA-02]: after the acknowledgement the mobile is at the new place as soon as its link is up, with packets from the old router', () => {
  const bench = new Bench();
  bench.acknowledge(predicted(bench).message);
  bench.leave();
  const outputs = bench.link(true, nar.linkAddress);
  const { place } = bench;
  assert.deepEqual([place?.careOf, place?.router, place?.routerLinkAddress], [ncoa, nar.linkRouter, nar.linkAddress]);
  assert.equal(place?.optimistic, true, 'so that its announcement overrides nobody (RFC 5568 §6.3)');
  assert.ok(outputs.some(output => output.kind === 'configure' && output.address === ncoa && output.link === 'wlan0'));
  const via = { kind: 'tunnel', local: ncoa, remote: par.linkRouter } as const;
  assert.deepEqual(rules(outputs), [{ to: undefined, from: pcoa, via, copy: undefined }]);
  assert.ok(outputs.some(output => output.kind === 'admit' && output.end.to?.address === pcoa));
  assert.ok(bench.mobile.carries(pcoa));
  assert.deepEqual(messages(outputs, 'fastBindingUpdate'), []);
  const confirmed = icmpv6(bench.hear())[0].message;
  assert.ok(confirmed.kind === 'neighbourAdvertisement' && confirmed.flags.override && confirmed.target === ncoa);
  assert.equal(bench.place?.router, nar.linkLocal);
});

test('RFC 4140 Appendix A [H4140-AppA-04]: without an acknowledgement the update goes again from the new address, after the announcement', () => {
  const bench = new Bench();
  predicted(bench);
  bench.leave();
  assert.deepEqual(messages(bench.link(true, nar.linkAddress), 'fastBindingUpdate'), []);
  const { source, to, home, careOf } = update(bench.tick());
  assert.deepEqual([source, to, home, careOf], [ncoa, par.linkRouter, pcoa, ncoa]);
});

test('RFC 5568 §6.2.2 [H4140-AppA-04]: a mobile that knew of nothing sends its update when movement detection has found an address', () => {
  const bench = new Bench();
  const before = bench.detected as Attachment;
  bench.leave();
  bench.link(true);
  assert.equal(bench.place, undefined);
  bench.detected = { ...before, router: nar.linkLocal, careOf: ncoa, prefixes: [nar.prefix] };
  bench.give({ kind: 'address', link: 'wlan0', address: ncoa, state: 'preferred' });
  const outputs = bench.tick();
  assert.deepEqual([update(outputs).source, update(outputs).careOf], [ncoa, ncoa]);
  assert.equal(rules(outputs)[0].from, pcoa);
});

test('RFC 5568 §6.2.3: the address of the acknowledgement is the one to use; the previous one is used on where it says so', () => {
  const assigned = parseAddress('2001:db8:2::99');
  for (const careOfAddress of [assigned, pcoa]) {
    const bench = new Bench();
    const options: MobilityOption[] = [{ kind: 'alternateCareOfAddress', careOfAddress }];
    bench.acknowledge(predicted(bench).message, { status: 1, options });
    bench.leave();
    const outputs = bench.link(true, nar.linkAddress);
    assert.equal(bench.place?.careOf, careOfAddress);
    assert.equal(bench.place?.routerLinkAddress, nar.linkAddress);
    assert.equal(rules(outputs).length, careOfAddress === pcoa ? 0 : 1);
  }
});

test('RFC 5568 §6.4.6: what the new router says of the address on arrival counts', () => {
  const supplied = parseAddress('2001:db8:2::77');
  const say = (status: number, careOfAddresses: readonly Address[]) => {
    const bench = new Bench();
    bench.acknowledge(predicted(bench).message);
    bench.leave();
    bench.link(true, nar.linkAddress);
    const outputs = bench.hear([{ kind: 'neighbourAdvertisementAcknowledgment', status, careOfAddresses }]);
    return { bench, outputs };
  };
  const other = say(2, [supplied]);
  assert.equal(other.bench.place?.careOf, supplied);
  assert.equal(update(other.bench.tick()).careOf, supplied);
  const previous = say(4, [pcoa]);
  assert.equal(previous.bench.place?.careOf, pcoa);
  assert.ok(previous.outputs.some(({ kind }) => kind === 'unadmit'));
  for (const status of [1, 128]) assert.equal(say(status, []).bench.place, undefined, 'movement detection goes on');
});

test('RFC 5568 §5.6 [H4140-AppA-18]: a mobile that is back where it was has its packets come the old way', () => {
  const bench = new Bench();
  const before = bench.detected;
  bench.acknowledge(predicted(bench).message);
  bench.leave();
  bench.link(true, par.linkAddress);
  assert.deepEqual(bench.place, before);
  const { source, home, message } = update(bench.tick());
  assert.deepEqual([source, home, message.lifetimeS], [pcoa, pcoa, 0]);
});

test('RFC 5568 §5.6 [H4140-AppA-18]: a move that does not come is called off', () => {
  const bench = new Bench();
  bench.acknowledge(predicted(bench).message);
  assert.equal(bench.mobile.deadline, 2 * second);
  assert.equal(update(bench.tick()).message.lifetimeS, 0);
  assert.equal(bench.mobile.counters.handoffsCalledOff, 1);
});

test('RFC 5568 §4: an update goes again after 100, 200 and 400 ms, with a number of its own, then it is given up', () => {
  const bench = new Bench({ moveWithinMs: 60_000 });
  const sequences = [predicted(bench).message.sequence];
  const seen: number[] = [];
  while (bench.mobile.deadline !== undefined && bench.mobile.deadline < 2 * second)
    for (const { message } of messages(bench.tick(), 'fastBindingUpdate')) {
      seen.push(bench.now / millisecond);
      sequences.push(message.sequence);
    }
  assert.deepEqual(seen, [100, 300, 700]);
  assert.equal(new Set(sequences).size, 4);
});

test('RFC 5568 §6.2.3: a refusal leaves plain Mobile IPv6; one for the number alone is answered with a better one, once', () => {
  const refused = new Bench();
  const outputs = refused.acknowledge(predicted(refused).message, { status: 128 });
  assert.deepEqual(reasons(outputs), ['fast handover refused with status 128']);
  refused.leave();
  refused.detected = undefined;
  assert.equal(refused.mobile.deadline, undefined);
  const behind = new Bench();
  const { message } = predicted(behind);
  const again = behind.acknowledge(message, { status: 135, sequence: 500 });
  assert.equal(update(again).message.sequence, 501);
  const thrice = behind.acknowledge(update(again).message, { status: 135, sequence: 600 });
  assert.deepEqual(messages(thrice, 'fastBindingUpdate'), []);
});

test('RFC 5568 §6.2.3, §6.4.5: an acknowledgement that is forged, from elsewhere or for another update changes nothing, and is counted', () => {
  const bench = new Bench();
  const { message } = predicted(bench);
  const answer = (sequence: number, key: typeof secret, router: Address) => {
    const kind = 'fastBindingAcknowledgement';
    const plain = { kind, status: 0, flags: { keyManagement: false }, sequence, lifetimeS: 20, options: [] } as const;
    const signed = authorized(plain, key, { careOf: ncoa, router });
    return bench.give({ kind: 'packet', packet: mobilityPacket(router, pcoa, signed) });
  };
  for (const outputs of [
    answer(message.sequence, { ...secret, key: new Uint8Array(16) }, par.linkRouter),
    answer(message.sequence, secret, nar.linkRouter),
    answer((message.sequence + 1) & 0xffff, secret, par.linkRouter),
  ])
    assert.deepEqual(reasons(outputs), ['acknowledgement']);
  assert.equal(bench.mobile.counters.discarded_acknowledgement, 3);
  assert.equal(bench.mobile.counters.fastAcknowledgements_accepted, undefined);
});

test('RFC 4140 Appendix A [H4140-AppA-13, H4140-AppA-19]: where a MAP serves at both ends the update goes to it, about the regional address, with the flag for simultaneous bindings', () => {
  const regional = () => ({ map, address: rcoa });
  const bench = new Bench({ regional, simultaneousBindings: true });
  const place = { distance: 1, preference: 9 };
  const option = { kind: 'map', place, flags: { rcoaRequired: true }, validLifetimeS: 600, address: map } as const;
  bench.advertise(4, about(nar, [option]));
  const { source, to, home, careOf, message } = update(bench.expect(nar.linkAddress));
  assert.deepEqual([source, to, home, careOf], [pcoa, map, rcoa, ncoa]);
  assert.equal(message.flags.simultaneousBindings, true);
  bench.acknowledge(message, {}, map);
  bench.leave();
  assert.deepEqual(rules(bench.link(true, nar.linkAddress)), [], 'there is no tunnel from the previous router');
  assert.deepEqual(bench.place?.maps[0]?.address, map);
  const beyond = new Bench({ regional });
  assert.equal(predicted(beyond).to, par.linkRouter, 'to the router where the MAP does not serve');
});

test('RFC 5568 §4: tunnels and addresses of before are given back when their time is over', () => {
  const bench = new Bench();
  bench.acknowledge(predicted(bench).message);
  bench.leave();
  bench.link(true, nar.linkAddress);
  assert.equal(bench.mobile.deadline, 20 * second);
  const outputs = bench.tick();
  assert.ok(outputs.some(output => output.kind === 'unadmit' && output.end.to?.address === pcoa));
  assert.deepEqual(rules(outputs), [{ to: undefined, from: pcoa, via: undefined, copy: undefined }]);
  assert.ok(!outputs.some(({ kind }) => kind === 'unconfigure'), 'the present address stays');
  assert.ok(!bench.mobile.carries(pcoa));
});
