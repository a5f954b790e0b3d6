import { cxtpPayloadProtocol, cxtpPort } from '../cxtp/messages.js';
import { pmipPayloadProtocol, pmipPort } from '../pmip/messages.js';

/** A protocol that SCTP carries. */
export interface SctpService {
  /** At both ends. */
  readonly port: number;
  /** Payload Protocol Identifier: four characters. */
  readonly payloadProtocol: number;
  /** The U bit of its DATA chunks. */
  readonly unordered: boolean;
}

/** `pmip`: draft-singh §4.9.3; `cxtp`: RFC 4067 §3.1. */
export const sctpServices = {
  pmip: { port: pmipPort, payloadProtocol: pmipPayloadProtocol, unordered: false },
  cxtp: { port: cxtpPort, payloadProtocol: cxtpPayloadProtocol, unordered: true },
} as const satisfies Readonly<Record<string, SctpService>>;

export type SctpServiceName = keyof typeof sctpServices;

/** The service whose port both ends use. */
export function sctpServiceOf(sourcePort: number, destinationPort: number): SctpServiceName | undefined {
  if (sourcePort !== destinationPort) return undefined;
  for (const name of Object.keys(sctpServices) as SctpServiceName[])
    if (sctpServices[name].port === sourcePort) return name;
  return undefined;
}
