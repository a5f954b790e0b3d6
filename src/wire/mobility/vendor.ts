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
  | { readonly kind: 'simultaneousBindings'; readonly lifetimeMs: number } // RFC 4140 Appendix A, in an FBack
  | { readonly kind: 'other'; readonly enterprise: number; readonly subtype: number; readonly data: Uint8Array };

/** gundavelli §6.1's Assigned Home Address: pad, reserved, prefix length, address. */
const assignedHomeAddress = f.struct({ reserved: f.reserved(2), prefixLength: f.prefixLength, address: f.address });

const content: f.Codec<VendorContent> = {
  octets: 5,
  encode(writer: Writer, value: VendorContent) {
    writer.u32(value.kind === 'other' ? value.enterprise : enterpriseNumber);
    switch (value.kind) {
      case 'bindingCacheConfirmation':
        return writer.u8(1);
      case 'assignedHomeAddress':
        writer.u8(2);
        return assignedHomeAddress.encode(writer, value);
      case 'simultaneousBindings':
        writer.u8(5);
        return f.u16.encode(writer, value.lifetimeMs);
      case 'other':
        writer.u8(value.subtype);
        return writer.append(value.data);
    }
  },
  decode(reader: Reader): VendorContent {
    const enterprise = reader.u32();
    const subtype = reader.u8();
    try {
      if (enterprise === enterpriseNumber && subtype === 1) return { kind: 'bindingCacheConfirmation' };
      if (enterprise === enterpriseNumber && subtype === 2)
        return { kind: 'assignedHomeAddress', ...assignedHomeAddress.decode(reader) };
      if (enterprise === enterpriseNumber && subtype === 5)
        return { kind: 'simultaneousBindings', lifetimeMs: f.u16.decode(reader) };
    } catch (error) {
      if (error instanceof DecodeError)
        throw error.within(subtype === 2 ? 'assignedHomeAddress' : 'simultaneousBindings');
      throw error;
    }
    return { kind: 'other', enterprise, subtype, data: reader.slice(reader.remaining) };
  },
  plain(value: VendorContent): f.Plain {
    switch (value.kind) {
      case 'bindingCacheConfirmation':
        return { kind: value.kind };
      case 'assignedHomeAddress':
        return { kind: value.kind, ...(f.plainValue(assignedHomeAddress, value) as object) };
      case 'simultaneousBindings':
        return { ...value };
      case 'other':
        return { ...value, data: bytesToHex(value.data) };
    }
  },
};

/** RFC 5094: the vendor-specific mobility option. */
export const vendorSpecific = option(19, 'vendorSpecific', { content }, '4n+2');
