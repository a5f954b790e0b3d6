import assert from 'node:assert/strict';
import { parseAddress } from '../../src/base/address.js';
import { bytesToHex, hexToBytes } from '../../src/base/text.js';
import { Authenticator, authenticationOption } from '../../src/protocol/security/authenticator.js';
import { type EspKeys, initializationVectors, open, seal } from '../../src/protocol/security/esp.js';
import { decodePacket, encodePacket, encodePayload } from '../../src/wire/ipv6/codec.js';
import { bindingAcknowledgementFlags } from '../../src/wire/mobility/messages.js';
import { scapy, scapyTest } from '../support/scapy.js';
import { anchor, environment, gateway, messageOf, mobility, update } from '../support/signalling.js';

const key = '000102030405060708090a0b0c0d0e0f';
const salt = 'a1a2a3a4';
const authenticationKey = '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff';

const suites: [string, EspKeys, string][] = [
  [
    'AES-GCM-128',
    { cipher: 'aes-128-gcm', key: hexToBytes(key), salt: hexToBytes(salt) },
    `crypt_algo='AES-GCM', crypt_key=bytes.fromhex('${key}${salt}')`,
  ],
  [
    'AES-CBC-128 with HMAC-SHA-256-128',
    {
      cipher: 'aes-128-cbc-hmac-sha-256-128',
      key: hexToBytes(key),
      authenticationKey: hexToBytes(authenticationKey),
    },
    `crypt_algo='AES-CBC', crypt_key=bytes.fromhex('${key}'), auth_algo='SHA2-256-128', auth_key=bytes.fromhex('${authenticationKey}')`,
  ],
];

for (const [title, keys, arguments_] of suites) {
  const association = `sa = SecurityAssociation(ESP, spi=0x1234, seq_num=7, ${arguments_})`;

  scapyTest(`RFC 4303: scapy opens what we seal with ${title}`, () => {
    const packet = mobility(gateway, anchor, update(1));
    const content = encodePayload(packet);
    const data = seal(keys, { spi: 0x1234, sequence: 7 }, content, initializationVectors(environment().random));
    const sealed = encodePacket({ ...packet, payload: { kind: 'raw', protocol: 50, data } });
    const opened = scapy(
      `${association}\nprint(json.dumps(bytes(sa.decrypt(IPv6(bytes.fromhex(input)))).hex()))`,
      bytesToHex(sealed),
    );
    assert.equal(opened, bytesToHex(encodePacket(packet)));
  });

  scapyTest(`RFC 4303: we open what scapy seals with ${title}`, () => {
    const packet = encodePacket(mobility(gateway, anchor, update(1)));
    const sealed = scapy(
      `${association}\nprint(json.dumps(bytes(sa.encrypt(IPv6(bytes.fromhex(input)))).hex()))`,
      bytesToHex(packet),
    );
    const outer = decodePacket(hexToBytes(sealed as string));
    assert.ok(outer.payload.kind === 'raw' && outer.payload.protocol === 50);
    const content = open(keys, outer.payload.data);
    assert.deepEqual(content, { protocol: 135, data: packet.slice(40) });
  });
}

/** RFC 4285 §5.1 over the octets of the packet, written down a second time. */
const mac = `
packet = bytes.fromhex(input['packet'])
header = bytearray(packet[40:40 + 8 * (packet[41] + 1)])
header[4:6] = b'\\0\\0'
end = header.rindex(bytes.fromhex(input['option'])) + 7
data = bytes.fromhex(input['addresses']) + bytes(header[:end])
print(json.dumps([hmac.new(bytes.fromhex(input['key']), data, hashlib.sha1).hexdigest()[:24], bytes(header[end:end + 12]).hex()]))
`;

scapyTest('RFC 4285 §5.1: the authentication data is what hashlib makes of the octets on the wire', () => {
  const authenticator = new Authenticator(0x1234, hexToBytes(key));
  const acknowledgement = {
    kind: 'bindingAcknowledgement',
    status: 0,
    flags: bindingAcknowledgementFlags({ proxy: true }),
    sequence: 1,
    lifetimeS: 40,
    options: [],
  } as const;
  const up = mobility(gateway, anchor, update(1));
  const down = mobility(anchor, gateway, acknowledgement);
  const addresses = 'fd000000000000000000000000000001fd000000000000000000000000000002';
  for (const packet of [up, down]) {
    const message = messageOf(packet);
    assert.ok(message.kind !== 'unknown');
    const signed = authenticator.sign(packet, message);
    const octets = encodePacket({ ...packet, payload: { kind: 'mobility', message: signed } });
    const option = '09110100001234';
    const [expected, found] = scapy(mac, { packet: bytesToHex(octets), option, addresses, key }) as string[];
    assert.equal(found, expected);
    assert.equal(bytesToHex(authenticationOption(signed)?.authenticator ?? new Uint8Array()), expected);
  }
});

scapyTest('RFC 4285 §5.1: with a Home Address option the data begins with care-of and home address', () => {
  const authenticator = new Authenticator(0x1234, hexToBytes(key));
  const homeAddress = parseAddress('fd00:1::10');
  const headers = [{ kind: 'destinationOptions', options: [{ kind: 'homeAddress', address: homeAddress }] }] as const;
  const packet = { ...mobility(gateway, anchor, update(1)), headers };
  const signed = authenticator.sign(packet, update(1));
  const octets = encodePacket({ ...packet, payload: { kind: 'mobility', message: signed } });
  const inner = Uint8Array.of(...octets.subarray(0, 40), ...octets.subarray(64));
  const addresses = 'fd000000000000000000000000000001fd000001000000000000000000000010';
  const option = '09110100001234';
  const [expected, found] = scapy(mac, { packet: bytesToHex(inner), option, addresses, key }) as string[];
  assert.equal(found, expected);
});
