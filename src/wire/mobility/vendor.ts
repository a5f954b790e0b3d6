import type { Address } from '../../base/address.js';
import { DecodeError } from '../../base/errors.js';
import { bytesToHex } from '../../base/text.js';
import type { Reader, Writer } from '../codec/buffer.js';
import * as f from '../codec/fields.js';
import { option } from '../codec/options.js';

/** The private enterprise number our own options stand under: RFC 5612's, for documentation, until we have one. */
export const enterpriseNumber = 32473;

/** What a vendor-specific option of ours, or of somebody else, says. */
export type VendorContent =
  | { readonly kind: 'bindingCacheConfirmation' } // gundavelli §4.3
  | { readonly kind: 'assignedHomeAddress'; readonly prefixLength: number; readonly address: Address } // gundavelli §6.1
  | { readonly kind: 'tunnelRequest'; readonly flags: { readonly ipv4: boolean } } // L of draft-dommety §2.2.2, in a Binding Update
  | { readonly kind: 'tunnelPreference'; readonly family: number } // its answer: one of tunnelFamily
  | { readonly kind: 'simultaneousBindings'; readonly lifetimeMs: number } // RFC 4140 Appendix A, in an FBack
  /**
   * Whom a local mobility agent sends the mobile's packets to: home agent or agent above; its IPv4-mapped address follows where
   * it has one. `relay`: the agent is to register there itself (draft-dommety §3.2, appendix, 2).
   */
  | {
      readonly kind: 'upstreamAgent';
      readonly flags: { readonly relay: boolean };
      readonly addresses: readonly Address[];
    }
  | { readonly kind: 'distributedRole'; readonly role: number } // draft-chan: one of distributedRole
  | { readonly kind: 'anchoring'; readonly zone: number } // draft-dommety §4.2, in the Binding Updates to new agent and anchor
  | { readonly kind: 'other'; readonly enterprise: number; readonly subtype: number; readonly data: Uint8Array };
type OwnKind = Exclude<VendorContent['kind'], 'other'>;

/** What a home agent tunnels by (draft-dommety §2.2.2). */
export const tunnelFamily = { ipv6: 1, ipv4: 2 } as const;

/** What a proxy registration between distributed anchors, and their gateways, is for, if not to register (draft-chan §4.1 to §5.4). */
export const distributedRole = { handover: 1, location: 2, bypass: 3, allocation: 4 } as const;

/** Our subtypes, and what stands behind them. */
const own: { readonly [K in OwnKind]: { readonly subtype: number; readonly data: f.Codec<Data<K>> } } = {
  bindingCacheConfirmation: { subtype: 1, data: f.struct({}) },
  assignedHomeAddress: {
    subtype: 2,
    data: f.struct({ reserved: f.reserved(2), prefixLength: f.prefixLength, address: f.address }),
  },
  tunnelRequest: { subtype: 3, data: f.struct({ flags: f.flags8({ ipv4: 0x80 }) }) },
  tunnelPreference: { subtype: 4, data: f.struct({ family: f.u8 }) },
  simultaneousBindings: { subtype: 5, data: f.struct({ lifetimeMs: f.u16 }) },
  distributedRole: { subtype: 7, data: f.struct({ role: f.u8 }) },
  upstreamAgent: {
    subtype: 8,
    data: f.struct({ flags: f.flags8({ relay: 0x80 }), reserved: f.reserved(2), addresses: f.repeated(f.address) }),
  },
  anchoring: { subtype: 9, data: f.struct({ reserved: f.reserved(3), zone: f.u32 }) },
};
type Data<K extends OwnKind> = Omit<Extract<VendorContent, { kind: K }>, 'kind'>;
const bySubtype = new Map(Object.entries(own).map(([kind, { subtype }]) => [subtype, kind as OwnKind]));

/** The layout of one kind, for whatever kind it is. */
function layoutOf(kind: OwnKind): { readonly subtype: number; readonly data: f.Codec<object> } {
  return own[kind] as { readonly subtype: number; readonly data: f.Codec<object> };
}

const content: f.Codec<VendorContent> = {
  octets: 5,
  encode(writer: Writer, value: VendorContent) {
    writer.u32(value.kind === 'other' ? value.enterprise : enterpriseNumber);
    if (value.kind === 'other') {
      writer.u8(value.subtype);
      return writer.append(value.data);
    }
    const { subtype, data } = layoutOf(value.kind);
    writer.u8(subtype);
    data.encode(writer, value);
  },
  decode(reader: Reader): VendorContent {
    const enterprise = reader.u32();
    const subtype = reader.u8();
    const kind = enterprise === enterpriseNumber ? bySubtype.get(subtype) : undefined;
    if (!kind) return { kind: 'other', enterprise, subtype, data: reader.slice(reader.remaining) };
    try {
      return { kind, ...layoutOf(kind).data.decode(reader) } as VendorContent;
    } catch (error) {
      if (error instanceof DecodeError) throw error.within(kind);
      throw error;
    }
  },
  plain(value: VendorContent): f.Plain {
    if (value.kind === 'other') return { ...value, data: bytesToHex(value.data) };
    return { kind: value.kind, ...(f.plainValue(layoutOf(value.kind).data, value) as object) };
  },
};

/** RFC 5094: the vendor-specific mobility option. */
export const vendorSpecific = option(19, 'vendorSpecific', { content }, '4n+2');
