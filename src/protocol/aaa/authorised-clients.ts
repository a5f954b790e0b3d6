import { type Address, formatAddress, tryParseAddress } from '../../base/address.js';
import { type Instant, seconds } from '../../base/time.js';
import type { Output, StoredRecord } from '../contract.js';

const storePrefix = 'clients/';
/** How long the server is not asked again about a client that is not on its list. */
const patience = seconds(10);

interface Known {
  clients: ReadonlySet<Address>;
  readonly homes: Set<Address>;
  asked: Instant;
}

/** The PMIP clients that may register each mobile, as the AAA server said (draft-singh Appendix C, last paragraph). */
export class AuthorisedClients {
  readonly #byMobile = new Map<string, Known>();
  /** Mobiles by their home addresses: only the first registration of one names it (§4.1). */
  readonly #byHome = new Map<Address, string>();

  /** `ask`: the server has to be asked, for the first time, or because who comes now was not on its list some time ago. */
  judge(mobile: string, client: Address, now: Instant): boolean | 'ask' {
    const known = this.#byMobile.get(mobile);
    if (known?.clients.has(client)) return true;
    return known === undefined || now - known.asked > patience ? 'ask' : false;
  }

  learn(mobile: string, clients: readonly Address[], now: Instant): Output[] {
    const homes = this.#byMobile.get(mobile)?.homes ?? new Set();
    this.#byMobile.set(mobile, { clients: new Set(clients), homes, asked: now });
    return [this.#store(mobile)];
  }

  mobileAt(home: Address): string | undefined {
    return this.#byHome.get(home);
  }

  /** An authorised client registered that address for the mobile; `false`: it is another's. */
  name(home: Address, mobile: string): Output[] | false {
    const known = this.#byMobile.get(mobile);
    const owner = this.#byHome.get(home);
    if (!known || (owner !== undefined && owner !== mobile)) return false;
    if (owner === mobile) return [];
    this.#byHome.set(home, mobile);
    known.homes.add(home);
    return [this.#store(mobile)];
  }

  /** Returns the records that are none of its own. */
  restore(records: readonly StoredRecord[], now: Instant): StoredRecord[] {
    return records.filter(({ key, value }) => {
      if (!key.startsWith(storePrefix)) return true;
      const mobile = key.slice(storePrefix.length);
      const { clients, homes } = value as Written;
      const known = { clients: new Set(addresses(clients)), homes: new Set(addresses(homes)), asked: now };
      this.#byMobile.set(mobile, known);
      for (const home of known.homes) this.#byHome.set(home, mobile);
      return false;
    });
  }

  #store(mobile: string): Output {
    const { clients = new Set<Address>(), homes = new Set<Address>() } = this.#byMobile.get(mobile) ?? {};
    const value: Written = { clients: [...clients].map(formatAddress), homes: [...homes].map(formatAddress) };
    return { kind: 'store', key: storePrefix + mobile, value };
  }
}

interface Written {
  readonly clients: readonly string[];
  readonly homes: readonly string[];
}

function addresses(texts: readonly string[]): Address[] {
  return texts.flatMap(text => tryParseAddress(text) ?? []);
}
