import { z } from 'zod';
import type { Address } from '../../src/base/address.js';
import { parseAddress } from '../../src/base/address.js';
import type { LinkAddress } from '../../src/base/link-address.js';
import { hostPrefix } from '../../src/base/prefix.js';
import { address, linkAddress, name, parsed } from '../../src/protocol/config.js';
import type { Engine, Input, Output } from '../../src/protocol/contract.js';
import type { Role } from '../../src/protocol/scheme.js';

export interface EchoConfig {
  readonly address: Address;
  readonly accessLinks: readonly { readonly name: string }[];
  readonly anchorLinkAddress?: LinkAddress | undefined;
  /** A rule the engine declares when it starts. */
  readonly rule?: Address | undefined;
}

/** A role that remembers what it was told: stores each attached station, counts inputs, forwards to `rule`. */
export const echoRole: Role<EchoConfig> = {
  name: 'echo',
  title: 'Says what it heard',
  parse: config =>
    parsed(
      z.strictObject({
        address,
        accessLinks: z.array(z.strictObject({ name })).default([]),
        anchorLinkAddress: linkAddress.optional(),
        rule: address.optional(),
      }),
      config,
    ),
  create: config => new EchoEngine(config),
};

class EchoEngine implements Engine {
  readonly #config: EchoConfig;
  readonly #stations = new Set<string>();
  readonly #counts = { inputs: 0 };
  readonly #heard: { command?: string; link?: string }[] = [];
  readonly deadline = undefined;
  readonly interests;

  constructor(config: EchoConfig) {
    this.#config = config;
    this.interests = { protocols: [], accessLinks: config.accessLinks.map(link => link.name), udpPorts: [] };
  }

  get counters() {
    return this.#counts;
  }
  get views() {
    return {
      visitors: () => [...this.#stations].map(identity => ({ identity })),
      maps: () => [{ map: '2001:db8:a::1' }],
      heard: () => this.#heard,
    };
  }

  handle(input: Input): Output[] {
    this.#counts.inputs++;
    if (input.kind === 'restored') return this.#restore(input.records);
    if (input.kind === 'command') this.#heard.push({ command: JSON.stringify(input.command) });
    if (input.kind === 'link') this.#heard.push({ link: `${input.link} ${input.up}` });
    if (input.kind !== 'attached') return [];
    const identity = input.identity ?? 'nobody';
    this.#stations.add(identity);
    return [{ kind: 'store', key: identity, value: true }];
  }

  #restore(records: Iterable<{ readonly key: string }>): Output[] {
    for (const { key } of records) this.#stations.add(key);
    const to = hostPrefix(this.#config.rule ?? parseAddress('2001:db8:ffff::1'));
    return [{ kind: 'forward', rule: { to, via: { kind: 'drop' } } }];
  }
}
