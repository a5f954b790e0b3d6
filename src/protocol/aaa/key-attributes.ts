import type { Address } from '../../base/address.js';
import {
  findAttribute,
  type OwnAttribute,
  ownAttributes,
  type RadiusAttribute,
  vendorSpecific,
} from '../../wire/radius/attributes.js';
import { sealKey } from '../../wire/radius/authentication.js';
import { keyRequests, serviceTypes } from '../../wire/radius/messages.js';
import type { EspDirection } from '../security/esp-channel.js';
import type { IssuedKeys, KeyedDirection } from './issued-keys.js';
import { cipherNamed, cipherNumber, espKeys } from './key-material.js';
import type { RadiusAnswer } from './radius-client.js';

/** What PMIP clients and anchors ask an AAA server for (draft-singh Appendix C). */
export type KeyQuestion =
  /** A client: keys for that mobile with that anchor. */
  | { readonly kind: 'mobile'; readonly mobile: string; readonly anchor: Address }
  /** A client: keys for all its mobiles with that anchor. */
  | { readonly kind: 'client'; readonly anchor: Address }
  /** An anchor: the keys that a client's packet is under. */
  | { readonly kind: 'spi'; readonly spi: number; readonly client: Address }
  /** An anchor: who may register that mobile. */
  | { readonly kind: 'clients'; readonly mobile: string };

export function questionAttributes(question: KeyQuestion): RadiusAttribute[] {
  const own: OwnAttribute[] = [{ kind: 'keyRequest', request: keyRequests[question.kind] }];
  const attributes: RadiusAttribute[] = [{ kind: 'serviceType', service: serviceTypes.authorizeOnly }];
  if (question.kind === 'mobile' || question.kind === 'clients')
    attributes.push({ kind: 'userName', name: question.mobile });
  if (question.kind === 'mobile' || question.kind === 'client')
    attributes.push({ kind: 'homeLma', address: question.anchor });
  if (question.kind === 'spi')
    own.push({ kind: 'inboundSpi', spi: question.spi }, { kind: 'pmipClient', address: question.client });
  return [...attributes, ...vendorSpecific({ kind: 'own', attributes: own })];
}

/** Undefined: it asks for no keys, or not well. */
export function questionOf(attributes: readonly RadiusAttribute[]): KeyQuestion | undefined {
  const own = ownAttributes(attributes);
  const mobile = findAttribute(attributes, 'userName')?.name;
  const anchor = findAttribute(attributes, 'homeLma')?.address;
  switch (ownOf(own, 'keyRequest')?.request) {
    case keyRequests.mobile:
      return mobile !== undefined && anchor !== undefined ? { kind: 'mobile', mobile, anchor } : undefined;
    case keyRequests.client:
      return anchor !== undefined ? { kind: 'client', anchor } : undefined;
    case keyRequests.spi: {
      const spi = ownOf(own, 'inboundSpi')?.spi;
      const client = ownOf(own, 'pmipClient')?.address;
      return spi !== undefined && client !== undefined ? { kind: 'spi', spi, client } : undefined;
    }
    case keyRequests.clients:
      return mobile !== undefined ? { kind: 'clients', mobile } : undefined;
    default:
      return undefined;
  }
}

export function asksForKeys(attributes: readonly RadiusAttribute[]): boolean {
  return ownOf(ownAttributes(attributes), 'keyRequest') !== undefined;
}

/** The two directions as the one who asks has them. */
export function keysAttributes(
  keys: IssuedKeys,
  asker: 'client' | 'anchor',
  requested: Uint8Array,
  secret: Uint8Array,
): RadiusAttribute[] {
  const [outbound, inbound] = asker === 'client' ? [keys.toAnchor, keys.toClient] : [keys.toClient, keys.toAnchor];
  const hidden = (salt: number, { material }: KeyedDirection) => ({
    salt,
    sealed: sealKey(material, salt, requested, secret),
  });
  const own: OwnAttribute[] = [
    { kind: 'cipher', cipher: cipherNumber(keys.cipher) },
    { kind: 'outboundSpi', spi: outbound.spi },
    { kind: 'inboundSpi', spi: inbound.spi },
    { kind: 'pmipClient', address: keys.client },
  ];
  return [
    ...(keys.mobile === undefined ? [] : [{ kind: 'userName', name: keys.mobile } as const]),
    { kind: 'homeLma', address: keys.anchor },
    ...vendorSpecific({ kind: 'own', attributes: own }),
    ...vendorSpecific({
      kind: 'microsoft',
      attributes: [
        // RFC 2548 §2.4.2: another salt for each, the first bit set. Another authenticator comes with every request.
        { kind: 'sendKey', ...hidden(0x8001, outbound) },
        { kind: 'receiveKey', ...hidden(0x8002, inbound) },
      ],
    }),
  ];
}

/** What a server delivered. */
export interface DeliveredKeys {
  /** Undefined: for all mobiles of the client. */
  readonly mobile: string | undefined;
  readonly client: Address;
  readonly anchor: Address;
  /** The mobile's own, where the server knows it. */
  readonly home: Address | undefined;
  readonly outbound: EspDirection;
  readonly inbound: EspDirection;
}

/** Undefined: something is missing, or does not open. */
export function deliveredKeys(answer: RadiusAnswer): DeliveredKeys | undefined {
  const { attributes } = answer;
  const own = ownAttributes(attributes);
  const cipher = cipherNamed(ownOf(own, 'cipher')?.cipher ?? 0);
  const client = ownOf(own, 'pmipClient')?.address;
  const anchor = findAttribute(attributes, 'homeLma')?.address;
  const direction = (key: 'sendKey' | 'receiveKey', spi: number | undefined): EspDirection | undefined => {
    const material = answer.key(key);
    const keys = cipher && material && espKeys(cipher, material);
    return keys && spi !== undefined && spi >= 256 ? { spi, keys } : undefined;
  };
  const outbound = direction('sendKey', ownOf(own, 'outboundSpi')?.spi);
  const inbound = direction('receiveKey', ownOf(own, 'inboundSpi')?.spi);
  if (!outbound || !inbound || client === undefined || anchor === undefined) return undefined;
  const mobile = findAttribute(attributes, 'userName')?.name;
  const home = findAttribute(attributes, 'framedIpv6Address')?.address;
  return { mobile, client, anchor, home, outbound, inbound };
}

/** The clients in the answer to who may register a mobile. */
export function clientsOf(attributes: readonly RadiusAttribute[]): Address[] {
  return ownAttributes(attributes).flatMap(attribute => (attribute.kind === 'pmipClient' ? [attribute.address] : []));
}

function ownOf<K extends OwnAttribute['kind']>(
  attributes: readonly OwnAttribute[],
  kind: K,
): Extract<OwnAttribute, { kind: K }> | undefined {
  return attributes.find(attribute => attribute.kind === kind) as Extract<OwnAttribute, { kind: K }> | undefined;
}
