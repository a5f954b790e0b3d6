/** Block types, options and link types of draft-ietf-opsawg-pcapng and its forerunner, pcap. */
export const blockType = {
  sectionHeader: 0x0a0d0d0a,
  interfaceDescription: 1,
  simplePacket: 3,
  enhancedPacket: 6,
} as const;

export const byteOrderMagic = 0x1a2b3c4d;

export const optionCode = {
  end: 0,
  comment: 1,
  interfaceName: 2,
  interfaceTimestampResolution: 9,
  interfaceTimestampOffset: 14,
} as const;

/** What the octets of a captured packet start with. */
export const linkType = { ethernet: 1, raw: 101, linuxCooked: 113, ipv6: 229, linuxCooked2: 276 } as const;

export interface CaptureInterface {
  readonly name: string;
  /** One of {@link linkType}. */
  readonly linkType: number;
}
