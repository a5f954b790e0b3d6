#!/usr/bin/env python3
"""Writes the vectors beside it: octets that scapy made, or laid out here field by field from the figure of the section
named, and what they say. Nothing comes from Anchorage's own encoder. The checksums of Mobility Headers are computed
here: scapy leaves the home address out of the pseudo-header when padding stands before the Home Address option.

    python3 vectors/make.py        # needs scapy 2.5
"""
import json
from ipaddress import IPv6Address
from pathlib import Path

from scapy.all import IP, IPv6, TCP, UDP, Raw, raw
from scapy.layers import inet6 as s
from scapy.layers.sctp import SCTP, SCTPChunkData

NODE, PEER, HOME = '2001:db8:1::1', '2001:db8:2::2', '2001:db8:3::3'
MAC = '02:00:00:00:00:01'
NONE, MOBILITY, DESTINATION_OPTIONS, ROUTING = 59, 135, 60, 43


def address(text):
    return IPv6Address(text).packed


def checksum(data, source, destination, protocol):
    data = address(source) + address(destination) + len(data).to_bytes(4, 'big') + bytes([0, 0, 0, protocol]) + data
    data += bytes(len(data) % 2)
    total = sum(int.from_bytes(data[i : i + 2], 'big') for i in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def with_checksum(header, source, destination):
    value = checksum(header, source, destination, MOBILITY)
    return header[:4] + value.to_bytes(2, 'big') + header[6:]


def ipv6(next_header, payload):
    fixed = bytes.fromhex('60000000') + len(payload).to_bytes(2, 'big') + bytes([next_header, 64])
    return fixed + address(NODE) + address(PEER) + payload


def mobility(hexadecimal, home_option=False, routing=False):
    """A Mobility Header in hexadecimal, its checksum 0000, in a packet; blanks group the fields."""
    header = bytes.fromhex(hexadecimal)
    assert len(header) == 8 * (header[1] + 1), f'{len(header)} octets: {hexadecimal}'
    header = with_checksum(header, HOME if home_option else NODE, HOME if routing else PEER)
    first, before = MOBILITY, b''
    if home_option:
        before = bytes([first, 2, 1, 2, 0, 0, 201, 16]) + address(HOME)
        first = DESTINATION_OPTIONS
    if routing:
        before = bytes([first, 2, 2, 1, 0, 0, 0, 0]) + address(HOME) + before
        first = ROUTING
    return ipv6(first, before + header)


def nested(hexadecimal, inner):
    """A Mobility Header with a whole packet behind it."""
    return ipv6(MOBILITY, with_checksum(bytes.fromhex(hexadecimal), NODE, PEER) + inner)


def icmpv6(hexadecimal):
    """An ICMPv6 message in hexadecimal, its checksum 0000, in a packet."""
    message = bytes.fromhex(hexadecimal)
    value = checksum(message, NODE, PEER, 58)
    return ipv6(58, message[:2] + value.to_bytes(2, 'big') + message[4:])


def scapy_mobility(header, home_option=False, routing=False):
    header.cksum = 0
    return mobility(raw(header).hex(), home_option, routing)


def hexadecimal(text):
    return address(text).hex()


def ip(payload):
    return raw(IPv6(src=NODE, dst=PEER, hlim=255) / payload)


def sctp(port, identifier, unordered, message):
    """A message in hexadecimal in a DATA chunk of a packet; scapy computes CRC32c."""
    data = bytes.fromhex(message)
    chunk = SCTPChunkData(tsn=7, stream_id=0, stream_seq=0, proto_id=identifier, unordered=unordered, beginning=1, ending=1, data=data)
    return ip(SCTP(sport=port, dport=port, tag=0x01020304) / chunk)


def pmip(message):
    assert len(bytes.fromhex(message)) == bytes.fromhex(message)[1]
    return sctp(49153, 0x504D4147, 0, message)


def cxtp(message):
    octets = bytes.fromhex(message)
    assert len(octets) == int.from_bytes(octets[2:4], 'big')
    return sctp(5091, 0x43585450, 1, message)


NAI = 'mn1@example.org'
nai = NAI.encode().hex()

FILES = {
    'mobility-messages': [
        ('Binding Refresh Request', 'RFC 6275 §6.1.2', 'scapy', scapy_mobility(s.MIP6MH_BRR()), 'Binding Refresh Request', {}),
        ('Home Test Init', 'RFC 6275 §6.1.3', 'scapy', scapy_mobility(s.MIP6MH_HoTI(cookie=b'cookie01')), 'Home Test Init', {'cookie': b'cookie01'.hex()}),
        ('Care-of Test Init', 'RFC 6275 §6.1.4', 'scapy', scapy_mobility(s.MIP6MH_CoTI(cookie=b'cookie02')), 'Care-of Test Init', {'cookie': b'cookie02'.hex()}),
        ('Home Test', 'RFC 6275 §6.1.5', 'scapy', scapy_mobility(s.MIP6MH_HoT(index=7, cookie=b'cookie01', token=b'token-01')), 'Home Test', {'nonceIndex': 7, 'cookie': b'cookie01'.hex(), 'keygenToken': b'token-01'.hex()}),
        ('Care-of Test', 'RFC 6275 §6.1.6', 'scapy', scapy_mobility(s.MIP6MH_CoT(index=8, cookie=b'cookie02', token=b'token-02')), 'Care-of Test', {'nonceIndex': 8, 'cookie': b'cookie02'.hex(), 'keygenToken': b'token-02'.hex()}),
        ('Binding Update with the Home Address option', 'RFC 6275 §6.1.7', 'scapy', scapy_mobility(s.MIP6MH_BU(seq=0x1234, flags='HA', mhtime=100), home_option=True), 'Binding Update', {'sequence': 0x1234, 'flags': 'acknowledge, homeRegistration', 'lifetimeS': 400}),
        ('Binding Update with every flag', 'RFC 6275 §6.1.7, RFC 4140 §4.1, RFC 3963, gundavelli §4.1 [G00-4.1-01]', 'by hand', mobility('3b 01 05 00 0000 0001 fe00 0002 01 02 0000'), 'Proxy Binding Update', {'flags': 'acknowledge, homeRegistration, linkLocalCompatibility, keyManagement, map, mobileRouter, proxy', 'lifetimeS': 8}),
        ('Binding Acknowledgement with a type 2 routing header', 'RFC 6275 §6.1.8', 'scapy', scapy_mobility(s.MIP6MH_BA(status=0, flags='K', seq=0x1234, mhtime=100), routing=True), 'Binding Acknowledgement', {'status': 0, 'status meaning': 'Binding Update accepted', 'flags': 'keyManagement', 'sequence': 0x1234, 'lifetimeS': 400}),
        ('Binding Acknowledgement with every flag', 'RFC 6275 §6.1.8, RFC 3963, gundavelli §4.2 [G00-4.2-01]', 'by hand', mobility('3b 01 06 00 0000 00 e0 0001 0002 01 02 0000'), 'Proxy Binding Acknowledgement', {'flags': 'keyManagement, mobileRouter, proxy'}),
        ('Proxy registration not supported', 'gundavelli §5.1 [G00-5.1-01, G00-10-02]', 'by hand', mobility('3b 01 06 00 0000 8c 20 0001 0000 01 02 0000'), 'Proxy Binding Acknowledgement', {'status': 140, 'status meaning': 'Proxy registration not supported'}),
        ('Binding cache entry missing', 'gundavelli §5.1 [G00-5.1-02, G00-10-02]', 'by hand', mobility('3b 01 06 00 0000 8d 20 0001 0000 01 02 0000'), 'Proxy Binding Acknowledgement', {'status': 141, 'status meaning': 'Binding cache entry missing'}),
        ('Status 141 of a mobile router', 'RFC 3963 §4.2 [G00-5.1-03]', 'by hand', mobility('3b 01 06 00 0000 8d 40 0001 0000 01 02 0000'), 'Binding Acknowledgement', {'status': 141, 'status meaning': 'Invalid prefix'}),
        ('Binding Error', 'RFC 6275 §6.1.9', 'scapy', scapy_mobility(s.MIP6MH_BE(status=2, ha=HOME)), 'Binding Error', {'status': 2, 'homeAddress': HOME}),
        ('Fast Binding Update with every flag', 'RFC 5568 §6.2.2, RFC 4140 Appendix A [H4140-AppA-12]', 'by hand', mobility('3b 06 08 00 0000 1234 f001 0002 01 00 03 10' + hexadecimal(HOME) + '01 00 15 10 000003e8' + '22' * 12 + '01 02 0000'), 'Fast Binding Update', {'sequence': 0x1234, 'flags': 'acknowledge, homeRegistration, linkLocalCompatibility, keyManagement, simultaneousBindings', 'lifetimeS': 8, 'options': {'alternateCareOfAddress': {'careOfAddress': HOME}, 'fastBindingAuthorizationData': {'spi': 1000, 'authenticator': '22' * 12}}}),
        ('Fast Binding Acknowledgment', 'RFC 5568 §6.2.3', 'by hand', mobility('3b 01 09 00 0000 01 80 1234 0002 01 02 0000'), 'Fast Binding Acknowledgment', {'status': 1, 'status meaning': 'Accepted, use the supplied NCoA', 'flags': 'keyManagement', 'sequence': 0x1234, 'lifetimeS': 8}),
        ('Fast Neighbor Advertisement', 'RFC 4068 §6.3.3', 'by hand', mobility('3b 02 0a 00 0000 0000 07 07 02 020000000001 01 05 0000000000'), 'Fast Neighbor Advertisement', {'options': {'linkLayerAddress': {'code': 2, 'address': MAC}}}),
        ('Location query', 'RFC 5096 §3, chan §6.2', 'by hand', mobility('3b 03 0b 00 0000 01 00 0102 0000 16 12 00 80' + hexadecimal(HOME)), 'Location Query', {'operation': 1, 'operation meaning': 'Query', 'sequence': 0x102, 'lifetimeS': 0, 'options': {'homeNetworkPrefix': {'length': 128, 'address': HOME}}}),
        ('Answer to a location query', 'RFC 5096 §3, chan §6.2', 'by hand', mobility('3b 08 0b 00 0000 02 00 0102 0002 16 12 00 80' + hexadecimal(HOME) + '01 02 0000 29 12 01 00' + hexadecimal(PEER) + '01 00 1b 08 00006553f100 8000 01 02 0000'), 'Location Query', {'operation': 2, 'operation meaning': 'Answer', 'sequence': 0x102, 'lifetimeS': 8, 'options': {'localMobilityAnchorAddress': {'code': 1, 'address': PEER}, 'timestamp': {'seconds': 1700000000, 'fraction': 0x8000}}}),
        ('Handover Initiate', 'RFC 5568 §6.2.1.1, §6.4.2, §6.4.4', 'by hand', mobility('3b 04 0e 00 0000 0102 c0 00 07 07 02 020000000001 00 22 12 02 80' + hexadecimal(HOME)), 'Handover Initiate', {'sequence': 0x102, 'flags': 'assignedAddress, buffer', 'code': 0, 'code meaning': 'FBU from the PCoA', 'options': {'linkLayerAddress': {'code': 2, 'address': MAC}, 'ipAddressPrefix': {'code': 2, 'prefixLength': 128, 'address': HOME}}}),
        ('Handover Acknowledge', 'RFC 5568 §6.2.1.2', 'by hand', mobility('3b 01 0f 00 0000 0102 00 02 01 04 00000000'), 'Handover Acknowledge', {'sequence': 0x102, 'code': 2, 'code meaning': 'Handover accepted, NCoA assigned'}),
        ('Binding Revocation Indication', 'RFC 5846 §5.1', 'by hand', mobility('3b 01 10 00 0000 01 03 0102 8000 01 02 0000'), 'Binding Revocation Indication', {'trigger': 3, 'sequence': 0x102, 'flags': 'proxy'}),
        ('Binding Update behind another', 'dommety §2.2.2, §3.1', 'by hand', nested('29 01 05 00 0000 0102 0000 0002 01 02 0000', mobility('3b 02 05 00 0000 0103 c000 0002 20 06 0000 c0000201 01 02 0000')), 'Binding Update', {'sequence': 0x102}),
        ('Binding Acknowledgement behind another', 'dommety §3.2.1', 'by hand', nested('29 01 06 00 0000 00 00 0102 0002 01 02 0000', mobility('3b 01 06 00 0000 81 00 0102 0002 01 02 0000')), 'Binding Acknowledgement', {'sequence': 0x102, 'status': 0}),
        ('Binding Revocation Acknowledgement', 'RFC 5846 §5.2', 'by hand', mobility('3b 01 10 00 0000 02 80 0102 e000 01 02 0000'), 'Binding Revocation Acknowledgement', {'status': 128, 'status meaning': 'Binding does not exist', 'sequence': 0x102, 'flags': 'proxy, ipv4HomeAddressOnly, global'}),
        ('a revocation type that is neither', 'RFC 5846 §5', 'by hand', mobility('3b 01 10 00 0000 03 80 0102 e000 01 02 0000'), 'Unknown message', {'type': 16, 'data': '03800102e00001020000'}),
        ('an unknown MH Type', 'RFC 6275 §9.2', 'by hand', mobility('3b 01 15 00 0000 01 02 03 04 05 06 07 08 09 0a'), 'Unknown message', {'type': 21, 'data': '0102030405060708090a'}),
    ],
    'mobility-options': [
        ('Binding Refresh Advice', 'RFC 6275 §6.2.4', 'scapy', scapy_mobility(s.MIP6MH_BA(options=[s.MIP6OptBRAdvice(rinter=50)])), 'Binding Acknowledgement', {'options': {'bindingRefreshAdvice': {'refreshIntervalS': 200}}}),
        ('Alternate Care-of Address', 'RFC 6275 §6.2.5', 'scapy', scapy_mobility(s.MIP6MH_BU(options=[s.MIP6OptAltCoA(acoa=HOME)])), 'Binding Update', {'options': {'alternateCareOfAddress': {'careOfAddress': HOME}}}),
        ('Nonce Indices and Binding Authorization Data', 'RFC 6275 §6.2.6, §6.2.7', 'by hand', mobility('3b 03 05 00 0000 0001 8000 0002 04 04 0007 0008 05 0c' + '11' * 12), 'Binding Update', {'options': {'nonceIndices': {'homeNonceIndex': 7, 'careOfNonceIndex': 8}, 'bindingAuthorizationData': {'authenticator': '11' * 12}}}),
        ('Mobile Network Prefix', 'RFC 3963 §4.3', 'scapy', scapy_mobility(s.MIP6MH_BU(options=[s.MIP6OptMobNetPrefix(plen=48, prefix='2001:db8:5::')])), 'Binding Update', {'options': {'mobileNetworkPrefix': {'length': 48, 'address': '2001:db8:5::'}}}),
        ('Mobile Node Identifier', 'RFC 4283 §3', 'scapy', scapy_mobility(s.MIP6MH_BU(options=[s.MIP6OptMNID(id=NAI.encode())])), 'Binding Update', {'options': {'mobileNodeIdentifier': {'subtype': 1, 'subtype meaning': 'NAI', 'identifier': NAI}}}),
        ('Mobility Message Authentication after MESG-ID', 'RFC 4285 §5, §6', 'scapy', scapy_mobility(s.MIP6MH_BU(options=[s.MIP6OptReplayProtection(timestamp=(5 << 32) + 6), s.MIP6OptMsgAuth(subtype=1, mspi=3, authdata=b'\x22' * 12)])), 'Binding Update', {'options': {'replayProtection': {'ntpSeconds': 5, 'ntpFraction': 6}, 'mobilityMessageAuthentication': {'subtype': 1, 'spi': 3, 'authenticator': '22' * 12}}}),
        ('Binding Cache Confirmation', 'RFC 5094, gundavelli §4.3 [G00-4.3-01, G00-10-01]', 'by hand', mobility('3b 02 05 00 0000 0001 8200 0002 01 00 13 05 00007ed9 01 01 01 00'), 'Proxy Binding Update', {'options': {'vendorSpecific': {'content': {'kind': 'bindingCacheConfirmation'}}}}),
        ('Assigned Home Address', 'RFC 5094, gundavelli §6.1', 'by hand', mobility('3b 04 06 00 0000 00 20 0001 0002 01 00 13 18 00007ed9 02 00 00 40 ' + hexadecimal(HOME)), 'Proxy Binding Acknowledgement', {'options': {'vendorSpecific': {'content': {'kind': 'assignedHomeAddress', 'prefixLength': 64, 'address': HOME}}}}),
        ('a vendor of somebody else', 'RFC 5094', 'by hand', mobility('3b 02 05 00 0000 0001 8200 0002 01 00 13 07 0000000a 63 aa bb 00'), 'Proxy Binding Update', {'options': {'vendorSpecific': {'content': {'kind': 'other', 'enterprise': 10, 'subtype': 99, 'data': 'aabb'}}}}),
        ('a full Proxy Binding Update', 'RFC 5213 §8.1, §8.3 to §8.8', 'by hand', mobility(
            '3b 0d 05 00 0000 0005 8200 0384'
            ' 08 10 01' + nai +  # 12..30
            ' 01 04 00000000'  # 30..36: Home Network Prefix stands at 8n+4
            ' 16 12 00 40 2001 0db8 0005 0000 0000 0000 0000 0000'  # 36..56
            ' 17 02 00 03  18 02 00 04'  # 56..64
            ' 19 08 00 00 02 00 00 00 00 01'  # 64..74
            ' 01 02 00 00'  # 74..78: Link-local Address stands at 8n+6
            ' 1a 10 fe80 0000 0000 0000 0000 0000 0000 0001'  # 78..96
            ' 01 00  1b 08 0000 6553f100 8000'  # 96..108: Timestamp stands at 8n+2
            ' 01 02 0000'), 'Proxy Binding Update', {'sequence': 5, 'lifetimeS': 3600, 'options': {
                'mobileNodeIdentifier': {'identifier': NAI},
                'homeNetworkPrefix': {'length': 64, 'address': '2001:db8:5::'},
                'handoffIndicator': {'indicator': 3},
                'accessTechnologyType': {'type': 4},
                'mobileNodeLinkLayerIdentifier': {'identifier': MAC},
                'linkLocalAddress': {'address': 'fe80::1'},
                'timestamp': {'seconds': 0x6553F100, 'fraction': 0x8000}}}),
        ('Simultaneous bindings', 'RFC 5094, RFC 4140 Appendix A [H4140-AppA-12]', 'by hand', mobility('3b 02 09 00 0000 00 00 0001 0002 01 00 13 07 00007ed9 05 0102 00'), 'Fast Binding Acknowledgment', {'options': {'vendorSpecific': {'content': {'kind': 'simultaneousBindings', 'lifetimeMs': 0x102}}}}),
        ('IPv4 tunnel asked for', 'RFC 5094, dommety §2.2.2', 'by hand', mobility('3b 02 05 00 0000 0001 c000 0002 01 00 13 06 00007ed9 03 80 01 00'), 'Binding Update', {'options': {'vendorSpecific': {'content': {'kind': 'tunnelRequest', 'flags': 'ipv4'}}}}),
        ('IPv4 tunnel preferred', 'RFC 5094, dommety §2.2.2', 'by hand', mobility('3b 02 06 00 0000 00 00 0001 0002 01 00 13 06 00007ed9 04 02 01 00'), 'Binding Acknowledgement', {'options': {'vendorSpecific': {'content': {'kind': 'tunnelPreference', 'family': 2}}}}),
        ('Upstream agent with IPv4', 'RFC 5094, dommety §3.2', 'by hand', mobility('3b 06 05 00 0000 0001 0000 0002 01 00 13 28 00007ed9 08 80 0000 ' + hexadecimal(HOME) + hexadecimal('::ffff:192.0.2.1')), 'Binding Update', {'options': {'vendorSpecific': {'content': {'kind': 'upstreamAgent', 'flags': 'relay', 'addresses': f'{HOME}, ::ffff:192.0.2.1'}}}}),
        ('LMA Address', 'RFC 5949 §6.2.2', 'by hand', mobility('3b 03 05 00 0000 0001 8200 0002 29 12 01 00' + hexadecimal(HOME)), 'Proxy Binding Update', {'options': {'localMobilityAnchorAddress': {'code': 1, 'code meaning': 'IPv6', 'address': HOME}}}),
        ('MAG IPv6 Address', 'RFC 6705 §11.2', 'by hand', mobility('3b 03 05 00 0000 0001 8200 0002 33 12 00 80' + hexadecimal(HOME)), 'Proxy Binding Update', {'options': {'gatewayAddress': {'length': 128, 'address': HOME}}}),
        ('Role of a message between distributed anchors', 'RFC 5094, chan §4.3 to §5.4', 'by hand', mobility('3b 02 05 00 0000 0001 0200 0002 01 00 13 06 00007ed9 07 02 01 00'), 'Proxy Binding Update', {'options': {'vendorSpecific': {'content': {'kind': 'distributedRole', 'role': 2, 'role meaning': 'Location'}}}}),
        ('Anchoring', 'RFC 5094, dommety §4.2', 'by hand', mobility('3b 03 05 00 0000 0001 0000 0002 01 00 13 0c 00007ed9 09 000000 00000005 01 02 0000'), 'Binding Update', {'options': {'vendorSpecific': {'content': {'kind': 'anchoring', 'zone': 5}}}}),
        ('IPv4 Home Address', 'RFC 5555 §3.1.1', 'by hand', mobility('3b 02 05 00 0000 0001 c000 0002 1d 06 8000 c0000201 01 02 0000'), 'Binding Update', {'options': {'ipv4HomeAddress': {'prefix': {'length': 32, 'requested': 0}, 'address': '::ffff:192.0.2.1'}}}),
        ('IPv4 Address Acknowledgement', 'RFC 5555 §3.2.1', 'by hand', mobility('3b 02 06 00 0000 00 00 0001 0002 1e 06 84 00 c0000201 01 02 0000'), 'Binding Acknowledgement', {'options': {'ipv4AddressAcknowledgement': {'status': 132, 'prefix': {'length': 0}, 'address': '::ffff:192.0.2.1'}}}),
        ('IPv4 Care-of Address', 'RFC 5555 §3.1.2', 'by hand', mobility('3b 02 05 00 0000 0001 c000 0002 20 06 0000 c0000201 01 02 0000'), 'Binding Update', {'options': {'ipv4CareOfAddress': {'address': '::ffff:192.0.2.1'}}}),
        ('an unknown option', 'RFC 6275 §6.2.1', 'by hand', mobility('3b 02 05 00 0000 0001 8000 0002 c8 03 aa bb cc 01 05 00 00 00 00 00'), 'Binding Update', {'options': {'unknown': {'type': 200, 'data': 'aabbcc'}}}),
    ],
    'services': [
        ('Trigger', 'draft-singh §4.9.1, §4.9.3', 'by hand', pmip('01 2f 2000 01020304  01 10 01' + nai + '02 10' + hexadecimal(HOME) + '05 01 80'), 'Trigger', {'sourcePort': 49153, 'chunks': {'data': {'trigger': {'transaction': 0x01020304, 'options': {'l2Id': {'subtype': 1, 'identifier': NAI}, 'ipAddress': {'address': HOME}, 'flags': {'flags': 'stateless'}}}}}}),
        ('Notification', 'draft-singh §4.9.2', 'by hand', pmip('02 3d 2000 01020304  04 01 83  03 30' + mobility('3b 00 06 00 0000 0000')[:48].hex()), 'Notification', {'chunks': {'data': {'notification': {'transaction': 0x01020304, 'options': {'status': {'status': 131, 'status meaning': 'Refused by the LMA'}}}}}}),
        ('Trigger of another version', 'draft-singh §4.9.1', 'by hand', pmip('01 0c 4000 01020304 aabbccdd'), 'Unknown message', {'chunks': {'data': {'unknown': {'type': 1, 'version': 2, 'transaction': 0x01020304, 'data': 'aabbccdd'}}}}),
        ('Context Transfer Data with a PMIP context', 'RFC 4067 §2.5.3, §2.4', 'by hand', cxtp('23 40 0030 00000102' + hexadecimal(HOME) + 'ff01 03 80 10000000' + hexadecimal(PEER)), 'Context Transfer Data', {'chunks': {'data': {'contextTransferData': {'flags': 'acknowledge', 'elapsedMs': 0x102, 'previousAddress': HOME, 'blocks': {'pmipContext': {'pmipClientAddress': PEER}}}}}}),
        ('Predictive Context Transfer Data', 'RFC 4067 §2.5.3', 'by hand', cxtp('24 00 0024 00000000' + hexadecimal(HOME) + '0001 0008 0102030405060708'), 'Predictive Context Transfer Data', {'chunks': {'data': {'predictiveContextTransferData': {'algorithm': 1, 'key': '0102030405060708'}}}}),
        ('Context Transfer Request', 'RFC 4067 §2.5.6', 'by hand', cxtp('27 00 001c' + hexadecimal(HOME) + '00000009 00000000'), 'Context Transfer Request', {'chunks': {'data': {'contextTransferRequest': {'previousAddress': HOME, 'sequence': 9, 'token': 0}}}}),
        ('Context Transfer Cancel', 'RFC 4067 §2.5.5', 'by hand', cxtp('26 00 0014' + hexadecimal(HOME)), 'Context Transfer Cancel', {'chunks': {'data': {'contextTransferCancel': {'previousAddress': HOME}}}}),
        ('forwarding ended', 'RFC 4067 §2.4', 'by hand', cxtp('23 00 0020 00000000' + hexadecimal(HOME) + 'ff02 01 00 00000000'), 'Context Transfer Data', {'chunks': {'data': {'contextTransferData': {'blocks': {'forwardingEnded': {}}}}}}),
    ],
    'icmpv6': [
        ('Echo Request', 'RFC 4443 §4.1', 'scapy', ip(s.ICMPv6EchoRequest(id=1, seq=2, data=b'hello')), 'Echo Request', {'identifier': 1, 'sequence': 2, 'data': b'hello'.hex()}),
        ('Echo Reply', 'RFC 4443 §4.2', 'scapy', ip(s.ICMPv6EchoReply(id=1, seq=2, data=b'hello')), 'Echo Reply', {'identifier': 1, 'sequence': 2}),
        ('Destination Unreachable', 'RFC 4443 §3.1', 'scapy', ip(s.ICMPv6DestUnreach(code=3) / Raw(b'\x60cut off')), 'Destination Unreachable', {'code': 3, 'code meaning': 'Address unreachable', 'packet': b'\x60cut off'.hex()}),
        ('Packet Too Big', 'RFC 4443 §3.2', 'scapy', ip(s.ICMPv6PacketTooBig(mtu=1280) / Raw(b'\x60cut off')), 'Packet Too Big', {'mtu': 1280}),
        ('Time Exceeded', 'RFC 4443 §3.3', 'scapy', ip(s.ICMPv6TimeExceeded(code=0) / Raw(b'\x60cut off')), 'Time Exceeded', {'code': 0}),
        ('Parameter Problem', 'RFC 4443 §3.4', 'scapy', ip(s.ICMPv6ParamProblem(code=2, ptr=42) / Raw(b'\x60cut off')), 'Parameter Problem', {'code': 2, 'pointer': 42}),
        ('Router Solicitation', 'RFC 4861 §4.1', 'scapy', ip(s.ICMPv6ND_RS() / s.ICMPv6NDOptSrcLLAddr(lladdr=MAC)), 'Router Solicitation', {'options': {'sourceLinkLayerAddress': {'address': MAC}}}),
        ('Router Advertisement', 'RFC 4861 §4.2, §4.6; RFC 6275 §7; RFC 4140 §4.2; RFC 8106 §5.1', 'scapy', ip(s.ICMPv6ND_RA(chlim=64, M=1, O=1, H=1, prf=0, routerlifetime=1800, reachabletime=30000, retranstimer=1000) / s.ICMPv6NDOptSrcLLAddr(lladdr=MAC) / s.ICMPv6NDOptPrefixInfo(prefixlen=64, L=0, A=1, R=1, validlifetime=7200, preferredlifetime=3600, prefix='2001:db8:5::') / s.ICMPv6NDOptMTU(mtu=1460) / s.ICMPv6NDOptAdvInterval(advint=500) / s.ICMPv6NDOptHAInfo(pref=3, lifetime=1800) / s.ICMPv6NDOptMAP(dist=2, pref=9, R=1, validlifetime=600, addr=HOME) / s.ICMPv6NDOptRDNSS(lifetime=60, dns=[HOME, PEER])), 'Router Advertisement', {
            'currentHopLimit': 64, 'flags': 'managed, other, homeAgent', 'routerLifetimeS': 1800, 'reachableTimeMs': 30000, 'retransTimerMs': 1000, 'options': {
                'sourceLinkLayerAddress': {'address': MAC},
                'prefixInformation': {'length': 64, 'flags': 'autonomous, routerAddress', 'validLifetimeS': 7200, 'preferredLifetimeS': 3600, 'prefix': '2001:db8:5::'},
                'mtu': {'mtu': 1460}, 'advertisementInterval': {'intervalMs': 500}, 'homeAgentInformation': {'preference': 3, 'lifetimeS': 1800},
                'map': {'place': {'distance': 2, 'preference': 9}, 'flags': 'rcoaRequired', 'validLifetimeS': 600, 'address': HOME},
                'recursiveDnsServer': {'lifetimeS': 60, 'servers': f'{HOME}, {PEER}'}}}),
        ('Neighbor Solicitation with a nonce', 'RFC 4861 §4.3, RFC 3971 §5.3.2', 'scapy', ip(s.ICMPv6ND_NS(tgt=HOME) / s.ICMPv6NDOptUnknown(type=14, len=1, data=b'nonce!')), 'Neighbor Solicitation', {'target': HOME, 'options': {'nonce': {'nonce': b'nonce!'.hex()}}}),
        ('Neighbor Advertisement', 'RFC 4861 §4.4', 'scapy', ip(s.ICMPv6ND_NA(R=1, S=1, O=1, tgt=HOME) / s.ICMPv6NDOptDstLLAddr(lladdr=MAC)), 'Neighbor Advertisement', {'flags': 'router, solicited, override', 'target': HOME, 'options': {'targetLinkLayerAddress': {'address': MAC}}}),
        ('Redirect', 'RFC 4861 §4.5, §4.6.3', 'scapy', ip(s.ICMPv6ND_Redirect(tgt=PEER, dst=HOME) / s.ICMPv6NDOptRedirectedHdr(pkt=b'\x60' + bytes(15))), 'Redirect', {'target': PEER, 'destination': HOME, 'options': {'redirectedHeader': {'packet': '60' + '00' * 15}}}),
        ('Router Solicitation for Proxy Advertisement', 'RFC 5568 §6.1.1, §6.4.3', 'by hand', icmpv6('9a 00 0000 02 00 0102 13 02 04 020000000001 00000000000000 13 02 01 020000000001 00000000000000'), 'Router Solicitation for Proxy Advertisement', {'type': 154, 'identifier': 0x102}),
        ('Proxy Router Advertisement', 'RFC 5568 §6.1.2, §6.4.1', 'by hand', icmpv6('9a 03 0000 03 00 0102 13 02 06 020000000001 00000000000000 11 03 04 40 00000000' + hexadecimal('2001:db8:5::')), 'Proxy Router Advertisement', {'code': 3, 'code meaning': 'New router information for some access points', 'options': {'linkLayerAddress': {'code': 6, 'code meaning': 'No prefix information', 'address': MAC}, 'ipAddressPrefix': {'code': 4, 'prefixLength': 64, 'address': '2001:db8:5::'}}}),
        ('Router Advertisement of local mobility agents', 'dommety §2.2.1, §4.2', 'by hand', icmpv6('86 00 0000 00 00 0000 00000000 00000000 fd 05 0102 0258 c000' + hexadecimal(PEER) + hexadecimal('::ffff:192.0.2.1') + 'fe 01 0000 00000005'), 'Router Advertisement', {'options': {'localMobilityAgents': {'sequence': 0x102, 'lifetimeS': 600, 'flags': 'ownCareOfAddressNeeded, ipv4Tunnel', 'addresses': f'{PEER}, ::ffff:192.0.2.1'}, 'anchoring': {'zone': 5}}}),
        ('Router Advertisement that acknowledges', 'RFC 5568 §6.4.6', 'by hand', icmpv6('86 00 0000 00 00 0000 00000000 00000000 14 03 00 02 00000000' + hexadecimal(HOME)), 'Router Advertisement', {'options': {'neighbourAdvertisementAcknowledgment': {'status': 2, 'careOfAddresses': HOME}}}),
        ('another message of fast handovers', 'RFC 5568 §11', 'by hand', icmpv6('9a 00 0000 04 00 0102'), 'Unknown message', {'type': 154, 'data': '04000102'}),
        ('an unknown message', 'RFC 4443 §2.1', 'scapy', ip(s.ICMPv6Unknown(type=200, code=1, msgbody=b'\x01\x02')), 'Unknown message', {'type': 200, 'code': 1, 'data': '0102'}),
    ],
    'ipv6': [
        ('every field of the fixed header', 'RFC 8200 §3', 'scapy', raw(IPv6(src=NODE, dst=PEER, hlim=7, tc=0xB8, fl=0x12345) / UDP(sport=1, dport=2)), 'IPv6', {'source': NODE, 'destination': PEER, 'trafficClass': 0xB8, 'flowLabel': 0x12345, 'payloadLength': 8, 'nextHeader': 17, 'hopLimit': 7}),
        ('UDP', 'RFC 768', 'scapy', ip(UDP(sport=5000, dport=5001) / Raw(b'hello')), 'UDP', {'sourcePort': 5000, 'destinationPort': 5001, 'length': 13, 'data': b'hello'.hex()}),
        ('TCP', 'RFC 9293 §3.1', 'scapy', ip(TCP(sport=5000, dport=80, seq=0x89ABCDEF, ack=5, flags='SA', window=1000, options=[('MSS', 1440)])), 'TCP', {'sourcePort': 5000, 'destinationPort': 80, 'sequence': 0x89ABCDEF, 'acknowledgement': 5, 'flags': 'syn, ack', 'window': 1000, 'options': '020405a0'}),
        ('Hop-by-Hop Options with a Router Alert', 'RFC 8200 §4.3, RFC 2711', 'scapy', ip(s.IPv6ExtHdrHopByHop(options=[s.RouterAlert(value=1)]) / UDP()), 'Hop-by-Hop Options', {'nextHeader': 17, 'options': {'routerAlert': {'value': 1}}}),
        ('Home Address option', 'RFC 6275 §6.3', 'by hand', mobility('3b 00 00 00 0000 0000', home_option=True), 'Destination Options', {'nextHeader': 135, 'options': {'homeAddress': {'address': HOME}}}),
        ('type 2 routing header', 'RFC 6275 §6.4', 'by hand', mobility('3b 00 00 00 0000 0000', routing=True), 'Type 2 Routing', {'segmentsLeft': 1, 'homeAddress': HOME}),
        ('both of them', 'RFC 6275 §6.1.1', 'by hand', mobility('3b 00 00 00 0000 0000', home_option=True, routing=True), 'Binding Refresh Request', {}),
        ('a routing header of another type', 'RFC 8200 §4.4', 'by hand', ipv6(43, bytes.fromhex('3b 00 fd 00 01020304')), 'Routing', {'type': 253, 'segmentsLeft': 0, 'data': '01020304'}),
        ('a fragment', 'RFC 8200 §4.5', 'scapy', ip(s.IPv6ExtHdrFragment(nh=17, offset=3, m=1, id=0xDEADBEEF) / Raw(b'12345678')), 'Fragment', {'nextHeader': 17, 'identification': 0xDEADBEEF, 'offset': 24, 'more': True, 'data': b'12345678'.hex()}),
        ('a tunnelled packet with an encapsulation limit', 'RFC 2473 §4.1.1', 'by hand', ipv6(60, bytes.fromhex('29 00 04 01 04 01 01 00') + raw(IPv6(src=HOME, dst=PEER) / UDP(sport=1, dport=2) / Raw(b'x'))), 'Destination Options', {'nextHeader': 41, 'options': {'tunnelEncapsulationLimit': {'limit': 4}}}),
        ('IPv4 in IPv6', 'RFC 2473 §3.1, RFC 791 §3.1', 'scapy', ip(IP(src='198.51.100.7', dst='192.0.2.1', ttl=63, tos=0xB8, id=0, flags='DF') / UDP(sport=5000, dport=5001) / Raw(b'hello')), 'IPv4', {'source': '198.51.100.7', 'destination': '192.0.2.1', 'trafficClass': 0xB8, 'length': 13, 'protocol': 17, 'protocol meaning': 'UDP', 'timeToLive': 63}),
        ('an unknown destination option', 'RFC 8200 §4.2', 'by hand', ipv6(60, bytes.fromhex('3b 00 5e 02 aa bb 01 00')), 'Destination Options', {'options': {'unknown': {'type': 0x5E, 'data': 'aabb'}}}),
        ('ESP', 'RFC 4303 §2', 'by hand', ipv6(50, bytes.fromhex('00000101 00000001 aabbccdd')), 'ESP', {'data': '0000010100000001aabbccdd'}),
    ],
}

for name, vectors in FILES.items():
    rows = [
        {'name': title, 'section': section, 'source': source, 'hex': octets.hex(), 'layer': layer, 'fields': fields}
        for title, section, source, octets, layer, fields in vectors
    ]
    path = Path(__file__).with_name(f'{name}.json')
    path.write_text('[\n' + ',\n'.join('  ' + json.dumps(row) for row in rows) + '\n]\n')
    print(path.name, len(rows))
