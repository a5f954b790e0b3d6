import type { Address } from '../../base/address.js';
import { hostPrefix } from '../../base/prefix.js';
import type { MobilityOption } from '../../wire/mobility/options.js';
import { tunnelFamily } from '../../wire/mobility/vendor.js';
import { type Answer, cameThroughAgent } from '../anchor/acknowledge.js';
import type { Anchor } from '../anchor/anchor.js';
import type { Binding } from '../anchor/binding-cache.js';
import { answer, type Purpose } from '../anchor/engine.js';
import { homeOf, type Update } from '../anchor/update.js';
import type { Output } from '../contract.js';
import { isLeaving, linkOf } from './agent-validation.js';
import type { AgentConfig } from './config.js';
import { downwards, type Visits } from './visits.js';

/** What the parts of an agent have in common. */
export class AgentGround {
  readonly config: AgentConfig;
  readonly anchor: Anchor;
  readonly visits: Visits;

  constructor(config: AgentConfig, anchor: Anchor, visits: Visits) {
    this.config = config;
    this.anchor = anchor;
    this.visits = visits;
  }

  bindingOf(home: Address): Binding | undefined {
    return this.anchor.cache.byHome(hostPrefix(home));
  }

  purposeOf(update: Update, binding: Binding | undefined): Purpose {
    if (isLeaving(update)) return 'deregistration';
    if (binding?.state !== 'registered') return 'initial';
    const on = this.visits.get(homeOf(update))?.on;
    const isThere = on === undefined || on.link === update.link;
    return binding.tunnel.via.remote === update.careOf && isThere ? 'refresh' : 'handoff';
  }

  /** RFC 6275 §9.5.4, along the way that the update took: by the link, or nested to the agent below (draft-dommety §3.2.1, §3.2.2). */
  answer(
    update: Update,
    purpose: Purpose,
    fields: Omit<Answer, 'options'>,
    outputs: Output[],
    options = this.#optionsOf(update, fields),
  ): void {
    const { address, links } = this.config;
    const leaves = isLeaving(update);
    const on = leaves || update.careOf === address ? linkOf(update, links) : undefined;
    const isNested = cameThroughAgent(update) && !leaves && update.careOf !== address && !this.#tunnelsByIpv4(update);
    const addressing = isNested ? 'nested' : 'routingHeader';
    answer(this.anchor, update, purpose, { ...fields, options }, addressing, outputs, on);
  }

  /** Where only IPv4 may lead, the tunnel to the mobile takes the answer; of what is refused there is none. */
  #tunnelsByIpv4(update: Update): boolean {
    const visit = this.visits.get(homeOf(update));
    return visit !== undefined && downwards(visit, update.careOf, this.config).byIpv4;
  }

  #optionsOf(update: Update, { status }: Omit<Answer, 'options'>): MobilityOption[] {
    const { identity, ipv4Tunnel } = update.options;
    const options: MobilityOption[] = [];
    if (identity !== undefined) options.push({ kind: 'mobileNodeIdentifier', subtype: 1, identifier: identity });
    if (!ipv4Tunnel || status >= 128 || isLeaving(update)) return options;
    const family = this.#tunnelsByIpv4(update) ? tunnelFamily.ipv4 : tunnelFamily.ipv6;
    return [...options, { kind: 'vendorSpecific', content: { kind: 'tunnelPreference', family } }];
  }
}
