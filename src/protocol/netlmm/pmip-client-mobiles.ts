import type { Address } from '../../base/address.js';
import { type Prefix, prefixContains } from '../../base/prefix.js';
import type { AssociationId } from '../contract.js';
import type { Entry } from './pmip-client-cache.js';
import type { Trigger } from './pmip-client-messages.js';

/** What configuration says of a mobile at one anchor. */
export interface MobileProfile {
  readonly identity: string;
  readonly lma: Address | undefined;
  /** The only pHoA it may have. */
  readonly homeAddress: Address | undefined;
  /** What its pHoA lies in. */
  readonly prefix: Prefix | undefined;
  /** The name of its association with that anchor; its NAI otherwise. */
  readonly association: AssociationId | undefined;
}

export interface MobilesSettings {
  readonly profiles: readonly MobileProfile[];
  /** Anchors, with the prefixes that are routed to each. */
  readonly lmas: readonly { readonly address: Address; readonly prefixes: readonly Prefix[] }[];
  /** The anchor of mobiles for which nothing says another. */
  readonly lma: Address | undefined;
  /** Whether each mobile has an association of its own with its anchor (§4.3). */
  readonly ownAssociations: boolean;
  /** Whether mobiles without a profile are served. */
  readonly unknownMobiles: boolean;
}

/** Where a mobile may be registered, and under which association. */
export interface Permission {
  readonly lma: Address;
  /** pHoA as the gateway says, or the only one the mobile may have. */
  readonly home: Address | undefined;
  readonly association: AssociationId | undefined;
}

/** Which mobiles the client serves: having the keys of a mobile means that it may register it (§4.3). */
export class Mobiles {
  readonly #settings: MobilesSettings;
  readonly #profiles = new Map<string, MobileProfile[]>();

  constructor(settings: MobilesSettings) {
    this.#settings = settings;
    for (const profile of settings.profiles) {
      const others = this.#profiles.get(profile.identity);
      if (others) others.push(profile);
      else this.#profiles.set(profile.identity, [profile]);
    }
  }

  /** Undefined: the client may not register that mobile there. */
  permit(trigger: Pick<Trigger, 'identity' | 'home' | 'lma'>, known: readonly Entry[]): Permission | undefined {
    const profiles = this.#profiles.get(trigger.identity);
    if (!profiles && !this.#settings.unknownMobiles) return undefined;
    const fitting = profiles?.find(profile => this.#fits(profile, trigger));
    if (profiles && !fitting) return undefined;
    // §4.2: one that is known moves, where nothing says that it changes its anchor (§4.4).
    const present = trigger.home === undefined && trigger.lma === undefined ? known.at(-1)?.lma : undefined;
    const lma = present ?? this.#anchorFor(trigger, fitting);
    if (lma === undefined) return undefined;
    const association = this.#settings.ownAssociations ? (fitting?.association ?? trigger.identity) : undefined;
    return { lma, home: trigger.home ?? fitting?.homeAddress, association };
  }

  #fits({ homeAddress, prefix, lma }: MobileProfile, trigger: Pick<Trigger, 'home' | 'lma'>): boolean {
    if (trigger.lma !== undefined && lma !== undefined && trigger.lma !== lma) return false;
    if (trigger.home === undefined) return true;
    if (homeAddress !== undefined) return trigger.home === homeAddress;
    return prefix === undefined || prefixContains(prefix, trigger.home);
  }

  /** By the profile, by the gateway's wish, by whose prefix the pHoA has. */
  #anchorFor({ home, lma }: Pick<Trigger, 'home' | 'lma'>, profile: MobileProfile | undefined): Address | undefined {
    const { lmas, lma: fallback } = this.#settings;
    if (profile?.lma !== undefined) return profile.lma;
    if (lma !== undefined) return lma === fallback || lmas.some(({ address }) => address === lma) ? lma : undefined;
    const owner = home && lmas.find(({ prefixes }) => prefixes.some(prefix => prefixContains(prefix, home)));
    return owner?.address ?? fallback;
  }
}
