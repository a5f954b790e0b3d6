import type { Address } from '../../base/address.js';
import type { Attachment } from '../mobile/movement.js';

/** After 0xffff comes this, so that less than it after more tells of a start (RFC 2002 §2.3.2). */
const afterRollover = 256;

/** Which agents of the router's options have started anew since they were heard there (draft-dommety §2.2.1). */
export class Restarts {
  #router: Address | undefined;
  #heard = new Map<Address, number>();

  /** What follows a sequence number shows a start where it is lower and not what comes after the highest. */
  among(place: Attachment | undefined): Address[] {
    if (!place) return [];
    if (place.router !== this.#router) this.#heard = new Map();
    this.#router = place.router;
    const restarted: Address[] = [];
    const heard = new Map<Address, number>();
    for (const { agents, sequence } of place.agents ?? []) {
      const { address } = agents[0];
      const before = this.#heard.get(address);
      if (before !== undefined && sequence < before && sequence < afterRollover) restarted.push(address);
      heard.set(address, sequence);
    }
    this.#heard = heard;
    return restarted;
  }
}
