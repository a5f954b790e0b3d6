import { type Address, parseAddress } from '../../src/base/address.js';
import type { ContextTransferSettings } from '../../src/protocol/context-transfer/config.js';
import { withContextTransfer } from '../../src/protocol/context-transfer/context-transfer.js';
import type { Environment, Output, Profile } from '../../src/protocol/contract.js';
import type { GatewayConfig } from '../../src/protocol/gateway/config.js';
import type { ProxyDhcp } from '../../src/protocol/gateway/dhcp-proxy.js';
import { Gateway } from '../../src/protocol/gateway/gateway.js';
import type { Transfers, Visits } from '../../src/protocol/gateway/transfers.js';
import { type ClientChoice, Clients, type KnownClient } from '../../src/protocol/netlmm/client-choice.js';
import { triggeringDialect } from '../../src/protocol/netlmm/mag.js';
import { encodePacket } from '../../src/wire/ipv6/codec.js';
import type { Packet } from '../../src/wire/ipv6/packet.js';
import { type BindingAcknowledgement, bindingAcknowledgementFlags } from '../../src/wire/mobility/messages.js';
import {
  decodePmip,
  encodePmip,
  findPmipOption,
  type PmipMessage,
  type PmipOption,
} from '../../src/wire/pmip/messages.js';
import { anchorAddress, GatewayBench, gatewayAddress, gatewayConfig, identity, lnp, loa } from './gateway.js';
import { environment } from './signalling.js';

export const clientAddress = parseAddress('fd00:c::1');
export const otherClient = parseAddress('fd00:c::2');
/** The mobile's profile: the LMA's prefix, addresses by autoconfiguration. */
export const mobileProfile: Profile = { identity, prefix: lnp, addressing: ['slaac'] };

export interface TriggeringOptions {
  readonly clients?: readonly Partial<KnownClient>[];
  readonly choice?: ClientChoice;
  readonly prefixPerMobile?: boolean;
  readonly anchor?: Address | undefined;
  readonly address?: Address;
  readonly transfers?: (visits: Visits) => Transfers;
  readonly proxyDhcp?: ProxyDhcp;
  readonly formerAddress?: 'keep' | 'drop';
  readonly lmas?: GatewayConfig['lmas'];
  readonly world?: Environment;
  readonly contextTransfer?: ContextTransferSettings;
}

/** A gateway whose mobiles PMIP clients register. */
export class TriggeringBench extends GatewayBench {
  constructor(options: TriggeringOptions = {}) {
    const {
      choice = 'identifier',
      prefixPerMobile = false,
      transfers,
      contextTransfer,
      world = environment(),
    } = options;
    const known = (options.clients ?? [{}]).map(client => ({
      address: clientAddress,
      identities: [],
      realms: [],
      ...client,
    }));
    const anchor = 'anchor' in options ? options.anchor : anchorAddress;
    const { address = gatewayAddress } = options;
    const { proxyDhcp, lmas, formerAddress = 'keep' } = options;
    const park = { limitOctets: 100_000 };
    const config = { ...gatewayConfig, address, anchor, park, proxyDhcp, formerAddress, ...(lmas && { lmas }) };
    const dialect = triggeringDialect({ prefixPerMobile }, new Clients(known, choice, address), world);
    const gateway = (handover: typeof transfers) => new Gateway(config, dialect, world, handover);
    super(contextTransfer ? withContextTransfer({ ...config, contextTransfer }, world, gateway) : gateway(transfers));
  }

  get triggers(): (PmipMessage & { readonly peer: Address })[] {
    return this.pmipMessages.filter(message => message.kind === 'trigger');
  }

  get pmipMessages(): (PmipMessage & { readonly peer: Address })[] {
    return this.outputs.flatMap(output => messageIn(output) ?? []);
  }

  get trigger(): PmipMessage & { readonly peer: Address } {
    const trigger = this.triggers.at(-1);
    if (!trigger) throw new Error('no trigger was sent');
    return trigger;
  }

  /** A message of a PMIP client. */
  tell(message: PmipMessage, peer = clientAddress): Output[] {
    return this.give({ kind: 'message', service: 'pmip', peer, data: encodePmip(message) });
  }

  /** The Notification for the trigger that has just been sent. */
  notify(options: readonly PmipOption[] = accepted(), to = this.trigger): Output[] {
    return this.tell({ kind: 'notification', transaction: to.transaction, options }, to.peer);
  }

  /** What a client says unasked. */
  announce(status: number, more: readonly PmipOption[] = [], peer = clientAddress): Output[] {
    const options: PmipOption[] = [
      { kind: 'status', status },
      { kind: 'l2Id', subtype: 1, identifier: identity },
      ...more,
    ];
    return this.tell({ kind: 'notification', transaction: 0, options }, peer);
  }

  /** Attached, its address shown, registered, served. */
  override register(profile: Profile = mobileProfile): this {
    this.attach();
    this.authenticate(profile);
    this.notify([{ kind: 'status', status: 129 }]);
    this.probes(loa);
    this.notify();
    return this;
  }

  /** The kinds of rules there are, by destination and source. */
  get vias(): string[] {
    return [...this.rules.entries()].map(([key, output]) =>
      output.kind === 'forward' ? `${key} ${output.rule.via.kind}` : key,
    );
  }
}

function messageIn(output: Output): (PmipMessage & { readonly peer: Address }) | undefined {
  if (output.kind !== 'message' || output.service !== 'pmip') return undefined;
  const message = decodePmip(output.data);
  if (message.kind === 'unknown') throw new Error('not a message of this version');
  return { ...message, peer: output.peer };
}

export function optionOf<K extends PmipOption['kind']>(message: PmipMessage, kind: K) {
  return findPmipOption(message, kind);
}

/** What a client says of a binding that the LMA accepted. */
export function accepted(address: Address = loa, lma = anchorAddress, lifetimeS = 3600): PmipOption[] {
  return [{ kind: 'status', status: 0 }, { kind: 'ipAddress', address }, container({ lifetimeS }, lma)];
}

/** The PBAck as the client got it. */
export function container(answer: Partial<BindingAcknowledgement> = {}, lma = anchorAddress): PmipOption {
  const packet: Packet = {
    source: lma,
    destination: loa,
    hopLimit: 60,
    payload: {
      kind: 'mobility',
      message: {
        kind: 'bindingAcknowledgement',
        status: 0,
        flags: bindingAcknowledgementFlags({}),
        sequence: 1,
        lifetimeS: 3600,
        options: [],
        ...answer,
      },
    },
  };
  return { kind: 'container', packet: encodePacket(packet) };
}
