import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  alice,
  aliceHome,
  anchorAddress,
  bob,
  bobHome,
  clientAddress,
  madeClient,
  mag1,
  mag2,
  otherClientAddress,
  type PmipDomain,
  pmipDomain,
  triggerOf,
} from '../../../test/support/pmip-domain.js';
import { formatAddress } from '../../base/address.js';
import { decodePmip, findPmipOption } from '../../wire/pmip/messages.js';

const [own, other] = [clientAddress, otherClientAddress].map(formatAddress);
const stateless = { stateless: true };

/** Two clients that know of each other, under one anchor. */
function twoClients(more: Readonly<Record<string, unknown>> = {}): PmipDomain {
  const domain = pmipDomain({ client: { otherClients: [other], ...more } });
  const config = { insecure: true, lma: formatAddress(anchorAddress), otherClients: [own], ...more };
  domain.add(otherClientAddress, () => madeClient(config, otherClientAddress));
  return domain;
}

function counter(domain: PmipDomain, name: string, client = clientAddress): number {
  return domain.nodes.get(client)?.engine.counters[name] ?? 0;
}

test('S02-AppB-04, S02-AppB-08: an address that another MN identifier has in the cache is a conflict, told to the MAG; no PBU is sent', () => {
  const domain = pmipDomain();
  domain.settle(mag1, { flags: stateless });
  const answer = domain.settle(mag2, { identity: bob, home: aliceHome, flags: stateless });
  assert.deepEqual([answer.status, answer.contained, domain.updates.length], [130, undefined, 1]);
});

test('S02-AppB-05, S02-AppB-07, S02-AppB-08, S02-4.5-01: the other clients are asked for identifier and pHoA, and one that knows the address reports the conflict', () => {
  const domain = twoClients();
  domain.settle(mag1, { identity: bob, home: aliceHome }, otherClientAddress);
  const answer = domain.settle(mag2, { flags: stateless });
  assert.equal(answer.status, 130);
  assert.equal(domain.updates.length, 1);
  const counters = ['conflicts_reported', 'conflicts_denied'].map(name => counter(domain, name, otherClientAddress));
  assert.deepEqual(counters, [1, 0]);
  assert.deepEqual([...(domain.nodes.get(clientAddress)?.engine.views.bindings() ?? [])], []);
});

test('S02-AppB-07, S02-AppB-09: without a conflict anywhere the PBU is sent', () => {
  const domain = twoClients();
  domain.settle(mag1, { identity: bob, home: bobHome }, otherClientAddress);
  assert.equal(domain.settle(mag2, { flags: stateless }).status, 0);
  assert.equal(counter(domain, 'conflicts_denied', otherClientAddress), 1);
});

test('S02-AppB-05: the request names the MN identifier and the pHoA', () => {
  const domain = pmipDomain({ client: { otherClients: [other] } });
  const outputs = domain.give(clientAddress, {
    kind: 'message',
    service: 'pmip',
    peer: mag1,
    data: triggerOf({ home: aliceHome, transaction: 1, flags: stateless }),
  });
  const [asked] = outputs.flatMap(output => (output.kind === 'message' ? [output] : []));
  const message = decodePmip(asked.data);
  assert.ok(message.kind === 'conflictRequest');
  assert.deepEqual(
    [asked.peer, findPmipOption(message, 'l2Id')?.identifier, findPmipOption(message, 'ipAddress')?.address],
    [otherClientAddress, alice, aliceHome],
  );
  assert.deepEqual(domain.updates, [], 'the PBU waits');
});

test('S02-AppB-03: the flag decides whether others are waited for: a stateful address needs no Duplicate Address Detection', () => {
  const domain = pmipDomain({ client: { otherClients: [other] } });
  domain.trigger(mag1);
  assert.equal(domain.updates.length, 1);
  domain.trigger(mag1, { identity: bob, home: bobHome, flags: stateless });
  assert.equal(domain.updates.length, 1);
});

test('S02-AppB-06: the request goes out before the own cache is looked at, where it is configured so', () => {
  for (const [request, asked] of [
    ['atOnce', 2],
    ['afterCache', 1],
  ] as const) {
    const domain = twoClients({ conflicts: { request } });
    domain.settle(mag1, { flags: stateless });
    domain.settle(mag2, { identity: bob, home: aliceHome, flags: stateless });
    assert.equal(counter(domain, 'conflict_requests_sent'), asked);
  }
});

test('S02-AppB-10, S02-AppB-11: where each prefix has one anchor the client relies on its Duplicate Address Detection, and passes on what it found', () => {
  const client = { otherClients: [other], conflicts: { relyOnAnchor: true } };
  const domain = pmipDomain({ client, homeAgent: { homeLink: 'home0' } });
  domain.trigger(mag1, { flags: stateless });
  domain.runMs(100);
  assert.equal(domain.updates.length, 1, 'nobody else is waited for');
  domain.give(anchorAddress, { kind: 'proxied', link: 'home0', address: aliceHome, unique: false });
  domain.runMs(100);
  const answer = domain.notified.at(-1);
  assert.deepEqual([answer?.status, answer?.contained], [131, 134]);
});

test('appendix B: a client that does not answer, or is lost, reports no conflict', () => {
  const silent = pmipDomain({ client: { otherClients: [other], conflicts: { timeoutMs: 500 } } });
  silent.trigger(mag1, { flags: stateless });
  silent.runMs(490);
  assert.equal(silent.updates.length, 0);
  silent.runMs(20);
  assert.equal(silent.updates.length, 1);
  const lost = pmipDomain({ client: { otherClients: [other] } });
  lost.trigger(mag1, { flags: stateless });
  lost.give(clientAddress, { kind: 'peerLost', service: 'pmip', peer: otherClientAddress });
  assert.equal(lost.updates.length, 1);
});

test('appendix B: of two mobiles that ask for one address at two clients at once, one gets it, and always the same', () => {
  for (const order of [1, -1]) {
    const domain = twoClients();
    const requests: { to: typeof clientAddress; from: typeof clientAddress; data: Uint8Array }[] = [];
    for (const [from, to, identity, gateway] of [
      [clientAddress, otherClientAddress, alice, mag1],
      [otherClientAddress, clientAddress, bob, mag2],
    ] as const) {
      const data = triggerOf({ identity, home: aliceHome, transaction: 1, flags: stateless });
      const outputs = domain.nodes
        .get(from)
        ?.handle({ kind: 'message', service: 'pmip', peer: gateway, data }, domain.now);
      for (const output of outputs ?? []) if (output.kind === 'message') requests.push({ from, to, data: output.data });
    }
    for (const { to, from, data } of requests.sort(() => order)) domain.message(from, data, to);
    domain.runMs(100);
    assert.deepEqual(Object.fromEntries(domain.notified.map(({ to, status }) => [formatAddress(to), status])), {
      [formatAddress(mag1)]: 0,
      [formatAddress(mag2)]: 130,
    });
    assert.equal(domain.updates.length, 1);
  }
});

test('appendix B: a mobile that moves, or leaves, while its address is being looked for', () => {
  const domain = pmipDomain({ client: { otherClients: [other], conflicts: { timeoutMs: 500 } } });
  domain.trigger(mag1, { flags: stateless });
  domain.trigger(mag2, { flags: stateless });
  domain.runMs(1000);
  assert.deepEqual(
    domain.notified.map(({ to, status }) => [to, status]),
    [
      [mag1, 1],
      [mag2, 0],
    ],
  );
  domain.trigger(mag1, { identity: bob, home: bobHome, flags: stateless });
  domain.trigger(mag1, { identity: bob, home: bobHome, flags: { detached: true } });
  domain.runMs(2000);
  assert.equal(domain.updates.length, 1, 'nothing was registered for who left');
});

test('strangers that ask for conflicts get no answer', () => {
  const domain = pmipDomain({ client: { otherClients: [other] } });
  const data = triggerOf({ home: aliceHome, transaction: 1 });
  data[0] = 3;
  domain.message(mag2, data);
  assert.deepEqual([domain.notified, counter(domain, 'discarded_unknownClient')], [[], 1]);
});

test('appendix E.1: a mobile that a MAG takes to another client is given up by the first, whose MAG is told; the new client sends the PBUs', () => {
  const domain = twoClients();
  domain.settle(mag1);
  assert.equal(domain.settle(mag2, {}, otherClientAddress).status, 0);
  assert.deepEqual(domain.bindings(), ['2001:db8:a::a11c/128 → 2001:db8:2::1']);
  assert.deepEqual([...(domain.nodes.get(clientAddress)?.engine.views.bindings() ?? [])], []);
  const told = domain.notified.find(({ to, transaction }) => to === mag1 && transaction === 0);
  assert.deepEqual([told?.status, told?.identity], [1, alice]);
  assert.equal(domain.updates.at(-1)?.packet.source, otherClientAddress);
  assert.deepEqual([...(domain.nodes.get(clientAddress)?.stored ?? [])], []);
});
