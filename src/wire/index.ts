/** Octets and messages: IPv6 and its headers, ICMPv6 and Neighbour Discovery, the Mobility Header, captures. */

export * from '../base/address.js';
export { type DecodeCode, DecodeError } from '../base/errors.js';
export * from '../base/link-address.js';
export * from '../base/prefix.js';
export { checksum, type Endpoints } from './checksum.js';
export { Reader, Writer } from './codec/buffer.js';
export type { Plain } from './codec/fields.js';
export type { UnknownOption } from './codec/options.js';
export * from './cxtp/context.js';
export * from './cxtp/messages.js';
export * from './dissect.js';
export * from './ethernet.js';
export * from './icmpv6/messages.js';
export { findNeighbourOption, type NeighbourOption, type NeighbourOptionOf } from './icmpv6/neighbour-options.js';
export {
  type DecodeOptions,
  decodePacket,
  encodePacket,
  encodePayload,
  headerOctets,
  packetLength,
  payloadProtocol,
  withDecodedPayload,
  writePacket,
} from './ipv6/codec.js';
export {
  type DestinationOption,
  type ExtensionHeader,
  protocol,
  type UnrecognisedOptionAction,
  unrecognisedOptionAction,
} from './ipv6/extension-headers.js';
export {
  defaultHopLimit,
  effectiveDestination,
  effectiveSource,
  type Packet,
  type Payload,
  type TcpSegment,
  type UdpDatagram,
} from './ipv6/packet.js';
export { decodeMobilityHeader, encodeMobilityHeader, writeMobilityHeader } from './mobility/header.js';
export {
  type BindingAcknowledgement,
  type BindingAcknowledgementFlags,
  type BindingRevocationAcknowledgement,
  type BindingRevocationIndication,
  type BindingUpdate,
  type BindingUpdateFlags,
  bindingAcknowledgementFlags,
  bindingUpdateFlags,
  type FastBindingAcknowledgement,
  type FastBindingUpdate,
  type HandoverAcknowledge,
  type HandoverInitiate,
  type MobilityMessage,
  type MobilityMessageOf,
  mobilityType,
  type UnknownMobilityMessage,
} from './mobility/messages.js';
export {
  findOption,
  type MobilityOption,
  type MobilityOptionKind,
  type MobilityOptionOf,
} from './mobility/options.js';
export { enterpriseNumber, type VendorContent } from './mobility/vendor.js';
export { type CaptureInterface, linkType } from './pcapng/blocks.js';
export { type CapturedPacket, readCapture } from './pcapng/reader.js';
export { pcapngHeader, pcapngInterface, pcapngPacket, pcapngSectionHeader } from './pcapng/writer.js';
export * from './pmip/messages.js';
export type { Chunk, ChunkOf } from './sctp/chunks.js';
export { decodeSctp, encodeSctp, type SctpPacket } from './sctp/packet.js';
