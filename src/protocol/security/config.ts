import { z } from 'zod';
import { type Address, formatAddress } from '../../base/address.js';
import { bytesEqual, bytesToHex } from '../../base/text.js';
import * as c from '../config.js';

const spi = c.integer(256, 0xffff_ffff);

/** RFC 4285 with HMAC_SHA1 and timestamps. */
const rfc4285 = z.strictObject({
  kind: z.literal('rfc4285'),
  /** The same at both ends. */
  spi,
  key: c.secret(16, 'HMAC-SHA1 key of RFC 4285'),
  /** How far apart the two clocks may be. */
  windowS: c.number(0.001, 3600, 'seconds').default(7),
});

const gcmDirection = z
  .strictObject({ spi, key: c.secret(16, 'AES-128 key'), salt: c.secret(4, 'salt of RFC 4106') })
  .transform(({ spi, ...keys }) => ({ spi, keys: { cipher: 'aes-128-gcm', ...keys } as const }));
const cbcDirection = z
  .strictObject({ spi, key: c.secret(16, 'AES-128 key'), authenticationKey: c.secret(32, 'HMAC-SHA-256 key') })
  .transform(({ spi, ...keys }) => ({ spi, keys: { cipher: 'aes-128-cbc-hmac-sha-256-128', ...keys } as const }));
/** Where a tunnel ends at the mobile, the same at both ends: a care-of address that it shares with others is no end (draft-dommety). */
const tunnelEnd = z.enum(['careOfAddress', 'homeAddress']).default('careOfAddress');
/**
 * ESP in transport mode, an association for each direction: `outbound` here is `inbound` at the peer. `tunnel`: others in
 * tunnel mode, between a mobile node and its home agent for what goes to third parties (RFC 6275 §5.2.5).
 */
const esp = z
  .discriminatedUnion('cipher', [
    z.strictObject({
      kind: z.literal('esp'),
      cipher: z.literal('aes-128-gcm'),
      outbound: gcmDirection,
      inbound: gcmDirection,
      tunnel: z.strictObject({ outbound: gcmDirection, inbound: gcmDirection, end: tunnelEnd }).optional(),
    }),
    z.strictObject({
      kind: z.literal('esp'),
      cipher: z.literal('aes-128-cbc-hmac-sha-256-128'),
      outbound: cbcDirection,
      inbound: cbcDirection,
      tunnel: z.strictObject({ outbound: cbcDirection, inbound: cbcDirection, end: tunnelEnd }).optional(),
    }),
  ])
  .superRefine(({ cipher, outbound, inbound, tunnel }, context) => {
    const directions = [outbound, inbound, ...(tunnel ? [tunnel.outbound, tunnel.inbound] : [])];
    const paths = [['outbound'], ['inbound'], ['tunnel', 'outbound'], ['tunnel', 'inbound']];
    for (const [i, { keys }] of directions.entries())
      if (cipher === 'aes-128-gcm' && directions.slice(0, i).some(other => bytesEqual(other.keys.key, keys.key)))
        problem(context, [...paths[i], 'key'], 'a key of its own: under AES-GCM associations must not share one');
    if (tunnel?.inbound.spi === inbound.spi || tunnel?.outbound.spi === outbound.spi)
      problem(context, ['tunnel'], 'other SPIs than those of transport mode');
  });

const peerKeys = {
  /** What logs and `show` call it; its address or NAI otherwise. */
  name: c.name.optional(),
  security: z.discriminatedUnion('kind', [rfc4285, esp]).optional(),
};
export const peer = z.strictObject({ ...peerKeys, address: c.unicastAddress });
/** A mobile known by its home address, or by its NAI whatever address it registers. */
const mobile = z.strictObject({
  ...peerKeys,
  address: c.unicastAddress.optional(),
  identity: c.identity.optional(),
});
export type Peer = z.infer<typeof peer> | z.infer<typeof mobile>;
export type PeerSecurity = NonNullable<Peer['security']>;

/** Keys that every role which signals has: spread them into its section and wrap that in {@link protectedSection}. */
export const signalling = {
  /** Own address for signalling and tunnels. */
  address: c.unicastAddress,
  peers: z.array(peer).default([]),
  /** Signalling goes unprotected. */
  insecure: c.flag.default(false),
};

/** The same for a role whose mobiles bring addresses of their own choice (RFC 4140 §12.1). */
export const mobileSignalling = {
  ...signalling,
  peers: z
    .array(mobile)
    .superRefine((peers, context) => {
      for (const [i, { address, identity }] of peers.entries())
        if ((address === undefined) === (identity === undefined)) problem(context, [i], 'one of address and identity');
    })
    .default([]),
};

/** How a role's signalling is protected, as its configuration says. */
export interface SignallingProtection {
  readonly peers: readonly Peer[];
  readonly insecure: boolean;
  /** Where the keys of other associations come from. */
  readonly keys?: object | undefined;
  /** The node's own: at a mobile node its home address. */
  readonly address?: Address;
  /** What a peer sends may be about home addresses of others (draft-singh §4.3): it is the sender's association then. */
  readonly peersRegisterOthers?: boolean;
  /** Mobiles register through local mobility agents, and refusals take that way back (draft-dommety §3.2.1). */
  readonly answersThroughAgents?: boolean;
  /** Whose SCTP carries the messages of services. */
  readonly transport?: 'user' | 'kernel';
}

/** `section` with the rule that signalling is unprotected only where `insecure: true` says so. */
export function protectedSection<S extends z.ZodType<SignallingProtection>>(section: S): S {
  return section.superRefine((value, context) => {
    if (!value.insecure && !value.keys && value.peers.length === 0)
      problem(
        context,
        ['peers'],
        'at least one peer with its keys, or insecure: true for signalling without protection',
      );
    // draft-singh §4.9.4: that the kernel protects its SCTP is nothing that this program can see to.
    if (!value.insecure && value.transport === 'kernel')
      problem(context, ['transport'], 'user, or insecure: true where `ip xfrm` protects the SCTP of the kernel');
    checkNames(value.peers, context);
    for (const [i, { security }] of value.peers.entries()) {
      if (!value.insecure && !security)
        problem(context, ['peers', i, 'security'], 'a section with kind rfc4285 or esp, or insecure: true for all');
      if (value.insecure && security)
        problem(context, ['peers', i, 'security'], 'nothing, since insecure: true leaves signalling unprotected');
    }
  });
}

/**
 * Draft-singh §4.9.4: what goes over SCTP goes under ESP with non-null integrity. `parties` are those that a section names as
 * peers of a service, each with where it names them.
 */
export function checkServices(
  { peers, insecure }: SignallingProtection,
  parties: readonly { readonly path: (string | number)[]; readonly address: Address }[],
  context: z.RefinementCtx,
): void {
  if (insecure) return;
  for (const { path, address } of parties) {
    const peer = peers.find(candidate => candidate.address === address);
    if (peer?.security?.kind !== 'esp')
      problem(context, path, 'the address of a peer with security of kind esp: SCTP needs it');
  }
}

/** What tells peers apart is each one's own: addresses; NAIs, which are nobody's name; and the keys of who has no address. */
function checkNames(peers: readonly Peer[], context: z.RefinementCtx): void {
  const addresses = new Set<string>();
  const names = new Set(peers.flatMap(({ address, name }) => (address === undefined ? [] : (name ?? []))));
  const keys = new Set<string>();
  for (const [i, peer] of peers.entries()) {
    const { address, security } = peer;
    if (address !== undefined && addresses.has(address))
      problem(context, ['peers', i, 'address'], `one entry for ${formatAddress(address)}`);
    if (address !== undefined) addresses.add(address);
    const identity = identityOf(peer);
    if (identity === undefined) continue;
    const name = associationName(peer);
    if (names.has(name))
      problem(context, ['peers', i, peer.name ? 'name' : 'identity'], 'a name that no other peer has');
    names.add(name);
    const key = security && inboundKey(security);
    if (key === undefined) continue;
    if (keys.has(key)) problem(context, ['peers', i, 'security'], 'keys that no other mobile has');
    keys.add(key);
  }
}

/** What its association is called. A mobile that has several, by way of several nodes, has a name for each. */
export function associationName(peer: Peer): string {
  return peer.name ?? identityOf(peer) ?? formatAddress(peer.address as Address);
}

/** The NAI of a peer that has no address. */
export function identityOf(peer: Peer): string | undefined {
  return 'identity' in peer ? peer.identity : undefined;
}

function inboundKey(security: PeerSecurity): string {
  return bytesToHex(security.kind === 'esp' ? security.inbound.keys.key : security.key);
}

function problem(context: z.RefinementCtx, path: (string | number)[], message: string): void {
  context.addIssue({ code: 'custom', path, message });
}
