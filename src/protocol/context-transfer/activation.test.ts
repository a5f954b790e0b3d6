import assert from 'node:assert/strict';
import { test } from 'node:test';
import { identity, loa, routerLinkLocal, station, stationLinkLocal } from '../../../test/support/gateway.js';
import {
  addressOf,
  domainKey,
  type Name,
  Neighbourhood,
  type TransferringBench,
} from '../../../test/support/transferring-gateways.js';
import { mobileProfile } from '../../../test/support/triggering-gateway.js';
import type { CxtpMessageOf } from '../../wire/cxtp/messages.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import { activationIn, activationPacket } from './activation.js';
import { authorizationToken, mobileKey } from './authorization.js';

type Request = CxtpMessageOf<'contextTransferActivateRequest'>;

const key = mobileKey(domainKey, identity);

/** The mobile's, to the router it is attached to, about the one before or after. */
function request(router: Name, sequence: number, fields: Partial<Request> = {}): Request {
  return {
    kind: 'contextTransferActivateRequest',
    acknowledge: true,
    previousAddress: loa,
    routerAddress: addressOf[router],
    sequence,
    token: authorizationToken(key, loa, sequence, []),
    blocks: [],
    ...fields,
  };
}

function says(bench: TransferringBench, message: Request, change: (packet: Packet) => Packet = packet => packet): void {
  const packet = change(activationPacket(stationLinkLocal, routerLinkLocal, message));
  bench.give({ kind: 'packet', packet, link: 'radio', neighbour: station });
}

/** Types that were not transferred, of each acknowledgement that the mobile was sent. */
function acknowledged(bench: TransferringBench): (readonly number[])[] {
  return bench.sends.flatMap(({ packet, neighbour }) => {
    const message = activationIn(packet);
    if (message?.kind !== 'contextTransferActivateAcknowledge' || neighbour !== station) return [];
    assert.deepEqual([packet.source, packet.destination], [routerLinkLocal, stationLinkLocal]);
    return [message.statuses.map(({ status }) => status)];
  });
}

test('RFC 4067 §2.1.1, §2.5.1: a mobile that says where it will go has its context sent there, and is told so', () => {
  const n = new Neighbourhood().home();
  says(n.a, request('b', 1));
  assert.deepEqual(acknowledged(n.a), [[]]);
  n.carry();
  assert.equal(n.said('predictiveContextTransferData').length, 1);
  assert.deepEqual([n.a.way, n.b.way], ['b', 'park']);
});

test('RFC 4067 §2.5.2: who does not ask for an acknowledgement gets none', () => {
  const n = new Neighbourhood().home();
  says(n.a, request('b', 1, { acknowledge: false }));
  assert.deepEqual(acknowledged(n.a), []);
  assert.equal(n.a.posted.length, 1);
});

test('RFC 4067 §2.1.2, §2.5.6: a mobile that says where it was has its context fetched with its own sequence number and token', () => {
  const n = new Neighbourhood().home();
  n.a.detach();
  n.b.attach(station, 'radio', 'newInterface');
  n.b.authenticate(mobileProfile);
  says(n.b, request('a', 9));
  assert.deepEqual(acknowledged(n.b), []);
  const [{ to, message }] = n.b.posted;
  assert.deepEqual([to, message], [addressOf.a, verbatim(request('a', 9))]);
  n.carry();
  assert.deepEqual([n.a.way, n.b.way], ['b', 'link']);
  assert.deepEqual(acknowledged(n.b), [[]], 'when the context has come');
});

function verbatim({ previousAddress, sequence, token, blocks }: Request) {
  return { kind: 'contextTransferRequest', previousAddress, sequence, token, blocks } as const;
}

test('RFC 4067 §2.5.2: a context that does not come in its time is named in the acknowledgement', () => {
  const n = new Neighbourhood().home();
  n.b.attach(station, 'radio', 'newInterface');
  n.b.authenticate(mobileProfile);
  says(n.b, request('c', 9));
  n.carry(({ message }) => message.kind === 'contextTransferRequest');
  n.b.until(0.19);
  assert.deepEqual(acknowledged(n.b), []);
  n.b.until(0.21);
  assert.deepEqual(acknowledged(n.b), [[1]]);
});

test('RFC 4067 §6.3: nothing moves on a token that is not the mobile’s, or to a router that is no neighbour', () => {
  const n = new Neighbourhood().home();
  says(n.a, request('b', 1, { token: authorizationToken(mobileKey(domainKey, 'other@example.net'), loa, 1, []) }));
  assert.deepEqual(acknowledged(n.a), [[2]]);
  says(n.a, request('b', 2, { routerAddress: loa }));
  assert.deepEqual(acknowledged(n.a), [[1]]);
  assert.deepEqual([n.a.posted, n.a.way], [[], 'link']);
  assert.equal(n.a.engine.counters.contextTokensRefused, 1);
});

test('RFC 4067 §3.2: the same sequence number is ignored for as long as it may be repeated', () => {
  const n = new Neighbourhood().home();
  says(n.a, request('b', 1));
  says(n.a, request('b', 1));
  assert.deepEqual(acknowledged(n.a), []);
  assert.equal(n.a.engine.counters.activationRequestsRepeated, 1);
});

test('RFC 4067 §4, §6.3: CT_REQUEST_RATE: more than ten requests in a second are not looked at', () => {
  const n = new Neighbourhood().home();
  for (let i = 1; i <= 12; i++) says(n.a, request('b', i));
  assert.equal(n.a.engine.counters.activationRequestsLimited, 2);
  n.a.until(1.5);
  says(n.a, request('b', 13));
  assert.equal(n.a.engine.counters.activationRequestsLimited, 2);
});

test('RFC 4067 §3.2: what did not come with hop limit 255, or cannot be read, is no request', () => {
  const n = new Neighbourhood().home();
  says(n.a, request('b', 1), packet => ({ ...packet, hopLimit: 254 }));
  const message = { kind: 'unknown', type: 150, code: 0, data: Uint8Array.of(1, 0, 0, 0, 0x21) } as const;
  says(n.a, request('b', 2), packet => ({ ...packet, payload: { kind: 'icmpv6', message } }));
  assert.deepEqual([n.a.posted, acknowledged(n.a)], [[], []]);
  assert.equal(n.a.engine.counters.contextMessagesUnexpected, 2);
});
