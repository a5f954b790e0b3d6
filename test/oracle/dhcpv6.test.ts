import assert from 'node:assert/strict';
import { linkLocalAddress } from '../../src/base/link-address.js';
import { bytesToHex, hexToBytes } from '../../src/base/text.js';
import { relayForward } from '../../src/protocol/dhcpv6/relay.js';
import { decodeDhcpv6, encodeDhcpv6, findDhcpv6Option } from '../../src/wire/dhcpv6/messages.js';
import { ClientBench, datagram, lnp, messageIn, ServerBench, station } from '../support/dhcpv6.js';
import { scapy, scapyTest } from '../support/scapy.js';
import { sent } from '../support/signalling.js';

scapyTest('RFC 8415: scapy reads our relayed Solicit and our server’s answer, field by field', () => {
  const [solicit] = new ClientBench().do(client => client.start(0));
  const forward = relayForward(solicit, {
    linkAddress: lnp,
    peer: linkLocalAddress(station(1)),
    link: 'wlan0',
    station: station(1),
    identity: 'host@example.net',
  });
  assert.ok(forward);
  const [reply] = sent(new ServerBench().handle(datagram(forward), 0));
  const read = scapy(
    `
relay = DHCP6_RelayForward(bytes.fromhex(input[0]))
answer = DHCP6_RelayReply(bytes.fromhex(input[1]))
advertise = answer[DHCP6OptRelayMsg].message
print(json.dumps({
  'link': relay.linkaddr, 'peer': relay.peeraddr,
  'interface': relay[DHCP6OptIfaceId].ifaceid.decode(),
  'subscriber': relay[DHCP6OptSubscriberID].subscriberid.decode(),
  'station': relay[DHCP6OptClientLinkLayerAddr].clladdr,
  'solicit': relay[DHCP6OptRelayMsg].message.msgtype,
  'transactions': [relay[DHCP6OptRelayMsg].message.trid, advertise.trid],
  'advertise': advertise.msgtype,
  'address': advertise[DHCP6OptIAAddress].addr,
  'lifetimes': [advertise[DHCP6OptIAAddress].preflft, advertise[DHCP6OptIAAddress].validlft],
  'duid': advertise[DHCP6OptClientId].duid.lladdr,
}))`,
    [bytesToHex(encodeDhcpv6(forward)), bytesToHex(encodeDhcpv6(messageIn(reply)))],
  ) as Record<string, unknown>;
  assert.match(String(read.address), /^fd00:1::1:/);
  assert.deepEqual(read, {
    link: 'fd00:1::1',
    peer: 'fe80::ff:fe00:1',
    interface: 'wlan0',
    subscriber: 'host@example.net',
    station: '02:00:00:00:00:01',
    solicit: 1,
    transactions: [solicit.transaction, solicit.transaction],
    advertise: 2,
    address: read.address,
    lifetimes: [3600, 7200],
    duid: '02:00:00:00:00:01',
  });
});

scapyTest('RFC 8415: our server answers a Solicit that scapy made', () => {
  const hex = scapy(
    `
m = DHCP6_Solicit(trid=0xabcdef)/DHCP6OptElapsedTime()/DHCP6OptClientId(duid=DUID_LLT(timeval=5, lladdr='02:00:00:00:00:09'))/DHCP6OptIA_NA(iaid=3)
print(json.dumps(bytes(DHCP6_RelayForward(linkaddr='fd00:2::1', peeraddr='fe80::9')/DHCP6OptRelayMsg(message=m)).hex()))`,
    null,
  ) as string;
  const [packet] = sent(new ServerBench().handle(datagram(decodeDhcpv6(hexToBytes(hex))), 0));
  const reply = messageIn(packet);
  assert.ok(reply.kind === 'relayReply');
  const answer = findDhcpv6Option(reply.options, 'relayMessage')?.message;
  assert.ok(answer?.kind === 'advertise' && answer.transaction === 0xabcdef);
  assert.equal(findDhcpv6Option(answer.options, 'iaNa')?.options.length, 1);
});
