import { parseAddress } from '../../src/base/address.js';
import { parseLinkAddress } from '../../src/base/link-address.js';
import type { Icmpv6Message } from '../../src/wire/icmpv6/messages.js';
import { encodePacket } from '../../src/wire/ipv6/codec.js';
import type { ExtensionHeader, Packet, Payload } from '../../src/wire/ipv6/packet.js';
import {
  bindingAcknowledgementFlags,
  bindingUpdateFlags,
  type MobilityMessage,
} from '../../src/wire/mobility/messages.js';
import type { MobilityOption } from '../../src/wire/mobility/options.js';

const node = parseAddress('2001:db8:1::1');
const peer = parseAddress('2001:db8:2::2');
const home = parseAddress('2001:db8:3::3');
export const mac = parseLinkAddress('02:00:00:00:00:01');
const cookie = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const keygenToken = Uint8Array.of(8, 7, 6, 5, 4, 3, 2, 1);
const authenticator = new Uint8Array(12).fill(0x22);

/** A packet, and what tshark has to print of it. */
export interface Sample {
  readonly name: string;
  readonly packet: Packet;
  readonly fields: Readonly<Record<string, string>>;
}

function packet(payload: Payload, headers?: readonly ExtensionHeader[]): Packet {
  return { source: node, destination: peer, hopLimit: 255, ...(headers && { headers }), payload };
}
function mobility(message: MobilityMessage, fields: Sample['fields'], headers?: readonly ExtensionHeader[]): Sample {
  return { name: message.kind, packet: packet({ kind: 'mobility', message }, headers), fields };
}
function option(value: MobilityOption, fields: Sample['fields']): Sample {
  const flags = bindingUpdateFlags({ acknowledge: true });
  const message = { kind: 'bindingUpdate', sequence: 1, flags, lifetimeS: 40, options: [value] } as const;
  return { ...mobility(message, fields), name: `option ${value.kind}` };
}
function icmpv6(message: Icmpv6Message, fields: Sample['fields']): Sample {
  return { name: message.kind, packet: packet({ kind: 'icmpv6', message }), fields };
}

const inner = packet({ kind: 'udp', sourcePort: 40000, destinationPort: 40001, data: Uint8Array.of(1, 2, 3) });
const options: [] = [];

export const mobilityMessages: Sample[] = [
  mobility({ kind: 'bindingRefreshRequest', options }, { 'mip6.mhtype': '0', 'mip6.hlen': '0', 'mip6.proto': '59' }),
  mobility({ kind: 'homeTestInit', cookie, options }, { 'mip6.mhtype': '1', 'mip6.hoti.cookie': '0x0102030405060708' }),
  mobility(
    { kind: 'careOfTestInit', cookie, options },
    { 'mip6.mhtype': '2', 'mip6.coti.cookie': '0x0102030405060708' },
  ),
  mobility(
    { kind: 'homeTest', nonceIndex: 7, cookie, keygenToken, options },
    { 'mip6.mhtype': '3', 'mip6.hot.nindex': '7', 'mip6.hot.token': '0x0807060504030201' },
  ),
  mobility(
    { kind: 'careOfTest', nonceIndex: 8, cookie, keygenToken, options },
    { 'mip6.mhtype': '4', 'mip6.cot.nindex': '8', 'mip6.cot.cookie': '0x0102030405060708' },
  ),
  mobility(
    {
      kind: 'bindingUpdate',
      sequence: 0x1234,
      flags: bindingUpdateFlags({ acknowledge: true, homeRegistration: true, proxy: true }),
      lifetimeS: 400,
      options,
    },
    {
      'mip6.mhtype': '5',
      'mip6.bu.seqnr': '4660',
      'mip6.bu.a_flag': 'True',
      'mip6.bu.h_flag': 'True',
      'mip6.bu.l_flag': 'False',
      'mip6.bu.k_flag': 'False',
      'mip6.bu.m_flag': 'False',
      'mip6.bu.p_flag': 'True',
      'mip6.bu.lifetime': '100',
      'ipv6.opt.mipv6.home_address': '2001:db8:3::3',
    },
    [{ kind: 'destinationOptions', options: [{ kind: 'homeAddress', address: home }] }],
  ),
  mobility(
    {
      kind: 'bindingAcknowledgement',
      status: 141,
      flags: bindingAcknowledgementFlags({ proxy: true }),
      sequence: 0x1234,
      lifetimeS: 400,
      options,
    },
    {
      'mip6.mhtype': '6',
      'mip6.ba.status': '141',
      'mip6.ba.k_flag': 'False',
      'mip6.ba.p_flag': 'True',
      'mip6.ba.seqnr': '4660',
      'mip6.ba.lifetime': '100',
      'ipv6.routing.type': '2',
      'ipv6.routing.mipv6.home_address': '2001:db8:3::3',
    },
    [{ kind: 'routingType2', segmentsLeft: 1, homeAddress: home }],
  ),
  mobility(
    { kind: 'bindingError', status: 1, homeAddress: home, options },
    { 'mip6.mhtype': '7', 'mip6.be.status': '1', 'mip6.be.haddr': '2001:db8:3::3' },
  ),
  mobility(
    {
      kind: 'fastBindingUpdate',
      sequence: 0x1234,
      flags: {
        acknowledge: true,
        homeRegistration: true,
        linkLocalCompatibility: false,
        keyManagement: false,
        simultaneousBindings: false,
      },
      lifetimeS: 400,
      options: [{ kind: 'alternateCareOfAddress', careOfAddress: home }],
    },
    {
      'mip6.mhtype': '8',
      'mip6.fbu.seqnr': '4660',
      'mip6.fbu.a_flag': 'True',
      'mip6.fbu.h_flag': 'True',
      'mip6.fbu.l_flag': 'False',
      'mip6.fbu.k_flag': 'False',
      'mip6.fbu.lifetime': '100',
      'mip6.acoa.acoa': '2001:db8:3::3',
    },
  ),
  mobility(
    {
      kind: 'fastBindingAcknowledgement',
      status: 131,
      flags: { keyManagement: true },
      sequence: 0x1234,
      lifetimeS: 8,
      options,
    },
    {
      'mip6.mhtype': '9',
      'mip6.fback.status': '131',
      'mip6.fback.k_flag': 'True',
      'mip6.fback.seqnr': '4660',
      'mip6.fback.lifetime': '2',
    },
  ),
  mobility({ kind: 'fastNeighbourAdvertisement', options }, { 'mip6.mhtype': '10' }),
  mobility({ kind: 'locationQuery', operation: 1, sequence: 258, lifetimeS: 0, options }, { 'mip6.mhtype': '11' }),
  mobility(
    { kind: 'handoverInitiate', sequence: 258, flags: { assignedAddress: true, buffer: true }, code: 1, options },
    {
      'mip6.mhtype': '14',
      'mip6.hi.seqnr': '258',
      'mip6.hi.s_flag': 'True',
      'mip6.hi.u_flag': 'True',
      'mip6.hi.code': '1',
    },
  ),
  mobility(
    { kind: 'handoverAcknowledge', sequence: 258, code: 3, options },
    { 'mip6.mhtype': '15', 'mip6.hack.seqnr': '258', 'mip6.hack.code': '3' },
  ),
  mobility(
    {
      kind: 'bindingRevocationIndication',
      trigger: 3,
      sequence: 258,
      flags: { proxy: true, ipv4HomeAddressOnly: false, global: false },
      options,
    },
    {
      'mip6.mhtype': '16',
      'mip6.bri_br.type': '1',
      'mip6.bri_r.trigger': '3',
      'mip6.bri_seqnr': '258',
      'mip6.bri_ip': 'True',
    },
  ),
  mobility(
    {
      kind: 'bindingRevocationAcknowledgement',
      status: 128,
      sequence: 258,
      flags: { proxy: true, ipv4HomeAddressOnly: false, global: false },
      options,
    },
    {
      'mip6.mhtype': '16',
      'mip6.bri_br.type': '2',
      'mip6.bri_status': '128',
      'mip6.bri_seqnr': '258',
      'mip6.bri_ap': 'True',
    },
  ),
];

export const mobilityOptions: Sample[] = [
  option({ kind: 'bindingRefreshAdvice', refreshIntervalS: 200 }, { 'mip6.bra.interval': '50' }),
  option({ kind: 'alternateCareOfAddress', careOfAddress: home }, { 'mip6.acoa.acoa': '2001:db8:3::3' }),
  option({ kind: 'nonceIndices', homeNonceIndex: 7, careOfNonceIndex: 8 }, { 'mip6.ni.hni': '7', 'mip6.ni.cni': '8' }),
  option({ kind: 'bindingAuthorizationData', authenticator }, { 'mip6.bad.auth': '22'.repeat(12) }),
  option({ kind: 'mobileNetworkPrefix', length: 48, address: home }, { 'mip6.nemo.mnp.pfl': '48' }),
  option(
    { kind: 'mobileNodeIdentifier', subtype: 1, identifier: 'mn1@example.org' },
    { 'mip6.mnid.subtype': '1', 'mip6.mnid.identifier': 'mn1@example.org' },
  ),
  option(
    { kind: 'mobilityMessageAuthentication', subtype: 1, spi: 1000, authenticator },
    { 'mip6.auth.subtype': '1', 'mip6.auth.mobility_spi': '1000' },
  ),
  option(
    { kind: 'replayProtection', ntpSeconds: 5, ntpFraction: 6 },
    { 'mip6.options.mseg_id': '0a080000000500000006' },
  ),
  option(
    { kind: 'vendorSpecific', content: { kind: 'bindingCacheConfirmation' } },
    { 'mip6.vsm.vendorId': '32473', 'mip6.vsm.subtype': '1', 'mip6.options.vsm': '130500007ed901' },
  ),
  option(
    { kind: 'vendorSpecific', content: { kind: 'assignedHomeAddress', prefixLength: 64, address: home } },
    {
      'mip6.vsm.subtype': '2',
      'mip6.options.vsm': '131800007ed90200004020010db8000300000000000000000003',
    },
  ),
  option(
    { kind: 'vendorSpecific', content: { kind: 'tunnelRequest', flags: { ipv4: true } } },
    { 'mip6.vsm.subtype': '3', 'mip6.options.vsm': '130600007ed90380' },
  ),
  option(
    { kind: 'vendorSpecific', content: { kind: 'tunnelPreference', family: 2 } },
    { 'mip6.vsm.subtype': '4', 'mip6.options.vsm': '130600007ed90402' },
  ),
  option(
    {
      kind: 'vendorSpecific',
      content: { kind: 'upstreamAgent', flags: { relay: true }, addresses: [home, parseAddress('::ffff:192.0.2.1')] },
    },
    {
      'mip6.vsm.subtype': '8',
      'mip6.options.vsm': `132800007ed908800000${'20010db8000300000000000000000003'}${'00000000000000000000ffffc0000201'}`,
    },
  ),
  option(
    { kind: 'vendorSpecific', content: { kind: 'distributedRole', role: 2 } },
    { 'mip6.vsm.subtype': '7', 'mip6.options.vsm': '130600007ed90702' },
  ),
  option(
    { kind: 'localMobilityAnchorAddress', code: 1, address: home },
    { 'mip6.lmaa.opt_code': '1', 'mip6.lmaa.ipv6': '2001:db8:3::3' },
  ),
  option(
    { kind: 'gatewayAddress', length: 128, address: home },
    { 'mip6.mag_ipv6.address_length': '128', 'mip6.mag_ipv6.address': '2001:db8:3::3' },
  ),
  option(
    { kind: 'vendorSpecific', content: { kind: 'anchoring', zone: 5 } },
    { 'mip6.vsm.subtype': '9', 'mip6.options.vsm': '130c00007ed90900000000000005' },
  ),
  option(
    { kind: 'homeNetworkPrefix', length: 64, address: home },
    { 'mip6.nemo.mnp.pfl': '64', 'mip6.nemo.mnp.mnp': '2001:db8:3::3' },
  ),
  option(
    { kind: 'linkLayerAddress', code: 2, address: mac },
    { 'mip6.lla.optcode': '2', 'mip6.options.mhlla': '070702020000000001' },
  ),
  option(
    { kind: 'fastBindingAuthorizationData', spi: 1000, authenticator },
    { 'mip6.badff.spi': '1000', 'mip6.options.badff': `1510000003e8${'22'.repeat(12)}` },
  ),
  option(
    { kind: 'vendorSpecific', content: { kind: 'simultaneousBindings', lifetimeMs: 258 } },
    { 'mip6.vsm.subtype': '5', 'mip6.options.vsm': '130700007ed9050102' },
  ),
  option(
    { kind: 'ipAddressPrefix', code: 2, prefixLength: 128, address: home },
    { 'mip6.mhipv6ap.opt_code': '2', 'mip6.mhipv6ap.len': '128', 'mip6.mhipv6ap.ipv6_address': '2001:db8:3::3' },
  ),
  option({ kind: 'handoffIndicator', indicator: 3 }, { 'mip6.hi': '3' }),
  option({ kind: 'accessTechnologyType', type: 4 }, { 'mip6.att': '4' }),
  option({ kind: 'mobileNodeLinkLayerIdentifier', identifier: mac }, { 'mip6.mnlli.lli': '020000000001' }),
  option({ kind: 'linkLocalAddress', address: parseAddress('fe80::1') }, { 'mip6.lila_lla': 'fe80::1' }),
  option(
    { kind: 'ipv4HomeAddress', prefix: { length: 32, requested: 0 }, address: parseAddress('::ffff:192.0.2.1') },
    { 'mip6.ipv4ha.preflen': '32', 'mip6.ipv4ha.p_flag': 'False', 'mip6.ipv4ha.ha': '192.0.2.1' },
  ),
  option(
    {
      kind: 'ipv4AddressAcknowledgement',
      status: 129,
      prefix: { length: 32 },
      address: parseAddress('::ffff:192.0.2.1'),
    },
    { 'mip6.ipv4aa.sts': '129', 'mip6.options.ipv4aa': '1e068180c0000201' },
  ),
  option(
    { kind: 'ipv4CareOfAddress', address: parseAddress('::ffff:192.0.2.1') },
    { 'mip6.ipv4coa.addr': '192.0.2.1', 'mip6.options.ipv4coa': '20060000c0000201' },
  ),
  option(
    { kind: 'timestamp', seconds: 1_700_000_000, fraction: 0x8000 },
    { 'mip6.options.ts': '1b0800006553f1008000' },
  ),
  option({ kind: 'unknown', type: 200, data: Uint8Array.of(1, 2, 3) }, { 'mip6.mhtype': '5' }),
];

export const otherPackets: Sample[] = [
  icmpv6(
    { kind: 'destinationUnreachable', code: 3, packet: encodePacket(inner) },
    { 'icmpv6.type': '1', 'icmpv6.code': '3' },
  ),
  icmpv6(
    { kind: 'packetTooBig', code: 0, mtu: 1280, packet: encodePacket(inner) },
    { 'icmpv6.type': '2', 'icmpv6.mtu': '1280' },
  ),
  icmpv6({ kind: 'timeExceeded', code: 0, packet: encodePacket(inner) }, { 'icmpv6.type': '3' }),
  icmpv6(
    { kind: 'parameterProblem', code: 2, pointer: 42, packet: encodePacket(inner) },
    { 'icmpv6.type': '4', 'icmpv6.pointer': '42' },
  ),
  icmpv6(
    { kind: 'echoRequest', code: 0, identifier: 1, sequence: 2, data: cookie },
    { 'icmpv6.type': '128', 'icmpv6.echo.sequence_number': '2' },
  ),
  icmpv6(
    { kind: 'echoReply', code: 0, identifier: 1, sequence: 2, data: cookie },
    { 'icmpv6.type': '129', 'icmpv6.echo.identifier': '0x0001' },
  ),
  icmpv6(
    { kind: 'routerSolicitation', code: 0, options: [{ kind: 'sourceLinkLayerAddress', address: mac }] },
    { 'icmpv6.type': '133', 'icmpv6.opt.linkaddr': '02:00:00:00:00:01' },
  ),
  icmpv6(
    {
      kind: 'routerAdvertisement',
      code: 0,
      currentHopLimit: 64,
      flags: { managed: true, other: false, homeAgent: true },
      routerLifetimeS: 1800,
      reachableTimeMs: 30000,
      retransTimerMs: 1000,
      options: [
        {
          kind: 'prefixInformation',
          length: 64,
          flags: { onLink: false, autonomous: true, routerAddress: false },
          validLifetimeS: 7200,
          preferredLifetimeS: 3600,
          prefix: parseAddress('2001:db8:5::'),
        },
        { kind: 'mtu', mtu: 1460 },
        { kind: 'advertisementInterval', intervalMs: 500 },
        { kind: 'homeAgentInformation', preference: 3, lifetimeS: 1800 },
        {
          kind: 'map',
          place: { distance: 2, preference: 9 },
          flags: { rcoaRequired: true },
          validLifetimeS: 600,
          address: home,
        },
        { kind: 'recursiveDnsServer', lifetimeS: 60, servers: [home, peer] },
      ],
    },
    {
      'icmpv6.type': '134',
      'icmpv6.nd.ra.cur_hop_limit': '64',
      'icmpv6.nd.ra.flag.m': 'True',
      'icmpv6.nd.ra.flag.o': 'False',
      'icmpv6.nd.ra.flag.h': 'True',
      'icmpv6.nd.ra.router_lifetime': '1800',
      'icmpv6.nd.ra.reachable_time': '30000',
      'icmpv6.nd.ra.retrans_timer': '1000',
      'icmpv6.opt.type': '3|5|7|8|23|25',
      'icmpv6.opt.prefix.length': '64',
      'icmpv6.opt.prefix.flag.l': 'False',
      'icmpv6.opt.prefix.flag.a': 'True',
      'icmpv6.opt.prefix.valid_lifetime': '7200',
      'icmpv6.opt.prefix.preferred_lifetime': '3600',
      'icmpv6.opt.prefix': '2001:db8:5::',
      'icmpv6.opt.mtu': '1460',
      'icmpv6.opt.advertisement_interval': '500',
      'icmpv6.opt.map.distance': '2',
      'icmpv6.opt.map.preference': '9',
      'icmpv6.opt.map.flag.r': 'True',
      'icmpv6.opt.map.valid_lifetime': '600',
      'icmpv6.opt.map.global_address': '2001:db8:3::3',
      'icmpv6.opt.rdnss': '2001:db8:3::3|2001:db8:2::2',
    },
  ),
  icmpv6(
    {
      kind: 'neighbourSolicitation',
      code: 0,
      target: home,
      options: [{ kind: 'nonce', nonce: cookie.subarray(0, 6) }],
    },
    { 'icmpv6.type': '135', 'icmpv6.nd.ns.target_address': '2001:db8:3::3', 'icmpv6.opt.type': '14' },
  ),
  icmpv6(
    {
      kind: 'neighbourAdvertisement',
      code: 0,
      flags: { router: true, solicited: false, override: true },
      target: home,
      options: [{ kind: 'targetLinkLayerAddress', address: mac }],
    },
    {
      'icmpv6.type': '136',
      'icmpv6.nd.na.flag.r': 'True',
      'icmpv6.nd.na.flag.s': 'False',
      'icmpv6.nd.na.flag.o': 'True',
      'icmpv6.nd.na.target_address': '2001:db8:3::3',
    },
  ),
  icmpv6(
    {
      kind: 'redirect',
      code: 0,
      target: peer,
      destination: home,
      options: [{ kind: 'redirectedHeader', packet: encodePacket(inner).subarray(0, 48) }],
    },
    {
      'icmpv6.type': '137',
      'icmpv6.nd.rd.target_address': '2001:db8:2::2',
      'icmpv6.rd.na.destination_address': '2001:db8:3::3',
    },
  ),
  icmpv6(
    { kind: 'homeAgentDiscoveryRequest', code: 0, identifier: 0x1234 },
    { 'icmpv6.type': '144', 'icmpv6.mip6.identifier': '4660' },
  ),
  { name: 'udp', packet: inner, fields: { 'udp.srcport': '40000', 'udp.length': '11' } },
  {
    name: 'tcp',
    packet: packet({
      kind: 'tcp',
      sourcePort: 40000,
      destinationPort: 40001,
      sequence: 5,
      acknowledgement: 6,
      flags: { syn: true, ack: true, fin: false, rst: false, psh: false },
      window: 1000,
      options: Uint8Array.of(2, 4, 5, 0xa0),
      data: new Uint8Array(0),
    }),
    fields: { 'tcp.dstport': '40001', 'tcp.window_size_value': '1000', 'tcp.options.mss_val': '1440' },
  },
  {
    name: 'tunnel',
    packet: packet({ kind: 'ipv6', packet: inner }, [
      { kind: 'destinationOptions', options: [{ kind: 'tunnelEncapsulationLimit', limit: 4 }] },
    ]),
    fields: { 'ipv6.opt.tel': '4', 'ipv6.nxt': '60|17' },
  },
  {
    name: 'hopByHop',
    packet: packet(inner.payload, [{ kind: 'hopByHop', options: [{ kind: 'routerAlert', value: 0 }] }]),
    fields: { 'ipv6.opt.router_alert': '0' },
  },
  {
    name: 'esp',
    packet: packet({ kind: 'raw', protocol: 50, data: new Uint8Array(32).fill(1) }),
    fields: { 'esp.spi': '0x01010101', 'esp.sequence': '16843009' },
  },
  icmpv6(
    {
      kind: 'routerSolicitationForProxyAdvertisement',
      code: 0,
      identifier: 258,
      options: [
        { kind: 'linkLayerAddress', code: 4, address: mac },
        { kind: 'linkLayerAddress', code: 1, address: mac },
      ],
    },
    {
      'icmpv6.type': '154',
      'icmpv6.fmip6.subtype': '2',
      'icmpv6.fmip6.identifier': '258',
      'icmpv6.opt.type': '19|19',
      'icmpv6.opt.lla.option_code': '4|1',
    },
  ),
  icmpv6(
    {
      kind: 'proxyRouterAdvertisement',
      code: 0,
      identifier: 258,
      options: [
        { kind: 'linkLayerAddress', code: 3, address: mac },
        { kind: 'ipAddressPrefix', code: 3, prefixLength: 128, address: home },
        { kind: 'neighbourAdvertisementAcknowledgment', status: 1, careOfAddresses: [] },
      ],
    },
    {
      'icmpv6.fmip6.subtype': '3',
      'icmpv6.opt.type': '19|17|20',
      'icmpv6.opt.lla.option_code': '3',
      'icmpv6.opt.ipa.option_code': '3',
      'icmpv6.opt.ipa.prefix_len': '128',
      'icmpv6.opt.ipa.ipv6_address': '2001:db8:3::3',
      'icmpv6.opt.naack.status': '1',
    },
  ),
  {
    name: 'IPv4 in IPv6',
    packet: packet({
      kind: 'ipv6',
      packet: {
        source: parseAddress('::ffff:198.51.100.7'),
        destination: parseAddress('::ffff:192.0.2.1'),
        hopLimit: 63,
        payload: { kind: 'udp', sourcePort: 49000, destinationPort: 49001, data: Uint8Array.of(1, 2, 3) },
      },
    }),
    fields: { 'ipv6.nxt': '4', 'ip.src': '198.51.100.7', 'ip.ttl': '63', 'ip.len': '31', 'udp.dstport': '49001' },
  },
];
