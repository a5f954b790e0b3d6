/** A protocol that SCTP carries. */
export interface SctpService {
  /** At both ends. */
  readonly port: number;
  /** Payload Protocol Identifier: four characters. */
  readonly payloadProtocol: number;
  /** The U bit of its DATA chunks. */
  readonly unordered: boolean;
  readonly title: string;
}

/**
 * `pmip`: draft-singh §4.9.3, its port of the dynamic range and its identifier "PMAG" ours, for the document gives none.
 * `cxtp`: RFC 4067 §3.1, whose "CXTP" has no number.
 */
export const sctpServices = {
  pmip: { port: 49153, payloadProtocol: 0x504d4147, unordered: false, title: 'PMIP client' },
  cxtp: { port: 5091, payloadProtocol: 0x43585450, unordered: true, title: 'Context transfer' },
} as const satisfies Readonly<Record<string, SctpService>>;

export type SctpServiceName = keyof typeof sctpServices;

/** The service whose port both ends use. */
export function sctpServiceOf(sourcePort: number, destinationPort: number): SctpServiceName | undefined {
  if (sourcePort !== destinationPort) return undefined;
  for (const name of Object.keys(sctpServices) as SctpServiceName[])
    if (sctpServices[name].port === sourcePort) return name;
  return undefined;
}
