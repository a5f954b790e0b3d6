import { z } from 'zod';
import { formatAddress } from '../../base/address.js';
import * as c from '../config.js';
import { checkProfiles, nearestAnchor, profileKeys } from './config.js';
import { cipherNames } from './key-material.js';

/** Who may ask, and for what. */
const client = z.strictObject({
  address: c.unicastAddress,
  name: c.name.optional(),
  secret: c.sharedSecret,
  /** `access`: a gateway, of stations; `keys`: a PMIP client, for its mobiles; `anchor`: an anchor, for those given to clients. */
  may: z.array(c.choice(['access', 'keys', 'anchor'])).min(1, 'at least one of access, keys, anchor'),
});
export type ServedClient = z.infer<typeof client>;

const mobile = z.strictObject({
  ...profileKeys,
  /** PMIP clients that may register it: those named, or at a gateway that it has access through. */
  pmipClients: z.union([z.literal('access'), z.array(c.unicastAddress)]).default([]),
});

export const serverSection = z
  .strictObject({
    /** Own address: where requests come to. */
    address: c.unicastAddress,
    clients: z.array(client).min(1, 'at least one client'),
    mobiles: z.array(mobile).default([]),
    nearestAnchor: z.array(nearestAnchor).default([]),
    /** Of the associations it makes keys for. */
    cipher: c.choice(cipherNames).default('aes-128-gcm'),
  })
  .superRefine(({ clients, mobiles }, context) => {
    const problem = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message });
    for (const [i, { address }] of clients.entries())
      if (clients.findIndex(other => other.address === address) < i)
        problem(['clients', i, 'address'], `one entry for ${formatAddress(address)}`);
    checkProfiles(mobiles, 'mobiles', context);
    for (const [i, { pmipClients }] of mobiles.entries())
      if (pmipClients !== 'access')
        for (const [j, address] of pmipClients.entries())
          if (!clients.some(known => known.address === address && known.may.includes('keys')))
            problem(['mobiles', i, 'pmipClients', j], 'the address of one of clients that may ask for keys');
  });
export type ServerConfig = z.infer<typeof serverSection>;
