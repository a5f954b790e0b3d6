import { type Address, parseAddress } from '../../src/base/address.js';
import { type LinkAddress, parseLinkAddress } from '../../src/base/link-address.js';
import { formatPrefix, hostPrefix } from '../../src/base/prefix.js';
import { hexToBytes } from '../../src/base/text.js';
import type { ContextTransferSettings } from '../../src/protocol/context-transfer/config.js';
import type { Input, Output, Via } from '../../src/protocol/contract.js';
import { type CxtpMessage, type CxtpMessageOf, decodeCxtp, encodeCxtp } from '../../src/wire/cxtp/messages.js';
import { anchorAddress, isHeld, loa, station } from './gateway.js';
import { accepted, mobileProfile, TriggeringBench, type TriggeringOptions } from './triggering-gateway.js';

export const domainKey = hexToBytes('00112233445566778899aabbccddeeff');
export const addressOf = { a: parseAddress('fd00::1'), b: parseAddress('fd00::2'), c: parseAddress('fd00::3') };
export const accessPointOf = {
  a: parseLinkAddress('02:00:00:00:0a:01'),
  b: parseLinkAddress('02:00:00:00:0b:01'),
  c: parseLinkAddress('02:00:00:00:0c:01'),
};
export type Name = keyof typeof addressOf;
const names: readonly Name[] = ['a', 'b', 'c'];

interface Posted {
  readonly from: Address;
  readonly to: Address;
  readonly message: CxtpMessage;
}

/** A gateway that hands its mobiles over, and what it says to others. */
export class TransferringBench extends TriggeringBench {
  readonly posted: Posted[] = [];

  constructor(
    readonly name: Name,
    settings: Partial<ContextTransferSettings> = {},
    clients: TriggeringOptions['clients'] = [{}],
  ) {
    super({ address: addressOf[name], contextTransfer: settingsOf(name, settings), clients });
  }

  override give(input: Input): Output[] {
    const outputs = super.give(input);
    for (const output of outputs)
      if (output.kind === 'message' && output.service === 'cxtp')
        this.posted.push({ from: addressOf[this.name], to: output.peer, message: decodeCxtp(output.data) });
    return outputs;
  }

  hear(message: CxtpMessage, peer: Address): Output[] {
    return this.give({ kind: 'message', service: 'cxtp', peer, data: encodeCxtp(message) });
  }

  expects(to: Name, who: LinkAddress = station): Output[] {
    return this.give({ kind: 'handoffExpected', link: 'radio', station: who, accessPoint: accessPointOf[to] });
  }

  attachFrom(previousAccessPoint?: LinkAddress, identity?: string): Output[] {
    return this.give({
      kind: 'attached',
      link: 'radio',
      station,
      accessTechnology: 4,
      handoff: 'betweenGateways',
      ...(previousAccessPoint && { previousAccessPoint }),
      ...(identity && { identity }),
    });
  }

  /** Where packets for the mobile go. */
  get via(): Via | undefined {
    const rule = this.rules.get(`to ${formatPrefix(hostPrefix(loa))}`);
    return rule?.kind === 'forward' ? rule.rule.via : undefined;
  }

  /** In short: `link`, `park`, or the gateway at the end of the tunnel. */
  get way(): string | undefined {
    const { via } = this;
    if (via?.kind !== 'tunnel') return via?.kind;
    return names.find(name => addressOf[name] === via.remote) ?? 'anchor';
  }

  /** From whom packets for the mobile are taken. */
  get open(): string[] {
    return this.#ends(false);
  }

  get held(): string[] {
    return this.#ends(true);
  }

  #ends(held: boolean): string[] {
    return [...this.ends.values()]
      .flatMap(output => {
        if (output.kind !== 'admit' || isHeld(output) !== held) return [];
        const { remote } = output.end;
        return remote === anchorAddress ? ['anchor'] : names.filter(name => addressOf[name] === remote);
      })
      .sort();
  }

  get transfers() {
    return [...this.engine.views.transfers()].map(({ direction, state }) => `${direction} ${state}`);
  }
}

function settingsOf(own: Name, settings: Partial<ContextTransferSettings>): ContextTransferSettings {
  return {
    key: domainKey,
    neighbours: names
      .filter(name => name !== own)
      .map(name => ({ address: addressOf[name], accessPoints: [accessPointOf[name]] })),
    forward: true,
    limitOctets: 100_000,
    maximumTransferMs: 200,
    expectedWithinMs: 2000,
    releaseMs: 1000,
    maximumExpected: 10,
    ...settings,
  };
}

/** Three gateways beside each other; what they say to each other goes when it is carried. */
export class Neighbourhood {
  readonly a: TransferringBench;
  readonly b: TransferringBench;
  readonly c: TransferringBench;
  readonly carried: Posted[] = [];

  constructor(settings: Partial<ContextTransferSettings> = {}) {
    this.a = new TransferringBench('a', settings);
    this.b = new TransferringBench('b', settings);
    this.c = new TransferringBench('c', settings);
  }

  /** Everything said, in order, until nobody says more. */
  carry(arrives: (posted: Posted) => boolean = () => true): this {
    for (;;) {
      const posted = [this.a, this.b, this.c].flatMap(({ posted: said }) => said.splice(0));
      if (posted.length === 0) return this;
      for (const one of posted) {
        if (!arrives(one)) continue;
        this.carried.push(one);
        const to = [this.a, this.b, this.c].find(({ name }) => addressOf[name] === one.to);
        to?.hear(one.message, one.from);
      }
    }
  }

  until(atS: number): this {
    for (const bench of [this.a, this.b, this.c]) bench.until(atS);
    return this;
  }

  said<K extends CxtpMessage['kind']>(kind: K): CxtpMessageOf<K>[] {
    return this.carried.flatMap(({ message }) => (message.kind === kind ? [message as CxtpMessageOf<K>] : []));
  }

  /** The mobile is registered at a. */
  home(): this {
    this.a.attach(station, 'radio', 'newInterface');
    this.a.authenticate({ ...mobileProfile, anchorLinkAddress: parseLinkAddress('00:00:5e:00:52:13') });
    this.a.notify([{ kind: 'status', status: 129 }]);
    this.a.probes(loa);
    this.a.notify();
    this.carry().carried.length = 0;
    return this;
  }

  /** It was foreseen, has left a, has come to b, and is registered there. */
  moved(): this {
    this.home().a.expects('b');
    this.carry().a.detach();
    this.b.attachFrom();
    this.b.notify(accepted());
    return this.carry();
  }
}
