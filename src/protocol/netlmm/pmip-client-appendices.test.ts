import assert from 'node:assert/strict';
import { test } from 'node:test';
import { environment } from '../../../test/support/anchor.js';
import {
  alice,
  aliceHome,
  anchorAddress,
  bob,
  bobHome,
  clientAddress,
  madeClient,
  madeLma,
  mag1,
  mag2,
  otherAnchorAddress,
  otherClientAddress,
  PmipDomain,
  triggerOf,
} from '../../../test/support/pmip-domain.js';
import { formatAddress, parseAddress, unspecified } from '../../base/address.js';
import { formatPrefix, parsePrefix } from '../../base/prefix.js';
import { effectiveSource, type Packet } from '../../wire/ipv6/packet.js';
import { bindingAcknowledgementFlags } from '../../wire/mobility/messages.js';
import { findOption } from '../../wire/mobility/options.js';
import { findPmipOption, type PmipOption } from '../../wire/pmip/messages.js';
import { toMobile } from '../mobile/packets.js';
import { placedSecurity } from '../security/placement.js';
import { createPmipClient } from './pmip-client.js';
import { parsePmipClient, pmipClientSettings } from './pmip-client-config.js';

type Config = Readonly<Record<string, unknown>>;
const [client, otherClient, anchor, otherAnchor] = [
  clientAddress,
  otherClientAddress,
  anchorAddress,
  otherAnchorAddress,
].map(formatAddress);

/** A client under the anchor of the appendices. */
function domainOf(lma: Config = {}, config: Config = {}): PmipDomain {
  const domain = new PmipDomain();
  domain.add(anchorAddress, () => madeLma({ insecure: true, ...lma }));
  domain.add(clientAddress, () => madeClient({ insecure: true, lma: anchor, ...config }));
  return domain;
}

test('S02-AppA-03, S02-AppA-05: with an all-zero pHoA the PBU has the MN identifier and no home; what the LMA assigns goes to the MAG in the Notification', () => {
  const domain = domainOf();
  const answer = domain.settle(mag1, { home: unspecified });
  const [{ packet, message }] = domain.updates;
  assert.deepEqual([packet.headers, effectiveSource(packet)], [undefined, clientAddress]);
  assert.equal(findOption(message.options, 'mobileNodeIdentifier')?.identifier, alice);
  assert.deepEqual(findOption(message.options, 'homeNetworkPrefix'), {
    kind: 'homeNetworkPrefix',
    address: unspecified,
    length: 0,
  });
  assert.deepEqual([answer.status, answer.contained], [0, 0]);
  assert.deepEqual(domain.bindings(), [`${answer.home}/128 → ${formatAddress(mag1)}`]);
});

test('S02-AppA-05: an assigned address stays the mobile’s where it moves, whether the new MAG knows it or asks for one again', () => {
  const domain = domainOf();
  const { home } = domain.settle(mag1, { home: unspecified });
  assert.equal(domain.settle(mag2, { home: unspecified }).home, home);
  assert.equal(domain.settle(mag1, { home: parseAddress(home ?? '') }).home, home);
  assert.equal(domain.settle(mag2, { home: bobHome }).status, 129);
  assert.deepEqual(domain.bindings(), [`${home}/128 → ${formatAddress(mag1)}`]);
  assert.equal(findOption(domain.updates[1].message.options, 'mobileNodeIdentifier'), undefined);
  domain.trigger(mag1, { home: undefined, flags: { detached: true } });
  domain.runMs(1200);
  assert.deepEqual(domain.bindings(), []);
});

test('appendix A: a crash before the assignment is known asks again, for the same mobile', () => {
  const domain = domainOf();
  domain.lose = ({ source }) => source === anchorAddress;
  domain.trigger(mag1, { home: unspecified, transaction: 3 });
  domain.runMs(100);
  domain.lose = () => false;
  domain.restart(clientAddress);
  domain.runMs(100);
  const [answer] = domain.notified;
  assert.deepEqual([answer.transaction, answer.status], [3, 0]);
  assert.deepEqual(domain.bindings(), [`${answer.home}/128 → ${formatAddress(mag1)}`]);
});

test('S02-AppE.3-01: a prefix in the Trigger goes into the PBU whole, and the whole of it moves', () => {
  const domain = domainOf({ mobilePrefixes: [{ block: '2001:db8:f::/48', length: 64 }] });
  const options: PmipOption[] = [{ kind: 'prefix', ...parsePrefix('2001:db8:f:7::/64') }];
  const answer = domain.settle(mag1, { home: undefined, options });
  assert.deepEqual([answer.status, prefixIn(answer.message)], [0, '2001:db8:f:7::/64']);
  assert.deepEqual(domain.bindings(), ['2001:db8:f:7::/64 → 2001:db8:1::1']);
  assert.equal(domain.settle(mag2, { home: undefined, options }).status, 0);
  assert.deepEqual(domain.bindings(), ['2001:db8:f:7::/64 → 2001:db8:2::1']);
  const mismatch: PmipOption[] = [{ kind: 'prefix', ...parsePrefix('2001:db8:f:8::/64') }];
  assert.equal(domain.settle(mag1, { home: undefined, options: mismatch }).status, 129);
});

test('appendix A, E.3: an all-zero prefix is assigned by the LMA', () => {
  const domain = domainOf({ mobilePrefixes: [{ block: '2001:db8:f::/48', length: 64 }] });
  const options: PmipOption[] = [{ kind: 'prefix', address: unspecified, length: 0 }];
  const answer = domain.settle(mag1, { home: undefined, options });
  assert.match(prefixIn(answer.message) ?? '', /^2001:db8:f:[0-9a-f]*:*\/64$/);
  assert.deepEqual(domain.bindings(), [`${prefixIn(answer.message)} → 2001:db8:1::1`]);
  const again = domain.settle(mag2, { home: undefined, options });
  assert.equal(prefixIn(again.message), prefixIn(answer.message));
});

test('S02-AppE.2-01: an IPv4 address in the Trigger goes into the PBU, and what the LMA says of it into the Notification', () => {
  const domain = domainOf({ ipv4Prefixes: ['10.1.0.0/16'] });
  const address = (text: string): PmipOption => ({ kind: 'ipv4Address', address: parseAddress(`::ffff:${text}`) });
  const answer = domain.settle(mag1, { options: [address('10.1.0.7')] });
  assert.deepEqual(ipv4In(answer.message), '::ffff:10.1.0.7');
  assert.equal(findOption(domain.updates[0].message.options, 'ipv4HomeAddress')?.prefix.length, 32);
  const moved = domain.settle(mag2);
  assert.deepEqual(ipv4In(moved.message), '::ffff:10.1.0.7');
  const refused = domain.settle(mag1, { identity: bob, home: bobHome, options: [address('192.0.2.1')] });
  assert.deepEqual([refused.status, ipv4In(refused.message)], [0, undefined]);
});

test('S02-4.3-03, S02-6-02: with one association between client and LMA every mobile of the client is registered under it', () => {
  for (const protection of ['rfc4285', 'esp'] as const) {
    const domain = domainOf(
      { insecure: false, peers: [{ address: client, security: placedSecurity(protection, anchor, client) }] },
      {
        insecure: false,
        associations: 'client',
        peers: [
          { address: anchor, security: placedSecurity(protection, client, anchor) },
          ...[mag1, mag2].map(formatAddress).map(address => ({
            address,
            security: placedSecurity('esp', client, address),
          })),
        ],
      },
    );
    assert.equal(domain.settle(mag1).status, 0);
    assert.equal(domain.settle(mag1, { identity: bob, home: bobHome }).status, 0);
    assert.equal(domain.settle(mag2).status, 0);
    assert.deepEqual(domain.bindings(), [
      '2001:db8:a::a11c/128 → 2001:db8:2::1',
      '2001:db8:a::b0b/128 → 2001:db8:1::1',
    ]);
  }
});

test('S02-4.4-04, S02-4.4-05: a mobile that gets a pHoA of another LMA is registered there by the same client under keys of its own; the old binding stays until it is given up', () => {
  const home = parseAddress('2001:db8:d::a11c');
  const second = 'alice-d@example.net';
  const domain = new PmipDomain();
  const homeAgent = (own: string, homeAddress: string) => ({
    insecure: false,
    peers: [{ address: homeAddress, security: placedSecurity('esp', own, homeAddress) }],
  });
  domain.add(anchorAddress, () => madeLma(homeAgent(anchor, formatAddress(aliceHome))));
  domain.add(otherAnchorAddress, () => madeLma(homeAgent(otherAnchor, formatAddress(home)), otherAnchorAddress));
  domain.add(clientAddress, () =>
    madeClient({
      peers: [
        { identity: alice, security: placedSecurity('esp', formatAddress(aliceHome), anchor) },
        { identity: second, security: placedSecurity('esp', formatAddress(home), otherAnchor) },
        ...[mag1, mag2].map(formatAddress).map(address => ({
          address,
          security: placedSecurity('esp', client, address),
        })),
      ],
      mobiles: [
        { identity: alice, lma: anchor, prefix: '2001:db8:a::/64' },
        { identity: alice, lma: otherAnchor, prefix: '2001:db8:d::/64', association: second },
      ],
    }),
  );
  domain.settle(mag1);
  assert.equal(domain.settle(mag2, { home }).status, 0);
  assert.deepEqual(domain.bindings(otherAnchorAddress), ['2001:db8:d::a11c/128 → 2001:db8:2::1']);
  assert.deepEqual(domain.bindings(), ['2001:db8:a::a11c/128 → 2001:db8:1::1']);
  domain.trigger(mag1, { flags: { detached: true } });
  domain.runMs(1200);
  assert.deepEqual(domain.bindings(), []);
  assert.deepEqual(domain.bindings(otherAnchorAddress), ['2001:db8:d::a11c/128 → 2001:db8:2::1']);
});

test('§4.4: which LMA: the one that the gateway names, the one whose prefix the pHoA has, or the default; and no stranger', () => {
  const lmas = [{ address: otherAnchor, prefixes: ['2001:db8:d::/64'] }];
  const domain = domainOf({}, { lmas });
  domain.add(otherAnchorAddress, () => madeLma({ insecure: true }, otherAnchorAddress));
  domain.settle(mag1);
  domain.settle(mag1, { identity: bob, home: parseAddress('2001:db8:d::b0b') });
  const named = (address: typeof anchorAddress): PmipOption[] => [{ kind: 'lmaAddress', address }];
  domain.settle(mag2, { identity: 'carol', home: unspecified, options: named(otherAnchorAddress) });
  assert.deepEqual(domain.bindings(), ['2001:db8:a::a11c/128 → 2001:db8:1::1']);
  assert.equal(domain.bindings(otherAnchorAddress).length, 2);
  assert.equal(domain.settle(mag2, { identity: 'dave', options: named(mag1) }).status, 135);
});

test('S02-AppE.1-02, S02-AppE.1-03: a mobile goes to another client, which has an association of its own with the LMA for it; the LMA takes both, and the first gives the mobile up', () => {
  const [first, second] = ['alice at first', 'alice at second'];
  const security = (own: string, peer: string) => placedSecurity('esp', own, peer);
  const domain = new PmipDomain();
  domain.add(anchorAddress, () =>
    madeLma({
      peers: [first, second].map(name => ({
        identity: alice,
        name: name.replaceAll(' ', '-'),
        security: security(anchor, name),
      })),
    }),
  );
  const add = (own: string, other: string, name: string) => {
    const address = parseAddress(own);
    domain.add(address, () =>
      madeClient(
        {
          lma: anchor,
          otherClients: [other],
          mobiles: [{ identity: alice }],
          peers: [
            { identity: alice, security: security(name, anchor) },
            { address: other, security: security(own, other) },
            ...[mag1, mag2].map(formatAddress).map(mag => ({ address: mag, security: security(own, mag) })),
          ],
        },
        address,
      ),
    );
  };
  add(client, otherClient, first);
  add(otherClient, client, second);
  assert.equal(domain.settle(mag1).status, 0);
  assert.equal(domain.settle(mag2, {}, otherClientAddress).status, 0);
  assert.deepEqual(domain.bindings(), ['2001:db8:a::a11c/128 → 2001:db8:2::1']);
  assert.deepEqual([...(domain.nodes.get(clientAddress)?.engine.views.bindings() ?? [])], []);
});

test('appendix A, E.1: a mobile whose address the LMA assigns is given up too, once its address is known', () => {
  const domain = domainOf({}, { otherClients: [otherClient] });
  const config = { insecure: true, lma: anchor, otherClients: [client] };
  domain.add(otherClientAddress, () => madeClient(config, otherClientAddress));
  const { home } = domain.settle(mag1, { home: unspecified });
  assert.equal(domain.settle(mag2, { home: unspecified }, otherClientAddress).home, home);
  assert.deepEqual(domain.bindings(), [`${home}/128 → 2001:db8:2::1`]);
  assert.deepEqual([...(domain.nodes.get(clientAddress)?.engine.views.bindings() ?? [])], []);
});

test('S02-6-02: an acknowledgement under the association of another mobile counts for nothing', () => {
  const peers = [alice, bob].map(identity => ({ identity, security: placedSecurity('esp', identity, anchor) }));
  const mobiles = [alice, bob].map(identity => ({ identity }));
  const parsed = parsePmipClient({ address: client, lma: anchor, peers, mobiles });
  assert.ok(parsed.ok);
  const settings = { ...pmipClientSettings(parsed.config), gateways: undefined };
  const engine = createPmipClient(settings, environment());
  const data = triggerOf({ home: aliceHome, transaction: 1 });
  const sent = engine.handle({ kind: 'message', service: 'pmip', peer: mag1, data }, 0);
  const [update] = sent.flatMap(output => (output.kind === 'send' ? [output] : []));
  assert.equal(update.association, alice);
  const answers = (association: string) => {
    const outputs = engine.handle({ kind: 'packet', packet: acceptanceOf(update.packet), association }, 1);
    return outputs.some(({ kind }) => kind === 'message');
  };
  assert.deepEqual([answers(bob), answers(alice)], [false, true]);
  assert.equal(engine.counters.discarded_association, 1);
});

/** What the anchor says to a Binding Update that it accepts. */
function acceptanceOf({ payload }: Packet): Packet {
  assert.ok(payload.kind === 'mobility' && payload.message.kind === 'bindingUpdate');
  const { sequence, lifetimeS } = payload.message;
  const flags = bindingAcknowledgementFlags({});
  const message = { kind: 'bindingAcknowledgement', status: 0, flags, sequence, lifetimeS, options: [] } as const;
  return toMobile(anchorAddress, clientAddress, aliceHome, message);
}

function prefixIn(message: Parameters<typeof findPmipOption>[0]): string | undefined {
  const option = findPmipOption(message, 'prefix');
  return option && formatPrefix(option);
}

function ipv4In(message: Parameters<typeof findPmipOption>[0]): string | undefined {
  const option = findPmipOption(message, 'ipv4Address');
  return option && formatAddress(option.address);
}
