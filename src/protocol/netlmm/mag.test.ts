import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  anchorAddress,
  gatewayAddress,
  identity,
  lnp,
  loa,
  neighbourAdvertisement,
  otherStation,
  routerLinkLocal,
  routerSolicitation,
  station,
  stationLinkLocal,
} from '../../../test/support/gateway.js';
import {
  accepted,
  clientAddress,
  container,
  mobileProfile,
  optionOf,
  TriggeringBench,
} from '../../../test/support/triggering-gateway.js';
import { allRouters, parseAddress } from '../../base/address.js';
import { findNeighbourOption } from '../../wire/icmpv6/neighbour-options.js';

const withAddress = { ...mobileProfile, address: loa };
const mismatch = [{ kind: 'status', status: 129 }] as const;

test('S02-4.1-1-01, S02-4.1-3-01, S02-4.9-02: what the link layer and AAA say of a mobile goes into a Trigger', () => {
  const b = new TriggeringBench();
  b.give({ kind: 'attached', link: 'radio', station, accessTechnology: 4, identity });
  assert.equal(b.questions[0].identity, identity);
  b.authenticate(withAddress);
  assert.equal(b.trigger.kind, 'trigger');
  assert.equal(b.trigger.peer, clientAddress);
  assert.deepEqual(b.trigger.options, [
    { kind: 'l2Id', subtype: 1, identifier: identity },
    { kind: 'ipAddress', address: loa },
    { kind: 'flags', flags: { stateless: true, detached: false, refresh: false } },
  ]);
});

test('S02-4.1-2-05, S02-AppB-02: an address that the mobile makes itself is learnt from its probe and triggers with the stateless flag', () => {
  const b = new TriggeringBench();
  b.attach();
  b.authenticate(mobileProfile);
  assert.equal(optionOf(b.trigger, 'ipAddress'), undefined);
  b.notify(mismatch);
  const [{ message }] = b.said('routerAdvertisement');
  const prefix = findNeighbourOption(message.options, 'prefixInformation');
  assert.deepEqual([prefix?.prefix, prefix?.flags.autonomous], [lnp.address, true]);
  b.probes(loa);
  assert.equal(optionOf(b.trigger, 'ipAddress')?.address, loa);
  assert.equal(optionOf(b.trigger, 'flags')?.flags.stateless, true);
});

test('S02-4.9-04, S02-4.1-6-02, S02-2-01, S02-2-09: the tunnel to the LMA of the acknowledgement is set up by the Notification, not before', () => {
  const b = new TriggeringBench({ anchor: undefined });
  b.attach();
  b.authenticate(withAddress);
  assert.equal(b.ends.size, 0);
  assert.deepEqual(b.vias, ['from fd00:a::ff:fe00:11/128 park']);
  b.notify();
  assert.deepEqual(
    [...b.rules.values()],
    [
      {
        kind: 'forward',
        rule: {
          from: { address: loa, length: 128 },
          via: { kind: 'tunnel', local: gatewayAddress, remote: anchorAddress },
        },
      },
      {
        kind: 'forward',
        rule: { to: { address: loa, length: 128 }, via: { kind: 'link', link: 'radio', neighbour: station } },
      },
    ],
  );
  assert.deepEqual(
    [...b.ends.values()],
    [{ kind: 'admit', end: { local: gatewayAddress, remote: anchorAddress, to: { address: loa, length: 128 } } }],
  );
});

test('S02-4.1-6-02: what the LMA sends before the Notification is here is kept and then delivered', () => {
  const b = new TriggeringBench();
  b.attach();
  b.authenticate(withAddress);
  assert.deepEqual(b.vias, ['from fd00:a::ff:fe00:11/128 park', 'to fd00:a::ff:fe00:11/128 park']);
  assert.equal(b.ends.size, 1);
  b.notify();
  assert.deepEqual(b.vias, ['from fd00:a::ff:fe00:11/128 tunnel', 'to fd00:a::ff:fe00:11/128 link']);
  assert.equal(b.ends.size, 1);
});

test('S02-4.9-04: a Notification without the acknowledgement, or of another client, sets up nothing', () => {
  const b = new TriggeringBench();
  b.attach();
  b.authenticate(withAddress);
  const { trigger } = b;
  b.tell({ kind: 'notification', transaction: trigger.transaction, options: accepted() }, parseAddress('fd00:bad::1'));
  assert.equal(b.row.state, 'registering');
  b.notify(
    [
      { kind: 'status', status: 0 },
      { kind: 'ipAddress', address: loa },
    ],
    trigger,
  );
  assert.deepEqual([b.row.state, b.rules.size, b.ends.size], ['refused', 0, 0]);
});

test('S02-4.2-2-01, S02-3-04: a mobile that comes again triggers at once with the address it had', () => {
  const b = new TriggeringBench().register();
  b.detach();
  b.attach();
  b.authenticate(mobileProfile);
  assert.equal(optionOf(b.trigger, 'ipAddress')?.address, loa);
});

test('S02-3-04: a Trigger is sent again with its Transaction Number, and another one has another', () => {
  const b = new TriggeringBench();
  b.attach();
  b.authenticate(withAddress);
  const first = b.trigger;
  b.until(1);
  assert.deepEqual(b.trigger, first);
  b.notify();
  b.detach();
  b.until(7);
  assert.notEqual(b.trigger.transaction, first.transaction);
  assert.equal(optionOf(b.trigger, 'flags')?.flags.detached, true);
});

test('S02-3-03, S02-4.2-1-01: every gateway advertises the mobile’s prefix alike', () => {
  const advertised = (gateway: string) => {
    const b = new TriggeringBench({ address: parseAddress(gateway) });
    b.attach();
    b.authenticate(withAddress);
    b.notify();
    return b.said('routerAdvertisement')[0].packet;
  };
  const { payload } = advertised('fd00::1');
  assert.deepEqual(advertised('fd00::2').payload, payload);
  const message = payload.kind === 'icmpv6' && payload.message.kind === 'routerAdvertisement' && payload.message;
  assert.ok(message);
  assert.equal(findNeighbourOption(message.options, 'prefixInformation')?.prefix, lnp.address);
});

test('draft-singh §4.7: a mismatch with what the gateway remembers is asked again without an address', () => {
  const b = new TriggeringBench().register();
  b.detach();
  b.attach();
  b.authenticate(mobileProfile);
  b.notify(mismatch);
  assert.equal(
    b.traces.some(trace => trace.event === 'refused' && trace.status === 129),
    true,
  );
  assert.equal(optionOf(b.trigger, 'ipAddress'), undefined);
  b.notify(accepted(parseAddress('fd00:a::77')));
  assert.equal(b.row.addresses, 'fd00:a::77');
});

test('draft-singh appendix B: a conflict is told to the host as a duplicate address', () => {
  const b = new TriggeringBench();
  b.attach();
  b.authenticate(mobileProfile);
  b.notify(mismatch);
  b.probes(loa);
  b.notify([{ kind: 'status', status: 130 }]);
  assert.equal(b.said('neighbourAdvertisement')[0].message.target, loa);
  assert.equal(b.row.state, 'awaitingAddress');
});

test('draft-singh §4.1-6: what the LMA refuses is in the container and in the reason', () => {
  const b = new TriggeringBench();
  b.attach();
  b.authenticate(withAddress);
  b.notify([{ kind: 'status', status: 131 }, container({ status: 133 })]);
  const refused = b.traces.find(trace => trace.event === 'refused');
  assert.equal(refused?.event === 'refused' && refused.reason, 'refused by the LMA: status 133');
  b.until(100);
  assert.deepEqual(b.triggers, [], 'not the home agent of that mobile: nothing that time cures');
});

test('draft-singh §4.9, RFC 5213 §6.13: a registration is extended once the mobile has been heard, with the refresh flag', () => {
  const b = new TriggeringBench().register();
  b.say(routerSolicitation, stationLinkLocal, allRouters);
  b.until(2700);
  assert.equal(b.said('neighbourSolicitation')[0].message.target, loa);
  b.say(neighbourAdvertisement(loa), loa, routerLinkLocal);
  assert.equal(optionOf(b.trigger, 'flags')?.flags.refresh, true);
});

test('draft-singh §4.9, races: told that the mobile moved, a gateway it has left lets go of it', () => {
  const b = new TriggeringBench().register();
  b.detach();
  b.announce(1);
  assert.deepEqual([b.rows.length, b.rules.size, b.ends.size], [0, 0, 0]);
  b.until(100);
  assert.deepEqual(b.triggers, []);
});

test('draft-singh §4.9, races: told that the mobile moved, a gateway that has it asks it and triggers again', () => {
  const b = new TriggeringBench().register();
  b.announce(1);
  assert.equal(b.said('neighbourSolicitation')[0].message.target, loa);
  assert.deepEqual(b.triggers, []);
  b.say(neighbourAdvertisement(loa), loa, routerLinkLocal);
  assert.equal(optionOf(b.trigger, 'ipAddress')?.address, loa);
  assert.deepEqual(optionOf(b.trigger, 'flags')?.flags, { stateless: true, detached: false, refresh: false });
  b.notify();
  assert.equal(b.row.state, 'registered');
});

test('draft-singh §4.9, races: told that the mobile moved, a gateway it does not answer lets go of it', () => {
  const b = new TriggeringBench().register();
  b.announce(1);
  b.until(4);
  assert.deepEqual([b.rows.length, b.rules.size], [0, 0]);
  assert.deepEqual(b.triggers, []);
});

test('draft-singh §4.9, races: told that a binding was extended of a mobile that nobody here knows, a gateway says that it left', () => {
  const b = new TriggeringBench();
  b.announce(0, accepted().slice(1));
  assert.deepEqual(b.trigger.options, [
    { kind: 'l2Id', subtype: 1, identifier: identity },
    { kind: 'ipAddress', address: loa },
    { kind: 'flags', flags: { stateless: false, detached: true, refresh: false } },
    { kind: 'lmaAddress', address: anchorAddress },
  ]);
  b.announce(1, accepted().slice(1));
  assert.deepEqual(b.triggers, []);
  const known = new TriggeringBench().register();
  known.announce(0, accepted().slice(1));
  assert.deepEqual(known.triggers, []);
});

test('draft-singh §4.9, races: whose Trigger was overtaken by another gateway’s asks the station, and triggers again if it is here', () => {
  const b = new TriggeringBench();
  b.attach();
  b.authenticate(withAddress);
  b.notify([{ kind: 'status', status: 1 }]);
  assert.deepEqual(b.triggers, []);
  assert.equal(b.said('neighbourSolicitation')[0].message.target, loa);
  b.say(neighbourAdvertisement(loa), loa, routerLinkLocal);
  b.notify();
  assert.equal(b.row.state, 'registered');
});

test('draft-singh §4.9, races: whose Trigger was overtaken and whose station is silent gives up', () => {
  const b = new TriggeringBench();
  b.attach();
  b.authenticate(withAddress);
  b.notify([{ kind: 'status', status: 1 }]);
  b.until(10);
  assert.deepEqual([b.rows.length, b.rules.size, b.ends.size, b.triggers.length], [0, 0, 0, 0]);
});

test('draft-singh §4.9, races: a move told of while the own Trigger is under way is looked into after its answer', () => {
  const b = new TriggeringBench();
  b.attach();
  b.authenticate(withAddress);
  const { trigger } = b;
  b.announce(1);
  assert.deepEqual(b.said('neighbourSolicitation'), []);
  b.notify(accepted(), trigger);
  assert.equal(b.said('neighbourSolicitation')[0].message.target, loa);
  b.say(neighbourAdvertisement(loa), loa, routerLinkLocal);
  assert.equal(b.triggers.length, 1);
});

test('draft-singh §4.9, races: a mobile that leaves while its registration is being extended is told of, though the gateway knows of no extension', () => {
  const b = new TriggeringBench();
  b.attach();
  b.authenticate(withAddress);
  b.notify(accepted(loa, anchorAddress, 4));
  b.detach();
  b.until(4.5);
  assert.equal(optionOf(b.trigger, 'flags')?.flags.detached, true);
});

test('draft-singh §4.1: another station’s address is not taken over, nor is what is kept for it', () => {
  const b = new TriggeringBench().register();
  b.attach(otherStation);
  b.authenticate({ ...withAddress, identity: 'other@example.net' });
  assert.deepEqual(b.vias, ['from fd00:a::ff:fe00:11/128 tunnel', 'to fd00:a::ff:fe00:11/128 link']);
});

test('draft-singh §4.9: what is not for a gateway, or of another version, is answered so, and a Notification never', () => {
  const b = new TriggeringBench().register();
  const l2Id = { kind: 'l2Id', subtype: 1, identifier: identity } as const;
  b.tell({ kind: 'trigger', transaction: 77, options: [l2Id] });
  const [answer] = b.pmipMessages;
  assert.deepEqual([answer.kind, answer.transaction, optionOf(answer, 'status')?.status], ['notification', 77, 134]);
  const other = (type: number, version: number) => new Uint8Array([type, 8, version << 5, 0, 0, 0, 0, 78]);
  const give = (data: Uint8Array) => b.give({ kind: 'message', service: 'pmip', peer: clientAddress, data });
  give(other(1, 2));
  assert.equal(optionOf(b.pmipMessages[0], 'status')?.status, 133);
  give(other(9, 1));
  assert.equal(optionOf(b.pmipMessages[0], 'status')?.status, 134);
  for (const data of [other(2, 2), new Uint8Array([1, 2, 3])]) {
    give(data);
    assert.deepEqual(b.pmipMessages, []);
  }
  assert.equal(b.row.state, 'registered');
});

test('draft-singh §4.9: a binding that the client extended by itself lasts longer, one it lost is asked for again, one it was told to end is over', () => {
  const b = new TriggeringBench().register();
  b.until(100);
  b.announce(0, accepted(loa, anchorAddress, 7200).slice(1));
  assert.equal(b.row.lifetimeS, 7200);
  b.announce(131, [container({ status: 130 })]);
  assert.equal(optionOf(b.trigger, 'ipAddress')?.address, loa);
  b.notify();
  assert.equal(b.row.state, 'registered');
  b.announce(128);
  assert.deepEqual([b.rows.length, b.rules.size], [0, 0]);
});

test('draft-singh §4.1: a host at rest, of which nobody knows an address, is asked for the one that its interface gives', () => {
  const b = new TriggeringBench();
  b.attach();
  b.authenticate(mobileProfile);
  b.notify(mismatch);
  assert.equal(b.said('neighbourSolicitation')[0].message.target, loa);
  b.say(neighbourAdvertisement(loa), loa, routerLinkLocal);
  assert.equal(optionOf(b.trigger, 'ipAddress')?.address, loa);
  b.notify();
  assert.equal(b.row.state, 'registered');
});

test('draft-singh §4.9: a Trigger that a lost client took with it goes out again at once, but not over and over', () => {
  const b = new TriggeringBench();
  b.attach();
  b.authenticate(withAddress);
  const { trigger } = b;
  b.give({ kind: 'peerLost', service: 'pmip', peer: clientAddress });
  assert.deepEqual(b.triggers, [trigger]);
  b.give({ kind: 'peerLost', service: 'pmip', peer: clientAddress });
  assert.deepEqual(b.triggers, []);
  b.until(2);
  assert.deepEqual(b.triggers, [trigger]);
});

test('draft-singh §4.9, races: what a lost client had to say of mobiles is asked of it again, of each that answers here', () => {
  const b = new TriggeringBench().register();
  b.give({ kind: 'peerLost', service: 'pmip', peer: parseAddress('fd00:c::77') });
  b.until(11);
  assert.deepEqual(b.said('neighbourSolicitation'), []);
  b.give({ kind: 'peerLost', service: 'pmip', peer: clientAddress });
  for (let at = 11; at < 21 && b.said('neighbourSolicitation').length === 0; at += 0.5) b.until(at);
  assert.equal(b.said('neighbourSolicitation')[0].message.target, loa);
  b.say(neighbourAdvertisement(loa), loa, routerLinkLocal);
  assert.equal(optionOf(b.trigger, 'flags')?.flags.refresh, true);
});

test('S02-AppE.1-01: a MAG takes a mobile that is here to another client, whose Notifications count from then on', () => {
  const otherClient = parseAddress('fd00:c::2');
  const b = new TriggeringBench({ clients: [{}, { address: otherClient }] });
  b.attach();
  b.authenticate(withAddress);
  const first = b.trigger.peer;
  const second = first === clientAddress ? otherClient : clientAddress;
  b.notify();
  b.give({ kind: 'command', command: { name: 'relocate', identity, client: parseAddress('fd00:c::77') } });
  assert.deepEqual(b.said('neighbourSolicitation'), []);
  b.give({ kind: 'command', command: { name: 'relocate', identity, client: second } });
  b.say(neighbourAdvertisement(loa), loa, routerLinkLocal);
  assert.equal(b.trigger.peer, second);
  assert.equal(optionOf(b.trigger, 'ipAddress')?.address, loa);
  b.notify();
  b.announce(129, [], first);
  assert.equal(b.row.state, 'registered');
  b.announce(129, [], second);
  assert.equal(b.rows.length, 0);
});
