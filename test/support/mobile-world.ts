import { parseAddress } from '../../src/base/address.js';
import { parseLinkAddress } from '../../src/base/link-address.js';
import { parsePrefix, prefixOf } from '../../src/base/prefix.js';
import { seededRandom } from '../../src/base/random.js';
import { type Instant, wallClockFrom } from '../../src/base/time.js';
import type { Environment, Input, Output } from '../../src/protocol/contract.js';
import { MobileNode, type MobileNodeParts, type MobileNodeSettings } from '../../src/protocol/mobile/mobile-node.js';
import { toMobile } from '../../src/protocol/mobile/packets.js';
import type { NeighbourOption } from '../../src/wire/icmpv6/neighbour-options.js';
import type { BindingUpdate } from '../../src/wire/mobility/messages.js';
import { bindingAcknowledgementFlags } from '../../src/wire/mobility/messages.js';

export const home = parseAddress('2001:db8:1::7');
export const homeAgent = parseAddress('2001:db8:1::1');
export const careOf = parseAddress('2001:db8:2::7');
export const router = parseAddress('fe80::1');
export const otherRouter = parseAddress('fe80::2');

export const settings: MobileNodeSettings = {
  homeAddress: home,
  homeAgent,
  homePrefix: prefixOf(home, 64),
  links: ['wlan0'],
  detection: 'eager',
  linkTriggers: true,
  missedAdvertisements: 3,
  lifetimeS: 600,
  parkOctets: 10_000,
  insecure: true,
  homeAgentDiscovery: false,
  homeAgentAttempts: 5,
  homePrefixDiscovery: false,
  trusts: () => true,
  routeOptimisation: false,
  maximumCorrespondents: 10,
};

/** A mobile node's engine in a test's hands. */
export class MobileWorld {
  readonly engine: MobileNode;
  now: Instant = 0;

  constructor(
    changes: Partial<MobileNodeSettings> = {},
    parts: (environment: Environment) => MobileNodeParts = () => ({}),
  ) {
    const environment = { random: seededRandom(5), clock: wallClockFrom(1_767_225_600) };
    this.engine = new MobileNode({ ...settings, ...changes }, environment, parts(environment));
  }

  give(...inputs: Input[]): Output[] {
    return inputs.flatMap(input => this.engine.handle(input, this.now));
  }

  advertised(
    prefix = '2001:db8:2::/64',
    from = router,
    options: readonly NeighbourOption[] = [],
    link = 'wlan0',
  ): Output[] {
    const { address, length } = parsePrefix(prefix);
    return this.give({
      kind: 'router',
      link,
      router: from,
      advertisement: {
        kind: 'routerAdvertisement',
        code: 0,
        currentHopLimit: 64,
        flags: { managed: false, other: false, homeAgent: false },
        routerLifetimeS: 1800,
        reachableTimeMs: 0,
        retransTimerMs: 0,
        options: [
          {
            kind: 'prefixInformation',
            length,
            flags: { onLink: true, autonomous: true, routerAddress: false },
            validLifetimeS: 3600,
            preferredLifetimeS: 3600,
            prefix: address,
          },
          ...options,
        ],
      },
    });
  }

  link(up: boolean, link = 'wlan0'): Output[] {
    return this.give({ kind: 'link', link, up, linkAddress: parseLinkAddress('02:00:00:00:00:07') });
  }

  address(state: 'tentative' | 'preferred' | 'duplicate' | 'gone', address = careOf, link = 'wlan0'): Output[] {
    return this.give({ kind: 'address', link, address, state });
  }

  /** On the visited link with an address; the Binding Update is what comes out. */
  arrive(): BindingUpdate {
    this.link(true);
    this.advertised();
    return updateIn(this.address('preferred'))!;
  }

  /** Up to and at `until`, every tick where the engine wants it: what came out, with its time. */
  pass(until: Instant): { at: Instant; output: Output }[] {
    const seen: { at: Instant; output: Output }[] = [];
    while (this.engine.deadline !== undefined && this.engine.deadline <= until) {
      this.now = this.engine.deadline;
      for (const output of this.give({ kind: 'tick' })) seen.push({ at: this.now, output });
    }
    this.now = until;
    return seen;
  }

  acknowledge(sequence: number, status = 0, lifetimeS = 600, options: { source?: typeof home } = {}): Output[] {
    const flags = bindingAcknowledgementFlags({});
    const message = { kind: 'bindingAcknowledgement', status, flags, sequence, lifetimeS, options: [] } as const;
    return this.give({ kind: 'packet', packet: toMobile(options.source ?? homeAgent, careOf, home, message) });
  }
}

export function updatesIn(outputs: readonly Output[]): BindingUpdate[] {
  return outputs.flatMap(output =>
    output.kind === 'send' &&
    output.packet.payload.kind === 'mobility' &&
    output.packet.payload.message.kind === 'bindingUpdate'
      ? [output.packet.payload.message]
      : [],
  );
}
export function updateIn(outputs: readonly Output[]): BindingUpdate | undefined {
  return updatesIn(outputs)[0];
}

/** How packets from the home address go, where that changed. */
export function uplink(outputs: readonly Output[]) {
  const rules = outputs.flatMap(output =>
    output.kind === 'forward' && output.rule.from?.address === home ? [output.rule.via] : [],
  );
  return rules.at(-1)?.kind;
}
