import { type Address, parseAddress } from '../../src/base/address.js';
import type { LinkId, Output } from '../../src/protocol/contract.js';
import { AgentReach, type AgentReachSettings } from '../../src/protocol/lma6/mobile/agent-reach.js';
import type { MobileNodeSettings } from '../../src/protocol/mobile/mobile-node.js';
import { mobilityPacket, toMobile } from '../../src/protocol/mobile/packets.js';
import type { NeighbourOption } from '../../src/wire/icmpv6/neighbour-options.js';
import type { Packet } from '../../src/wire/ipv6/packet.js';
import { type BindingUpdate, bindingAcknowledgementFlags } from '../../src/wire/mobility/messages.js';
import type { MobilityOption } from '../../src/wire/mobility/options.js';
import type { VendorContent } from '../../src/wire/mobility/vendor.js';
import { home, homeAgent, MobileWorld } from './mobile-world.js';

/** The care-of address of agent `n`, and where IPv4 tunnels to it end. */
export function agentAt(n: number): Address {
  return parseAddress(`2001:db8:a:${n}::1`);
}
export function ipv4At(n: number): Address {
  return parseAddress(`::ffff:10.0.0.${n}`);
}
/** The mobile's own address below router `n`. */
export function coLocatedAt(n: number): Address {
  return parseAddress(`2001:db8:2:${n}::7`);
}
export function routerAt(n: number): Address {
  return parseAddress(`fe80::${n}`);
}
export const homeAgentIpv4 = parseAddress('::ffff:10.0.0.99');

/** What a router says of agents: the lowest first, on the link unless told otherwise. */
export interface Heard {
  readonly agents: readonly Address[];
  readonly onLink?: boolean;
  readonly ipv4?: boolean;
  readonly lifetimeS?: number;
  readonly sequence?: number;
  readonly zone?: number;
}

export function agentOptions({ agents, onLink = true, ipv4 = false, ...others }: Heard): NeighbourOption[] {
  const { lifetimeS = 600, sequence = 5, zone } = others;
  const addresses = agents.flatMap(agent => (ipv4 ? [agent, ipv4At(numberOf(agent))] : [agent]));
  const flags = { ownCareOfAddressNeeded: !onLink, ipv4Tunnel: ipv4 };
  const option = { kind: 'localMobilityAgents', sequence, lifetimeS, flags, addresses } as const;
  return zone === undefined ? [option] : [option, { kind: 'anchoring', zone }];
}

function numberOf(agent: Address): number {
  for (let n = 0; n < 100; n++) if (agentAt(n) === agent) return n;
  throw new RangeError('an agent of this world');
}

const settings: AgentReachSettings = {
  homeAddress: home,
  homeAgent: { address: homeAgent, ipv4Address: homeAgentIpv4 },
  mode: 'onePhase',
  agents: [],
  careOf: 'agent',
  ipv4: false,
  anchoring: true,
  attempts: 3,
  nestedAttempts: 2,
  lifetimeS: 3600,
  parkOctets: 10_000,
  trusts: () => true,
};

/** One update of those nested in each other, the outermost first. */
export interface Layer {
  readonly packet: Packet;
  readonly update: BindingUpdate;
}

/** A mobile node that knows local mobility agents, in a test's hands. */
export class AgentWorld extends MobileWorld {
  constructor(changes: Partial<AgentReachSettings> = {}, node: Partial<MobileNodeSettings> = {}) {
    const reach = { ...settings, ...changes };
    super({ borrows: reach.careOf === 'agent', lifetimeS: 3600, ...node }, ({ random }) => ({
      reach: new AgentReach(reach, random),
    }));
  }

  /** Below router `n`, whose link was not there before: link and advertisement; an address of its own only where asked for. */
  moveTo(n: number, heard: readonly Heard[], own = false): Output[] {
    const outputs = [...this.link(false), ...this.link(true), ...this.hear(n, heard)];
    return own ? [...outputs, ...this.address('preferred', coLocatedAt(n))] : outputs;
  }

  hear(n: number, heard: readonly Heard[], link: LinkId = 'wlan0'): Output[] {
    return this.advertised(`2001:db8:2:${n}::/64`, routerAt(n), heard.flatMap(agentOptions), link);
  }

  /** The home agent's answer as an agent passes it on: from inside what came to the agent. */
  homeAnswers(layers: readonly Layer[], answer: Answer = {}): Output[] {
    const { update } = innermost(layers);
    return this.give({ kind: 'packet', packet: mobilityPacket(homeAgent, home, acknowledging(update, answer)) });
  }

  /** The answer of whom the innermost update of a nest is for, as it comes to the home address. */
  agentAnswers(layers: readonly Layer[], answer: Answer = {}): Output[] {
    return this.answers(innermost(layers), answer);
  }

  /** That of one of them. */
  answers({ packet, update }: Layer, answer: Answer = {}): Output[] {
    const { source, destination } = packet;
    const message = acknowledging(update, answer);
    return this.give({ kind: 'packet', packet: toMobile(destination, source, home, message) });
  }

  /** The home agent's answer to what was sent from an agent's care-of address, after the agent adjusted the routing header. */
  homeAnswersPlainly({ packet, update }: Layer, answer: Answer = {}): Output[] {
    const headers = [{ kind: 'routingType2', segmentsLeft: 0, homeAddress: packet.source }] as const;
    const passed = { ...mobilityPacket(homeAgent, home, acknowledging(update, answer)), headers };
    return this.give({ kind: 'packet', packet: passed });
  }

  /** There, and registered in one phase through what was heard. */
  settle(n: number, heard: readonly Heard[], own = false): Output[] {
    const outputs = this.moveTo(n, heard, own);
    return [...outputs, ...this.homeAnswers(nestIn(outputs))];
  }
}

export interface Answer {
  readonly status?: number;
  readonly lifetimeS?: number;
  readonly sequence?: number;
  readonly options?: readonly MobilityOption[];
}

function acknowledging(update: BindingUpdate, answer: Answer) {
  const { status = 0, lifetimeS = update.lifetimeS, sequence = update.sequence, options = [] } = answer;
  const flags = bindingAcknowledgementFlags({});
  return { kind: 'bindingAcknowledgement', status, flags, sequence, lifetimeS, options } as const;
}

/** Each Binding Update that was put out, with those nested in it. */
export function nestsIn(outputs: readonly Output[]): Layer[][] {
  return outputs.flatMap(output => {
    if (output.kind !== 'send') return [];
    const layers = layersOf(output.packet);
    return layers.length > 0 ? [layers] : [];
  });
}

/** The only one of them. */
export function nestIn(outputs: readonly Output[]): Layer[] {
  const nests = nestsIn(outputs);
  if (nests.length !== 1) throw new Error(`one nest of updates, not ${nests.length}`);
  return nests[0];
}

function layersOf(packet: Packet): Layer[] {
  const { payload } = packet;
  if (payload.kind !== 'mobility' || payload.message.kind !== 'bindingUpdate') return [];
  return [{ packet, update: payload.message }, ...(payload.nested ? layersOf(payload.nested) : [])];
}

export function innermost(layers: readonly Layer[]): Layer {
  const last = layers.at(-1);
  if (!last) throw new Error('an update');
  return last;
}

export function careOfIn({ update }: Layer): Address | undefined {
  for (const option of update.options) if (option.kind === 'alternateCareOfAddress') return option.careOfAddress;
  return undefined;
}

export function vendorIn<K extends VendorContent['kind']>(
  { options }: { readonly options: readonly MobilityOption[] },
  kind: K,
): Extract<VendorContent, { kind: K }> | undefined {
  for (const option of options)
    if (option.kind === 'vendorSpecific' && option.content.kind === kind)
      return option.content as Extract<VendorContent, { kind: K }>;
  return undefined;
}
