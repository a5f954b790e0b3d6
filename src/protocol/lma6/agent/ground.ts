import type { Address } from '../../../base/address.js';
import { hostPrefix } from '../../../base/prefix.js';
import type { MobilityOption } from '../../../wire/mobility/options.js';
import { type Answer, cameThroughAgent } from '../../anchor/acknowledge.js';
import type { Anchor } from '../../anchor/anchor.js';
import type { Binding } from '../../anchor/binding-cache.js';
import { answer, type Purpose } from '../../anchor/engine.js';
import { tunnelPreference } from '../../anchor/self-registration.js';
import { homeOf, type Update } from '../../anchor/update.js';
import type { Output } from '../../contract.js';
import type { AgentConfig } from './config.js';
import { isLeaving, linkOf } from './validation.js';
import type { Visits } from './visits.js';

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
    return binding.tunnel.careOf === update.careOf && isThere ? 'refresh' : 'handoff';
  }

  /** RFC 6275 §9.5.4, along the way that the update took: by the link, or nested to the agent below (draft-dommety §3.2.1, §3.2.2). */
  answer(update: Update, purpose: Purpose, fields: Omit<Answer, 'options'>, outputs: Output[]): void {
    const { address, links } = this.config;
    const leaves = isLeaving(update);
    const on = leaves || update.careOf === address ? linkOf(update, links) : undefined;
    const isNested = cameThroughAgent(update) && !leaves && update.careOf !== address;
    const addressing = isNested ? 'nested' : 'routingHeader';
    const tunnel = this.bindingOf(homeOf(update))?.tunnel;
    const preference = tunnel && fields.lifetimeS > 0 ? tunnelPreference(update, tunnel) : [];
    const options = [...identityOption(update), ...preference];
    const say = () => answer(this.anchor, update, purpose, { ...fields, options }, addressing, outputs, on);
    this.anchor.tunnels.reaching(update, tunnel, outputs, say);
  }
}

function identityOption({ options: { identity } }: Update): MobilityOption[] {
  return identity === undefined ? [] : [{ kind: 'mobileNodeIdentifier', subtype: 1, identifier: identity }];
}
