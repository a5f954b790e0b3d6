import type { Address } from '../../../base/address.js';
import { progress } from '../../../wire/icmpv6/agents.js';
import type { Attachment } from '../../mobile/movement.js';

/** Which agents of the router's options have started anew since they were heard there (draft-dommety §2.2.1). */
export class Restarts {
  #router: Address | undefined;
  #heard = new Map<Address, number>();

  among(place: Attachment | undefined): Address[] {
    if (!place) return [];
    if (place.router !== this.#router) this.#heard = new Map();
    this.#router = place.router;
    const restarted: Address[] = [];
    const heard = new Map<Address, number>();
    for (const { chain, sequence } of place.agents ?? []) {
      const [{ address }] = chain;
      const before = this.#heard.get(address);
      if (before !== undefined && progress(before, sequence) === 'restarted') restarted.push(address);
      heard.set(address, sequence);
    }
    this.#heard = heard;
    return restarted;
  }
}
