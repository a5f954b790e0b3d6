import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { formatAddress, parseAddress } from '../../src/base/address.js';
import { parseLinkAddress } from '../../src/base/link-address.js';
import { parsePrefix } from '../../src/base/prefix.js';
import { bytesToHex, hexToBytes, utf8Bytes } from '../../src/base/text.js';
import { applicationAttributes, profileAttributes } from '../../src/protocol/aaa/profile-attributes.js';
import { RadiusClient, radiusClientPort } from '../../src/protocol/aaa/radius-client.js';
import { aaaServer } from '../../src/protocol/aaa/server-role.js';
import type { Engine, Profile } from '../../src/protocol/contract.js';
import { dissect } from '../../src/wire/dissect.js';
import { encodeFrame } from '../../src/wire/ethernet.js';
import { encodePacket } from '../../src/wire/ipv6/codec.js';
import type { Packet } from '../../src/wire/ipv6/packet.js';
import { linkType } from '../../src/wire/pcapng/blocks.js';
import { concatenate, pcapngHeader, pcapngPacket } from '../../src/wire/pcapng/writer.js';
import { vendorSpecific } from '../../src/wire/radius/attributes.js';
import { encodeAnswer, encodeRequest, sealKey } from '../../src/wire/radius/authentication.js';
import { type RadiusMessage, radiusPort } from '../../src/wire/radius/messages.js';
import { made } from '../support/aaa-domain.js';
import { environment } from '../support/signalling.js';
import { Freeradius, OnLoopback, radclient, withoutFreeradius } from './freeradius.js';
import { mac } from './samples.js';
import { assertCleanCapture, tsharkFields, withoutTshark } from './tshark.js';

const folder = mkdtempSync(join(tmpdir(), 'anchorage-radius-'));
after(() => rmSync(folder, { recursive: true }));

const secret = 'what both of them share';
const node = parseAddress('2001:db8:1::1');
const server = parseAddress('2001:db8:e::1');
const lma = parseAddress('2001:db8:a::1');
const station = parseLinkAddress('02:00:00:00:00:01');
const profile: Profile = {
  identity: 'host@example.net',
  anchor: lma,
  prefix: parsePrefix('2001:db8:a:1::/64'),
  address: parseAddress('2001:db8:a:1::7'),
  dhcpServer: parseAddress('2001:db8:d::1'),
  addressing: ['slaac'],
};
const sendKey = '000102030405060708090a0b0c0d0e0f10111213';
const receiveKey = '202122232425262728292a2b2c2d2e2f30313233';

/** A request and its answer, as they go between node and server. */
function exchange(): Packet[] {
  const authenticator = hexToBytes('0f403f9473978057bd83d5cb98f4227a');
  const octets = utf8Bytes(secret);
  const request: RadiusMessage = {
    kind: 'accessRequest',
    identifier: 7,
    authenticator,
    attributes: [
      ...applicationAttributes({ station, identity: profile.identity }),
      { kind: 'nasIpv6Address', address: node },
      {
        kind: 'mip6FeatureVector',
        high: {
          proxyMobileIpv6: true,
          ipv4HomeAddress: false,
          localRouting: false,
          ipv4Transport: false,
          ipv4HomeAddressOnly: false,
        },
        low: { integrated: false, localHomeAgent: false },
      },
    ],
  };
  const hidden = (salt: number, key: string) => ({
    salt,
    sealed: sealKey(hexToBytes(key), salt, authenticator, octets),
  });
  const keys = vendorSpecific({
    kind: 'microsoft',
    attributes: [
      { kind: 'sendKey', ...hidden(0x8001, sendKey) },
      { kind: 'receiveKey', ...hidden(0x8002, receiveKey) },
    ],
  });
  const accept: RadiusMessage = {
    ...request,
    kind: 'accessAccept',
    attributes: [...profileAttributes(profile), ...keys],
  };
  const datagram = (source: typeof node, destination: typeof node, ports: [number, number], data: Uint8Array) => {
    const payload = { kind: 'udp', sourcePort: ports[0], destinationPort: ports[1], data } as const;
    return { source, destination, hopLimit: 64, payload };
  };
  return [
    datagram(node, server, [radiusClientPort, radiusPort], encodeRequest(request, octets)),
    datagram(server, node, [radiusPort, radiusClientPort], encodeAnswer(accept, authenticator, octets)),
  ];
}

test('RFC 2865, RFC 6572: tshark reads our attributes as they were meant, and finds the answer authentic', {
  skip: withoutTshark,
}, () => {
  const file = join(folder, 'radius.pcapng');
  const blocks = exchange().map((packet, i) =>
    pcapngPacket(
      0,
      { seconds: 1_700_000_000, nanoseconds: i },
      encodeFrame({ source: mac, destination: mac, packet }),
      'radius',
    ),
  );
  const told = exchange().map(packet => dissect(encodePacket(packet), linkType.ipv6).layers.at(-1));
  assert.deepEqual(
    told.map(layer => layer?.name),
    ['RADIUS Access-Request', 'RADIUS Access-Accept'],
  );
  assert.match(JSON.stringify(told[1]), /2001:db8:a::1/);
  const interfaces = [{ name: 'core', linkType: linkType.ethernet }];
  writeFileSync(file, concatenate([pcapngHeader(interfaces, 'oracle'), ...blocks]));
  assert.equal(assertCleanCapture(file), 2);
  const [request, accept] = tsharkFields(file, [
    'radius.code',
    'radius.User_Name',
    'radius.Calling_Station_Id',
    'radius.NAS_IPv6_Address',
    'radius.Service_Type',
    'radius.MIP6_Feature_Vector',
    'radius.Mobile_Node_Identifier',
    'radius.PMIP6_Home_LMA_IPv6_Address',
    'radius.PMIP6_Home_HN_Prefix',
    'radius.PMIP6_Home_DHCP6_Server_Address',
    'radius.Framed_IPv6_Address',
    'radius.Message_Authenticator',
    'radius.MS_MPPE_Send_Key',
  ]);
  assert.deepEqual([request['radius.code'], request['radius.User_Name'], request['radius.Calling_Station_Id']].flat(), [
    '1',
    'host@example.net',
    '02-00-00-00-00-01',
  ]);
  assert.deepEqual(
    [request['radius.NAS_IPv6_Address'], request['radius.Service_Type'], request['radius.MIP6_Feature_Vector']].flat(),
    ['2001:db8:1::1', '10', '0000010000000000'],
  );
  assert.deepEqual(
    [
      accept['radius.code'],
      accept['radius.Mobile_Node_Identifier'],
      accept['radius.PMIP6_Home_LMA_IPv6_Address'],
      accept['radius.PMIP6_Home_HN_Prefix'],
      accept['radius.PMIP6_Home_DHCP6_Server_Address'],
      accept['radius.Framed_IPv6_Address'],
    ].flat(),
    [
      '2',
      bytesToHex(utf8Bytes('host@example.net')),
      '2001:db8:a::1',
      '004020010db8000a0001',
      '2001:db8:d::1',
      '2001:db8:a:1::7',
    ],
  );
  for (const { 'radius.Message_Authenticator': authenticators } of [request, accept])
    assert.equal(authenticators[0]?.length, 32);
  assert.match(accept['radius.MS_MPPE_Send_Key'][0], /^8001/);
  const preferences = ['-o', `radius.shared_secret:${secret}`, '-o', 'radius.validate_authenticator:TRUE'];
  const valid = execFileSync(
    'tshark',
    ['-n', '-2', '-r', file, ...preferences, '-T', 'fields', '-e', 'radius.authenticator.valid'],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  );
  assert.match(valid.split('\n')[1], /^(1|True)$/);
});

/** Every answer carries a Message-Authenticator only where the file says so: FreeRADIUS before 3.2.5. */
const users = `
host@example.net Calling-Station-Id == "02-00-00-00-00-01", Auth-Type := Accept
	Message-Authenticator = 0x00,
	Mobile-Node-Identifier = 0x${bytesToHex(utf8Bytes('host@example.net'))},
	PMIP6-Home-LMA-IPv6-Address = 2001:db8:a::1,
	PMIP6-Home-HN-Prefix = 2001:db8:a:1::/64,
	Framed-IPv6-Address = 2001:db8:a:1::7,
	PMIP6-Home-DHCP6-Server-Address = 2001:db8:d::1,
	MS-MPPE-Send-Key = 0x${sendKey},
	MS-MPPE-Recv-Key = 0x${receiveKey}

DEFAULT Auth-Type := Reject
	Message-Authenticator = 0x00,
	Reply-Message = "no such station"
`;

test('RFC 2865, RFC 2869, RFC 2548: FreeRADIUS takes our requests, and we take its answers, keys and all', {
  skip: withoutFreeradius,
}, async () => {
  const freeradius = await Freeradius.start(secret, users);
  try {
    const asking = new Asking();
    const loopback = await OnLoopback.open(asking, node, server);
    await loopback.ask(attached('host@example.net'), freeradius.port);
    await loopback.ask(attached('stranger@example.net'), freeradius.port);
    loopback.close();
    assert.deepEqual(asking.heard, [
      {
        kind: 'accessAccept',
        identity: '686f7374406578616d706c652e6e6574',
        lma: '2001:db8:a::1',
        prefix: '2001:db8:a:1::',
        keys: [sendKey, receiveKey],
      },
      { kind: 'accessReject', identity: undefined, lma: undefined, prefix: undefined, keys: [undefined, undefined] },
    ]);
  } finally {
    await freeradius.stop();
  }
});

const attached = (identity: string) =>
  ({ kind: 'attached', link: 'wlan0', station, identity, accessTechnology: 4 }) as const;

/** Asks of every station that comes, and keeps what is said. */
class Asking implements Engine {
  readonly interests = { protocols: [], accessLinks: [], udpPorts: [radiusClientPort] };
  readonly views = {};
  readonly counters = {};
  readonly deadline = undefined;
  readonly heard: object[] = [];
  readonly #client = new RadiusClient<string>(
    node,
    { servers: [{ address: server, secret: utf8Bytes(secret) }] },
    environment(),
  );

  handle(input: Parameters<Engine['handle']>[0], now: number) {
    if (input.kind === 'attached') return this.#client.ask('station', applicationAttributes(input), now);
    const answer = input.kind === 'packet' ? this.#client.receive(input.packet, now)?.answer : undefined;
    if (!answer) return [];
    const found = (kind: string) =>
      answer.attributes.find(attribute => attribute.kind === kind) as unknown as Record<string, never> | undefined;
    const name = found('mobileNodeIdentifier')?.identifier;
    const prefix = found('homeNetworkPrefix')?.prefix as { address: typeof node } | undefined;
    const address = found('homeLma')?.address;
    const keys = (['sendKey', 'receiveKey'] as const).map(kind => {
      const key = answer.key(kind);
      return key && bytesToHex(key);
    });
    this.heard.push({
      kind: answer.kind,
      identity: name && bytesToHex(utf8Bytes(name)),
      lma: address && formatAddress(address),
      prefix: prefix && formatAddress(prefix.address),
      keys,
    });
    return [];
  }
}

test('RFC 2865, RFC 6572, RFC 2548: radclient asks our server for access and for keys, and reads the answers', {
  skip: withoutFreeradius,
}, async () => {
  const engine = made(aaaServer, server, {
    clients: [
      { address: formatAddress(node), secret, may: ['access', 'keys'] },
      { address: formatAddress(lma), secret: 'nobody asks with this one', may: ['anchor'] },
    ],
    mobiles: [
      {
        identity: 'host@example.net',
        linkAddress: '02:00:00:00:00:01',
        anchor: '2001:db8:a::1',
        prefix: '2001:db8:a:1::/64',
        pmipClients: [formatAddress(node)],
      },
    ],
  });
  const loopback = await OnLoopback.open(engine, server, node);
  try {
    const asked = (attributes: string) => radclient(loopback.port, secret, attributes);
    const unanswered = (attributes: string, shared: string) => radclient(loopback.port, shared, attributes, 1);
    const mine = 'Message-Authenticator = 0x00\nUser-Name = "host@example.net"\n';
    const accept = await asked(`${mine}Calling-Station-Id = "02-00-00-00-00-01"\n`);
    assert.match(accept, /Received Access-Accept/);
    assert.match(accept, /Mobile-Node-Identifier = 0x686f7374406578616d706c652e6e6574/);
    assert.match(accept, /PMIP6-Home-LMA-IPv6-Address = 2001:db8:a::1/);
    assert.match(accept, /PMIP6-Home-HN-Prefix = 2001:db8:a:1::\/64/);
    const reject = await asked(`${mine}Calling-Station-Id = "02-00-00-00-00-02"\n`);
    assert.match(reject, /Received Access-Reject/);
    assert.match(reject, /Reply-Message = "host@example.net is not at 02:00:00:00:00:02"/);
    const keys = await asked(`${mine}PMIP6-Home-LMA-IPv6-Address = 2001:db8:a::1\nAttr-26.32473.5 = 0x01\n`);
    assert.match(keys, /Received Access-Accept/);
    const [sent, received] = ['Send', 'Recv'].map(
      which => new RegExp(`MS-MPPE-${which}-Key = 0x([0-9a-f]{40})\\b`).exec(keys)?.[1],
    );
    assert.ok(sent && received && sent !== received, keys);
    assert.match(await unanswered(mine, 'another secret'), /No reply/);
    assert.match(await unanswered('User-Name = "host@example.net"\n', secret), /No reply/);
    assert.equal(engine.counters.discardedUnauthentic, 2);
  } finally {
    loopback.close();
  }
});
