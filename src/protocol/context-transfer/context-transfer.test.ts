import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anchorAddress, identity, lnp, loa, station } from '../../../test/support/gateway.js';
import {
  accessPointOf,
  addressOf,
  domainKey,
  Neighbourhood,
  TransferringBench,
} from '../../../test/support/transferring-gateways.js';
import {
  accepted,
  clientAddress,
  mobileProfile,
  optionOf,
  otherClient,
} from '../../../test/support/triggering-gateway.js';
import { unspecified } from '../../base/address.js';
import { parseLinkAddress } from '../../base/link-address.js';
import { bytesToHex } from '../../base/text.js';
import { findContext } from '../../wire/cxtp/context.js';
import { type CxtpMessage, encodeCxtp } from '../../wire/cxtp/messages.js';
import { protocol } from '../../wire/ipv6/packet.js';
import { authorizationToken, mobileKey } from './authorization.js';

const whole = {
  kind: 'pmipContext',
  mobileNodeIdentifier: identity,
  homeAddresses: [loa],
  prefix: lnp,
  pmipClientAddress: clientAddress,
  lmaAddress: anchorAddress,
  linkLayerAddress: station,
  lifetimeS: 3600,
  addressing: { slaac: true, dhcpv6: false, manual: false },
  anchorLinkAddress: parseLinkAddress('00:00:5e:00:52:13'),
} as const;

test('S02-4.2-1-02, S02-4.2-1-03, S02-AppD-04, RFC 4067 §2.1.1, §2.5.3: a handover that is foreseen sends identifier, pHoA and PMIP client ahead', () => {
  const n = new Neighbourhood().home();
  n.a.expects('b');
  assert.equal(n.a.way, 'park');
  n.carry();
  const [data] = n.said('predictiveContextTransferData');
  const { acknowledge, elapsedMs, previousAddress, algorithm, key, blocks } = data;
  assert.deepEqual([acknowledge, elapsedMs, previousAddress, algorithm], [true, 0, loa, 1]);
  assert.deepEqual(blocks, [whole]);
  assert.equal(key.length, 0, 'no key travels');
});

test('RFC 4067 §2.5.4: what was received is acknowledged, and again when the mobile has come; packets follow the first', () => {
  const n = new Neighbourhood().home();
  n.a.expects('b');
  n.carry(({ message }) => message.kind !== 'contextTransferDataReply');
  assert.equal(n.a.way, 'park');
  n.a.hear(replied(true), addressOf.b);
  assert.equal(n.a.way, 'b');
  assert.deepEqual([n.b.way, n.b.open, n.b.held], ['park', ['a'], ['anchor']]);
  n.b.attachFrom();
  n.carry();
  assert.deepEqual(n.said('contextTransferDataReply'), [replied(true)]);
});

test('contract: a gateway takes what the other may send before it says so, and sends on after it has said what that is', () => {
  const n = new Neighbourhood().home();
  n.a.expects('b');
  const [told] = n.a.posted.filter(({ message }) => message.kind === 'predictiveContextTransferData');
  const taken = n.b.hear(told.message, addressOf.a).map(({ kind }) => kind);
  assert.ok(taken.indexOf('admit') >= 0 && taken.indexOf('admit') < taken.indexOf('message'), taken.join(' '));
  const m = new Neighbourhood().home();
  m.a.detach();
  m.b.attachFrom(accessPointOf.a);
  const [asked] = m.b.posted.filter(({ message }) => message.kind === 'contextTransferRequest');
  const sent = m.a.hear(asked.message, addressOf.b).map(({ kind }) => kind);
  assert.ok(sent.indexOf('message') >= 0 && sent.indexOf('message') < sent.indexOf('forward'), sent.join(' '));
});

function replied(success: boolean): CxtpMessage {
  const statuses = [{ featureProfileType: 0xff01, status: success ? 0 : 3 }];
  return { kind: 'contextTransferDataReply', success, previousAddress: loa, statuses };
}

test('S02-AppD-01, S02-AppD-02, S02-4.2-2-01: the Trigger of a mobile whose context is there leaves as it comes, with its pHoA', () => {
  const n = new Neighbourhood().home();
  n.a.expects('b');
  n.carry().a.detach();
  n.b.attachFrom();
  assert.equal(n.b.trigger.peer, clientAddress);
  assert.equal(optionOf(n.b.trigger, 'l2Id')?.identifier, identity);
  assert.equal(optionOf(n.b.trigger, 'ipAddress')?.address, loa);
  n.b.authenticate();
  assert.deepEqual(n.b.triggers, [], 'what AAA says now comes too late');
});

test('S02-AppD-03: of several PMIP clients the context names the one that has the mobile', () => {
  for (const pmipClientAddress of [clientAddress, otherClient]) {
    const b = new TransferringBench('b', {}, [{ address: clientAddress }, { address: otherClient }]);
    const blocks = [{ ...whole, pmipClientAddress }];
    const data = { acknowledge: true, elapsedMs: 0, previousAddress: loa, blocks };
    b.hear({ kind: 'contextTransferData', ...data }, addressOf.a);
    b.attachFrom();
    assert.equal(b.trigger.peer, pmipClientAddress);
  }
});

test('S02-AppD-06: what was forwarded before the mobile came is delivered as it comes, before it is registered', () => {
  const n = new Neighbourhood().home();
  n.a.expects('b');
  n.carry().a.detach();
  assert.deepEqual([n.a.way, n.b.way], ['b', 'park']);
  n.b.attachFrom();
  assert.equal(n.b.row.state, 'registering');
  assert.deepEqual(n.b.via, { kind: 'link', link: 'radio', neighbour: station });
  assert.deepEqual([n.b.open, n.b.held], [['a'], ['anchor']]);
});

test('S02-4.2-1-04: a context without the PMIP client leaves it to the identifier', () => {
  const n = new Neighbourhood();
  const { pmipClientAddress: _, ...context } = whole;
  const previousAddress = loa;
  n.b.hear(
    { kind: 'contextTransferData', acknowledge: true, elapsedMs: 0, previousAddress, blocks: [context] },
    addressOf.a,
  );
  n.b.attachFrom();
  assert.equal(n.b.trigger.peer, clientAddress);
});

test('S02-4.2-1-02, RFC 4067 §2.1.2, §2.5.6: who comes unforeseen is asked for at the gateway of its former access point, with a token', () => {
  const n = new Neighbourhood().home();
  n.a.detach();
  assert.equal(n.a.way, 'park');
  n.b.attachFrom(accessPointOf.a);
  n.carry();
  const requests = n.carried.filter(({ message }) => message.kind === 'contextTransferRequest');
  assert.deepEqual(
    requests.map(({ to }) => to),
    [addressOf.a],
  );
  const [{ previousAddress, sequence, token, blocks }] = n.said('contextTransferRequest');
  assert.equal(previousAddress, unspecified);
  assert.equal(token, authorizationToken(domainKey, previousAddress, sequence, blocks));
  assert.deepEqual(findContext(n.said('contextTransferData')[0].blocks, 'pmipContext'), { ...whole });
  assert.equal(n.b.row.state, 'registering');
  assert.deepEqual([n.a.way, n.b.way], ['b', 'link']);
});

test('RFC 4067 §2.5.6: without a former access point every neighbour is asked, and who knows nothing says so', () => {
  const n = new Neighbourhood().home();
  n.a.detach();
  n.b.attachFrom();
  n.carry();
  const asked = n.carried.filter(({ message }) => message.kind === 'contextTransferRequest').map(({ to }) => to);
  assert.deepEqual(new Set(asked), new Set([addressOf.a, addressOf.c]));
  assert.deepEqual([n.a.way, n.b.way, n.c.way], ['b', 'link', undefined]);
  assert.equal(n.b.engine.counters.contextsRefused, 0);
});

test('RFC 4067 §6.3: nothing is released on a wrong token, and nothing said to strangers', () => {
  const n = new Neighbourhood().home();
  n.a.detach();
  const blocks = [{ kind: 'pmipContext', linkLayerAddress: station }] as const;
  const request = (token: number): CxtpMessage => {
    return { kind: 'contextTransferRequest', previousAddress: loa, sequence: 7, token, blocks };
  };
  const right = authorizationToken(domainKey, loa, 7, blocks);
  assert.deepEqual(n.a.hear(request(right ^ 1), addressOf.b), []);
  assert.equal(n.a.engine.counters.contextTokensRefused, 1);
  assert.deepEqual(n.a.hear(request(right), anchorAddress), []);
  n.a.hear(request(right), addressOf.b);
  assert.equal(n.a.posted.length, 1);
});

test('S02-AppD-05, S02-4.5-02: what is kept and what still comes goes to the new gateway until the LMA’s path is empty', () => {
  const n = new Neighbourhood().moved();
  assert.deepEqual([n.a.way, n.b.way], ['b', 'link']);
  assert.deepEqual([n.b.open, n.b.held], [['a'], ['anchor']]);
  n.a.announce(1);
  const [{ packet, message }] = n.a.said('echoRequest');
  assert.deepEqual([packet.source, packet.destination], [addressOf.a, anchorAddress]);
  assert.deepEqual([n.a.way, n.a.open], ['b', ['anchor']], 'what is under way still goes on');
  const reply = { ...message, kind: 'echoReply' } as const;
  const answer = { source: anchorAddress, destination: addressOf.a, hopLimit: 64 };
  const payload = { kind: 'icmpv6', message: { ...reply, identifier: message.identifier ^ 1 } } as const;
  n.a.give({ kind: 'packet', packet: { ...answer, payload } });
  assert.equal(n.a.way, 'b');
  n.a.give({ kind: 'packet', packet: { ...answer, payload: { kind: 'icmpv6', message: reply } } });
  assert.deepEqual([n.a.rules.size, n.a.ends.size, n.a.rows.length], [0, 0, 0]);
  n.carry();
  assert.deepEqual(n.said('contextTransferData').at(-1)?.blocks, [{ kind: 'forwardingEnded' }]);
  assert.deepEqual([n.b.way, n.b.held], ['link', []]);
  n.until(2);
  assert.deepEqual(n.b.open, ['anchor']);
});

test('S02-4.5-02: an LMA that does not answer echo requests ends the forwarding a second later', () => {
  const n = new Neighbourhood().moved();
  n.a.announce(1);
  n.until(0.9).carry();
  assert.deepEqual([n.a.way, n.b.held], ['b', ['anchor']]);
  n.a.until(1.1);
  n.carry();
  assert.deepEqual([n.a.rules.size, n.b.held], [0, []]);
});

test('S02-4.5-02: what overtook is let go a second after the registration, whatever the old gateway does', () => {
  const n = new Neighbourhood().moved();
  n.b.until(0.9);
  assert.deepEqual(n.b.held, ['anchor']);
  n.b.until(1.1);
  assert.deepEqual(n.b.held, []);
});

test('RFC 4067 §3.1, §4: a transfer that is not answered in CT_MAX_TRANSFER_TIME is aborted, and the mobile served as before', () => {
  const n = new Neighbourhood().home();
  n.a.expects('b');
  n.a.until(0.19);
  assert.equal(n.a.way, 'park');
  n.a.until(0.21);
  assert.equal(n.a.way, 'link');
});

test('RFC 4067 §2.5.4: a mobile that the new gateway refuses stays with the old one', () => {
  const n = new Neighbourhood({ maximumExpected: 1 }).home();
  const other = { ...whole, mobileNodeIdentifier: 'other@example.net', linkLayerAddress: accessPointOf.c };
  const blocks = [{ ...other, homeAddresses: [anchorAddress] }];
  const previousAddress = anchorAddress;
  n.b.hear({ kind: 'contextTransferData', acknowledge: true, elapsedMs: 0, previousAddress, blocks }, addressOf.c);
  n.a.expects('b');
  n.carry();
  assert.equal(n.said('contextTransferDataReply').at(-1)?.success, false);
  assert.deepEqual([n.a.way, n.a.transfers], ['link', []]);
});

test('RFC 4067 §2.5.5: a mobile that does not come is cancelled, and what was forwarded goes back, before anything younger', () => {
  const n = new Neighbourhood({ expectedWithinMs: 100 }).home();
  n.a.expects('b');
  n.carry();
  n.a.detach();
  n.b.until(0.21);
  assert.equal(n.b.way, 'park');
  n.carry(({ message, from }) => from !== addressOf.a || message.kind !== 'contextTransferData');
  assert.equal(n.said('contextTransferCancel').length, 1);
  assert.deepEqual([n.a.way, n.a.open, n.a.held], ['park', ['b'], ['anchor']]);
  const outputs = n.b.hear(ended, addressOf.a);
  const ways = outputs.flatMap(output => (output.kind === 'forward' ? [output.rule.via.kind] : []));
  assert.deepEqual(ways, ['tunnel'], 'what was parked');
  assert.deepEqual([outputs.at(-1)?.kind, n.b.rules.size, n.b.ends.size], ['message', 0, 0]);
  n.carry();
  assert.deepEqual([n.a.way, n.a.held], ['park', []]);
  n.a.until(2);
  assert.deepEqual(n.a.open, ['anchor']);
});

const ended: CxtpMessage = {
  kind: 'contextTransferData',
  acknowledge: false,
  elapsedMs: 0,
  previousAddress: loa,
  blocks: [{ kind: 'forwardingEnded' }],
};

test('draft-singh Appendix D: a mobile that stays where it is has its packets again, those on the way to the other gateway first', () => {
  const n = new Neighbourhood({ expectedWithinMs: 1000 }).home();
  n.a.expects('b');
  n.carry();
  n.a.until(1);
  assert.deepEqual([n.a.way, n.a.open, n.a.held], ['link', ['b'], ['anchor']]);
  n.carry();
  assert.deepEqual([n.b.rules.size, n.b.ends.size, n.b.transfers], [0, 0, []]);
  assert.deepEqual([n.a.way, n.a.open, n.a.held], ['link', ['anchor', 'b'], []]);
  n.a.until(3);
  assert.deepEqual([n.a.way, n.a.open, n.a.transfers], ['link', ['anchor'], []]);
});

test('draft-singh Appendix D: a mobile that is back before the new gateway had it is served at once, and nothing goes round', () => {
  const n = new Neighbourhood().home();
  n.a.expects('b');
  n.carry().a.detach();
  n.a.attachFrom();
  assert.equal(n.a.way, 'link');
  n.carry();
  assert.deepEqual([n.b.rules.size, n.b.transfers], [0, []]);
});

test('draft-singh Appendix D: forth and back, the way back has what the way forth brought', () => {
  const n = new Neighbourhood().moved();
  n.b.expects('a');
  assert.equal(n.a.way, 'b');
  n.carry();
  assert.deepEqual([n.a.way, n.b.way], ['park', 'a'], 'never both to each other');
  n.b.detach();
  n.a.attachFrom();
  n.carry();
  assert.deepEqual([n.a.way, n.b.way], ['link', 'a']);
});

test('draft-singh Appendix D: on to a third gateway before the first one’s path is empty, the second passes on what it gets', () => {
  const n = new Neighbourhood().moved();
  n.b.detach();
  n.c.attachFrom(accessPointOf.b);
  n.carry();
  assert.deepEqual([n.a.way, n.b.way, n.c.way], ['b', 'c', 'link']);
  assert.deepEqual([n.b.open, n.b.held, n.c.open, n.c.held], [['a'], ['anchor'], ['b'], ['anchor']]);
  n.b.announce(1);
  answerEcho(n.b);
  n.carry();
  assert.deepEqual(n.c.held, ['anchor'], 'b may still get something from a');
  n.a.announce(1);
  answerEcho(n.a);
  n.carry();
  n.b.until(0.3);
  n.carry();
  assert.deepEqual([n.a.rules.size, n.b.rules.size, n.c.held], [0, 0, []]);
});

test('draft-singh Appendix D: one that went elsewhere than foreseen is forwarded to where it is', () => {
  const n = new Neighbourhood().home();
  n.a.expects('b');
  n.carry().a.detach();
  n.c.attachFrom(accessPointOf.a);
  n.carry();
  assert.deepEqual([n.a.way, n.b.way, n.c.way], ['c', undefined, 'link']);
  assert.deepEqual(n.a.open, ['anchor', 'b'], 'what had gone to b comes back');
});

test('draft-singh Appendix D: one that was gone before its context came is forwarded to who asked next', () => {
  const n = new Neighbourhood().home();
  n.a.detach();
  n.b.attachFrom(accessPointOf.a);
  n.b.detach();
  n.c.attachFrom(accessPointOf.a);
  n.carry();
  assert.equal(n.said('contextTransferCancel').length, 1);
  assert.deepEqual([n.a.way, n.b.way, n.c.way], ['c', undefined, 'link']);
});

test('S02-4.5-02: a context that comes when the mobile is registered without it makes nothing wait that was not waiting', () => {
  const n = new Neighbourhood().home();
  n.a.detach();
  n.b.attachFrom(accessPointOf.a);
  n.b.authenticate(mobileProfile);
  n.carry(({ to, message }) => to !== addressOf.b || message.kind !== 'contextTransferData');
  n.b.until(0.21);
  n.b.notify(accepted());
  assert.deepEqual([n.b.row.state, n.b.open, n.b.held], ['registered', ['anchor'], []]);
  n.b.hear({ ...ended, acknowledge: true, blocks: [whole] }, addressOf.a);
  assert.deepEqual([n.b.open, n.b.held], [['a', 'anchor'], []]);
});

/** a and b may be a long way from each other: what a asked when the mobile was back there is heard when it is at b. */
function askedLate(hasMoved: boolean): Neighbourhood {
  const n = new Neighbourhood().home();
  n.a.detach();
  n.a.attachFrom(accessPointOf.b);
  const late = n.a.posted.splice(0);
  n.a.detach();
  n.b.attachFrom(accessPointOf.a);
  n.carry().b.notify(accepted());
  if (hasMoved) n.a.announce(1);
  assert.deepEqual([n.a.way, n.b.way, late.length], ['b', 'link', 1]);
  n.b.hear(late[0].message, addressOf.a);
  return n;
}

test('draft-singh Appendix D: a question that was asked before the mobile went on sends nothing round', () => {
  for (const hasMoved of [false, true]) {
    const n = askedLate(hasMoved);
    n.carry(({ message }) => message.kind !== 'contextTransferCancel');
    assert.deepEqual([n.a.way, n.b.way], ['b', 'a']);
    assert.deepEqual([n.a.open, n.a.held], [['anchor'], ['b']], 'what came back from b waits at a');
  }
});

test('draft-singh Appendix D: who asked too late says so at once, gives back what it was sent, and forwards on as before', () => {
  for (const hasMoved of [false, true]) {
    const n = askedLate(hasMoved).carry();
    assert.equal(n.said('contextTransferCancel').length, 1);
    assert.deepEqual([n.a.way, n.b.way], ['b', 'link']);
    assert.deepEqual([n.a.held, n.b.held], [[], ['anchor']], 'b still has to wait for a');
    if (!hasMoved) n.a.announce(1);
    n.a.until(2);
    n.carry();
    assert.deepEqual([n.a.way, n.a.transfers, n.b.held], [undefined, [], []]);
  }
});

test('draft-singh Appendix D: who asked so long ago that the mobile is forgotten there says so at once, too', () => {
  const n = new Neighbourhood().home();
  n.a.detach();
  n.a.attachFrom(accessPointOf.b);
  const late = n.a.posted.splice(0);
  n.a.detach();
  n.b.attachFrom(accessPointOf.a);
  n.carry().b.notify(accepted());
  n.a.announce(1);
  n.until(5).carry();
  assert.deepEqual([n.a.rows, n.a.transfers, n.b.way, n.b.transfers], [[], [], 'link', []]);
  n.b.hear(late[0].message, addressOf.a);
  assert.equal(n.b.way, 'a');
  n.carry();
  assert.deepEqual([n.a.way, n.b.way, n.a.transfers, n.b.transfers], [undefined, 'link', [], []]);
});

test('draft-singh Appendix D: what still comes for a mobile that is forgotten does not go round by way of the LMA', () => {
  const n = new Neighbourhood().moved();
  n.a.announce(1);
  n.b.detach();
  n.b.until(0.9);
  answerEcho(n.a);
  n.carry();
  assert.deepEqual([n.b.way, n.b.open], ['park', ['a', 'anchor']]);
  n.b.announce(1);
  answerEcho(n.b);
  n.b.until(1.5);
  assert.deepEqual([n.b.rows.length, n.b.way, n.b.open], [0, undefined, []]);
});

test('draft-singh Appendix D: nor does a late question send anything round by way of three gateways', () => {
  const n = new Neighbourhood().home();
  n.a.detach();
  n.a.attachFrom(accessPointOf.c);
  const late = n.a.posted.splice(0);
  n.a.detach();
  n.b.attachFrom(accessPointOf.a);
  n.carry().b.notify(accepted());
  n.b.detach();
  n.c.attachFrom(accessPointOf.b);
  n.carry().c.hear(late[0].message, addressOf.a);
  n.carry(({ message }) => message.kind !== 'contextTransferCancel');
  assert.deepEqual([n.a.way, n.b.way, n.c.way], ['b', 'c', 'a']);
  assert.deepEqual([n.a.held, n.b.open], [['c'], ['a']]);
});

function answerEcho(bench: Neighbourhood['a']): void {
  const [{ packet, message }] = bench.said('echoRequest');
  const { source: destination, destination: source } = packet;
  const payload = { kind: 'icmpv6', message: { ...message, kind: 'echoReply' } } as const;
  bench.give({ kind: 'packet', packet: { source, destination, hopLimit: 64, payload } });
}

test('draft-singh Appendix D: a new gateway that is gone leaves the packets with the old one', () => {
  const n = new Neighbourhood().home();
  n.a.expects('b');
  n.carry().a.detach();
  assert.equal(n.a.way, 'b');
  n.a.give({ kind: 'peerLost', service: 'cxtp', peer: addressOf.b });
  assert.equal(n.a.way, 'park');
  n.c.attachFrom(accessPointOf.a);
  n.carry();
  assert.deepEqual([n.a.way, n.c.way], ['c', 'link']);
});

test('draft-singh Appendix D: an old gateway that is gone keeps nobody waiting, and its contexts count', () => {
  const n = new Neighbourhood().home();
  n.a.expects('b');
  n.carry();
  n.b.give({ kind: 'peerLost', service: 'cxtp', peer: addressOf.a });
  assert.deepEqual([n.b.way, n.b.open, n.b.held], ['park', [], []]);
  n.b.attachFrom();
  assert.equal(optionOf(n.b.trigger, 'ipAddress')?.address, loa);
  n.b.notify(accepted());
  assert.deepEqual([n.b.way, n.b.open, n.b.transfers], ['link', ['anchor'], []]);
});

test('draft-singh Appendix D: a mobile that nobody hears of again is forgotten, with all that was kept for it', () => {
  const n = new Neighbourhood().home();
  n.a.detach();
  n.a.until(5);
  n.a.notify(accepted());
  assert.deepEqual([n.a.rows.length, n.a.rules.size, n.a.ends.size, n.a.transfers], [0, 0, 0, []]);
});

test('draft-singh §4.2-1: with `forward: false` the context goes, and packets do not follow it', () => {
  const n = new Neighbourhood({ forward: false }).home();
  n.a.expects('b');
  n.carry();
  assert.deepEqual([n.a.way, n.b.rules.size, n.b.ends.size], ['link', 0, 0]);
  n.a.detach();
  n.b.attachFrom();
  assert.equal(optionOf(n.b.trigger, 'ipAddress')?.address, loa);
  n.b.notify(accepted());
  assert.deepEqual([n.b.way, n.b.open, n.b.held, n.b.transfers], ['link', ['anchor'], [], []]);
});

test('RFC 4067 §3.1, §4: what AAA says of who comes unforeseen waits for the context, for CT_MAX_TRANSFER_TIME at most', () => {
  const n = new Neighbourhood().home();
  n.a.detach();
  n.b.attachFrom(accessPointOf.a);
  assert.deepEqual(n.b.authenticate(mobileProfile), []);
  n.b.until(0.19);
  assert.equal(n.b.row.state, 'authenticating');
  n.b.until(0.21);
  assert.equal(optionOf(n.b.trigger, 'ipAddress'), undefined);
});

test('RFC 4067 §2.5.6: who is known at no neighbour is registered as soon as all have said so', () => {
  const n = new Neighbourhood();
  n.b.attachFrom();
  n.b.authenticate(mobileProfile);
  assert.equal(n.b.row.state, 'authenticating');
  n.carry();
  assert.equal(n.b.row.state, 'registering');
});

test('RFC 4067 §3.2: a gateway takes part by SCTP and by ICMPv6', () => {
  const { interests } = new Neighbourhood().a.engine;
  assert.deepEqual(interests.services, ['pmip', 'cxtp']);
  assert.ok(interests.protocols.includes(protocol.icmpv6));
});

test('S02-4.2-03, RFC 4067 §6.3: neither the key of the domain nor one of a mobile is in what gateways say', () => {
  const n = new Neighbourhood().moved();
  n.b.expects('c');
  n.carry();
  n.b.detach();
  n.c.attachFrom();
  n.carry();
  assert.ok(n.carried.length > 5);
  const keys = [domainKey, mobileKey(domainKey, identity)].map(bytesToHex);
  for (const { message } of n.carried)
    for (const key of keys) assert.ok(!bytesToHex(encodeCxtp(message)).includes(key), message.kind);
});
