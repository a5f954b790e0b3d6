# For each of input's {octets, packet}: what scapy reads in the octets, and the octets that it builds of the packet. A packet is
# described as Anchorage prints it. A part of a layout serves both directions: what to get of a layer, what to give to its class.
import traceback
from scapy.contrib.send import ICMPv6NDOptNonce
from scapy.layers.dhcp6 import _duid_dispatcher


def whole(get, give):
    return get, give


def same(ours, theirs=None):
    theirs = theirs or ours
    return lambda layer: {ours: layer.getfieldval(theirs)}, lambda value: {theirs: value[ours]}


def scaled(ours, theirs, unit):
    return lambda layer: {ours: layer.getfieldval(theirs) * unit}, lambda value: {theirs: value[ours] // unit}


def octets(ours, theirs=None):
    theirs = theirs or ours
    return lambda layer: {ours: raw(layer.getfieldval(theirs)).hex()}, lambda value: {theirs: bytes.fromhex(value[ours])}


def text(ours, theirs):
    return (lambda layer: {ours: layer.getfieldval(theirs).decode('utf8', 'surrogateescape')},
            lambda value: {theirs: value[ours].encode('utf8', 'surrogateescape')})


def letters(theirs, **names):
    '''Flags that scapy keeps in one field, by their letters.'''
    return (lambda layer: {'flags': [name for name, letter in names.items() if letter in str(layer.getfieldval(theirs))]},
            lambda value: {theirs: ''.join(names[name] for name in value['flags'])})


def bits(**names):
    '''Flags that scapy keeps in a field each.'''
    return (lambda layer: {'flags': [name for name, bit in names.items() if layer.getfieldval(bit)]},
            lambda value: {bit: int(name in value['flags']) for name, bit in names.items()})


def fixed(**fields):
    '''What scapy has no right value for by itself.'''
    return lambda layer: {}, lambda value: fields


def listed(theirs, kinds):
    padding = (Pad1, PadN)
    return (lambda layer: {'options': [kinds.read(each) for each in layer.getfieldval(theirs) if type(each) not in padding]},
            lambda value: {theirs: [kinds.build(each) for each in value['options']]})


class Layout:
    '''`chain`: options that scapy takes for layers, each the payload of the one before. `rest`: what is octets to us and layers to scapy.'''

    def __init__(self, cls, *parts, chain=None, rest=None):
        self.cls, self.parts, self.chain, self.rest = cls, parts, chain, rest

    def read(self, layer):
        value = {name: content for get, _ in self.parts for name, content in get(layer).items()}
        if self.rest:
            value[self.rest] = raw(layer.payload).hex()
        if self.chain:
            value['options'] = [self.chain.read(each) for each in above(layer)]
        return value

    def build(self, value):
        layer = self.cls(**{name: content for _, give in self.parts for name, content in give(value).items()})
        layer.explicit = 1
        if self.rest:
            return stack(layer, Raw(bytes.fromhex(value[self.rest])))
        return stack(layer, *(self.chain.build(each) for each in value['options'])) if self.chain else layer


def stack(lowest, *layers):
    '''As scapy's `/`, which copies all below each time.'''
    below = lowest
    for layer in layers:
        below.add_payload(layer)
        below = layer
    return lowest


def above(layer):
    while not isinstance(layer.payload, NoPayload):
        layer = layer.payload
        yield layer


class Kinds:
    '''Layouts by our names for them. `opaque`: how scapy reads what only scapy has a name for.'''

    def __init__(self, opaque=None, **layouts):
        self.opaque, self.layouts = opaque, layouts
        self.kinds = {layout.cls: kind for kind, layout in layouts.items()}

    def read(self, layer):
        kind = self.kinds.get(type(layer))
        if kind:
            return {'kind': kind, **self.layouts[kind].read(layer)}
        number = layer.fields_desc[0]
        return {'kind': 'unknown', 'type': layer.getfieldval(number.name), 'data': raw(anew(layer))[2:].hex()}

    def build(self, value):
        if value['kind'] in self.layouts:
            return self.layouts[value['kind']].build(value)
        return anew(self.opaque(value['type'], bytes.fromhex(value['data'])))


def anew(layer):
    '''Without the octets it was read from: they are made again of the fields.'''
    return type(layer)(**layer.fields)


def short(number, data):
    return bytes([number, len(data)]) + data


mobility_options = Kinds(
    lambda number, data: MIP6OptUnknown(short(number, data)),
    bindingRefreshAdvice=Layout(MIP6OptBRAdvice, scaled('refreshIntervalS', 'rinter', 4)),
    alternateCareOfAddress=Layout(MIP6OptAltCoA, same('careOfAddress', 'acoa')),
    nonceIndices=Layout(MIP6OptNonceIndices, same('homeNonceIndex', 'hni'), same('careOfNonceIndex', 'coni'), fixed(olen=4)),
    bindingAuthorizationData=Layout(MIP6OptBindingAuthData, fixed(olen=12), whole(
        lambda layer: {'authenticator': '%024x' % layer.authenticator},
        lambda value: {'authenticator': int(value['authenticator'], 16)})),
    mobileNetworkPrefix=Layout(MIP6OptMobNetPrefix, same('length', 'plen'), same('address', 'prefix')),
    mobileNodeIdentifier=Layout(MIP6OptMNID, same('subtype'), text('identifier', 'id')),
    mobilityMessageAuthentication=Layout(MIP6OptMsgAuth, same('subtype'), same('spi', 'mspi'), octets('authenticator', 'authdata')),
    replayProtection=Layout(MIP6OptReplayProtection, whole(
        lambda layer: {'ntpSeconds': layer.timestamp >> 32, 'ntpFraction': layer.timestamp & 0xffffffff},
        lambda value: {'timestamp': value['ntpSeconds'] << 32 | value['ntpFraction']})),
)
with_options = listed('options', mobility_options)
test = [same('nonceIndex', 'index'), octets('cookie'), octets('keygenToken', 'token'), with_options]
mobility = Kinds(
    bindingRefreshRequest=Layout(MIP6MH_BRR, with_options),
    homeTestInit=Layout(MIP6MH_HoTI, octets('cookie'), with_options),
    careOfTestInit=Layout(MIP6MH_CoTI, octets('cookie'), with_options),
    homeTest=Layout(MIP6MH_HoT, *test),
    careOfTest=Layout(MIP6MH_CoT, *test),
    bindingUpdate=Layout(
        MIP6MH_BU, same('sequence', 'seq'), scaled('lifetimeS', 'mhtime', 4), with_options,
        letters('flags', acknowledge='A', homeRegistration='H', linkLocalCompatibility='L', keyManagement='K', map='M',
                mobileRouter='R', proxy='P')),
    bindingAcknowledgement=Layout(
        MIP6MH_BA, same('status'), same('sequence', 'seq'), scaled('lifetimeS', 'mhtime', 4), with_options,
        letters('flags', keyManagement='K', mobileRouter='R', proxy='P')),
    bindingError=Layout(MIP6MH_BE, same('status'), same('homeAddress', 'ha'), with_options),
)

destination_options = Kinds(
    lambda number, data: HBHOptUnknown(short(number, data)),
    routerAlert=Layout(RouterAlert, same('value')),
    homeAddress=Layout(HAO, same('address', 'hoa')),
)
headers = Kinds(
    hopByHop=Layout(IPv6ExtHdrHopByHop, listed('options', destination_options)),
    destinationOptions=Layout(IPv6ExtHdrDestOpt, listed('options', destination_options)),
    routingType2=Layout(IPv6ExtHdrRouting, same('segmentsLeft', 'segleft'), fixed(type=2), whole(
        lambda layer: {'homeAddress': layer.addresses[0]} if layer.type == 2 and len(layer.addresses) == 1 else {},
        lambda value: {'addresses': [value['homeAddress']]})),
)

neighbour_options = Kinds(
    lambda number, data: icmp6ndoptscls[number](bytes([number, (len(data) + 2) // 8]) + data),
    sourceLinkLayerAddress=Layout(ICMPv6NDOptSrcLLAddr, same('address', 'lladdr')),
    targetLinkLayerAddress=Layout(ICMPv6NDOptDstLLAddr, same('address', 'lladdr')),
    prefixInformation=Layout(
        ICMPv6NDOptPrefixInfo, same('length', 'prefixlen'), bits(onLink='L', autonomous='A', routerAddress='R'),
        same('validLifetimeS', 'validlifetime'), same('preferredLifetimeS', 'preferredlifetime'), same('prefix')),
    redirectedHeader=Layout(ICMPv6NDOptRedirectedHdr, whole(
        lambda layer: {'packet': raw(layer.pkt).hex()}, lambda value: {'pkt': Raw(bytes.fromhex(value['packet']))})),
    mtu=Layout(ICMPv6NDOptMTU, same('mtu')),
    advertisementInterval=Layout(ICMPv6NDOptAdvInterval, same('intervalMs', 'advint')),
    homeAgentInformation=Layout(ICMPv6NDOptHAInfo, same('preference', 'pref'), same('lifetimeS', 'lifetime')),
    nonce=Layout(ICMPv6NDOptNonce, octets('nonce')),
    ipAddressPrefix=Layout(ICMPv6NDOptIPAddr, same('code', 'optcode'), same('prefixLength', 'plen'), same('address', 'addr')),
    map=Layout(ICMPv6NDOptMAP, bits(rcoaRequired='R'), same('validLifetimeS', 'validlifetime'), same('address', 'addr'), whole(
        lambda layer: {'place': {'distance': layer.dist, 'preference': layer.pref}},
        lambda value: {'dist': value['place']['distance'], 'pref': value['place']['preference']})),
    recursiveDnsServer=Layout(ICMPv6NDOptRDNSS, same('lifetimeS', 'lifetime'), same('servers', 'dns')),
)
neighbour = {'chain': neighbour_options}
code, identifier = same('code'), same('identifier', 'id')
icmpv6 = Kinds(
    lambda number, data: icmp6typescls[number](bytes([number]) + data),
    destinationUnreachable=Layout(ICMPv6DestUnreach, code, rest='packet'),
    packetTooBig=Layout(ICMPv6PacketTooBig, code, same('mtu'), rest='packet'),
    timeExceeded=Layout(ICMPv6TimeExceeded, code, rest='packet'),
    parameterProblem=Layout(ICMPv6ParamProblem, code, same('pointer', 'ptr'), rest='packet'),
    echoRequest=Layout(ICMPv6EchoRequest, code, identifier, same('sequence', 'seq'), octets('data')),
    echoReply=Layout(ICMPv6EchoReply, code, identifier, same('sequence', 'seq'), octets('data')),
    routerSolicitation=Layout(ICMPv6ND_RS, code, **neighbour),
    routerAdvertisement=Layout(
        ICMPv6ND_RA, code, same('currentHopLimit', 'chlim'), bits(managed='M', other='O', homeAgent='H'), fixed(prf=0),
        same('routerLifetimeS', 'routerlifetime'), same('reachableTimeMs', 'reachabletime'),
        same('retransTimerMs', 'retranstimer'), **neighbour),
    neighbourSolicitation=Layout(ICMPv6ND_NS, code, same('target', 'tgt'), **neighbour),
    neighbourAdvertisement=Layout(
        ICMPv6ND_NA, code, same('target', 'tgt'), bits(router='R', solicited='S', override='O'), **neighbour),
    redirect=Layout(ICMPv6ND_Redirect, code, same('target', 'tgt'), same('destination', 'dst'), **neighbour),
    homeAgentDiscoveryRequest=Layout(ICMPv6HAADRequest, code, identifier, fixed(R=0)),
    homeAgentDiscoveryReply=Layout(ICMPv6HAADReply, code, identifier, fixed(R=0), same('homeAgents', 'addresses')),
    mobilePrefixSolicitation=Layout(ICMPv6MPSol, code, identifier),
    mobilePrefixAdvertisement=Layout(ICMPv6MPAdv, code, identifier, whole(
        lambda layer: {'flags': [name for name, bit in (('managed', 2), ('other', 1)) if layer.flags & bit]},
        lambda value: {'flags': 2 * ('managed' in value['flags']) + ('other' in value['flags'])}), **neighbour),
)

duid = whole(
    lambda layer: {'duid': raw(anew(layer.duid)).hex()},
    lambda value: {'duid': anew(_duid_dispatcher(bytes.fromhex(value['duid'])))})
domains = DHCP6OptDNSDomains().get_field('dnsdomains')


def nested(theirs):
    '''Options in an option: some scapy lists, others it takes for the payload of the one before.'''
    return (lambda layer: {'options': [
                dhcpv6_options.read(each) for first in layer.getfieldval(theirs) for each in (first, *above(first))]},
            lambda value: {theirs: [dhcpv6_options.build(each) for each in value['options']]})


association = [same('iaid'), same('t1S', 'T1'), same('t2S', 'T2')]
lifetimes = [same('preferredLifetimeS', 'preflft'), same('validLifetimeS', 'validlft')]
dhcpv6_options = Kinds(
    clientIdentifier=Layout(DHCP6OptClientId, duid),
    serverIdentifier=Layout(DHCP6OptServerId, duid),
    iaNa=Layout(DHCP6OptIA_NA, *association, nested('ianaopts')),
    iaTa=Layout(DHCP6OptIA_TA, same('iaid'), nested('iataopts')),
    iaPd=Layout(DHCP6OptIA_PD, *association, nested('iapdopt')),
    iaAddress=Layout(DHCP6OptIAAddress, same('address', 'addr'), *lifetimes, nested('iaaddropts')),
    iaPrefix=Layout(DHCP6OptIAPrefix, same('length', 'plen'), same('prefix'), *lifetimes, nested('iaprefopts')),
    optionRequest=Layout(DHCP6OptOptReq, same('codes', 'reqopts')),
    preference=Layout(DHCP6OptPref, same('preference', 'prefval')),
    elapsedTime=Layout(DHCP6OptElapsedTime, scaled('elapsedMs', 'elapsedtime', 10)),
    relayMessage=Layout(DHCP6OptRelayMsg, whole(
        lambda layer: {'message': dhcpv6.read(layer.message)}, lambda value: {'message': dhcpv6.build(value['message'])})),
    serverUnicast=Layout(DHCP6OptServerUnicast, same('address', 'srvaddr')),
    statusCode=Layout(DHCP6OptStatusCode, same('code', 'statuscode'), text('message', 'statusmsg')),
    rapidCommit=Layout(DHCP6OptRapidCommit),
    interfaceId=Layout(DHCP6OptIfaceId, octets('id', 'ifaceid')),
    reconfigureMessage=Layout(DHCP6OptReconfMsg, same('messageType', 'msgtype')),
    reconfigureAccept=Layout(DHCP6OptReconfAccept),
    dnsServers=Layout(DHCP6OptDNSServers, same('servers', 'dnsservers')),
    domainList=Layout(DHCP6OptDNSDomains, whole(
        lambda layer: {'names': domains.i2m(layer, layer.dnsdomains).hex()},
        lambda value: {'dnsdomains': domains.m2i(None, bytes.fromhex(value['names']))})),
    informationRefreshTime=Layout(DHCP6OptInfoRefreshTime, same('timeS', 'reftime')),
    remoteId=Layout(DHCP6OptRemoteID, same('enterprise', 'enterprisenum'), octets('id', 'remoteid')),
    subscriberId=Layout(DHCP6OptSubscriberID, text('id', 'subscriberid')),
    clientLinkLayerAddress=Layout(DHCP6OptClientLinkLayerAddr, same('hardwareType', 'lltype'), same('address', 'clladdr')),
)
client_server = [same('transaction', 'trid')]
relay = [same('hopCount', 'hopcount'), same('linkAddress', 'linkaddr'), same('peerAddress', 'peeraddr')]
chained = {'chain': dhcpv6_options}
dhcpv6 = Kinds(
    solicit=Layout(DHCP6_Solicit, *client_server, **chained),
    advertise=Layout(DHCP6_Advertise, *client_server, **chained),
    request=Layout(DHCP6_Request, *client_server, **chained),
    confirm=Layout(DHCP6_Confirm, *client_server, **chained),
    renew=Layout(DHCP6_Renew, *client_server, **chained),
    rebind=Layout(DHCP6_Rebind, *client_server, **chained),
    reply=Layout(DHCP6_Reply, *client_server, **chained),
    release=Layout(DHCP6_Release, *client_server, **chained),
    decline=Layout(DHCP6_Decline, *client_server, **chained),
    reconfigure=Layout(DHCP6_Reconf, *client_server, **chained),
    informationRequest=Layout(DHCP6_InfoRequest, *client_server, **chained),
    relayForward=Layout(DHCP6_RelayForward, *relay, **chained),
    relayReply=Layout(DHCP6_RelayReply, *relay, **chained),
)

ipv6 = Layout(IPv6, same('source', 'src'), same('destination', 'dst'), same('hopLimit', 'hlim'), same('trafficClass', 'tc'),
              same('flowLabel', 'fl'))
udp = Layout(UDP, same('sourcePort', 'sport'), same('destinationPort', 'dport'))


def read_packet(packet):
    value, layer, value['headers'] = ipv6.read(packet), packet.payload, []
    while type(layer) in headers.kinds:
        value['headers'].append(headers.read(layer))
        layer = layer.payload
    return {**value, 'payload': read_payload(layer)}


def read_payload(layer):
    if isinstance(layer, IPv6):
        return {'kind': 'ipv6', 'packet': read_packet(layer)}
    if isinstance(layer, UDP):
        return {'kind': 'udp', **udp.read(layer), 'message': dhcpv6.read(layer.payload)}
    if type(layer) in mobility.kinds:
        return {'kind': 'mobility', 'message': mobility.read(layer)}
    return {'kind': 'icmpv6', 'message': icmpv6.read(layer)}


def build_packet(value):
    return stack(ipv6.build(value), *map(headers.build, value['headers']), build_payload(value['payload']))


def build_payload(value):
    if value['kind'] == 'ipv6':
        return build_packet(value['packet'])
    if value['kind'] == 'udp':
        return stack(udp.build(value), dhcpv6.build(value['message']))
    return (mobility if value['kind'] == 'mobility' else icmpv6).build(value['message'])


def attempt(do):
    try:
        return do()
    except Exception:
        return {'error': traceback.format_exc()}


print(json.dumps([{
    'read': attempt(lambda: read_packet(IPv6(bytes.fromhex(each['octets'])))),
    'built': attempt(lambda: raw(build_packet(each['packet'])).hex()),
} for each in input], default=repr))
