import type { Address } from '../../base/address.js';
import { hostPrefix } from '../../base/prefix.js';
import type { Output } from '../contract.js';

interface Route {
  readonly ipv4: Address;
  readonly users: Set<Address>;
}

/**
 * What goes out from the agent's own care-of address to home agents and agents above, mobiles' packets that share it among it, takes
 * IPv4 where visitors have their tunnels there by IPv4 (draft-dommety §1.1 B). Visitors have such a route in common: what the first of
 * them said of where it leads counts until none has it any more, so that no other can turn it away.
 */
export class Ipv4Routes {
  readonly #agent: { readonly address: Address; readonly ipv4Address?: Address | undefined };
  readonly #routes = new Map<Address, Route>();
  readonly #byUser = new Map<Address, Address>();

  constructor(agent: { readonly address: Address; readonly ipv4Address?: Address | undefined }) {
    this.#agent = agent;
  }

  /** The one that a visitor needs now. */
  set(
    user: Address,
    to: { readonly upstream: Address | undefined; readonly upstreamIpv4: Address | undefined } | undefined,
    outputs: Output[],
  ): void {
    const before = this.#byUser.get(user);
    if (before !== undefined && before !== to?.upstream) this.#leave(user, before, outputs);
    if (to?.upstream !== undefined && to.upstreamIpv4 !== undefined)
      this.#use(user, to.upstream, to.upstreamIpv4, outputs);
  }

  #use(user: Address, upstream: Address, ipv4: Address, outputs: Output[]): void {
    const { address, ipv4Address: local } = this.#agent;
    if (local === undefined) return;
    this.#byUser.set(user, upstream);
    const route = this.#routes.get(upstream);
    if (route) {
      route.users.add(user);
      return;
    }
    this.#routes.set(upstream, { ipv4, users: new Set([user]) });
    const via = { kind: 'tunnel', local, remote: ipv4 } as const;
    outputs.push({ kind: 'forward', rule: { to: hostPrefix(upstream), from: hostPrefix(address), via } });
  }

  #leave(user: Address, upstream: Address, outputs: Output[]): void {
    this.#byUser.delete(user);
    const route = this.#routes.get(upstream);
    route?.users.delete(user);
    if (route?.users.size !== 0) return;
    this.#routes.delete(upstream);
    outputs.push({ kind: 'unforward', to: hostPrefix(upstream), from: hostPrefix(this.#agent.address) });
  }
}
