/** Names of numbers on the wire, as the documents and the field write them. */
type Names = Readonly<Record<number, string>>;

export const nextHeaders: Names = {
  0: 'Hop-by-Hop Options',
  1: 'ICMP',
  4: 'IPv4',
  6: 'TCP',
  17: 'UDP',
  41: 'IPv6',
  43: 'Routing',
  44: 'Fragment',
  47: 'GRE',
  50: 'ESP',
  51: 'AH',
  58: 'ICMPv6',
  59: 'No Next Header',
  60: 'Destination Options',
  132: 'SCTP',
  135: 'Mobility Header',
};

/** RFC 6275 §6.1.8 and the documents that add to it; 140 and 141 as gundavelli §5.1 means them. */
export const bindingAcknowledgementStatuses: Names = {
  0: 'Binding Update accepted',
  1: 'Accepted but prefix discovery necessary',
  128: 'Reason unspecified',
  129: 'Administratively prohibited',
  130: 'Insufficient resources',
  131: 'Home registration not supported',
  132: 'Not home subnet',
  133: 'Not home agent for this mobile node',
  134: 'Duplicate Address Detection failed',
  135: 'Sequence number out of window',
  136: 'Expired home nonce index',
  137: 'Expired care-of nonce index',
  138: 'Expired nonces',
  139: 'Registration type change disallowed',
  140: 'Proxy registration not supported',
  141: 'Binding cache entry missing',
  142: 'Not authorized for prefix',
  143: 'Forwarding setup failed',
  144: 'MIPV6-ID-MISMATCH',
  145: 'MIPV6-MESG-ID-REQD',
  146: 'MIPV6-AUTH-FAIL',
  151: 'Service authorization failed',
  152: 'PROXY_REG_NOT_ENABLED',
  153: 'NOT_LMA_FOR_THIS_MOBILE_NODE',
  154: 'MAG_NOT_AUTHORIZED_FOR_PROXY_REG',
  155: 'NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX',
  156: 'TIMESTAMP_MISMATCH',
  157: 'TIMESTAMP_LOWER_THAN_PREV_ACCEPTED',
  158: 'MISSING_HOME_NETWORK_PREFIX_OPTION',
  159: 'BCE_PBU_PREFIX_SET_DO_NOT_MATCH',
  160: 'MISSING_MN_IDENTIFIER_OPTION',
  161: 'MISSING_HANDOFF_INDICATOR_OPTION',
  162: 'MISSING_ACCESS_TECH_TYPE_OPTION',
  174: 'Invalid care-of address',
};
/** RFC 3963 §4.2, where the acknowledgement has R. */
const nemoStatuses: Names = { 140: 'Mobile Router operation not permitted', 141: 'Invalid prefix' };

const bindingErrorStatuses: Names = {
  1: 'Unknown binding for Home Address destination option',
  2: 'Unrecognized MH Type value',
};

/** RFC 5846 §5.1. */
const revocationTriggers: Names = {
  0: 'Unspecified',
  1: 'Administrative reason',
  2: 'Inter-MAG handover, same access type',
  3: 'Inter-MAG handover, different access type',
  4: 'Inter-MAG handover, unknown',
  5: 'User-initiated session termination',
  6: 'Access network session termination',
  7: 'Possible out-of-sync BCE state',
  128: 'Per-peer policy',
  129: 'Revoking mobility node local policy',
};
/** RFC 5846 §5.2. */
const revocationStatuses: Names = {
  0: 'Success',
  1: 'Partial success',
  128: 'Binding does not exist',
  129: 'IPv4 home address option required',
  130: 'Global revocation not authorized',
  131: 'Revoked mobile nodes identity required',
  132: 'Revocation failed, mobile node attached',
  133: 'Revocation trigger not supported',
  134: 'Revocation function not supported',
  135: 'Proxy binding revocation not supported',
};

/** RFC 5213 §8.4 and §8.5. */
const handoffIndicators: Names = {
  0: 'Reserved',
  1: 'Attachment over a new interface',
  2: 'Handoff between two interfaces of the mobile node',
  3: 'Handoff between mobile access gateways, same interface',
  4: 'Handoff state unknown',
  5: 'Handoff state not changed (re-registration)',
};
const accessTechnologies: Names = {
  0: 'Reserved',
  1: 'Virtual',
  2: 'PPP',
  3: 'IEEE 802.3',
  4: 'IEEE 802.11a/b/g',
  5: 'IEEE 802.16e',
};

const unreachableCodes: Names = {
  0: 'No route to destination',
  1: 'Administratively prohibited',
  2: 'Beyond scope of source address',
  3: 'Address unreachable',
  4: 'Port unreachable',
  5: 'Source address failed ingress/egress policy',
  6: 'Reject route to destination',
};
const timeExceededCodes: Names = { 0: 'Hop limit exceeded in transit', 1: 'Fragment reassembly time exceeded' };
const parameterProblemCodes: Names = {
  0: 'Erroneous header field',
  1: 'Unrecognized Next Header',
  2: 'Unrecognized IPv6 option',
};

/** RFC 5568 §6.2.3. */
const fastBindingStatuses: Names = {
  0: 'Fast Binding Update accepted',
  1: 'Accepted, use the supplied NCoA',
  128: 'Reason unspecified',
  129: 'Administratively prohibited',
  130: 'Insufficient resources',
  131: 'Incorrect interface identifier length',
};
/** RFC 5568 §6.2.1.1 and §6.2.1.2. */
const handoverInitiateCodes: Names = { 0: 'FBU from the PCoA', 1: 'FBU not from the PCoA' };
const handoverAcknowledgeCodes: Names = {
  0: 'Handover accepted, NCoA valid',
  1: 'Handover accepted, NCoA not valid or in use',
  2: 'Handover accepted, NCoA assigned',
  3: 'Handover accepted, use PCoA',
  4: 'Unsolicited',
  128: 'Handover not accepted, reason unspecified',
  129: 'Administratively prohibited',
  130: 'Insufficient resources',
};
/** RFC 5568 §6.1.2. */
const proxyAdvertisementCodes: Names = {
  0: 'Solicited, with new router information',
  1: 'Handover now',
  2: 'No new router information',
  3: 'New router information for some access points',
  4: 'Unsolicited, no handover',
  5: 'New router information, DHCP needed',
};
/** RFC 5568 §6.4. */
const addressCodes: Names = {
  1: 'Old care-of address',
  2: 'New care-of address',
  3: "NAR's IP address",
  4: "NAR's prefix",
};
const linkLayerAddressCodes: Names = {
  0: 'Wildcard',
  1: 'New access point',
  2: 'Mobile node',
  3: 'NAR',
  4: 'Source',
  5: 'Access point on the same interface',
  6: 'No prefix information',
  7: 'No fast handover support',
};
const neighbourAcknowledgmentStatuses: Names = {
  1: 'NCoA invalid, configure an address',
  2: 'NCoA invalid, use the supplied NCoA',
  3: "NCoA invalid, use NAR's address as NCoA in FBU",
  4: 'PCoA supplied, do not send FBU',
  128: 'Link-layer address unrecognized',
};

/** What a PMIP client says of a Trigger; the numbers are ours (draft-singh §4.7). */
const pmipStatuses: Names = {
  0: 'Accepted',
  1: 'Moved to another gateway',
  128: 'Reason unspecified',
  129: 'Home address mismatch',
  130: 'Address conflict detected',
  131: 'Refused by the LMA',
  132: 'LMA does not answer',
  133: 'Unsupported version',
  134: 'Not understood',
  135: 'Not authorized',
};

/** By the kind of message or option, then the field. */
const meanings: Readonly<Record<string, Readonly<Record<string, Names>>>> = {
  ipv6: { nextHeader: nextHeaders },
  ipv4: { protocol: nextHeaders },
  mobility: { payloadProto: { 41: 'IPv6' } },
  bindingAcknowledgement: { status: bindingAcknowledgementStatuses },
  bindingError: { status: bindingErrorStatuses },
  bindingRevocationIndication: { trigger: revocationTriggers },
  bindingRevocationAcknowledgement: { status: revocationStatuses },
  fastBindingAcknowledgement: { status: fastBindingStatuses },
  handoverInitiate: { code: handoverInitiateCodes },
  handoverAcknowledge: { code: handoverAcknowledgeCodes },
  proxyRouterAdvertisement: { code: proxyAdvertisementCodes },
  ipAddressPrefix: { code: addressCodes },
  linkLayerAddress: { code: linkLayerAddressCodes },
  neighbourAdvertisementAcknowledgment: { status: neighbourAcknowledgmentStatuses },
  locationQuery: { operation: { 1: 'Query', 2: 'Answer' } },
  distributedRole: { role: { 1: 'Handover', 2: 'Location', 3: 'Bypass', 4: 'Allocation' } },
  localMobilityAnchorAddress: { code: { 1: 'IPv6', 2: 'IPv4' } },
  tunnelPreference: { family: { 1: 'IPv6', 2: 'IPv4' } },
  handoffIndicator: { indicator: handoffIndicators },
  accessTechnologyType: { type: accessTechnologies },
  mobileNodeIdentifier: { subtype: { 1: 'NAI' } },
  l2Id: { subtype: { 1: 'NAI' } },
  status: { status: pmipStatuses },
  mobilityMessageAuthentication: { subtype: { 1: 'MN-HA', 2: 'MN-AAA' }, spi: { 3: 'HMAC_SHA1_SPI' } },
  destinationUnreachable: { code: unreachableCodes },
  timeExceeded: { code: timeExceededCodes },
  parameterProblem: { code: parameterProblemCodes },
};

/** What a number in that field of that message or option stands for. */
export function meaningOf(
  kind: string,
  field: string,
  value: number,
  flags: readonly string[] = [],
): string | undefined {
  if (kind === 'bindingAcknowledgement' && field === 'status' && flags.includes('mobileRouter') && nemoStatuses[value])
    return nemoStatuses[value];
  return meanings[kind]?.[field]?.[value];
}

/** The documents' name of a message: 'Proxy Binding Update' where P is set. */
export function messageName(kind: string, flags: readonly string[] = []): string {
  const name = messageNames[kind] ?? kind;
  return (kind === 'bindingUpdate' || kind === 'bindingAcknowledgement') && flags.includes('proxy')
    ? `Proxy ${name}`
    : name;
}

const messageNames: Readonly<Record<string, string>> = {
  bindingRefreshRequest: 'Binding Refresh Request',
  homeTestInit: 'Home Test Init',
  careOfTestInit: 'Care-of Test Init',
  homeTest: 'Home Test',
  careOfTest: 'Care-of Test',
  bindingUpdate: 'Binding Update',
  bindingAcknowledgement: 'Binding Acknowledgement',
  bindingError: 'Binding Error',
  bindingRevocationIndication: 'Binding Revocation Indication',
  bindingRevocationAcknowledgement: 'Binding Revocation Acknowledgement',
  fastBindingUpdate: 'Fast Binding Update',
  fastBindingAcknowledgement: 'Fast Binding Acknowledgment',
  fastNeighbourAdvertisement: 'Fast Neighbor Advertisement',
  handoverInitiate: 'Handover Initiate',
  handoverAcknowledge: 'Handover Acknowledge',
  locationQuery: 'Location Query',
  destinationUnreachable: 'Destination Unreachable',
  packetTooBig: 'Packet Too Big',
  timeExceeded: 'Time Exceeded',
  parameterProblem: 'Parameter Problem',
  echoRequest: 'Echo Request',
  echoReply: 'Echo Reply',
  routerSolicitation: 'Router Solicitation',
  routerAdvertisement: 'Router Advertisement',
  neighbourSolicitation: 'Neighbor Solicitation',
  neighbourAdvertisement: 'Neighbor Advertisement',
  redirect: 'Redirect',
  homeAgentDiscoveryRequest: 'Home Agent Address Discovery Request',
  homeAgentDiscoveryReply: 'Home Agent Address Discovery Reply',
  mobilePrefixSolicitation: 'Mobile Prefix Solicitation',
  mobilePrefixAdvertisement: 'Mobile Prefix Advertisement',
  routerSolicitationForProxyAdvertisement: 'Router Solicitation for Proxy Advertisement',
  proxyRouterAdvertisement: 'Proxy Router Advertisement',
  trigger: 'Trigger',
  notification: 'Notification',
  conflictRequest: 'Conflict Request',
  conflictResponse: 'Conflict Response',
  contextTransferActivateRequest: 'Context Transfer Activate Request',
  contextTransferActivateAcknowledge: 'Context Transfer Activate Acknowledge',
  contextTransferData: 'Context Transfer Data',
  predictiveContextTransferData: 'Predictive Context Transfer Data',
  contextTransferDataReply: 'Context Transfer Data Reply',
  contextTransferCancel: 'Context Transfer Cancel',
  contextTransferRequest: 'Context Transfer Request',
  unknown: 'Unknown message',
};
